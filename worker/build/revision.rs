//! The git revision that a program is built from, for build scripts.
//!
//! Cargo runs a build script again only when the commit or a source changes. Commits are seen in git's reflog; the sources
//! are watched because whether they differ from the commit is part of the answer, and changing one of them rebuilds the
//! program anyway.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// Set where the sources are built without their repository, as in an image.
const OVERRIDE: &str = "RUN_BENCHMARK_GIT_REVISION";

/// What goes into both programs, seen from the repository.
pub const SHARED: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "cli/Cargo.toml",
    "cli/src",
    "fleet/Cargo.toml",
    "fleet/build.rs",
    "fleet/proto",
    "fleet/src",
    "machine/Cargo.toml",
    "machine/src",
    "metrics/Cargo.toml",
    "metrics/src",
    "results/Cargo.toml",
    "results/src",
    "scenarios/Cargo.toml",
    "scenarios/src",
    "temporal/Cargo.toml",
    "temporal/src",
    "worker/Cargo.toml",
    "worker/build.rs",
    "worker/build",
    "worker/src",
    "workflows/Cargo.toml",
    "workflows/src",
];

/// Tells the crate in this folder of the repository the revision of these sources: `BUILD_GIT_REVISION`, empty when
/// it is not known, and `BUILD_GIT_SOURCE`, where it is from or why not.
#[expect(clippy::disallowed_methods, reason = "a build script is told by its environment")]
pub fn tell(folder: &str, sources: &[&str]) {
    println!("cargo::rerun-if-env-changed={OVERRIDE}");
    println!("cargo::rerun-if-changed=build.rs");
    let (revision, source) = match env::var(OVERRIDE) {
        Ok(revision) if !revision.trim().is_empty() => {
            (revision.trim().to_owned(), format!("{OVERRIDE} at build time"))
        }
        _ => match revision(folder, sources) {
            Ok(revision) => (revision, "git at build time".to_owned()),
            Err(reason) => (String::new(), reason),
        },
    };
    println!("cargo::rustc-env=BUILD_GIT_REVISION={revision}");
    println!("cargo::rustc-env=BUILD_GIT_SOURCE={source}");
}

/// The commit, and whether the sources differ from it; or why that is not known, in one line.
fn revision(folder: &str, sources: &[&str]) -> Result<String, String> {
    // A repository that this one was copied into would answer as well, and its commit says nothing of these sources.
    if git(&["rev-parse", "--show-prefix"])? != format!("{folder}/") {
        return Err("the sources were not built in their own git repository".to_owned());
    }
    watch_commits()?;
    let top = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?);
    let sources: Vec<&str> = sources
        .iter()
        .copied()
        .filter(|source| top.join(source).exists())
        .collect();
    for source in &sources {
        println!("cargo::rerun-if-changed={}", top.join(source).display());
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let mut status = vec!["-C", "..", "--no-optional-locks", "status", "--porcelain", "--"];
    status.extend(sources);
    let dirty = if git(&status)?.is_empty() { "" } else { "-dirty" };
    Ok(format!("{commit}{dirty}"))
}

/// Watches what changes with each commit and checkout. Cargo runs a script always that names a file which is not there,
/// so only files that are there are named.
fn watch_commits() -> Result<(), String> {
    let path = |name: &str| git(&["rev-parse", "--git-path", name]);
    let mut watched = vec![path("HEAD")?];
    let reflog = path("logs/HEAD")?;
    if Path::new(&reflog).exists() {
        watched.push(reflog);
    } else if let Ok(branch) = git(&["symbolic-ref", "HEAD"]) {
        watched.push(path(&branch)?);
        watched.push(path("packed-refs")?);
    }
    for file in watched.iter().filter(|file| Path::new(file).exists()) {
        println!("cargo::rerun-if-changed={file}");
    }
    Ok(())
}

/// What git prints, or why it does not, in one line.
fn git(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .map_err(|error| format!("git could not be run at build time: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "git did not tell at build time: {}",
            said.lines().next().unwrap_or("it said nothing").trim()
        ))
    }
}
