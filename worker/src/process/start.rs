//! Start of the workers: from options to workers that poll, however long the server and its namespace take to be there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use benchmark_temporal::{
    ConnectError,
    connection::Cause,
    namespace::{self, NamespaceError},
};
use benchmark_workflows::StampSink;
use futures::{FutureExt, future::BoxFuture};

use crate::{WorkerError, WorkerOptions, WorkerPool};

/// First and longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long one try to connect may take.
const TRY: Duration = Duration::from_secs(10);
/// How often it is said again that the same thing is waited for.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// Told what is waited for, and why it is not there.
pub(super) type Waiting = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Why there are no workers.
#[derive(Debug, thiserror::Error)]
pub enum WorkerStartError {
    /// Waiting longer would not help.
    #[error(transparent)]
    Workers(#[from] WorkerError),
    /// Likewise.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// What was waited for did not come.
    #[error("gave up after --connect-timeout {}: {last}", humantime::format_duration(*.timeout))]
    TimedOut {
        /// How long was waited.
        timeout: Duration,
        /// What was wrong in the end.
        last: String,
    },
}

/// Starts the workers as soon as server and namespace are there; tries for up to `timeout`.
pub(super) fn start(
    options: WorkerOptions,
    sink: Arc<dyn StampSink>,
    timeout: Duration,
    waiting: Waiting,
) -> BoxFuture<'static, Result<WorkerPool, WorkerStartError>> {
    async move {
        let begun = Instant::now();
        let mut pause = PAUSES.0;
        let mut said: Option<(String, Instant)> = None;
        loop {
            let left = timeout.saturating_sub(begun.elapsed());
            let (what, error) = match attempt(options.clone(), sink.clone(), left).await {
                Ok(pool) => return Ok(pool),
                Err(Trouble::Lasting(error)) => return Err(error),
                Err(Trouble::Passing { what, why }) => (what, why),
            };
            if begun.elapsed() + pause >= timeout {
                return Err(WorkerStartError::TimedOut { timeout, last: error });
            }
            let again = said
                .as_ref()
                .is_none_or(|(last, at)| *last != what || at.elapsed() >= SAY_AGAIN);
            if again {
                waiting(&what, &error);
                said = Some((what, Instant::now()));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
    .boxed()
}

/// Why one try failed.
enum Trouble {
    /// Trying again may help.
    Passing { what: String, why: String },
    /// It will not.
    Lasting(WorkerStartError),
}

async fn attempt(mut options: WorkerOptions, sink: Arc<dyn StampSink>, left: Duration) -> Result<WorkerPool, Trouble> {
    options.connect.connect_timeout = TRY.min(left.max(Duration::from_millis(1)));
    let address = options.connect.address.clone();
    let name = options.connect.namespace.clone();
    let server = benchmark_temporal::connect(&options.connect)
        .await
        .map_err(|error| of_worker(WorkerError::Connect(error), &address))?;
    namespace::ensure(&server, None)
        .await
        .map_err(|error| of_namespace(error, &name))?;
    WorkerPool::start(options, sink)
        .await
        .map_err(|error| of_worker(error, &address))
}

fn of_worker(error: WorkerError, address: &str) -> Trouble {
    let passes = match &error {
        WorkerError::Connect(error) => may_pass(error),
        WorkerError::Options(_) | WorkerError::Thread { .. } => false,
        WorkerError::Call(_) | WorkerError::Failed(_) | WorkerError::NotPolling { .. } => true,
    };
    if !passes {
        return Trouble::Lasting(error.into());
    }
    let what = match &error {
        WorkerError::NotPolling { .. } | WorkerError::Failed(_) => "the workers".to_owned(),
        _ => format!("the server at {address}"),
    };
    Trouble::Passing {
        what,
        why: first_line(&error.to_string()),
    }
}

fn of_namespace(error: NamespaceError, name: &str) -> Trouble {
    match error {
        NamespaceError::Invalid { .. } | NamespaceError::NotAllowed { .. } | NamespaceError::MayNotCreate { .. } => {
            Trouble::Lasting(error.into())
        }
        _ => Trouble::Passing {
            what: format!("the namespace {name}"),
            why: first_line(&error.to_string()),
        },
    }
}

/// Whether a server may still come to answer. What speaks another protocol, or does not let us in, will go on doing so.
fn may_pass(error: &ConnectError) -> bool {
    match error {
        ConnectError::Address(_) | ConnectError::Settings(_) => false,
        ConnectError::Unreachable(unreachable) => !matches!(
            unreachable.cause,
            Cause::Http1
                | Cause::WantsTls
                | Cause::NoTls(_)
                | Cause::Certificate(_)
                | Cause::NotTemporal(_)
                | Cause::NotAllowed(_)
        ),
    }
}

/// What happened, without the lines of advice: they would be wrong for something that is waited for.
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
