# Grafana, Loki, Alloy.

variable "grafana_cpu" {
  description = "CPU units of a task of Grafana, its sidecars and its proxy included."
  type        = number
  default     = 512

  validation {
    condition     = var.grafana_cpu >= 512 && var.grafana_cpu >= local.beside.alone.cpu + 64
    error_message = "grafana_cpu: at least 512 and 64 more than the ${local.beside.alone.cpu} units that its sidecars and the proxy take."
  }
}

variable "grafana_memory" {
  description = "MiB of a task of Grafana, its sidecars and its proxy included."
  type        = number
  default     = 1024

  validation {
    condition     = var.grafana_memory >= 512 && var.grafana_memory >= local.beside.alone.memory + 128
    error_message = "grafana_memory: at least 512 and 128 more than the ${local.beside.alone.memory} MiB that its sidecars and the proxy take."
  }
}

variable "grafana_count" {
  description = "Tasks of Grafana that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0

  validation {
    condition     = var.grafana_count >= 0 && floor(var.grafana_count) == var.grafana_count
    error_message = "grafana_count: a whole number, 0 or more."
  }
}

variable "grafana_admin_secret_name" {
  description = "Secret with Grafana's username and password."
  type        = string
  default     = "grafana/admin"
}

variable "loki_cpu" {
  description = "CPU units of a task of Loki, its sidecars and its proxy included."
  type        = number
  default     = 1024

  validation {
    condition     = var.loki_cpu >= 512 && var.loki_cpu >= local.beside.alone.cpu + 64
    error_message = "loki_cpu: at least 512 and 64 more than the ${local.beside.alone.cpu} units that its sidecars and the proxy take."
  }
}

variable "loki_memory" {
  description = "MiB of a task of Loki, its sidecars and its proxy included."
  type        = number
  default     = 2048

  validation {
    condition     = var.loki_memory >= 512 && var.loki_memory >= local.beside.alone.memory + 128
    error_message = "loki_memory: at least 512 and 128 more than the ${local.beside.alone.memory} MiB that its sidecars and the proxy take."
  }
}

variable "loki_count" {
  description = "Tasks of Loki that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0

  validation {
    condition     = var.loki_count >= 0 && floor(var.loki_count) == var.loki_count
    error_message = "loki_count: a whole number, 0 or more."
  }
}

variable "loki_retention_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 7

  validation {
    condition     = var.loki_retention_days >= 1
    error_message = "loki_retention_days: 1 or more."
  }
}

variable "alloy_cpu" {
  description = "CPU units of an Alloy sidecar."
  type        = number
  default     = 128

  validation {
    condition     = var.alloy_cpu >= 64
    error_message = "alloy_cpu: 64 or more."
  }
}

variable "alloy_memory" {
  description = "MiB of an Alloy sidecar."
  type        = number
  default     = 256

  validation {
    condition     = var.alloy_memory >= 128
    error_message = "alloy_memory: 128 or more."
  }
}

variable "alloy_config_file" {
  description = "Alloy's configuration; that of this repository when null."
  type        = string
  default     = null
}
