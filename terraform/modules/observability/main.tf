# What is seen of the cluster: a managed Prometheus with rules, Loki on S3 for logs, Grafana with the boards in its image.

resource "aws_cloudwatch_log_group" "prometheus" {
  # checkov:skip=CKV_AWS_158: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_338: log_retention_days is an input: what a run needs is in its result
  name              = "/aws/vendedlogs/prometheus/${var.project}"
  retention_in_days = var.log_retention_days
}

resource "aws_prometheus_workspace" "this" {
  alias = "${var.project}-metrics"

  logging_configuration {
    log_group_arn = "${aws_cloudwatch_log_group.prometheus.arn}:*"
  }
}

resource "aws_prometheus_rule_group_namespace" "this" {
  for_each     = var.rules
  name         = each.key
  workspace_id = aws_prometheus_workspace.this.id
  data         = each.value
}

resource "aws_prometheus_alert_manager_definition" "this" {
  workspace_id = aws_prometheus_workspace.this.id
  definition   = <<-YAML
    alertmanager_config: |
      route:
        receiver: topic
        group_by: [alertname, service_name]
      receivers:
        - name: topic
          sns_configs:
            - topic_arn: ${var.alarm_topic_arn}
              sigv4:
                region: ${var.region}
  YAML
}

# Loki.

module "loki_bucket" {
  source = "../bucket"

  name          = var.loki.bucket
  versioned     = false
  force_destroy = var.force_destroy
  # The compactor deletes first; this takes what it missed.
  expire_days = var.loki.retention_days + 1
}

locals {
  loki_config = templatefile("${path.module}/loki.yaml.tftpl", {
    bucket         = module.loki_bucket.name
    region         = var.region
    retention_days = var.loki.retention_days
  })
}

# Loki's image has no shell, so a container of another image writes its file.
locals {
  loki_config_writer = {
    name                   = "config"
    image                  = var.loki.config_image
    essential              = false
    entryPoint             = ["/bin/sh", "-c"]
    command                = ["printf '%s' \"$LOKI_CONFIG\" >/config/loki.yaml"]
    environment            = [{ name = "LOKI_CONFIG", value = local.loki_config }]
    mountPoints            = [{ sourceVolume = "config", containerPath = "/config", readOnly = false }]
    readonlyRootFilesystem = true
    logConfiguration       = var.awslogs["loki"]
    portMappings           = []
    volumesFrom            = []
    systemControls         = []
  }
}

module "loki" {
  source = "../service"

  project            = var.project
  name               = "loki"
  cluster_arn        = var.cluster_arn
  namespace          = var.namespace
  capacity_provider  = var.capacity_provider
  subnet_ids         = var.subnet_ids
  security_group_ids = var.loki.security_group_ids
  cpu                = var.loki.cpu
  memory             = var.loki.memory
  cpu_architecture   = var.cpu_architecture
  image              = var.loki.image
  command            = ["-config.file=/config/loki.yaml"]
  mounts             = { config = "/config" }
  before             = [local.loki_config_writer]
  ports              = [{ name = "http", port = 3100, app_protocol = "http", discovery_name = "loki" }]
  log_configuration  = var.awslogs["loki"]
  execution_role_arn = var.execution_role_arn
  task_role_arn      = var.loki.role_arn
  # It keeps the newest lines in memory and writes them on its way out.
  stop_timeout = 110
  deployment   = { minimum_healthy_percent = 0, maximum_percent = 100 }
}

# Grafana.

module "grafana" {
  source = "../service"

  project            = var.project
  name               = "grafana"
  cluster_arn        = var.cluster_arn
  namespace          = var.namespace
  capacity_provider  = var.capacity_provider
  subnet_ids         = var.subnet_ids
  security_group_ids = var.grafana.security_group_ids
  cpu                = var.grafana.cpu
  memory             = var.grafana.memory
  cpu_architecture   = var.cpu_architecture
  image              = var.grafana.image
  environment = {
    # What the image's data sources take (dashboards/provisioning).
    AMP_URL                        = trimsuffix(aws_prometheus_workspace.this.prometheus_endpoint, "/")
    AWS_REGION                     = var.region
    SCRAPE_INTERVAL                = "15s"
    AWS_SDK_LOAD_CONFIG            = "true"
    GF_AUTH_SIGV4_AUTH_ENABLED     = "true"
    GF_ANALYTICS_REPORTING_ENABLED = "false"
    LOKI_URL                       = "http://loki:3100"
  }
  secrets = {
    GF_SECURITY_ADMIN_USER     = "${var.grafana.admin_secret_arn}:username::"
    GF_SECURITY_ADMIN_PASSWORD = "${var.grafana.admin_secret_arn}:password::"
  }
  ports              = [{ name = "http", port = 3000 }]
  log_configuration  = var.awslogs["grafana"]
  execution_role_arn = var.execution_role_arn
  task_role_arn      = var.grafana.role_arn
  health_check = {
    command     = ["CMD-SHELL", "wget -qO- http://127.0.0.1:3000/api/health || exit 1"]
    interval    = 10
    timeout     = 5
    retries     = 3
    startPeriod = 60
  }
  # Its data lies in the task: two at a time would each have their own.
  deployment = { minimum_healthy_percent = 0, maximum_percent = 100 }
  depends_on = [module.loki]
}
