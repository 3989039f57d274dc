"""What AWS would be sent: task definitions against botocore's RegisterTaskDefinition, user data through shellcheck."""

import pathlib
import subprocess
import sys
import tempfile

import botocore.session
from botocore.validate import ParamValidator

from states import Case

SHAPE = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape


def register(task):
    """The call that the provider makes of a task definition."""
    call = {
        "family": task["family"],
        "networkMode": task["network_mode"],
        "cpu": task["cpu"],
        "memory": task["memory"],
        "requiresCompatibilities": task["requires_compatibilities"],
        "executionRoleArn": task["execution_role_arn"],
        "taskRoleArn": task["task_role_arn"],
        "runtimePlatform": {"cpuArchitecture": task["runtime_platform"][0]["cpu_architecture"], "operatingSystemFamily": task["runtime_platform"][0]["operating_system_family"]},
        "containerDefinitions": list(task["containers"].values()),
        "volumes": [{"name": volume["name"], "dockerVolumeConfiguration": {"scope": docker["scope"], "driver": docker["driver"]}} for volume in task["volume"] for docker in volume["docker_volume_configuration"]],
    }
    return call


class Api(Case):
    def test_task_definitions(self):
        for state in self.each():
            for name, task in state.tasks().items():
                report = ParamValidator().validate(register(task), SHAPE)
                self.assertFalse(report.has_errors(), f"{name}: {report.generate_report()}")

    def test_what_the_shape_does_not_say(self):
        for state in self.each():
            for name, task in state.tasks().items():
                containers = task["containers"]
                for container in containers.values():
                    # Unknown words are let pass by the validator's shapes of strings.
                    self.assertIn(container["logConfiguration"]["logDriver"], SHAPE.members["containerDefinitions"].member.members["logConfiguration"].members["logDriver"].enum)
                    for dependency in container.get("dependsOn", []):
                        self.assertIn(dependency["containerName"], containers, name)
                        if dependency["condition"] == "SUCCESS":
                            self.assertFalse(containers[dependency["containerName"]]["essential"], name)
                        if dependency["condition"] == "HEALTHY":
                            self.assertIn("healthCheck", containers[dependency["containerName"]], name)
                    self.assertLessEqual(container.get("stopTimeout", 0), 120, name)
                    for mount in container["mountPoints"]:
                        self.assertIn(mount["sourceVolume"], [volume["name"] for volume in task["volume"]], name)
                    for mapping in container["portMappings"]:
                        self.assertEqual(mapping["containerPort"], mapping["hostPort"], name)
                self.assertTrue(any(container["essential"] for container in containers.values()), name)

    def test_that_a_mistake_is_seen(self):
        (dev,) = list(self.each(lambda state: state.name == "dev"))
        task = register(dev.tasks()["loki"])
        task["containerDefinitions"][0]["portMaping"] = []
        self.assertTrue(ParamValidator().validate(task, SHAPE).has_errors())

    def test_user_data(self):
        shellcheck = pathlib.Path(sys.executable).parent / "shellcheck"
        texts = {text for state in self.each() for text in state.user_data().values()}
        self.assertGreater(len(texts), 3)
        for text in texts:
            with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
                file.write(text)
                file.flush()
                done = subprocess.run([shellcheck, "--shell=bash", file.name], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + text)
