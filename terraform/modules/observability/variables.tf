variable "project" {
  description = "Prefix of all names."
  type        = string
}

variable "region" {
  description = "Region of the workspace and the bucket."
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
  description = "Pool of Grafana and Loki."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the tasks."
  type        = list(string)
}

variable "cpu_architecture" {
  description = "ARM64 or X86_64."
  type        = string
}

variable "grafana" {
  description = "Grafana: image by digest, size of the task, security groups, role, and the secret with username and password."
  type = object({
    image              = string
    cpu                = number
    memory             = number
    security_group_ids = list(string)
    role_arn           = string
    admin_secret_arn   = string
  })
}

variable "loki" {
  description = "Loki: image by digest, one with a shell that writes its configuration, size of the task, security groups, role, name of its bucket, and how long lines are kept."
  type = object({
    image              = string
    cpu                = number
    memory             = number
    config_image       = string
    security_group_ids = list(string)
    role_arn           = string
    bucket             = string
    retention_days     = number
  })
}

variable "rules" {
  description = "Rule groups in Prometheus' format, by name."
  type        = map(string)
}

variable "alarm_topic_arn" {
  description = "SNS topic that alerts go to."
  type        = string
}

variable "awslogs" {
  description = "Log configuration of Loki and of Grafana: CloudWatch, since Loki cannot keep its own log."
  type        = map(any)
}

variable "execution_role_arn" {
  description = "Role with which ECS starts the tasks."
  type        = string
}

variable "log_retention_days" {
  description = "How long the workspace's log is kept."
  type        = number
}

variable "force_destroy" {
  description = "Whether Loki's bucket is emptied when it is destroyed."
  type        = bool
}
