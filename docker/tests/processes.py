"""Programs of a test as processes of this machine: started, waited for, and ended in any case. PostgreSQL is one of them."""

import contextlib
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import time

# A machine that does ten other things needs minutes for what takes seconds.
PATIENCE = 300


def fail(said):
    raise SystemExit(f"{sys.argv[0]}: {said}")


def free_ports(count):
    """Free ports below 32768: Temporal keeps those of its members in a column of 16 bits with a sign."""
    with contextlib.ExitStack() as stack:
        found = []
        for port in random.sample(range(10_000, 32_768), 10_000):
            one = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                return found
    fail("no free ports")


def answers(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


class Processes:
    """Those that run, by name; what they say is in NAME.log in the folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.chmod(0o755)
        self.running = {}

    def start(self, name, command, variables, **how):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(command, env=variables, cwd=self.folder, stdout=log, stderr=log, **how)

    def run(self, name, command, variables):
        self.start(name, command, variables)
        self.expect_end(name)

    def expect_end(self, name, codes=(0,)):
        try:
            code = self.running[name].wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.tell(name, f"goes on after {PATIENCE} s")
        del self.running[name]
        if code not in codes:
            self.tell(name, f"ended with {code}")

    def tell(self, name, what):
        log = (self.folder / f"{name}.log").read_text(errors="replace")
        fail(f"{name} {what}:\n" + "\n".join(line[:400] for line in log.splitlines()[-20:]))

    def wait_for(self, name, ready):
        end = time.monotonic() + PATIENCE
        while not ready():
            if self.running[name].poll() is not None:
                self.tell(name, f"ended with {self.running[name].returncode}")
            if time.monotonic() > end:
                self.tell(name, f"is not ready after {PATIENCE} s")
            time.sleep(0.1)

    def stop(self, *names):
        """Ends these, or all."""
        ended = [self.running.pop(name) for name in names or list(self.running)]
        for process in ended:
            process.terminate()
        for process in ended:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def postgres_program(name):
    """One of PostgreSQL's programs, wherever this machine has it."""
    places = os.pathsep.join([*map(str, sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))), os.environ["PATH"]])
    return shutil.which(name, path=places) or fail(f"PostgreSQL's {name} is not here: install postgresql")


def postgres(processes, port, user, password, settings):
    """PostgreSQL on a port of loopback. It does not run as root."""
    data, file = processes.folder / "data", processes.folder / "password"
    data.mkdir()
    file.write_text(password)
    for path in (data, file):
        shutil.chown(path, "nobody")
    initdb = [postgres_program("initdb"), "--no-sync", "--auth=scram-sha-256", f"--username={user}", f"--pwfile={file}", str(data)]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", user="nobody")
    at = ["-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}", "-c", "fsync=off"]
    processes.start("postgres", [postgres_program("postgres"), *settings, *at], {"PATH": os.environ["PATH"]}, user="nobody")
    ready = [postgres_program("pg_isready"), "--username", user, "-h", "127.0.0.1", "-p", str(port)]
    processes.wait_for("postgres", lambda: subprocess.run(ready, stdout=subprocess.DEVNULL).returncode == 0)
