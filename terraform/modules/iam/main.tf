# One role for each kind of task, with what that kind does and nothing else. Statements are data, so that tests read them.

locals {
  arn = "arn:${var.partition}"

  # ECS Exec's channel has no resource that could be named.
  exec = [{
    Sid      = "EcsExec"
    Effect   = "Allow"
    Action   = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
    Resource = ["*"]
    }, {
    Sid      = "EcsExecLogGroups"
    Effect   = "Allow"
    Action   = ["logs:DescribeLogGroups"]
    Resource = ["${local.arn}:logs:${var.region}:${var.account_id}:log-group:*"]
    }, {
    Sid      = "EcsExecLog"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    Resource = ["${var.exec_log_group_arn}:*"]
  }]

  remote_write = [{
    Sid      = "RemoteWrite"
    Effect   = "Allow"
    Action   = ["aps:RemoteWrite"]
    Resource = [var.prometheus_workspace_arn]
  }]

  dsql = [{
    Sid    = "Database"
    Effect = "Allow"
    # The only server that is known to have a DSQL plugin logs in as admin whatever is configured.
    Action   = [var.dsql.user == "admin" ? "dsql:DbConnectAdmin" : "dsql:DbConnect"]
    Resource = [var.dsql.arn]
  }]

  search = [{
    Sid      = "Visibility"
    Effect   = "Allow"
    Action   = [for method in ["Get", "Head", "Post", "Put", "Delete"] : "es:ESHttp${method}"]
    Resource = ["${local.arn}:es:${var.region}:${var.account_id}:domain/${var.project}-visibility/*"]
  }]

  tables = [{
    Sid      = "ConnectionTables"
    Effect   = "Allow"
    Action   = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    Resource = compact(var.dynamodb_table_arns)
  }]

  loki = [{
    Sid      = "Chunks"
    Effect   = "Allow"
    Action   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
    Resource = ["${local.arn}:s3:::${var.loki_bucket}/*"]
    }, {
    Sid      = "ChunkList"
    Effect   = "Allow"
    Action   = ["s3:ListBucket"]
    Resource = ["${local.arn}:s3:::${var.loki_bucket}"]
  }]

  grafana = [{
    Sid      = "Prometheus"
    Effect   = "Allow"
    Action   = ["aps:QueryMetrics", "aps:GetSeries", "aps:GetLabels", "aps:GetMetricMetadata"]
    Resource = [var.prometheus_workspace_arn]
    }, {
    Sid    = "CloudWatch"
    Effect = "Allow"
    # Metrics have no resource that could be named.
    Action   = ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]
    Resource = ["*"]
  }]

  benchmark = coalesce(var.benchmark, { bucket_arn = "", leader_service_arn = "", zone_id = "", worker_service_arn = "" })

  generator = [for statement in [{
    Sid      = "PutResults"
    Effect   = "Allow"
    Action   = ["s3:PutObject"]
    Resource = ["${local.benchmark.bucket_arn}/runs/*"]
    }, {
    Sid      = "GetInputs"
    Effect   = "Allow"
    Action   = ["s3:GetObject"]
    Resource = ["${local.benchmark.bucket_arn}/inputs/*"]
    }, {
    Sid      = "Leader"
    Effect   = "Allow"
    Action   = ["servicediscovery:RegisterInstance", "servicediscovery:GetOperation"]
    Resource = [local.benchmark.leader_service_arn]
    }, {
    Sid      = "LeaderRecord"
    Effect   = "Allow"
    Action   = ["route53:ChangeResourceRecordSets", "route53:GetHostedZone"]
    Resource = ["${local.arn}:route53:::hostedzone/${local.benchmark.zone_id}"]
    }, {
    Sid      = "EndWorkers"
    Effect   = "Allow"
    Action   = ["ecs:UpdateService", "ecs:DescribeServices"]
    Resource = [local.benchmark.worker_service_arn]
    }, {
    Sid       = "StopItself"
    Effect    = "Allow"
    Action    = ["ecs:StopTask"]
    Resource  = ["${local.arn}:ecs:${var.region}:${var.account_id}:task/${var.cluster_name}/*"]
    Condition = { StringEquals = { "ecs:ResourceTag/family" = "${var.project}-generator" } }
  }] : statement if var.benchmark != null]

  # Statements by kind of task.
  statements = {
    temporal         = concat(local.exec, local.remote_write, local.dsql, local.search, local.tables)
    temporal-ui      = local.exec
    grafana          = concat(local.exec, local.grafana)
    loki             = concat(local.exec, local.loki)
    setup            = concat(local.dsql, local.search)
    generator        = concat(local.generator, local.remote_write)
    benchmark-worker = concat(local.exec, local.remote_write)
  }

  tasks_trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnLike      = { "aws:SourceArn" = "${local.arn}:ecs:${var.region}:${var.account_id}:*" }
      }
    }]
  })
}

resource "aws_iam_role" "task" {
  for_each           = local.statements
  name               = "${var.project}-${each.key}-task"
  assume_role_policy = local.tasks_trust
}

resource "aws_iam_role_policy" "task" {
  for_each = local.statements
  name     = each.key
  role     = aws_iam_role.task[each.key].id
  policy   = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

# With which ECS pulls images, opens log streams and reads secrets before a container runs.

resource "aws_iam_role" "execution" {
  name               = "${var.project}-ecs-execution"
  assume_role_policy = local.tasks_trust
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "${local.arn}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "execution" {
  name = "read-secrets"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Secrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = var.secret_arns
    }]
  })
}
