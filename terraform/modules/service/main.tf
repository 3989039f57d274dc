# One service on the cluster: its task, with room for the proxy and the sidecars, and how others find it.

locals {
  # Service Connect's proxy runs in the task and is no container of its definition: what it may use is left free.
  proxy = { cpu = 256, memory = 128 }

  sidecar_cpu    = sum(concat([0], [for sidecar in var.sidecars : sidecar.cpu]))
  sidecar_memory = sum(concat([0], [for sidecar in var.sidecars : sidecar.memory]))
  cpu            = var.cpu - local.sidecar_cpu - local.proxy.cpu
  memory         = var.memory - local.sidecar_memory - local.proxy.memory

  container = merge(
    {
      name                   = var.name
      image                  = var.image
      essential              = true
      cpu                    = local.cpu
      memory                 = local.memory
      environment            = [for name in sort(keys(var.environment)) : { name = name, value = var.environment[name] }]
      secrets                = [for name in sort(keys(var.secrets)) : { name = name, valueFrom = var.secrets[name] }]
      portMappings           = [for port in var.ports : { for key, value in { name = port.name, containerPort = port.port, hostPort = port.port, protocol = "tcp", appProtocol = port.app_protocol } : key => value if value != null }]
      readonlyRootFilesystem = var.read_only
      linuxParameters        = { initProcessEnabled = true }
      logConfiguration       = var.log_configuration
      mountPoints            = [for volume, path in var.mounts : { sourceVolume = volume, containerPath = path, readOnly = true }]
      volumesFrom            = []
      systemControls         = []
    },
    var.command == null ? {} : { command = var.command },
    var.entry_point == null ? {} : { entryPoint = var.entry_point },
    var.health_check == null ? {} : { healthCheck = var.health_check },
    var.stop_timeout == null ? {} : { stopTimeout = var.stop_timeout },
    var.user == null ? {} : { user = var.user },
    { dependsOn = concat(
      [for container in var.before : { containerName = container.name, condition = "SUCCESS" }],
      [for sidecar in var.sidecars : { containerName = sidecar.name, condition = "START" }],
    ) },
  )
}

resource "aws_ecs_task_definition" "this" {
  family                   = "${var.project}-${var.name}"
  requires_compatibilities = ["EC2"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.task_role_arn
  container_definitions    = jsonencode(concat([local.container], var.before, var.sidecars))

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  dynamic "volume" {
    for_each = var.mounts
    content {
      name = volume.key
      docker_volume_configuration {
        scope  = "task"
        driver = "local"
      }
    }
  }

  lifecycle {
    precondition {
      condition     = local.cpu > 0 && local.memory > 0
      error_message = "${var.name}: ${var.cpu} CPU units and ${var.memory} MiB leave nothing for its container: ${local.proxy.cpu + local.sidecar_cpu} units and ${local.proxy.memory + local.sidecar_memory} MiB go to the proxy and the sidecars."
    }
  }
}

# A record for each task, for callers that are no service themselves: they get no Service Connect.
resource "aws_service_discovery_service" "dns" {
  count = var.dns_name == null ? 0 : 1
  name  = var.dns_name

  dns_config {
    namespace_id   = var.namespace.id
    routing_policy = "MULTIVALUE"
    dns_records {
      type = "A"
      ttl  = 5
    }
  }

  # ECS tells whether a task is healthy.
  health_check_custom_config {
    failure_threshold = 1
  }

  force_destroy = true

  lifecycle {
    # AWS sets it to 1 whatever is asked for, and tells it back.
    ignore_changes = [health_check_custom_config]
  }
}

resource "aws_ecs_service" "this" {
  name            = "${var.project}-${var.name}"
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = 0
  # The agent of ECS Exec writes to the container's root file system.
  enable_execute_command             = !var.read_only
  propagate_tags                     = "SERVICE"
  deployment_minimum_healthy_percent = var.deployment.minimum_healthy_percent
  deployment_maximum_percent         = var.deployment.maximum_percent

  capacity_provider_strategy {
    capacity_provider = var.capacity_provider
    weight            = 100
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = var.security_group_ids
  }

  dynamic "ordered_placement_strategy" {
    for_each = var.pack ? [{ type = "binpack", field = "cpu" }] : [
      { type = "spread", field = "attribute:ecs.availability-zone" },
      { type = "spread", field = "instanceId" },
    ]
    content {
      type  = ordered_placement_strategy.value.type
      field = ordered_placement_strategy.value.field
    }
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  service_connect_configuration {
    enabled   = true
    namespace = var.namespace.arn

    dynamic "service" {
      for_each = [for port in var.ports : port if port.discovery_name != null]
      content {
        port_name      = service.value.name
        discovery_name = service.value.discovery_name

        client_alias {
          dns_name = coalesce(service.value.alias, service.value.discovery_name)
          port     = service.value.port
        }

        # A long poll answers after 70 s; the default of 15 s would cut it. For plain TCP the provider would send 0, which
        # AWS refuses, so that has no block.
        dynamic "timeout" {
          for_each = service.value.app_protocol == "grpc" ? [1] : []
          content {
            per_request_timeout_seconds = 0
            idle_timeout_seconds        = 3600
          }
        }
      }
    }
  }

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.dns
    content {
      registry_arn = service_registries.value.arn
    }
  }

  lifecycle {
    # Operators set it; services begin with none, before there is a schema.
    ignore_changes = [desired_count]
  }
}
