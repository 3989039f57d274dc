# Temporal: where it is, the sizes of its services, and what it keeps its state in.

locals {
  # What a task's other containers and Service Connect's proxy take, by kind of task.
  router = { cpu = 64, memory = 128 }
  proxy  = { cpu = 256, memory = 128 }
  beside = {
    server    = { cpu = var.alloy_cpu + local.router.cpu + local.proxy.cpu, memory = var.alloy_memory + local.router.memory + local.proxy.memory }
    ui        = { cpu = local.router.cpu + local.proxy.cpu, memory = local.router.memory + local.proxy.memory }
    alone     = { cpu = local.proxy.cpu, memory = local.proxy.memory }
    generator = { cpu = var.alloy_cpu + 128, memory = var.alloy_memory + 256 }
  }
}

variable "temporal_elsewhere" {
  description = "A Temporal that is not of this cluster: HOST:PORT, namespace, whether with TLS, and the secret with an API key. Then only the benchmark, Prometheus, Loki and Grafana are made."
  type = object({
    address             = string
    namespace           = optional(string, "benchmark")
    tls                 = optional(bool, true)
    api_key_secret_name = optional(string)
  })
  default = null

  validation {
    condition     = var.temporal_elsewhere == null || can(regex("^[A-Za-z0-9.-]+:[0-9]{1,5}$", var.temporal_elsewhere.address))
    error_message = "temporal_elsewhere: its address is HOST:PORT."
  }

  validation {
    condition     = try(var.temporal_elsewhere.api_key_secret_name, null) == null || try(var.temporal_elsewhere.tls, true)
    error_message = "temporal_elsewhere: an API key is sent with TLS only."
  }
}

variable "temporal_history_cpu" {
  description = "CPU units of a task of history, its sidecars and its proxy included."
  type        = number
  default     = 4096

  validation {
    condition     = var.temporal_history_cpu >= 512 && var.temporal_history_cpu >= local.beside.server.cpu + 64
    error_message = "temporal_history_cpu: at least 512 and 64 more than the ${local.beside.server.cpu} units that its sidecars and the proxy take."
  }
}

variable "temporal_history_memory" {
  description = "MiB of a task of history, its sidecars and its proxy included."
  type        = number
  default     = 8192

  validation {
    condition     = var.temporal_history_memory >= 512 && var.temporal_history_memory >= local.beside.server.memory + 128
    error_message = "temporal_history_memory: at least 512 and 128 more than the ${local.beside.server.memory} MiB that its sidecars and the proxy take."
  }
}

variable "temporal_history_count" {
  description = "Tasks of history that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0

  validation {
    condition     = var.temporal_history_count >= 0 && floor(var.temporal_history_count) == var.temporal_history_count
    error_message = "temporal_history_count: a whole number, 0 or more."
  }
}

variable "temporal_matching_cpu" {
  description = "CPU units of a task of matching, its sidecars and its proxy included."
  type        = number
  default     = 1024

  validation {
    condition     = var.temporal_matching_cpu >= 512 && var.temporal_matching_cpu >= local.beside.server.cpu + 64
    error_message = "temporal_matching_cpu: at least 512 and 64 more than the ${local.beside.server.cpu} units that its sidecars and the proxy take."
  }
}

variable "temporal_matching_memory" {
  description = "MiB of a task of matching, its sidecars and its proxy included."
  type        = number
  default     = 2048

  validation {
    condition     = var.temporal_matching_memory >= 512 && var.temporal_matching_memory >= local.beside.server.memory + 128
    error_message = "temporal_matching_memory: at least 512 and 128 more than the ${local.beside.server.memory} MiB that its sidecars and the proxy take."
  }
}

variable "temporal_matching_count" {
  description = "Tasks of matching that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0

  validation {
    condition     = var.temporal_matching_count >= 0 && floor(var.temporal_matching_count) == var.temporal_matching_count
    error_message = "temporal_matching_count: a whole number, 0 or more."
  }
}

variable "temporal_frontend_cpu" {
  description = "CPU units of a task of frontend, its sidecars and its proxy included."
  type        = number
  default     = 2048

  validation {
    condition     = var.temporal_frontend_cpu >= 512 && var.temporal_frontend_cpu >= local.beside.server.cpu + 64
    error_message = "temporal_frontend_cpu: at least 512 and 64 more than the ${local.beside.server.cpu} units that its sidecars and the proxy take."
  }
}

variable "temporal_frontend_memory" {
  description = "MiB of a task of frontend, its sidecars and its proxy included."
  type        = number
  default     = 4096

  validation {
    condition     = var.temporal_frontend_memory >= 512 && var.temporal_frontend_memory >= local.beside.server.memory + 128
    error_message = "temporal_frontend_memory: at least 512 and 128 more than the ${local.beside.server.memory} MiB that its sidecars and the proxy take."
  }
}

variable "temporal_frontend_count" {
  description = "Tasks of frontend that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0

  validation {
    condition     = var.temporal_frontend_count >= 0 && floor(var.temporal_frontend_count) == var.temporal_frontend_count
    error_message = "temporal_frontend_count: a whole number, 0 or more."
  }
}

variable "temporal_worker_cpu" {
  description = "CPU units of a task of the worker service, its sidecars and its proxy included."
  type        = number
  default     = 512

  validation {
    condition     = var.temporal_worker_cpu >= 512 && var.temporal_worker_cpu >= local.beside.server.cpu + 64
    error_message = "temporal_worker_cpu: at least 512 and 64 more than the ${local.beside.server.cpu} units that its sidecars and the proxy take."
  }
}

variable "temporal_worker_memory" {
  description = "MiB of a task of the worker service, its sidecars and its proxy included."
  type        = number
  default     = 1024

  validation {
    condition     = var.temporal_worker_memory >= 512 && var.temporal_worker_memory >= local.beside.server.memory + 128
    error_message = "temporal_worker_memory: at least 512 and 128 more than the ${local.beside.server.memory} MiB that its sidecars and the proxy take."
  }
}

variable "temporal_worker_count" {
  description = "Tasks of the worker service that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0

  validation {
    condition     = var.temporal_worker_count >= 0 && floor(var.temporal_worker_count) == var.temporal_worker_count
    error_message = "temporal_worker_count: a whole number, 0 or more."
  }
}

variable "temporal_ui_cpu" {
  description = "CPU units of a task of the Web UI, its sidecars and its proxy included."
  type        = number
  default     = 512

  validation {
    condition     = var.temporal_ui_cpu >= 512 && var.temporal_ui_cpu >= local.beside.ui.cpu + 64
    error_message = "temporal_ui_cpu: at least 512 and 64 more than the ${local.beside.ui.cpu} units that its sidecars and the proxy take."
  }
}

variable "temporal_ui_memory" {
  description = "MiB of a task of the Web UI, its sidecars and its proxy included."
  type        = number
  default     = 1024

  validation {
    condition     = var.temporal_ui_memory >= 512 && var.temporal_ui_memory >= local.beside.ui.memory + 128
    error_message = "temporal_ui_memory: at least 512 and 128 more than the ${local.beside.ui.memory} MiB that its sidecars and the proxy take."
  }
}

variable "temporal_ui_count" {
  description = "Tasks of the Web UI that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0

  validation {
    condition     = var.temporal_ui_count >= 0 && floor(var.temporal_ui_count) == var.temporal_ui_count
    error_message = "temporal_ui_count: a whole number, 0 or more."
  }
}

variable "temporal_history_shards" {
  description = "History shards. It cannot change once there is a schema."
  type        = number
  default     = 4096

  validation {
    condition     = var.temporal_history_shards >= 1 && pow(2, floor(log(var.temporal_history_shards, 2) + 0.5)) == var.temporal_history_shards
    error_message = "temporal_history_shards: a power of two."
  }
}

locals {
  # Memory that Fargate has for each number of CPU units.
  fargate = {
    "256"  = [512, 1024, 2048]
    "512"  = [for gib in range(1, 5) : gib * 1024]
    "1024" = [for gib in range(2, 9) : gib * 1024]
    "2048" = [for gib in range(4, 17) : gib * 1024]
    "4096" = [for gib in range(8, 31) : gib * 1024]
  }
}

variable "setup_cpu" {
  description = "CPU units of a set-up task, which runs on Fargate."
  type        = number
  default     = 256

  validation {
    condition     = contains(keys(local.fargate), tostring(var.setup_cpu))
    error_message = "setup_cpu: ${join(", ", [256, 512, 1024, 2048, 4096])}, which Fargate has."
  }
}

variable "setup_memory" {
  description = "MiB of a set-up task."
  type        = number
  default     = 512

  validation {
    condition     = contains(try(local.fargate[tostring(var.setup_cpu)], [var.setup_memory]), var.setup_memory)
    error_message = "setup_memory: Fargate has no ${var.setup_memory} MiB with ${var.setup_cpu} CPU units: ${join(", ", try(local.fargate[tostring(var.setup_cpu)], []))}."
  }
}
