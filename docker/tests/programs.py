"""Our programs, as they are in the image: programs.py LAYOUT SERVER [RUNNER].

LAYOUT is the image benchmark as an OCI layout, SERVER the Temporal CLI for this machine; RUNNER executes programs of another
architecture. Needs root.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import bake
from image import MIB, Image
from processes import PATIENCE, Processes, answers, fail, free_ports

LAYOUT, SERVER, *RUNNER = sys.argv[1:]
PROGRAMS = ("run-benchmark", "benchmark-worker", "benchmark-cluster")


def check(said, holds):
    if not holds:
        fail(said)


def ended(*command, **how):
    return subprocess.run([*RUNNER, *map(str, command)], capture_output=True, text=True, timeout=PATIENCE, **how)


def sizes(image):
    for name in PROGRAMS:
        print(f"{name}: {image.files[name].size / MIB:.1f} MiB")
    print(f"benchmark: {image.size / MIB:.1f} MiB as it is pulled")


def versions(root):
    """Each says which it is, and the generator what it would do."""
    for name in PROGRAMS:
        done = ended(root / name, "--version")
        check(f"{name} --version: {done}", done.returncode == 0 and done.stdout == f"{name} {bake.variables()['VERSION']}\n")
    done = ended(root / "run-benchmark", "plan", "--rate", "5", "--duration", "10s")
    check(f"plan: {done}", done.returncode == 0 and "5" in done.stdout)


def run(root, folder):
    """A run with a worker that joins it, on a dev server of this machine: every workflow is accounted for."""
    processes = Processes(folder)
    frontend, fleet, http = map(str, free_ports(3))
    variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "BENCHMARK_FLEET_TOKEN": "of-this-test-only"}
    try:
        server = ["server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", frontend, "--http-port", http, "--log-level", "error"]
        processes.start("server", [SERVER, *server], variables)
        processes.wait_for("server", lambda: answers(int(frontend)))
        joining = [str(root / "benchmark-worker"), "--join", f"127.0.0.1:{fleet}"]
        leading = [str(root / "run-benchmark"), "--address", f"127.0.0.1:{frontend}", "--rate", "5", "--duration", "10s"]
        leading += ["--expect-workers", "1", "--fleet-listen", f"127.0.0.1:{fleet}"]
        processes.start("generator", [*RUNNER, *leading], variables)
        processes.start("worker", [*RUNNER, *joining], variables)
        # 1 and 3 are verdicts on this machine's speed.
        processes.expect_end("generator", codes=(0, 1, 3))
        (file,) = pathlib.Path(folder).glob("runs/*/results.json")
        result = json.loads(file.read_text())
        ledger = result["ledger"]
        if not result["complete"] or ledger["arrivals"] < 25 or ledger["arrivals"] != ledger["completed"]:
            processes.tell("generator", f"has the ledger {ledger}")
        if result["reconciliation"]["server"]["value"] is None or result["reconciliation"]["disagreements"]:
            processes.tell("generator", f"does not agree with the server: {result['reconciliation']}")
        workers = [member for member in result["fleet"]["members"] if member["role"] == "worker"]
        if [member["presence"] for member in workers] != ["present"]:
            processes.tell("generator", f"had the workers {workers}")
        processes.expect_end("worker")
        print(f"run: {ledger['completed']} of {ledger['arrivals']} workflows completed, {result['verdict']['value']}")
    finally:
        processes.stop()


@contextlib.contextmanager
def names(zone):
    """A name server on port 53 of a network of our own, which knows the IPv4 addresses of `zone`."""
    # lo is down in a new network namespace.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up = struct.pack("16sh", b"lo", 1)
        fcntl.ioctl(any_socket, 0x8914, up)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def answer():
        while True:
            query, client = server.recvfrom(512)
            end = query.index(0, 12)
            kind = struct.unpack(">H", query[end + 1 : end + 3])[0]
            parts, at = [], 12
            while at < end:
                parts.append(query[at + 1 : at + 1 + query[at]].decode())
                at += 1 + query[at]
            address = zone.get(".".join(parts))
            records = b""
            if address and kind == 1:
                records = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + socket.inet_aton(address)
            code = 0x8180 if address else 0x8183
            server.sendto(query[:2] + struct.pack(">HHHHH", code, 1, bool(records), 0, 0) + query[12 : end + 5] + records, client)

    threading.Thread(target=answer, daemon=True).start()
    yield


def resolves(root):
    """Names are found in /etc/hosts and by a name server, in the image and without anything of this machine."""
    # Python has no unshare before 3.12. CLONE_NEWNET: this process gets a network of its own.
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        fail(f"no network of its own for the name server: {os.strerror(ctypes.get_errno())}; run this as root")
    (root / "etc/hosts").write_text("127.0.0.5 file.test\n")
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    command = ["/benchmark-cluster", "probe"]
    if RUNNER:
        shutil.copy(RUNNER[0], root / "runner")
        command = ["/runner", *command]

    def probe(name):
        inside = {"preexec_fn": lambda: os.chroot(root), "cwd": "/", "env": {}}
        return subprocess.run([*command, f"tcp://{name}:80"], capture_output=True, text=True, timeout=PATIENCE, **inside)

    with names({"server.test": "127.0.0.7"}):
        for name, address in (("file.test", "127.0.0.5"), ("server.test", "127.0.0.7")):
            # Only the right address takes connections.
            with socket.create_server((address, 80)):
                done = probe(name)
                check(f"{name}: {done}", done.returncode == 0)
            done = probe(name)
            check(f"{name} without a server: {done}", done.returncode == 2 and "refused" in done.stderr)
        done = probe("nobody.test")
        check(f"nobody.test: {done}", done.returncode == 2 and "lookup" in done.stderr)


def main():
    image = Image(LAYOUT)
    sizes(image)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "root")
        root.mkdir()
        image.unpack(root)
        versions(root)
        run(root, folder)
        resolves(root)


if __name__ == "__main__":
    main()
