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

resource "aws_s3_bucket" "loki" {
  # checkov:skip=CKV2_AWS_62: only Loki writes and reads here
  # checkov:skip=CKV_AWS_144: log lines are kept for days
  # checkov:skip=CKV_AWS_145: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_18: only Loki's role reaches it
  # checkov:skip=CKV_AWS_21: Loki never changes an object, and deletes what is over its time
  bucket        = var.loki.bucket
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_server_side_encryption_configuration" "loki" {
  bucket = aws_s3_bucket.loki.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "loki" {
  bucket                  = aws_s3_bucket.loki.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "loki" {
  bucket = aws_s3_bucket.loki.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.loki.arn, "${aws_s3_bucket.loki.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.loki]
}

resource "aws_s3_bucket_lifecycle_configuration" "loki" {
  bucket = aws_s3_bucket.loki.id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    # Loki's compactor deletes first; this takes what it missed.
    expiration {
      days = var.loki.retention_days + 1
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

locals {
  loki_config = templatefile("${path.module}/loki.yaml.tftpl", {
    bucket         = aws_s3_bucket.loki.bucket
    region         = var.region
    retention_days = var.loki.retention_days
  })
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
  entry_point        = ["/bin/sh", "-c"]
  command            = ["printf '%s' \"$LOKI_CONFIG\" >/tmp/loki.yaml && exec /usr/bin/loki -config.file=/tmp/loki.yaml"]
  environment        = { LOKI_CONFIG = local.loki_config }
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
