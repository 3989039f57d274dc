# Tables by which the replicas of a service agree on how fast and how many connections to DSQL they open.

resource "aws_dynamodb_table" "rate_limiter" {
  # checkov:skip=CKV_AWS_119: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_28: its items live for minutes: there is nothing to go back to
  name                        = "${var.name}-dsql-rate-limiter"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  ttl {
    attribute_name = "ttl_epoch"
    enabled        = true
  }

  server_side_encryption {
    enabled = true
  }
}

resource "aws_dynamodb_table" "conn_lease" {
  # checkov:skip=CKV_AWS_119: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_28: its items live for minutes: there is nothing to go back to
  count                       = var.conn_lease_enabled ? 1 : 0
  name                        = "${var.name}-dsql-conn-lease"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  ttl {
    attribute_name = "ttl_epoch"
    enabled        = true
  }

  server_side_encryption {
    enabled = true
  }
}
