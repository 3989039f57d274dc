# One pool of instances: launch template, Auto Scaling group, capacity provider.
#
# ECS sets the number of instances to what the pool's tasks need, also to none. An apply leaves that number alone.

data "aws_ssm_parameter" "ami" {
  name = "/aws/service/ecs/optimized-ami/amazon-linux-2023${var.cpu_architecture == "ARM64" ? "/arm64" : ""}/recommended/image_id"
}

locals {
  full_name = "${var.name}-${var.pool}"
}

resource "aws_iam_role" "instance" {
  name = "${local.full_name}-instance"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

# Joins the cluster and answers Session Manager. It reads no data: tasks have roles of their own.
resource "aws_iam_role_policy_attachment" "instance" {
  role       = aws_iam_role.instance.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

# Not AmazonSSMManagedInstanceCore, which also reads every parameter.
resource "aws_iam_role_policy" "instance" {
  name = "session-manager"
  role = aws_iam_role.instance.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "ssm:UpdateInstanceInformation"
      Resource = "arn:${var.partition}:ec2:*:*:instance/*"
      }, {
      # A session's channel has no resource that could be named.
      Effect   = "Allow"
      Action   = ["ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"]
      Resource = "*"
    }]
  })
}

resource "aws_iam_instance_profile" "this" {
  name = "${local.full_name}-instance"
  role = aws_iam_role.instance.name
}

resource "aws_launch_template" "this" {
  name_prefix            = "${local.full_name}-"
  image_id               = data.aws_ssm_parameter.ami.value
  instance_type          = var.instance_type
  update_default_version = true
  vpc_security_group_ids = var.security_group_ids
  user_data = base64encode(templatefile("${path.module}/user-data.sh.tftpl", {
    cluster = var.cluster_name
    pool    = var.pool
    spot    = var.spot
  }))

  iam_instance_profile {
    arn = aws_iam_instance_profile.this.arn
  }

  # Version 2 only, and no further than this host: a container cannot ask for the instance's role.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring {
    enabled = true
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type           = "gp3"
      volume_size           = var.volume_gib
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "instance_market_options" {
    for_each = var.spot ? [1] : []
    content {
      market_type = "spot"
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(var.tags, { Name = local.full_name, Pool = var.pool })
  }

  tag_specifications {
    resource_type = "volume"
    tags          = merge(var.tags, { Name = local.full_name, Pool = var.pool })
  }
}

resource "aws_autoscaling_group" "this" {
  name                = local.full_name
  vpc_zone_identifier = var.subnet_ids
  min_size            = 0
  max_size            = var.max_size
  desired_capacity    = 0
  # Managed termination protection needs it: only an instance without tasks is ended.
  protect_from_scale_in = true
  # And with the group all of them: destroy would wait for protected ones in vain.
  force_delete = true
  # An alarm watches how long there are any.
  enabled_metrics = ["GroupDesiredCapacity", "GroupInServiceInstances"]

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  dynamic "tag" {
    for_each = merge(var.tags, { Name = local.full_name, AmazonECSManaged = "true" })
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # ECS and `benchmark-cluster` set it; an apply during a run must not.
    ignore_changes = [desired_capacity]
  }
}

resource "aws_ecs_capacity_provider" "this" {
  name = local.full_name

  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.this.arn
    managed_termination_protection = "ENABLED"
    managed_draining               = "ENABLED"

    managed_scaling {
      status                    = "ENABLED"
      target_capacity           = 100
      minimum_scaling_step_size = 1
      maximum_scaling_step_size = var.max_size
      instance_warmup_period    = 120
    }
  }
}
