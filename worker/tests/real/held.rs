//! Which activities the workers of this process hold. The server counts an activity as started when it hands it out; that
//! it has arrived only the SDK knows, and tells in its traces.

use std::sync::{Mutex, Once};

use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    span::{Id, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer, SubscriberExt},
    registry::Registry,
};

use crate::bench::until;

/// The workflow of each activity that was begun.
static BEGUN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Begins to listen. Must be called before the activities are begun.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Registry::default().with(Listener)).unwrap());
}

/// Waits until workers of this process have begun so many of a workflow's activities.
pub async fn until_begun(workflow_id: &str, activities: usize) {
    let begun = || {
        BEGUN
            .lock()
            .unwrap()
            .iter()
            .filter(|workflow| *workflow == workflow_id)
            .count()
    };
    until("the activities begin", || begun() >= activities).await;
}

struct Listener;

impl<S: Subscriber> Layer<S> for Listener {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() && metadata.name() == "RunActivity"
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        values.record(&mut Workflow);
    }
}

struct Workflow;

impl Visit for Workflow {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "temporalWorkflowID" {
            BEGUN.lock().unwrap().push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
