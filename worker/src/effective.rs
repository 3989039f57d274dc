//! Effective tuning: what the workers run with in the end, for the log and for the result.

use benchmark_fleet::limits::FACTS_ENTRIES;
use benchmark_results::schema::WorkerFacts;
use benchmark_scenarios::{Slots, WorkerTuning};

/// What the workers of a pool run with.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveOptions {
    /// The workers' identities, one each.
    pub identities: Vec<String>,
    /// Namespace that is polled.
    pub namespace: String,
    /// Task queues that are polled.
    pub task_queues: Vec<String>,
    /// Partitions for workflow tasks of the task queue that has most; `None` when the server does not tell.
    pub partitions: Option<u32>,
    /// Polls for workflow tasks of all workers on each task queue itself, at the least.
    pub normal_polls: u32,
    /// What each worker is tuned to.
    pub tuning: WorkerTuning,
    /// What is not as it was asked for, or should be known, in sentences.
    pub notes: Vec<String>,
}

impl EffectiveOptions {
    /// In the words of the results file.
    pub fn facts(&self) -> WorkerFacts {
        let tuning = &self.tuning;
        let (workflow_slots, activity_slots, local_activity_slots) = match tuning.slots {
            Slots::Fixed {
                workflow,
                activity,
                local_activity,
            } => (workflow, activity, local_activity),
            Slots::Resource { .. } => (0, 0, 0),
        };
        let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        WorkerFacts {
            count: u32::try_from(self.identities.len()).unwrap_or(u32::MAX),
            workflow_slots,
            activity_slots,
            local_activity_slots,
            pollers: self.pollers(),
            max_cached_workflows: tuning.max_cached_workflows,
            profile: Some(tuning.profile.to_string()),
            slots: Some(self.slots()),
            workflow_pollers: Some(tuning.workflow_pollers.to_string()),
            activity_pollers: Some(tuning.activity_pollers.to_string()),
            normal_polls: Some(self.normal_polls),
            partitions: self.partitions,
            task_queues: some_of(&self.task_queues),
            sticky_timeout_ms: Some(milliseconds(tuning.sticky_timeout)),
            eager_activities: Some(tuning.eager_activities),
            activities_per_second: tuning.activities_per_second,
            deployment: tuning.deployment.clone(),
            build_id: Some(crate::thread::build_id(tuning)),
            graceful_shutdown_ms: Some(milliseconds(tuning.graceful_shutdown)),
            identities: some_of(&self.identities),
        }
    }

    /// The same for people: a few lines, and one for each note.
    pub fn lines(&self) -> Vec<String> {
        let tuning = &self.tuning;
        let queues = match &self.task_queues[..] {
            [one] => format!("task queue {one}"),
            several => format!("{} task queues ({})", several.len(), several.join(", ")),
        };
        let workers = match self.identities.len() {
            1 => "1 worker".to_owned(),
            several => format!("{several} workers"),
        };
        let partitions = match self.partitions {
            Some(partitions) => format!("{partitions} partitions"),
            None => "an unknown number of partitions".to_owned(),
        };
        let mut lines = vec![
            format!("{workers} on {queues} of namespace {}", self.namespace),
            format!(
                "profile {}: {}; pollers {}, at least {} for {partitions}; {} workflows cached, sticky for {:?}",
                tuning.profile,
                self.slots(),
                self.pollers(),
                self.normal_polls,
                tuning.max_cached_workflows,
                tuning.sticky_timeout,
            ),
        ];
        let mut rest = vec![format!(
            "eager activities {}",
            if tuning.eager_activities { "on" } else { "off" }
        )];
        if let Some(rate) = tuning.activities_per_second {
            rest.push(format!("at most {rate} activities/s each"));
        }
        if let Some(deployment) = &tuning.deployment {
            rest.push(format!("deployment {deployment}"));
        }
        rest.push(format!("build {}", crate::thread::build_id(tuning)));
        rest.push(format!("{:?} to finish at a shutdown", tuning.graceful_shutdown));
        lines.push(rest.join("; "));
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines
    }

    fn slots(&self) -> String {
        match self.tuning.slots {
            Slots::Fixed {
                workflow,
                activity,
                local_activity,
            } => format!("{workflow} workflow, {activity} activity and {local_activity} local activity slots"),
            Slots::Resource { cpu, memory } => format!(
                "slots up to {:.0} % of the CPU and {:.0} % of the memory",
                cpu * 100.0,
                memory * 100.0
            ),
        }
    }

    fn pollers(&self) -> String {
        format!(
            "{} for workflow tasks, {} for activities",
            self.tuning.workflow_pollers, self.tuning.activity_pollers
        )
    }
}

/// Bytes of a list that are told: 500 task queues with a worker each are more than a leader takes.
const LIST_BYTES: usize = 8 * 1024;

/// As many of the names as are told, and how many more there are.
fn some_of(names: &[String]) -> Vec<String> {
    let mut bytes = 0;
    let enough = names.iter().take(FACTS_ENTRIES).take_while(|name| {
        bytes += name.len();
        bytes <= LIST_BYTES
    });
    let count = enough.count();
    if count == names.len() {
        return names.to_vec();
    }
    let count = count.saturating_sub(1);
    let mut some = names[..count].to_vec();
    some.push(format!("and {} more", names.len() - count));
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_told_in_part() {
        let names = |count, length| vec!["x".repeat(length); count];
        assert_eq!(some_of(&names(FACTS_ENTRIES, 9)), names(FACTS_ENTRIES, 9));
        let some = some_of(&names(500, 9));
        assert_eq!(
            (some.len(), some.last().map(String::as_str)),
            (FACTS_ENTRIES, Some("and 437 more"))
        );
        let some = some_of(&names(60, 1_000));
        assert_eq!((some.len(), some.last().map(String::as_str)), (8, Some("and 53 more")));
    }
}
