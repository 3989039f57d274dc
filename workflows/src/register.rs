//! Registration of workflows and activities: all that the workloads need, put into a worker's options.

use std::sync::Arc;

use benchmark_scenarios::workloads;
use temporalio_common::WorkflowDefinition;
use temporalio_sdk::{WorkerOptions, WorkflowRegistrationError, workflows::WorkflowImplementation};

use crate::{activities::Activities, input::Input, interceptor, stamp::StampSink};

/// Registers all workflows and activities, and the interceptor that stamps into the sink.
///
/// # Errors
/// When the options hold a workflow of the same name already.
pub fn register(options: &mut WorkerOptions, sink: Arc<dyn StampSink>) -> Result<(), WorkflowRegistrationError> {
    workflows(options)?;
    options
        .register_activities(Activities)
        .workflow_interceptor(interceptor::stamping(sink));
    Ok(())
}

macro_rules! registered {
    ($($module:ident: $options:ident, $input:ident, $workflow:ident;)*) => {
        /// Registers the workflow of every workload. A workload whose module or workflow is missing here does not compile.
        fn workflows(options: &mut WorkerOptions) -> Result<(), WorkflowRegistrationError> {
            $(add::<crate::$module::$workflow, workloads::$input>(options)?;)*
            Ok(())
        }
    };
}

benchmark_scenarios::workloads!(registered);

/// Registers a workflow that takes the input that is made for it.
fn add<W, I>(options: &mut WorkerOptions) -> Result<(), WorkflowRegistrationError>
where
    W: WorkflowImplementation,
    W::Run: WorkflowDefinition<Input = Input<I>>,
    Input<I>: Send,
{
    options.register_workflow::<W>()?;
    Ok(())
}
