# 400 starts a second: the sizes of the published run of 2026-01-23.

module "temporal" {
  source = "../.."

  project_name       = "temporal-400"
  environment        = "bench"
  availability_zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]

  temporal_image             = "temporal/server:1.31.2"
  temporal_admin_tools_image = "temporal/admin-tools:1.31.2"
  temporal_ui_image          = "temporal/ui:2.45.0"
  grafana_image              = "temporal/grafana:13.0.0"
  loki_image                 = "mirror/loki:3.6.4"
  alloy_image                = "mirror/alloy:1.12.2"
  fluent_bit_image           = "mirror/fluent-bit:3.0.0"
  benchmark_image            = "temporal/benchmark:0.1.0"

  ec2_instance_type  = "m8g.4xlarge"
  ec2_instance_count = 10

  temporal_history_cpu     = 4096
  temporal_history_memory  = 8192
  temporal_history_count   = 16
  temporal_history_shards  = 4096
  temporal_matching_cpu    = 1024
  temporal_matching_memory = 2048
  temporal_matching_count  = 16
  temporal_frontend_cpu    = 2048
  temporal_frontend_memory = 4096
  temporal_frontend_count  = 9
  temporal_worker_cpu      = 512
  temporal_worker_memory   = 1024
  temporal_worker_count    = 3
  temporal_ui_count        = 1
  grafana_count            = 1
  loki_count               = 1

  # That run had 500; 50 is the default.
  dsql_max_connections      = 500
  opensearch_instance_count = 3

  benchmark_cpu           = 4096
  benchmark_memory        = 8192
  benchmark_worker_cpu    = 4096
  benchmark_worker_memory = 4096
  benchmark_worker_max    = 51
  benchmark_instance_type = "m8g.4xlarge"
  benchmark_max_instances = 13
}
