//! `temporal`: the entry point of the server's image. Makes the server's configuration of the environment and becomes the server.
//!
//! The file lies in memory, so that nothing is written to the task's read-only root and no password to a disk.

mod environment;

use std::{
    fs::File,
    io::Write,
    os::{fd::AsRawFd, unix::process::CommandExt},
    process::{Command, ExitCode},
};

use benchmark_scenarios::Problem;
use rustix::fs::{MemfdFlags, memfd_create};

use self::environment::{Environment, ServerConfiguration};
use crate::metadata;

/// The server, on PATH.
const SERVER: &str = "temporal-server";

/// Becomes the server; returns only when that is not possible.
///
/// # Errors
/// When variables are missing or wrong, all of which are named, or there is no server.
pub async fn start() -> Result<ExitCode, Problem> {
    let variable = |name: &str| std::env::var(name).ok();
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    // Who says the address does not wait for ECS to tell it.
    let task_address = match (given(environment::BROADCAST_ADDRESS), given(metadata::ADDRESS)) {
        (None, Some(uri)) => Some(metadata::task_address(&uri).await),
        _ => None,
    };
    let configuration = ServerConfiguration::read(Environment {
        variable: &variable,
        is_file: &|path| path.is_file(),
        task_address,
    })?;
    let file = in_memory(&configuration.yaml()).map_err(|error| Problem::new(format!("a file in memory: {error}")))?;
    let mut server = Command::new(SERVER);
    server
        .args(["--config-file", &format!("/proc/self/fd/{}", file.as_raw_fd())])
        .args(["--allow-no-auth", "start"])
        .args(configuration.services.iter().flat_map(|service| ["--service", service]))
        // It stands in the file.
        .env_remove(environment::PASSWORD);
    let error = server.exec();
    Err(Problem::new(format!("{SERVER}: {error}")))
}

/// A file without a name, which the server inherits.
fn in_memory(text: &str) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("temporal.yaml", MemfdFlags::empty())?);
    file.write_all(text.as_bytes())?;
    Ok(file)
}
