output "rate_limiter" {
  description = "Table of the rate limiter: name and ARN."
  value       = { name = aws_dynamodb_table.rate_limiter.name, arn = aws_dynamodb_table.rate_limiter.arn }
}

output "conn_lease" {
  description = "Table of the connection leases: name and ARN, both empty without."
  value = {
    name = try(aws_dynamodb_table.conn_lease[0].name, "")
    arn  = try(aws_dynamodb_table.conn_lease[0].arn, "")
  }
}
