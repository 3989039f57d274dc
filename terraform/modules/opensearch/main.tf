# OpenSearch for visibility, inside the network, over the zones.

locals {
  name = var.domain_name
  arn  = "arn:${var.partition}:es:${var.region}:${var.account_id}:domain/${local.name}"
}

resource "aws_security_group" "this" {
  name        = "${var.name}-opensearch"
  description = "OpenSearch of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-opensearch" }
}

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_338: log_retention_days is an input: what a run needs is in its result
  name              = "/opensearch/${local.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_resource_policy" "this" {
  policy_name = local.name
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "es.amazonaws.com" }
      Action    = ["logs:PutLogEvents", "logs:CreateLogStream"]
      Resource  = "${aws_cloudwatch_log_group.this.arn}:*"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_opensearch_domain" "this" {
  # checkov:skip=CKV2_AWS_52: roles sign their requests, and the access policy names them; there are no users
  # checkov:skip=CKV2_AWS_59: an input: prod has them, others have nothing to lose
  # checkov:skip=CKV_AWS_318: an input: prod has them, others have nothing to lose
  # checkov:skip=CKV_AWS_247: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_317: audit logs need users of its own, which there are none of
  domain_name    = local.name
  engine_version = var.engine_version

  cluster_config {
    instance_type            = var.instance_type
    instance_count           = var.instance_count
    zone_awareness_enabled   = length(var.subnet_ids) > 1
    dedicated_master_enabled = var.dedicated_masters
    dedicated_master_count   = var.dedicated_masters ? 3 : null
    dedicated_master_type    = var.dedicated_masters ? var.instance_type : null

    dynamic "zone_awareness_config" {
      for_each = length(var.subnet_ids) > 1 ? [1] : []
      content {
        # The service spreads over two zones or three.
        availability_zone_count = min(length(var.subnet_ids), 3)
      }
    }
  }

  ebs_options {
    ebs_enabled = true
    volume_type = "gp3"
    volume_size = var.volume_gib
    iops        = 3000
    throughput  = 125
  }

  vpc_options {
    subnet_ids         = slice(var.subnet_ids, 0, min(length(var.subnet_ids), 3))
    security_group_ids = [aws_security_group.this.id]
  }

  encrypt_at_rest {
    enabled = true
  }

  node_to_node_encryption {
    enabled = true
  }

  domain_endpoint_options {
    enforce_https       = true
    tls_security_policy = "Policy-Min-TLS-1-2-PFS-2023-10"
  }

  log_publishing_options {
    log_type                 = "ES_APPLICATION_LOGS"
    cloudwatch_log_group_arn = aws_cloudwatch_log_group.this.arn
  }

  access_policies = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.principal_arns }
      Action    = [for method in ["Get", "Head", "Post", "Put", "Delete"] : "es:ESHttp${method}"]
      Resource  = "${local.arn}/*"
    }]
  })

  depends_on = [aws_cloudwatch_log_resource_policy.this]
}
