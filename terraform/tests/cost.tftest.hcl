# What an hour costs, to the cent, from sums done by hand. terraform/test runs this with envs/bench.tfvars, which has the
# sizes of the 400-a-second example.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "four_hundred_a_second" {
  command = plan

  # 14 endpoints in 3 zones at 0.011, 3 nodes at 0.143, 20 metrics of alarms at 0.00013699.
  assert {
    condition     = format("%.2f", output.cost.usd_per_hour.idle) == "0.89"
    error_message = "idle costs ${output.cost.usd_per_hour.idle}, not 0.89374"
  }

  # And 10 instances at 0.80033, each with 30 GB at 0.00012055.
  assert {
    condition     = format("%.2f", output.cost.usd_per_hour.up) == "8.93"
    error_message = "with services up it costs ${output.cost.usd_per_hour.up}, not 8.93320"
  }

  # And 13 of them, and one of 0.20008 for the generator, with as much each.
  assert {
    condition     = format("%.2f", output.cost.usd_per_hour.run) == "19.59"
    error_message = "a run costs ${output.cost.usd_per_hour.run}, not 19.58820"
  }

  assert {
    condition = { for item in output.cost.items : item.item => item.count } == {
      "metrics of alarms"      = 20, "interface endpoints" = 42, "OpenSearch data nodes" = 3, "instances of main" = 10, "GB of volumes of main" = 300,
      "instances of benchmark" = 13, "GB of volumes of benchmark" = 390, "instances of generator" = 1, "GB of volumes of generator" = 30
    }
    error_message = "items: ${jsonencode(output.cost.items)}"
  }

  assert {
    condition     = alltrue([for price in merge(local.prices.hourly, local.prices.by_use) : price.usd > 0 && can(regex("^20[0-9]{2}-[0-9]{2}-[0-9]{2}$", price.date)) && length(price.source) > 0])
    error_message = "each price has a date and a source"
  }
}

# What has no price is said, and not taken as nothing.
run "no_price" {
  command = plan

  variables {
    opensearch_instance_type = "r7g.large.search"
    benchmark_spot           = true
    nat_gateways             = 2
  }

  assert {
    condition     = contains(output.cost.not_priced, "3 × r7g.large.search: OpenSearch data nodes") && contains(output.cost.not_priced, "13 × m8g.4xlarge (spot): instances of benchmark") && contains(output.cost.not_priced, "KMS key")
    error_message = "not priced: ${jsonencode(output.cost.not_priced)}"
  }

  # 20 × 0.00013699, 42 × 0.011, 2 × 0.048, 10 × 0.80033, 0.20008, 720 × 0.00012055.
  assert {
    condition     = format("%.4f", output.cost.usd_per_hour.run) == "8.8509"
    error_message = "a run costs ${output.cost.usd_per_hour.run}, not 8.85092"
  }
}

run "another_region" {
  command = plan

  variables {
    region             = "us-east-1"
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
  }

  assert {
    condition     = output.cost.usd_per_hour.run == 0 && length(output.cost.items) == 0 && length(output.cost.by_use) == 0 && contains(output.cost.not_priced, "10 × m8g.4xlarge: instances of main")
    error_message = "prices of another region: ${jsonencode(output.cost)}"
  }
}
