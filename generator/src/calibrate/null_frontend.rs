//! Null frontend, which answers the start call and does nothing: what the generator can do when the server is free.
//!
//! It speaks gRPC straight on the `h2` crate, one layer below tonic, because it shares the machine with the generator
//! that it measures: every microsecond here is taken from there. It runs on one thread of its own and stores nothing. What
//! becomes of a start, and when, can be said by a [`Behaviour`], as tests do.

mod answers;
mod process;
mod serve;

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    num::NonZeroU32,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use benchmark_temporal::BoxFuture;
use serde::Serialize;
use tokio::sync::Notify;
use tonic::Code;

pub use self::process::run;
use self::serve::Shared;

/// Name of the thread that serves, short enough for the kernel's 15 characters.
const THREAD_NAME: &str = "null-frontend";

/// What becomes of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontendAnswer {
    /// It is accepted.
    Accept,
    /// It is refused with this gRPC code.
    Refuse(Code),
    /// It is taken, and its stream is reset with INTERNAL_ERROR, as by a proxy that lost its upstream.
    Reset,
    /// It is taken, and the connection closed, and with it the answers to everything else that is unanswered on it.
    Close,
    /// It is taken, and nothing is sent at all; the caller's deadline ends it.
    Silence,
}

/// Says what becomes of each start; it is answered when that is known.
pub trait Behaviour: fmt::Debug + Send + Sync {
    /// What becomes of a start that has come now.
    fn answer(&self) -> BoxFuture<'static, FrontendAnswer>;
}

/// How a null frontend is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Requests that may be unanswered on one connection; no limit when absent, as with Temporal's own frontend.
    pub max_concurrent_streams: Option<NonZeroU32>,
    /// The age at which a connection is retired in good order (GOAWAY), as Temporal's own frontend does after minutes.
    pub max_connection_age: Option<Duration>,
    /// How starts are answered; each is accepted at once when absent.
    pub behaviour: Option<Arc<dyn Behaviour>>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            max_concurrent_streams: None,
            max_connection_age: None,
            behaviour: None,
        }
    }
}

/// Why a null frontend could not be had.
#[derive(Debug, thiserror::Error)]
pub enum NullFrontendError {
    /// The address could not be listened on.
    #[error("the null frontend cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Its runtime or its thread could not be started.
    #[error("the null frontend cannot start: {0}")]
    Start(io::Error),
    /// Its address or its counts could not be written.
    #[error("the null frontend cannot write to its standard output: {0}")]
    Announce(io::Error),
    /// Its thread panicked.
    #[error("the null frontend's thread panicked")]
    Panicked,
}

/// What a null frontend has seen since it began.
///
/// `starts = accepted + refused + lost`, but for those of which it is not said yet what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that are open now.
    pub open_connections: u64,
    /// Start requests read to their end.
    pub starts: u64,
    /// Starts that were given a run id.
    pub accepted: u64,
    /// Starts that were refused.
    pub refused: u64,
    /// Starts that were taken and whose answer was lost on purpose.
    pub lost: u64,
    /// Answers that could not be sent since the caller had given up by then.
    pub unheard: u64,
    /// All other calls.
    pub others: u64,
}

/// A running null frontend. It stops when it is dropped.
#[derive(Debug)]
pub struct NullFrontend {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl NullFrontend {
    /// Starts one on a thread of its own. When this returns, connections are accepted.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the thread cannot be started.
    pub fn start(options: Options) -> Result<Self, NullFrontendError> {
        let listening = |source| NullFrontendError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).map_err(listening)?;
        listener.set_nonblocking(true).map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;

        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(NullFrontendError::Start)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(NullFrontendError::Start)?
        };
        let shared = Arc::new(Shared::new(options));
        let stop = Arc::new(Notify::new());
        let thread = std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn({
                let (shared, stop) = (Arc::clone(&shared), Arc::clone(&stop));
                move || {
                    runtime.block_on(async {
                        tokio::select! {
                            () = serve::accept(listener, &shared) => {}
                            () = stop.notified() => {}
                        }
                    });
                }
            })
            .map_err(NullFrontendError::Start)?;
        Ok(NullFrontend {
            address,
            shared,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    pub fn counts(&self) -> Counts {
        *self.shared.counts()
    }

    /// Closes all connections, without a word to the other side, and returns what was seen in all.
    ///
    /// # Errors
    /// When the serving thread had panicked.
    pub fn stop(mut self) -> Result<Counts, NullFrontendError> {
        self.join()?;
        Ok(self.counts())
    }

    fn join(&mut self) -> Result<(), NullFrontendError> {
        self.stop.notify_one();
        match self.thread.take() {
            Some(thread) => thread.join().map_err(|_| NullFrontendError::Panicked),
            None => Ok(()),
        }
    }
}

impl Drop for NullFrontend {
    fn drop(&mut self) {
        // A panic of the serving thread has been printed by then, and there is nobody left to tell.
        let _ = self.join();
    }
}
