//! Facts about this machine, read where the system tells them; what it does not tell is missing with a reason.
//!
//! Everything is read below a root folder, which is `/` outside tests.

pub mod cgroup;
mod cpu;
mod descriptors;
mod machine;

use std::{
    fs,
    path::{Path, PathBuf},
};

use benchmark_results::schema::{Fact, HostFacts};

pub use self::{
    cpu::{capacity, cores},
    descriptors::raise_descriptors,
};

/// What can be found out about the machine below `root`.
pub fn facts(root: &Path) -> HostFacts {
    let root = Root::new(root);
    let cgroups = cgroup::find(root.path());
    HostFacts {
        cpu_model: cpu::model(&root),
        cores: cpu::cores_below(&root),
        cgroup_cpu_quota: cgroups.cpu_quota(),
        memory_bytes: machine::memory(&root, &cgroups),
        kernel: machine::kernel(&root),
        os: machine::os(&root),
        hostname: machine::hostname(&root),
        instance_type: machine::instance_type(&root),
    }
}

/// The folder that stands for `/`. Paths are named without it in what is told.
#[derive(Clone, Debug)]
pub struct Root(PathBuf);

impl Root {
    /// `/` outside tests.
    pub fn new(root: &Path) -> Self {
        Root(root.to_owned())
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the absolute path `path` lies.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.0.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The contents of a text file, or why there are none.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<String, String> {
        let path = path.as_ref();
        // Lossy: a strange byte in one line must not hide the others.
        fs::read(self.join(path))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| format!("cannot read {}: {error}", path.display()))
    }

    /// The contents of a file of one line.
    fn read_line(&self, path: &str) -> Result<String, String> {
        let line = self.read(path)?.trim().to_owned();
        if line.is_empty() {
            return Err(format!("{path} is empty"));
        }
        Ok(line)
    }
}

/// A fact from where it was read, or the reason why it could not be.
fn fact<T>(value: Result<T, String>, source: &str) -> Fact<T> {
    match value {
        Ok(value) => Fact::found(value, source),
        Err(reason) => Fact::missing(reason),
    }
}

/// The values of the lines `key: value` or `key = value` with this key.
fn values<'a>(text: &'a str, key: &'a str, separator: char) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let (name, value) = line.split_once(separator)?;
        (name.trim() == key).then(|| value.trim())
    })
}

/// A quantity in kB out of `/proc/meminfo` or `/proc/self/status`, in bytes.
pub fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let value = values(text, key, ':').next()?;
    value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests;
