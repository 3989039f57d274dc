# For benchmark-cluster, and for people.

output "facts" {
  description = "What benchmark-cluster knows of this environment, version 1."
  value       = local.facts
}

output "cost" {
  description = "Dollars an hour: idle, with services up, during a run; item by item; what is priced by use, and what has no price here."
  value       = local.cost
}

output "operator_policy" {
  description = "IAM policy of a person who runs benchmark-cluster."
  value       = local.operator_policy
}

output "edges" {
  description = "Who may talk to whom."
  value       = local.edges
}

output "alarm_topic_arn" {
  description = "Topic that all alarms go to."
  value       = aws_sns_topic.alarms.arn
}

output "ecs_cluster_arn" {
  description = "ARN of the cluster."
  value       = module.ecs_cluster.arn
}

output "ecs_cluster_name" {
  description = "Name of the cluster."
  value       = module.ecs_cluster.name
}

output "all_service_names" {
  description = "Names of all services."
  value       = concat([for service in local.service_facts : service.name], [for benchmark in module.benchmark : benchmark.worker_service.name])
}

output "opensearch_endpoint" {
  description = "Host name of OpenSearch."
  value       = one(module.opensearch[*].endpoint)
}

output "prometheus_remote_write_endpoint" {
  description = "Where samples are written."
  value       = module.observability.workspace.remote_write_url
}

output "prometheus_query_endpoint" {
  description = "Where PromQL is asked."
  value       = module.observability.workspace.query_url
}

output "loki_endpoint" {
  description = "Loki, from inside the cluster."
  value       = "http://loki:3100"
}

output "temporal_ui_port_forward_command" {
  description = "Brings the Web UI to http://localhost:8080."
  value       = local.own ? "benchmark-cluster connect ui" : null
}

output "grafana_port_forward_command" {
  description = "Brings Grafana to http://localhost:3000."
  value       = "benchmark-cluster connect grafana"
}

output "temporal_history_ecs_exec_command" {
  description = "A shell in a task of history."
  value       = local.own ? "benchmark-cluster exec history" : null
}

output "temporal_matching_ecs_exec_command" {
  description = "A shell in a task of matching."
  value       = local.own ? "benchmark-cluster exec matching" : null
}

output "temporal_frontend_ecs_exec_command" {
  description = "A shell in a task of frontend."
  value       = local.own ? "benchmark-cluster exec frontend" : null
}

output "temporal_worker_ecs_exec_command" {
  description = "A shell in a task of worker."
  value       = local.own ? "benchmark-cluster exec worker" : null
}

output "prometheus_query_command" {
  description = "Asks Prometheus; the query stands at its end."
  value       = "curl --silent --aws-sigv4 aws:amz:${var.region}:aps --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" --header \"X-Amz-Security-Token: $AWS_SESSION_TOKEN\" --get ${module.observability.workspace.query_url} --data-urlencode 'query=up'"
}

output "dsql_metrics_command" {
  description = "DSQL's conflicts of the last hour, by the minute."
  value       = local.own ? "aws cloudwatch get-metric-statistics --region ${var.region} --namespace AWS/AuroraDSQL --metric-name OccConflicts --dimensions Name=ClusterId,Value=${module.dsql[0].id} --statistics Sum --period 60 --start-time \"$(date --utc --date '1 hour ago' +%FT%TZ)\" --end-time \"$(date --utc +%FT%TZ)\"" : null
}

output "loki_query_command" {
  description = "Asks Loki for the last lines of history, while benchmark-cluster connect loki runs in another terminal."
  value       = "curl --silent --get http://localhost:3100/loki/api/v1/query_range --data-urlencode 'query={service_name=\"temporal-history\"}' --data-urlencode limit=100"
}

output "deployment_summary" {
  description = "What was deployed, in short."
  value = {
    project      = var.project_name
    environment  = var.environment
    region       = var.region
    zones        = var.availability_zones
    private      = var.nat_gateways == 0
    services     = { for service in local.service_facts : service.key => "${service.cpu}/${service.memory}, ${service.count} asked for by up" }
    pools        = { for key, pool in local.pools : key => "0 to ${pool.max_size} × ${pool.instance_type}" }
    usd_per_hour = local.cost.usd_per_hour
  }
}
