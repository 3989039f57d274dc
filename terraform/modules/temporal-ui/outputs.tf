output "name" {
  description = "Name of the service."
  value       = module.service.name
}

output "arn" {
  description = "ARN of the service."
  value       = module.service.arn
}

output "task_definition_arn" {
  description = "ARN of the task definition."
  value       = module.service.task_definition_arn
}

output "family" {
  description = "Family of the task definition."
  value       = module.service.family
}
