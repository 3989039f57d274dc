variable "project" {
  description = "Prefix of all names."
  type        = string
}

variable "partition" {
  description = "AWS partition."
  type        = string
  default     = "aws"
}

variable "region" {
  description = "Region of what the roles may use."
  type        = string
}

variable "account_id" {
  description = "Account of what the roles may use."
  type        = string
}

variable "cluster_name" {
  description = "Cluster of the tasks."
  type        = string
}

variable "exec_log_group_arn" {
  description = "Log group of ECS Exec."
  type        = string
}

variable "prometheus_workspace_arn" {
  description = "Workspace that samples are written to."
  type        = string
}

variable "temporal" {
  description = "Whether Temporal itself is here; otherwise only the benchmark is, and dsql, opensearch_arn and the tables are left out."
  type        = bool
  default     = true
}

variable "dsql" {
  description = "The database: ARN and the user that servers log in as."
  type        = object({ arn = string, user = string })
  default     = null
}

variable "dynamodb_table_arns" {
  description = "Tables of the rate limiter and the leases."
  type        = list(string)
  default     = []
}

variable "opensearch_arn" {
  description = "Domain of visibility."
  type        = string
  default     = null
}

variable "loki_bucket" {
  description = "Bucket of Loki."
  type        = string
}

variable "secret_arns" {
  description = "Secrets that tasks get as variables."
  type        = list(string)
}

variable "repository_arns" {
  description = "Repositories in ECR that images are pulled from."
  type        = list(string)
  default     = []
}

variable "benchmark_enabled" {
  description = "Whether the benchmark is here."
  type        = bool
  default     = true
}

variable "benchmark" {
  description = "What the generator's attendant works on; null without a benchmark."
  type = object({
    bucket_arn         = string
    leader_service_arn = string
    zone_id            = string
    worker_service_arn = string
  })
  default = null
}
