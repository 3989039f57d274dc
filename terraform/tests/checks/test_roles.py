"""What each kind of task may do, as data."""

import json
import re

from states import Case, SERVERS

# Actions that have no resource that could be named.
ANY = {
    "cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "cloudwatch:GetMetricStatistics",
    "ecr:GetAuthorizationToken", "servicediscovery:GetOperation",
    "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities",
    "ecs:DescribeTaskDefinition", "ecs:ListServices", "ecs:ListTasks", "ecs:ListContainerInstances",
}
EXEC = {"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
        "logs:DescribeLogGroups", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}
SEARCH = {f"es:ESHttp{method}" for method in ["Get", "Head", "Post", "Put", "Delete"]}
ACTIONS = {
    "temporal": EXEC | SEARCH | {"aps:RemoteWrite", "dsql:DbConnectAdmin", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"},
    "temporal-ui": EXEC,
    "grafana": EXEC | {"aps:QueryMetrics", "aps:GetSeries", "aps:GetLabels", "aps:GetMetricMetadata", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics"},
    "loki": EXEC | {"s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"},
    "setup": SEARCH | {"dsql:DbConnectAdmin"},
    "generator": {
        "s3:PutObject", "s3:GetObject", "servicediscovery:RegisterInstance", "servicediscovery:GetOperation", "route53:ChangeResourceRecordSets", "route53:GetHostedZone",
        "ecs:UpdateService", "ecs:DescribeServices", "ecs:StopTask", "aps:RemoteWrite",
    },
    "benchmark-worker": EXEC | {"aps:RemoteWrite"},
}


def policies(state):
    """Statements of each kind of task."""
    found = {}
    for resource in state.of("aws_iam_role_policy"):
        match = re.fullmatch(r'module\.iam\.aws_iam_role_policy\.task\["(.+)"\]', resource["address"])
        if match:
            found[match[1]] = json.loads(resource["values"]["policy"])["Statement"]
    return found


def every_statement(state):
    for resource in state.resources:
        for key in ["policy", "assume_role_policy", "access_policies", "policy_document"]:
            text = resource["values"].get(key)
            if resource["mode"] == "managed" and isinstance(text, str) and text.startswith("{") and "Statement" in text:
                for statement in json.loads(text)["Statement"]:
                    yield resource["address"], statement
    for statement in json.loads(state.outputs["operator_policy"])["Statement"]:
        yield "operator_policy", statement


def as_list(value):
    return value if isinstance(value, list) else [value]


# Roles of tasks whose kind has another name.
OF_TASK = {"generator-join": "benchmark-worker", "setup-schema": "setup", "setup-database": "setup"} | {f"temporal-{server}": "temporal" for server in SERVERS}


def roles(state):
    """ARNs of the tasks' roles by kind. environment.tftest.hcl gives each its own."""
    found = {}
    for resource in state.of("aws_iam_role"):
        match = re.fullmatch(r'module\.iam\.aws_iam_role\.task\["(.+)"\]', resource["address"])
        if match:
            found[match[1]] = resource["values"]["arn"]
    return found


class Roles(Case):
    def test_each_task_has_the_role_of_its_kind(self):
        for state in self.each():
            arns = roles(state)
            execution = state.one("module.iam.aws_iam_role.execution")["arn"]
            self.assertEqual(len({execution, *arns.values()}), len(arns) + 1, "roles cannot be told apart")
            found = {name: (task["task_role_arn"], task["execution_role_arn"]) for name, task in state.tasks().items()}
            self.assertEqual(found, {name: (arns[OF_TASK.get(name, name)], execution) for name in found})
            # And no role is nobody's.
            self.assertEqual({role for role, _ in found.values()}, set(arns.values()))

    def test_each_role_has_the_policy_of_its_kind(self):
        for state in self.each():
            ids = {resource["address"]: resource["values"]["id"] for resource in state.of("aws_iam_role")}
            self.assertEqual(len(set(ids.values())), len(ids))
            for resource in state.of("aws_iam_role_policy"):
                self.assertEqual(resource["values"]["role"], ids[resource["address"].replace("aws_iam_role_policy", "aws_iam_role")], resource["address"])

    def test_operators_hand_on_the_roles_of_one_shot_tasks_only(self):
        for state in self.each():
            arns = roles(state)
            statements = {statement["Sid"]: statement for statement in json.loads(state.outputs["operator_policy"])["Statement"]}
            expected = {state.one("module.iam.aws_iam_role.execution")["arn"]}
            expected |= {arns[kind] for kind in ["setup", "generator", "benchmark-worker"] if kind in arns}
            self.assertEqual(set(statements["WithTheirRoles"]["Resource"]), expected)

    def test_each_kind_may_do_what_it_does(self):
        for state in self.each():
            found = {kind: {action for statement in statements for action in statement["Action"]} for kind, statements in policies(state).items()}
            expected = {
                kind: actions for kind, actions in ACTIONS.items()
                if (state.own or kind not in ["temporal", "temporal-ui", "setup"]) and (state.benchmark or kind not in ["generator", "benchmark-worker"])
            }
            self.assertEqual(found, expected)

    def test_the_generators_resources(self):
        for state in self.each(lambda state: state.benchmark):
            found = {statement["Sid"]: statement for statement in policies(state)["generator"]}
            bucket = state.outputs["facts"]["bucket"]
            self.assertEqual(found["PutResults"]["Resource"], [f"arn:aws:s3:::{bucket}/runs/*"])
            self.assertEqual(found["GetInputs"]["Resource"], [f"arn:aws:s3:::{bucket}/inputs/*"])
            self.assertEqual(found["EndWorkers"]["Resource"], [f"arn:aws:ecs:eu-west-1:111122223333:service/{state.project}-cluster/{state.project}-benchmark-worker"])
            self.assertEqual(found["StopItself"]["Condition"], {"StringEquals": {"ecs:ResourceTag/family": f"{state.project}-generator"}})
            self.assertEqual(found["StopItself"]["Resource"], [f"arn:aws:ecs:eu-west-1:111122223333:task/{state.project}-cluster/*"])
            self.assertEqual(found["LeaderRecord"]["Resource"], ["arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"])

    def test_no_star_where_a_resource_can_be_named(self):
        for state in self.each():
            for address, statement in every_statement(state):
                if "Resource" not in statement or statement["Effect"] == "Deny" or address == "aws_kms_key.alarms":
                    continue  # A key's policy is about that key.
                for resource in as_list(statement["Resource"]):
                    if resource == "*":
                        self.assertLessEqual(set(as_list(statement["Action"])), ANY, address)
                    else:
                        self.assertRegex(resource, r"^arn:aws:[a-z0-9-]+:[^:]*:[^:]*:[^*]+", address)

    def test_no_action_is_a_star(self):
        for state in self.each():
            for address, statement in every_statement(state):
                if statement["Effect"] == "Allow" and address != "aws_kms_key.alarms":
                    self.assertFalse([action for action in as_list(statement["Action"]) if "*" in action], address)

    def test_services_act_for_this_account_only(self):
        for state in self.each():
            for address, statement in every_statement(state):
                service = statement.get("Principal", {}).get("Service") if isinstance(statement.get("Principal"), dict) else None
                # Instances have no source that AWS documents.
                if service and service != "ec2.amazonaws.com":
                    self.assertEqual(statement["Condition"]["StringEquals"]["aws:SourceAccount"], "111122223333", address)

    def test_instances_read_no_data(self):
        for state in self.each():
            attached = {resource["values"]["policy_arn"].rsplit("/", 1)[1] for resource in state.of("aws_iam_role_policy_attachment")}
            self.assertEqual(attached, {"AmazonEC2ContainerServiceforEC2Role"})
            written = [json.loads(resource["values"]["policy"])["Statement"] for resource in state.of("aws_iam_role_policy") if "ec2_capacity" in resource["address"]]
            self.assertEqual(len(written), len(state.of("aws_autoscaling_group")))
            for statements in written:
                actions = [action for statement in statements for action in as_list(statement["Action"])]
                self.assertEqual(set(actions), {action for action in EXEC if action.startswith("ssmmessages:")} | {"ssm:UpdateInstanceInformation"})

    def test_ecs_reads_the_secrets_that_tasks_get(self):
        for state in self.each():
            (policy,) = [json.loads(resource["values"]["policy"]) for resource in state.of("aws_iam_role_policy") if resource["address"] == "module.iam.aws_iam_role_policy.execution"]
            found = {statement["Sid"]: statement for statement in policy["Statement"]}
            used = {secret["valueFrom"].split(":", 7)[6] for task in state.tasks().values() for container in task["containers"].values() for secret in container.get("secrets", [])}
            self.assertEqual({arn.split(":")[6] for arn in found["Secrets"]["Resource"]}, {name.split(":")[0] for name in used})
            # And each image.
            images = {container["image"] for task in state.tasks().values() for container in task["containers"].values()}
            repositories = {"arn:aws:ecr:eu-west-1:111122223333:repository/" + image.split("/", 1)[1].split("@")[0] for image in images}
            self.assertEqual(set(found["Images"]["Resource"]), repositories)

    def test_the_scheduler_may_end_the_workers_only(self):
        for state in self.each(lambda state: state.benchmark):
            (statement,) = json.loads(state.one("module.benchmark[0].aws_iam_role_policy.scheduler")["policy"])["Statement"]
            self.assertEqual(statement["Action"], "ecs:UpdateService")
            self.assertEqual(as_list(statement["Resource"]), ["arn:aws:ecs:eu-west-1:111122223333:service/some-cluster/some"])

    def test_buckets_are_reached_with_tls(self):
        for state in self.each():
            def of(type_):
                return [resource["address"].removesuffix(f".{type_}.this") for resource in state.of(type_)]

            buckets = of("aws_s3_bucket")
            self.assertEqual(set(buckets), {"module.observability.module.loki_bucket"} | ({"module.benchmark[0].module.results"} if state.benchmark else set()))
            for kind in ["aws_s3_bucket_policy", "aws_s3_bucket_public_access_block", "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_lifecycle_configuration"]:
                self.assertCountEqual(of(kind), buckets, kind)
            for resource in state.of("aws_s3_bucket_policy"):
                (statement,) = json.loads(resource["values"]["policy"])["Statement"]
                self.assertEqual((statement["Effect"], statement["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}))
            for resource in state.of("aws_s3_bucket_public_access_block"):
                block = resource["values"]
                self.assertTrue(all(block[key] for key in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]), resource["address"])
