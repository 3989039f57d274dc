output "execution_role_arn" {
  description = "Role with which ECS starts tasks."
  value       = aws_iam_role.execution.arn
}

output "task_role_arns" {
  description = "Roles of the containers, by kind of task."
  value       = { for kind, role in aws_iam_role.task : kind => role.arn }
}

output "statements" {
  description = "What each kind of task may do."
  value       = local.statements
}

output "execution_statements" {
  description = "What ECS may do before a container runs."
  value       = local.execution
}
