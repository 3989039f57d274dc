# Temporal on ECS with Aurora DSQL, and the benchmark on top of it. One root for all environments: envs/*.tfvars hold their
# values, envs/*.s3.tfbackend where their state lies. `account/` is applied first and once.

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  tags       = { Project = var.project_name, Environment = var.environment, ManagedBy = "terraform" }
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  arn        = "arn:${local.partition}"

  interface_endpoints = concat(
    [
      "ecr.api", "ecr.dkr", "logs", "ssm", "ssmmessages", "ec2messages", "secretsmanager", "aps-workspaces",
      "ecs", "ecs-agent", "ecs-telemetry", "monitoring", "servicediscovery",
    ],
  )

  services = {
    for service in local.temporal : service => {
      cpu    = { history = var.temporal_history_cpu, matching = var.temporal_matching_cpu, frontend = var.temporal_frontend_cpu, worker = var.temporal_worker_cpu }[service]
      memory = { history = var.temporal_history_memory, matching = var.temporal_matching_memory, frontend = var.temporal_frontend_memory, worker = var.temporal_worker_memory }[service]
      count  = { history = var.temporal_history_count, matching = var.temporal_matching_count, frontend = var.temporal_frontend_count, worker = var.temporal_worker_count }[service]
    }
  }

  # Names that more than one module must know before the thing itself is made.
  loki_bucket    = "${var.project_name}-loki-${local.account_id}-${var.region}"
  results_bucket = "${var.project_name}-results-${local.account_id}-${var.region}"
}

module "vpc" {
  source = "./modules/vpc"

  name                = var.project_name
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

  name                = var.project_name
  conn_lease_enabled  = var.dsql_distributed_conn_lease_enabled
  deletion_protection = var.deletion_protection
}

module "opensearch" {
  source = "./modules/opensearch"

  name               = var.project_name
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

module "iam" {
  source = "./modules/iam"

  project                  = var.project_name
  partition                = local.partition
  region                   = var.region
  account_id               = local.account_id
  cluster_name             = module.ecs_cluster.name
  exec_log_group_arn       = module.ecs_cluster.exec_log_group.arn
  prometheus_workspace_arn = module.observability.workspace.arn
  dsql                     = { arn = module.dsql.arn, user = var.dsql_user }
  dynamodb_table_arns      = [module.dynamodb.rate_limiter.arn, module.dynamodb.conn_lease.arn]
  loki_bucket              = local.loki_bucket
  secret_arns              = concat([data.aws_secretsmanager_secret.grafana.arn], data.aws_secretsmanager_secret.fleet_token[*].arn)
  benchmark = var.benchmark_enabled ? {
    bucket_arn         = "${local.arn}:s3:::${local.results_bucket}"
    leader_service_arn = module.benchmark[0].leader_service.arn
    zone_id            = module.ecs_cluster.namespace.zone_id
    worker_service_arn = "${local.arn}:ecs:${var.region}:${local.account_id}:service/${module.ecs_cluster.name}/${var.project_name}-benchmark-worker"
  } : null
}

# Secrets are made by account/, in no state.

data "aws_secretsmanager_secret" "grafana" {
  name = var.grafana_admin_secret_name
}

data "aws_secretsmanager_secret" "fleet_token" {
  count = var.benchmark_enabled ? 1 : 0
  name  = var.fleet_token_secret_name
}

# Sidecars and where lines go.

resource "aws_cloudwatch_log_group" "services" {
  name              = "/ecs/${var.project_name}/services"
  retention_in_days = var.log_retention_days
}

locals {
  awslogs = {
    for stream in concat(["grafana", "loki", "sidecars"]) : stream => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.services.name
        awslogs-region        = var.region
        awslogs-stream-prefix = stream
      }
    }
  }
}

module "alloy_sidecar" {
  source   = "./modules/alloy-sidecar"
  for_each = merge(local.task_kinds, {})

  service_name              = each.key
  cluster_name              = module.ecs_cluster.name
  region                    = var.region
  remote_write_url          = module.observability.workspace.remote_write_url
  alloy_image               = local.images["alloy"]
  fluent_bit_image          = local.images["fluent_bit"]
  alloy_cpu                 = var.alloy_cpu
  alloy_memory              = var.alloy_memory
  sidecar_log_configuration = local.awslogs["sidecars"]
}

# Temporal.

module "temporal_service" {
  source   = "./modules/temporal-service"
  for_each = local.services

  project            = var.project_name
  environment_name   = var.environment
  service_type       = each.key
  region             = var.region
  cluster_arn        = module.ecs_cluster.arn
  namespace          = module.ecs_cluster.namespace
  capacity_provider  = module.ec2_capacity["main"].capacity_provider
  subnet_ids         = module.vpc.private_subnet_ids
  security_group_ids = [aws_security_group.kind["temporal-${each.key}"].id]
  cpu                = each.value.cpu
  memory             = each.value.memory
  cpu_architecture   = var.cpu_architecture
  image              = local.images["temporal"]
  history_shards     = var.temporal_history_shards
  dsql = {
    host            = module.dsql.host
    user            = var.dsql_user
    max_connections = var.dsql_max_connections
  }
  dsql_environment   = local.dsql_environment
  opensearch         = { host = module.opensearch.endpoint, index = var.opensearch_visibility_index }
  sidecars           = module.alloy_sidecar["temporal-${each.key}"].containers
  log_configuration  = module.alloy_sidecar["temporal-${each.key}"].log_configuration
  execution_role_arn = module.iam.execution_role_arn
  task_role_arn      = module.iam.task_role_arns["temporal"]

  # A task resolves only endpoints that were there when it began, and a pool must be the cluster's before a service asks for it.
  depends_on = [aws_ecs_cluster_capacity_providers.this, module.observability]
}

locals {
  dsql_environment = merge(
    {
      DSQL_CONNECTION_RATE_LIMIT            = "8"
      DSQL_CONNECTION_BURST_LIMIT           = "40"
      DSQL_DISTRIBUTED_RATE_LIMITER_ENABLED = "true"
      DSQL_DISTRIBUTED_RATE_LIMITER_TABLE   = module.dynamodb.rate_limiter.name
      DSQL_DISTRIBUTED_RATE_LIMITER_LIMIT   = "100"
      DSQL_RESERVOIR_ENABLED                = tostring(var.dsql_reservoir_enabled)
      DSQL_RESERVOIR_TARGET_READY           = tostring(var.dsql_reservoir_target_ready)
      DSQL_RESERVOIR_BASE_LIFETIME          = var.dsql_reservoir_base_lifetime
      DSQL_RESERVOIR_LIFETIME_JITTER        = var.dsql_reservoir_lifetime_jitter
      DSQL_RESERVOIR_GUARD_WINDOW           = var.dsql_reservoir_guard_window
      DSQL_DISTRIBUTED_CONN_LEASE_ENABLED   = tostring(var.dsql_distributed_conn_lease_enabled)
    },
    var.dsql_distributed_conn_lease_enabled ? {
      DSQL_DISTRIBUTED_CONN_LEASE_TABLE = module.dynamodb.conn_lease.name
      DSQL_DISTRIBUTED_CONN_LIMIT       = tostring(var.dsql_distributed_conn_limit)
    } : {},
  )
}

module "temporal_ui" {
  source = "./modules/temporal-ui"

  project            = var.project_name
  cluster_arn        = module.ecs_cluster.arn
  namespace          = module.ecs_cluster.namespace
  capacity_provider  = module.ec2_capacity["main"].capacity_provider
  subnet_ids         = module.vpc.private_subnet_ids
  security_group_ids = [aws_security_group.kind["temporal-ui"].id]
  cpu                = var.temporal_ui_cpu
  memory             = var.temporal_ui_memory
  cpu_architecture   = var.cpu_architecture
  image              = local.images["temporal_ui"]
  # No metrics page: only the log router.
  sidecars           = [module.alloy_sidecar["temporal-ui"].containers[1]]
  log_configuration  = module.alloy_sidecar["temporal-ui"].log_configuration
  execution_role_arn = module.iam.execution_role_arn
  task_role_arn      = module.iam.task_role_arns["temporal-ui"]

  depends_on = [module.temporal_service]
}

module "setup" {
  source = "./modules/setup"

  project            = var.project_name
  region             = var.region
  cpu_architecture   = var.cpu_architecture
  admin_tools_image  = local.images["temporal_admin_tools"]
  benchmark_image    = local.images["benchmark"]
  execution_role_arn = module.iam.execution_role_arn
  task_role_arn      = module.iam.task_role_arns["setup"]
  log_retention_days = var.log_retention_days
  schema_environment = {
    AWS_REGION          = var.region
    CLUSTER_ENDPOINT    = module.dsql.host
    SQL_USER            = var.dsql_user
    ES_SERVER           = "https://${module.opensearch.endpoint}:443"
    ES_VERSION          = "v8"
    ES_VISIBILITY_INDEX = var.opensearch_visibility_index
  }
  database_environment = {
    AWS_REGION = var.region
    DSQL_HOST  = module.dsql.host
    DSQL_USER  = var.dsql_user
  }
}

module "observability" {
  source = "./modules/observability"

  project           = var.project_name
  region            = var.region
  account_id        = local.account_id
  cluster_arn       = module.ecs_cluster.arn
  namespace         = module.ecs_cluster.namespace
  capacity_provider = module.ec2_capacity["main"].capacity_provider
  subnet_ids        = module.vpc.private_subnet_ids
  cpu_architecture  = var.cpu_architecture
  grafana = {
    image              = local.images["grafana"]
    cpu                = var.grafana_cpu
    memory             = var.grafana_memory
    security_group_ids = [aws_security_group.kind["grafana"].id]
    role_arn           = module.iam.task_role_arns["grafana"]
    admin_secret_arn   = data.aws_secretsmanager_secret.grafana.arn
  }
  loki = {
    image              = local.images["loki"]
    cpu                = var.loki_cpu
    memory             = var.loki_memory
    security_group_ids = [aws_security_group.kind["loki"].id]
    role_arn           = module.iam.task_role_arns["loki"]
    retention_days     = var.loki_retention_days
  }
  rules              = { for file in fileset("${path.module}/../dashboards/rules", "*.yaml") : trimsuffix(file, ".yaml") => file("${path.module}/../dashboards/rules/${file}") }
  alarm_topic_arn    = aws_sns_topic.alarms.arn
  awslogs            = local.awslogs
  execution_role_arn = module.iam.execution_role_arn
  log_retention_days = var.log_retention_days
  force_destroy      = var.environment != "prod"
}

# The benchmark.

module "benchmark" {
  source = "./modules/benchmark"
  count  = var.benchmark_enabled ? 1 : 0

  project                   = var.project_name
  region                    = var.region
  account_id                = local.account_id
  cluster_arn               = module.ecs_cluster.arn
  cluster_name              = module.ecs_cluster.name
  namespace                 = module.ecs_cluster.namespace
  worker_capacity_provider  = module.ec2_capacity["benchmark"].capacity_provider
  subnet_ids                = module.vpc.private_subnet_ids
  worker_security_group_ids = [aws_security_group.kind["benchmark-worker"].id]
  cpu_architecture          = var.cpu_architecture
  image                     = local.images["benchmark"]
  generator                 = { cpu = var.benchmark_cpu, memory = var.benchmark_memory }
  worker                    = { cpu = var.benchmark_worker_cpu, memory = var.benchmark_worker_memory }
  frontend_address          = "frontend.${module.ecs_cluster.namespace.domain}:7233"
  fleet_token_secret_arn    = data.aws_secretsmanager_secret.fleet_token[0].arn
  generator_sidecars        = [module.alloy_sidecar["generator"].alloy]
  worker_sidecars           = module.alloy_sidecar["benchmark-worker"].containers
  worker_log_configuration  = module.alloy_sidecar["benchmark-worker"].log_configuration
  execution_role_arn        = module.iam.execution_role_arn
  generator_role_arn        = module.iam.task_role_arns["generator"]
  worker_role_arn           = module.iam.task_role_arns["benchmark-worker"]
  log_retention_days        = var.log_retention_days
  force_destroy             = var.environment != "prod"

  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.project_name}-alarms"
  kms_master_key_id = "alias/aws/sns"
}
