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
    let why = || task.map_or_else(|| "ECS has forgotten its task".to_owned(), ecs::ending);
    let mut problems: Vec<Problem> = Vec::new();
    if ending == Ending::Lost {
        problems.push(Problem::new(format!("the generator did not end by itself: {}", why())));
        for line in session.attendants_lines(following).await {
            session.say("line", line);
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
                    problems.push(Problem::new(format!(
                        "the result that came is a partial one: {}",
                        why()
                    )));
                }
                _ => {}
            }
        }
        Err(problem) => problems.push(problem.remedy("benchmark-cluster results get")),
    }
    problems.extend(session.leave_nothing(following).await.err());
    all_or_first(problems)?;
    let code = match ending {
        Ending::Own(code) => code,
        Ending::Lost => 2,
    };
    let sentence = format!("the run has ended with exit code {code}");
    session.tell("end", sentence, json!({ "code": code }));
    Ok(ExitCode::from(code))
}

/// The summary, unless the generator's own lines had it: then what was found since.
fn show(session: &Session, brought: &Brought, lines: &VecDeque<String>) {
    let (file, is_complete) = (&brought.file, brought.is_complete());
    let mark = if is_complete { "" } else { ", PARTIAL" };
    let sentence = format!("{} is on this disk{mark}", file.display());
    let more = json!({ "run": brought.run, "file": file.display().to_string(), "complete": is_complete });
    session.tell("result", sentence, more);
    let Some(results) = &brought.results else { return };
    if session.console.is_json() {
        let line = summary::verdict_line(results, summary::Style::PLAIN);
        return session.tell("verdict", line, json!({ "run": brought.run }));
    }
    let style = results::style();
    let whole = summary::render(results, Some(file), summary::Style::PLAIN);
    let first = whole.lines().next().unwrap_or_default();
    let more = match lines.iter().any(|line| line.trim_end() == first) {
        true if results.server_figures.is_empty() => return,
        true => summary::render_diagnosis(results, style),
        false => summary::render(results, Some(file), style),
    };
    session.console.print(more.trim_end());
}

/// The first of these problems, which the others explain.
///
/// # Errors
/// When there is one.
pub fn all_or_first(problems: impl IntoIterator<Item = Problem>) -> Result<(), Problem> {
    let first = problems
        .into_iter()
        .reduce(|first, next| first.explain(next.to_string()));
    first.map_or(Ok(()), Err)
}

impl Session {
    /// Brings the results of all runs of a task, which is one as a rule.
    async fn bring_all(&self, following: &Following) -> Result<Vec<Brought>, Problem> {
        let bucket = Bucket::new(&self.aws, self.facts.bucket()?);
        let mut wait = Wait::new(BUCKET);
        let attended = wait.again(async || bucket.attended(&following.token).await).await?;
        let mut all = Vec::new();
        for run in attended.map(|attended| attended.runs).unwrap_or_default() {
            let files = wait.again(async || results::fetch(&bucket, &run).await).await?;
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
        let other = self.in_progress().await?;
        if let Some(progress) = other.filter(|one| !one.tasks.contains(&following.arn)) {
            let name = progress.name();
            self.say(
                "workers",
                format!("another run is in progress ({name}): workers stay as it needs them"),
            );
            return Ok(());
        }
        let name = &self.facts.workers()?.service.name;
        if following.keep_workers {
            let sentence = match self.end().await? {
                Some(end) => format!("workers stay; they end at {}", end.strftime("%H:%M UTC")),
                None => "workers stay, and nothing ends them: benchmark-cluster workers 0".to_owned(),
            };
            self.say("workers", sentence);
            return Ok(());
        }
        let mut wait = Wait::new(ENDING);
        loop {
            let Some(service) = self.workers_service().await? else {
                break;
            };
            if service.desired_count() != 0 {
                self.set_count(name, 0).await?;
            } else if service.running_count() + service.pending_count() == 0 {
                break;
            }
            if !wait.next().await {
                let left = service.running_count() + service.pending_count();
                return Err(Problem::new(format!("{left} workers are left")).remedy("benchmark-cluster workers 0"));
            }
        }
        self.remove_end().await?;
        self.tell("workers", "no workers are left", json!({ "count": 0 }));
        Ok(())
    }

    /// Generators that joined end with the one that leads; what does not is stopped.
    async fn end_joined(&self, following: &Following) -> Result<(), Problem> {
        let Some(join) = self.facts.tasks.get("generator_join") else {
            return Ok(());
        };
        let mut wait = Wait::new(ENDING / 3);
        loop {
            let mut left = self.tasks(&join.family, false).await?;
            left.retain(|task| task.started_by() == Some(&following.token));
            if left.is_empty() {
                return Ok(());
            }
            if wait.next().await {
                continue;
            }
            for arn in left.iter().filter_map(Task::task_arn) {
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
