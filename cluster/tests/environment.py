"""What Terraform makes of bench, as `terraform/test named` writes it: facts, task definitions, and policies."""

import json
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
# cluster/test makes it.
FILE = TARGET / "cluster" / "environment.json"
# Folder of run-benchmark, benchmark-worker and benchmark-cluster.
PROGRAMS = pathlib.Path(os.environ.get("CLUSTER_TEST_PROGRAMS") or TARGET / "debug")


class Environment:
    def __init__(self, file=FILE):
        given = json.loads(pathlib.Path(file).read_text())
        self.facts = given["facts"]
        self.operator_policy = given["operator_policy"]
        self.role_policies = given["role_policies"]
        # Zone of the namespace's DNS.
        self.zone = given["zone"]
        # By ARN.
        self.task_definitions = given["task_definitions"]
        # By their names, with task definition and whether ECS Exec is on.
        self.services = given["services"]

    @property
    def region(self):
        return self.facts["region"]

    @property
    def account(self):
        return self.facts["account_id"]

    @property
    def cluster(self):
        return self.facts["cluster"]["name"]

    def arn(self, service, rest, *, account=True, region=True):
        return f"arn:{self.facts['partition']}:{service}:{self.region if region else ''}:{self.account if account else ''}:{rest}"

    def ecs(self, kind, id_):
        return self.arn("ecs", f"{kind}/{self.cluster}/{id_}")

    def definition(self, name):
        """A task definition by its ARN, or its family with or without a revision; none where there is no such."""
        if name.startswith("arn:"):
            return self.task_definitions.get(name)
        return next((one for one in self.task_definitions.values() if name in (one["family"], one["arn"].split("/")[1])), None)
