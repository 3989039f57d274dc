variable "project" {
  description = "Prefix of all names."
  type        = string
}

variable "environment_name" {
  description = "dev, bench or prod: which of the image's dynamic configurations is used."
  type        = string
}

variable "service_type" {
  description = "history, matching, frontend or worker."
  type        = string

  validation {
    condition     = contains(["history", "matching", "frontend", "worker"], var.service_type)
    error_message = "service_type is history, matching, frontend or worker."
  }
}

variable "region" {
  description = "Region, for signing."
  type        = string
}

variable "log_level" {
  description = "Level of the server's log."
  type        = string
  default     = "info"
}

variable "cluster_arn" {
  description = "The cluster."
  type        = string
}

variable "namespace" {
  description = "The Cloud Map namespace: id and ARN."
  type        = object({ id = string, arn = string })
}

variable "capacity_provider" {
  description = "Pool that the tasks run on."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the tasks."
  type        = list(string)
}

variable "cpu" {
  description = "CPU units of the whole task."
  type        = number
}

variable "memory" {
  description = "MiB of the whole task."
  type        = number
}

variable "cpu_architecture" {
  description = "ARM64 or X86_64."
  type        = string
}

variable "image" {
  description = "Image of the server, by digest."
  type        = string
}

variable "history_shards" {
  description = "Number of history shards. It cannot change once there is a schema."
  type        = number
}

variable "dsql" {
  description = "The database: host, user, and connections of one replica."
  type        = object({ host = string, user = string, max_connections = number })
}

variable "dsql_environment" {
  description = "Further variables of the DSQL plugin: reservoir, rate limiter, leases."
  type        = map(string)
  default     = {}
}

variable "opensearch" {
  description = "Visibility: host and index."
  type        = object({ host = string, index = string })
}

variable "sidecars" {
  description = "Container definitions of the sidecars."
  type        = any
}

variable "log_configuration" {
  description = "Log configuration of the server's container."
  type        = any
}

variable "execution_role_arn" {
  description = "Role with which ECS starts the task."
  type        = string
}

variable "task_role_arn" {
  description = "Role of the containers."
  type        = string
}
