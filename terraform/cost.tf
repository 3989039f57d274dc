# Dollars an hour, from the variables and prices.json. What has no price is listed as such and never taken as nothing.

locals {
  prices = jsondecode(file("${path.module}/prices.json"))

  # What is there at all times; with services up the main pool, at most; during a run the other two, with one generator.
  cost_lines = concat(
    [
      # Services compare two metrics, and so do DSQL's conflicts.
      { phase = "idle", item = "metrics of alarms", price = "alarm_metric", count = 2 * length(local.watched) + (local.own ? 4 : 0) + length(local.pools) - 1 },
      { phase = "idle", item = "interface endpoints", price = "interface_endpoint", count = var.enable_vpc_endpoints ? (length(local.interface_endpoints) + (local.own ? 1 : 0)) * length(var.availability_zones) : 0 },
      { phase = "idle", item = "NAT gateways", price = "nat_gateway", count = var.nat_gateways },
      { phase = "idle", item = "OpenSearch data nodes", price = var.opensearch_instance_type, count = local.own ? var.opensearch_instance_count : 0 },
      { phase = "idle", item = "OpenSearch masters", price = var.opensearch_instance_type, count = local.own && var.opensearch_dedicated_masters ? 3 : 0 },
      { phase = "up", item = "instances of main", price = var.ec2_instance_type, count = var.ec2_instance_count },
      { phase = "up", item = "GB of volumes of main", price = "gp3_gb", count = var.ec2_instance_count * module.ec2_capacity["main"].volume_gib },
    ],
    var.benchmark_enabled ? [
      { phase = "run", item = "instances of benchmark", price = var.benchmark_instance_type, count = var.benchmark_max_instances },
      { phase = "run", item = "instances of generator", price = var.generator_instance_type, count = 1 },
      { phase = "run", item = "GB of volumes of benchmark", price = "gp3_gb", count = var.benchmark_max_instances * module.ec2_capacity["benchmark"].volume_gib },
      { phase = "run", item = "GB of volumes of generator", price = "gp3_gb", count = module.ec2_capacity["generator"].volume_gib },
    ] : [],
  )
  # A price of another region, or of spot instances, is not known.
  hourly = var.region != local.prices.region ? {} : local.prices.hourly
  cost_items = [for line in local.cost_lines : merge(line, {
    usd_per_hour = try(local.hourly[line.price].usd * line.count, null)
  }) if line.count > 0 && !(var.benchmark_spot && line.item == "instances of benchmark")]

  cost_of = {
    for phase, phases in { idle = ["idle"], up = ["idle", "up"], run = ["idle", "up", "run"] } :
    phase => sum(concat([0], [for item in local.cost_items : item.usd_per_hour if contains(phases, item.phase) && item.usd_per_hour != null]))
  }

  cost = {
    region   = local.prices.region
    currency = local.prices.currency
    # Sums of what is priced, to a hundredth of a cent.
    usd_per_hour = { for phase, usd in local.cost_of : phase => floor(usd * 10000 + 0.5) / 10000 }
    items        = [for item in local.cost_items : { phase = item.phase, item = item.item, count = item.count, unit_price = item.price, usd_per_hour = item.usd_per_hour } if item.usd_per_hour != null]
    by_use       = { for name, price in local.prices.by_use : name => { usd = price.usd, unit = price.unit } if var.region == local.prices.region }
    not_priced = concat(
      [for item in local.cost_items : "${item.count} × ${item.price}: ${item.item}" if item.usd_per_hour == null],
      var.benchmark_spot && var.benchmark_enabled ? ["${var.benchmark_max_instances} × ${var.benchmark_instance_type} (spot): instances of benchmark"] : [],
      local.prices.not_priced,
    )
  }
}
