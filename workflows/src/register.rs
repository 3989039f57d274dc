//! Puts everything that the workloads need into a worker's options.

use std::sync::Arc;

use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError};

use crate::{
    activities::Activities, child_workflow::ChildWorkflow, interceptor, multi_activity::MultiActivityWorkflow,
    simple::SimpleWorkflow, stamp::StampSink, state_transitions::StateTransitionWorkflow, timer::TimerWorkflow,
};

/// Registers all workflows and activities, and the interceptor that stamps into the sink.
///
/// # Errors
/// When the options hold a workflow of the same name already.
pub fn register(options: &mut WorkerOptions, sink: Arc<dyn StampSink>) -> Result<(), WorkflowRegistrationError> {
    options
        .register_workflow::<SimpleWorkflow>()?
        .register_workflow::<MultiActivityWorkflow>()?
        .register_workflow::<TimerWorkflow>()?
        .register_workflow::<ChildWorkflow>()?
        .register_workflow::<StateTransitionWorkflow>()?
        .register_activities(Activities)
        .workflow_interceptor(interceptor::stamping(sink));
    Ok(())
}
