//! The two programs: looked for on `PATH` and in the cache folder, else built by the Go toolchain, which checks what it
//! downloads against Go's checksum database.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

/// Prometheus 3.16.0, as Go numbers it.
pub const VERSION: &str = "v0.316.0";

/// The oldest that will do: what these tests ask of it has changed within version 3.
const OLDEST: (u32, u32) = (3, 16);

/// Lines of the Go toolchain that are shown when it fails.
const TAIL: usize = 8;

/// A program of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The server.
    Prometheus,
    /// What checks rules, pages and configurations.
    Promtool,
}

impl Tool {
    const fn name(self) -> &'static str {
        match self {
            Tool::Prometheus => "prometheus",
            Tool::Promtool => "promtool",
        }
    }

    /// Where it is. The first of these that runs: on `PATH`, version 3.16 or newer; the cache folder (`run-benchmark` in
    /// `$XDG_CACHE_HOME` or `~/.cache`); built into that folder by `go install`, which takes some minutes of CPU, once.
    ///
    /// # Panics
    /// When it cannot be had, with everything that was tried.
    pub fn path(self) -> &'static Path {
        static FOUND: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
        FOUND[self as usize].get_or_init(|| match self.provide() {
            Ok(path) => path,
            Err(tried) => panic!(
                "no {}, which this test needs. Tried:\n  {}\nput version {}.{} or newer on PATH, or Go",
                self.name(),
                tried.join("\n  "),
                OLDEST.0,
                OLDEST.1
            ),
        })
    }

    fn provide(self) -> Result<PathBuf, Vec<String>> {
        let mut tried = Vec::new();
        match on_path(self.name()) {
            None => tried.push(format!("{} on PATH: there is none", self.name())),
            Some(path) => match self.says(&path).and_then(|said| new_enough(&said)) {
                Ok(()) => return Ok(path),
                Err(problem) => tried.push(format!("{}: {problem}", path.display())),
            },
        }
        match self.cached() {
            Ok(path) => Ok(path),
            Err(problem) => {
                tried.push(problem);
                Err(tried)
            }
        }
    }

    /// In the cache folder, built there where it is not.
    fn cached(self) -> Result<PathBuf, String> {
        let folder = cache_folder()?;
        let target = folder.join(format!("{}-{VERSION}", self.name()));
        let runs = || self.says(&target).is_ok();
        if runs() {
            return Ok(target);
        }
        let lock = folder.join(format!("{}-{VERSION}.lock", self.name()));
        let words = |error: io::Error| format!("{}: {error}", lock.display());
        let held = File::create(&lock).map_err(words)?;
        // The system takes it back when the process ends, however it ends.
        held.lock().map_err(words)?;
        // Whoever held the lock before us may have made it.
        if !runs() {
            self.build(&folder, &target)?;
            let problem = |problem| format!("{}, built by go install: {problem}", target.display());
            self.says(&target).map_err(problem)?;
        }
        Ok(target)
    }

    fn build(self, folder: &Path, target: &Path) -> Result<(), String> {
        let Some(go) = on_path("go") else {
            return Err("go install: there is no go on PATH".to_owned());
        };
        let words = |error: io::Error| format!("{}: {error}", folder.display());
        let making = tempfile::tempdir_in(folder).map_err(words)?;
        let package = format!("github.com/prometheus/prometheus/cmd/{}@{VERSION}", self.name());
        // Not by a macro, whose words the test harness keeps to itself: whoever waits must see what for.
        let waits = format!(
            "building {} for the tests: go install {package} (some minutes, once)\n",
            self.name()
        );
        let _ = io::stderr().write_all(waits.as_bytes());
        let output = Command::new(go)
            // Without the tag it asks for modules of service discoveries that no test needs.
            .args(["install", "-tags", "remove_all_sd", &package])
            .env("GOBIN", making.path())
            .env("CGO_ENABLED", "0")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("go cannot be run: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let lines: Vec<&str> = said.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL)..].join(" / ");
            return Err(format!("go install {package} failed ({}): {tail}", output.status));
        }
        fs::rename(making.path().join(self.name()), target).map_err(words)
    }

    /// What it says of its version: only a program that answers is one.
    fn says(self, path: &Path) -> Result<String, String> {
        let output = Command::new(path)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("it cannot be run: {error}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().next().unwrap_or_default();
        let wanted = format!("{}, version ", self.name());
        match line.strip_prefix(&wanted) {
            Some(version) if output.status.success() => Ok(version.to_owned()),
            _ => Err(format!("it is not {}: `--version` says {line:?}", self.name())),
        }
    }
}

fn new_enough(version: &str) -> Result<(), String> {
    let mut numbers = version
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(()),
        _ => Err(format!(
            "version {:?} is too old, or tells none",
            version.split_whitespace().next().unwrap_or_default()
        )),
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_absolute() && fs::metadata(program).is_ok_and(|meta| meta.mode() & 0o111 != 0))
        .filter(|program| program.is_file())
}

/// The folder that the Temporal server of the tests is kept in, ours alone.
fn cache_folder() -> Result<PathBuf, String> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path: &PathBuf| path.is_absolute())
    };
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let folder = base
        .ok_or("neither XDG_CACHE_HOME nor HOME names a folder")?
        .join("run-benchmark");
    let words = |error: io::Error| format!("{}: {error}", folder.display());
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(words)?;
    let mode = fs::metadata(&folder).map_err(words)?.mode() & 0o777;
    match mode & 0o022 {
        0 => Ok(folder),
        _ => Err(format!(
            "others may write to {} (mode {mode:o}), and what lies there is executed; remove it",
            folder.display()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared() {
        for new in ["3.16.0 (branch: HEAD)", "3.17.1", "4.0.0", "3.100.2+deb"] {
            assert_eq!(new_enough(new), Ok(()), "{new}");
        }
        for old in [
            "2.42.0+ds (branch: debian)",
            "3.15.9",
            "",
            "unknown",
            " (branch: , revision: unknown)",
        ] {
            assert!(new_enough(old).is_err(), "{old}");
        }
    }

    #[test]
    fn another_program_of_the_name_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("promtool");
        fs::write(&path, "#!/bin/sh\necho a tool for proms\n").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let problem = Tool::Promtool.says(&path).unwrap_err();
        assert!(problem.contains("a tool for proms"), "{problem}");
        assert!(Tool::Promtool.says(&folder.path().join("none")).is_err());
    }
}
