//! `workers`: their number, and when they end.

use std::{process::ExitCode, time::SystemTime};

use benchmark_results::format::plural;
use benchmark_scenarios::{Problem, units};
use serde_json::json;

use crate::{
    args::WorkersArgs,
    facts::{Facts, Pool, Service},
    session::Session,
    steady::Wanted,
};

/// Sets their number, with their end, and waits until it is reached.
///
/// # Errors
/// When there is no room for so many, AWS refuses, or it takes too long.
pub async fn workers(session: &Session, args: &WorkersArgs) -> Result<ExitCode, Problem> {
    let facts = &session.facts;
    let service = &facts.workers()?.service;
    check_room(facts, args.count, "workers")?;
    if let Some(progress) = session.in_progress().await? {
        let question = format!(
            "A run is in progress ({}), and another number of workers changes what it measures.",
            progress.name()
        );
        session.console.agree(&question, &facts.project)?;
    }
    // The end first: whatever fails after this, they end.
    if args.count > 0 {
        session.write_end(args.ttl).await?;
    }
    let since = SystemTime::now();
    session.set_count(&service.name, args.count).await?;
    if !session.console.is_dry {
        let wanted = Wanted {
            service,
            count: args.count,
        };
        session.steady(&wanted, since, args.timeout).await?;
    }
    if args.count == 0 {
        session.remove_end().await?;
    }
    if session.console.is_dry {
        return Ok(ExitCode::SUCCESS);
    }
    let sentence = match args.count {
        0 => "no workers are left".to_owned(),
        count => format!(
            "{} here, with an end in {}",
            plural(count.into(), "worker"),
            units::format(args.ttl)
        ),
    };
    session.tell("workers", sentence, json!({ "count": args.count }));
    Ok(ExitCode::SUCCESS)
}

/// Whether so many workers can run at once; `asked` is what asked for them.
///
/// # Errors
/// When they cannot, with the variable that decides.
pub fn check_room(facts: &Facts, count: u32, asked: &str) -> Result<(), Problem> {
    let workers = facts.workers()?;
    if count > workers.max {
        return Err(
            Problem::new(format!("{asked} {count}: at most {} workers", workers.max))
                .remedy("terraform apply with a larger benchmark_worker_max"),
        );
    }
    let Some(pool) = facts.pools.get(&workers.service.pool) else {
        return Ok(());
    };
    let room = room(pool, &workers.service);
    if count > room {
        return Err(Problem::new(format!(
            "{asked} {count}: the pool {} has at most {} × {}, which have room for {room} workers",
            workers.service.pool, pool.max, pool.instance_type
        ))
        .remedy("terraform apply with a larger benchmark_max_instances"));
    }
    Ok(())
}

/// Workers that a pool has room for.
fn room(pool: &Pool, workers: &Service) -> u32 {
    let by_cpu = pool.vcpu * 1024 / workers.cpu.max(1);
    let by_memory = pool.mib / workers.memory.max(1);
    pool.max.saturating_mul(by_cpu.min(by_memory).min(pool.task_interfaces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_what_the_scarcest_leaves() {
        let pool = |max, vcpu, mib, task_interfaces| Pool {
            capacity_provider: String::new(),
            group: String::new(),
            max,
            instance_type: "m8g.4xlarge".to_owned(),
            vcpu,
            mib,
            task_interfaces,
            usd_per_hour: None,
        };
        let facts = Facts::parse(include_str!("../tests/facts/bench.json"), "bench.json").expect("facts");
        let workers = &facts.workers().expect("workers").service;
        assert_eq!((workers.cpu, workers.memory), (4096, 4096));
        assert_eq!(room(&pool(13, 16, 60_948, 7), workers), 52, "CPU");
        assert_eq!(room(&pool(13, 64, 12_000, 7), workers), 26, "memory");
        assert_eq!(room(&pool(13, 64, 60_948, 3), workers), 39, "interfaces");
    }
}
