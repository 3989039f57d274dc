# The containers beside each service: Alloy scrapes the task's own metrics and writes them to Prometheus, Fluent Bit sends
# its log lines to Loki. Neither mounts anything of the host.

locals {
  config = templatefile("${path.module}/config.alloy.tftpl", {
    service      = var.service_name
    cluster      = var.cluster_name
    target       = var.metrics_target
    region       = var.region
    remote_write = var.remote_write_url
    interval     = var.scrape_interval
  })

  alloy = {
    name      = "alloy"
    image     = var.alloy_image
    essential = false
    cpu       = var.alloy_cpu
    memory    = var.alloy_memory
    # The configuration is a variable: no file, no parameter store, no container that fetches it first.
    entryPoint             = ["/bin/sh", "-c"]
    command                = ["printf '%s' \"$ALLOY_CONFIG\" >/tmp/config.alloy && exec /bin/alloy run --storage.path=/tmp/alloy --server.http.listen-addr=127.0.0.1:12345 /tmp/config.alloy"]
    environment            = [{ name = "ALLOY_CONFIG", value = local.config }]
    secrets                = []
    portMappings           = []
    mountPoints            = []
    volumesFrom            = []
    systemControls         = []
    readonlyRootFilesystem = false
    logConfiguration       = var.sidecar_log_configuration
  }

  log_router = {
    name                   = "log-router"
    image                  = var.fluent_bit_image
    essential              = false
    cpu                    = 64
    memory                 = 128
    environment            = []
    secrets                = []
    portMappings           = []
    mountPoints            = []
    volumesFrom            = []
    systemControls         = []
    user                   = "0"
    readonlyRootFilesystem = false
    firelensConfiguration = {
      type    = "fluentbit"
      options = { enable-ecs-log-metadata = "true" }
    }
    logConfiguration = var.sidecar_log_configuration
  }
}
