variable "name" {
  description = "Name, unique in the world."
  type        = string
}

variable "versioned" {
  description = "Whether what is overwritten or deleted is kept as an old version."
  type        = bool
}

variable "expire_days" {
  description = "Days after which objects are deleted; never when null."
  type        = number
  default     = null
}

variable "expire_old_days" {
  description = "Days after which old versions are deleted; never when null."
  type        = number
  default     = null
}

variable "force_destroy" {
  description = "Whether it is emptied when it is destroyed."
  type        = bool
}
