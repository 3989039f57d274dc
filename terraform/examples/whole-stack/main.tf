# Everything: Temporal on its own network with DSQL and OpenSearch, Prometheus, Grafana and Loki, and the benchmark.
# Images have been pushed to the repositories that account/ makes.

module "temporal" {
  source = "../.."

  project_name = "temporal-example"
  environment  = "bench"

  temporal_image             = "temporal/server:1.31.2"
  temporal_admin_tools_image = "temporal/admin-tools:1.31.2"
  temporal_ui_image          = "temporal/ui:2.45.0"
  grafana_image              = "temporal/grafana:13.0.0"
  loki_image                 = "mirror/loki:3.6.4"
  alloy_image                = "mirror/alloy:1.12.2"
  fluent_bit_image           = "mirror/fluent-bit:3.0.0"
  benchmark_image            = "temporal/benchmark:0.1.0"

  # How many of each `benchmark-cluster up` brings up, when no preset is named.
  temporal_history_cpu    = 1024
  temporal_history_memory = 2048
  temporal_history_count  = 3
  temporal_history_shards = 1024
  temporal_matching_count = 2
  temporal_frontend_count = 2
  temporal_worker_count   = 2
  temporal_ui_count       = 1
  grafana_count           = 1
  loki_count              = 1

  ec2_instance_count      = 3
  benchmark_max_instances = 4
  benchmark_worker_max    = 16

  monthly_budget_usd = 500
  alarm_email        = "benchmarks@example.com"
}
