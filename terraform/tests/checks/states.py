"""What `terraform test` says of each environment and example: resources and outputs, as data.

terraform/test writes one file for each of them into the folder $STATES: the lines of `terraform test -json -verbose` after an
apply with a mocked provider.
"""

import base64
import functools
import json
import os
import pathlib
import re
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
EXAMPLES = sorted(folder.name for folder in (ROOT / "examples").iterdir())
ENVIRONMENTS = ["dev", "bench", "prod", *EXAMPLES]
SERVERS = ["history", "matching", "frontend", "worker"]


class State:
    def __init__(self, name):
        self.name = name
        lines = (pathlib.Path(os.environ["STATES"]) / f"{name}.json").read_text().splitlines()
        found = [line for line in map(json.loads, lines) if line["type"] == "test_state"]
        if len(found) != 1:
            raise AssertionError(f"{name}: {len(found)} states, not one")
        state = found[0]["test_state"]
        self.outputs = {key: output["value"] for key, output in state["outputs"].items()}
        root = state["root_module"]
        if name in EXAMPLES:
            # An example is one module, which makes all there is.
            (root,) = root["child_modules"]
        prefix = f"{root['address']}." if "address" in root else ""
        self.resources = list(_walk(root, prefix))

    def of(self, type_):
        return [resource for resource in self.resources if resource["type"] == type_ and resource["mode"] == "managed"]

    def one(self, address):
        found = [resource for resource in self.resources if resource["address"] == address]
        if len(found) != 1:
            raise AssertionError(f"{self.name}: {len(found)} resources at {address}")
        return found[0]["values"]

    @property
    def project(self):
        return self.outputs["facts"]["project"]

    @property
    def own(self):
        """Whether Temporal itself is here."""
        return self.name != "benchmark-only"

    @property
    def benchmark(self):
        return self.name != "prod"

    def services(self):
        """Services by their name without the project."""
        return {service["values"]["name"].removeprefix(f"{self.project}-"): service for service in self.of("aws_ecs_service")}

    def tasks(self):
        """Task definitions by their family without the project, containers by their names."""
        tasks = {}
        for resource in self.of("aws_ecs_task_definition"):
            values = dict(resource["values"])
            values["containers"] = {container["name"]: container for container in json.loads(values["container_definitions"])}
            tasks[values["family"].removeprefix(f"{self.project}-")] = values
        return tasks

    def user_data(self):
        return {
            resource["address"]: base64.b64decode(resource["values"]["user_data"]).decode()
            for resource in self.of("aws_launch_template")
        }


def _walk(module, prefix):
    for resource in module.get("resources", []):
        names = {"address": resource["address"].removeprefix(prefix), "depends_on": [name.removeprefix(prefix) for name in resource.get("depends_on", [])]}
        yield resource | names
    for child in module.get("child_modules", []):
        yield from _walk(child, prefix)


@functools.cache
def state(name):
    return State(name)


class Case(unittest.TestCase):
    """A test of every environment."""

    maxDiff = None
    at = None

    def each(self, only=lambda state: True):
        states = [state(name) for name in ENVIRONMENTS if only(state(name))]
        self.assertTrue(states, "no environment was looked at")
        for found in states:
            self.at = found.name
            yield found

    def _formatMessage(self, msg, standardMsg):
        return super()._formatMessage(f"in {self.at}" + (f": {msg}" if msg else ""), standardMsg)


def environment(container):
    return {variable["name"]: variable["value"] for variable in container["environment"]}


def blocks(kind, *files):
    """Names of the blocks of a kind, as in variable "x", with their texts."""
    text = "\n".join(file.read_text() for file in files)
    return dict(re.findall(rf'^{kind} "([a-z_0-9]+)" {{\n(.*?)^}}', text, re.M | re.S))
