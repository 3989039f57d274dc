# What somebody should hear of: one topic, the alarms that go there, and a budget.

locals {
  publishers = ["aps.amazonaws.com", "budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.amazonaws.com"]

  # Workers are left out: during a run benchmark-cluster watches them, and between runs none are desired.
  watched = concat(local.servers, local.own ? ["temporal-ui"] : [], ["grafana", "loki"])
}

# CloudWatch and EventBridge cannot write to a topic that is encrypted with the key that AWS manages.
resource "aws_kms_key" "alarms" {
  description         = "Alarms of ${var.project_name}"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Account"
      Effect    = "Allow"
      Principal = { AWS = "${local.arn}:iam::${local.account_id}:root" }
      Action    = "kms:*"
      Resource  = "*"
      }, {
      Sid       = "Publishers"
      Effect    = "Allow"
      Principal = { Service = local.publishers }
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.project_name}-alarms"
  kms_master_key_id = aws_kms_key.alarms.arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Publishers"
      Effect    = "Allow"
      Principal = { Service = local.publishers }
      Action    = ["sns:Publish"]
      Resource  = aws_sns_topic.alarms.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  count     = var.alarm_email == null ? 0 : 1
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

resource "aws_cloudwatch_metric_alarm" "service" {
  for_each            = toset(local.watched)
  alarm_name          = "${var.project_name}-${each.key}-below-desired"
  alarm_description   = "${each.key} has had fewer tasks than desired for 10 minutes: benchmark-cluster status says why."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 10
  datapoints_to_alarm = 10
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "missing"
    expression  = "desired - running"
    label       = "missing tasks"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { desired = "DesiredTaskCount", running = "RunningTaskCount" }
    content {
      id = metric_query.key
      metric {
        namespace   = "ECS/ContainerInsights"
        metric_name = metric_query.value
        period      = 60
        stat        = "Average"
        dimensions  = { ClusterName = module.ecs_cluster.name, ServiceName = "${var.project_name}-${each.key}" }
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "placement" {
  name        = "${var.project_name}-placement-failures"
  description = "Tasks for which there is no room, or that cannot be started"
  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Service Action"]
    detail = {
      eventName  = ["SERVICE_TASK_PLACEMENT_FAILURE", "SERVICE_TASK_CONFIGURATION_FAILURE", "SERVICE_TASK_START_IMPAIRED"]
      clusterArn = [module.ecs_cluster.arn]
    }
  })
}

resource "aws_cloudwatch_event_target" "placement" {
  rule = aws_cloudwatch_event_rule.placement.name
  arn  = aws_sns_topic.alarms.arn
}

resource "aws_cloudwatch_metric_alarm" "opensearch" {
  for_each = local.own ? {
    # GiB of a node in MiB, as the metric counts.
    storage = { metric = "FreeStorageSpace", stat = "Minimum", comparison = "LessThanThreshold", threshold = module.opensearch[0].volume_gib * 1024 * 0.2, text = "a node has less than 20 % of its storage free" }
    red     = { metric = "ClusterStatus.red", stat = "Maximum", comparison = "GreaterThanThreshold", threshold = 0, text = "a primary shard is missing" }
  } : {}
  alarm_name          = "${var.project_name}-opensearch-${each.key}"
  alarm_description   = "OpenSearch: ${each.value.text}."
  namespace           = "AWS/ES"
  metric_name         = each.value.metric
  statistic           = each.value.stat
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  dimensions          = { DomainName = local.domain_name, ClientId = local.account_id }
}

resource "aws_cloudwatch_metric_alarm" "dsql_conflicts" {
  count               = local.own ? 1 : 0
  alarm_name          = "${var.project_name}-dsql-conflicts"
  alarm_description   = "More than 5 % of DSQL's transactions met a conflict."
  comparison_operator = "GreaterThanThreshold"
  threshold           = 5
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "share"
    expression  = "IF(transactions > 0, 100 * conflicts / transactions, 0)"
    label       = "% of transactions"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { conflicts = "OccConflicts", transactions = "TotalTransactions" }
    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/AuroraDSQL"
        metric_name = metric_query.value
        period      = 60
        stat        = "Sum"
        dimensions  = { ClusterId = module.dsql[0].id }
      }
    }
  }
}

# Something was left running: a run's time to live is over, and an hour more.
resource "aws_cloudwatch_metric_alarm" "benchmark_capacity" {
  for_each            = toset([for pool in keys(local.pools) : pool if pool != "main"])
  alarm_name          = "${var.project_name}-${each.key}-instances-left"
  alarm_description   = "Instances of the pool ${each.key} have been there for ${var.benchmark_ttl_hours + 1} hours: benchmark-cluster down ends them."
  namespace           = "AWS/AutoScaling"
  metric_name         = "GroupInServiceInstances"
  statistic           = "Minimum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = (var.benchmark_ttl_hours + 1) * 12
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  dimensions          = { AutoScalingGroupName = module.ec2_capacity[each.key].group.name }
}

resource "aws_budgets_budget" "this" {
  count        = var.monthly_budget_usd == 0 ? 0 : 1
  name         = "${var.project_name}-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  # Only what this root made; the tag has to be activated as a cost allocation tag once.
  cost_filter {
    name   = "TagKeyValue"
    values = ["user:Project$${var.project_name}"]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }
    content {
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
    }
  }
}
