variable "service_name" {
  description = "Service whose lines these are: label service_name."
  type        = string
}

variable "cluster_name" {
  description = "Label cluster."
  type        = string
}

variable "loki" {
  description = "Host and port of Loki."
  type        = object({ host = string, port = number })
  default     = { host = "loki", port = 3100 }
}

variable "alloy_config" {
  description = "Alloy's configuration, a text that takes what differs between tasks from the environment."
  type        = string
}

variable "alloy_environment" {
  description = "What the configuration takes from the environment."
  type        = map(string)
}

variable "alloy_image" {
  description = "Image of Grafana Alloy, by digest."
  type        = string
}

variable "fluent_bit_image" {
  description = "Image of Fluent Bit for ECS, by digest."
  type        = string
}

variable "alloy_cpu" {
  description = "CPU units of Alloy."
  type        = number
  default     = 128
}

variable "alloy_memory" {
  description = "MiB of Alloy."
  type        = number
  default     = 256
}

variable "sidecar_log_configuration" {
  description = "Where the sidecars' own lines go: not through themselves."
  type        = any
}
