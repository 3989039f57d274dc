# The benchmark on the cluster: generators are one-shot tasks, since a service would begin the run again; workers are a
# service from zero; results go to a bucket, and nothing is left running when the time to live is over.

locals {
  # Where members join. It is a name of the namespace's DNS, not of Service Connect, which only tasks of services get.
  leader = "leader.${var.namespace.domain}"
  join   = "${local.leader}:7400"

  awslogs = {
    for kind in ["generator", "generator-join"] : kind => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.runs.name
        awslogs-region        = var.region
        awslogs-stream-prefix = kind
      }
    }
  }

  nothing = { portMappings = [], volumesFrom = [], systemControls = [] }
}

resource "aws_cloudwatch_log_group" "runs" {
  # checkov:skip=CKV_AWS_158: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_338: log_retention_days is an input: what a run needs is in its result
  name              = "/ecs/${var.project}/runs"
  retention_in_days = var.log_retention_days
}

# One instance named `leader`, which the generator's task overwrites with its address. Between runs it is 127.0.0.1, so
# that the name always answers: resolvers keep the absence of a name for 15 minutes.

resource "aws_service_discovery_service" "leader" {
  name = "leader"

  dns_config {
    namespace_id   = var.namespace.id
    routing_policy = "MULTIVALUE"
    dns_records {
      type = "A"
      ttl  = 5
    }
  }

  force_destroy = true
}

resource "aws_service_discovery_instance" "leader" {
  service_id  = aws_service_discovery_service.leader.id
  instance_id = "leader"
  attributes  = { AWS_INSTANCE_IPV4 = "127.0.0.1" }

  lifecycle {
    # A run in progress has its own address there.
    ignore_changes = [attributes]
  }
}

# Results.

module "results" {
  source = "../bucket"

  name            = var.bucket
  versioned       = true
  expire_days     = 365
  expire_old_days = 30
  force_destroy   = var.force_destroy
}

# The generator that leads a run, and the attendant beside it.

resource "aws_ecs_task_definition" "generator" {
  family                   = "${var.project}-generator"
  requires_compatibilities = ["EC2"]
  network_mode             = "awsvpc"
  cpu                      = var.generator.cpu
  memory                   = var.generator.memory
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.generator_role_arn
  # RunTask hands it on to the task, which may stop tasks with this tag only.
  tags = { family = "${var.project}-generator" }

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume {
    name = "runs"
    docker_volume_configuration {
      scope  = "task"
      driver = "local"
    }
  }

  container_definitions = jsonencode(concat([
    merge(local.nothing, {
      name       = "generator"
      image      = var.image
      essential  = true
      cpu        = var.generator.cpu - local.attendant.cpu - sum(concat([0], [for sidecar in var.generator_sidecars : sidecar.cpu]))
      memory     = var.generator.memory - local.attendant.memory - sum(concat([0], [for sidecar in var.generator_sidecars : sidecar.memory]))
      entryPoint = ["/run-benchmark"]
      environment = [for name, value in {
        BENCHMARK_FLEET_LISTEN   = "0.0.0.0:7400"
        BENCHMARK_GENERATOR_ONLY = "true"
        BENCHMARK_METRICS_LISTEN = "127.0.0.1:9090"
        BENCHMARK_NAMESPACE      = var.temporal.namespace
        TEMPORAL_ADDRESS         = var.temporal.generator_address
      } : { name = name, value = value }]
      secrets = local.secrets
      # Results go to ./runs, the volume.
      workingDirectory       = "/"
      readonlyRootFilesystem = true
      # After SIGTERM it may need a minute to end in order.
      stopTimeout = 120
      mountPoints = [{ sourceVolume = "runs", containerPath = "/runs", readOnly = false }]
      # Stopping reverses this order: the attendant copies the last result when the generator has ended.
      dependsOn = concat(
        [{ containerName = "attendant", condition = "HEALTHY" }],
        [for sidecar in var.generator_sidecars : { containerName = sidecar.name, condition = "START" }],
      )
      logConfiguration = local.awslogs["generator"]
    }),
    merge(local.nothing, {
      name       = "attendant"
      image      = var.image
      essential  = true
      cpu        = local.attendant.cpu
      memory     = local.attendant.memory
      entryPoint = ["/benchmark-cluster"]
      command    = ["attend"]
      environment = [for name, value in {
        ATTEND_BUCKET         = module.results.name
        ATTEND_LEADER_SERVICE = aws_service_discovery_service.leader.id
        ATTEND_TTL            = "${var.ttl_hours}h"
        ATTEND_WORKERS        = "${var.cluster_name}/${module.worker.name}"
        # Nobody else tells it: tasks do not reach the instance's metadata.
        AWS_REGION = var.region
      } : { name = name, value = value }]
      secrets                = []
      readonlyRootFilesystem = true
      stopTimeout            = 120
      mountPoints            = [{ sourceVolume = "runs", containerPath = "/runs", readOnly = false }]
      healthCheck = {
        command     = ["CMD", "/benchmark-cluster", "attend", "--ready"]
        interval    = 5
        timeout     = 5
        retries     = 10
        startPeriod = 60
      }
      logConfiguration = local.awslogs["generator"]
    }),
  ], var.generator_sidecars))
}

locals {
  attendant = { cpu = 128, memory = 256 }
  secret_arns = { for name, arn in {
    BENCHMARK_FLEET_TOKEN = var.fleet_token_secret_arn
    TEMPORAL_API_KEY      = var.temporal.api_key_secret_arn
  } : name => arn if arn != null }
  secrets = [for name, arn in local.secret_arns : { name = name, valueFrom = arn }]
}

# Further generators, which join the first.

resource "aws_ecs_task_definition" "generator_join" {
  family                   = "${var.project}-generator-join"
  requires_compatibilities = ["EC2"]
  network_mode             = "awsvpc"
  cpu                      = var.generator.cpu
  memory                   = var.generator.memory
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.worker_role_arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  container_definitions = jsonencode(concat([
    merge(local.nothing, {
      name       = "generator"
      image      = var.image
      essential  = true
      cpu        = var.generator.cpu - sum(concat([0], [for sidecar in var.generator_sidecars : sidecar.cpu]))
      memory     = var.generator.memory - sum(concat([0], [for sidecar in var.generator_sidecars : sidecar.memory]))
      entryPoint = ["/run-benchmark"]
      command    = ["join", local.join]
      environment = [for name, value in {
        BENCHMARK_JOIN_TIMEOUT   = "20m"
        BENCHMARK_METRICS_LISTEN = "127.0.0.1:9090"
        TEMPORAL_ADDRESS         = var.temporal.generator_address
      } : { name = name, value = value }]
      secrets                = local.secrets
      readonlyRootFilesystem = true
      stopTimeout            = 120
      mountPoints            = []
      dependsOn              = [for sidecar in var.generator_sidecars : { containerName = sidecar.name, condition = "START" }]
      logConfiguration       = local.awslogs["generator-join"]
    }),
  ], var.generator_sidecars))
}

# Workers.

module "worker" {
  source = "../service"

  project            = var.project
  name               = "benchmark-worker"
  cluster_arn        = var.cluster_arn
  namespace          = { id = var.namespace.id, arn = var.namespace.arn }
  capacity_provider  = var.worker_capacity_provider
  pack               = true
  subnet_ids         = var.subnet_ids
  security_group_ids = var.worker_security_group_ids
  cpu                = var.worker.cpu
  memory             = var.worker.memory
  cpu_architecture   = var.cpu_architecture
  image              = var.image
  entry_point        = ["/benchmark-worker"]
  read_only          = true
  stop_timeout       = 60
  environment = {
    BENCHMARK_JOIN           = local.join
    BENCHMARK_JOIN_TIMEOUT   = "24h"
    BENCHMARK_METRICS_LISTEN = "127.0.0.1:9090"
    BENCHMARK_STAY           = "true"
    TEMPORAL_ADDRESS         = var.temporal.worker_address
  }
  secrets = local.secret_arns
  # Not /readyz, which is rightly red before a run.
  health_check = {
    command     = ["CMD", "/benchmark-cluster", "probe", "http://127.0.0.1:9090/healthz"]
    interval    = 10
    timeout     = 5
    retries     = 3
    startPeriod = 30
  }
  sidecars           = var.worker_sidecars
  log_configuration  = var.worker_log_configuration
  execution_role_arn = var.execution_role_arn
  task_role_arn      = var.worker_role_arn
  # A deployment ends workers before it starts new ones: there is no room for both.
  deployment = { minimum_healthy_percent = 0, maximum_percent = 100 }
}

# The end, written before anything is scaled: benchmark-cluster puts a one-time schedule here that sets the workers to none.

resource "aws_scheduler_schedule_group" "this" {
  name = "${var.project}-benchmark"
}

resource "aws_iam_role" "scheduler" {
  name = "${var.project}-workers-end"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnEquals    = { "aws:SourceArn" = aws_scheduler_schedule_group.this.arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  name = "set-workers-to-none"
  role = aws_iam_role.scheduler.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "ecs:UpdateService"
      Resource = module.worker.arn
    }]
  })
}
