"""What tests of commands have: the tests' AWS, a person's shell, and what a command said, did and asked."""

import atexit
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

import boto3
from botocore.config import Config
from cloud import OPERATOR, Cloud
from environment import PROGRAMS

# Seconds, for what takes one or two: this machine may do ten other things.
PATIENCE = 120


def wait_for(condition, what, limit=PATIENCE):
    """Waits until it is true, and gives it."""
    end = time.monotonic() + limit
    while True:
        with contextlib.suppress(KeyError, IndexError):
            if found := condition():
                return found
        if time.monotonic() > end:
            raise AssertionError(f"{what} is not so after {limit} s")
        time.sleep(0.05)


class Done:
    """A command that has ended; `calls` are those that were made meanwhile."""

    def __init__(self, arguments, code, out, err, calls):
        self.arguments, self.code, self.out, self.err, self.calls = arguments, code, out, err, calls

    @property
    def changes(self):
        return [call for call in self.calls if call.changes and not call.refused]

    @property
    def lines(self):
        """What `--json` said."""
        return [json.loads(line) for line in self.out.splitlines()]

    def actions(self):
        return [call.action for call in self.changes]

    def __str__(self):
        told = "\n".join(map(repr, self.calls))
        return f"\nbenchmark-cluster {' '.join(self.arguments)[:300]}\n-- exit code {self.code}\n-- stdout\n{self.out}\n-- stderr\n{self.err}\n-- calls\n{told}"


class Case(unittest.TestCase):
    """A test with an AWS of its own, in which nothing runs."""

    maxDiff = None
    programs = PROGRAMS
    temporal = None

    def setUp(self):
        self.cloud = self.enterContext(Cloud(self.temporal, self.programs))
        self.facts = self.cloud.environment.facts
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="cluster-test-")))
        self.stubs = self.folder / "bin"
        self.stubs.mkdir()
        # The AWS CLI and its plugin, which commands hand over to: they say what they were asked.
        for name in ["aws", "session-manager-plugin"]:
            self.stub(name, 'printf "%s\\n" "$0" "$@"')

    def stub(self, name, script):
        path = self.stubs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    # A person's shell.

    def shell(self, **more):
        given = {"PATH": f"{self.stubs}:{os.environ['PATH']}", "HOME": str(self.folder), **self.cloud.operator()}
        return {name: value for name, value in (given | more).items() if value is not None}

    def begin(self, *arguments, **more):
        """A command that goes on; it is killed at the end of the test if it still does."""
        process = subprocess.Popen(
            [str(PROGRAMS / "benchmark-cluster"), *arguments], env=self.shell(**more), cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )
        atexit.register(process.kill)
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process):
        atexit.unregister(process.kill)
        process.kill()
        process.communicate()

    def ended(self, process, arguments, before=0, limit=PATIENCE):
        out, err = process.communicate(timeout=limit)
        return Done(arguments, process.returncode, out, err, self.cloud.calls[before:])

    def run_command(self, *arguments, limit=PATIENCE, **more):
        """A command from beginning to end."""
        before = len(self.cloud.calls)
        return self.ended(self.begin(*arguments, **more), arguments, before, limit)

    def good(self, *arguments, **more):
        done = self.run_command(*arguments, **more)
        self.assertEqual(done.code, 0, done)
        return done

    def bad(self, *arguments, says, **more):
        """One line, with its remedy; nothing was changed."""
        done = self.run_command(*arguments, **more)
        self.assertEqual(done.code, 2, done)
        self.assertEqual(done.changes, [], done)
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.err, done)
        self.assertLessEqual(len(done.err.strip().splitlines()), 5, done)
        return done

    # What is there.

    def client(self, service):
        """A person's own client."""
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(
            service, region_name=self.facts["region"], endpoint_url=self.cloud.endpoint, aws_access_key_id=OPERATOR, aws_secret_access_key=OPERATOR, config=config
        )

    def service(self, key):
        """A service by its key in the facts, or `workers`."""
        facts = self.facts["workers"] if key == "workers" else next(one for one in self.facts["services"] if one["key"] == key)
        return self.cloud.ecs.services[facts["name"]]

    def tasks(self, family, status=None):
        """Tasks by the name that the facts have for their kind."""
        family = self.facts["tasks"][family]["family"] if family in self.facts["tasks"] else family
        found = [task for task in list(self.cloud.ecs.tasks.values()) if task.definition["family"] == family]
        return [task for task in found if status is None or task.status == status]

    def schedule(self):
        """The schedule of the workers' end; none where there is none."""
        client, group = self.cloud.client("scheduler"), self.facts["scheduler"]["group"]
        found = client.list_schedules(GroupName=group)["Schedules"]
        return client.get_schedule(GroupName=group, Name=found[0]["Name"]) if found else None

    def leader(self):
        (instance,) = self.cloud.client("servicediscovery").list_instances(ServiceId=self.facts["leader"]["service"])["Instances"]
        return instance["Attributes"]["AWS_INSTANCE_IPV4"]

    def objects(self, prefix=""):
        """Keys in the bucket, with their times."""
        listed = self.cloud.client("s3").list_objects_v2(Bucket=self.facts["bucket"], Prefix=prefix)
        return {one["Key"]: one["LastModified"] for one in listed.get("Contents", [])}

    def put(self, key, body):
        self.cloud.client("s3").put_object(Bucket=self.facts["bucket"], Key=key, Body=body)

    def get(self, key):
        return self.cloud.client("s3").get_object(Bucket=self.facts["bucket"], Key=key)["Body"].read()
