output "repository_urls" {
  description = "Where images are pushed, by repository."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}

output "secret_arns" {
  description = "ARNs of the secrets. Their values are printed nowhere."
  value = {
    grafana     = aws_secretsmanager_secret.grafana.arn
    fleet_token = aws_secretsmanager_secret.fleet_token.arn
  }
}

output "state_bucket" {
  description = "Bucket of the environments' states."
  value       = module.state.name
}
