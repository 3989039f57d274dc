# Images, each by digest or by a tag that does not move.

locals {
  # A repository with a tag has no registry's host before it: it is looked up in this account's.
  image_pattern = "^[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}$|^[a-z0-9][a-z0-9_-]*(?:/[a-z0-9][a-z0-9._-]*)*:[A-Za-z0-9_][A-Za-z0-9_.-]*$"
}

variable "temporal_image" {
  description = "Image of Temporal's server: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string
  default     = null

  validation {
    condition     = var.temporal_elsewhere != null || (can(regex(local.image_pattern, var.temporal_image)) && !endswith(coalesce(var.temporal_image, "-"), ":latest"))
    error_message = "temporal_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}

variable "temporal_admin_tools_image" {
  description = "Image of Temporal's schema tools: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string
  default     = null

  validation {
    condition     = var.temporal_elsewhere != null || (can(regex(local.image_pattern, var.temporal_admin_tools_image)) && !endswith(coalesce(var.temporal_admin_tools_image, "-"), ":latest"))
    error_message = "temporal_admin_tools_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}

variable "temporal_ui_image" {
  description = "Image of Temporal's Web UI: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string
  default     = null

  validation {
    condition     = var.temporal_elsewhere != null || (can(regex(local.image_pattern, var.temporal_ui_image)) && !endswith(coalesce(var.temporal_ui_image, "-"), ":latest"))
    error_message = "temporal_ui_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}

variable "grafana_image" {
  description = "Image of Grafana with the boards: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex(local.image_pattern, var.grafana_image)) && !endswith(coalesce(var.grafana_image, "-"), ":latest")
    error_message = "grafana_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}

variable "loki_image" {
  description = "Image of Loki: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex(local.image_pattern, var.loki_image)) && !endswith(coalesce(var.loki_image, "-"), ":latest")
    error_message = "loki_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}

variable "alloy_image" {
  description = "Image of Grafana Alloy: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex(local.image_pattern, var.alloy_image)) && !endswith(coalesce(var.alloy_image, "-"), ":latest")
    error_message = "alloy_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}

variable "fluent_bit_image" {
  description = "Image of Fluent Bit for ECS: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex(local.image_pattern, var.fluent_bit_image)) && !endswith(coalesce(var.fluent_bit_image, "-"), ":latest")
    error_message = "fluent_bit_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}

variable "benchmark_image" {
  description = "Image of the three programs of the benchmark: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex(local.image_pattern, var.benchmark_image)) && !endswith(coalesce(var.benchmark_image, "-"), ":latest")
    error_message = "benchmark_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR; latest is refused, since it does not say what ran."
  }
}
