# Temporal on ECS with Aurora DSQL, and the benchmark on top of it. One root for all environments: envs/*.tfvars hold their
# values, envs/*.s3.tfbackend where their state lies. `account/` is applied first and once.
#
# Here: network, cluster, instances, and what the servers keep their state in. tasks.tf has what runs on them.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  tags       = { Project = var.project_name, Environment = var.environment, ManagedBy = "terraform" }
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  arn        = "arn:${local.partition}"

  # Without Temporal here there is neither database nor search, only what the benchmark needs.
  own = var.temporal_elsewhere == null

  interface_endpoints = [
    "ecr.api", "ecr.dkr", "logs", "ssm", "ssmmessages", "ec2messages", "secretsmanager", "aps-workspaces",
    "ecs", "ecs-agent", "ecs-telemetry", "monitoring", "servicediscovery",
  ]

  # Names that more than one module must know before the thing itself is made. Those of buckets are unique in the world,
  # that of a domain has 28 characters at most.
  unique         = substr(sha256("${local.account_id} ${var.region}"), 0, 12)
  loki_bucket    = "${var.project_name}-loki-${local.unique}"
  results_bucket = "${var.project_name}-results-${local.unique}"
  domain_name    = length(var.project_name) <= 17 ? "${var.project_name}-visibility" : "${trimsuffix(substr(var.project_name, 0, 19), "-")}-${substr(sha256(var.project_name), 0, 8)}"
  opensearch_arn = "${local.arn}:es:${var.region}:${local.account_id}:domain/${local.domain_name}"
}

module "vpc" {
  source = "./modules/vpc"

  name                = var.project_name
  region              = var.region
  account_id          = local.account_id
  partition           = local.partition
  cidr                = var.vpc_cidr
  availability_zones  = var.availability_zones
  nat_gateways        = var.nat_gateways
  interface_endpoints = var.enable_vpc_endpoints ? local.interface_endpoints : []
  log_retention_days  = var.log_retention_days
}

module "ecs_cluster" {
  source = "./modules/ecs-cluster"

  name               = var.project_name
  vpc_id             = module.vpc.vpc_id
  log_retention_days = var.log_retention_days
}

# Instances.

locals {
  pools = merge(
    {
      main = { instance_type = var.ec2_instance_type, max_size = var.ec2_instance_count, spot = false }
    },
    var.benchmark_enabled ? {
      benchmark = { instance_type = var.benchmark_instance_type, max_size = var.benchmark_max_instances, spot = var.benchmark_spot }
      # A generator that shares its cores measures its neighbours.
      generator = { instance_type = var.generator_instance_type, max_size = var.generator_max_instances, spot = false }
    } : {},
  )
}

module "ec2_capacity" {
  source   = "./modules/ec2-capacity"
  for_each = local.pools

  name               = var.project_name
  pool               = each.key
  partition          = local.partition
  cluster_name       = module.ecs_cluster.name
  subnet_ids         = module.vpc.private_subnet_ids
  security_group_ids = [aws_security_group.kind["instance"].id]
  instance_type      = each.value.instance_type
  cpu_architecture   = var.cpu_architecture
  max_size           = each.value.max_size
  spot               = each.value.spot
  tags               = local.tags
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = module.ecs_cluster.name
  capacity_providers = concat(["FARGATE"], [for pool in module.ec2_capacity : pool.capacity_provider])
}

# What the servers keep their state in.

module "dsql" {
  source = "./modules/dsql"
  count  = local.own ? 1 : 0

  name                = var.project_name
  region              = var.region
  private             = var.enable_vpc_endpoints
  vpc_id              = module.vpc.vpc_id
  subnet_ids          = module.vpc.private_subnet_ids
  deletion_protection = var.deletion_protection
  existing = var.dsql_cluster_endpoint == null ? null : {
    endpoint                  = var.dsql_cluster_endpoint
    arn                       = var.dsql_cluster_arn
    vpc_endpoint_service_name = var.dsql_vpc_endpoint_service_name
  }
}

module "dynamodb" {
  source = "./modules/dynamodb"
  count  = local.own ? 1 : 0

  name                = var.project_name
  conn_lease_enabled  = var.dsql_distributed_conn_lease_enabled
  deletion_protection = var.deletion_protection
}

module "opensearch" {
  source = "./modules/opensearch"
  count  = local.own ? 1 : 0

  name               = var.project_name
  domain_name        = local.domain_name
  region             = var.region
  account_id         = local.account_id
  partition          = local.partition
  vpc_id             = module.vpc.vpc_id
  subnet_ids         = module.vpc.private_subnet_ids
  engine_version     = var.opensearch_version
  instance_type      = var.opensearch_instance_type
  instance_count     = var.opensearch_instance_count
  dedicated_masters  = var.opensearch_dedicated_masters
  principal_arns     = [module.iam.task_role_arns["temporal"], module.iam.task_role_arns["setup"]]
  log_retention_days = var.log_retention_days
}

# Who may do what. Secrets are made by account/, in no state.

module "iam" {
  source = "./modules/iam"

  project                  = var.project_name
  partition                = local.partition
  region                   = var.region
  account_id               = local.account_id
  cluster_name             = module.ecs_cluster.name
  exec_log_group_arn       = module.ecs_cluster.exec_log_group.arn
  prometheus_workspace_arn = module.observability.workspace.arn
  temporal                 = local.own
  dsql                     = local.own ? { arn = module.dsql[0].arn, user = var.dsql_user } : null
  dynamodb_table_arns      = local.own ? [module.dynamodb[0].rate_limiter.arn, module.dynamodb[0].conn_lease.arn] : []
  opensearch_arn           = local.own ? local.opensearch_arn : null
  loki_bucket              = local.loki_bucket
  repository_arns          = local.repository_arns
  benchmark_enabled        = var.benchmark_enabled
  secret_arns = concat(
    [data.aws_secretsmanager_secret.grafana.arn],
    data.aws_secretsmanager_secret.fleet_token[*].arn,
    data.aws_secretsmanager_secret.api_key[*].arn,
  )
  benchmark = var.benchmark_enabled ? {
    bucket_arn         = "${local.arn}:s3:::${local.results_bucket}"
    leader_service_arn = module.benchmark[0].leader_service.arn
    zone_id            = module.ecs_cluster.namespace.zone_id
    worker_service_arn = "${local.arn}:ecs:${var.region}:${local.account_id}:service/${module.ecs_cluster.name}/${var.project_name}-benchmark-worker"
  } : null
}

data "aws_secretsmanager_secret" "grafana" {
  name = var.grafana_admin_secret_name
}

data "aws_secretsmanager_secret" "fleet_token" {
  count = var.benchmark_enabled ? 1 : 0
  name  = var.fleet_token_secret_name
}

data "aws_secretsmanager_secret" "api_key" {
  count = try(var.temporal_elsewhere.api_key_secret_name, null) == null ? 0 : 1
  name  = var.temporal_elsewhere.api_key_secret_name
}
