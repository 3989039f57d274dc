"""docker/binaries: what it asks cargo for, by a cargo that only writes it down; and what it refuses."""

import json
import os
import pathlib
import stat
import subprocess
import tempfile
import tomllib
import unittest

import bake

CARGO = """#!/usr/bin/env python3
import json, os, pathlib, sys
arguments = sys.argv[1:]
after = lambda name: [arguments[at + 1] for at, word in enumerate(arguments) if word == name]
made = pathlib.Path(os.environ["CARGO_TARGET_DIR"], *after("--target"), *after("--profile"))
made.mkdir(parents=True, exist_ok=True)
for program in after("--bin"):
    (made / program).write_text(program)
with open(os.environ["WRITTEN"], "w") as file:
    json.dump({"arguments": arguments, "flags": os.environ["RUSTFLAGS"], "cwd": os.getcwd(),
               "linkers": {name: value for name, value in os.environ.items() if name.endswith("_LINKER")}}, file)
"""


class Binaries(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in (("cargo", CARGO), ("linker", "#!/bin/sh\n")):
            file = self.folder / name
            file.write_text(text)
            file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def run_it(self, *arguments, **more):
        variables = os.environ | {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "CARGO_TARGET_DIR": str(self.folder / "target"),
            "DOCKER_BIN": str(self.folder / "bin"),
            "WRITTEN": str(self.folder / "written"),
            # One that is there, whatever machine this is.
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER": "linker",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER": "linker",
        }
        return subprocess.run([bake.ROOT / "docker/binaries", *arguments], env=variables | more, capture_output=True, text=True)

    def asked(self, arch):
        done = self.run_it("rust", arch)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads((self.folder / "written").read_text())

    def test_programs_are_static_and_for_the_oldest_graviton(self):
        arm = self.asked("arm64")
        self.assertEqual(arm["flags"], "-C target-feature=+crt-static -C target-cpu=neoverse-n1")
        self.assertEqual(self.asked("amd64")["flags"], "-C target-feature=+crt-static")
        for word in ("--locked", "image", "aarch64-unknown-linux-gnu"):
            self.assertIn(word, arm["arguments"])
        self.assertEqual(arm["cwd"], str(bake.ROOT))
        made = self.folder / "bin/arm64"
        self.assertEqual({file.name for file in made.iterdir()}, {"run-benchmark", "benchmark-worker", "benchmark-cluster", "ca-certificates.crt"})
        self.assertTrue(all(os.access(made / name, os.X_OK) for name in ("run-benchmark", "benchmark-worker", "benchmark-cluster")))

    def test_packages_and_programs_are_in_the_workspace(self):
        arguments = self.asked("amd64")["arguments"]
        pairs = [(arguments[at + 1], arguments[at + 3]) for at, word in enumerate(arguments) if word == "--package"]
        names = {tomllib.loads(file.read_text())["package"]["name"]: file.parent for file in bake.ROOT.glob("*/Cargo.toml")}
        for package, program in pairs:
            manifest = tomllib.loads((names[package] / "Cargo.toml").read_text())
            self.assertIn(program, [one["name"] for one in manifest.get("bin", [])] or [package])

    def test_what_makes_no_sense_is_one_line(self):
        for arguments, named in (
            ((), "temporal SOURCE"),
            (("go",), "temporal SOURCE"),
            (("rust", "mips"), "mips"),
            (("temporal",), "SOURCE"),
            (("temporal", "/nowhere"), "/nowhere"),
            (("temporal", str(self.folder)), "cmd/server/main.go"),
        ):
            done = self.run_it(*arguments)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
            self.assertIn(named, done.stderr)
            self.assertFalse((self.folder / "written").exists())

    def test_a_linker_that_is_missing_is_named(self):
        missing = "no-such-linker"
        done = self.run_it(
            "rust",
            "arm64",
            "amd64",
            CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=missing,
            CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=missing,
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn(missing, done.stderr)
