output "task_definition_arns" {
  description = "Task definitions of the one-shot tasks: generator, generator_join."
  value = {
    generator      = aws_ecs_task_definition.generator.arn
    generator_join = aws_ecs_task_definition.generator_join.arn
  }
}

output "families" {
  description = "Families of the one-shot tasks."
  value = {
    generator      = aws_ecs_task_definition.generator.family
    generator_join = aws_ecs_task_definition.generator_join.family
  }
}

output "worker_service" {
  description = "The worker service: name, ARN, family."
  value       = { name = module.worker.name, arn = module.worker.arn, family = module.worker.family }
}

output "container" {
  description = "Container whose exit code is the run's."
  value       = "generator"
}

output "bucket" {
  description = "The results bucket: name and ARN."
  value       = { name = module.results.name, arn = module.results.arn }
}

output "leader_service" {
  description = "The Cloud Map service of the leader's name: id and ARN."
  value       = { id = aws_service_discovery_service.leader.id, arn = aws_service_discovery_service.leader.arn }
}

output "log_group" {
  description = "Log group of runs: name and ARN."
  value       = { name = aws_cloudwatch_log_group.runs.name, arn = aws_cloudwatch_log_group.runs.arn }
}

output "scheduler" {
  description = "Schedule group, and the role that sets the workers to none."
  value = {
    group     = aws_scheduler_schedule_group.this.name
    group_arn = aws_scheduler_schedule_group.this.arn
    role_arn  = aws_iam_role.scheduler.arn
  }
}
