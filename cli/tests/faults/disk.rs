//! A disk that is full when the results are written.

use std::{path::Path, process::Command};

use crate::{
    bench::{Bench, Finished},
    matrix::Case,
    play,
};

const LOAD: &str = "--rate 20 --duration 8s --ramp-up 1s --warm-up 1s --workers 1 --output out/results.json --json \
                    --min-throughput 0 --max-error-ratio 1 --max-p99-latency 10m";

/// Runs the program behind a few words of a shell. They end with `"$@"`, which is the program.
fn behind(words: &str, queue: &str) -> (Bench, Finished) {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("out")).unwrap();
    let run = bench.against(&play::shared(), &format!("{LOAD} --task-queue {queue}"));
    let mut shell = bench.program(Path::new("/bin/sh"), &["-c", words, "sh"]);
    shell.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    shell.arg(run.get_program()).args(run.get_args());
    let finished = bench.run(shell);
    (bench, finished)
}

/// What must be told although it could not be written where it was to be.
fn is_told(finished: &Finished) {
    assert_eq!(finished.code(), 2, "{finished:?}");
    let line = finished
        .stderr
        .lines()
        .find(|line| line.starts_with("error:"))
        .unwrap_or_else(|| panic!("no error is told: {finished:?}"));
    assert!(line.contains("out/results.json"), "{line}");
    assert_eq!(line.matches("os error").count(), 1, "once: {line}");
    let results: serde_json::Value =
        serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"));
    assert_eq!(results["complete"], true);
    assert!(results["ledger"]["completed"].as_u64().unwrap() > 0, "{finished:?}");
}

/// A small file system of its own that nobody else sees, and that ends with the program.
fn mounts() -> Option<&'static str> {
    let works = |flags: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(flags.split(' '));
        unshare.args(["sh", "-c", "mount -t tmpfs -o size=8k none /mnt"]);
        unshare.output().is_ok_and(|output| output.status.success())
    };
    ["-m", "-r -m"].into_iter().find(|flags| works(flags))
}

/// The cases of this part.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("disk full at the end", 20, a_full_disk_at_the_end_loses_no_result),
        Case::new("the folder went away", 20, a_folder_that_went_away_loses_no_result),
    ]
}

fn a_full_disk_at_the_end_loses_no_result() {
    let Some(flags) = mounts() else {
        // Where file systems cannot be mounted: no file of any size can be written, and the result is on stdout.
        let (_, finished) = behind("trap '' XFSZ; ulimit -f 8; exec \"$@\"", "disk-full-quota");
        assert_eq!(finished.code(), 2, "{finished:?}");
        return;
    };
    let words = format!("exec unshare {flags} sh -c 'mount -t tmpfs -o size=8k none out && exec \"$@\"' sh \"$@\"");
    let (bench, finished) = behind(&words, "disk-full");
    is_told(&finished);
    elsewhere(&bench, &finished);
}

fn a_folder_that_went_away_loses_no_result() {
    let words = "(while [ ! -e out/results.json ]; do sleep 0.1; done; rm -r out) & exec \"$@\"";
    let (bench, finished) = behind(words, "folder-gone");
    is_told(&finished);
    elsewhere(&bench, &finished);
}

/// The file is in the folder for temporary files, which is named, and can be read.
fn elsewhere(bench: &Bench, finished: &Finished) {
    let files = bench.temporary();
    assert_eq!(files.len(), 1, "{files:?}: {finished:?}");
    assert!(finished.stderr.contains(&files[0]), "{files:?}: {finished:?}");
    let path = bench.path("../tmp").join(&files[0]);
    let shown = bench.run(bench.command(&["show".as_ref(), path.as_os_str()]));
    assert_eq!(shown.code(), 0, "{shown:?}");
}
