//! A server that a test owns.

use std::future::Future;

use benchmark_temporal::{
    embedded::{EmbeddedOptions, EmbeddedServer, presets},
    testing,
};

/// How it is started.
pub fn options() -> EmbeddedOptions {
    let mut options = EmbeddedOptions::new(testing::binary());
    options.dynamic_config = presets::cluster();
    options
}

/// Starts it.
pub fn start(options: &EmbeddedOptions) -> EmbeddedServer {
    block_on(EmbeddedServer::start(options)).unwrap()
}

/// Runs a future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
