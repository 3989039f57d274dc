//! A one-shot task from its start to its exit code, its log followed line by line.

use std::time::Duration;

use benchmark_results::text;
use benchmark_scenarios::{Problem, units};
use serde_json::json;

use crate::{ecs, log::Follow, run::token, session::Session, wait::Wait};

/// How long the log's last lines are waited for after the end; they come a moment later.
const LAST_LINES: Duration = Duration::from_secs(3);

/// Who starts these tasks.
const STARTED_BY: &str = "benchmark-cluster";

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Exit code of its container; none where it did not end by itself.
    pub code: Option<i32>,
    /// Its log.
    pub lines: Vec<String>,
    /// Why it ended, in one line.
    pub ending: String,
}

impl Session {
    /// Runs a one-shot task with a command, and gives what came of it; none where nothing is to be changed.
    ///
    /// # Errors
    /// When it cannot be started, or goes on for longer than `limit`; then it is stopped.
    pub async fn one_shot(&self, name: &str, command: &[&str], limit: Duration) -> Result<Option<Outcome>, Problem> {
        let task = self.facts.task(name)?;
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        let wish = ecs::Wish {
            command: &command,
            count: 1,
            token: &token::new()?,
            started_by: STARTED_BY,
            ..ecs::Wish::default()
        };
        let arns = self.run_task(task, &wish).await?;
        let Some(arn) = arns.first() else {
            return Ok(None);
        };
        let id = ecs::id(arn);
        self.tell("task", format!("{} begins ({id})", task.family), json!({ "task": arn }));
        let mut follow = Follow::new(task, id);
        let mut lines = Vec::new();
        let mut wait = Wait::new(limit);
        let ended = loop {
            self.hear(&mut follow, &mut lines).await?;
            if let Some(ended) = self.task(arn).await?.filter(ecs::has_stopped) {
                break ended;
            }
            if !wait.next().await {
                self.stop_task(arn, "it took too long").await?;
                return Err(Problem::new(format!(
                    "{}: the task {id} did not end within {}, and was stopped",
                    task.family,
                    units::format(limit)
                )));
            }
        };
        let mut wait = Wait::new(LAST_LINES);
        while wait.next().await {
            self.hear(&mut follow, &mut lines).await?;
        }
        Ok(Some(Outcome {
            code: ecs::exit_code(&ended, &task.container),
            lines,
            ending: ecs::ending(&ended),
        }))
    }

    /// Says the log's new lines.
    async fn hear(&self, follow: &mut Follow, lines: &mut Vec<String>) -> Result<(), Problem> {
        for line in follow.read(self).await? {
            let line = text::line(&line, 2000);
            self.tell("log", format!("  {line}"), json!({ "line": line }));
            lines.push(line);
        }
        Ok(())
    }
}
