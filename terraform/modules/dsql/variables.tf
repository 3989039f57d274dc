variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "existing" {
  description = "A cluster that is there already: endpoint, ARN, and the name of its VPC endpoint service where it is reached privately. Null creates one."
  type = object({
    endpoint                  = string
    arn                       = string
    vpc_endpoint_service_name = optional(string)
  })
  default = null
}

variable "private" {
  description = "Whether it is reached by private link."
  type        = bool
}

variable "vpc_id" {
  description = "Network of the private link."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the private link."
  type        = list(string)
}

variable "deletion_protection" {
  description = "Whether a cluster of its own cannot be deleted."
  type        = bool
}
