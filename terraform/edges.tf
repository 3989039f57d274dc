# Who may talk to whom. The rules are made from this table and from nothing else; docs/aws.md shows it.

locals {
  temporal = local.own ? ["history", "matching", "frontend", "worker"] : []
  servers  = [for service in local.temporal : "temporal-${service}"]
  members  = var.benchmark_enabled ? ["benchmark-worker", "generator"] : []

  grpc = { for service, port in { history = 7234, matching = 7235, frontend = 7233 } : service => port if local.own }
  # One ring: each member pings the others.
  membership = { for service, port in { history = 6934, matching = 6935, frontend = 6933, worker = 6939 } : service => port if local.own }

  # Those whose lines go to Loki. A generator is no service, so it could not find Loki; its lines are followed in CloudWatch.
  logging = concat(local.servers, local.own ? ["temporal-ui"] : [], [for member in local.members : member if member != "generator"])

  edges = concat(
    [for pair in setproduct(local.servers, keys(local.membership)) : {
      from = pair[0], to = "temporal-${pair[1]}", port = local.membership[pair[1]], why = "membership"
    }],
    [for pair in setproduct(local.servers, keys(local.grpc)) : {
      from = pair[0], to = "temporal-${pair[1]}", port = local.grpc[pair[1]], why = "calls"
    }],
    [for from in local.own ? concat(["temporal-ui"], local.members) : [] : {
      from = from, to = "temporal-frontend", port = 7233, why = "clients"
    }],
    [for from in local.members : { from = from, to = "generator", port = 7400, why = "members join" }],
    [for from in local.logging : { from = from, to = "loki", port = 3100, why = "logs" }],
    [{ from = "grafana", to = "loki", port = 3100, why = "reads logs" }],
    [for from in local.own ? concat(local.servers, ["setup"]) : [] : { from = from, to = "opensearch", port = 443, why = "visibility" }],
    [for from in local.own && var.enable_vpc_endpoints ? concat(local.servers, ["setup"]) : [] : {
      from = from, to = "dsql", port = 5432, why = "database"
    }],
    [for from in var.enable_vpc_endpoints ? concat(keys(local.task_kinds), ["instance"]) : [] : { from = from, to = "endpoints", port = 443, why = "AWS" }],
  )

  # Kinds of task, each with a security group of its own.
  task_kinds = merge(
    { for service in local.temporal : "temporal-${service}" => "Temporal ${service}" },
    { for kind, text in { temporal-ui = "Temporal Web UI", setup = "One-shot set-up tasks" } : kind => text if local.own },
    { grafana = "Grafana", loki = "Loki" },
    { for kind, text in { benchmark-worker = "Benchmark workers", generator = "Load generators" } : kind => text if var.benchmark_enabled },
  )

  security_groups = merge(
    { for kind, group in aws_security_group.kind : kind => group.id },
    { endpoints = module.vpc.endpoints_security_group_id },
    local.own ? { opensearch = module.opensearch[0].security_group_id } : {},
    local.own && var.enable_vpc_endpoints ? { dsql = module.dsql[0].security_group_id } : {},
  )

  # Out of the network, where there is a way: AWS by its public names; the database where there is no private link; and a
  # Temporal that is elsewhere.
  ways_out = var.nat_gateways == 0 ? {} : { for way in distinct(concat(
    [for kind in concat(keys(local.task_kinds), ["instance"]) : { kind = kind, port = 443 }],
    [for kind in local.own && !var.enable_vpc_endpoints ? concat(local.servers, ["setup"]) : [] : { kind = kind, port = 5432 }],
    [for kind in local.own ? [] : local.members : { kind = kind, port = tonumber(split(":", var.temporal_elsewhere.address)[1]) }],
  )) : "${way.kind} ${way.port}" => way }
}

resource "aws_security_group" "kind" {
  # checkov:skip=CKV2_AWS_5: attached to tasks and instances, in modules that the check does not follow
  for_each    = merge(local.task_kinds, { instance = "Instances of all pools" })
  name        = "${var.project_name}-${each.key}"
  description = each.value
  vpc_id      = module.vpc.vpc_id
  tags        = { Name = "${var.project_name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "edge" {
  for_each                     = { for edge in local.edges : "${edge.from} ${edge.to} ${edge.port}" => edge }
  security_group_id            = local.security_groups[each.value.to]
  referenced_security_group_id = local.security_groups[each.value.from]
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = "${each.value.from}: ${each.value.why}"
}

resource "aws_vpc_security_group_egress_rule" "edge" {
  for_each                     = { for edge in local.edges : "${edge.from} ${edge.to} ${edge.port}" => edge }
  security_group_id            = local.security_groups[each.value.from]
  referenced_security_group_id = local.security_groups[each.value.to]
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = "to ${each.value.to}: ${each.value.why}"
}

# Gateway endpoints are reached by their prefix lists: images lie in S3, results too.
resource "aws_vpc_security_group_egress_rule" "gateway" {
  for_each          = { for pair in setproduct(concat(keys(local.task_kinds), ["instance"]), ["s3", "dynamodb"]) : "${pair[0]} ${pair[1]}" => { kind = pair[0], service = pair[1] } }
  security_group_id = local.security_groups[each.value.kind]
  prefix_list_id    = module.vpc.gateway_prefix_list_ids[each.value.service]
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  description       = "to ${each.value.service}"
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each          = local.ways_out
  security_group_id = local.security_groups[each.value.kind]
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = "by the NAT gateway"
}
