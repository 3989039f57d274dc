variable "project" {
  description = "Prefix of all names."
  type        = string
}

variable "region" {
  description = "Region of logs and bucket."
  type        = string
}

variable "account_id" {
  description = "Account, for which alone the scheduler acts."
  type        = string
}

variable "cluster_arn" {
  description = "The cluster."
  type        = string
}

variable "cluster_name" {
  description = "Its name."
  type        = string
}

variable "namespace" {
  description = "The Cloud Map namespace: id, ARN, and its domain."
  type        = object({ id = string, arn = string, domain = string })
}

variable "worker_capacity_provider" {
  description = "Pool of the workers."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "worker_security_group_ids" {
  description = "Security groups of the workers."
  type        = list(string)
}

variable "cpu_architecture" {
  description = "ARM64 or X86_64."
  type        = string
}

variable "image" {
  description = "Image with the three programs, by digest."
  type        = string
}

variable "generator" {
  description = "Size of a generator's task: CPU units and MiB."
  type        = object({ cpu = number, memory = number })
}

variable "worker" {
  description = "Size of a worker's task: CPU units and MiB."
  type        = object({ cpu = number, memory = number })
}

variable "temporal" {
  description = "Temporal: addresses for generators (by DNS: they get no Service Connect) and for workers, namespace, and the secret with an API key where one is needed."
  type = object({
    generator_address  = string
    worker_address     = string
    namespace          = string
    api_key_secret_arn = optional(string)
  })
}

variable "ttl_hours" {
  description = "How long a run's tasks live when RunTask says nothing else."
  type        = number
}

variable "bucket" {
  description = "Name of the results bucket."
  type        = string
}

variable "fleet_token_secret_arn" {
  description = "Secret with the token that members show."
  type        = string
}

variable "generator_sidecars" {
  description = "Container definitions beside a generator."
  type        = any
  default     = []
}

variable "worker_sidecars" {
  description = "Container definitions beside a worker."
  type        = any
  default     = []
}

variable "worker_log_configuration" {
  description = "Log configuration of the workers' container."
  type        = any
}

variable "execution_role_arn" {
  description = "Role with which ECS starts the tasks."
  type        = string
}

variable "generator_role_arn" {
  description = "Role of the generator's containers."
  type        = string
}

variable "worker_role_arn" {
  description = "Role of the workers' containers."
  type        = string
}

variable "log_retention_days" {
  description = "How long the log of runs is kept."
  type        = number
}

variable "force_destroy" {
  description = "Whether the bucket is emptied when it is destroyed."
  type        = bool
}
