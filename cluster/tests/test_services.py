"""`up`, `down`, `status` and `doctor`: each as it should go, and with what goes wrong in an account."""

import json
import re
import signal
import unittest

from case import Case, wait_for
from environment import ROOT, Environment

ORDER = ["loki", "history", "matching", "frontend", "worker", "ui", "grafana"]


class Services(Case):
    def keys(self, calls):
        """Services whose counts were set, in order."""
        names = {one["name"]: one["key"] for one in self.facts["services"]} | {self.facts["workers"]["name"]: "workers"}
        return [(names[call.parameters["service"]], call.parameters["desiredCount"]) for call in calls if call.action == "ecs:UpdateService"]

    def ask(self, key, count):
        """What runs before a command begins."""
        self.client("ecs").update_service(cluster=self.facts["cluster"]["name"], service=self.service(key).name, desiredCount=count)
        wait_for(lambda: self.service(key).counts() == (count, 0), f"{count} of {key}")

    def all_up(self):
        for service in self.facts["services"]:
            self.ask(service["key"], service["count"])

    def begin_generator(self):
        """A run of somebody, whose program only waits for its end."""
        self.cloud.scripts[self.facts["tasks"]["generator"]["family"]] = lambda task: (task.runner.stopping.wait() and [], 143)
        task = self.facts["tasks"]["generator"]
        told = self.client("ecs").run_task(
            cluster=self.facts["cluster"]["name"], taskDefinition=task["task_definition"], networkConfiguration={"awsvpcConfiguration": {"subnets": self.facts["subnets"]}},
            capacityProviderStrategy=[{"capacityProvider": self.facts["pools"]["generator"]["capacity_provider"], "weight": 1}],
        )
        task = self.cloud.ecs.tasks[told["tasks"][0]["taskArn"]]
        wait_for(lambda: task.status == "RUNNING", "the generator runs")
        return task


class Up(Services):
    def test_services_come_up_in_order_each_until_it_is_steady(self):
        done = self.good("up")
        counts = {one["key"]: one["count"] for one in self.facts["services"]}
        self.assertEqual(self.keys(done.changes), [(key, counts[key]) for key in ORDER], done)
        self.assertEqual(done.actions(), ["ecs:UpdateService"] * len(ORDER), done)
        for key in ORDER:
            self.assertEqual(self.service(key).counts(), (counts[key], 0), done)
        # What is up stays as it is.
        again = self.good("up", "--json")
        self.assertEqual(again.changes, [], again)
        self.assertEqual(again.lines[-1]["kind"], "done", again)

    def test_only_some(self):
        done = self.good("up", "--only", "ui,history", "--preset", "400")
        self.assertEqual(self.keys(done.changes), [("history", 16), ("ui", 1)], done)
        self.assertIn("presets 400 and 200 have the same counts and sizes", done.out)

    def test_a_dry_run_changes_nothing_and_says_what_it_would(self):
        done = self.good("up", "--dry-run", "--json")
        self.assertEqual(done.changes, [], done)
        calls = [line for line in done.lines if line["kind"] == "call"]
        self.assertEqual([call["action"] for call in calls], ["ecs:UpdateService"] * len(ORDER), done)

    def test_instances_that_do_not_come_are_told_with_the_quota(self):
        self.cloud.ecs.pools["main"].limit = 1
        self.cloud.scaling.fail("main", "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket.", ago=0)
        done = self.run_command("up", "--only", "history", "--timeout", "5s")
        self.assertEqual(done.code, 2, done)
        for text in ["history", "vCPU limit of 32", "Service Quotas"]:
            self.assertIn(text, done.err, done)

    def test_tasks_that_end_are_told_with_their_reason(self):
        self.service("loki").broken = "CannotPullContainerError: pull image manifest has been retried 5 time(s)"
        done = self.run_command("up", "--timeout", "5s")
        self.assertEqual(done.code, 2, done)
        self.assertIn("CannotPullContainerError: pull image manifest", done.err, done)
        # Those that come after it were not asked for.
        self.assertEqual(self.keys(done.changes), [("loki", 1)], done)

    def test_throttled_calls_are_made_again(self):
        self.cloud.trouble("ecs:*", "ThrottlingException", "Rate exceeded", times=3)
        done = self.good("up", "--only", "ui")
        self.assertEqual([call.refused for call in done.calls if call.refused], ["ThrottlingException"] * 3, done)

    def test_what_the_operator_may_not_is_told_with_the_policy(self):
        self.cloud.trouble("ecs:UpdateService", "AccessDeniedException", "not authorized", status=400)
        self.bad("up", "--only", "ui", says=["ecs:UpdateService", "operator_policy"])


class Down(Services):
    def test_services_go_backwards_and_instances_of_runs_end_at_once(self):
        self.all_up()
        self.ask("workers", 8)
        pools = self.cloud.ecs.pools
        self.assertEqual(len(pools["benchmark"].instances), 2)
        done = self.good("down", limit=240)
        self.assertEqual(self.keys(done.changes), [("workers", 0)] + [(key, 0) for key in reversed(ORDER)], done)
        self.assertEqual(len(pools["benchmark"].instances), 0, done)
        ended = [call for call in done.changes if call.action == "autoscaling:TerminateInstanceInAutoScalingGroup"]
        self.assertEqual([call.parameters["ShouldDecrementDesiredCapacity"] for call in ended], ["true", "true"], done)
        # What still costs: those of main, and what runs all the time.
        self.assertIn("OpenSearch", done.out)
        self.assertRegex(done.out, r"\$\d")
        again = self.good("down")
        self.assertEqual(again.changes, [], again)

    def test_a_dry_run_changes_nothing(self):
        self.ask("ui", 1)
        done = self.good("down", "--dry-run", "--json")
        self.assertEqual(done.changes, [], done)
        self.assertIn("ecs:UpdateService", [line.get("action") for line in done.lines], done)

    def test_one_that_does_not_end_keeps_no_other_from_ending(self):
        for key in ["history", "grafana"]:
            self.ask(key, 1)
        self.cloud.trouble("ecs:UpdateService", "AccessDeniedException", times=1, principal="operator")
        done = self.run_command("down")
        self.assertEqual(done.code, 2, done)
        self.assertIn("ecs:UpdateService temporal-bench-grafana", done.err, done)
        self.assertIn("temporal-bench is not down", done.out, done)
        self.assertEqual([self.service(key).counts() for key in ["history", "grafana"]], [(0, 0), (1, 0)], done)

    def test_production_is_not_taken_down_without_a_yes(self):
        self.ask("ui", 1)
        file = self.folder / "prod.json"
        file.write_text(json.dumps(self.facts | {"environment": "prod"}))
        for command in ["down", "recover"]:
            self.bad(command, says=["--yes"], BENCHMARK_FACTS=str(file))
        done = self.good("down", "--yes", BENCHMARK_FACTS=str(file))
        self.assertEqual(self.service("ui").counts(), (0, 0), done)

    def test_a_run_in_progress_is_not_ended_without_a_yes(self):
        task = self.begin_generator()
        self.bad("down", says=["in progress", "--yes"])
        self.assertEqual(task.desired, "RUNNING")
        done = self.good("down", "--yes")
        self.assertEqual(task.status, "STOPPED", done)
        self.assertEqual(len(self.cloud.ecs.pools["generator"].instances), 0, done)


class Status(Services):
    def test_watching_goes_on_until_ctrl_c(self):
        process = self.begin("status", "--watch", "--json")
        looks = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGINT)
        done = self.ended(process, ["status", "--watch"])
        self.assertEqual(done.code, 0, done)
        self.assertLess(looks[0]["at"], looks[1]["at"])

    def test_pools_services_run_end_and_dollars(self):
        self.ask("history", 16)
        self.ask("workers", 4)
        task = self.begin_generator()
        done = self.good("status")
        self.assertEqual(done.changes, [], done)
        self.assertRegex(done.out, r"history\W+16\W+16\W+0", done)
        self.assertIn("has reached a steady state", done.out, done)
        self.assertIn(task.id, done.out, done)
        # Instances, and what costs all the time.
        pools = self.facts["pools"]
        hourly = sum(self.cloud.ecs.pools[key].desired * pools[key]["usd_per_hour"] for key in pools)
        found = [float(value) for value in re.findall(r"\$(\d+\.\d+)", done.out)]
        idle = self.facts["cost"]["usd_per_hour"]["idle"]
        self.assertTrue(any(abs(value - hourly - idle) < 0.01 for value in found), f"{hourly} + {idle}: {done}")
        json_ = self.good("status", "--json")
        self.assertTrue(json_.lines, json_)


class Doctor(Services):
    def test_all_is_well(self):
        done = self.good("doctor", "--preset", "400", "--json")
        self.assertEqual(done.changes, [], done)
        checks = {line["check"]: line["ok"] for line in done.lines if line["kind"] == "check"}
        self.assertEqual(set(checks.values()), {True}, done)
        self.assertGreaterEqual(len(checks), 10, done)

    def test_each_trouble_is_found_and_has_a_remedy(self):
        (self.stubs / "session-manager-plugin").unlink()
        self.cloud.scaling.fail("benchmark", "You have requested more vCPU capacity than your current vCPU limit of 32 allows.")
        self.cloud.trouble("s3:ListBucket", "AccessDenied", status=403)
        self.cloud.trouble("scheduler:*", "ResourceNotFoundException", "Schedule group does not exist.", status=404)
        gone = self.cloud.ecs.services.pop(self.service("ui").name)
        done = self.run_command("doctor", "--preset", "50", "--json")
        self.assertEqual(done.code, 2, done)
        self.assertEqual(done.changes, [], done)
        wrong = {line["check"]: line["text"] for line in done.lines if line["kind"] == "check" and not line["ok"]}
        self.assertEqual(set(wrong), {"session-manager-plugin", "bucket", "schedules", "services", "room", "instances"}, done)
        for check, text in [("bucket", "operator_policy"), ("services", gone.name), ("room", "temporal_history_cpu = 1024"), ("instances", "vCPU limit of 32")]:
            self.assertIn(text, wrong[check], done)
        for text in wrong.values():
            self.assertIn("try  ", text, done)


class Facts(unittest.TestCase):
    def test_those_of_the_unit_tests_are_terraforms(self):
        """Values differ where Terraform's mock makes them up; keys, counts and sizes do not."""

        def shape(value):
            if isinstance(value, dict):
                return {key: shape(each) for key, each in value.items()}
            if isinstance(value, list):
                return [shape(each) for each in value]
            return value if isinstance(value, (int, float)) or value is None else type(value).__name__

        written = json.loads((ROOT / "cluster/tests/facts/bench.json").read_text())
        self.assertEqual(shape(written), shape(Environment().facts))
