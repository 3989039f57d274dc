output "task_definition_arns" {
  description = "Task definitions by what they set up: schema, database."
  value       = { for name, task in aws_ecs_task_definition.this : name => task.arn }
}

output "log_group" {
  description = "Log group of the tasks: name and ARN."
  value       = { name = aws_cloudwatch_log_group.this.name, arn = aws_cloudwatch_log_group.this.arn }
}

output "families" {
  description = "Families of the task definitions."
  value       = { for name, task in aws_ecs_task_definition.this : name => task.family }
}
