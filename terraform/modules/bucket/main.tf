# A bucket of the account's own: encrypted, reached with TLS only, public to nobody.

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV2_AWS_62: nothing waits for its objects: who put them there, or benchmark-cluster, fetches them
  # checkov:skip=CKV_AWS_144: states, results and log lines are of use where what they tell of is, or are fetched
  # checkov:skip=CKV_AWS_145: the key that AWS manages for the service; who may read is said by roles, and a key of one's own would protect from nobody more
  # checkov:skip=CKV_AWS_18: only the roles that need it reach it; who changed a state is in CloudTrail
  # checkov:skip=CKV_AWS_21: an input: Loki never changes an object, and deletes what is over its time
  bucket        = var.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_versioning" "this" {
  count  = var.versioned ? 1 : 0
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket     = aws_s3_bucket.this.id
  depends_on = [aws_s3_bucket_versioning.this]

  rule {
    id     = "expire"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }

    dynamic "expiration" {
      for_each = var.expire_days[*]
      content {
        days = expiration.value
      }
    }

    dynamic "noncurrent_version_expiration" {
      for_each = var.expire_old_days[*]
      content {
        noncurrent_days = noncurrent_version_expiration.value
      }
    }
  }
}
