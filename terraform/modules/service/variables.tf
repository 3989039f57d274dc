variable "project" {
  description = "Prefix of all names."
  type        = string
}

variable "name" {
  description = "Name of the service and of its container."
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

variable "pack" {
  description = "Whether instances are filled one after the other; otherwise tasks are spread over zones and instances."
  type        = bool
  default     = false
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
  description = "Image, by digest."
  type        = string
}

variable "command" {
  description = "Arguments of the container; those of the image when null."
  type        = list(string)
  default     = null
}

variable "entry_point" {
  description = "Program of the container; that of the image when null."
  type        = list(string)
  default     = null
}

variable "user" {
  description = "User in the container; that of the image when null."
  type        = string
  default     = null
}

variable "read_only" {
  description = "Whether the container cannot write to its root file system."
  type        = bool
  default     = false
}

variable "mounts" {
  description = "Volumes that live as long as the task: name to path in the container, which may read there."
  type        = map(string)
  default     = {}
}

variable "environment" {
  description = "Variables of the container."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Variables whose values ECS takes from Secrets Manager: name to ARN, with the key of a JSON secret."
  type        = map(string)
  default     = {}
}

variable "ports" {
  description = "Ports: name, number, protocol for Service Connect (null for TCP), and by which names others find it (null for none)."
  type = list(object({
    name           = string
    port           = number
    app_protocol   = optional(string)
    discovery_name = optional(string)
    alias          = optional(string)
  }))
  default = []
}

variable "dns_name" {
  description = "Name in the namespace's DNS with a record for each task; none when null."
  type        = string
  default     = null
}

variable "health_check" {
  description = "Health check of the container, as in a task definition."
  type        = any
  default     = null
}

variable "stop_timeout" {
  description = "Seconds between SIGTERM and SIGKILL; ECS's 30 when null."
  type        = number
  default     = null
}

variable "sidecars" {
  description = "Further container definitions, each with name, cpu and memory."
  type        = any
  default     = []
}

variable "before" {
  description = "Further container definitions, which must have ended well before the container begins; nothing of the task is set aside for them."
  type        = any
  default     = []
}

variable "log_configuration" {
  description = "Log configuration of the container."
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

variable "deployment" {
  description = "How many tasks of the desired ones there may be during a deployment."
  type = object({
    minimum_healthy_percent = number
    maximum_percent         = number
  })
  default = { minimum_healthy_percent = 100, maximum_percent = 200 }
}
