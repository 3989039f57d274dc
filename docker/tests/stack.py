"""compose.yaml without containers: its commands and variables as processes of this machine, on free ports of loopback.

stack.py PROGRAMS SERVERS: folders with our programs, and with Temporal's and prometheus. PostgreSQL is this machine's. What
runs is what compose.yaml and prometheus.yaml say; only names of hosts, ports and paths in images are others. What has
read_only there has a root that cannot be written to here, and the image's user. Grafana is left out. Needs root.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import yaml

import bake
from processes import Processes, answers, free_ports, postgres
from test_files import environment

DOCKER = bake.ROOT / "docker"
SERVICES = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
PROGRAMS, SERVERS = (pathlib.Path(folder).resolve() for folder in sys.argv[1:])
# As an image is run: programs where that user finds them, nothing to write to but `runs`, and no rights.
LOCKED = """set -e
mount --bind "$1" "$1"
mount --bind "$2" "$1/programs"
mount --bind "$3" "$1/servers"
mount --bind "$4" "$1/dynamicconfig"
mount -o remount,ro,bind /
cd "$1"
shift 4
exec setpriv --reuid 65532 --regid 65532 --clear-groups --bounding-set -all --no-new-privs "$@"
"""
# The server's ports beside those that compose.yaml names.
PORTS = [f"{service}_{kind}_PORT" for service in ("FRONTEND", "HISTORY", "MATCHING", "WORKER") for kind in ("GRPC", "MEMBERSHIP")]


class Stack(Processes):
    """The processes, and the port of each service's port."""

    def __init__(self, folder):
        super().__init__(folder)
        self.ports = {}
        self.free = free_ports(24)
        for name in ("programs", "servers", "dynamicconfig", "runs"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "runs", 65532, 65532)

    def port(self, *key):
        if key not in self.ports:
            self.ports[key] = self.free.pop()
        return self.ports[key]

    def address(self, service, value):
        """A value in which hosts and ports are this machine's."""
        names = "|".join(map(re.escape, SERVICES))

        def put(found):
            return f"127.0.0.1:{self.port(service if found[1] == '0.0.0.0' else found[1], found[2])}"

        value = re.sub(rf"\b({names}|0\.0\.0\.0):(\d+)", put, str(value))
        return "127.0.0.1" if value in {"postgres", "0.0.0.0"} else value

    def variables(self, service, **more):
        given = {key: self.address(service, value) for key, value in SERVICES[service]["environment"].items()}
        # ${NAME:-default}, as compose puts it in.
        given = {key: re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: more.get(found[1], found[2]), value) for key, value in given.items()}
        return given | {"PATH": f"{self.folder}/servers:{os.environ['PATH']}", "HOME": "/"}

    def start(self, name, command, variables, **how):
        if SERVICES[name].get("read_only"):
            folders = [str(folder) for folder in (self.folder, PROGRAMS, SERVERS, DOCKER / "dynamicconfig")]
            command = ["unshare", "--mount", "sh", "-c", LOCKED, "sh", *folders, *command]
        super().start(name, command, variables, **how)


def prometheus(stack):
    """Prometheus, as it is configured there."""
    config = (DOCKER / "prometheus.yaml").read_text().replace("/etc/prometheus/rules", str(bake.ROOT / "dashboards/rules"))
    (stack.folder / "prometheus.yml").write_text(stack.address("prometheus", config))
    port = stack.port("prometheus", "9090")
    command = [str(SERVERS / "prometheus"), "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{port}"]
    stack.start("prometheus", command, {"PATH": os.environ["PATH"]})
    stack.wait_for("prometheus", lambda: answers(port))


def scraped(stack):
    """Every target was, and the run stands in it with its total."""

    def ask(query):
        address = f"http://127.0.0.1:{stack.port('prometheus', '9090')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            return json.load(answer)["data"]["result"]

    up = {(one["metric"]["job"], one["metric"]["instance"]): one["value"][1] for one in ask("max_over_time(up[1h])")}
    if sorted(up.values()) != ["1"] * 4:
        stack.tell("prometheus", f"did not reach all of its targets: {up}")
    if not ask("max_over_time(benchmark_arrivals_total[1h]) > 0"):
        stack.tell("prometheus", "has nothing of the run")


def one_run(stack, number):
    """A run of the generator, on whatever machine: what counts is that every workflow is accounted for and both workers did some."""
    (program,) = SERVICES["generator"]["entrypoint"]
    variables = stack.variables("generator", RATE="10", DURATION="10s")
    before = set(stack.folder.glob("runs/*/results.json"))
    stack.start("generator", [f"{stack.folder}/programs{program}"], variables)
    # 1 and 3 are verdicts on this machine's speed.
    stack.expect_end("generator", codes=(0, 1, 3))
    (file,) = set(stack.folder.glob("runs/*/results.json")) - before
    result = json.loads(file.read_text())
    ledger = result["ledger"]
    if not result["complete"] or ledger["arrivals"] < 50 or ledger["arrivals"] != ledger["completed"]:
        stack.tell("generator", f"run {number}: {ledger}")
    server = result["reconciliation"]["server"]["value"]
    if server is None or result["reconciliation"]["disagreements"]:
        stack.tell("generator", f"run {number}: {result['reconciliation']}")
    workers = [member for member in result["fleet"]["members"] if member["role"] == "worker"]
    if len(workers) != 2 or not all(member["presence"] == "present" for member in workers):
        stack.tell("generator", f"run {number}: {[(member['name'], member['presence']) for member in workers]}")
    if result["serverFigures"] is None:
        stack.tell("generator", f"run {number} has none of the server's figures")
    print(f"run {number}: {ledger['completed']} of {ledger['arrivals']} workflows completed, {result['verdict']['value']}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(folder)
        try:
            asked = SERVICES["postgres"]
            user, password = asked["environment"]["POSTGRES_USER"], asked["environment"]["POSTGRES_PASSWORD"]
            postgres(stack, stack.port("postgres", "5432"), user, password, asked["command"][1:])
            shell = [part.replace("$$", "$") for part in SERVICES["schema"]["command"]]
            variables = stack.variables("schema") | {"SQL_PORT": str(stack.port("postgres", "5432"))}
            # As often as the stack is brought up.
            for _ in range(2):
                stack.run("schema", shell, variables)
            frontend = str(stack.port("temporal", "7233"))
            own = {name: str(stack.port("temporal", name)) for name in PORTS}
            own |= {"FRONTEND_GRPC_PORT": frontend, "TEMPORAL_SQL_PORT": str(stack.port("postgres", "5432"))}
            own |= {"BIND_ON_IP": "127.0.0.1", "DYNAMIC_CONFIG_DIR": f"{stack.folder}/dynamicconfig"}
            image = environment(DOCKER / "temporal.Dockerfile")
            stack.start("temporal", [f"{stack.folder}/programs/benchmark-cluster", "temporal"], image | stack.variables("temporal") | own)
            healthy = [str(PROGRAMS / "benchmark-cluster"), *SERVICES["temporal"]["healthcheck"]["test"][2:-1], f"tcp://127.0.0.1:{frontend}"]
            stack.wait_for("temporal", lambda: subprocess.run(healthy, capture_output=True).returncode == 0)
            for name in ("worker-1", "worker-2"):
                (program,) = SERVICES[name]["entrypoint"]
                stack.start(name, [f"{stack.folder}/programs{program}"], stack.variables(name))
            prometheus(stack)
            # The workers stay for the second.
            for number in (1, 2):
                one_run(stack, number)
            scraped(stack)
        finally:
            stack.stop()


main()
