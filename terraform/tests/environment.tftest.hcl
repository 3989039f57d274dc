# One environment, as its tfvars have it, applied with a mocked provider: terraform/test runs this once for each.

mock_provider "aws" {
  source = "./tests/mocks"
}

run "environment" {
  assert {
    condition     = output.facts.version == 1 && output.facts.environment == var.environment
    error_message = "facts are of another environment or version"
  }
}
