# DSQL and OpenSearch.

variable "dsql_cluster_endpoint" {
  description = "Host name of a DSQL cluster that is there already; one is created when null."
  type        = string
  default     = null

  validation {
    condition     = (var.dsql_cluster_endpoint == null) == (var.dsql_cluster_arn == null)
    error_message = "dsql_cluster_endpoint: a cluster from elsewhere needs dsql_cluster_arn as well, and the other way round."
  }
}

variable "dsql_cluster_arn" {
  description = "Its ARN."
  type        = string
  default     = null
}

variable "dsql_vpc_endpoint_service_name" {
  description = "Name of its VPC endpoint service, for private link."
  type        = string
  default     = null

  validation {
    condition     = var.dsql_vpc_endpoint_service_name != null || var.dsql_cluster_endpoint == null || !var.enable_vpc_endpoints
    error_message = "dsql_vpc_endpoint_service_name: a DSQL cluster from elsewhere needs the name of its endpoint service to be reached privately (aws dsql get-vpc-endpoint-service-name --identifier ID)."
  }
}

variable "dsql_user" {
  description = "Database user of the servers."
  type        = string
  default     = "admin"
}

variable "dsql_max_connections" {
  description = "Connections of one replica."
  type        = number
  default     = 50
}

variable "dsql_reservoir_enabled" {
  description = "Whether connections are opened ahead."
  type        = bool
  default     = true
}

variable "dsql_reservoir_target_ready" {
  description = "Connections of the reservoir that are kept ready."
  type        = number
  default     = 50
}

variable "dsql_reservoir_base_lifetime" {
  description = "How long a connection of the reservoir lives."
  type        = string
  default     = "11m"
}

variable "dsql_reservoir_lifetime_jitter" {
  description = "By how much lifetimes differ."
  type        = string
  default     = "2m"
}

variable "dsql_reservoir_guard_window" {
  description = "How long before its end a connection is given to nobody."
  type        = string
  default     = "45s"
}

variable "dsql_distributed_conn_lease_enabled" {
  description = "Whether connections are leased over all replicas."
  type        = bool
  default     = true
}

variable "dsql_distributed_conn_limit" {
  description = "Connections of all replicas together."
  type        = number
  default     = 10000
}

variable "opensearch_version" {
  description = "Version of OpenSearch."
  type        = string
  default     = "OpenSearch_2.19"
}

variable "opensearch_visibility_index" {
  description = "Index of visibility."
  type        = string
  default     = "temporal_visibility_v1"
}

variable "opensearch_instance_type" {
  description = "Type of its nodes."
  type        = string
  default     = "m6g.large.search"
}

variable "opensearch_instance_count" {
  description = "Data nodes."
  type        = number
  default     = 2

  validation {
    condition     = var.opensearch_instance_count > 0 && var.opensearch_instance_count % min(length(var.availability_zones), 3) == 0
    error_message = "opensearch_instance_count: a multiple of the zones (three at most count): ${min(length(var.availability_zones), 3)}."
  }
}

variable "opensearch_dedicated_masters" {
  description = "Whether three further nodes do nothing but lead."
  type        = bool
  default     = false
}
