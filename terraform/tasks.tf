# What runs on the cluster: Temporal's services and UI, the one-shot set-up tasks, Prometheus, Loki and Grafana, and the
# benchmark.

resource "aws_cloudwatch_log_group" "services" {
  # checkov:skip=CKV_AWS_158: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_338: log_retention_days is an input: what a run needs is in its result
  name              = "/ecs/${var.project_name}/services"
  retention_in_days = var.log_retention_days
}

locals {
  services = {
    for service, size in {
      history  = { cpu = var.temporal_history_cpu, memory = var.temporal_history_memory, count = var.temporal_history_count }
      matching = { cpu = var.temporal_matching_cpu, memory = var.temporal_matching_memory, count = var.temporal_matching_count }
      frontend = { cpu = var.temporal_frontend_cpu, memory = var.temporal_frontend_memory, count = var.temporal_frontend_count }
      worker   = { cpu = var.temporal_worker_cpu, memory = var.temporal_worker_memory, count = var.temporal_worker_count }
    } : service => size if local.own
  }

  # Loki cannot keep its own log, and sidecars do not send theirs through themselves.
  awslogs = {
    for stream in ["grafana", "loki", "sidecars"] : stream => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.services.name
        awslogs-region        = var.region
        awslogs-stream-prefix = stream
      }
    }
  }

  alloy_config = file(coalesce(var.alloy_config_file, "${path.module}/../dashboards/alloy/task.alloy"))
}

module "alloy_sidecar" {
  source   = "./modules/alloy-sidecar"
  for_each = toset(concat(local.logging, var.benchmark_enabled ? ["generator"] : []))

  service_name = each.key
  cluster_name = module.ecs_cluster.name
  alloy_config = local.alloy_config
  alloy_environment = {
    AWS_REGION       = var.region
    CLUSTER          = module.ecs_cluster.name
    REMOTE_WRITE_URL = module.observability.workspace.remote_write_url
    # What a run does in a second is seen in steps of five; servers have many more series.
    SCRAPE_INTERVAL = contains(["benchmark-worker", "generator"], each.key) ? "5s" : "15s"
    SERVICE_NAME    = each.key
  }
  alloy_image               = local.images["alloy"]
  fluent_bit_image          = local.images["fluent_bit"]
  alloy_cpu                 = var.alloy_cpu
  alloy_memory              = var.alloy_memory
  sidecar_log_configuration = local.awslogs["sidecars"]
}

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
    host            = module.dsql[0].host
    user            = var.dsql_user
    max_connections = var.dsql_max_connections
  }
  dsql_environment   = local.dsql_environment
  opensearch         = { host = module.opensearch[0].endpoint, index = var.opensearch_visibility_index }
  sidecars           = module.alloy_sidecar["temporal-${each.key}"].containers
  log_configuration  = module.alloy_sidecar["temporal-${each.key}"].log_configuration
  execution_role_arn = module.iam.execution_role_arn
  task_role_arn      = module.iam.task_role_arns["temporal"]

  # A task resolves only endpoints that were there when it began, and a pool must be the cluster's before a service asks
  # for it.
  depends_on = [aws_ecs_cluster_capacity_providers.this, module.observability]
}

locals {
  dsql_environment = !local.own ? {} : merge(
    {
      DSQL_CONNECTION_RATE_LIMIT            = "8"
      DSQL_CONNECTION_BURST_LIMIT           = "40"
      DSQL_DISTRIBUTED_RATE_LIMITER_ENABLED = "true"
      DSQL_DISTRIBUTED_RATE_LIMITER_TABLE   = module.dynamodb[0].rate_limiter.name
      DSQL_DISTRIBUTED_RATE_LIMITER_LIMIT   = "100"
      DSQL_RESERVOIR_ENABLED                = tostring(var.dsql_reservoir_enabled)
      DSQL_RESERVOIR_TARGET_READY           = tostring(var.dsql_reservoir_target_ready)
      DSQL_RESERVOIR_BASE_LIFETIME          = var.dsql_reservoir_base_lifetime
      DSQL_RESERVOIR_LIFETIME_JITTER        = var.dsql_reservoir_lifetime_jitter
      DSQL_RESERVOIR_GUARD_WINDOW           = var.dsql_reservoir_guard_window
      DSQL_DISTRIBUTED_CONN_LEASE_ENABLED   = tostring(var.dsql_distributed_conn_lease_enabled)
    },
    var.dsql_distributed_conn_lease_enabled ? {
      DSQL_DISTRIBUTED_CONN_LEASE_TABLE = module.dynamodb[0].conn_lease.name
      DSQL_DISTRIBUTED_CONN_LIMIT       = tostring(var.dsql_distributed_conn_limit)
    } : {},
  )
}

module "temporal_ui" {
  source = "./modules/temporal-ui"
  count  = local.own ? 1 : 0

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
  sidecars           = [module.alloy_sidecar["temporal-ui"].log_router]
  log_configuration  = module.alloy_sidecar["temporal-ui"].log_configuration
  execution_role_arn = module.iam.execution_role_arn
  task_role_arn      = module.iam.task_role_arns["temporal-ui"]

  depends_on = [module.temporal_service]
}

module "setup" {
  source = "./modules/setup"
  count  = local.own ? 1 : 0

  project            = var.project_name
  region             = var.region
  cpu                = var.setup_cpu
  memory             = var.setup_memory
  cpu_architecture   = var.cpu_architecture
  admin_tools_image  = local.images["temporal_admin_tools"]
  benchmark_image    = local.images["benchmark"]
  execution_role_arn = module.iam.execution_role_arn
  task_role_arn      = module.iam.task_role_arns["setup"]
  log_retention_days = var.log_retention_days
  schema_environment = {
    AWS_REGION          = var.region
    CLUSTER_ENDPOINT    = module.dsql[0].host
    SQL_USER            = "admin"
    ES_SERVER           = "https://${module.opensearch[0].endpoint}:443"
    ES_VERSION          = "v8"
    ES_VISIBILITY_INDEX = var.opensearch_visibility_index
  }
  database_environment = {
    AWS_REGION = var.region
    DSQL_HOST  = module.dsql[0].host
    DSQL_USER  = var.dsql_user
    # Who of IAM may log in as that user.
    DSQL_IAM_ROLE = module.iam.task_role_arns["temporal"]
  }
}

module "observability" {
  source = "./modules/observability"

  project           = var.project_name
  region            = var.region
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
    config_image       = local.images["alloy"]
    cpu                = var.loki_cpu
    memory             = var.loki_memory
    security_group_ids = [aws_security_group.kind["loki"].id]
    role_arn           = module.iam.task_role_arns["loki"]
    bucket             = local.loki_bucket
    retention_days     = var.loki_retention_days
  }
  rules              = { for file in fileset(local.rules, "*.yaml") : trimsuffix(file, ".yaml") => file("${local.rules}/${file}") }
  alarm_topic_arn    = aws_sns_topic.alarms.arn
  awslogs            = local.awslogs
  execution_role_arn = module.iam.execution_role_arn
  log_retention_days = var.log_retention_days
  force_destroy      = var.environment != "prod"

  # A pool must be the cluster's before a service asks for it, and the alert manager's topic must take its alerts.
  depends_on = [aws_ecs_cluster_capacity_providers.this, aws_sns_topic_policy.alarms]
}

locals {
  rules = "${path.module}/../dashboards/rules"
}

module "benchmark" {
  source = "./modules/benchmark"
  count  = var.benchmark_enabled ? 1 : 0

  project                   = var.project_name
  region                    = var.region
  account_id                = local.account_id
  bucket                    = local.results_bucket
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
  ttl_hours                 = var.benchmark_ttl_hours
  temporal = local.own ? {
    generator_address  = "frontend.${module.ecs_cluster.namespace.domain}:7233"
    worker_address     = "temporal-frontend:7233"
    namespace          = "benchmark"
    api_key_secret_arn = null
    } : {
    generator_address  = local.elsewhere
    worker_address     = local.elsewhere
    namespace          = var.temporal_elsewhere.namespace
    api_key_secret_arn = one(data.aws_secretsmanager_secret.api_key[*].arn)
  }
  fleet_token_secret_arn   = data.aws_secretsmanager_secret.fleet_token[0].arn
  generator_sidecars       = [module.alloy_sidecar["generator"].alloy]
  worker_sidecars          = module.alloy_sidecar["benchmark-worker"].containers
  worker_log_configuration = module.alloy_sidecar["benchmark-worker"].log_configuration
  execution_role_arn       = module.iam.execution_role_arn
  generator_role_arn       = module.iam.task_role_arns["generator"]
  worker_role_arn          = module.iam.task_role_arns["benchmark-worker"]
  log_retention_days       = var.log_retention_days
  force_destroy            = var.environment != "prod"

  depends_on = [aws_ecs_cluster_capacity_providers.this, module.temporal_service, module.observability]
}

locals {
  # https:// asks for TLS.
  elsewhere = local.own ? "" : "${var.temporal_elsewhere.tls ? "https://" : ""}${var.temporal_elsewhere.address}"
}
