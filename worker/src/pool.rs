//! A pool of workers in this process: brought up together, drained together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use benchmark_workflows::StampSink;
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::{oneshot, watch};

use crate::{
    ending::Endings,
    error::{WorkerError, WorkerFailure},
    options::{EffectiveOptions, WorkerOptions},
    polling,
    thread::{self, Begun, Order, Task},
};

/// How long a worker that was told to let go of everything may take to do so.
const ABANDON_TIME: Duration = Duration::from_secs(1);

/// How long workers may take to stop that were started beside one that could not be.
const STOP_AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Workers that poll. Dropping the pool tells them to drain without waiting for it.
#[derive(Debug)]
pub struct WorkerPool {
    orders: watch::Sender<Order>,
    endings: Endings,
    threads: Vec<JoinHandle<()>>,
    effective: EffectiveOptions,
}

impl WorkerPool {
    /// Starts the workers and returns when the server sees each of them poll, for workflow tasks and for activities.
    ///
    /// # Errors
    /// When the options make no sense or leave a partition of the task queue without a poll, when a worker cannot connect
    /// or is refused, or when the server does not see all of them in `start_timeout`. No worker is left running then.
    pub fn start(
        options: WorkerOptions,
        sink: Arc<dyn StampSink>,
    ) -> BoxFuture<'static, Result<WorkerPool, WorkerError>> {
        start(options, sink).boxed()
    }

    /// What the workers run with.
    pub fn effective(&self) -> &EffectiveOptions {
        &self.effective
    }

    /// The workers that ended and should not have, so far.
    pub fn failures(&self) -> Vec<WorkerFailure> {
        self.endings.failures()
    }

    /// Waits for the first worker that ends and should not; for ever when none does.
    pub fn failed(&self) -> BoxFuture<'_, WorkerFailure> {
        self.endings.failed().boxed()
    }

    /// Stops polling, lets the workers finish what they hold for up to `grace`, and joins their threads. Returns the
    /// workers that failed in the pool's life, those among them that did not finish in time.
    ///
    /// On servers that do not end polls by themselves at a worker's shutdown (1.29 does not) the SDK drops its polls, and a
    /// task that was on its way in that moment is lost until the server times it out: 10 s for a workflow task, a minute
    /// for an activity of the workloads. So a run shuts its workers down when nothing is open any more.
    pub fn shutdown(mut self, grace: Duration) -> BoxFuture<'static, Vec<WorkerFailure>> {
        async move {
            self.stop(grace).await;
            self.endings.failures()
        }
        .boxed()
    }

    async fn stop(&mut self, grace: Duration) {
        let count = self.threads.len();
        self.orders.send_replace(Order::Drain);
        if tokio::time::timeout(grace, self.endings.ended(count)).await.is_err() {
            self.orders.send_replace(Order::Abandon);
            // A worker that does not even obey this is stuck in code that is not ours to interrupt. Its thread is left
            // behind: waiting for it would make the shutdown unbounded.
            if tokio::time::timeout(ABANDON_TIME, self.endings.ended(count))
                .await
                .is_err()
            {
                return;
            }
        }
        for thread in self.threads.drain(..) {
            // It told its end, so it is about to return; a panic was told as well.
            let _ = thread.join();
        }
    }
}

async fn start(options: WorkerOptions, sink: Arc<dyn StampSink>) -> Result<WorkerPool, WorkerError> {
    options.check()?;
    let server = benchmark_temporal::connect(&options.connect).await?;
    let partitions = polling::partitions(&server, &options.task_queue).await;
    if let Some(count) = partitions.count() {
        options.check_partitions(count)?;
    }

    let identities: Vec<String> = (0..options.count)
        .map(|_| identity(&options.connect.identity))
        .collect();
    let mut pool = WorkerPool {
        orders: watch::Sender::new(Order::Work),
        endings: Endings::new(),
        threads: Vec::new(),
        effective: effective(&options, identities.clone(), partitions.count()),
    };
    let timeout = options.start_timeout;
    let missing = watch::Sender::new(identities.iter().cloned().collect());
    let result = match spawn_all(&mut pool, Arc::new(options), identities, sink) {
        Ok(begun) => {
            let up = up(
                begun,
                &pool.endings,
                polling::wait(&server, &partitions, missing.clone()),
            );
            tokio::time::timeout(timeout, up).await.unwrap_or_else(|_| {
                let missing: Vec<String> = missing.borrow().iter().cloned().collect();
                Err(WorkerError::NotPolling { timeout, missing })
            })
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(pool),
        Err(error) => {
            pool.stop(STOP_AFTER_FAILURE).await;
            Err(error)
        }
    }
}

/// Starts the threads; each tells on its channel when it is about to poll, or why it will not.
fn spawn_all(
    pool: &mut WorkerPool,
    options: Arc<WorkerOptions>,
    identities: Vec<String>,
    sink: Arc<dyn StampSink>,
) -> Result<Vec<oneshot::Receiver<Begun>>, WorkerError> {
    let mut begun = Vec::new();
    for (index, identity) in (0..).zip(identities) {
        let (sender, receiver) = oneshot::channel();
        let task = Task {
            index,
            identity,
            options: options.clone(),
            sink: sink.clone(),
        };
        pool.threads.push(thread::spawn(
            task,
            pool.orders.subscribe(),
            sender,
            pool.endings.ending(),
        )?);
        begun.push(receiver);
    }
    Ok(begun)
}

/// Waits until all workers began and are seen, or one of them failed.
async fn up(
    begun: Vec<oneshot::Receiver<Begun>>,
    endings: &Endings,
    seen: BoxFuture<'static, ()>,
) -> Result<(), WorkerError> {
    let up = async {
        for begun in begun {
            // A thread that ended without a word tells its failure by its ending.
            if let Ok(begun) = begun.await {
                begun?;
            }
        }
        seen.await;
        Ok(())
    };
    tokio::select! {
        up = up => up,
        failure = endings.failed() => Err(failure.into()),
    }
}

/// An identity that no other worker of this process has had: the server goes on showing a worker that is gone for
/// minutes, and a second pool must not be taken for polling because the first one did.
fn identity(of_process: &str) -> String {
    static WORKERS: AtomicU32 = AtomicU32::new(0);
    format!("{of_process}-worker-{}", WORKERS.fetch_add(1, Ordering::Relaxed))
}

fn effective(options: &WorkerOptions, identities: Vec<String>, partitions: Option<u32>) -> EffectiveOptions {
    EffectiveOptions {
        identities,
        namespace: options.connect.namespace.clone(),
        task_queue: options.task_queue.clone(),
        partitions,
        workflow_slots: options.workflow_slots,
        activity_slots: options.activity_slots,
        local_activity_slots: options.local_activity_slots,
        pollers: options.pollers,
        normal_polls: options.normal_polls(),
        max_cached_workflows: options.max_cached_workflows,
        graceful_shutdown_ms: u64::try_from(options.graceful_shutdown.as_millis()).unwrap_or(u64::MAX),
    }
}
