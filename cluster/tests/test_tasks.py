"""`setup` and `recover`, which start tasks once, and `connect` and `exec`, which hand over to the AWS CLI."""

import json
import os
import socket
import subprocess

from case import Case, wait_for
from containers import free_port
from environment import PROGRAMS

SERVERS = ["history", "matching", "frontend", "worker"]


class OneShot(Case):
    def script(self, name, told):
        """What a task says and ends with, by the words of its command."""
        asked = self.asked = []

        def run(task):
            command = task.overrides["containerOverrides"][0]["command"]
            asked.append(command)
            return told(command)

        self.cloud.scripts[self.facts["tasks"][name]["family"]] = run

    def facts_with_user(self, user):
        file = self.folder / "user.json"
        file.write_text(json.dumps(self.facts | {"dsql": self.facts["dsql"] | {"user": user}}))
        return str(file)


class Setup(OneShot):
    def test_the_tasks_log_is_followed_and_its_end_is_the_commands(self):
        self.script("setup_schema", lambda command: (["INFO tool at work", "setup: schema: there", "setup: index: there"], 0))
        done = self.good("setup")
        self.assertEqual(done.actions(), ["ecs:RunTask"], done)
        for line in ["INFO tool at work", "setup: index: there"]:
            self.assertIn(line, done.out, done)
        (command,) = self.asked
        self.assertEqual((command[:2], command[4:]), (["sh", "-c"], ["dsql", "aws", "keep"]))
        self.assertIn("setup-schema --schema-name dsql/v12/temporal --version 1.12", command[2])

    def test_another_user_than_admin_gets_a_role(self):
        self.script("setup_schema", lambda command: ([], 0))
        schema = self.asked
        self.script("setup_database", lambda command: (["role: temporal"], 0))
        done = self.good("setup", BENCHMARK_FACTS=self.facts_with_user("temporal"))
        self.assertEqual((len(schema), self.asked), (1, [["/benchmark-cluster", "database", "grant-role"]]), done)

    def test_a_tool_that_fails_is_told_by_its_part(self):
        self.script("setup_schema", lambda command: (["ERROR connection refused", "setup: schema: failed"], 1))
        done = self.run_command("setup")
        self.assertEqual(done.code, 2, done)
        self.assertIn("schema: failed", done.err, done)

    def test_a_task_that_does_not_begin_is_told_with_ecs_reason(self):
        trouble = "CannotPullContainerError: pull image manifest has been retried 5 time(s)"

        def fails(task):
            task.stop(trouble, "TaskFailedToStart")
            return [], None

        self.cloud.scripts[self.facts["tasks"]["setup_schema"]["family"]] = fails
        done = self.run_command("setup")
        self.assertEqual(done.code, 2, done)
        self.assertIn(trouble, done.err, done)

    def test_overwriting_asks_and_is_refused_while_servers_run(self):
        self.script("setup_schema", lambda command: ([], 0))
        self.bad("setup", "--overwrite", says=[self.facts["dsql"]["host"], "--yes"])
        done = self.good("setup", "--overwrite", "--yes")
        self.assertEqual([command[-1] for command in self.asked], ["overwrite"], done)
        self.service("history").desired = 1
        wait_for(lambda: self.service("history").counts() == (1, 0), "history runs")
        self.bad("setup", "--overwrite", "--yes", says=["history", "benchmark-cluster down"])

    def test_a_dry_run_starts_nothing(self):
        done = self.good("setup", "--dry-run", "--json")
        self.assertEqual(done.changes, [], done)
        self.assertIn("ecs:RunTask", [line.get("action") for line in done.lines], done)


class Recover(OneShot):
    def up(self):
        for key in SERVERS:
            self.service(key).desired = 2
        wait_for(lambda: all(self.service(key).counts() == (2, 0) for key in SERVERS), "servers run")

    def test_down_rows_deleted_up(self):
        self.up()
        rows = ["history 10.0.0.1:7234 since 00:12:00, last heard of 41 s ago", "1 row"]
        self.script("setup_database", lambda command: (rows if command[-1] == "membership" else ["1 row deleted"], 0))
        done = self.good("recover", "--yes", limit=240)
        self.assertEqual([command[-1] for command in self.asked], ["membership", "clean-membership"], done)
        for line in rows:
            self.assertIn(line, done.out, done)
        counts = [(call.parameters["service"].rsplit("-", 1)[-1], call.parameters["desiredCount"]) for call in done.changes if call.action == "ecs:UpdateService"]
        down, up = [(key, 0) for key in reversed(SERVERS)], [(key, 2) for key in SERVERS]
        self.assertEqual(counts, down + up, done)

    def test_rows_are_deleted_only_after_a_yes(self):
        self.up()
        self.script("setup_database", lambda command: (["history 10.0.0.1:7234", "1 row"], 0))
        person, terminal = os.openpty()
        self.addCleanup(os.close, person)
        self.addCleanup(os.close, terminal)
        os.write(person, b"no\n")
        done = subprocess.run([str(PROGRAMS / "benchmark-cluster"), "recover"], env=self.shell(), cwd=self.folder, stdin=terminal, capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 2, done)
        self.assertEqual([command[-1] for command in self.asked], ["membership"], done)
        self.assertIn("history 2, matching 2, frontend 2, worker 2", done.stderr, done)

    def test_nobody_to_ask_is_found_out_while_servers_still_run(self):
        self.up()
        self.bad("recover", says="--yes")

    def test_a_database_that_does_not_answer_is_told_with_how_to_go_on(self):
        self.up()
        self.script("setup_database", lambda command: (["error: connection refused"], 2))
        done = self.run_command("recover", "--yes", limit=240)
        self.assertEqual(done.code, 2, done)
        for text in ["connection refused", "benchmark-cluster up --only history,matching,frontend,worker"]:
            self.assertIn(text, done.err, done)

    def test_a_dry_run_changes_nothing(self):
        self.up()
        done = self.good("recover", "--dry-run", "--json")
        self.assertEqual(done.changes, [], done)
        self.assertEqual({line["action"] for line in done.lines if line["kind"] == "call"}, {"ecs:UpdateService", "ecs:RunTask"}, done)


class Sessions(Case):
    def up(self, key):
        service = self.service(key)
        service.desired = 1
        wait_for(lambda: service.counts() == (1, 0), f"{key} runs")
        (task,) = service.tasks
        return task

    def test_connect_hands_over_to_session_manager(self):
        for target, port in [("ui", "8080"), ("frontend", "7233")]:
            task, local = self.up(target), str(free_port())
            container = next(one["container"] for one in self.facts["services"] if one["key"] == target)
            done = self.good("connect", target, "--port", local)
            words = done.out.splitlines()
            self.assertIn(f"ecs:{self.facts['cluster']['name']}_{task.id}_{task.id}-{container}", words, done)
            parameters = json.loads(next(word for word in words if word.startswith("{")))
            self.assertEqual(parameters, {"portNumber": [port], "localPortNumber": [local]}, done)
            self.assertEqual(words[words.index("--document-name") + 1], "AWS-StartPortForwardingSession", done)
            self.assertEqual(done.changes, [], done)

    def test_a_local_port_in_use_is_refused(self):
        self.up("ui")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.bad("connect", "ui", "--port", str(port), says=[f"--port {port}", "in use"])

    def test_exec_hands_over_to_ecs_with_one_word(self):
        task = self.up("history")
        done = self.good("exec", "history", "--", "ls", "-l", "a b")
        words = done.out.splitlines()
        self.assertEqual(words[words.index("--task") + 1], task.id, done)
        self.assertEqual(words[words.index("--command") + 1], "ls -l 'a b'", done)
        self.assertEqual(words[words.index("--container") + 1], "temporal-history", done)

    def test_a_dry_run_hands_nothing_over(self):
        self.up("history")
        self.up("ui")
        for command in [["exec", "history"], ["connect", "ui", "--port", str(free_port())]]:
            done = self.good(*command, "--dry-run", "--json")
            self.assertEqual([line["kind"] for line in done.lines], ["call"], done)
