plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Wants all variables in one file; here a file has one subject. And an empty variables.tf where there are none.
rule "terraform_standard_module_structure" {
  enabled = false
}
