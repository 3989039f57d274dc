output "facts" {
  description = "For benchmark-cluster --terraform."
  value       = module.benchmark.facts
}

output "cost" {
  description = "Dollars an hour."
  value       = module.benchmark.cost
}
