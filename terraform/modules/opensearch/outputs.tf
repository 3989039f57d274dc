output "endpoint" {
  description = "Host name of the domain."
  value       = aws_opensearch_domain.this.endpoint
}

output "arn" {
  description = "ARN of the domain."
  value       = aws_opensearch_domain.this.arn
}

output "volume_gib" {
  description = "Volume of each data node, GiB."
  value       = var.volume_gib
}

output "domain_name" {
  description = "Name of the domain, as in metrics of AWS/ES."
  value       = aws_opensearch_domain.this.domain_name
}

output "security_group_id" {
  description = "Security group of the domain. It has no rules of its own."
  value       = aws_security_group.this.id
}
