variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "pool" {
  description = "Name of the pool."
  type        = string
}

variable "cluster_name" {
  description = "Cluster that the instances join."
  type        = string
}

variable "partition" {
  description = "AWS partition of managed policies."
  type        = string
  default     = "aws"
}

variable "subnet_ids" {
  description = "Subnets of the instances."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the instances. Tasks have their own."
  type        = list(string)
}

variable "instance_type" {
  description = "Type of all instances: one, so that runs can be compared."
  type        = string
}

variable "cpu_architecture" {
  description = "ARM64 or X86_64."
  type        = string
}

variable "max_size" {
  description = "Most instances. The least is none."
  type        = number
}

variable "volume_gib" {
  description = "Size of each instance's volume, GiB."
  type        = number
  default     = 30
}

variable "spot" {
  description = "Whether instances are spot ones, which AWS may take back within two minutes."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags of instances, volumes and the group."
  type        = map(string)
  default     = {}
}
