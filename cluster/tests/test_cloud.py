"""That the tests' AWS does what the other tests rely on."""

import json
import pathlib
import signal

from botocore.exceptions import ClientError
from case import Case, wait_for
from policies import is_allowed

# Programs that say when they begin and when they are asked to end, and end as the file beside them says.
SCRIPT = """#!/bin/sh
[ "$2" != --ready ] || { [ -e "$ATTEND_RUNS/ready" ]; exit; }
trap 'echo "$0 asked to end"; [ -e stubborn ] || exit 0' TERM
echo "$0 $* $TEMPORAL_ADDRESS"
while [ ! -e "${0##*/}.ends" ]; do sleep 0.05; done
exit "$(cat "${0##*/}.ends")"
"""


class Cloud(Case):
    temporal = "127.0.0.1:1"

    def setUp(self):
        super().setUp()
        self.cloud.programs = self.folder / "programs"
        self.cloud.programs.mkdir()
        for name in ["run-benchmark", "benchmark-cluster", "benchmark-worker"]:
            program = self.cloud.programs / name
            program.write_text(SCRIPT)
            program.chmod(0o755)
        self.ecs = self.client("ecs")

    def run_task(self, name="generator", **more):
        task = self.facts["tasks"][name]
        given = {
            "cluster": self.facts["cluster"]["name"], "taskDefinition": task["task_definition"], "propagateTags": "TASK_DEFINITION",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": self.facts["subnets"]}},
            "capacityProviderStrategy": [{"capacityProvider": self.facts["pools"]["generator"]["capacity_provider"], "weight": 1}],
        }
        told = self.ecs.run_task(**given | more)["tasks"]
        return self.cloud.ecs.tasks[told[0]["taskArn"]]

    def root(self, task):
        return self.cloud.folder / "tasks" / task.id

    def generator_that_runs(self, **more):
        task = self.run_task(**more)
        wait_for(lambda: task.container("attendant").status == "RUNNING", "the attendant runs")
        (self.root(task) / "runs" / "ready").touch()
        wait_for(lambda: task.status == "RUNNING", "the task runs")
        return task

    def log(self, task):
        wait_for(lambda: task.status == "STOPPED", "the task has stopped")
        return {one.name: [line.removeprefix(f"{self.cloud.programs}/") for line in one.log] for one in task.containers if one.log}

    def test_containers_begin_in_order_and_end_in_the_reverse_with_the_definitions_words(self):
        task = self.run_task(overrides={"containerOverrides": [{"name": "generator", "command": ["--plan", "/runs/inputs/a", "--file=/runs/x"]}]})
        attendant, generator = task.container("attendant"), task.container("generator")
        wait_for(lambda: attendant.log, "the attendant runs")
        self.assertEqual((task.status, generator.status, attendant.health), ("PENDING", "PENDING", "UNKNOWN"))
        (self.root(task) / "runs" / "ready").touch()
        wait_for(lambda: generator.log, "the generator runs")
        (self.root(task) / "run-benchmark.ends").write_text("3")
        runs = f"{self.root(task)}/runs"
        self.assertEqual(self.log(task), {
            "attendant": ["benchmark-cluster attend ", "benchmark-cluster asked to end"],
            "generator": [f"run-benchmark --plan {runs}/inputs/a --file={runs}/x 127.0.0.1:1"],
        })
        (told,) = self.ecs.describe_tasks(cluster=self.facts["cluster"]["name"], tasks=[task.arn])["tasks"]
        codes = {one["name"]: one.get("exitCode") for one in told["containers"]}
        self.assertEqual((codes["generator"], codes["attendant"], told["stopCode"]), (3, 0, "EssentialContainerExited"))
        logged = self.client("logs").get_log_events(logGroupName="/ecs/temporal-bench/runs", logStreamName=f"generator/generator/{task.id}", startFromHead=True)
        self.assertEqual([event["message"] for event in logged["events"]], generator.log)

    def test_a_task_that_is_stopped_ends_from_the_last_container_and_what_stays_is_killed(self):
        task = self.generator_that_runs()
        (self.root(task) / "stubborn").touch()
        for container in task.containers:
            container.definition = container.definition | {"stopTimeout": 0.2}
        self.ecs.stop_task(cluster=self.facts["cluster"]["name"], task=task.arn, reason="enough")
        wait_for(lambda: task.status == "STOPPED", "the task has stopped")
        self.assertEqual([task.container(name).exit_code for name in ["generator", "attendant"]], [137, 137])
        self.assertEqual((task.reason, task.code), ("enough", "UserInitiated"))

    def test_an_essential_container_that_is_killed_ends_the_task(self):
        task = self.generator_that_runs()
        task.container("attendant").process.send_signal(signal.SIGKILL)
        self.assertEqual(self.log(task)["generator"][-1], "run-benchmark asked to end")
        self.assertEqual(task.container("attendant").exit_code, 137)

    def test_a_container_gets_credentials_of_its_own_and_its_metadata(self):
        task = self.generator_that_runs()
        given = {name: self.cloud.variables(task, task.container(name)) for name in ["generator", "attendant"]}
        keys = {name: one["AWS_CONTAINER_CREDENTIALS_FULL_URI"].rsplit("/", 1)[-1] for name, one in given.items()}
        self.assertNotEqual(keys["generator"], keys["attendant"])
        self.assertEqual(self.cloud.keys[keys["attendant"]], (task.definition["task_role_arn"], task.id, "attendant"))
        answer = self.cloud.metadata(task.id, "attendant", "task")
        self.assertEqual(json.loads(answer.data)["TaskARN"], task.arn)

    def test_the_same_token_starts_nothing_twice(self):
        tasks = [self.run_task(clientToken="one") for _ in range(2)]
        self.assertEqual(tasks[0], tasks[1])
        with self.assertRaisesRegex(ClientError, "ConflictException"):
            self.run_task(clientToken="one", count=2)
        self.assertNotEqual(self.run_task(clientToken="two"), tasks[0])

    def test_what_aws_refuses_is_refused(self):
        network = {"networkConfiguration": {}}
        long = {"overrides": {"containerOverrides": [{"name": "generator", "command": ["x" * 8193]}]}}
        nobody = {"overrides": {"containerOverrides": [{"name": "nobody"}]}}
        for given in [network, long, nobody, {"launchType": "EC2"}, {"count": 11}, {"clientToken": "x" * 65}]:
            with self.subTest(given), self.assertRaisesRegex(ClientError, "InvalidParameterException"):
                self.run_task(**given)
        with self.assertRaisesRegex(ClientError, "InvalidParameterException"):
            self.ecs.list_tasks(cluster=self.facts["cluster"]["name"], startedBy="me", family="x")
        with self.assertRaisesRegex(ClientError, "ClusterNotFoundException"):
            self.ecs.list_tasks(cluster="another")

    def test_a_service_gets_its_tasks_when_there_is_room_and_says_so(self):
        service, pool = self.service("history"), self.cloud.ecs.pools["main"]
        self.cloud.ecs.services[service.name].definition = service.definition | {"containers": []}
        pool.limit = 2
        self.ecs.update_service(cluster=self.facts["cluster"]["name"], service=service.name, desiredCount=16)
        # Four of four cores to an instance of sixteen.
        wait_for(lambda: service.counts() == (8, 8), "eight run")
        self.assertIn("was unable to place a task", service.events[0]["message"])
        pool.limit = None
        wait_for(lambda: service.counts() == (16, 0), "all run")
        self.assertEqual(len(pool.instances), 4)
        self.assertIn("has reached a steady state.", service.events[0]["message"])
        self.cloud.ecs.lose(pool.instances[0])
        wait_for(lambda: service.counts() == (16, 0) and len(pool.instances) == 4, "the lost instance is replaced")
        self.ecs.update_service(cluster=self.facts["cluster"]["name"], service=service.name, desiredCount=0)
        wait_for(lambda: service.counts() == (0, 0), "none run")

    def test_calls_are_told_by_who_made_them_and_those_that_policies_do_not_allow_are_refused(self):
        s3, bucket = self.client("s3"), self.facts["bucket"]
        s3.put_object(Bucket=bucket, Key="inputs/t/x", Body=b"x")
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            s3.put_object(Bucket=bucket, Key="runs/x", Body=b"x")
        told = [(call.principal, call.action, call.refused) for call in self.cloud.calls]
        self.assertEqual(told, [("operator", "s3:PutObject", None), ("operator", "s3:PutObject", "AccessDeniedException")])

    def test_trouble_strikes_as_often_as_it_was_scripted(self):
        ask = lambda: self.ecs.list_services(cluster=self.facts["cluster"]["name"])  # noqa: E731
        self.cloud.trouble("ecs:List*", "ThrottlingException", times=1)
        with self.assertRaisesRegex(ClientError, "ThrottlingException"):
            ask()
        ask()
        trouble = self.cloud.trouble("s3:*", "ServiceUnavailable", status=503)
        for _ in range(2):
            with self.assertRaisesRegex(ClientError, "ServiceUnavailable"):
                self.client("s3").list_objects_v2(Bucket=self.facts["bucket"])
        self.cloud.end(trouble)
        self.client("s3").list_objects_v2(Bucket=self.facts["bucket"])

    def test_the_last_address_of_the_leader_counts(self):
        client = self.cloud.client("servicediscovery")
        for address in ["10.0.0.1", "10.0.0.2"]:
            client.register_instance(ServiceId=self.facts["leader"]["service"], InstanceId="leader", Attributes={"AWS_INSTANCE_IPV4": address})
        self.assertEqual(self.leader(), "10.0.0.2")

    def test_everything_of_a_closed_cloud_has_ended(self):
        task = self.generator_that_runs()
        processes = [one.process for one in task.containers if one.process]
        self.assertEqual([one.poll() for one in processes], [None, None])
        self.cloud.ecs.close()
        self.assertEqual([one.poll() for one in processes], [-9, -9])
        self.assertTrue(pathlib.Path(self.cloud.folder).exists())


class Policies(Case):
    def test_conditions_resources_and_actions_are_held_against_a_call(self):
        policy = {"Statement": [{"Effect": "Allow", "Action": ["ecs:Stop*"], "Resource": "arn:task/*", "Condition": {"StringEquals": {"tag": ["a", "b"]}}}]}
        self.assertTrue(is_allowed(policy, "ecs:StopTask", "arn:task/1", {"tag": "b"}))
        for action, resource, context in [("ecs:RunTask", "arn:task/1", {"tag": "a"}), ("ecs:StopTask", "arn:service/1", {"tag": "a"}), ("ecs:StopTask", "arn:task/1", {"tag": "c"}), ("ecs:StopTask", "arn:task/1", {})]:
            self.assertFalse(is_allowed(policy, action, resource, context))
        with self.assertRaisesRegex(ValueError, "Deny"):
            is_allowed({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}, "a:B", "*", {})
