output "name" {
  description = "Name of the service."
  value       = aws_ecs_service.this.name
}

output "arn" {
  description = "ARN of the service."
  value       = aws_ecs_service.this.id
}

output "task_definition_arn" {
  description = "ARN of the task definition, with its revision."
  value       = aws_ecs_task_definition.this.arn
}

output "family" {
  description = "Family of the task definition."
  value       = aws_ecs_task_definition.this.family
}

output "dns_service_arn" {
  description = "Cloud Map service of the tasks' records; null without."
  value       = one(aws_service_discovery_service.dns[*].arn)
}
