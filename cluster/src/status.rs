//! `status`: what is there and what it costs, once or every few seconds.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use aws_sdk_ecs::types;
use benchmark_results::text;
use benchmark_scenarios::Problem;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    args::StatusArgs,
    cost::Cost,
    facts::{Facts, Service, WORKERS},
    pools::{self, Group},
    progress::Progress,
    session::Session,
    table::table,
};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(5);

/// To the top of the terminal, and nothing below.
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

/// Shows what is there.
///
/// # Errors
/// When AWS refuses. A look that fails later is told, and the next one is tried.
pub async fn status(session: &Session, args: &StatusArgs) -> Result<ExitCode, Problem> {
    let is_screen = args.watch && io::stdout().is_terminal() && !session.console.is_json();
    session.show(&Status::of(session).await?, if is_screen { CLEAR } else { "" });
    if !args.watch {
        return Ok(ExitCode::SUCCESS);
    }
    // In a pipe one block stands below the other.
    let before = match session.console.is_json() {
        true => "",
        false if is_screen => CLEAR,
        false => "\n",
    };
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            looked = async {
                tokio::time::sleep(PAUSE).await;
                Status::of(session).await
            } => match looked {
                Ok(status) => session.show(&status, before),
                Err(problem) => session.say("problem", problem.report()),
            },
        }
    }
}

/// All that is shown.
#[derive(Debug)]
struct Status {
    at: Timestamp,
    groups: BTreeMap<String, Group>,
    services: Vec<Row>,
    run: Option<Progress>,
    end: Option<Timestamp>,
    cost: Cost,
}

/// A service as it is; without counts where the cluster does not have it.
#[derive(Debug)]
struct Row {
    key: String,
    counts: Option<[i32; 3]>,
    event: Option<(Timestamp, String)>,
}

impl Row {
    fn of(facts: &Service, found: &[types::Service]) -> Row {
        let (key, name) = (&facts.key, &facts.name);
        let service = found.iter().find(|service| service.service_name() == Some(name));
        let event = service.and_then(|service| service.events().first()).and_then(|event| {
            let at = Timestamp::from_second(event.created_at()?.secs()).ok()?;
            let said = event.message().unwrap_or_default();
            // It begins with the service's own name.
            let said = said.strip_prefix(&format!("(service {name}) ")).unwrap_or(said);
            Some((at, text::line(said, 200)))
        });
        Row {
            key: key.clone(),
            counts: service.map(|now| [now.desired_count(), now.running_count(), now.pending_count()]),
            event,
        }
    }
}

impl Row {
    fn is_wanted(&self) -> bool {
        self.counts.is_some_and(|[desired, ..]| desired > 0)
    }
}

impl Status {
    async fn of(session: &Session) -> Result<Status, Problem> {
        let facts = &session.facts;
        let names: Vec<&str> = facts.all().map(|service| service.name.as_str()).collect();
        let found = session.services(&names).await?;
        let groups = session.groups().await?;
        let end = match facts.scheduler {
            Some(_) => session.end().await?,
            None => None,
        };
        Ok(Status {
            at: Timestamp::now(),
            services: facts.all().map(|service| Row::of(service, &found)).collect(),
            run: session.in_progress().await?,
            end,
            cost: Cost::of(facts, &pools::count(&groups))?,
            groups,
        })
    }

    fn text(&self, facts: &Facts) -> String {
        let mut lines = vec![format!(
            "{} ({}) in {}, {}",
            facts.project,
            facts.environment,
            facts.region,
            self.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        )];
        lines.push(String::new());
        let mut rows = Vec::new();
        for (name, pool) in &facts.pools {
            let [count, in_service] = match self.groups.get(name) {
                Some(group) => [group.instances.len(), group.in_service].map(|count| count.to_string()),
                None => ["not there".to_owned(), String::new()],
            };
            let usd = match self.cost.pools.get(name) {
                Some((_, usd)) => usd.map_or_else(|| "unknown".to_owned(), crate::cost::usd),
                None if count == "not there" => String::new(),
                None => "$0".to_owned(),
            };
            let (most, kind) = (pool.max.to_string(), pool.instance_type.clone());
            rows.push(vec![name.clone(), count, in_service, most, kind, usd]);
        }
        let head = ["pool", "instances", "in service", "at most", "type", "an hour"];
        lines.extend(table(&head, &rows, &[1, 2, 3, 5]));
        lines.push(String::new());
        let mut rows = Vec::new();
        for row in &self.services {
            let [desired, running, pending] = match row.counts {
                Some(counts) => counts.map(|count| count.to_string()),
                None => ["not there".to_owned(), String::new(), String::new()],
            };
            let event = row.event.as_ref().map(|(at, said)| {
                let said = text::line(said, 60);
                format!("{} ago: {said}", span(*at, self.at))
            });
            let event = event.unwrap_or_default();
            rows.push(vec![row.key.clone(), desired, running, pending, event]);
        }
        let head = ["service", "desired", "running", "pending", "last event"];
        lines.extend(table(&head, &rows, &[1, 2, 3]));
        lines.push(String::new());
        let run = match &self.run {
            Some(run) => {
                let since = run
                    .since
                    .map(|since| format!(" ({})", span(since, self.at)))
                    .unwrap_or_default();
                let others = match run.tasks.len() {
                    1 => String::new(),
                    tasks => format!(", {tasks} generators"),
                };
                format!("in progress, {}{since}{others}", run.name())
            }
            None => "none in progress".to_owned(),
        };
        lines.push(format!("run      {run}"));
        if facts.scheduler.is_some() {
            let end = match self.end {
                Some(end) => format!("end at {}, in {}", end.strftime("%H:%M UTC"), span(self.at, end)),
                None if self.services.iter().any(|row| row.key == WORKERS && row.is_wanted()) => {
                    "nothing ends them: benchmark-cluster workers N writes an end".to_owned()
                }
                None => "have no end written".to_owned(),
            };
            lines.push(format!("workers  {end}"));
        }
        lines.push(format!("costs    {}", self.cost.line()));
        lines.join("\n")
    }

    fn json(&self, facts: &Facts) -> Value {
        let pools = facts.pools.iter().map(|(name, pool)| {
            let group = self.groups.get(name);
            let usd = group.and_then(|_| self.cost.pools.get(name).map_or(Some(0.0), |(_, usd)| *usd));
            let value = json!({
                "instances": group.map(|group| group.instances.len()), "in_service": group.map(|group| group.in_service),
                "ending": group.map(|group| group.ending), "desired": group.map(|group| group.desired),
                "max": pool.max, "instance_type": pool.instance_type, "usd_per_hour": usd,
            });
            (name.clone(), value)
        });
        let services = self.services.iter().map(|row| {
            let [desired, running, pending] = row.counts.map_or([None; 3], |counts| counts.map(Some));
            let event = row.event.as_ref().map(|(at, text)| json!({ "at": at.to_string(), "text": text }));
            json!({ "service": row.key, "desired": desired, "running": running, "pending": pending, "last_event": event })
        });
        json!({
            "kind": "status", "at": self.at.to_string(), "project": facts.project, "environment": facts.environment,
            "region": facts.region, "cluster": facts.cluster.name,
            "pools": pools.collect::<serde_json::Map<_, _>>(), "services": services.collect::<Vec<_>>(),
            "run": self.run.as_ref().map(|run| json!({ "tasks": run.tasks, "since": run.since.map(|at| at.to_string()) })),
            "workers_end": self.end.map(|at| at.to_string()),
            "cost": {
                "usd_per_hour": self.cost.priced(), "fixed_usd_per_hour": self.cost.fixed, "unknown": self.cost.unknown(),
                "not_priced": self.cost.not_priced, "by_use": self.cost.by_use,
            },
        })
    }
}

impl Session {
    /// What goes before it clears the screen, or keeps it apart.
    fn show(&self, status: &Status, before: &str) {
        if self.console.is_json() {
            return self.console.print(&status.json(&self.facts).to_string());
        }
        let text = status.text(&self.facts);
        self.console.print(&format!("{before}{}", text::lines(&text)));
    }
}

/// From one instant to another: `12s`, `4m`, `1h56m`, `3d`; nothing negative.
fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::{primitives::DateTime, types::ServiceEvent};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn instant(at: i64) -> Timestamp {
        Timestamp::from_second(at).expect("an instant")
    }

    fn facts() -> Facts {
        Facts::parse(include_str!("../tests/facts/bench.json"), "bench.json").expect("facts")
    }

    fn status(facts: &Facts) -> Status {
        let group = |count: usize, in_service| Group {
            instances: (0..count).map(|number| format!("i-{number}")).collect(),
            in_service,
            ending: 0,
            desired: 0,
        };
        let groups: BTreeMap<String, Group> = [("main", group(10, 10)), ("generator", group(1, 0))]
            .map(|(name, group)| (name.to_owned(), group))
            .into();
        let instances = pools::count(&groups);
        let event = ServiceEvent::builder()
            .created_at(DateTime::from_secs(NOW - 250))
            .message("(service temporal-bench-temporal-history) has reached a steady state.\u{1b}[2J");
        let found = [types::Service::builder()
            .service_name("temporal-bench-temporal-history")
            .desired_count(16)
            .running_count(15)
            .pending_count(1)
            .events(event.build())
            .build()];
        Status {
            at: instant(NOW),
            groups,
            services: facts.services[..2]
                .iter()
                .map(|service| Row::of(service, &found))
                .collect(),
            run: Some(Progress {
                tasks: vec![
                    "arn:aws:ecs:eu-west-1:111122223333:task/c/0123abcd".into(),
                    "arn:…/4567".into(),
                ],
                since: Some(instant(NOW - 4000)),
            }),
            end: Some(instant(NOW + 7000)),
            cost: Cost::of(facts, &instances).expect("cost"),
        }
    }

    #[test]
    fn a_status_for_people() {
        let facts = facts();
        insta::assert_snapshot!(text::lines(&status(&facts).text(&facts)), @r"
        temporal-bench (bench) in eu-west-1, 2027-01-15 08:00:00 UTC

        pool       instances  in service  at most  type         an hour
        benchmark  not there                   13  m8g.4xlarge
        generator          1           0        4  m8g.xlarge     $0.20
        main              10          10       10  m8g.4xlarge    $8.04

        service    desired  running  pending  last event
        loki     not there
        history         16       15        1  4m ago: has reached a steady state.�[2J

        run      in progress, task 0123abcd, since 06:53:20 UTC (1h06m), 2 generators
        workers  end at 09:56 UTC, in 1h56m
        costs    $9.14 an hour: instances $8.24, the rest $0.89; 11 more have no price here
        ");
    }

    #[test]
    fn without_a_run_and_an_end_that_is_said() {
        let mut facts = facts();
        facts.pools.get_mut("main").expect("main").usd_per_hour = None;
        let mut status = status(&facts);
        (status.run, status.end) = (None, None);
        let text = status.text(&facts);
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        insta::assert_snapshot!(last.join("\n"), @r"
        costs    at least, since the price of the pool main is not known: $1.10 an hour: instances $0.20, the rest $0.89; 11 more have no price here
        workers  have no end written
        run      none in progress
        ");
    }

    #[test]
    fn a_status_for_machines() {
        let facts = facts();
        insta::assert_json_snapshot!(status(&facts).json(&facts));
    }

    #[test]
    fn spans_have_the_unit_that_fits() {
        let spans =
            [-5, 0, 59, 60, 3599, 3600, 86_399, 86_400].map(|seconds| span(instant(NOW), instant(NOW + seconds)));
        assert_eq!(spans, ["0s", "0s", "59s", "1m", "59m", "1h00m", "23h59m", "1d"]);
    }
}
