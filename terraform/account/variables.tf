variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-west-1"
}

variable "grafana_admin_secret_name" {
  description = "Name of the secret with Grafana's administrator."
  type        = string
  default     = "grafana/admin"
}

variable "fleet_token_secret_name" {
  description = "Name of the secret with the token that members of a run show."
  type        = string
  default     = "benchmark/fleet-token"
}

variable "secrets_version" {
  description = "Another number makes new secrets."
  type        = number
  default     = 1
}

variable "recovery_window_days" {
  description = "Days in which a deleted secret can be restored; 0 deletes at once."
  type        = number
  default     = 7
}

variable "repositories" {
  description = "Image repositories."
  type        = list(string)
  default = [
    "temporal/server", "temporal/admin-tools", "temporal/ui", "temporal/benchmark", "temporal/grafana",
    "mirror/loki", "mirror/alloy", "mirror/fluent-bit",
  ]
}

variable "force_delete" {
  description = "Whether repositories that hold images, and the bucket that holds states, are destroyed."
  type        = bool
  default     = false
}

variable "create_service_linked_roles" {
  description = "Whether the service-linked roles of ECS and OpenSearch are made."
  type        = bool
  default     = true
}
