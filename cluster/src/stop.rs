//! `stop`: ends the run in progress in order, and waits until its result is whole.

use std::{path::PathBuf, process::ExitCode};

use benchmark_scenarios::{Problem, units};
use serde_json::json;

use crate::{
    args::StopArgs,
    bucket::Bucket,
    ecs,
    follow::{Following, none_in_progress},
    session::Session,
    wait::Wait,
};

/// Ends it.
///
/// # Errors
/// When there is none, AWS refuses, or its result is not whole within the time.
pub async fn stop(session: &Session, args: &StopArgs) -> Result<ExitCode, Problem> {
    let task = session.run_in_progress().await?.ok_or_else(none_in_progress)?;
    let following = Following::of(&task, false, PathBuf::new())?;
    let arn = &following.arn;
    session.stop_task(arn, "benchmark-cluster stop").await?;
    if session.console.is_dry {
        return Ok(ExitCode::SUCCESS);
    }
    let sentence = format!("task {}: told to end; waiting for its result", following.id());
    session.tell("task", sentence, json!({ "task": arn }));
    let bucket = Bucket::new(&session.aws, session.facts.bucket()?);
    let mut wait = Wait::new(args.timeout);
    loop {
        let looked = async {
            // In this order: what has stopped has put all that it puts.
            let task = session.task(arn).await?;
            let attended = bucket.attended(&following.token).await?;
            Ok::<_, Problem>((attended, task))
        };
        match Box::pin(looked).await {
            Ok((Some(attended), _)) if attended.ended => {
                session.leave_nothing(&following).await?;
                let run = attended.runs.last().map_or("none was begun", String::as_str);
                let sentence = format!(
                    "the run has ended, and its result is whole in the bucket: {run}\n  benchmark-cluster results get"
                );
                session.tell("end", sentence, json!({ "runs": attended.runs }));
                return Ok(ExitCode::SUCCESS);
            }
            Ok((attended, task)) if task.as_ref().is_none_or(ecs::has_stopped) => {
                session.leave_nothing(&following).await?;
                // Before there was an attendant there is nothing to be lost.
                if attended.is_none() {
                    session.tell("end", "the run was ended before it began", json!({ "runs": [] }));
                    return Ok(ExitCode::SUCCESS);
                }
                let why = task
                    .as_ref()
                    .map_or_else(|| "ECS has forgotten it".to_owned(), ecs::ending);
                return Err(
                    Problem::new(format!("the task has ended without a last copy of its result: {why}"))
                        .remedy("benchmark-cluster results get, for the one before"),
                );
            }
            Ok(_) if wait.next().await => {}
            // What cannot be asked is asked again.
            Err(_) if wait.next().await => {}
            Err(problem) => return Err(problem),
            Ok(_) => {
                let said = format!("the run has not ended within {}", units::format(args.timeout));
                return Err(Problem::new(said).remedy("benchmark-cluster stop --timeout 10m"));
            }
        }
    }
}
