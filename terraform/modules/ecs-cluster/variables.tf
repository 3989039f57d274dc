variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "vpc_id" {
  description = "Network in which the namespace's names resolve."
  type        = string
}

variable "log_retention_days" {
  description = "How long the log of ECS Exec is kept."
  type        = number
}
