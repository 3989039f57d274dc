//! A real server for tests, one for each test process, started when the first test asks for it.
//!
//! It is found or made as the program itself does it, so that the tests run on a fresh machine. It ends with the
//! process: Linux kills it when the thread that made it is gone, and that thread lives as long as the process.
//! Tests share the server, so each takes ids, and where it counts a namespace, of its own.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use tokio::runtime::Builder;

use crate::{
    embedded::{EmbeddedOptions, EmbeddedServer, ServerBinary, presets, progress, provide},
    options::ConnectOptions,
    process_environment::ProcessEnvironment,
};

/// What the environment of the tests says.
#[expect(clippy::disallowed_methods, reason = "tests are programs")]
pub fn environment() -> ProcessEnvironment {
    ProcessEnvironment::of(std::env::vars_os(), std::env::temp_dir())
}

/// The binary, found or made once for each test process.
///
/// # Panics
/// When none can be had.
pub fn binary() -> ServerBinary {
    static BINARY: OnceLock<ServerBinary> = OnceLock::new();
    BINARY
        .get_or_init(
            || match in_runtime(|| provide(None, &environment(), progress::silent())) {
                Ok(binary) => binary,
                Err(error) => panic!("{error}"),
            },
        )
        .clone()
}

/// The shared server, with the cluster-like settings.
///
/// # Panics
/// When it cannot be started.
pub fn server() -> &'static EmbeddedServer {
    static SERVER: OnceLock<EmbeddedServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let mut options = EmbeddedOptions::new(binary());
        options.dynamic_config = presets::cluster();
        match in_runtime(|| EmbeddedServer::start(&options)) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        }
    })
}

/// How the shared server is reached.
pub fn options() -> ConnectOptions {
    ConnectOptions::new(server().address(), "default")
}

/// A name that no other test and no other process has.
pub fn unique(what: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    format!(
        "{what}-{}-{nanos:x}-{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Runs a future on a thread and a runtime of its own: the caller may be inside a runtime, which cannot block.
fn in_runtime<T: Send>(future: impl FnOnce() -> futures::future::BoxFuture<'static, T> + Send) -> T {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(future()),
            Err(error) => panic!("no runtime for the test server: {error}"),
        });
        match run.join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
