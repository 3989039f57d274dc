"""What `terraform test` says of each environment: resources, outputs and inputs, as data.

terraform/test writes one file for each environment into the folder $STATES: the lines of `terraform test -json -verbose`
after an apply with a mocked provider.
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
ENVIRONMENTS = ["dev", "bench", "prod", "whole-stack", "benchmark-only"]
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
        self.resources = list(_walk(state["root_module"]))

    def of(self, type_):
        return [resource for resource in self.resources if resource["type"] == type_ and resource["mode"] == "managed"]

    def one(self, address):
        found = [resource for resource in self.resources if resource["address"] == address]
        if len(found) != 1:
            raise AssertionError(f"{self.name}: {len(found)} resources at {address}")
        return found[0]["values"]

    @property
    def project(self):
        return self.outputs["deployment_summary"]["project"]

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


def _walk(module):
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _walk(child)


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
