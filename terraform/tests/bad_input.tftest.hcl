# What cannot work is refused at plan, by the variable that is wrong. terraform/test runs this with envs/bench.tfvars, whose
# values each run changes. A plan takes seconds, so a run has several mistakes that do not touch one another; each variable
# that is named must fail, and no other may.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "first" {
  command = plan

  variables {
    # Sidecars and proxy take 448 units and 512 MiB.
    temporal_worker_cpu    = 480
    temporal_worker_memory = 600
    temporal_ui_cpu        = 256
    benchmark_cpu          = 512
    # Fargate has no such number of units.
    setup_cpu = 300
    # 13 instances of 16 vCPUs hold 52 workers of 4.
    benchmark_worker_max = 53
    temporal_image       = null
    loki_image           = "mirror/loki:latest"
    vpc_cidr             = "10.0.0.0/24"
    # Three zones.
    opensearch_instance_count = 4
    temporal_history_shards   = 1000
    project_name              = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    log_retention_days        = 8
  }

  expect_failures = [
    var.temporal_worker_cpu,
    var.temporal_worker_memory,
    var.temporal_ui_cpu,
    var.benchmark_cpu,
    var.setup_cpu,
    var.benchmark_worker_max,
    var.temporal_image,
    var.loki_image,
    var.vpc_cidr,
    var.opensearch_instance_count,
    var.temporal_history_shards,
    var.project_name,
    var.log_retention_days,
  ]
}

run "second" {
  command = plan

  variables {
    # More for Alloy leaves nothing for the smallest task.
    alloy_cpu = 512
    # 256 units go with 512, 1024 or 2048 MiB.
    setup_memory = 768
    # Two workers of 20 GiB on an instance of 64 GiB.
    benchmark_worker_memory = 20480
    # Its shape is not known.
    ec2_instance_type = "x9z.4xlarge"
    # Two vCPUs for a generator of four.
    generator_instance_type = "m8g.large"
    benchmark_image         = ""
    alloy_image             = "mirror/alloy"
    availability_zones      = ["eu-west-1a"]
    project_name            = "aws-temporal"
  }

  expect_failures = [
    var.temporal_worker_cpu,
    var.setup_memory,
    var.benchmark_worker_max,
    var.ec2_instance_type,
    var.generator_instance_type,
    var.benchmark_image,
    var.alloy_image,
    var.availability_zones,
    var.project_name,
  ]
}

run "third" {
  command = plan

  variables {
    # Seven interfaces for tasks on each of 13 instances.
    benchmark_worker_cpu    = 1024
    benchmark_worker_memory = 1024
    benchmark_worker_max    = 92
    # Tags move in other registries.
    grafana_image    = "docker.io/grafana/grafana:13.0.0"
    fluent_bit_image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/fluent-bit:3.0.0"
    # Not ARM64.
    ec2_instance_type              = "m7i.4xlarge"
    availability_zones             = ["eu-west-1a", "eu-west-1a", "eu-west-1b"]
    environment                    = "prod"
    deletion_protection            = false
    dsql_cluster_endpoint          = "abc.dsql.eu-west-1.on.aws"
    dsql_vpc_endpoint_service_name = "com.amazonaws.eu-west-1.dsql-fnh4"
  }

  expect_failures = [
    var.benchmark_worker_max,
    var.ec2_instance_type,
    var.availability_zones,
    var.deletion_protection,
    var.grafana_image,
    var.fluent_bit_image,
    var.dsql_cluster_endpoint,
  ]
}

run "fourth" {
  command = plan

  variables {
    benchmark_instance_type = "x9z.4xlarge"
    availability_zones      = ["us-east-1a", "us-east-1b", "us-east-1c"]
    # Private, and nobody said by which service.
    dsql_cluster_endpoint = "abc.dsql.eu-west-1.on.aws"
    dsql_cluster_arn      = "arn:aws:dsql:eu-west-1:111122223333:cluster/abc"
  }

  expect_failures = [
    var.benchmark_instance_type,
    var.availability_zones,
    var.dsql_vpc_endpoint_service_name,
  ]
}

run "no_way_to_aws" {
  command = plan

  variables {
    enable_vpc_endpoints = false
    nat_gateways         = 0
    project_name         = "ecs-bench"
  }

  expect_failures = [
    var.nat_gateways,
    var.project_name,
  ]
}

run "a_temporal_elsewhere_that_nobody_reaches" {
  command = plan

  variables {
    temporal_elsewhere = { address = "temporal.example.com:7233" }
  }

  expect_failures = [
    var.nat_gateways,
  ]
}

run "a_temporal_elsewhere_without_port" {
  command = plan

  variables {
    # Nor TLS for its key.
    temporal_elsewhere = { address = "temporal.example.com", tls = false, api_key_secret_name = "key" }
    nat_gateways       = 1
  }

  expect_failures = [
    var.temporal_elsewhere,
  ]
}

# On the edge it is not refused.

run "as_many_workers_as_there_is_room" {
  command = plan

  variables {
    benchmark_worker_max    = 52
    benchmark_worker_memory = 15237
  }
}

run "as_many_interfaces_and_a_type_of_ones_own" {
  command = plan

  variables {
    benchmark_worker_cpu    = 1024
    benchmark_worker_memory = 1024
    benchmark_worker_max    = 91
    benchmark_instance_type = "x9z.4xlarge"
    instance_shapes         = { "x9z.4xlarge" = { vcpu = 16, mib = 65536, interfaces = 8, architecture = "ARM64" } }
  }
}
