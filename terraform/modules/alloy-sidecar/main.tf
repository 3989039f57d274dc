# The containers beside each service: Alloy scrapes the task's own metrics and writes them to Prometheus, Fluent Bit sends
# its log lines to Loki. Neither mounts anything of the host.

locals {
  nothing = { secrets = [], portMappings = [], mountPoints = [], volumesFrom = [], systemControls = [] }

  alloy = merge(local.nothing, {
    name      = "alloy"
    image     = var.alloy_image
    essential = false
    cpu       = var.alloy_cpu
    memory    = var.alloy_memory
    # The configuration is a variable: no file, no parameter store, no container that fetches it first.
    entryPoint             = ["/bin/sh", "-c"]
    command                = ["printf '%s' \"$ALLOY_CONFIG\" >/tmp/config.alloy && exec /bin/alloy run --storage.path=/tmp/alloy --server.http.listen-addr=127.0.0.1:12345 /tmp/config.alloy"]
    environment            = [for name in sort(keys(local.alloy_environment)) : { name = name, value = local.alloy_environment[name] }]
    readonlyRootFilesystem = false
    logConfiguration       = var.sidecar_log_configuration
  })

  # What task.alloy reads, besides the metadata address that ECS sets itself.
  alloy_environment = merge(var.alloy_environment, {
    ALLOY_CONFIG = var.alloy_config
  })

  log_router = merge(local.nothing, {
    name                   = "log-router"
    image                  = var.fluent_bit_image
    essential              = false
    cpu                    = 64
    memory                 = 128
    environment            = []
    user                   = "0"
    readonlyRootFilesystem = false
    firelensConfiguration = {
      type    = "fluentbit"
      options = { enable-ecs-log-metadata = "true" }
    }
    logConfiguration = var.sidecar_log_configuration
  })
}
