output "arn" {
  description = "ARN of the cluster."
  value       = aws_ecs_cluster.this.arn
}

output "name" {
  description = "Name of the cluster."
  value       = aws_ecs_cluster.this.name
}

output "namespace" {
  description = "The Cloud Map namespace: id, ARN, the hosted zone of its records, and the domain that ends all names."
  value = {
    id      = aws_service_discovery_private_dns_namespace.this.id
    arn     = aws_service_discovery_private_dns_namespace.this.arn
    zone_id = aws_service_discovery_private_dns_namespace.this.hosted_zone
    domain  = aws_service_discovery_private_dns_namespace.this.name
  }
}

output "exec_log_group" {
  description = "Log group of ECS Exec: name and ARN."
  value = {
    name = aws_cloudwatch_log_group.exec.name
    arn  = aws_cloudwatch_log_group.exec.arn
  }
}
