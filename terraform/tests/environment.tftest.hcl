# One environment or example, applied with a mocked provider: terraform/test runs this once for each, and tests/checks looks at
# what was made.

mock_provider "aws" {
  source = "./tests/mocks"
}

# Roles that can be told apart, so that tests/checks sees which task has which.

override_resource {
  target = module.iam.aws_iam_role.task["temporal"]
  values = { arn = "arn:aws:iam::111122223333:role/of-temporal" }
}

override_resource {
  target = module.iam.aws_iam_role.task["temporal-ui"]
  values = { arn = "arn:aws:iam::111122223333:role/of-temporal-ui" }
}

override_resource {
  target = module.iam.aws_iam_role.task["setup"]
  values = { arn = "arn:aws:iam::111122223333:role/of-setup" }
}

override_resource {
  target = module.iam.aws_iam_role.task["grafana"]
  values = { arn = "arn:aws:iam::111122223333:role/of-grafana" }
}

override_resource {
  target = module.iam.aws_iam_role.task["loki"]
  values = { arn = "arn:aws:iam::111122223333:role/of-loki" }
}

override_resource {
  target = module.iam.aws_iam_role.task["generator"]
  values = { arn = "arn:aws:iam::111122223333:role/of-generator" }
}

override_resource {
  target = module.iam.aws_iam_role.task["benchmark-worker"]
  values = { arn = "arn:aws:iam::111122223333:role/of-benchmark-worker" }
}

override_resource {
  target = module.iam.aws_iam_role.execution
  values = { arn = "arn:aws:iam::111122223333:role/of-execution" }
}

run "environment" {
  assert {
    condition     = output.facts.version == 1
    error_message = "facts are of version ${output.facts.version}"
  }
}
