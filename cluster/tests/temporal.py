"""A Temporal dev server, and a Prometheus that scrapes it: one for a file of tests, found where the programs' own tests find them."""

import atexit
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from containers import free_port

NAMESPACE = "benchmark"


def binary(name):
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "run-benchmark"
    found = sorted(str(path) for path in folder.glob(f"{name}-v*") if path.suffix not in {".lock", ".sha256"})
    if not found and not shutil.which(name):
        raise SystemExit(f"cluster/tests: no {name} on PATH or in {folder}, where cargo test --workspace puts it")
    return shutil.which(name) or found[-1]


def answers(address):
    host, port = address.split(":")
    with socket.socket() as one:
        return one.connect_ex((host, int(port))) == 0


def begin(name, command, address, wait_for):
    """Starts a server, which ends with this process, and waits until it answers."""
    folder = tempfile.mkdtemp(prefix=f"cluster-test-{name}-")
    with open(f"{folder}/log", "wb") as log:
        server = subprocess.Popen([binary(name), *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def end():
        server.kill()
        server.wait()
        shutil.rmtree(folder)

    atexit.register(end)
    wait_for(lambda: server.poll() is not None or answers(address), f"{name} answers")
    if server.poll() is not None:
        raise SystemExit(f"cluster/tests: {name} ended:\n{pathlib.Path(folder, 'log').read_text()}")


def start(wait_for):
    """A dev server, scraped each second; gives both addresses."""
    address, metrics, prometheus = (f"127.0.0.1:{free_port()}" for _ in range(3))
    ports = ["--port", address.split(":")[1], "--metrics-port", metrics.split(":")[1]]
    begin("temporal", ["server", "start-dev", "--headless", "--ip", "127.0.0.1", *ports, "--log-level", "error", "--namespace", NAMESPACE], address, wait_for)
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        config.write(f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: temporal, static_configs: [{{targets: ['{metrics}']}}]}}]\n")
        config.flush()
        begin("prometheus", [f"--config.file={config.name}", f"--web.listen-address={prometheus}", "--log.level=error"], prometheus, wait_for)
    return address, prometheus
