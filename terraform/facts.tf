# What benchmark-cluster knows of this environment. It reads this one object and nothing else; a change that an older
# program would misread gets another version.

locals {
  # In the order in which they are brought up; down goes backwards.
  service_facts = concat(
    [{ key = "loki", cpu = var.loki_cpu, memory = var.loki_memory, count = var.loki_count, port = 3100, container = "loki", name = module.observability.loki.name, arn = module.observability.loki.arn, family = module.observability.loki.family }],
    [for key in local.temporal : {
      key  = key, cpu = local.services[key].cpu, memory = local.services[key].memory, count = local.services[key].count, port = try(local.grpc[key], null), container = "temporal-${key}",
      name = module.temporal_service[key].name, arn = module.temporal_service[key].arn, family = module.temporal_service[key].family,
    }],
    [for ui in module.temporal_ui : { key = "ui", cpu = var.temporal_ui_cpu, memory = var.temporal_ui_memory, count = var.temporal_ui_count, port = 8080, container = "temporal-ui", name = ui.name, arn = ui.arn, family = ui.family }],
    [{ key = "grafana", cpu = var.grafana_cpu, memory = var.grafana_memory, count = var.grafana_count, port = 3000, container = "grafana", name = module.observability.grafana.name, arn = module.observability.grafana.arn, family = module.observability.grafana.family }],
  )

  facts = {
    version     = 1
    project     = var.project_name
    environment = var.environment
    region      = var.region
    account_id  = local.account_id
    partition   = local.partition
    cluster     = { name = module.ecs_cluster.name, arn = module.ecs_cluster.arn }
    services    = [for index, service in local.service_facts : merge(service, { order = index + 1, pool = "main" })]

    pools = { for key, pool in module.ec2_capacity : key => {
      capacity_provider = pool.capacity_provider
      group             = pool.group.name
      max               = pool.group.max
      instance_type     = local.pools[key].instance_type
      vcpu              = local.shapes[local.pools[key].instance_type].vcpu
      mib               = floor(local.shapes[local.pools[key].instance_type].mib * local.memory_share)
      task_interfaces   = local.shapes[local.pools[key].instance_type].interfaces - 1
      spot              = local.pools[key].spot
      # One instance with its volume; null where that is not known.
      usd_per_hour = local.pools[key].spot ? null : try(local.hourly[local.pools[key].instance_type].usd + local.hourly.gp3_gb.usd * pool.volume_gib, null)
    } }

    workers = !var.benchmark_enabled ? null : {
      name      = module.benchmark[0].worker_service.name
      arn       = module.benchmark[0].worker_service.arn
      family    = module.benchmark[0].worker_service.family
      container = "benchmark-worker"
      cpu       = var.benchmark_worker_cpu
      memory    = var.benchmark_worker_memory
      max       = var.benchmark_worker_max
      pool      = "benchmark"
    }

    # One-shot tasks: what RunTask is given besides the command.
    tasks = merge(
      !var.benchmark_enabled ? {} : { for task in ["generator", "generator_join"] : task => {
        task_definition = module.benchmark[0].task_definition_arns[task]
        family          = module.benchmark[0].families[task]
        container       = module.benchmark[0].container
        log_group       = module.benchmark[0].log_group.name
        log_prefix      = replace(task, "_", "-")
        pool            = "generator"
        max             = var.generator_max_instances
        security_groups = [aws_security_group.kind["generator"].id]
        # The task may stop tasks with its family's tag, and the budget counts by the project's.
        propagate_tags = "TASK_DEFINITION"
      } },
      !local.own ? {} : { for task in ["schema", "database"] : "setup_${task}" => {
        task_definition = module.setup[0].task_definition_arns[task]
        family          = module.setup[0].families[task]
        container       = task
        log_group       = module.setup[0].log_group.name
        log_prefix      = task
        pool            = null
        max             = 1
        security_groups = [aws_security_group.kind["setup"].id]
        propagate_tags  = "TASK_DEFINITION"
      } },
    )
    ttl_hours = var.benchmark_ttl_hours

    subnets         = module.vpc.private_subnet_ids
    security_groups = { for kind, group in aws_security_group.kind : kind => group.id }
    bucket          = !var.benchmark_enabled ? null : module.benchmark[0].bucket.name
    leader          = !var.benchmark_enabled ? null : { service = module.benchmark[0].leader_service.id, instance = "leader", name = "leader.${module.ecs_cluster.namespace.domain}:7400" }
    scheduler       = !var.benchmark_enabled ? null : { group = module.benchmark[0].scheduler.group, role_arn = module.benchmark[0].scheduler.role_arn }

    log_groups = merge(
      { services = aws_cloudwatch_log_group.services.name, exec = module.ecs_cluster.exec_log_group.name },
      { for benchmark in module.benchmark : "runs" => benchmark.log_group.name },
      { for setup in module.setup : "setup" => setup.log_group.name },
    )

    temporal = {
      address   = local.own ? "frontend.${module.ecs_cluster.namespace.domain}:7233" : local.elsewhere
      namespace = local.own ? "benchmark" : var.temporal_elsewhere.namespace
      shards    = local.own ? var.temporal_history_shards : null
    }
    dsql       = one([for dsql in module.dsql : { host = dsql.host, arn = dsql.arn, id = dsql.id, user = var.dsql_user }])
    opensearch = one([for domain in module.opensearch : { endpoint = domain.endpoint, domain = domain.domain_name, index = var.opensearch_visibility_index }])
    prometheus = { id = module.observability.workspace.id, url = module.observability.workspace.url, remote_write_url = module.observability.workspace.remote_write_url, query_url = module.observability.workspace.query_url }
    images     = local.images
    cost       = local.cost
  }
}
