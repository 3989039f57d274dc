variable "service_name" {
  description = "Service whose metrics and lines these are: label service_name."
  type        = string
}

variable "cluster_name" {
  description = "Label cluster."
  type        = string
}

variable "metrics_target" {
  description = "Where the service's metrics page is inside the task."
  type        = string
  default     = "127.0.0.1:9090"
}

variable "scrape_interval" {
  description = "How often it is scraped."
  type        = string
  default     = "15s"
}

variable "region" {
  description = "Region of the Prometheus workspace."
  type        = string
}

variable "remote_write_url" {
  description = "Where samples are written."
  type        = string
}

variable "loki" {
  description = "Host and port of Loki."
  type        = object({ host = string, port = number })
  default     = { host = "loki", port = 3100 }
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
