"""What stands between benchmark-cluster and Terraform: the facts that unit tests read, and the policies."""

import json
import unittest

from environment import ROOT, Environment
from policies import is_allowed

# What AWS makes up, by the facts' keys.
IDS = {"arn", "role_arn", "security_groups", "service", "subnets", "task_definition"}


def without_ids(value):
    if isinstance(value, dict):
        return {key: "…" if key in IDS else without_ids(inner) for key, inner in value.items()}
    return [without_ids(inner) for inner in value] if isinstance(value, list) else value


class Terraform(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.environment = Environment()

    def test_the_facts_of_unit_tests_are_those_of_bench(self):
        stored = json.loads((ROOT / "cluster" / "tests" / "facts" / "bench.json").read_text())
        self.assertEqual(without_ids(stored), without_ids(self.environment.facts))

    def test_every_task_definition_of_the_facts_is_there(self):
        tasks = self.environment.facts["tasks"]
        self.assertEqual([name for name, task in tasks.items() if task["task_definition"] not in self.environment.task_definitions], [])
        # And each has the container that is asked, and writes where its log is looked for.
        for name, task in tasks.items():
            container = next(one for one in self.environment.definition(task["task_definition"])["containers"] if one["name"] == task["container"])
            options = container["logConfiguration"]["options"]
            self.assertEqual((options["awslogs-group"], options["awslogs-stream-prefix"]), (task["log_group"], task["log_prefix"]), name)

    def test_what_nobody_may(self):
        facts = self.environment.facts
        generator = self.environment.role_policies[self.environment.definition(facts["tasks"]["generator"]["family"])["task_role_arn"]]
        bucket, cluster = f"arn:aws:s3:::{facts['bucket']}", (("ecs:cluster", facts["cluster"]["arn"]),)
        for policy, action, resource, context in [
            # Results are the attendant's to write, inputs a person's.
            (self.environment.operator_policy, "s3:PutObject", f"{bucket}/runs/x/results.json", ()),
            (self.environment.operator_policy, "s3:DeleteObject", f"{bucket}/runs/x/results.json", ()),
            (generator, "s3:PutObject", f"{bucket}/inputs/x", ()),
            (generator, "s3:ListBucket", bucket, ()),
            # A task stops itself and its like, and changes no service but the workers.
            (generator, "ecs:StopTask", self.environment.ecs("task", "other"), cluster),
            (generator, "ecs:StopTask", self.environment.ecs("task", "other"), (("ecs:ResourceTag/family", facts["workers"]["family"]),)),
            (generator, "ecs:UpdateService", self.environment.ecs("service", facts["services"][0]["name"]), ()),
            # A person starts tasks of this cluster only, and ends instances of runs only.
            (self.environment.operator_policy, "ecs:RunTask", self.environment.definition(facts["tasks"]["generator"]["family"])["arn"], (("ecs:cluster", "arn:aws:ecs:x:1:cluster/other"),)),
            (self.environment.operator_policy, "autoscaling:TerminateInstanceInAutoScalingGroup", self.environment.arn("autoscaling", f"autoScalingGroup:0:autoScalingGroupName/{facts['pools']['main']['group']}"), ()),
        ]:
            self.assertFalse(is_allowed(policy, action, resource, dict(context)), f"{action} on {resource} with {context}")
