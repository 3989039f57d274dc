"""`run` from nothing to a result on disk, on a real Temporal server: generator, attendant and workers are the programs themselves."""

import json
import pathlib
import re
import signal
import subprocess

import temporal
from case import PROGRAMS, Case, wait_for

SHORT = ["--rate", "5", "--duration", "10s"]


def setUpModule():
    Runs.temporal, Runs.prometheus = temporal.start(wait_for)


def rounded(value):
    """Without the last digits of fractions, which are not always kept when a file is read and written."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


class Runs(Case):
    prometheus = None

    def setUp(self):
        super().setUp()
        self.cloud.prometheus = self.prometheus

    def results(self):
        """Result files on this disk by their runs."""
        return {path.parent.name: json.loads(path.read_text()) for path in self.folder.glob("runs/*/results.json")}

    def nothing_is_left(self):
        self.assertEqual((self.service("workers").desired, self.service("workers").counts()), (0, (0, 0)))
        self.assertIsNone(self.schedule())
        self.assertEqual(self.leader(), "127.0.0.1")
        self.assertEqual([task for kind in ["generator", "generator_join"] for task in self.tasks(kind) if task.desired == "RUNNING"], [])

    def run_once(self, *arguments, meanwhile=lambda: None):
        """A run to its end, and what came of it on disk."""
        before, calls = set(self.results()), len(self.cloud.calls)
        arguments = ["run", "--workers", "3", "--ttl", "10m", "--", *arguments]
        process = self.begin(*arguments)
        meanwhile()
        done = self.ended(process, arguments, calls, 300)
        found = [(run, result) for run, result in self.results().items() if run not in before]
        self.assertEqual(len(found), 1, done)
        ((run, result),) = found
        self.assertEqual(done.code, result["outcome"]["exitCode"], done)
        self.nothing_is_left()
        return done, run, result

    def run_whole(self, *arguments, code):
        """A run whose exit code is to be this one. A machine that is busy may make it another, so that it is tried again."""
        for _ in range(3):
            done, run, result = self.run_once(*arguments)
            if done.code == code:
                break
        self.assertEqual(done.code, code, done)
        return done, run, result


class Whole(Runs):
    def test_two_runs_from_nothing_to_results_that_are_compared(self):
        done, run, result = self.run_whole(*SHORT, code=0)
        # Whole, and with what only the cluster knows.
        self.assertTrue(result["complete"], done)
        ledger = result["ledger"]
        self.assertGreater(ledger["arrivals"], 30, done)
        self.assertEqual(ledger["arrivals"], ledger["completed"], done)
        workers = [member for member in result["fleet"]["members"] if member["role"] == "worker"]
        self.assertEqual([member["presence"] for member in workers], ["present"] * 3, done)
        cluster = result["environment"]["cluster"]
        self.assertIn(self.facts["images"]["benchmark"], cluster.values(), done)
        self.assertIn(self.facts["temporal"]["shards"], cluster.values(), done)
        self.assertTrue(all(isinstance(value, str | int | float) for value in cluster.values()), done)
        # The end was written before anything was scaled, and the schedule went when there were no workers any more.
        told = [call.action for call in done.changes if call.principal == "operator"]
        order = ["scheduler:CreateSchedule", "s3:PutObject", "ecs:UpdateService", "ecs:RunTask", "scheduler:DeleteSchedule"]
        self.assertEqual([action for at, action in enumerate(told) if action not in told[:at]], order, done)
        (task,) = self.tasks("generator")
        self.assertEqual([container.exit_code for container in task.containers[:2]], [0, 0], done)
        # The generator's lines were shown, and what is on disk is what is in the bucket, with the server's figures added.
        for line in task.container("generator").log:
            if re.search(r"\w", line):
                self.assertIn(line.strip(), done.out, done)
        stored = json.loads(self.get(f"runs/{run}/results.json"))
        self.assertTrue(result.pop("serverFigures"), done)
        self.assertEqual(rounded(stored | {"serverFigures": None}), rounded(result | {"serverFigures": None}), done)
        # A second is compared with it: the same surroundings.
        _, other, _ = self.run_whole(*SHORT, code=0)
        compared = subprocess.run([PROGRAMS / "run-benchmark", "compare", f"runs/{run}", f"runs/{other}"], cwd=self.folder, capture_output=True, text=True, timeout=60)
        # Alike enough to be compared, and one run a side tells nothing, which nobody reads in a pipe.
        self.assertEqual(compared.returncode, 4, compared)
        self.assertNotIn("cluster", compared.stdout, compared)
        # Both are listed, and can be had again.
        listed = self.good("results", "list", "--json")
        self.assertEqual([line["run"] for line in listed.lines if "run" in line], [other, run], listed)
        self.good("results", "get", run, "--to", "again")
        self.assertEqual(json.loads(pathlib.Path(self.folder, "again", "runs", run, "results.json").read_text())["run"]["id"], run)

    def test_a_missed_threshold_and_an_invalid_run_come_through(self):
        self.run_whole(*SHORT, "--max-p99-latency", "1ms", code=1)
        done, _, result = self.run_once(*SHORT, meanwhile=self.stand_still)
        self.assertEqual((done.code, result["verdict"]["value"]), (3, "INVALID"), done)

    def stand_still(self):
        """The generator does nothing for some seconds of its measured phase, so that starts are late."""
        task = wait_for(lambda: self.tasks("generator", "RUNNING"), "the generator runs")[0]
        generator = task.container("generator")
        wait_for(lambda: any(line.startswith("measure ") for line in generator.log), "it measures")
        generator.process.send_signal(signal.SIGSTOP)
        # The command looks each second.
        seen = len(self.cloud.calls)
        wait_for(lambda: sum(call.action == "ecs:DescribeTasks" for call in self.cloud.calls[seen:]) > 3, "the command has looked")
        generator.process.send_signal(signal.SIGCONT)


class Otherwise(Runs):
    def test_input_files_and_a_second_generator(self):
        # What the members have as a secret: with another file nobody would be let in.
        (secret,) = self.cloud.environment.definition(self.facts["workers"]["family"])["containers"][0]["secrets"]
        (self.folder / "token").write_text(self.cloud.secret(secret["valueFrom"]))
        arguments = ["run", "--workers", "2", "--generators", "2", "--input", "token", "--", *SHORT, "--fleet-token-file", "token"]
        done = self.run_command(*arguments, limit=300)
        self.assertEqual(len(self.results()), 1, done)
        (result,) = self.results().values()
        self.assertEqual(done.code, result["outcome"]["exitCode"], done)
        roles = sorted(member["role"] for member in result["fleet"]["members"])
        self.assertEqual(roles.count("worker"), 2, done)
        self.assertEqual(len(self.tasks("generator_join")), 1, done)
        self.nothing_is_left()

    def test_a_person_who_leaves_and_comes_back(self):
        before = len(self.cloud.calls)
        arguments = ["run", "--workers", "3", "--", "--rate", "5", "--duration", "20s"]
        process = self.begin(*arguments)
        wait_for(lambda: self.tasks("generator", "RUNNING"), "the generator runs")
        process.send_signal(signal.SIGINT)
        left = self.ended(process, arguments, before)
        self.assertEqual(left.code, 130, left)
        for command in ["follow", "stop", "results get"]:
            self.assertIn(f"benchmark-cluster {command}", left.out, left)
        (task,) = self.tasks("generator")
        self.assertEqual(task.desired, "RUNNING", left)
        # Another run is refused meanwhile.
        self.bad("run", "--workers", "1", "--", *SHORT, says=["in progress", "follow", "stop"])
        followed = self.run_command("follow", limit=300)
        (result,) = self.results().values()
        self.assertEqual(followed.code, result["outcome"]["exitCode"], followed)
        self.nothing_is_left()

    def test_detached(self):
        done = self.good("run", "--workers", "1", "--detach", "--", *SHORT)
        self.assertEqual(len(self.tasks("generator")), 1, done)
        self.assertIsNotNone(self.schedule(), done)
        self.good("stop", limit=300)
        self.nothing_is_left()

    def test_a_dry_run_changes_nothing(self):
        done = self.good("run", "--workers", "3", "--dry-run", "--json", "--", *SHORT)
        self.assertEqual(done.changes, [], done)
        told = [line["action"] for line in done.lines if line["kind"] == "call"]
        self.assertEqual([told[0], told[-1]], ["scheduler:CreateSchedule", "ecs:RunTask"], done)
