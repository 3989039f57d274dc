# Aurora DSQL: a cluster of its own, or one that is there already; and the private way to it.

resource "aws_dsql_cluster" "this" {
  count                       = var.existing == null ? 1 : 0
  deletion_protection_enabled = var.deletion_protection
  tags                        = { Name = var.name }
}

locals {
  created = var.existing == null
  arn     = local.created ? aws_dsql_cluster.this[0].arn : var.existing.arn
  id      = local.created ? aws_dsql_cluster.this[0].identifier : element(split("/", var.existing.arn), 1)
  service = local.created ? aws_dsql_cluster.this[0].vpc_endpoint_service_name : var.existing.vpc_endpoint_service_name
  # com.amazonaws.eu-west-1.dsql-fnh4: the last part names the service's own domain.
  private = local.service == null ? null : "${local.id}.${element(split(".", local.service), length(split(".", local.service)) - 1)}.${var.region}.on.aws"
  public  = local.created ? "${local.id}.dsql.${var.region}.on.aws" : var.existing.endpoint
}

resource "aws_security_group" "this" {
  count       = var.private ? 1 : 0
  name        = "${var.name}-dsql"
  description = "Private link to Aurora DSQL"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-dsql" }
}

resource "aws_vpc_endpoint" "this" {
  count               = var.private ? 1 : 0
  vpc_id              = var.vpc_id
  service_name        = local.service
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = var.subnet_ids
  security_group_ids  = [aws_security_group.this[0].id]
  tags                = { Name = "${var.name}-dsql" }

  lifecycle {
    precondition {
      condition     = local.service != null
      error_message = "dsql_vpc_endpoint_service_name: a DSQL cluster from elsewhere needs the name of its endpoint service to be reached privately (aws dsql get-vpc-endpoint-service-name --identifier ID)."
    }
  }
}
