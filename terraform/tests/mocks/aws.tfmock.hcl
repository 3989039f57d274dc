# What AWS would answer, where an answer has a form: without these the mocked provider makes random words, which checks of
# ARNs refuse.

mock_data "aws_caller_identity" {
  defaults = { account_id = "111122223333" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
}

mock_data "aws_ssm_parameter" {
  defaults = { value = "ami-0123456789abcdef0" }
}

mock_data "aws_ecr_image" {
  defaults = { image_digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
}

mock_data "aws_secretsmanager_secret" {
  defaults = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:some-AbCdEf" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::111122223333:role/some" }
}

mock_resource "aws_iam_instance_profile" {
  defaults = { arn = "arn:aws:iam::111122223333:instance-profile/some" }
}

mock_resource "aws_autoscaling_group" {
  defaults = { arn = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:0:autoScalingGroupName/some" }
}

mock_resource "aws_launch_template" {
  defaults = { id = "lt-0123456789abcdef0", latest_version = 1 }
}

mock_resource "aws_ecs_cluster" {
  defaults = { arn = "arn:aws:ecs:eu-west-1:111122223333:cluster/some-cluster" }
}

mock_resource "aws_ecs_service" {
  defaults = { id = "arn:aws:ecs:eu-west-1:111122223333:service/some-cluster/some" }
}

mock_resource "aws_ecs_task_definition" {
  defaults = { arn = "arn:aws:ecs:eu-west-1:111122223333:task-definition/some:1" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-west-1:111122223333:log-group:some" }
}

mock_resource "aws_service_discovery_private_dns_namespace" {
  defaults = {
    id          = "ns-0123456789abcdef"
    arn         = "arn:aws:servicediscovery:eu-west-1:111122223333:namespace/ns-0123456789abcdef"
    hosted_zone = "Z0123456789ABCDEFGHIJ"
  }
}

mock_resource "aws_service_discovery_service" {
  defaults = { id = "srv-0123456789abcdef", arn = "arn:aws:servicediscovery:eu-west-1:111122223333:service/srv-0123456789abcdef" }
}

mock_resource "aws_dynamodb_table" {
  defaults = { arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/some" }
}

mock_resource "aws_dsql_cluster" {
  defaults = {
    arn                       = "arn:aws:dsql:eu-west-1:111122223333:cluster/abcdefghijklmnopqrstuvwxyz"
    identifier                = "abcdefghijklmnopqrstuvwxyz"
    vpc_endpoint_service_name = "com.amazonaws.eu-west-1.dsql-fnh4"
  }
}

mock_resource "aws_opensearch_domain" {
  defaults = { arn = "arn:aws:es:eu-west-1:111122223333:domain/some", endpoint = "vpc-some.eu-west-1.es.amazonaws.com" }
}

mock_resource "aws_prometheus_workspace" {
  defaults = {
    id                  = "ws-01234567-89ab-cdef-0123-456789abcdef"
    arn                 = "arn:aws:aps:eu-west-1:111122223333:workspace/ws-01234567-89ab-cdef-0123-456789abcdef"
    prometheus_endpoint = "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-01234567-89ab-cdef-0123-456789abcdef/"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::some" }
}

mock_resource "aws_scheduler_schedule_group" {
  defaults = { arn = "arn:aws:scheduler:eu-west-1:111122223333:schedule-group/some" }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-west-1:111122223333:some" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-west-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef" }
}

mock_resource "aws_vpc_endpoint" {
  defaults = { prefix_list_id = "pl-0123456789abcdef0" }
}
