# Temporal's Web UI. It has no metrics page, so it needs no Alloy; people reach it through Session Manager only.

module "service" {
  source = "../service"

  project            = var.project
  name               = "temporal-ui"
  cluster_arn        = var.cluster_arn
  namespace          = var.namespace
  capacity_provider  = var.capacity_provider
  subnet_ids         = var.subnet_ids
  security_group_ids = var.security_group_ids
  cpu                = var.cpu
  memory             = var.memory
  cpu_architecture   = var.cpu_architecture
  image              = var.image
  sidecars           = var.sidecars
  log_configuration  = var.log_configuration
  execution_role_arn = var.execution_role_arn
  task_role_arn      = var.task_role_arn
  ports              = [{ name = "http", port = 8080 }]
  environment = {
    TEMPORAL_ADDRESS      = "temporal-frontend:7233"
    TEMPORAL_UI_PORT      = "8080"
    TEMPORAL_CORS_ORIGINS = "http://localhost:8080"
  }
}
