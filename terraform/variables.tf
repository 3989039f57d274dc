# Network, instances, protection, money.

variable "project_name" {
  description = "Prefix of all names."
  type        = string
  default     = "temporal-dev"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.project_name)) && !contains(["aws", "ecs", "fargate"], split("-", var.project_name)[0])
    error_message = "project_name: 3 to 32 lower-case letters, digits and dashes, beginning with a letter, and not with aws, ecs or fargate, which ECS reserves."
  }
}

variable "environment" {
  description = "Which dynamic configuration the servers take, and whether data is protected: dev, bench or prod."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "bench", "prod"], var.environment)
    error_message = "environment: dev, bench or prod."
  }
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "eu-west-1"
}

variable "vpc_cidr" {
  description = "Addresses of the network."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]), 32) <= 20 && try(tonumber(split("/", var.vpc_cidr)[1]), 0) >= 16
    error_message = "vpc_cidr: a network of /16 to /20: each zone takes a sixteenth of it, with an address for each task, instance and endpoint."
  }
}

variable "availability_zones" {
  description = "Zones, two at least."
  type        = list(string)
  default     = ["eu-west-1a", "eu-west-1b"]

  validation {
    condition     = length(distinct(var.availability_zones)) == length(var.availability_zones) && length(var.availability_zones) >= 2 && length(var.availability_zones) <= 6
    error_message = "availability_zones: two to six different zones; OpenSearch and the services are spread over them."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    error_message = "availability_zones: zones of the region ${var.region}."
  }
}

variable "enable_vpc_endpoints" {
  description = "Whether AWS is reached by endpoints in the network and DSQL by private link."
  type        = bool
  default     = true
}

variable "nat_gateways" {
  description = "NAT gateways, in the first zones. None with endpoints: then there is no way out."
  type        = number
  default     = 0

  validation {
    condition     = var.nat_gateways >= 0 && var.nat_gateways <= length(var.availability_zones)
    error_message = "nat_gateways: 0 to one for each zone."
  }

  validation {
    condition     = var.nat_gateways > 0 || var.enable_vpc_endpoints
    error_message = "nat_gateways: without one, AWS is reached by endpoints only: set enable_vpc_endpoints, or nat_gateways to 1."
  }

  validation {
    condition     = var.nat_gateways > 0 || var.temporal_elsewhere == null
    error_message = "nat_gateways: a Temporal elsewhere is reached through a NAT gateway: set it to 1."
  }
}

variable "cpu_architecture" {
  description = "ARM64 or X86_64: images and machine images switch together."
  type        = string
  default     = "ARM64"

  validation {
    condition     = contains(["ARM64", "X86_64"], var.cpu_architecture)
    error_message = "cpu_architecture: ARM64 or X86_64."
  }
}

variable "ec2_instance_type" {
  description = "Type of the main pool's instances."
  type        = string
  default     = "m8g.4xlarge"

  validation {
    condition     = contains(keys(local.shapes), var.ec2_instance_type)
    error_message = "ec2_instance_type: ${var.ec2_instance_type} is in no table: give its shape in instance_shapes."
  }

  validation {
    condition     = try(local.shapes[var.ec2_instance_type].architecture, var.cpu_architecture) == var.cpu_architecture
    error_message = "ec2_instance_type: ${var.ec2_instance_type} is not ${var.cpu_architecture}, which cpu_architecture says."
  }
}

variable "ec2_instance_count" {
  description = "Most instances of the main pool."
  type        = number
  default     = 10

  validation {
    condition     = var.ec2_instance_count >= 1
    error_message = "ec2_instance_count: 1 or more."
  }
}

variable "instance_shapes" {
  description = "Shapes of instance types that are not in instances.json: vCPUs, MiB, network interfaces, and ARM64 or X86_64."
  type        = map(object({ vcpu = number, mib = number, interfaces = number, architecture = string }))
  default     = {}
}

variable "log_retention_days" {
  description = "How long logs are kept in CloudWatch."
  type        = number
  default     = 7

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days: one of the periods of CloudWatch: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731."
  }
}

variable "deletion_protection" {
  description = "Whether database and tables cannot be deleted."
  type        = bool
  default     = false

  validation {
    condition     = var.deletion_protection || var.environment != "prod"
    error_message = "deletion_protection: prod without it would lose its data with one command: set it to true."
  }
}

variable "monthly_budget_usd" {
  description = "Budget of a month, dollars, with warnings at 80 % actual and 100 % forecast; 0 is none."
  type        = number
  default     = 0

  validation {
    condition     = var.monthly_budget_usd >= 0
    error_message = "monthly_budget_usd: dollars, 0 or more."
  }
}

variable "alarm_email" {
  description = "Address that alarms are sent to; nobody when null."
  type        = string
  default     = null
}
