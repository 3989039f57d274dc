//! Check of a run's arguments: they are held against `run-benchmark plan` before anything is changed, with the
//! variables that the task has.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use aws_sdk_ecs::types::ContainerDefinition;
use benchmark_results::text;
use benchmark_scenarios::Problem;

use crate::{facts::Task, session::Session};

/// What stands for a secret, which is not asked for.
const SECRET: &str = "a-secret-of-the-task-that-is-not-read-here";

/// The program.
const PROGRAM: &str = "run-benchmark";

impl Session {
    /// Asks `run-benchmark plan` whether these arguments make a run in the generator's task.
    ///
    /// # Errors
    /// When they do not, in its own words; or when ECS refuses. Without the program that is said, and nothing is checked.
    pub async fn check_plan(&self, task: &Task, arguments: &[String]) -> Result<(), Problem> {
        let Some(program) = find() else {
            let said = "is neither beside this program nor on PATH: the arguments are checked in the task only";
            self.say("plan", format!("{PROGRAM} {said}"));
            return Ok(());
        };
        let container = self.container(&task.task_definition, &task.container).await?;
        let variables = container.as_ref().map(of).unwrap_or_default();
        let mut command = Command::new(program);
        command.arg("plan").args(arguments).stdin(Stdio::null());
        // What this machine's surroundings say is not what the task's do.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("BENCHMARK_") || text.starts_with("TEMPORAL_") {
                command.env_remove(&name);
            }
        }
        let given = command.envs(variables).output();
        let given = given.map_err(|error| Problem::new(format!("{PROGRAM} plan: {error}")))?;
        let is_well = given.status.success();
        let said = if is_well { given.stdout } else { given.stderr };
        let said = String::from_utf8_lossy(&said);
        let lines = said.lines().map(|line| text::line(line, 300));
        let mut lines = lines.filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default();
        if is_well {
            self.say("plan", first.trim());
            return Ok(());
        }
        let problem = Problem::new(first.strip_prefix("error: ").unwrap_or(&first));
        Err(lines
            .take(6)
            .fold(problem, |problem, line| problem.explain(line.trim())))
    }
}

/// The variables that a task's definition gives a container.
fn of(container: &ContainerDefinition) -> Vec<(String, String)> {
    let plain = container.environment().iter().filter_map(|one| {
        let (name, value) = (one.name()?, one.value()?);
        Some((name.to_owned(), value.to_owned()))
    });
    let secret = container
        .secrets()
        .iter()
        .map(|one| (one.name().to_owned(), SECRET.to_owned()));
    plain.chain(secret).collect()
}

/// Beside this program, or on PATH.
fn find() -> Option<PathBuf> {
    let beside = std::env::current_exe()
        .ok()
        .map(|program| program.with_file_name(PROGRAM));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).map(|folder| folder.join(PROGRAM));
    beside.into_iter().chain(folders).find(|program| program.is_file())
}
