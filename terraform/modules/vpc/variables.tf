variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "region" {
  description = "Region, which names the endpoint services."
  type        = string
}

variable "account_id" {
  description = "Account, for which alone flow logs are written."
  type        = string
}

variable "partition" {
  description = "AWS partition."
  type        = string
  default     = "aws"
}

variable "cidr" {
  description = "Addresses of the network. Each private subnet takes a sixteenth of it."
  type        = string
}

variable "availability_zones" {
  description = "Zones with a private subnet each."
  type        = list(string)
}

variable "nat_gateways" {
  description = "NAT gateways, in the first zones; without one there is no way out."
  type        = number
}

variable "interface_endpoints" {
  description = "AWS services that have an interface endpoint here, as in ecr.api."
  type        = list(string)
}

variable "log_retention_days" {
  description = "How long flow logs are kept."
  type        = number
}
