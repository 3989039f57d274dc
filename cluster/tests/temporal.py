"""A Temporal dev server, and a Prometheus that scrapes it: one for a file of tests, found where the programs' own tests find them."""

import atexit
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import urllib.request

from containers import free_port

NAMESPACE = "benchmark"


def binary(name):
    folder = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "run-benchmark"
    found = sorted(str(path) for path in folder.glob(f"{name}-v*") if path.suffix not in {".lock", ".sha256"})
    if not found and not shutil.which(name):
        raise SystemExit(f"cluster/tests: no {name} on PATH or in {folder}, where cargo test --workspace puts it")
    return shutil.which(name) or found[-1]


def answers(url):
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return answer.status == 200


def begin(name, command, url, wait_for, **files):
    """Starts a server, which ends with this process, and waits until it answers."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"cluster-test-{name}-"))
    for file, text in files.items():
        (folder / file).write_text(text)
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen([binary(name), *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def end():
        server.kill()
        server.wait()
        shutil.rmtree(folder)

    atexit.register(end)
    wait_for(lambda: server.poll() is not None or answers(url), f"{name} answers")
    if server.poll() is not None:
        raise SystemExit(f"cluster/tests: {name} ended:\n{(folder / 'log').read_text()}")


def start(wait_for):
    """A dev server, and a Prometheus that scrapes it each second; gives both addresses."""
    address, metrics, prometheus = (f"127.0.0.1:{free_port()}" for _ in range(3))
    ports = ["--port", address.split(":")[1], "--metrics-port", metrics.split(":")[1]]
    command = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", *ports, "--log-level", "error", "--namespace", NAMESPACE]
    begin("temporal", command, f"http://{metrics}/metrics", wait_for)
    config = f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: temporal, static_configs: [{{targets: ['{metrics}']}}]}}]\n"
    command = ["--config.file=config", f"--web.listen-address={prometheus}", "--log.level=error"]
    begin("prometheus", command, f"http://{prometheus}/-/ready", wait_for, config=config)
    return address, prometheus
