# All images, for arm64 and amd64, with a bill of materials and provenance. From the top of the repository, after
# docker/binaries has compiled for the platforms that are asked for:
#
#   REGISTRY=111122223333.dkr.ecr.eu-west-1.amazonaws.com/ REVISION=$(git rev-parse HEAD) docker buildx bake -f docker/bake.hcl --push
#
# Each variable is one of the environment, too. Tags are versions, and those that terraform/envs name. A base is a tag, and what
# is deployed should name the digest as well: ALPINE=docker.io/library/alpine:3.23.5@sha256:….

variable "REGISTRY" {
  description = "What comes before the names, with its slash; nothing for this machine's own store."
  default     = ""
}

variable "REVISION" {
  description = "Commit of this repository, for the labels."
  default     = "unknown"
}

variable "VERSION" {
  description = "Version of the benchmark."
  default     = "0.1.0"
}

variable "TEMPORAL_VERSION" {
  description = "Version of the source tree that docker/binaries temporal was given."
  default     = "1.31.2"
}

variable "ALPINE" {
  description = "Base of Temporal's images: a shell and certificate authorities are taken from it."
  default     = "docker.io/library/alpine:3.23.5"
}

variable "GRAFANA" {
  description = "Base of Grafana's image."
  default     = "docker.io/grafana/grafana:13.0.0"
}

variable "UI" {
  description = "Temporal's Web UI, mirrored."
  default     = "docker.io/temporalio/ui:2.45.0"
}

variable "LOKI" {
  description = "Loki, mirrored."
  default     = "docker.io/grafana/loki:3.6.4"
}

variable "ALLOY" {
  description = "Grafana Alloy, mirrored."
  default     = "docker.io/grafana/alloy:v1.12.2"
}

variable "FLUENT_BIT" {
  description = "Fluent Bit for ECS, mirrored."
  default     = "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.0.0"
}

group "default" {
  targets = ["benchmark", "temporal", "admin-tools", "grafana", "mirror"]
}

target "every" {
  context   = "docker"
  platforms = ["linux/arm64", "linux/amd64"]
  attest    = ["type=sbom", "type=provenance,mode=max"]
}

target "benchmark" {
  inherits   = ["every"]
  dockerfile = "benchmark.Dockerfile"
  args       = { VERSION = VERSION, REVISION = REVISION }
  tags       = ["${REGISTRY}temporal/benchmark:${VERSION}"]
}

target "temporal" {
  inherits   = ["every"]
  dockerfile = "temporal.Dockerfile"
  args       = { BASE = ALPINE, VERSION = TEMPORAL_VERSION, REVISION = REVISION }
  tags       = ["${REGISTRY}temporal/server:${TEMPORAL_VERSION}"]
}

target "admin-tools" {
  inherits   = ["every"]
  dockerfile = "admin-tools.Dockerfile"
  args       = { BASE = ALPINE, VERSION = TEMPORAL_VERSION, REVISION = REVISION }
  tags       = ["${REGISTRY}temporal/admin-tools:${TEMPORAL_VERSION}"]
}

target "grafana" {
  inherits   = ["every"]
  context    = "dashboards"
  dockerfile = "../docker/grafana.Dockerfile"
  args       = { BASE = GRAFANA, REVISION = REVISION }
  tags       = ["${REGISTRY}temporal/grafana:13.0.0"]
}

target "mirror" {
  inherits   = ["every"]
  name       = "mirror-${image.name}"
  dockerfile = "mirror.Dockerfile"
  args       = { BASE = image.base }
  tags       = ["${REGISTRY}${image.tag}"]
  matrix = {
    image = [
      { name = "ui", base = UI, tag = "temporal/ui:2.45.0" },
      { name = "loki", base = LOKI, tag = "mirror/loki:3.6.4" },
      { name = "alloy", base = ALLOY, tag = "mirror/alloy:1.12.2" },
      { name = "fluent-bit", base = FLUENT_BIT, tag = "mirror/fluent-bit:3.0.0" },
    ]
  }
}
