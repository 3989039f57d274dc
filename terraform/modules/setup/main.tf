# One-shot tasks that make schema, index and database role, on Fargate: they need no instance of the pools. Their
# commands come with RunTask.

resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_338: log_retention_days is an input: what a run needs is in its result
  name              = "/ecs/${var.project}/setup"
  retention_in_days = var.log_retention_days
}

locals {
  tasks = {
    schema   = { image = var.admin_tools_image, environment = var.schema_environment }
    database = { image = var.benchmark_image, environment = var.database_environment }
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = local.tasks
  family                   = "${var.project}-setup-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.task_role_arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  container_definitions = jsonencode([{
    name           = each.key
    image          = each.value.image
    essential      = true
    environment    = [for name in sort(keys(each.value.environment)) : { name = name, value = each.value.environment[name] }]
    portMappings   = []
    mountPoints    = []
    volumesFrom    = []
    systemControls = []
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = each.key
      }
    }
  }])
}
