"""Bench with the ARNs and ids that AWS would give, for those who hold its policies against calls: `terraform/test named`.

    named.py overrides     a test file for another apply, in which a resource has its own, after a first told which there are
    named.py environment   of that apply, what is read elsewhere: outputs, task definitions, and the policies of roles
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "checks"))

from states import state

# By type, what AWS makes of what was asked for.
GIVEN = {
    "aws_autoscaling_group": {"arn": "arn:aws:autoscaling:{place}:autoScalingGroup:0:autoScalingGroupName/{name}"},
    "aws_cloudwatch_log_group": {"arn": "arn:aws:logs:{place}:log-group:{name}"},
    "aws_ecs_cluster": {"arn": "arn:aws:ecs:{place}:cluster/{name}"},
    "aws_ecs_service": {"id": "arn:aws:ecs:{place}:service/{cluster}/{name}"},
    "aws_ecs_task_definition": {"arn": "arn:aws:ecs:{place}:task-definition/{family}:1"},
    "aws_iam_role": {"arn": "arn:aws:iam::{account}:role/{name}"},
    "aws_s3_bucket": {"arn": "arn:aws:s3:::{bucket}"},
    "aws_scheduler_schedule_group": {"arn": "arn:aws:scheduler:{place}:schedule-group/{name}"},
    "aws_service_discovery_service": {"id": "srv-{name}", "arn": "arn:aws:servicediscovery:{place}:service/srv-{name}"},
}
# A resource, and the id of the role that has it as a policy, are paired by their addresses up to here.
POLICY, ROLE = "aws_iam_role_policy", "aws_iam_role"


def overrides(bench):
    facts = bench.outputs["facts"]
    given = {"account": facts["account_id"], "place": f"{facts['region']}:{facts['account_id']}", "cluster": facts["cluster"]["name"]}
    yield 'mock_provider "aws" {\n  source = "./tests/mocks"\n}\n'
    for resource in bench.resources:
        if resource["mode"] == "managed" and resource["type"] in GIVEN:
            values = {key: text.format_map(resource["values"] | given) for key, text in GIVEN[resource["type"]].items()}
            yield f"override_resource {{\n  target = {resource['address']}\n  values = {json.dumps(values)}\n}}\n"
    yield 'run "environment" {}\n'


def environment(bench):
    arns = {resource["address"]: resource["values"]["arn"] for resource in bench.of(ROLE)}
    policies = {resource["address"].replace(POLICY, ROLE): json.loads(resource["values"]["policy"]) for resource in bench.of(POLICY)}
    keep = ["family", "arn", "cpu", "memory", "task_role_arn", "execution_role_arn", "tags"]
    tasks = {task["arn"]: {key: task[key] for key in keep} | {"containers": json.loads(task["container_definitions"])} for task in bench.tasks().values()}
    services = {service["values"]["name"]: {key: service["values"][key] for key in ["task_definition", "enable_execute_command"]} for service in bench.of("aws_ecs_service")}
    yield json.dumps(
        {
            "facts": bench.outputs["facts"],
            "operator_policy": json.loads(bench.outputs["operator_policy"]),
            "task_definitions": tasks,
            "services": services,
            "zone": bench.of("aws_service_discovery_private_dns_namespace")[0]["values"]["hosted_zone"],
            "role_policies": {arns[address]: policy for address, policy in policies.items() if address in arns},
        },
        indent=1,
    )


wanted = {"overrides": overrides, "environment": environment}[sys.argv[1]]
print("\n".join(wanted(state("bench"))))
