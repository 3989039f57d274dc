variable "project" {
  description = "Prefix of all names."
  type        = string
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
  description = "Image of the UI, by digest."
  type        = string
}

variable "sidecars" {
  description = "Container definitions of the sidecars."
  type        = any
}

variable "log_configuration" {
  description = "Log configuration of the UI."
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
