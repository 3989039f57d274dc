output "alloy" {
  description = "Container definition that scrapes and remote-writes."
  value       = local.alloy
}

output "containers" {
  description = "Container definitions of a service: Alloy and the log router."
  value       = [local.alloy, local.log_router]
}

output "log_configuration" {
  description = "Log configuration of the containers whose lines go to Loki."
  value = {
    logDriver = "awsfirelens"
    options = {
      Name        = "loki"
      Host        = var.loki.host
      Port        = tostring(var.loki.port)
      Labels      = "job=temporal,service_name=${var.service_name},cluster=${var.cluster_name}"
      Label_Keys  = "$container_name,$ecs_task_arn"
      Remove_Keys = "container_id,ecs_task_arn"
      Line_Format = "key_value"
    }
  }
}

output "config" {
  description = "Alloy's configuration."
  value       = local.config
}
