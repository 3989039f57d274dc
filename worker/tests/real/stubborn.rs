//! Workflows that only tests need, and a worker that knows them beside the workloads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::JoinHandle,
};

use benchmark_temporal::testing;
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{ContinueAsNewOptions, Runtime, Worker, WorkerOptions, WorkflowContext, WorkflowResult};
use tokio::sync::oneshot;

use crate::bench::Recorder;

/// Continues as new as often as its input says.
#[workflow]
#[derive(Default)]
pub struct Continuing;

#[workflow_methods]
impl Continuing {
    #[run(name = "Continuing")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, left: u32) -> WorkflowResult<()> {
        if left > 0 {
            ctx.continue_as_new(left - 1, ContinueAsNewOptions::default())?;
        }
        Ok(())
    }
}

/// Completes, but for its first workflow task: with the input 0 that one panics, with 1 it returns an error with which the
/// SDK does not let a workflow end.
#[workflow]
#[derive(Default)]
pub struct Stubborn;

static TASKS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

#[workflow_methods]
impl Stubborn {
    #[run(name = "Stubborn")]
    pub async fn run(_ctx: &mut WorkflowContext<Self>, kind: u32) -> WorkflowResult<()> {
        match (kind, TASKS[kind as usize].fetch_add(1, Ordering::Relaxed)) {
            (0, 0) => panic!("a defect in the workflow"),
            (1, 0) => Err(PayloadConversionError::WrongEncoding.into()),
            _ => Ok(()),
        }
    }
}

/// A worker on a thread of its own; it stops when dropped.
pub struct TestWorker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestWorker {
    pub fn start(task_queue: &str, recorder: Arc<Recorder>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task_queue = task_queue.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut options = WorkerOptions::new(task_queue)
                    .register_workflow::<Continuing>()
                    .unwrap()
                    .register_workflow::<Stubborn>()
                    .unwrap()
                    .build();
                benchmark_workflows::register(&mut options, recorder).unwrap();
                let client = benchmark_temporal::connect_sdk(&testing::options(), None)
                    .await
                    .unwrap();
                let sdk = Runtime::from_current_tokio(Default::default()).unwrap();
                let mut worker = Worker::new(&sdk, client, options).unwrap();
                let drain = worker.shutdown_handle();
                let (result, ()) = tokio::join!(worker.run(), async {
                    let _ = stopped.await;
                    drain();
                });
                result.unwrap();
            });
        });
        TestWorker {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for TestWorker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
