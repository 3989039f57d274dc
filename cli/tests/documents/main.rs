//! README, CONTRIBUTING and `docs/`: links lead somewhere, each command is one that its program takes and is run, from files or
//! on a server, and the pictures are what the program prints.

#[path = "../run/account.rs"]
#[expect(dead_code, reason = "the tests of runs look at more of a results file")]
mod account;
#[path = "../run/bench.rs"]
#[expect(dead_code, reason = "the tests of runs look at more of a process")]
mod bench;
mod commands;
mod links;
#[path = "../owned/mod.rs"]
mod owned;
mod pictures;
mod runs;

use std::{fs, path::Path, path::PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// A real run of 30 s, as a program wrote it. Its id is the one that the texts use.
const REAL: &str = "results/tests/files/v1/before-the-fleet.json";
const RUN_ID: &str = "1ng8n2j-lucid-panda";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All texts by their names from the root.
fn documents() -> Vec<(String, String)> {
    let mut names: Vec<String> = ["README.md", "CONTRIBUTING.md"].map(str::to_owned).into();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    let read = |name: String| {
        let text = fs::read_to_string(root().join(&name)).unwrap();
        (name, text)
    };
    names.into_iter().map(read).collect()
}

/// A folder with the real run below `runs`, where a run is found by its id.
fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("runs").join(RUN_ID);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(root().join(REAL), folder.join("results.json")).unwrap();
    place
}

/// The program in that folder, without anything of this process's environment.
fn run_benchmark(place: &Path) -> Command {
    let mut command = Command::cargo_bin("run-benchmark").unwrap();
    command.env_clear().env("HOME", place.join("home")).current_dir(place);
    command
}
