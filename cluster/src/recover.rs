//! `recover`: Temporal's services down, the membership of servers that are gone deleted, and up again with the counts from
//! before.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use aws_sdk_ecs::types;
use benchmark_scenarios::Problem;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    args::DownArgs,
    facts::{Facts, SERVERS, Service},
    preset::Preset,
    session::Session,
    setup::check,
    up::desired,
};

/// How long a database task may take, its start included.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// A server that was heard of so recently may be there: rows are not deleted then.
const ALIVE: Duration = Duration::from_secs(30);

/// Brings Temporal's services down, clears their membership, and brings them up.
///
/// # Errors
/// When nobody agrees, a server is still there, or a service does not become steady.
pub async fn recover(session: &Session, args: &DownArgs) -> Result<ExitCode, Problem> {
    let facts = &session.facts;
    if facts.dsql.is_none() {
        let said = format!(
            "recover: this environment's Temporal is elsewhere, at {}",
            facts.temporal.address
        );
        return Err(Problem::new(said).remedy("recover it there"));
    }
    session.console.check_somebody("recover")?;
    session.agree_in_production("recover")?;
    let current = session.current().await?;
    let planned = planned(facts, &current);
    if let Some(run) = session.in_progress().await? {
        let question = format!("A run is in progress ({}), and loses its servers.", run.name());
        session.console.agree(&question, "recover")?;
    }
    let mut backwards: Vec<&Service> = planned.iter().map(|(service, _)| *service).collect();
    backwards.reverse();
    session.bring_down(&backwards, &current, args.timeout).await?;
    if let Err(problem) = session.clear_membership().await {
        let counts: Vec<String> = planned
            .iter()
            .map(|(service, count)| format!("{} {count}", service.key))
            .collect();
        return Err(problem
            .explain(format!("Temporal's services are down; they had {}", counts.join(", ")))
            .remedy("benchmark-cluster recover again")
            .remedy(format!("benchmark-cluster up --only {}", SERVERS.join(","))));
    }
    // As they are now.
    session.bring_up(&planned, &BTreeMap::new(), args.timeout).await?;
    Ok(ExitCode::SUCCESS)
}

/// Temporal's services in their order with the tasks that they have; where all have none, as after one that was cut short,
/// with those that Terraform's variables ask for.
fn planned<'a>(facts: &'a Facts, current: &BTreeMap<String, types::Service>) -> Vec<(&'a Service, u32)> {
    let mut services = facts.in_order();
    services.retain(|service| SERVERS.contains(&service.key.as_str()));
    let before: Vec<(&Service, u32)> = services
        .iter()
        .map(|&service| (service, desired(current, service)))
        .collect();
    if before.iter().any(|(_, count)| *count > 0) {
        return before;
    }
    Preset::counts(None, services)
}

impl Session {
    /// Shows the rows of membership, and deletes them after a yes.
    async fn clear_membership(&self) -> Result<(), Problem> {
        let membership = ["/benchmark-cluster", "database", "membership"];
        if let Some(outcome) = self.one_shot("setup_database", &membership, LIMIT).await? {
            check(&outcome, "the membership's task")?;
            if outcome.lines.last().is_some_and(|line| line.starts_with("0 rows")) {
                self.tell(
                    "membership",
                    "membership: nothing is to be deleted",
                    json!({ "rows": 0 }),
                );
                return Ok(());
            }
        }
        self.console.agree("Delete these rows of membership?", "delete")?;
        let clean = ["/benchmark-cluster", "database", "clean-membership"];
        if let Some(outcome) = self.one_shot("setup_database", &clean, LIMIT).await? {
            let is_early = outcome.lines.iter().any(|line| line.contains("nothing was deleted"));
            if outcome.code == Some(0) || !is_early {
                return check(&outcome, "the membership's task");
            }
            // All have ended: their last heartbeat only has to become old enough.
            self.say("membership", format!("membership: again in {} s", ALIVE.as_secs()));
            sleep(ALIVE).await;
            if let Some(outcome) = self.one_shot("setup_database", &clean, LIMIT).await? {
                check(&outcome, "the membership's task")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_those_from_before_or_terraforms() {
        let facts = Facts::parse(include_str!("../tests/facts/bench.json"), "bench.json").expect("facts");
        let counts = |current: &BTreeMap<String, types::Service>| {
            planned(&facts, current)
                .into_iter()
                .map(|(service, count)| (service.key.clone(), count))
                .collect::<Vec<_>>()
        };
        let service = |count| types::Service::builder().desired_count(count).build();
        let some = BTreeMap::from([("history".to_owned(), service(5)), ("ui".to_owned(), service(1))]);
        let expected = [("history", 5), ("matching", 0), ("frontend", 0), ("worker", 0)];
        assert_eq!(counts(&some), expected.map(|(key, count)| (key.to_owned(), count)));
        let none = BTreeMap::from([("ui".to_owned(), service(1))]);
        let expected = [("history", 16), ("matching", 16), ("frontend", 9), ("worker", 3)];
        assert_eq!(counts(&none), expected.map(|(key, count)| (key.to_owned(), count)));
    }
}
