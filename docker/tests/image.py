"""What buildah made of the Dockerfiles, as OCI layouts: image.py LAYOUTS ARCH [RUNNER].

Bases are empty here, so only what we put on them is seen. RUNNER executes programs of another architecture.
"""

import argparse
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
import tarfile
import tempfile
import threading

import bake

USER = 65532
VERSIONS = bake.variables()


class Image:
    """One image of an OCI layout: configuration, files by path, and size as it is pulled."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        index = json.loads((self.folder / "index.json").read_text())
        manifest = self._blob(index["manifests"][0]["digest"])
        manifest = json.loads(manifest.read_text())
        whole = json.loads(self._blob(manifest["config"]["digest"]).read_text())
        self.architecture = whole["architecture"]
        self.config = whole["config"]
        self.layers = [self._blob(layer["digest"]) for layer in manifest["layers"]]
        self.size = sum(layer["size"] for layer in manifest["layers"])
        self.files = {}
        for layer in self.layers:
            with tarfile.open(layer) as tar:
                self.files.update({entry.name.strip("/"): entry for entry in tar})

    def _blob(self, digest):
        return self.folder / "blobs" / digest.replace(":", "/")

    def unpack(self, folder):
        for layer in self.layers:
            with tarfile.open(layer) as tar:
                tar.extractall(folder, filter="tar")

    def regular(self):
        return {name for name, entry in self.files.items() if entry.isfile()}


def check(said, holds):
    if not holds:
        raise SystemExit(f"docker/tests/image.py: {said}")


def labels(image, version):
    found = image.config.get("Labels") or {}
    check(f"version {found}", found.get("org.opencontainers.image.version") == version)
    check(f"revision {found}", found.get("org.opencontainers.image.revision") == os.environ["REVISION"])


def programs(image, names):
    for name in names:
        entry = image.files.get(name)
        check(f"{name} is missing: {sorted(image.files)}", entry is not None)
        check(f"{name}: mode {entry.mode:o}", entry.mode & 0o555 == 0o555)


def benchmark(image):
    labels(image, VERSIONS["VERSION"])
    check(f"user {image.config.get('User')}", image.config.get("User") == f"{USER}:{USER}")
    # A task names the program; an entry point would come before it.
    check("entry point", not image.config.get("Entrypoint"))
    ours = {"run-benchmark", "benchmark-worker", "benchmark-cluster"}
    check(f"files {image.regular()}", image.regular() == ours | {"etc/ssl/certs/ca-certificates.crt"})
    programs(image, ours)
    certificates = image.files["etc/ssl/certs/ca-certificates.crt"]
    check("certificate authorities", certificates.mode & 0o444 == 0o444 and certificates.size > 10_000)
    runs = image.files["runs"]
    check(f"/runs: {runs.uid}:{runs.gid} {runs.mode:o}", runs.isdir() and (runs.uid, runs.gid) == (USER, USER) and runs.mode & 0o700 == 0o700)


def temporal(image):
    labels(image, VERSIONS["TEMPORAL_VERSION"])
    check(f"user {image.config.get('User')}", image.config.get("User") == f"{USER}:{USER}")
    check("entry point", image.config.get("Entrypoint") == ["/usr/local/bin/benchmark-cluster", "temporal"])
    programs(image, {"usr/local/bin/temporal-server", "usr/local/bin/benchmark-cluster"})
    check("dynamic configurations", {f"etc/temporal/dynamicconfig/{name}.yaml" for name in ("dev", "bench", "prod")} <= image.regular())


def admin_tools(image):
    labels(image, VERSIONS["TEMPORAL_VERSION"])
    check(f"user {image.config.get('User')}", image.config.get("User") == f"{USER}:{USER}")
    check("entry point", not image.config.get("Entrypoint"))
    tools = ("temporal-sql-tool", "temporal-elasticsearch-tool", "temporal-dsql-tool", "tdbg")
    programs(image, {f"usr/local/bin/{name}" for name in tools})


def grafana(image):
    # Its user and its entry point are those of Grafana's own image.
    check("user", not image.config.get("User") and not image.config.get("Entrypoint"))
    variables = dict(pair.split("=", 1) for pair in image.config["Env"])
    boards = {f"{variables['BOARDS'].strip('/')}/{name}.json" for name in ("bench", "workers", "server", "dsql", "logs")}
    provisioning = {
        f"etc/grafana/provisioning/{name}.yaml"
        for name in ("dashboards/benchmark", "datasources/amazon-prometheus", "datasources/cloudwatch", "datasources/loki")
    }
    check(f"files {image.regular()}", image.regular() == boards | provisioning)


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


def resolves(image, runner):
    """Names are found in /etc/hosts and by a name server, in the image and without anything of this machine."""
    # Python has no unshare before 3.12. CLONE_NEWNET: this process gets a network of its own.
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
        raise SystemExit(f"no network of its own for the name server: {os.strerror(ctypes.get_errno())}; run this as root")
    with tempfile.TemporaryDirectory() as root, names({"server.test": "192.0.2.7"}):
        image.unpack(root)
        etc = pathlib.Path(root, "etc")
        (etc / "hosts").write_text("192.0.2.5 file.test\n")
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        command = ["/run-benchmark"]
        if runner:
            shutil.copy(runner, f"{root}/runner")
            command = ["/runner", *command]

        def run(*arguments):
            return subprocess.run(
                [*command, *arguments], preexec_fn=lambda: os.chroot(root), cwd="/", env={}, capture_output=True, text=True, timeout=120
            )

        for name, address in (("file.test", "192.0.2.5"), ("server.test", "192.0.2.7")):
            done = run(name)
            check(f"{name}: {done.stdout}{done.stderr}", done.stdout == f"{name} {address}\n")
        done = run("nobody.test")
        check(f"nobody.test: {done.stdout}", done.returncode != 0 and "nobody.test" in done.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("layouts", type=pathlib.Path)
    parser.add_argument("architecture")
    parser.add_argument("runner", nargs="?")
    asked = parser.parse_args()
    for name in bake.targets():
        if name.startswith("mirror-"):
            continue
        image = Image(asked.layouts / name)
        check(f"{name}: {image.architecture}", image.architecture == asked.architecture)
        {"benchmark": benchmark, "temporal": temporal, "admin-tools": admin_tools, "grafana": grafana}[name](image)
        print(f"{name}: {image.size / (1 << 20):.1f} MiB on an empty base")
    resolves(Image(asked.layouts / "benchmark"), asked.runner)


main()
