output "workspace" {
  description = "The managed Prometheus: id, ARN, its address, where samples are written and where queries go."
  value = {
    id               = aws_prometheus_workspace.this.id
    arn              = aws_prometheus_workspace.this.arn
    url              = trimsuffix(aws_prometheus_workspace.this.prometheus_endpoint, "/")
    remote_write_url = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/remote_write"
    query_url        = "${aws_prometheus_workspace.this.prometheus_endpoint}api/v1/query"
  }
}

output "loki" {
  description = "Loki: name and ARN of the service, its family, and its bucket."
  value = {
    name   = module.loki.name
    arn    = module.loki.arn
    family = module.loki.family
    bucket = module.loki_bucket.name
  }
}

output "grafana" {
  description = "Grafana: name, ARN and family of the service."
  value       = { name = module.grafana.name, arn = module.grafana.arn, family = module.grafana.family }
}

output "loki_bucket_arn" {
  description = "ARN of Loki's bucket."
  value       = module.loki_bucket.arn
}
