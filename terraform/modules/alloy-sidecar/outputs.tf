output "alloy" {
  description = "Container definition that scrapes and remote-writes."
  value       = local.alloy
}

output "log_router" {
  description = "Container definition that sends lines to Loki."
  value       = local.log_router
}

output "containers" {
  description = "Container definitions of a service: Alloy and the log router."
  value       = [local.alloy, local.log_router]
}

output "log_configuration" {
  description = "Log configuration of the containers whose lines go to Loki: the line as it was written, the task beside it."
  value = {
    logDriver = "awsfirelens"
    options = {
      Name            = "loki"
      Host            = var.loki.host
      Port            = tostring(var.loki.port)
      Labels          = "job=temporal,service_name=${var.service_name},cluster=${var.cluster_name}"
      Label_Keys      = "$ecs_task_arn"
      Remove_Keys     = "container_id,container_name,source,ecs_cluster,ecs_task_arn,ecs_task_definition"
      Line_Format     = "json"
      Drop_Single_Key = "raw"
    }
  }
}
