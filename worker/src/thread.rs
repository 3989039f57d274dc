//! One worker: an OS thread with its own runtime and its own connection.
//!
//! The SDK runs all workflow code of a worker on the thread that polls `Worker::run`, and its connection and activities
//! on the runtime around it. With a runtime of a single thread all of this stays on one thread, and no task is handed
//! from one core to another. Measured on two cores, at 20 `simple` a second: 1.27 ms of CPU a workflow, against 1.48 with
//! one runtime of two threads for all workers; at 10 `state-transitions` a second: 10.5 and 11.5 ms against 12.7 and 13.1.

use std::{cell::Cell, error::Error, sync::Arc, thread};

use benchmark_workflows::StampSink;
use temporalio_common::worker::WorkerDeploymentOptions;
use temporalio_sdk::{
    Runtime, Worker, WorkflowRegistrationError,
    runtime::{
        AutoscalingOptions, PollerBehavior, RuntimeOptions,
        worker_tuner::{FixedSizeSlotSupplier, TunerHolder},
    },
};
use tokio::sync::{oneshot, watch};

use crate::{
    ending::Ending,
    error::{WorkerError, WorkerFailure},
    options::{Pollers, WorkerOptions},
};

/// What the worker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Poll and execute.
    Work,
    /// Stop polling, finish what is held.
    Drain,
    /// Let go of everything.
    Abandon,
}

/// Whether a worker is about to poll, or why it will not.
pub(crate) type Begun = Result<(), WorkerError>;

/// What one worker is.
pub(crate) struct Task {
    pub(crate) index: u32,
    pub(crate) identity: String,
    pub(crate) options: Arc<WorkerOptions>,
    pub(crate) sink: Arc<dyn StampSink>,
}

/// Starts the worker's thread, which obeys the orders. It tells `begun` when the worker is about to poll, or why it will
/// not, and `ending` how a worker that had begun ended.
pub(crate) fn spawn(
    task: Task,
    orders: watch::Receiver<Order>,
    begun: oneshot::Sender<Begun>,
    ending: Ending,
) -> Result<thread::JoinHandle<()>, WorkerError> {
    let index = task.index;
    thread::Builder::new()
        .name(format!("worker-{index}"))
        .spawn(move || ending.tell_of(index, || run(task, orders, begun)))
        .map_err(|source| WorkerError::Thread { worker: index, source })
}

fn run(task: Task, orders: watch::Receiver<Order>, begun: oneshot::Sender<Begun>) -> Result<(), WorkerFailure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failure(task.index, format!("no runtime: {error}")))?;
    let result = runtime.block_on(work(task, orders, begun));
    // What an abandoned worker left behind must not hold the thread.
    runtime.shutdown_background();
    result
}

async fn work(
    task: Task,
    mut orders: watch::Receiver<Order>,
    begun: oneshot::Sender<Begun>,
) -> Result<(), WorkerFailure> {
    let index = task.index;
    let created = tokio::select! {
        created = create(task) => created,
        // Also when the pool is gone.
        _ = orders.wait_for(|order| *order != Order::Work) => return Ok(()),
    };
    let mut worker = match created {
        Ok(worker) => worker,
        Err(error) => {
            // Whoever starts the pool hears it from here; it is no failure of a worker that had begun.
            let _ = begun.send(Err(error));
            return Ok(());
        }
    };
    let drain = worker.shutdown_handle();
    let _ = begun.send(Ok(()));
    let mut abandon = orders.clone();
    let told = Cell::new(false);
    tokio::select! {
        result = worker.run() => match result {
            Ok(()) if !told.get() => {
                Err(failure(index, "it stopped without being told to".to_owned()))
            }
            Ok(()) => Ok(()),
            Err(error) => Err(failure(index, with_causes(&error))),
        },
        // This only sets the worker's end off; the branch above is the one that ends.
        () = async {
            let _ = orders.wait_for(|order| *order != Order::Work).await;
            told.set(true);
            drain();
            std::future::pending::<()>().await;
        } => unreachable!("it never ends"),
        Ok(_) = abandon.wait_for(|order| *order == Order::Abandon) => {
            Err(failure(index, "it did not finish what it held in time and was abandoned".to_owned()))
        }
    }
}

/// Connects and makes the SDK's worker.
async fn create(task: Task) -> Result<Worker, WorkerError> {
    let Task {
        index,
        identity,
        options,
        sink,
    } = task;
    let mut connect = options.connect.clone();
    connect.identity = identity;
    let client = benchmark_temporal::connect_sdk(&connect).await?;
    let refuse = |error: &dyn Error| failure(index, with_causes(error));
    // No heartbeats: they are calls that nobody asked for, in the midst of a measurement.
    let runtime = RuntimeOptions::builder()
        .heartbeat_interval(None)
        .build()
        .map_err(|error| failure(index, error))?;
    let runtime = Runtime::from_current_tokio(runtime).map_err(|error| refuse(&error))?;
    let sdk = sdk_options(&options, sink).map_err(|error| refuse(&error))?;
    Ok(Worker::new(&runtime, client, sdk).map_err(|error| refuse(&error))?)
}

fn sdk_options(
    options: &WorkerOptions,
    sink: Arc<dyn StampSink>,
) -> Result<temporalio_sdk::WorkerOptions, WorkflowRegistrationError> {
    let slots = |slots: u32| FixedSizeSlotSupplier::new(slots as usize);
    let tuner = TunerHolder::builder()
        .workflow_task_slot_supplier(slots(options.workflow_slots))
        .activity_task_slot_supplier(slots(options.activity_slots))
        .local_activity_task_slot_supplier(slots(options.local_activity_slots))
        // There are no Nexus handlers; the SDK wants a number all the same.
        .nexus_task_slot_supplier(slots(1))
        .build();
    let pollers = match options.pollers {
        Pollers::Autoscaling { initial, min, max } => PollerBehavior::Autoscaling(
            AutoscalingOptions::builder()
                .initial(initial as usize)
                .minimum(min as usize)
                .maximum(max as usize)
                .build(),
        ),
        Pollers::Fixed(pollers) => PollerBehavior::SimpleMaximum(pollers as usize),
    };
    let mut sdk = temporalio_sdk::WorkerOptions::new(options.task_queue.clone())
        // The SDK's default reads and hashes the whole executable.
        .deployment_options(WorkerDeploymentOptions::from_build_id(format!(
            "benchmark-{}",
            env!("CARGO_PKG_VERSION")
        )))
        .tuner(tuner)
        .workflow_task_poller_behavior(pollers)
        .activity_task_poller_behavior(pollers)
        .max_cached_workflows(options.max_cached_workflows as usize)
        .graceful_shutdown_period(options.graceful_shutdown)
        .build();
    benchmark_workflows::register(&mut sdk, sink)?;
    Ok(sdk)
}

fn failure(worker: u32, message: String) -> WorkerFailure {
    WorkerFailure { worker, message }
}

/// An error's message with those of its causes, each once.
fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}
