//! `benchmark-worker`: executes the workflows of a benchmark until it is told to stop.

use std::{env, process::ExitCode};

use benchmark_cli::{USAGE, commands::work, worker_args};

/// The SDK allocates a lot; measured, the system's allocator costs several times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    benchmark_machine::host::raise_descriptors();
    match worker_args::parse(env::args_os()) {
        Ok(cli) => work::work(&cli),
        Err(error) => {
            // Nobody is left to tell when even this cannot be printed.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
        }
    }
}
