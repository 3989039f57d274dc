output "capacity_provider" {
  description = "Name of the capacity provider."
  value       = aws_ecs_capacity_provider.this.name
}

output "group" {
  description = "The Auto Scaling group: name, ARN and most instances."
  value = {
    name = aws_autoscaling_group.this.name
    arn  = aws_autoscaling_group.this.arn
    max  = var.max_size
  }
}

output "instance_role_arn" {
  description = "Role of the instances."
  value       = aws_iam_role.instance.arn
}

output "volume_gib" {
  description = "Size of each instance's volume, GiB."
  value       = var.volume_gib
}
