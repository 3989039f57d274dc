//! `setup`: schema, index and database role, each made once by a one-shot task.

use std::{process::ExitCode, time::Duration};

use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{args::SetupArgs, facts::SERVERS, oneshot::Outcome, session::Session, tools};

/// How long a task may take: visibility's store alone is waited for 5 minutes.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// The user who may do everything from the beginning.
const ADMIN: &str = "admin";

/// Makes what is not there yet.
///
/// # Errors
/// When a task does not succeed; the problem names the part.
pub async fn setup(session: &Session, args: &SetupArgs) -> Result<ExitCode, Problem> {
    let facts = &session.facts;
    let Some(dsql) = &facts.dsql else {
        return Err(Problem::new(format!(
            "setup: this environment's Temporal is elsewhere, at {}, with a schema of its own",
            facts.temporal.address
        ))
        .remedy("benchmark-cluster up"));
    };
    if args.overwrite {
        session.check_that_no_server_runs().await?;
        let question = format!(
            "All of Temporal's tables in {} and the index are dropped: all workflows of {} are lost.",
            dsql.host, facts.cluster.name
        );
        session.console.agree(&question, &facts.cluster.name)?;
    }
    let command = tools::command(args.overwrite);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    if let Some(outcome) = session.one_shot("setup_schema", &command, LIMIT).await? {
        check(&outcome, "the schema's task").map_err(|problem| {
            problem.remedy("setup --overwrite, where one that was cut short left a part of the schema")
        })?;
    }
    if dsql.user == ADMIN {
        session.say("role", "role: none is needed, servers log in as admin");
    } else {
        let grant = ["/benchmark-cluster", "database", "grant-role"];
        if let Some(outcome) = session.one_shot("setup_database", &grant, LIMIT).await? {
            check(&outcome, "the role's task")?;
            session.tell(
                "role",
                format!("role: {} may log in", dsql.user),
                json!({ "user": dsql.user }),
            );
        }
    }
    if !session.console.is_dry {
        session.say("done", format!("{} is set up", facts.project));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a task succeeded.
///
/// # Errors
/// When not; the problem has the part that failed, or the log's last line, or why the task did not even begin.
pub fn check(outcome: &Outcome, what: &str) -> Result<(), Problem> {
    let last = outcome.lines.last().map(String::as_str);
    match outcome.code {
        Some(0) => Ok(()),
        Some(code) => {
            let said = last
                .map(|line| tools::told(line).unwrap_or(line))
                .unwrap_or("its log is empty");
            Err(Problem::new(format!("{what} ended with {code}: {said}")))
        }
        None => Err(Problem::new(format!("{what} did not run: {}", outcome.ending))),
    }
}

impl Session {
    /// Servers would write into tables that go.
    async fn check_that_no_server_runs(&self) -> Result<(), Problem> {
        let current = self.current().await?;
        for key in SERVERS {
            let running = current
                .get(key)
                .map_or(0, |now| now.running_count().max(now.desired_count()));
            if running > 0 {
                return Err(Problem::new(format!("setup --overwrite: {key} has {running} tasks"))
                    .remedy("benchmark-cluster down first"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(code: Option<i32>, lines: &[&str]) -> Outcome {
        Outcome {
            code,
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
            ending: "CannotPullContainerError: no such image".to_owned(),
        }
    }

    #[test]
    fn the_exit_code_decides() {
        check(&outcome(Some(0), &["setup: index: failed"]), "it").expect("done");
        let said = |outcome: &Outcome| {
            check(outcome, "the schema's task")
                .expect_err("failed")
                .headline()
                .to_owned()
        };
        assert_eq!(
            said(&outcome(Some(1), &["x", "setup: index: failed"])),
            "the schema's task ended with 1: index: failed"
        );
        assert_eq!(
            said(&outcome(Some(2), &["error: no"])),
            "the schema's task ended with 2: error: no"
        );
        assert_eq!(
            said(&outcome(Some(127), &[])),
            "the schema's task ended with 127: its log is empty"
        );
        assert_eq!(
            said(&outcome(None, &[])),
            "the schema's task did not run: CannotPullContainerError: no such image"
        );
    }
}
