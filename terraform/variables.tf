variable "project_name" {
  description = "Prefix of all names."
  type        = string
  default     = "temporal-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.project_name)) && !contains(["aws", "ecs", "fargate"], split("-", var.project_name)[0])
    error_message = "project_name: 3 to 32 lower-case letters, digits and dashes, beginning with a letter, and not with aws, ecs or fargate, which ECS reserves."
  }
}

variable "environment" {
  description = "Which dynamic configuration the servers take, and whether data is protected: dev, bench or prod."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "bench", "prod"], var.environment)
    error_message = "environment: dev, bench or prod."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-west-1"
}

variable "vpc_cidr" {
  description = "Addresses of the network."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]), 32) <= 20
    error_message = "vpc_cidr: a network of /20 or larger: each zone takes a sixteenth of it, with an address for each task."
  }
}

variable "availability_zones" {
  description = "Zones, two at least."
  type        = list(string)
  default     = ["eu-west-1a", "eu-west-1b"]

  validation {
    condition     = length(distinct(var.availability_zones)) >= 2 && length(var.availability_zones) <= 6
    error_message = "availability_zones: two to six different zones; OpenSearch and the services are spread over them."
  }
}

variable "enable_vpc_endpoints" {
  description = "Whether AWS is reached by endpoints in the network and DSQL by private link."
  type        = bool
  default     = true
}

variable "nat_gateways" {
  description = "NAT gateways, in the first zones. None with endpoints: then there is no way out."
  type        = number
  default     = 0

  validation {
    condition     = var.nat_gateways >= 0 && floor(var.nat_gateways) == var.nat_gateways
    error_message = "nat_gateways: a whole number."
  }

  validation {
    condition     = var.nat_gateways > 0 || var.enable_vpc_endpoints
    error_message = "nat_gateways: with 0 and enable_vpc_endpoints = false nothing reaches AWS: set one of them."
  }

  validation {
    condition     = var.nat_gateways <= length(var.availability_zones)
    error_message = "nat_gateways: at most one for each zone."
  }
}

variable "cpu_architecture" {
  description = "ARM64 or X86_64: images and machine images switch together."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "cpu_architecture: ARM64 or X86_64."
  }
}

variable "temporal_image" {
  description = "Image of Temporal's server: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.temporal_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.temporal_image)) && !endswith(var.temporal_image, ":latest"))
    error_message = "temporal_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

variable "temporal_admin_tools_image" {
  description = "Image of Temporal's schema tools: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.temporal_admin_tools_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.temporal_admin_tools_image)) && !endswith(var.temporal_admin_tools_image, ":latest"))
    error_message = "temporal_admin_tools_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

variable "temporal_ui_image" {
  description = "Image of Temporal's Web UI: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.temporal_ui_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.temporal_ui_image)) && !endswith(var.temporal_ui_image, ":latest"))
    error_message = "temporal_ui_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

variable "grafana_image" {
  description = "Image of Grafana with the boards: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.grafana_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.grafana_image)) && !endswith(var.grafana_image, ":latest"))
    error_message = "grafana_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

variable "loki_image" {
  description = "Image of Loki: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.loki_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.loki_image)) && !endswith(var.loki_image, ":latest"))
    error_message = "loki_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

variable "alloy_image" {
  description = "Image of Grafana Alloy: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.alloy_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.alloy_image)) && !endswith(var.alloy_image, ":latest"))
    error_message = "alloy_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

variable "fluent_bit_image" {
  description = "Image of Fluent Bit for ECS: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.fluent_bit_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.fluent_bit_image)) && !endswith(var.fluent_bit_image, ":latest"))
    error_message = "fluent_bit_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

variable "benchmark_image" {
  description = "Image of the three programs of the benchmark: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account's ECR."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.benchmark_image)) || (can(regex("^[^:@ ]+:[^:@/ ]+$", var.benchmark_image)) && !endswith(var.benchmark_image, ":latest"))
    error_message = "benchmark_image: REPOSITORY@sha256:DIGEST, or REPOSITORY:TAG in this account; latest is refused, since it does not say what ran."
  }
}

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

variable "ec2_instance_type" {
  description = "Type of the main pool's instances."
  type        = string
  default     = "m8g.4xlarge"
}

variable "ec2_instance_count" {
  description = "Most instances of the main pool."
  type        = number
  default     = 10
}

variable "temporal_history_cpu" {
  description = "CPU units of a task of history, its sidecars and its proxy included."
  type        = number
  default     = 4096
}

variable "temporal_history_memory" {
  description = "MiB of a task of history."
  type        = number
  default     = 8192
}

variable "temporal_history_count" {
  description = "Tasks of history that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0
}

variable "temporal_matching_cpu" {
  description = "CPU units of a task of matching, its sidecars and its proxy included."
  type        = number
  default     = 1024
}

variable "temporal_matching_memory" {
  description = "MiB of a task of matching."
  type        = number
  default     = 2048
}

variable "temporal_matching_count" {
  description = "Tasks of matching that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0
}

variable "temporal_frontend_cpu" {
  description = "CPU units of a task of frontend, its sidecars and its proxy included."
  type        = number
  default     = 2048
}

variable "temporal_frontend_memory" {
  description = "MiB of a task of frontend."
  type        = number
  default     = 4096
}

variable "temporal_frontend_count" {
  description = "Tasks of frontend that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0
}

variable "temporal_worker_cpu" {
  description = "CPU units of a task of the worker service, its sidecars and its proxy included."
  type        = number
  default     = 512
}

variable "temporal_worker_memory" {
  description = "MiB of a task of the worker service."
  type        = number
  default     = 1024
}

variable "temporal_worker_count" {
  description = "Tasks of the worker service that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0
}

variable "temporal_ui_cpu" {
  description = "CPU units of a task of the Web UI, its sidecars and its proxy included."
  type        = number
  default     = 512
}

variable "temporal_ui_memory" {
  description = "MiB of a task of the Web UI."
  type        = number
  default     = 1024
}

variable "temporal_ui_count" {
  description = "Tasks of the Web UI that benchmark-cluster up brings up. Services begin with none."
  type        = number
  default     = 0
}

variable "temporal_history_shards" {
  description = "History shards. It cannot change once there is a schema."
  type        = number
  default     = 4096

  validation {
    condition     = var.temporal_history_shards >= 1 && pow(2, floor(log(var.temporal_history_shards, 2) + 0.5)) == var.temporal_history_shards
    error_message = "temporal_history_shards: a power of two."
  }
}

variable "grafana_cpu" {
  description = "CPU units of a task of Grafana, its sidecars and its proxy included."
  type        = number
  default     = 512
}

variable "grafana_memory" {
  description = "MiB of a task of Grafana."
  type        = number
  default     = 1024
}

variable "grafana_count" {
  description = "Tasks of Grafana that benchmark-cluster up brings up."
  type        = number
  default     = 0
}

variable "grafana_admin_secret_name" {
  description = "Secret with Grafana's username and password."
  type        = string
  default     = "grafana/admin"
}

variable "fleet_token_secret_name" {
  description = "Secret with the token that members of a run show."
  type        = string
  default     = "benchmark/fleet-token"
}

variable "loki_cpu" {
  description = "CPU units of a task of Loki, its sidecars and its proxy included."
  type        = number
  default     = 1024
}

variable "loki_memory" {
  description = "MiB of a task of Loki."
  type        = number
  default     = 2048
}

variable "loki_count" {
  description = "Tasks of Loki that benchmark-cluster up brings up."
  type        = number
  default     = 0
}

variable "loki_retention_days" {
  description = "How long log lines are kept."
  type        = number
  default     = 7
}

variable "alloy_cpu" {
  description = "CPU units of an Alloy sidecar."
  type        = number
  default     = 128
}

variable "alloy_memory" {
  description = "MiB of an Alloy sidecar."
  type        = number
  default     = 256
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
    error_message = "opensearch_instance_count: a multiple of the zones (three at most count)."
  }
}

variable "opensearch_dedicated_masters" {
  description = "Whether three further nodes do nothing but lead."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long logs are kept in CloudWatch."
  type        = number
  default     = 7

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days: one of the periods of CloudWatch: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731."
  }
}

variable "benchmark_enabled" {
  description = "Whether the benchmark is there."
  type        = bool
  default     = true
}

variable "benchmark_cpu" {
  description = "CPU units of a task of a generator, its sidecars and its proxy included."
  type        = number
  default     = 4096
}

variable "benchmark_memory" {
  description = "MiB of a task of a generator."
  type        = number
  default     = 8192
}

variable "benchmark_worker_cpu" {
  description = "CPU units of a task of a benchmark worker, its sidecars and its proxy included."
  type        = number
  default     = 4096
}

variable "benchmark_worker_memory" {
  description = "MiB of a task of a benchmark worker."
  type        = number
  default     = 4096
}

variable "benchmark_max_instances" {
  description = "Most instances of the workers' pool."
  type        = number
  default     = 13
}

variable "benchmark_instance_type" {
  description = "Type of the workers' instances."
  type        = string
  default     = "m8g.4xlarge"
}

variable "benchmark_spot" {
  description = "Whether the workers' instances are spot ones."
  type        = bool
  default     = false
}

variable "benchmark_worker_max" {
  description = "Most workers that are asked for; the pool must hold them."
  type        = number
  default     = 51
}

variable "generator_instance_type" {
  description = "Type of the generators' instances, one for each task."
  type        = string
  default     = "m8g.xlarge"
}

variable "generator_max_instances" {
  description = "Most generators."
  type        = number
  default     = 4

  validation {
    condition     = var.generator_max_instances >= 1 && var.generator_max_instances <= 4
    error_message = "generator_max_instances: 1 to 4."
  }
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

variable "deletion_protection" {
  description = "Whether database and tables cannot be deleted."
  type        = bool
  default     = false

  validation {
    condition     = var.deletion_protection || var.environment != "prod"
    error_message = "deletion_protection: prod without it would lose its data with one command: set it to true."
  }
}

variable "monthly_budget_usd" {
  description = "Budget of a month, dollars, with warnings at 80 % actual and 100 % forecast; 0 is none."
  type        = number
  default     = 0
}

variable "alarm_email" {
  description = "Address that alarms are sent to; nobody when null."
  type        = string
  default     = null
}
