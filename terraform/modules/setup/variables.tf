variable "project" {
  description = "Prefix of all names."
  type        = string
}

variable "region" {
  description = "Region of the log."
  type        = string
}

variable "cpu" {
  description = "CPU units of a task."
  type        = number
  default     = 256
}

variable "memory" {
  description = "MiB of a task."
  type        = number
  default     = 512
}

variable "cpu_architecture" {
  description = "ARM64 or X86_64."
  type        = string
}

variable "admin_tools_image" {
  description = "Image with Temporal's schema tools, by digest."
  type        = string
}

variable "benchmark_image" {
  description = "Image with benchmark-cluster, by digest."
  type        = string
}

variable "schema_environment" {
  description = "Variables of the schema tools."
  type        = map(string)
}

variable "database_environment" {
  description = "Variables of benchmark-cluster database."
  type        = map(string)
}

variable "execution_role_arn" {
  description = "Role with which ECS starts the tasks."
  type        = string
}

variable "task_role_arn" {
  description = "Role of the containers."
  type        = string
}

variable "log_retention_days" {
  description = "How long their log is kept."
  type        = number
}
