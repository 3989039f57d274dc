# The benchmark: generators and workers, and the instances that they run on.

locals {
  # Workers that one instance holds: by CPU, memory and network interfaces, one of which is the instance's own.
  worker_shape = try(local.shapes[var.benchmark_instance_type], null)
  workers_per_instance = local.worker_shape == null ? 0 : min(
    floor(local.worker_shape.vcpu * 1024 / var.benchmark_worker_cpu),
    floor(local.worker_shape.mib * local.memory_share / var.benchmark_worker_memory),
    local.worker_shape.interfaces - 1,
  )
}

variable "benchmark_enabled" {
  description = "Whether the benchmark is there."
  type        = bool
  default     = true
}

variable "benchmark_cpu" {
  description = "CPU units of a generator's task, its sidecar and its attendant included."
  type        = number
  default     = 4096

  validation {
    condition     = var.benchmark_cpu >= local.beside.generator.cpu + 512
    error_message = "benchmark_cpu: at least 512 more than the ${local.beside.generator.cpu} units that Alloy and the attendant take."
  }
}

variable "benchmark_memory" {
  description = "MiB of a generator's task."
  type        = number
  default     = 8192

  validation {
    condition     = var.benchmark_memory >= local.beside.generator.memory + 512
    error_message = "benchmark_memory: at least 512 more than the ${local.beside.generator.memory} MiB that Alloy and the attendant take."
  }
}

variable "benchmark_worker_cpu" {
  description = "CPU units of a task of a benchmark worker, its sidecars and its proxy included."
  type        = number
  default     = 4096

  validation {
    condition     = var.benchmark_worker_cpu >= 512 && var.benchmark_worker_cpu >= local.beside.server.cpu + 64
    error_message = "benchmark_worker_cpu: at least 512 and 64 more than the ${local.beside.server.cpu} units that its sidecars and the proxy take."
  }
}

variable "benchmark_worker_memory" {
  description = "MiB of a task of a benchmark worker, its sidecars and its proxy included."
  type        = number
  default     = 4096

  validation {
    condition     = var.benchmark_worker_memory >= 512 && var.benchmark_worker_memory >= local.beside.server.memory + 128
    error_message = "benchmark_worker_memory: at least 512 and 128 more than the ${local.beside.server.memory} MiB that its sidecars and the proxy take."
  }
}

variable "benchmark_max_instances" {
  description = "Most instances of the workers' pool."
  type        = number
  default     = 13

  validation {
    condition     = var.benchmark_max_instances >= 1
    error_message = "benchmark_max_instances: 1 or more."
  }
}

variable "benchmark_instance_type" {
  description = "Type of the workers' instances."
  type        = string
  default     = "m8g.4xlarge"

  validation {
    condition     = contains(keys(local.shapes), var.benchmark_instance_type)
    error_message = "benchmark_instance_type: ${var.benchmark_instance_type} is in no table: give its shape in instance_shapes."
  }

  validation {
    condition     = try(local.shapes[var.benchmark_instance_type].architecture, var.cpu_architecture) == var.cpu_architecture
    error_message = "benchmark_instance_type: ${var.benchmark_instance_type} is not ${var.cpu_architecture}, which cpu_architecture says."
  }
}

variable "benchmark_worker_max" {
  description = "Most workers that are asked for; the pool must hold them."
  type        = number
  default     = 51

  validation {
    condition     = local.worker_shape == null || var.benchmark_worker_max <= var.benchmark_max_instances * local.workers_per_instance
    error_message = "benchmark_worker_max: ${var.benchmark_max_instances} × ${var.benchmark_instance_type} hold ${var.benchmark_max_instances * local.workers_per_instance} workers, not ${var.benchmark_worker_max} (by CPU, memory and network interfaces): lower it or raise benchmark_max_instances."
  }
}

variable "benchmark_spot" {
  description = "Whether the workers' instances are spot ones."
  type        = bool
  default     = false
}

variable "benchmark_ttl_hours" {
  description = "How long a run's tasks live when nothing else is said; an alarm goes off an hour later."
  type        = number
  default     = 2

  validation {
    condition     = var.benchmark_ttl_hours >= 1 && var.benchmark_ttl_hours <= 23 && floor(var.benchmark_ttl_hours) == var.benchmark_ttl_hours
    error_message = "benchmark_ttl_hours: 1 to 23 whole hours."
  }
}

variable "generator_instance_type" {
  description = "Type of the generators' instances, one for each task."
  type        = string
  default     = "m8g.xlarge"

  validation {
    condition     = contains(keys(local.shapes), var.generator_instance_type)
    error_message = "generator_instance_type: ${var.generator_instance_type} is in no table: give its shape in instance_shapes."
  }

  validation {
    condition     = try(local.shapes[var.generator_instance_type].architecture, var.cpu_architecture) == var.cpu_architecture
    error_message = "generator_instance_type: ${var.generator_instance_type} is not ${var.cpu_architecture}, which cpu_architecture says."
  }

  validation {
    condition     = try(local.shapes[var.generator_instance_type].vcpu * 1024 >= var.benchmark_cpu && local.shapes[var.generator_instance_type].mib * local.memory_share >= var.benchmark_memory, true)
    error_message = "generator_instance_type: ${var.generator_instance_type} does not hold a generator of ${var.benchmark_cpu} CPU units and ${var.benchmark_memory} MiB."
  }
}

variable "generator_max_instances" {
  description = "Most generators."
  type        = number
  default     = 4

  validation {
    condition     = var.generator_max_instances >= 1 && var.generator_max_instances <= 4
    error_message = "generator_max_instances: 1 to 4."
  }
}

variable "fleet_token_secret_name" {
  description = "Secret with the token that members of a run show."
  type        = string
  default     = "benchmark/fleet-token"
}
