output "vpc_id" {
  description = "Id of the network."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of the zones."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "endpoints_security_group_id" {
  description = "Security group of the interface endpoints. It has no rules of its own."
  value       = aws_security_group.endpoints.id
}

output "gateway_prefix_list_ids" {
  description = "Prefix lists of the gateway endpoints, by service."
  value       = { for name, endpoint in aws_vpc_endpoint.gateway : name => endpoint.prefix_list_id }
}
