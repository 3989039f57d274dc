//! A run in progress: tasks of the generator that are wanted to run.

use aws_sdk_ecs::types::Task;
use benchmark_scenarios::Problem;
use jiff::Timestamp;

use crate::{ecs, session::Session};

/// The generators of a run in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// ARNs of the tasks, the leader's first.
    pub tasks: Vec<String>,
    /// When the leader was asked for; none where ECS does not say.
    pub since: Option<Timestamp>,
}

impl Progress {
    fn of(leaders: &[Task], others: &[Task]) -> Option<Progress> {
        let arns = |tasks: &[Task]| {
            tasks
                .iter()
                .filter_map(|task| task.task_arn().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let tasks = [arns(leaders), arns(others)].concat();
        let since = leaders.iter().chain(others).find_map(|task| task.created_at());
        let since = since.and_then(|at| Timestamp::from_second(at.secs()).ok());
        (!tasks.is_empty()).then_some(Progress { tasks, since })
    }

    /// Which one it is, for people.
    pub fn name(&self) -> String {
        let id = self.tasks.first().map(|arn| ecs::id(arn)).unwrap_or_default();
        match self.since {
            Some(since) => format!("task {id}, since {}", since.strftime("%H:%M:%S UTC")),
            None => format!("task {id}"),
        }
    }
}

impl Session {
    /// The run in progress, if there is one.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn in_progress(&self) -> Result<Option<Progress>, Problem> {
        let mut found = [Vec::new(), Vec::new()];
        for (found, name) in found.iter_mut().zip(["generator", "generator_join"]) {
            if let Some(task) = self.facts.tasks.get(name) {
                *found = self.tasks(&task.family, false).await?;
            }
        }
        let [leaders, others] = found;
        Ok(Progress::of(&leaders, &others))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;

    use super::*;

    #[test]
    fn a_run_is_named_by_its_leaders_task() {
        let task = |id: &str, at: i64| {
            Task::builder()
                .task_arn(format!("arn:…:task/c/{id}"))
                .created_at(DateTime::from_secs(at))
                .build()
        };
        let progress = Progress::of(&[task("lead", 1_800_000_000)], &[task("join", 1_800_000_001)]).expect("one");
        assert_eq!(progress.tasks.len(), 2);
        assert_eq!(progress.name(), "task lead, since 08:00:00 UTC");
        assert_eq!(Progress::of(&[], &[]), None);
    }
}
