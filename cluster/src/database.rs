//! `database`: what needs a login to Temporal's database. The cluster's database is reached from its network only, so that these
//! commands run in a task; `setup` and `recover` start it.

mod login;
mod membership;
mod role;

use std::{process::ExitCode, time::Duration};

use benchmark_command_line::print;
use benchmark_results::text;
use benchmark_scenarios::Problem;
use tokio::time::timeout;

use self::login::Login;
use crate::{args::DatabaseCommand, variables::Variables};

/// How long a command may take, login included.
const LIMIT: Duration = Duration::from_secs(120);

/// Logs in and does what was asked.
///
/// # Errors
/// When variables are missing, or the database refuses.
pub async fn run(command: &DatabaseCommand) -> Result<ExitCode, Problem> {
    let done = timeout(LIMIT, Box::pin(at_the_database(command))).await;
    done.unwrap_or_else(|_| {
        Err(Problem::new(format!(
            "the database does not answer within {} s",
            LIMIT.as_secs()
        )))
    })
}

async fn at_the_database(command: &DatabaseCommand) -> Result<ExitCode, Problem> {
    let variable = |name: &str| std::env::var(name).ok();
    let mut variables = Variables::new(&variable);
    let login = Login::read(&mut variables);
    // Before the login, which would go by while the grant's own variables are wrong.
    let grant = matches!(command, DatabaseCommand::GrantRole).then(|| role::Grant::read(&mut variables, &login));
    variables.end()?;
    let client = Box::pin(login.client()).await?;
    match (command, grant) {
        (DatabaseCommand::Membership, _) => membership::show(&client).await?,
        (DatabaseCommand::CleanMembership, _) => membership::clean(&client).await?,
        (DatabaseCommand::GrantRole, Some(grant)) => grant.give(&client).await?,
        (DatabaseCommand::GrantRole, None) => unreachable!("read above"),
    }
    Ok(ExitCode::SUCCESS)
}

/// What the database said to something that did not succeed.
fn refused(what: &str, error: &tokio_postgres::Error) -> Problem {
    Problem::new(format!("{what}: {}", text::line(&text::chain(error), 300)))
}

/// A line of the task's log. A reader that has seen enough is no error.
fn say(line: &str) {
    let _ = print(&format!("{line}\n"));
}
