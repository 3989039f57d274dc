# What an account has once, before any environment: secrets that stand in no state, image repositories, and the roles that
# ECS and OpenSearch expect. Applied first.

provider "aws" {
  region = var.region

  default_tags {
    tags = { ManagedBy = "terraform", Root = "account" }
  }
}

# Secrets. Their values are made by AWS when this is applied and go straight into Secrets Manager; another number makes
# another value.

ephemeral "aws_secretsmanager_random_password" "grafana" {
  password_length     = 32
  exclude_punctuation = true
}

ephemeral "aws_secretsmanager_random_password" "fleet_token" {
  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "grafana" {
  # checkov:skip=CKV2_AWS_57: another secrets_version rotates it; a function that does would need a way into Grafana
  # checkov:skip=CKV_AWS_149: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  name                    = var.grafana_admin_secret_name
  description             = "Grafana's administrator: username, password"
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_version" "grafana" {
  secret_id = aws_secretsmanager_secret.grafana.id
  secret_string_wo = jsonencode({
    username = "admin"
    password = ephemeral.aws_secretsmanager_random_password.grafana.random_password
  })
  secret_string_wo_version = var.secrets_version
}

resource "aws_secretsmanager_secret" "fleet_token" {
  # checkov:skip=CKV2_AWS_57: another secrets_version rotates it, between runs
  # checkov:skip=CKV_AWS_149: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  name                    = var.fleet_token_secret_name
  description             = "What workers and generators show when they join a run"
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_version" "fleet_token" {
  secret_id                = aws_secretsmanager_secret.fleet_token.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.fleet_token.random_password
  secret_string_wo_version = var.secrets_version
}

# Where the states of the environments lie. This root's own state stays where it is applied, or is moved there afterwards.

data "aws_caller_identity" "current" {}

module "state" {
  source = "../modules/bucket"

  name          = "terraform-state-${substr(sha256("${data.aws_caller_identity.current.account_id} ${var.region}"), 0, 12)}"
  versioned     = true
  force_destroy = var.force_delete
}

# Images.

resource "aws_ecr_repository" "this" {
  # checkov:skip=CKV_AWS_136: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  for_each             = toset(var.repositories)
  name                 = each.key
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_delete

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each   = aws_ecr_repository.this
  repository = each.value.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "the last ten"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 10 }
      action       = { type = "expire" }
    }]
  })
}

# Roles that AWS's services act by. An account that has used them has these already: then set the variable to false.

resource "aws_iam_service_linked_role" "this" {
  for_each         = var.create_service_linked_roles ? toset(["ecs.amazonaws.com", "opensearchservice.amazonaws.com"]) : []
  aws_service_name = each.key
}
