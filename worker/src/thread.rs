//! One worker: an OS thread with its own runtime and its own connection.
//!
//! The SDK runs all workflow code of a worker on the thread that polls `Worker::run`, and its connection and activities
//! on the runtime around it. With a runtime of a single thread all of this stays on one thread, and no task is handed
//! from one core to another. Measured on two cores, at 20 `simple` a second: 1.27 ms of CPU a workflow, against 1.48 with
//! one runtime of two threads for all workers; at 10 `state-transitions` a second: 10.5 and 11.5 ms against 12.7 and 13.1.

use std::{cell::Cell, error::Error, sync::Arc, thread};

use benchmark_results::text::chain;
use benchmark_scenarios::{Pollers, Slots, WorkerTuning};
use benchmark_temporal::ConnectOptions;
use benchmark_workflows::StampSink;
use temporalio_client::Client;
use temporalio_common::{
    telemetry::{
        TelemetryOptions,
        metrics::{CoreMeter, TemporalMeter},
        telemetry_init,
    },
    worker::{VersioningBehavior, WorkerDeploymentOptions, WorkerDeploymentVersion},
};
use temporalio_sdk::{
    Runtime, Worker, WorkflowRegistrationError,
    runtime::{
        AutoscalingOptions, PollerBehavior, RuntimeOptions,
        worker_tuner::{
            FixedSizeSlotSupplier, ResourceBasedController, ResourceBasedSlotOptions, ResourceBasedTunerOptions,
            ResourceBasedTunerWithController, TunerHolder, WorkerTuner,
        },
    },
};
use temporalio_sdk_core::{CoreRuntime, RuntimeOptions as CoreRuntimeOptions, init_worker};
use tokio::sync::{oneshot, watch};

use crate::{
    drain_gate::{self, DrainGate},
    ending::Endings,
    error::{WorkerError, WorkerFailure},
    options::WorkerMetrics,
};

/// Activities that the server may hand out with the answer to one workflow task: the SDK's own default.
const EAGER_ACTIVITIES: usize = 3;

/// What the worker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Poll and execute.
    Work,
    /// Ask for nothing new, take what is on its way, then stop.
    Drain,
    /// Stop polling, finish what is held.
    Stop,
    /// Let go of everything.
    Abandon,
}

/// Whether a worker is about to poll, or why it will not.
pub(crate) type Begun = Result<(), WorkerError>;

/// What one worker is.
pub(crate) struct Task {
    pub(crate) index: u32,
    /// Carries the worker's identity.
    pub(crate) connect: ConnectOptions,
    pub(crate) task_queue: String,
    pub(crate) tuning: Arc<WorkerTuning>,
    pub(crate) tuners: Tuners,
    pub(crate) metrics: Option<WorkerMetrics>,
    pub(crate) sink: Arc<dyn StampSink>,
}

/// Makes the tuner of each worker of a pool.
pub(crate) type Tuners = Arc<dyn Fn() -> WorkerTuner + Send + Sync>;

pub(crate) fn tuners(tuning: &WorkerTuning) -> Tuners {
    match tuning.slots {
        Slots::Fixed {
            workflow,
            activity,
            local_activity,
        } => {
            let slots = |slots: u32| FixedSizeSlotSupplier::new(slots as usize);
            Arc::new(move || {
                TunerHolder::builder()
                    .workflow_task_slot_supplier(slots(workflow))
                    .activity_task_slot_supplier(slots(activity))
                    .local_activity_task_slot_supplier(slots(local_activity))
                    // There are no Nexus handlers; the SDK wants a number all the same.
                    .nexus_task_slot_supplier(slots(1))
                    .build()
                    .into()
            })
        }
        Slots::Resource { cpu, memory } => {
            // All workers of a pool ask one controller, since they share one machine.
            let controller = ResourceBasedController::new(
                ResourceBasedTunerOptions::builder()
                    .target_cpu_usage(cpu)
                    .target_memory_usage(memory)
                    .build(),
            );
            // A poll needs a slot. The polls that keep all partitions served get theirs whatever the load, or a busy
            // machine would be one with tasks that wait 2 s.
            let at_least = |slots: u32| {
                ResourceBasedSlotOptions::builder()
                    .minimum_slots(slots as usize)
                    .build()
            };
            let workflow = always_polled(tuning.workflow_pollers, 2);
            let activity = always_polled(tuning.activity_pollers, 1);
            Arc::new(move || {
                ResourceBasedTunerWithController::builder()
                    .controller(controller.clone())
                    .workflow_task_slot_options(at_least(workflow))
                    .activity_task_slot_options(at_least(activity))
                    .build()
                    .into()
            })
        }
    }
}

/// Starts the worker's thread, which obeys the orders. It tells `begun` when the worker is about to poll, or why it will
/// not, and `ending` how a worker that had begun ended.
pub(crate) fn spawn(
    task: Task,
    orders: watch::Receiver<Order>,
    begun: oneshot::Sender<Begun>,
    ending: Endings,
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
    let (mut worker, gate) = match created {
        Ok(created) => created,
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
            Err(error) => Err(failure(index, chain(&error))),
        },
        // This only sets the worker's end off; the branch above is the one that ends.
        () = async {
            let order = orders.wait_for(|order| *order != Order::Work).await.map(|order| *order);
            told.set(true);
            // Without it the worker stops all the same, only less gently. A pool that is gone waits for nobody.
            if matches!(order, Ok(Order::Drain)) && let Err(error) = gate.close().await {
                tracing::warn!("worker {index}: polls cannot be held back before it stops: {error}");
            }
            drain();
            std::future::pending::<()>().await;
        } => unreachable!("it never ends"),
        Ok(_) = abandon.wait_for(|order| *order == Order::Abandon) => {
            Err(failure(index, "it did not finish what it held in time and was abandoned".to_owned()))
        }
    }
}

/// Connects and makes the SDK's worker, and its gate.
///
/// The SDK keeps the worker of its core to itself. So it gets one that is never used, on a connection to nobody, and then
/// the one that is ours to close the gate of.
async fn create(task: Task) -> Result<(Worker, DrainGate), WorkerError> {
    let index = task.index;
    let refuse = |error: &(dyn Error + 'static)| failure(index, chain(error));
    // A worker and its client must not share a meter: what each of them sets, the other would overwrite.
    let meter = || task.metrics.as_ref().map(|to| to.registry.meter(to.selection));
    let client_meter = client_meter(meter()).map_err(|error| failure(index, error))?;
    let client = benchmark_temporal::connect_sdk(&task.connect, client_meter).await?;
    let sdk = sdk_options(&task).map_err(|error| refuse(&error))?;
    let config = sdk
        .to_core_options(task.connect.namespace.clone(), task.connect.identity.clone())
        .map_err(|error| failure(index, error))?;
    // No heartbeats: they are calls that nobody asked for, in the midst of a measurement.
    let runtime = CoreRuntimeOptions::builder()
        .telemetry_options(telemetry(meter()))
        .heartbeat_interval(None)
        .build()
        .map_err(|error| failure(index, error))?;
    let runtime = CoreRuntime::new_assume_tokio(runtime).map_err(|error| failure(index, format!("{error:#}")))?;
    let server = client.connection().clone();
    let core = init_worker(&runtime, config, server.clone()).map_err(|error| failure(index, format!("{error:#}")))?;
    let core = Arc::new(core);

    let unused = RuntimeOptions::builder()
        .heartbeat_interval(None)
        .build()
        .map_err(|error| failure(index, error))?;
    let unused = Runtime::from_current_tokio(unused).map_err(|error| refuse(&error))?;
    let identity = task.connect.identity.clone();
    let nobody = drain_gate::in_process(drain_gate::nobody(), &identity).await;
    let nobody = nobody.map_err(|error| failure(index, error))?;
    let nobody = Client::new(nobody, client.options().clone()).map_err(|error| refuse(&error))?;
    let mut worker = Worker::new(&unused, nobody, sdk).map_err(|error| refuse(&error))?;
    worker.with_new_core_worker(core.clone());
    Ok((worker, DrainGate::new(core, server, identity)))
}

fn telemetry(meter: Option<Arc<dyn CoreMeter>>) -> TelemetryOptions {
    TelemetryOptions::builder().maybe_metrics(meter).build()
}

/// A meter as the client wants it, with the SDK's prefix and labels.
fn client_meter(meter: Option<Arc<dyn CoreMeter>>) -> Result<Option<TemporalMeter>, String> {
    let Some(meter) = meter else { return Ok(None) };
    let telemetry = telemetry_init(telemetry(Some(meter))).map_err(|error| format!("{error:#}"))?;
    Ok(telemetry.get_temporal_metric_meter())
}

fn sdk_options(task: &Task) -> Result<temporalio_sdk::WorkerOptions, WorkflowRegistrationError> {
    let tuning = &task.tuning;
    let mut sdk = temporalio_sdk::WorkerOptions::new(task.task_queue.clone())
        .deployment_options(deployment(tuning))
        .tuner((task.tuners)())
        .workflow_task_poller_behavior(behavior(tuning.workflow_pollers))
        .activity_task_poller_behavior(behavior(tuning.activity_pollers))
        .max_cached_workflows(tuning.max_cached_workflows as usize)
        .sticky_queue_schedule_to_start_timeout(tuning.sticky_timeout)
        .max_eager_activity_reservations_per_workflow_task(if tuning.eager_activities { EAGER_ACTIVITIES } else { 0 })
        .maybe_max_worker_activities_per_second(tuning.activities_per_second)
        .graceful_shutdown_period(tuning.graceful_shutdown)
        .build();
    benchmark_workflows::register(&mut sdk, task.sink.clone())?;
    Ok(sdk)
}

fn behavior(pollers: Pollers) -> PollerBehavior {
    match pollers {
        Pollers::Autoscaling {
            initial,
            minimum,
            maximum,
        } => PollerBehavior::Autoscaling(
            AutoscalingOptions::builder()
                .initial(initial as usize)
                .minimum(minimum as usize)
                .maximum(maximum as usize)
                .build(),
        ),
        Pollers::Fixed { count } => PollerBehavior::SimpleMaximum(count as usize),
    }
}

/// Polls that are kept open at all times; an autoscaled number counts for each of so many queues.
fn always_polled(pollers: Pollers, queues: u32) -> u32 {
    match pollers {
        Pollers::Fixed { count } => count,
        Pollers::Autoscaling { minimum, .. } => minimum.saturating_mul(queues),
    }
}

/// With a deployment's name the worker is versioned: it gets tasks once its version is the deployment's current one. A
/// build id alone is a label.
fn deployment(tuning: &WorkerTuning) -> WorkerDeploymentOptions {
    let build_id = build_id(tuning);
    let Some(name) = &tuning.deployment else {
        return WorkerDeploymentOptions::from_build_id(build_id);
    };
    let version = WorkerDeploymentVersion::builder()
        .deployment_name(name.clone())
        .build_id(build_id)
        .build();
    WorkerDeploymentOptions::new(version)
        .use_worker_versioning(true)
        .default_versioning_behavior(VersioningBehavior::AutoUpgrade)
        .build()
}

/// The build that the worker says it is. The SDK's default reads and hashes the whole executable.
pub(crate) fn build_id(tuning: &WorkerTuning) -> String {
    let own = || format!("benchmark-{}", env!("CARGO_PKG_VERSION"));
    tuning.build_id.clone().unwrap_or_else(own)
}

fn failure(worker: u32, message: String) -> WorkerFailure {
    WorkerFailure { worker, message }
}
