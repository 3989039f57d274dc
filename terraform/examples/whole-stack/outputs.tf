output "facts" {
  description = "For benchmark-cluster --terraform."
  value       = module.temporal.facts
}

output "cost" {
  description = "Dollars an hour."
  value       = module.temporal.cost
}
