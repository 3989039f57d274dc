output "host" {
  description = "Host name by which servers reach the cluster."
  value       = var.private ? local.private : local.public
}

output "arn" {
  description = "ARN of the cluster."
  value       = local.arn
}

output "id" {
  description = "Identifier of the cluster, as in metrics of AWS/AuroraDSQL."
  value       = local.id
}

output "security_group_id" {
  description = "Security group of the private link; null without."
  value       = one(aws_security_group.this[*].id)
}
