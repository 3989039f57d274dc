# Only the benchmark, against a Temporal elsewhere: its address, TLS, and an API key that lies in Secrets Manager as it is.
# A NAT gateway leads there. Prometheus, Grafana and Loki are made for what generators and workers tell.

module "benchmark" {
  source = "../.."

  project_name         = "temporal-load"
  environment          = "dev"
  enable_vpc_endpoints = false
  nat_gateways         = 1

  temporal_elsewhere = {
    address             = "namespace.account.tmprl.cloud:7233"
    namespace           = "namespace.account"
    tls                 = true
    api_key_secret_name = "temporal/api-key"
  }

  grafana_image    = "temporal/grafana:13.0.0"
  loki_image       = "mirror/loki:3.6.4"
  alloy_image      = "mirror/alloy:1.12.2"
  fluent_bit_image = "mirror/fluent-bit:3.0.0"
  benchmark_image  = "temporal/benchmark:0.1.0"

  # Loki and Grafana; the workers have their own pool.
  ec2_instance_type  = "m8g.xlarge"
  ec2_instance_count = 1
  grafana_count      = 1
  loki_count         = 1

  benchmark_instance_type = "m8g.xlarge"
  benchmark_max_instances = 4
  benchmark_worker_max    = 4
}
