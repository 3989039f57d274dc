"""What buildah made of the Dockerfiles, as OCI layouts: image.py LAYOUTS ARCH.

Bases are empty here, so only what we put on them is seen.
"""

import argparse
import json
import os
import pathlib
import tarfile

import bake

USER = 65532
VERSIONS = bake.variables()
MIB = 1 << 20
# The image of the generator and of every worker: what 24 hosts pull before a run.
HEAVIEST = 40


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
    check(f"{image.size / MIB:.1f} MiB as it is pulled, at most {HEAVIEST}", image.size <= HEAVIEST * MIB)
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("layouts", type=pathlib.Path)
    parser.add_argument("architecture")
    asked = parser.parse_args()
    for name in bake.targets():
        if name.startswith("mirror-"):
            continue
        image = Image(asked.layouts / name)
        check(f"{name}: {image.architecture}", image.architecture == asked.architecture)
        {"benchmark": benchmark, "temporal": temporal, "admin-tools": admin_tools, "grafana": grafana}[name](image)
        print(f"{name}: {image.size / MIB:.1f} MiB on an empty base")


if __name__ == "__main__":
    main()
