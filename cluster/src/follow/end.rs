//! After the run: its result on this disk, its summary, no workers and no schedule, the exit code.

use std::{collections::VecDeque, process::ExitCode, time::Duration};

use aws_sdk_ecs::types::Task;
use benchmark_results::summary;
use benchmark_scenarios::Problem;
use serde_json::json;

use super::Following;
use crate::{
    bucket::Bucket,
    ecs,
    facts::ATTENDANT,
    log::Follow,
    results::{self, Brought},
    session::Session,
    wait::Wait,
};

/// How long the bucket may be away at the end.
const BUCKET: Duration = Duration::from_secs(60);

/// How long workers, and generators that joined, may take to end.
const ENDING: Duration = Duration::from_secs(180);

/// Lines of the attendant that are shown where it may be the reason.
const SHOWN: usize = 5;

/// How a generator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// By itself, or in order after a signal; its results are written.
    Own(u8),
    /// It was killed, or its machine was lost, or it never began.
    Lost,
}

impl Ending {
    /// By the container's exit code.
    fn of(code: Option<i32>) -> Ending {
        match code {
            Some(code @ (0..=3 | 129 | 130 | 143)) => u8::try_from(code).map_or(Ending::Lost, Ending::Own),
            _ => Ending::Lost,
        }
    }
}

/// Ends a run whose task has ended; `lines` are the last of its log.
///
/// # Errors
/// When the generator was killed or lost, or its result did not come, or something is left running.
pub async fn end(
    session: &Session,
    following: &Following,
    task: Option<&Task>,
    lines: &VecDeque<String>,
) -> Result<ExitCode, Problem> {
    let generator = session.facts.task("generator")?;
    let ending = Ending::of(task.and_then(|task| ecs::exit_code(task, &generator.container)));
    let mut problems: Vec<Problem> = Vec::new();
    if ending == Ending::Lost {
        let why = task.map_or_else(|| "ECS has forgotten its task".to_owned(), ecs::ending);
        problems.push(Problem::new(format!("the generator did not end by itself: {why}")));
        for line in session.attendants_lines(following).await {
            session.console.say("line", line, json!({}));
        }
    }
    match session.bring_all(following).await {
        Ok(brought) => {
            for brought in &brought {
                show(session, brought, lines);
            }
            match ending {
                // It refused to run, or was ended before the load: there is none.
                Ending::Own(2 | 129 | 130 | 143) if brought.is_empty() => {}
                _ if brought.is_empty() => problems.push(Problem::new("the bucket has no result of this run")),
                Ending::Own(_) if brought.iter().any(|one| !one.is_complete()) => {
                    // Who copies was killed.
                    let why = task.map_or_else(|| "ECS has forgotten its task".to_owned(), ecs::ending);
                    problems.push(Problem::new(format!("the result that came is a partial one: {why}")));
                }
                _ => {}
            }
        }
        Err(problem) => problems.push(problem.remedy("benchmark-cluster results get")),
    }
    problems.extend(session.leave_nothing(following).await.err());
    let problem = problems
        .into_iter()
        .reduce(|first, next| first.explain(next.to_string()));
    if let Some(problem) = problem {
        return Err(problem);
    }
    let code = match ending {
        Ending::Own(code) => code,
        Ending::Lost => 2,
    };
    let sentence = format!("the run has ended with exit code {code}");
    session.console.say("end", sentence, json!({ "code": code }));
    Ok(ExitCode::from(code))
}

/// The summary, unless the generator's own lines had it: then what was found since.
fn show(session: &Session, brought: &Brought, lines: &VecDeque<String>) {
    let (file, is_complete) = (&brought.file, brought.is_complete());
    let mark = if is_complete { "" } else { ", PARTIAL" };
    let sentence = format!("{} is on this disk{mark}", file.display());
    let more = json!({ "run": brought.run, "file": file.display().to_string(), "complete": is_complete });
    session.console.say("result", sentence, more);
    let Some(results) = &brought.results else { return };
    if session.console.is_json() {
        let line = summary::verdict_line(results, summary::Style::PLAIN);
        return session.console.say("verdict", line, json!({ "run": brought.run }));
    }
    let style = results::style();
    let whole = summary::render(results, Some(file), summary::Style::PLAIN);
    let first = whole.lines().next().unwrap_or_default();
    match lines.iter().any(|line| line.trim_end() == first) {
        true if results.server_figures.is_empty() => {}
        true => session
            .console
            .print(summary::render_diagnosis(results, style).trim_end()),
        false => session
            .console
            .print(summary::render(results, Some(file), style).trim_end()),
    }
}

impl Session {
    /// Brings the results of all runs of a task, which is one as a rule.
    async fn bring_all(&self, following: &Following) -> Result<Vec<Brought>, Problem> {
        let bucket = Bucket::new(&self.aws, self.facts.bucket()?);
        let mut wait = Wait::new(BUCKET);
        let attended = loop {
            match bucket.attended(&following.token).await {
                Ok(attended) => break attended,
                Err(problem) if !wait.next().await => return Err(problem),
                Err(_) => {}
            }
        };
        let mut all = Vec::new();
        for run in attended.map(|attended| attended.runs).unwrap_or_default() {
            let files = loop {
                match results::fetch(&bucket, &run).await {
                    Ok(files) => break files,
                    Err(problem) if !wait.next().await => return Err(problem),
                    Err(_) => {}
                }
            };
            all.push(self.put_on_disk(&run, &following.to, files).await?);
        }
        Ok(all)
    }

    /// The last lines of the attendant's log, which says why where it could not get ready.
    async fn attendants_lines(&self, following: &Following) -> Vec<String> {
        let Ok(generator) = self.facts.task("generator") else {
            return Vec::new();
        };
        let mut log = Follow::of(generator, ATTENDANT, following.id());
        let lines = log.read(self).await.unwrap_or_default();
        lines[lines.len().saturating_sub(SHOWN)..].to_vec()
    }

    /// Sees to it that nothing of a run is left running: generators that joined, workers, the schedule of their end.
    ///
    /// # Errors
    /// When something is left; the schedule stays then.
    pub async fn leave_nothing(&self, following: &Following) -> Result<(), Problem> {
        self.end_joined(following).await?;
        if let Some(progress) = self
            .in_progress()
            .await?
            .filter(|one| !one.tasks.contains(&following.arn))
        {
            let sentence = format!(
                "another run is in progress ({}): workers stay as it needs them",
                progress.name()
            );
            self.console.say("workers", sentence, json!({}));
            return Ok(());
        }
        let workers = self.facts.workers()?;
        if following.keep_workers {
            let sentence = match self.end().await? {
                Some(end) => format!("workers stay; they end at {}", end.strftime("%H:%M UTC")),
                None => "workers stay, and nothing ends them: benchmark-cluster workers 0".to_owned(),
            };
            self.console.say("workers", sentence, json!({}));
            return Ok(());
        }
        let mut wait = Wait::new(ENDING);
        loop {
            let services = self.services(&[&workers.name]).await?;
            let Some(service) = services.first() else { break };
            if service.desired_count() != 0 {
                self.set_count(&workers.name, 0).await?;
            } else if service.running_count() + service.pending_count() == 0 {
                break;
            }
            if !wait.next().await {
                let left = service.running_count() + service.pending_count();
                return Err(Problem::new(format!("{left} workers are left")).remedy("benchmark-cluster workers 0"));
            }
        }
        self.remove_end().await?;
        self.console
            .say("workers", "no workers are left", json!({ "count": 0 }));
        Ok(())
    }

    /// Generators that joined end with the one that leads; what does not is stopped.
    async fn end_joined(&self, following: &Following) -> Result<(), Problem> {
        let Some(join) = self.facts.tasks.get("generator_join") else {
            return Ok(());
        };
        let mut wait = Wait::new(ENDING / 3);
        loop {
            let left = self.tasks(&join.family, false).await?;
            let mut left = left
                .iter()
                .filter(|task| task.started_by() == Some(&following.token))
                .filter_map(Task::task_arn)
                .peekable();
            if left.peek().is_none() {
                return Ok(());
            }
            if wait.next().await {
                continue;
            }
            for arn in left {
                self.stop_task(arn, "its run has ended").await?;
            }
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generators_own_codes_come_through_and_others_are_none_of_its_own() {
        for code in [0, 1, 2, 3, 129, 130, 143] {
            assert_eq!(Ending::of(Some(i32::from(code))), Ending::Own(code));
        }
        for lost in [None, Some(137), Some(139), Some(4), Some(-1), Some(256)] {
            assert_eq!(Ending::of(lost), Ending::Lost, "{lost:?}");
        }
    }
}
