//! A pool of workers in this process: brought up together, drained together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use benchmark_scenarios::{Pollers, WorkerTuning};
use benchmark_temporal::{Server, namespace};
use benchmark_workflows::StampSink;
use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tokio::sync::{oneshot, watch};

use crate::{
    effective::EffectiveOptions,
    ending::Endings,
    error::{WorkerError, WorkerFailure},
    options::WorkerOptions,
    polling::{self, Partitions, Queue},
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
    /// When the options leave a partition of the task queue without a poll, when a worker cannot connect
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

    /// Lets the workers take what is on its way to them and finish what they hold, for up to `grace`, and joins their
    /// threads. For a worker that ends while others go on: it loses no task, and takes one to five seconds longer for it than
    /// [`WorkerPool::shutdown`]. Returns the workers that failed in the pool's life, those among them that did not finish in
    /// time.
    pub fn drain(self, grace: Duration) -> BoxFuture<'static, Vec<WorkerFailure>> {
        self.end(Order::Drain, grace)
    }

    /// Stops polling, lets the workers finish what they hold for up to `grace`, and joins their threads. For a pool that has
    /// nothing to do any more. Returns as [`WorkerPool::drain`] does.
    ///
    /// On servers that do not end polls by themselves at a worker's shutdown (1.29 does not) the SDK drops its polls, and a
    /// task that was on its way in that moment is lost until the server times it out: 10 s for a workflow task, a minute
    /// for an activity of the workloads. The SDK can be told to leave its polls open for a while
    /// (`TEMPORAL_POLL_SHUTDOWN_INTERRUPT_WAIT_MS`), but with 1.1.1 that makes it worse: its workflow half ends at once all
    /// the same, and every workflow task that comes in that while is lost.
    ///
    /// Measured, workflows that took more than 5 s when one of two workers ended: 50 `simple` a second, 0 in each of five
    /// drains, 1 to 3 in five shutdowns, 8 to 20 with 2 s of that wait; 5 `state-transitions` a second, 0 in three drains
    /// (and 16, none above 8 s, in one on an overloaded machine), 0 to 39, up to 65 s, in shutdowns.
    pub fn shutdown(self, grace: Duration) -> BoxFuture<'static, Vec<WorkerFailure>> {
        self.end(Order::Stop, grace)
    }

    fn end(mut self, order: Order, grace: Duration) -> BoxFuture<'static, Vec<WorkerFailure>> {
        async move {
            self.stop(order, grace).await;
            self.endings.failures()
        }
        .boxed()
    }

    async fn stop(&mut self, order: Order, grace: Duration) {
        let count = self.threads.len();
        self.orders.send_replace(order);
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
    let server = benchmark_temporal::connect(&options.connect).await?;
    let looked_up = join_all(
        options
            .task_queues
            .iter()
            .map(|task_queue| polling::partitions(&server, task_queue)),
    )
    .await;
    let partitions = looked_up.iter().filter_map(Partitions::count).max();
    let (tuning, mut notes) = options.settle(partitions.unwrap_or(1))?;
    if partitions.is_none() {
        notes.push(
            "the server does not tell the partitions of the task queue, so nobody knows whether the pollers cover them"
                .to_owned(),
        );
    }
    notes.extend(capability_notes(&server, &tuning).await);
    let options = WorkerOptions { tuning, ..options };

    let queues: Vec<Queue> = looked_up
        .into_iter()
        .map(|partitions| Queue {
            partitions,
            identities: (0..options.count)
                .map(|_| identity(&options.connect.identity))
                .collect(),
        })
        .collect();
    let identities: Vec<String> = queues.iter().flat_map(|queue| queue.identities.clone()).collect();
    let mut pool = WorkerPool {
        orders: watch::Sender::new(Order::Work),
        endings: Endings::default(),
        threads: Vec::new(),
        effective: EffectiveOptions {
            identities: identities.clone(),
            namespace: options.connect.namespace.clone(),
            task_queues: options.task_queues.clone(),
            partitions,
            normal_polls: options.normal_polls(),
            tuning: options.tuning.clone(),
            notes,
        },
    };
    let timeout = options.start_timeout;
    let missing = watch::Sender::new(identities.into_iter().collect());
    let result = match spawn_all(&mut pool, &options, &queues, &sink) {
        Ok(begun) => {
            let up = up(begun, &pool.endings, polling::wait(&server, queues, missing.clone()));
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
            pool.stop(Order::Stop, STOP_AFTER_FAILURE).await;
            Err(error)
        }
    }
}

/// What the namespace can do changes how the SDK polls, and the SDK says nothing about it.
async fn capability_notes(server: &Server, tuning: &WorkerTuning) -> Vec<String> {
    let scaling = [tuning.workflow_pollers, tuning.activity_pollers]
        .iter()
        .any(|pollers| matches!(pollers, Pollers::Autoscaling { .. }));
    let Ok(namespace) = namespace::ensure(server, None).await else {
        // Whether the namespace can be used the workers find out, and say better.
        return Vec::new();
    };
    let has = |name: &str| namespace.capabilities.get(name).copied().unwrap_or(false);
    let mut notes = Vec::new();
    if scaling && !has("pollerAutoscaling") {
        notes.push(
            "the namespace does not announce poller_autoscaling: pollers grow where the server asks for it, and shrink \
             only after it asked once"
                .to_owned(),
        );
    }
    notes
}

/// Starts the threads; each tells on its channel when it is about to poll, or why it will not.
fn spawn_all(
    pool: &mut WorkerPool,
    options: &WorkerOptions,
    queues: &[Queue],
    sink: &Arc<dyn StampSink>,
) -> Result<Vec<oneshot::Receiver<Begun>>, WorkerError> {
    let mut begun = Vec::new();
    let (tuning, tuners) = (Arc::new(options.tuning.clone()), thread::tuners(&options.tuning));
    let workers = options
        .task_queues
        .iter()
        .zip(queues)
        .flat_map(|(name, queue)| queue.identities.iter().map(move |identity| (name, identity)));
    for (index, (task_queue, identity)) in (0..).zip(workers) {
        let (sender, receiver) = oneshot::channel();
        let mut connect = options.connect.clone();
        connect.identity.clone_from(identity);
        let task = Task {
            index,
            connect,
            task_queue: task_queue.clone(),
            tuning: tuning.clone(),
            tuners: tuners.clone(),
            metrics: options.metrics.clone(),
            sink: sink.clone(),
        };
        pool.threads.push(thread::spawn(
            task,
            pool.orders.subscribe(),
            sender,
            pool.endings.clone(),
        )?);
        begun.push(receiver);
    }
    Ok(begun)
}

/// Waits until all workers began and are seen, or one of them failed.
async fn up(
    begun: Vec<oneshot::Receiver<Begun>>,
    endings: &Endings,
    seen: impl Future<Output = ()>,
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
