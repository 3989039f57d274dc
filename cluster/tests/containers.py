"""The containers of a task as processes of this machine.

They begin in the order of `dependsOn` and are stopped in the reverse, each by SIGTERM, and by SIGKILL after its `stopTimeout`;
when an essential one ends, the others are stopped. What runs is what the task definition and the overrides say; only
programs' paths, hosts, ports and /runs are others. Containers of other programs (sidecars) are left out.
"""

import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import threading
import time

# Health checks come more often here than a task definition says, so that tests are quick; how long they may fail is as there.
OFTEN = 0.2


def free_port():
    """A free port below those that connections are given: nobody takes it until it is used."""
    for port in random.sample(range(10_000, 32_768), 1000):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


class Container:
    def __init__(self, definition, override):
        self.definition = definition
        self.name = definition["name"]
        self.essential = definition.get("essential", True)
        self.override = override
        self.status = "PENDING"
        self.health = "UNKNOWN" if definition.get("healthCheck") else None
        self.exit_code = None
        self.reason = None
        self.process = None
        self.reader = None
        self.checked = 0.0
        self.failed = 0
        self.log = []

    def is_ours(self, programs):
        command = self.definition.get("entryPoint") or []
        return bool(command) and (programs / pathlib.PurePath(command[0]).name).exists()

    @property
    def needs(self):
        return self.definition.get("dependsOn") or []

    @property
    def ended(self):
        return self.process is not None and self.process.poll() is not None


class Containers:
    """Those of one task, which a thread looks after from beginning to end."""

    def __init__(self, cloud, task):
        self.cloud = cloud
        self.task = task
        self.root = cloud.folder / "tasks" / task.id
        (self.root / "runs").mkdir(parents=True)
        self.ports = {}
        self.own = [one for one in task.containers if one.is_ours(cloud.programs)]
        # Where the task is to be stopped, why; None as long as it is not.
        self.stopping = threading.Event()
        self.lost = threading.Event()
        self.thread = threading.Thread(target=self.run, name=task.id, daemon=True)

    def local(self, text):
        """A text in which hosts, ports, programs and /runs are this machine's."""
        for name, address in self.cloud.hosts.items():
            text = text.replace(name, address)

        def own(found):
            return f"127.0.0.1:{self.ports.setdefault(found[1], free_port())}"

        text = re.sub(r"127\.0\.0\.1:(9090)\b", own, text)
        text = re.sub(r"(^|=)/runs(?=/|$)", rf"\g<1>{self.root}/runs", text)
        program = self.cloud.programs / text.removeprefix("/")
        return str(program) if re.fullmatch(r"/[a-z-]+", text) and program.exists() else text

    def environment(self, container):
        given = {one["name"]: one["value"] for one in container.definition.get("environment") or []}
        given |= {one["name"]: one["value"] for one in container.override.get("environment", [])}
        given |= {one["name"]: self.cloud.secret(one["valueFrom"]) for one in container.definition.get("secrets") or []}
        given = {name: self.local(value) for name, value in given.items()}
        if "attend" in (container.definition.get("command") or []):
            given["ATTEND_RUNS"] = f"{self.root}/runs"
        return given | self.cloud.variables(self.task, container)

    def command(self, container):
        rest = container.override.get("command") or container.definition.get("command") or []
        return [self.local(word) for word in [*container.definition["entryPoint"], *rest]]

    def start(self, container):
        folder = self.root / "." / (container.definition.get("workingDirectory") or "/").lstrip("/")
        try:
            container.process = subprocess.Popen(
                self.command(container), env=self.environment(container), cwd=folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )
        except OSError as error:
            container.status, container.reason = "STOPPED", f"CannotStartContainerError: {error}"
            return
        container.status = "RUNNING"
        container.reader = threading.Thread(target=self.read, args=(container,), daemon=True)
        container.reader.start()

    def read(self, container):
        """Each line of the container's output into its log."""
        with container.process.stdout as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip("\r\n")
                container.log.append(text)
                self.cloud.log(self.task, container, text)

    def check(self, container):
        """One health check, where one is due."""
        check = container.definition.get("healthCheck")
        if not check or container.status != "RUNNING" or time.monotonic() - container.checked < OFTEN:
            return
        done = subprocess.run(
            [self.local(word) for word in check["command"][1:]], env=self.environment(container), cwd=self.root,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False,
        )
        container.checked = time.monotonic()
        if done.returncode == 0:
            container.health, container.failed = "HEALTHY", 0
            return
        container.failed = container.failed or time.monotonic()
        patience = check["interval"] * check["retries"] + (0 if container.health == "HEALTHY" else check.get("startPeriod", 0))
        if time.monotonic() - container.failed > patience:
            container.health = "UNHEALTHY"

    def may_start(self, container):
        for need in container.needs:
            other = next(one for one in self.task.containers if one.name == need["containerName"])
            if other not in self.own:
                continue
            if need["condition"] == "HEALTHY" and other.health != "HEALTHY":
                return False
            if need["condition"] in {"COMPLETE", "SUCCESS"} and not other.ended:
                return False
            if other.status == "PENDING":
                return False
        return True

    def run(self):
        while not self.stopping.is_set():
            for container in self.own:
                if container.status == "PENDING" and self.may_start(container):
                    self.start(container)
                elif container.health != "HEALTHY":
                    self.check(container)
                if container.ended:
                    self.end(container)
            if all(one.status != "PENDING" for one in self.own):
                self.task.started()
            broken = next((one for one in self.own if one.essential and (one.status == "STOPPED" or one.health == "UNHEALTHY")), None)
            if broken:
                if broken.health == "UNHEALTHY":
                    self.task.stop("Task failed container health checks", "TaskFailedToStart")
                elif broken.process is None:
                    self.task.stop(broken.reason, "TaskFailedToStart")
                else:
                    self.task.stop("Essential container in task exited", "EssentialContainerExited")
                break
            self.stopping.wait(0.02)
        self.stop_all()
        self.task.stopped()

    def end(self, container):
        """A container whose process has ended: what it said last, and its exit code."""
        if container.status == "STOPPED":
            return
        container.process.wait()
        container.reader.join(30)
        code = container.process.returncode
        container.exit_code = 128 - code if code < 0 else code
        container.status = "STOPPED"

    def stop_all(self):
        """Those on which nobody depends any more, until there are none."""
        left = [one for one in self.own if one.process is not None]
        while left:
            last = [one for one in left if not any(need["containerName"] == one.name for other in left for need in other.needs)]
            for container in last:
                self.signal(container, signal.SIGKILL if self.lost.is_set() else signal.SIGTERM)
            for container in last:
                self.wait(container)
            left = [one for one in left if one not in last]
        for container in self.task.containers:
            container.status = "STOPPED"

    def wait(self, container):
        end = time.monotonic() + container.definition.get("stopTimeout", 30)
        while not container.ended:
            if self.lost.wait(0.02) or time.monotonic() > end:
                self.signal(container, signal.SIGKILL)
        self.end(container)

    def signal(self, container, number):
        if not container.ended:
            os.kill(container.process.pid, number)


class Nothing:
    """The containers of a task whose programs are not here: they are there as long as the task is, or do what is scripted."""

    def __init__(self, cloud, task):
        self.cloud = cloud
        self.task = task
        self.stopping = threading.Event()
        self.lost = threading.Event()
        self.thread = threading.Thread(target=self.run, name=task.id, daemon=True)

    def run(self):
        script = self.cloud.scripts.get(self.task.definition["family"])
        if script is None:
            self.each("RUNNING")
            self.task.started()
            self.stopping.wait()
        else:
            self.each("RUNNING")
            self.task.started()
            lines, code = script(self.task)
            main = self.task.containers[0]
            for line in lines:
                self.cloud.log(self.task, main, line)
            main.exit_code = code
            self.task.stop("Essential container in task exited", "EssentialContainerExited")
        self.each("STOPPED")
        self.task.stopped()

    def each(self, status):
        for container in self.task.containers:
            container.status = status
            container.health = "HEALTHY" if container.definition.get("healthCheck") else None
