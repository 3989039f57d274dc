# Images by digest: what runs is what was tested. `repo:tag` in this account's ECR is resolved; `latest` is refused.

locals {
  image_inputs = { for name, image in {
    temporal             = local.own ? var.temporal_image : null
    temporal_admin_tools = local.own ? var.temporal_admin_tools_image : null
    temporal_ui          = local.own ? var.temporal_ui_image : null
    grafana              = var.grafana_image
    loki                 = var.loki_image
    alloy                = var.alloy_image
    fluent_bit           = var.fluent_bit_image
    benchmark            = var.benchmark_image
  } : name => image if image != null }

  # Those with a tag lie in this account's registry.
  registry = "${local.account_id}.dkr.ecr.${var.region}.${data.aws_partition.current.dns_suffix}"
  tagged   = { for name, image in local.image_inputs : name => regex("^(?P<repository>.+):(?P<tag>[^:]+)$", image) if !strcontains(image, "@sha256:") }
  images = {
    for name, image in local.image_inputs : name =>
    strcontains(image, "@sha256:") ? image : "${local.registry}/${local.tagged[name].repository}@${data.aws_ecr_image.tagged[name].image_digest}"
  }

  # Those of ECR, wherever they lie; other registries ask for no role.
  repository_arns = distinct([
    for match in flatten([for image in local.images : regexall("^(?P<account>[0-9]{12})\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.[a-z.]+/(?P<repository>[^@]+)@", image)]) :
    "${local.arn}:ecr:${match.region}:${match.account}:repository/${match.repository}"
  ])
}

data "aws_ecr_image" "tagged" {
  for_each        = local.tagged
  repository_name = each.value.repository
  image_tag       = each.value.tag
}
