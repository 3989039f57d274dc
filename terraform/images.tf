# Images by digest: what runs is what was tested. `repo:tag` in this account's ECR is resolved; `latest` is refused.

locals {
  image_inputs = {
    temporal             = var.temporal_image
    temporal_admin_tools = var.temporal_admin_tools_image
    temporal_ui          = var.temporal_ui_image
    grafana              = var.grafana_image
    loki                 = var.loki_image
    alloy                = var.alloy_image
    fluent_bit           = var.fluent_bit_image
    benchmark            = var.benchmark_image
  }

  # Those with a tag lie in this account's registry.
  tagged = { for name, image in local.image_inputs : name => regex("^(?:[^/]+/)?(?P<repository>.+):(?P<tag>[^:@/]+)$", image) if !strcontains(image, "@sha256:") }
  images = {
    for name, image in local.image_inputs : name =>
    strcontains(image, "@sha256:") ? image : "${element(split(":", image), 0)}@${data.aws_ecr_image.tagged[name].image_digest}"
  }
}

data "aws_ecr_image" "tagged" {
  for_each        = local.tagged
  repository_name = each.value.repository
  image_tag       = each.value.tag
}
