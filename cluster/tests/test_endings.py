"""Nothing lost, nothing left: a run that is cut short in the middle, each time in another way."""

import json
import os
import signal
import time

import temporal
from case import PATIENCE, Case, wait_for

# Copies are made every 10 s.
OLDEST = 15
WORKERS = 2


def setUpModule():
    Ending.temporal, Ending.prometheus = temporal.start(wait_for)


class Ending(Case):
    prometheus = None

    def setUp(self):
        super().setUp()
        self.cloud.prometheus = self.prometheus

    def begin_run(self, duration="10m", ttl="10m"):
        """A run whose first copy is in the bucket."""
        self.arguments = ["run", "--workers", str(WORKERS), "--ttl", ttl, "--", "--rate", "5", "--duration", duration]
        self.command = self.begin(*self.arguments)
        wait_for(lambda: self.stored() or self.command.poll() is not None, "a copy is in the bucket")
        if self.command.poll() is not None:
            self.fail(self.ended(self.command, self.arguments))
        (self.task,) = self.tasks("generator")
        # When whoever copies was taken away; otherwise it copies until the task has stopped.
        self.copied_until = None

    def run_ended(self, limit=PATIENCE):
        return self.ended(self.command, self.arguments, limit=limit)

    def stored(self):
        """Keys of results in the bucket."""
        return [key for key in self.objects("runs/") if key.endswith("/results.json")]

    def result(self):
        (key,) = self.stored()
        return json.loads(self.get(key))

    def container(self, name):
        return self.task.container(name)

    def kill(self, name):
        self.container(name).process.send_signal(signal.SIGKILL)
        if name == "attendant":
            self.copied_until = time.time()

    def task_ended(self, limit=PATIENCE):
        wait_for(lambda: self.task.status == "STOPPED", "the task has stopped", limit)

    def is_fresh(self, done):
        """The result in the bucket is at most so much older than the end of the task, or of whoever copies."""
        (copied,) = [modified.timestamp() for key, modified in self.objects("runs/").items() if key.endswith("/results.json")]
        # The bucket's times are whole seconds.
        self.assertLess((self.copied_until or self.task.stopped_at) - copied, OLDEST + 1, done)

    def workers_are_gone(self):
        wait_for(lambda: self.service("workers").counts() == (0, 0), "no workers")
        self.assertEqual(self.service("workers").desired, 0)


class InOrder(Ending):
    def test_stopped(self):
        self.begin_run()
        stopped = self.good("stop", limit=240)
        done = self.run_ended()
        self.assertEqual(done.code, 143, done)
        result = self.result()
        self.assertTrue(result["complete"], stopped)
        self.assertEqual(result["run"]["interruptedBy"], "SIGTERM", stopped)
        self.is_fresh(done)
        self.workers_are_gone()
        self.assertIsNone(self.schedule(), done)
        self.assertEqual(self.leader(), "127.0.0.1", done)
        # It is on this disk, too.
        self.assertEqual(len(list(self.folder.glob("runs/*/results.json"))), 1, done)

    def test_the_time_to_live_is_over(self):
        self.begin_run(ttl="60s")
        done = self.run_ended(240)
        self.assertEqual(done.code, 143, done)
        self.assertEqual(self.task.reason, "its time to live is over", done)
        self.assertTrue(self.result()["complete"], done)
        self.is_fresh(done)
        self.workers_are_gone()
        self.assertEqual(self.leader(), "127.0.0.1", done)

    def test_the_bucket_is_away_for_20_seconds(self):
        self.begin_run(duration="25s")
        trouble = self.cloud.trouble("s3:*", "ServiceUnavailable", "Please reduce your request rate.", status=503)
        away = time.monotonic()
        wait_for(lambda: time.monotonic() - away > 20, "20 s are over")
        self.cloud.end(trouble)
        done = self.run_ended(240)
        self.assertIn(done.code, {0, 1, 3}, done)
        self.assertTrue(self.result()["complete"], done)
        self.workers_are_gone()
        self.assertIsNone(self.schedule(), done)
        self.assertEqual(self.leader(), "127.0.0.1", done)


class Killed(Ending):
    def test_the_generator_is_killed(self):
        self.begin_run()
        self.kill("generator")
        done = self.run_ended()
        self.assertEqual(done.code, 2, done)
        self.assertIn("generator ended with 137", done.err, done)
        self.assertFalse(self.result()["complete"], done)
        self.is_fresh(done)
        self.workers_are_gone()
        self.assertIsNone(self.schedule(), done)
        self.assertEqual(self.leader(), "127.0.0.1", done)
        # It is told apart from whole ones.
        listed = self.good("results", "list")
        self.assertIn("INCOMPLETE", listed.out, listed)

    def test_the_attendant_is_killed_and_the_next_run_overwrites_the_leader(self):
        self.begin_run()
        address = self.leader()
        self.assertEqual(address, self.task.address)
        self.kill("attendant")
        done = self.run_ended()
        self.assertEqual(self.container("generator").exit_code, 143, done)
        self.is_fresh(done)
        self.workers_are_gone()
        self.assertIsNone(self.schedule(), done)
        self.assertIn(self.leader(), {address, "127.0.0.1"}, done)
        second = self.run_command("run", "--workers", "1", "--", "--rate", "5", "--duration", "10s", limit=240)
        self.assertIn(second.code, {0, 1, 3}, second)
        self.assertEqual(self.leader(), "127.0.0.1", second)

    def test_the_machine_is_lost(self):
        self.begin_run()
        self.copied_until = time.time()
        self.cloud.ecs.lose(self.task.instance)
        done = self.run_ended()
        self.assertEqual(done.code, 2, done)
        self.assertIn("terminated", done.err, done)
        self.is_fresh(done)
        self.workers_are_gone()
        self.assertIsNone(self.schedule(), done)


class LeftAlone(Ending):
    def test_this_program_is_killed(self):
        self.begin_run(duration="25s")
        os.killpg(self.command.pid, signal.SIGKILL)
        self.run_ended()
        self.task_ended()
        result = self.result()
        self.assertTrue(result["complete"])
        self.is_fresh(result)
        self.workers_are_gone()
        self.assertEqual(self.leader(), "127.0.0.1")
        # Nobody was here to remove it: it sets none to none, once.
        target = self.schedule()["Target"]
        self.assertEqual(json.loads(target["Input"]), {"Cluster": self.facts["cluster"]["name"], "Service": self.service("workers").name, "DesiredCount": 0})
        got = self.good("results", "get")
        self.assertEqual(len(list(self.folder.glob("runs/*/results.json"))), 1, got)

    def test_this_program_and_the_attendant_are_killed(self):
        self.begin_run()
        os.killpg(self.command.pid, signal.SIGKILL)
        self.run_ended()
        self.kill("attendant")
        self.task_ended()
        self.is_fresh(self.task)
        # Workers are there, and so is what ends them.
        self.assertEqual(self.service("workers").desired, WORKERS)
        self.assertEqual(self.schedule()["ActionAfterCompletion"], "DELETE")
        # And a person may.
        self.good("workers", "0")
        self.workers_are_gone()
        self.assertIsNone(self.schedule())
