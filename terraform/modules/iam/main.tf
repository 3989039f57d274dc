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

  # The only server that is known to have a DSQL plugin logs in as admin whatever is configured. Set-up makes schema and
  # roles, which no other user may.
  dsql = {
    for who, user in { servers = try(var.dsql.user, "admin"), setup = "admin" } : who => [{
      Sid      = "Database"
      Effect   = "Allow"
      Action   = [user == "admin" ? "dsql:DbConnectAdmin" : "dsql:DbConnect"]
      Resource = [try(var.dsql.arn, "")]
    }]
  }

  search = [{
    Sid      = "Visibility"
    Effect   = "Allow"
    Action   = [for method in ["Get", "Head", "Post", "Put", "Delete"] : "es:ESHttp${method}"]
    Resource = ["${coalesce(var.opensearch_arn, "none")}/*"]
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
    Action   = ["servicediscovery:RegisterInstance"]
    Resource = [local.benchmark.leader_service_arn]
    }, {
    Sid    = "LeaderOperation"
    Effect = "Allow"
    # An operation has no resource that could be named.
    Action   = ["servicediscovery:GetOperation"]
    Resource = ["*"]
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
    Sid      = "StopItself"
    Effect   = "Allow"
    Action   = ["ecs:StopTask"]
    Resource = ["${local.arn}:ecs:${var.region}:${var.account_id}:task/${var.cluster_name}/*"]
    # The task definition has this tag, and RunTask hands it on.
    Condition = { StringEquals = { "ecs:ResourceTag/family" = "${var.project}-generator" } }
  }] : statement if var.benchmark_enabled]

  # Roles come before what they may use, so these know nothing of it.
  kinds = toset(concat(
    ["grafana", "loki"],
    var.temporal ? ["temporal", "temporal-ui", "setup"] : [],
    var.benchmark_enabled ? ["generator", "benchmark-worker"] : [],
  ))

  # Statements by kind of task.
  statements = merge(
    {
      grafana = concat(local.exec, local.grafana)
      loki    = concat(local.exec, local.loki)
    },
    { for kind, statements in {
      temporal    = concat(local.exec, local.remote_write, local.dsql.servers, local.search, local.tables)
      temporal-ui = local.exec
      setup       = concat(local.dsql.setup, local.search)
    } : kind => statements if var.temporal },
    { for kind, statements in {
      generator        = concat(local.generator, local.remote_write)
      benchmark-worker = concat(local.exec, local.remote_write)
    } : kind => statements if var.benchmark_enabled },
  )

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
  for_each           = local.kinds
  name               = "${var.project}-${each.key}-task"
  assume_role_policy = local.tasks_trust
}

resource "aws_iam_role_policy" "task" {
  for_each = local.kinds
  name     = each.key
  role     = aws_iam_role.task[each.key].id
  policy   = jsonencode({ Version = "2012-10-17", Statement = local.statements[each.key] })
}

# With which ECS pulls images, opens log streams and reads secrets before a container runs.

resource "aws_iam_role" "execution" {
  name               = "${var.project}-ecs-execution"
  assume_role_policy = local.tasks_trust
}

resource "aws_iam_role_policy" "execution" {
  name   = "start-tasks"
  role   = aws_iam_role.execution.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.execution })
}

locals {
  execution = concat([{
    Sid    = "RegistryLogin"
    Effect = "Allow"
    # The token is for all registries that the role may read.
    Action   = ["ecr:GetAuthorizationToken"]
    Resource = ["*"]
    }, {
    Sid      = "Logs"
    Effect   = "Allow"
    Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    Resource = ["${local.arn}:logs:${var.region}:${var.account_id}:log-group:/ecs/${var.project}/*"]
    }, {
    Sid      = "Secrets"
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = var.secret_arns
    }],
    length(var.repository_arns) == 0 ? [] : [{
      Sid      = "Images"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = var.repository_arns
    }],
  )
}
