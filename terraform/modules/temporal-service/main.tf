# One of Temporal's four services. All of them run the same image, which takes its configuration from the environment.

locals {
  ports = {
    history  = { grpc = 7234, membership = 6934 }
    matching = { grpc = 7235, membership = 6935 }
    frontend = { grpc = 7233, membership = 6933 }
    worker   = { grpc = 7239, membership = 6939 }
  }[var.service_type]

  # History and matching are found by ringpop, and worker serves nobody: only the frontend has a name that others call.
  frontend = var.service_type == "frontend"

  environment = merge(
    {
      SERVICES                  = var.service_type
      DEPLOY_ENVIRONMENT        = var.environment_name
      LOG_LEVEL                 = var.log_level
      AWS_REGION                = var.region
      AWS_EC2_METADATA_DISABLED = "true"
      # The server's own metrics page, which Alloy scrapes inside the task.
      PROMETHEUS_ENDPOINT             = "0.0.0.0:9090"
      METRICS_FRAMEWORK               = "opentelemetry"
      TEMPORAL_HISTORY_SHARDS         = tostring(var.history_shards)
      TEMPORAL_SQL_HOST               = var.dsql.host
      TEMPORAL_SQL_PORT               = "5432"
      TEMPORAL_SQL_USER               = var.dsql.user
      TEMPORAL_SQL_DATABASE           = "postgres"
      TEMPORAL_SQL_PLUGIN             = "dsql"
      TEMPORAL_SQL_TLS_ENABLED        = "true"
      TEMPORAL_SQL_IAM_AUTH           = "true"
      TEMPORAL_SQL_MAX_CONNS          = tostring(var.dsql.max_connections)
      TEMPORAL_SQL_MAX_IDLE_CONNS     = tostring(var.dsql.max_connections)
      TEMPORAL_SQL_CONNECTION_TIMEOUT = "30s"
      TEMPORAL_SQL_MAX_CONN_LIFETIME  = "55m"

      TEMPORAL_ELASTICSEARCH_VERSION = "v8"
      TEMPORAL_ELASTICSEARCH_SCHEME  = "https"
      TEMPORAL_ELASTICSEARCH_HOST    = var.opensearch.host
      TEMPORAL_ELASTICSEARCH_PORT    = "443"
      TEMPORAL_ELASTICSEARCH_INDEX   = var.opensearch.index
    },
    var.dsql_environment,
  )
}

module "service" {
  source = "../service"

  project            = var.project
  name               = "temporal-${var.service_type}"
  cluster_arn        = var.cluster_arn
  namespace          = var.namespace
  capacity_provider  = var.capacity_provider
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
  cpu                = var.cpu
  memory             = var.memory
  cpu_architecture   = var.cpu_architecture
  image              = var.image
  environment        = local.environment
  sidecars           = var.sidecars
  log_configuration  = var.log_configuration
  execution_role_arn = var.execution_role_arn
  task_role_arn      = var.task_role_arn
  dns_name           = local.frontend ? "frontend" : null
  # A service that is told to go hands its shards over and ends its long polls.
  stop_timeout = 60

  ports = concat(
    [{
      name           = "grpc"
      port           = local.ports.grpc
      app_protocol   = "grpc"
      discovery_name = local.frontend ? "temporal-frontend" : null
    }],
    [{ name = "membership", port = local.ports.membership }],
  )

  health_check = {
    # In every service image there is benchmark-cluster: no shell tool has to be. Worker serves no calls, only its ring.
    command     = ["CMD", "/usr/local/bin/benchmark-cluster", "probe", "tcp://127.0.0.1:${var.service_type == "worker" ? local.ports.membership : local.ports.grpc}"]
    interval    = 10
    timeout     = 5
    retries     = 3
    startPeriod = 60
  }
}
