//! `benchmark-worker`: executes the workflows of a benchmark until it is told to stop.

use std::{env, process::ExitCode};

use benchmark_cli::{commands::work, console::complain, worker_args};

/// The SDK allocates a lot; measured, the system's allocator costs several times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    benchmark_machine::host::raise_descriptors();
    benchmark_command_line::run(worker_args::parse(env::args_os()), |cli| work::work(&cli), complain)
}
