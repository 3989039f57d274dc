# What a person needs to run benchmark-cluster, and not more: attach the output operator_policy to a role of theirs.

locals {
  ecs = "${local.arn}:ecs:${var.region}:${local.account_id}"
  own_arns = {
    service = "${local.ecs}:service/${module.ecs_cluster.name}/*"
    task    = "${local.ecs}:task/${module.ecs_cluster.name}/*"
  }

  operator_statements = concat(
    [{
      Sid       = "Look"
      Effect    = "Allow"
      Action    = ["ecs:DescribeClusters", "ecs:DescribeServices", "ecs:DescribeTasks", "ecs:DescribeContainerInstances"]
      Resource  = [module.ecs_cluster.arn, local.own_arns.service, local.own_arns.task, "${local.ecs}:container-instance/${module.ecs_cluster.name}/*"]
      Condition = null
      }, {
      Sid       = "ListInCluster"
      Effect    = "Allow"
      Action    = ["ecs:ListTasks", "ecs:ListContainerInstances"]
      Resource  = ["*"]
      Condition = { ArnEquals = { "ecs:cluster" = module.ecs_cluster.arn } }
      }, {
      # These calls have no resource that could be named.
      Sid       = "LookAround"
      Effect    = "Allow"
      Action    = ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities", "cloudwatch:GetMetricStatistics", "ecs:DescribeTaskDefinition", "ecs:ListServices"]
      Resource  = ["*"]
      Condition = null
      }, {
      Sid       = "Scale"
      Effect    = "Allow"
      Action    = ["ecs:UpdateService"]
      Resource  = [local.own_arns.service]
      Condition = null
      }, {
      Sid       = "StopTasks"
      Effect    = "Allow"
      Action    = ["ecs:StopTask"]
      Resource  = [local.own_arns.task]
      Condition = null
      }, {
      Sid       = "RunTasks"
      Effect    = "Allow"
      Action    = ["ecs:RunTask"]
      Resource  = [for task in local.facts.tasks : "${local.ecs}:task-definition/${task.family}:*"]
      Condition = { ArnEquals = { "ecs:cluster" = module.ecs_cluster.arn } }
      }, {
      Sid       = "TagThem"
      Effect    = "Allow"
      Action    = ["ecs:TagResource"]
      Resource  = [local.own_arns.task]
      Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
      }, {
      Sid       = "WithTheirRoles"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = concat([module.iam.execution_role_arn], [for kind in ["setup", "generator", "benchmark-worker"] : module.iam.task_role_arns[kind] if contains(keys(module.iam.task_role_arns), kind)])
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      }, {
      Sid       = "EcsExec"
      Effect    = "Allow"
      Action    = ["ecs:ExecuteCommand"]
      Resource  = [module.ecs_cluster.arn, local.own_arns.task]
      Condition = null
      }, {
      Sid       = "Connect"
      Effect    = "Allow"
      Action    = ["ssm:StartSession"]
      Resource  = [local.own_arns.task, "${local.arn}:ssm:${var.region}::document/AWS-StartPortForwardingSession"]
      Condition = null
      }, {
      Sid    = "EndOwnSessions"
      Effect = "Allow"
      Action = ["ssm:TerminateSession"]
      # Users of IAM have a name, roles that were assumed (single sign-on) an id.
      Resource  = [for who in ["username", "userid"] : "${local.arn}:ssm:${var.region}:${local.account_id}:session/$${aws:${who}}-*"]
      Condition = null
      }, {
      Sid       = "Follow"
      Effect    = "Allow"
      Action    = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"]
      Resource  = [for group in local.facts.log_groups : "${local.arn}:logs:${var.region}:${local.account_id}:log-group:${group}:*"]
      Condition = null
      }, {
      Sid       = "Ask"
      Effect    = "Allow"
      Action    = ["aps:GetLabels", "aps:GetSeries", "aps:QueryMetrics"]
      Resource  = [module.observability.workspace.arn]
      Condition = null
    }],
    flatten([for benchmark in module.benchmark : [{
      Sid       = "EndEmptyInstances"
      Effect    = "Allow"
      Action    = ["autoscaling:TerminateInstanceInAutoScalingGroup"]
      Resource  = [for pool, capacity in module.ec2_capacity : capacity.group.arn if pool != "main"]
      Condition = null
      }, {
      Sid       = "ListResults"
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [benchmark.bucket.arn]
      Condition = null
      }, {
      Sid       = "GetResults"
      Effect    = "Allow"
      Action    = ["s3:GetObject"]
      Resource  = ["${benchmark.bucket.arn}/runs/*"]
      Condition = null
      }, {
      Sid       = "PutInputs"
      Effect    = "Allow"
      Action    = ["s3:PutObject"]
      Resource  = ["${benchmark.bucket.arn}/inputs/*"]
      Condition = null
      }, {
      Sid       = "WriteTheEnd"
      Effect    = "Allow"
      Action    = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule"]
      Resource  = ["${local.arn}:scheduler:${var.region}:${local.account_id}:schedule/${benchmark.scheduler.group}/*"]
      Condition = null
      }, {
      Sid       = "SeeItsGroup"
      Effect    = "Allow"
      Action    = ["scheduler:GetScheduleGroup"]
      Resource  = [benchmark.scheduler.group_arn]
      Condition = null
      }, {
      Sid       = "WithTheSchedulersRole"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [benchmark.scheduler.role_arn]
      Condition = { StringEquals = { "iam:PassedToService" = "scheduler.amazonaws.com" } }
      }, {
      Sid       = "SeeTheLeader"
      Effect    = "Allow"
      Action    = ["servicediscovery:GetInstance", "servicediscovery:ListInstances"]
      Resource  = [benchmark.leader_service.arn]
      Condition = null
    }]]),
  )

  operator_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for statement in local.operator_statements : { for key, value in statement : key => value if value != null }]
  })
}
