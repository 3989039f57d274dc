"""What goes wrong on the way of a run, and `workers`: generators and workers are small scripts here, attendants are real."""

import json
import signal

from case import PROGRAMS, Case, wait_for

# Runs as the first line of ITS file says: a run of that id, or none, and the exit code.
GENERATOR = """#!/bin/sh
trap 'exit 143' TERM
echo "began with $*"
while [ ! -e ends ]; do sleep 0.05; done
read -r run code <ends
if [ "$run" != none ]; then mkdir -p "runs/$run"; cp result.json "runs/$run/results.json"; fi
exit "$code"
"""
WORKER = "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n"
RUN = ["run", "--workers", "2", "--", "--rate", "5", "--duration", "10s"]


class Trouble(Case):
    def setUp(self):
        super().setUp()
        self.cloud.programs = self.folder / "programs"
        self.cloud.programs.mkdir()
        (self.cloud.programs / "benchmark-cluster").symlink_to(PROGRAMS / "benchmark-cluster")
        for name, text in [("run-benchmark", GENERATOR), ("benchmark-worker", WORKER)]:
            (self.cloud.programs / name).write_text(text)
            (self.cloud.programs / name).chmod(0o755)
        # Its health is asked by its metrics, which a script has not.
        for definition in self.cloud.environment.task_definitions.values():
            for container in definition["containers"]:
                if container["name"] == "benchmark-worker":
                    self.addCleanup(container.update, healthCheck=container.pop("healthCheck"))

    def nothing_was_left(self, done):
        wait_for(lambda: self.service("workers").counts() == (0, 0), "no workers")
        self.assertEqual(self.service("workers").desired, 0, done)
        self.assertIsNone(self.schedule(), done)
        self.assertEqual([task for task in self.tasks("generator") if task.desired == "RUNNING"], [], done)

    def run_that_ends(self, run, code):
        """A run whose generator ends at once: with the result of a run, or none."""
        process = self.begin(*RUN)
        task = wait_for(lambda: self.tasks("generator", "RUNNING") or process.poll() is not None, "the generator runs")[0]
        (self.cloud.folder / "tasks" / task.id / "ends").write_text(f"{run} {code}\n")
        return self.ended(process, RUN)


class Results(Trouble):
    def test_a_generator_that_refuses_to_run(self):
        done = self.run_that_ends("none", 2)
        self.assertEqual(done.code, 2, done)
        self.assertIn("began with --rate 5 --duration 10s", done.out, done)
        self.nothing_was_left(done)

    def test_a_result_that_is_missing(self):
        done = self.run_that_ends("none", 0)
        self.assertEqual(done.code, 2, done)
        self.assertIn("no result of this run", done.err, done)
        self.nothing_was_left(done)

    def test_a_generator_that_dies(self):
        done = self.run_that_ends("none", 134)
        self.assertEqual(done.code, 2, done)
        self.assertIn("generator ended with 134", done.err, done)
        self.nothing_was_left(done)

    def test_json_says_one_object_a_line(self):
        process = self.begin("--json", *RUN)
        task = wait_for(lambda: self.tasks("generator", "RUNNING"), "the generator runs")[0]
        (self.cloud.folder / "tasks" / task.id / "ends").write_text("none 2\n")
        done = self.ended(process, RUN)
        self.assertEqual(done.code, 2, done)
        kinds = [line["kind"] for line in done.lines]
        self.assertEqual([kind for kind in ["run", "task", "line", "end"] if kind not in kinds], [], done)
        self.assertEqual(done.lines[-1]["code"], 2, done)


class Beginning(Trouble):
    def test_what_may_not_begin_changes_nothing_that_stays(self):
        self.cloud.trouble("ecs:RunTask", "AccessDeniedException", "not authorized", status=403)
        done = self.run_command(*RUN)
        self.assertEqual(done.code, 2, done)
        self.assertIn("operator_policy", done.err, done)
        self.nothing_was_left(done)

    def test_inputs_that_cannot_be_put_change_nothing_that_stays(self):
        self.cloud.trouble("s3:PutObject", "AccessDenied", status=403)
        done = self.run_command(*RUN)
        self.assertEqual(done.code, 2, done)
        self.assertEqual(self.tasks("generator"), [], done)
        self.nothing_was_left(done)

    def test_an_image_that_cannot_be_had_is_told(self):
        why = "CannotPullContainerError: pull image manifest has been retried 5 time(s)"
        process = self.begin(*RUN)
        task = wait_for(lambda: self.tasks("generator"), "the generator is asked for")[0]
        task.stop(why, "TaskFailedToStart")
        done = self.ended(process, RUN)
        self.assertEqual(done.code, 2, done)
        self.assertIn(why, done.err, done)
        self.nothing_was_left(done)

    def test_capacity_that_does_not_come_is_told_while_it_is_waited_for(self):
        self.cloud.ecs.pools["benchmark"].limit = 0
        self.cloud.scaling.fail("benchmark", "You have requested more vCPU capacity than your current vCPU limit of 32 allows.", ago=0)
        # Now, and not before the run began.
        self.cloud.ecs.pools["benchmark"].activities[0]["StartTime"] = "2999-01-01T00:00:00Z"
        process = self.begin(*RUN)
        task = wait_for(lambda: self.tasks("generator", "RUNNING"), "the generator runs")[0]
        seen = len(self.cloud.calls)
        wait_for(lambda: sum(call.action == "autoscaling:DescribeScalingActivities" for call in self.cloud.calls[seen:]) > 1, "the pools were looked at")
        (self.cloud.folder / "tasks" / task.id / "ends").write_text("none 2\n")
        done = self.ended(process, RUN)
        self.assertIn("vCPU limit of 32", done.out, done)
        self.assertIn("workers: 0 of 2 run", done.out, done)
        self.nothing_was_left(done)


class Meanwhile(Trouble):
    def test_throttled_calls_are_made_again(self):
        self.cloud.trouble("*", "ThrottlingException", "Rate exceeded", times=4, principal="operator")
        done = self.run_that_ends("none", 2)
        self.assertEqual(done.code, 2, done)
        self.assertEqual([call.refused for call in done.calls if call.refused], ["ThrottlingException"] * 4, done)
        self.assertEqual(len(self.tasks("generator")), 1, done)

    def test_a_run_task_without_an_answer_starts_nothing_twice(self):
        # AWS did it, and nobody heard of it.
        self.cloud.lose_answer("ecs:RunTask")
        done = self.run_that_ends("none", 2)
        self.assertEqual(done.code, 2, done)
        self.assertEqual(len(self.tasks("generator")), 1, done)
        self.assertEqual(sum(call.action == "ecs:RunTask" for call in done.calls), 2, done)

    def test_an_interrupt_before_there_is_a_run(self):
        # It waits here, for as long as the bucket does not answer.
        self.cloud.trouble("s3:PutObject", "SlowDown", status=503)
        process = self.begin(*RUN)
        wait_for(lambda: any(call.action == "s3:PutObject" for call in self.cloud.calls), "inputs are put")
        process.send_signal(signal.SIGINT)
        done = self.ended(process, RUN)
        self.assertEqual(done.code, 130, done)
        self.assertEqual(self.tasks("generator"), [], done)
        self.nothing_was_left(done)

    def test_workers_have_an_end_and_go_when_they_are_told(self):
        done = self.good("workers", "3", "--ttl", "1h")
        self.assertEqual(done.actions(), ["scheduler:CreateSchedule", "ecs:UpdateService"], done)
        self.assertEqual(self.service("workers").counts(), (3, 0), done)
        target = self.schedule()["Target"]
        asked = {"Cluster": self.facts["cluster"]["name"], "Service": self.service("workers").name, "DesiredCount": 0}
        self.assertEqual((json.loads(target["Input"]), target["RoleArn"]), (asked, self.facts["scheduler"]["role_arn"]), done)
        # Its end is moved.
        before = self.schedule()["ScheduleExpression"]
        self.good("workers", "2", "--ttl", "3h")
        self.assertGreater(self.schedule()["ScheduleExpression"], before)
        self.assertEqual(self.service("workers").counts(), (2, 0))
        dry = self.good("workers", "0", "--dry-run", "--json")
        self.assertEqual(dry.changes, [], dry)
        done = self.good("workers", "0")
        self.nothing_was_left(done)

    def test_status_is_watched_until_an_interrupt(self):
        process = self.begin("status", "--watch", "--json")
        wait_for(lambda: sum(call.action == "autoscaling:DescribeAutoScalingGroups" for call in self.cloud.calls) > 2, "it looks for the third time")
        process.send_signal(signal.SIGINT)
        done = self.ended(process, ["status", "--watch"])
        self.assertEqual(done.code, 0, done)
        self.assertGreater(len(done.lines), 1, done)
