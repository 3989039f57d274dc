variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "conn_lease_enabled" {
  description = "Whether connections are leased over all replicas."
  type        = bool
}

variable "deletion_protection" {
  description = "Whether the tables cannot be deleted."
  type        = bool
}
