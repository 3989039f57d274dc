variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "domain_name" {
  description = "Name of the domain, 28 characters at most."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,27}$", var.domain_name))
    error_message = "domain_name: 3 to 28 lower-case letters, digits and dashes."
  }
}

variable "region" {
  description = "Region of the domain."
  type        = string
}

variable "account_id" {
  description = "Account of the domain."
  type        = string
}

variable "partition" {
  description = "AWS partition."
  type        = string
  default     = "aws"
}

variable "vpc_id" {
  description = "Network of the domain."
  type        = string
}

variable "subnet_ids" {
  description = "A subnet in each zone; the first three are used."
  type        = list(string)
}

variable "engine_version" {
  description = "Version, as in OpenSearch_2.19."
  type        = string
}

variable "instance_type" {
  description = "Type of the nodes."
  type        = string
}

variable "instance_count" {
  description = "Data nodes, a multiple of the zones."
  type        = number
}

variable "dedicated_masters" {
  description = "Whether three further nodes do nothing but lead."
  type        = bool
}

variable "volume_gib" {
  description = "Volume of each data node, GiB."
  type        = number
  default     = 100
}

variable "principal_arns" {
  description = "Roles that may read and write."
  type        = list(string)
}

variable "log_retention_days" {
  description = "How long its log is kept."
  type        = number
}
