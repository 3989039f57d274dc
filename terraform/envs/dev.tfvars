# Small, one NAT gateway and no endpoints: cheap when idle, and not for figures.
project_name         = "temporal-dev"
environment          = "dev"
availability_zones   = ["eu-west-1a", "eu-west-1b"]
enable_vpc_endpoints = false
nat_gateways         = 1

temporal_image             = "temporal/server:1.31.2"
temporal_admin_tools_image = "temporal/admin-tools:1.31.2"
temporal_ui_image          = "temporal/ui:2.45.0"
grafana_image              = "temporal/grafana:13.0.0"
loki_image                 = "mirror/loki:3.6.4"
alloy_image                = "mirror/alloy:1.12.2"
fluent_bit_image           = "mirror/fluent-bit:3.0.0"
benchmark_image            = "temporal/benchmark:0.1.0"

# Three tasks on each: 12 tasks, and one more of a service that is deployed.
ec2_instance_type  = "m8g.xlarge"
ec2_instance_count = 5

temporal_history_cpu     = 2048
temporal_history_memory  = 4096
temporal_history_count   = 3
temporal_history_shards  = 2048
temporal_matching_cpu    = 1024
temporal_matching_memory = 2048
temporal_matching_count  = 2
temporal_frontend_cpu    = 1024
temporal_frontend_memory = 2048
temporal_frontend_count  = 2
temporal_worker_cpu      = 512
temporal_worker_memory   = 1024
temporal_worker_count    = 2
temporal_ui_count        = 1
grafana_count            = 1
loki_count               = 1

opensearch_instance_count = 2
log_retention_days        = 7
loki_retention_days       = 7

benchmark_cpu           = 2048
benchmark_memory        = 4096
benchmark_instance_type = "m8g.xlarge"
benchmark_max_instances = 4
benchmark_worker_max    = 4
