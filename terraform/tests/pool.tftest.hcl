# A pool of another architecture, and one of spot instances: what no environment has.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "temporal-test"
  pool               = "benchmark"
  cluster_name       = "temporal-test-cluster"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  instance_type      = "m7i.4xlarge"
  max_size           = 3
}

run "x86" {
  module {
    source = "./modules/ec2-capacity"
  }

  variables {
    cpu_architecture = "X86_64"
  }

  assert {
    condition     = data.aws_ssm_parameter.ami.name == "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    error_message = "the machine image of X86_64 is ${data.aws_ssm_parameter.ami.name}"
  }

  assert {
    condition     = !strcontains(base64decode(aws_launch_template.this.user_data), "SPOT") && length(aws_launch_template.this.instance_market_options) == 0
    error_message = "instances are spot ones that were not asked for"
  }
}

run "arm_and_spot" {
  module {
    source = "./modules/ec2-capacity"
  }

  variables {
    cpu_architecture = "ARM64"
    spot             = true
  }

  assert {
    condition     = data.aws_ssm_parameter.ami.name == "/aws/service/ecs/optimized-ami/amazon-linux-2023/arm64/recommended/image_id"
    error_message = "the machine image of ARM64 is ${data.aws_ssm_parameter.ami.name}"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this.user_data), "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n") && one(aws_launch_template.this.instance_market_options).market_type == "spot"
    error_message = "spot instances do not drain, or are none"
  }
}
