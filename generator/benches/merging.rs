//! What it costs the leader to merge the windows of 64 workers: `cargo bench -p benchmark-generator --bench merging`.
//!
//! Simulated workers in a process of their own tell 1,000 ends a second each, over gRPC on loopback, to the leader of a real
//! account: arrivals by number, phases, seconds, histograms of all and of each member. The CPU of this process is the
//! leader's, told as a share of one core; the goal is 20 %.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    env,
    error::Error,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use benchmark_fleet::{
    EndRecord, EndsBuilder, Leader, LeaderAt, LeaderOptions, Member, MemberOptions, RemoteLeader, Role, ServeOptions,
    SystemClock, WindowSource, serve, wire,
};
use benchmark_results::WorkflowEnd;

use benchmark_generator::{
    account::{accountant::Accountant, accounts::Accounts},
    fleet::{Intake, intake::Limits},
    load::{sample::HashedSample, schedule::Schedule, timeline::Timeline},
};
use benchmark_machine::host;
use benchmark_scenarios::{Arrivals, Load, Rate, WhenFull};
use benchmark_workflows::RunClock;
use rustix::time::{ClockId, clock_gettime};

const MEMBERS: u64 = 64;
const ENDS_PER_SECOND: u64 = 1_000;
const TIME: Duration = Duration::from_secs(6);
const PREFIX: &str = "bench";
/// Set for the process of the workers: the leader's address, and the rate of each.
const WORKERS: &str = "MERGING_BENCH_WORKERS";

type Outcome<T> = Result<T, Box<dyn Error>>;

#[expect(clippy::disallowed_methods, reason = "a benchmark is a program")]
fn main() -> Outcome<()> {
    match env::var(WORKERS) {
        Ok(task) => workers(&task),
        Err(_) => [0, ENDS_PER_SECOND].into_iter().try_for_each(merge),
    }
}

/// Merges what workers tell at a rate, and prints what that took.
fn merge(rate: u64) -> Outcome<()> {
    let runtime = runtime()?;
    // The fastest load that there is, long enough that every arrival of the workers is one of it.
    let schedule = Schedule::new(&Load {
        rate: Rate::MAX,
        duration: Duration::from_secs(60),
        ramp_up: Duration::ZERO,
        warm_up: Duration::ZERO,
        drain: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(25),
        arrivals: Arrivals::Constant,
        seed: 1,
        max_in_flight: 1,
        when_full: WhenFull::Queue,
        max_lag: Duration::from_secs(1),
    });
    let timeline = Timeline::beginning_in(0);
    let (reports, incoming) = mpsc::channel();
    let accounts = Accounts::new(&schedule, HashedSample::new(1, 0.0), 60, true);
    let accountant = Accountant::spawn(accounts, (reports, incoming), timeline)?;
    let intake = Intake::default();
    let limits = Limits {
        generators: 1,
        threads: 1,
        max_in_flight: 1,
    };
    intake.open(PREFIX.into(), limits, &schedule, timeline, accountant.reports());
    let leader = Leader::new(
        LeaderOptions {
            version: "bench".to_owned(),
            workers_version: "bench".to_owned(),
            allow_version_skew: false,
            run_id: PREFIX.to_owned(),
            plan_json: "{}".to_owned(),
            plan_hash: "0".repeat(64),
            server_address: "127.0.0.1:7233".to_owned(),
            generators: 0,
            clock: Arc::new(SystemClock::new(Arc::new(|| RunClock::get().now_unix_ns()))),
        },
        Arc::new(intake.clone()),
    );
    let (wall, before) = (Instant::now(), cpu());
    let serving = runtime.block_on(serve(
        leader.clone(),
        ServeOptions {
            listen: "127.0.0.1:0".parse()?,
            token: None,
            tls: None,
        },
    ))?;
    let child = Command::new(env::current_exe()?)
        .env(WORKERS, format!("{} {rate}", serving.address()))
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.wait_with_output()?;
    let (used, wall) = (cpu() - before, wall.elapsed());
    if !output.status.success() {
        return Err("the workers failed".into());
    }
    let sent: u64 = String::from_utf8(output.stdout)?.trim().parse()?;
    runtime.block_on(serving.stop());
    intake.close();
    drop(leader);
    let accounts = accountant.finish();
    let (merged, members) = (accounts.observers().stamped, accounts.members().len());
    if merged != sent {
        return Err(format!("{sent} ends were sent and {merged} merged").into());
    }
    println!(
        "{rate:>5} ends/s of each of {MEMBERS} workers: {merged} ends of {members} members, {:.1} % of one core",
        used.as_secs_f64() / wall.as_secs_f64() * 100.0
    );
    Ok(())
}

/// The process of the workers. Tells how many ends it sent.
fn workers(task: &str) -> Outcome<()> {
    let (address, rate) = task.split_once(' ').ok_or("no task")?;
    let rate = rate.parse()?;
    let host = host::facts(std::path::Path::new("/"));
    let sent = runtime()?.block_on(async {
        let mut members = Vec::new();
        for first in 0..MEMBERS {
            let remote = RemoteLeader {
                address: address.to_owned(),
                token: None,
                tls: None,
            };
            let (_, mut member) = Member::join(MemberOptions::new(
                LeaderAt::Remote(remote),
                Role::Worker,
                format!("worker-{first}"),
                "bench",
                host.clone(),
                Arc::new(|| RunClock::get().now_unix_ns()),
            ))
            .await?;
            let source = Arc::new(Simulated {
                first,
                rate,
                begun: Instant::now(),
                told: AtomicU64::new(0),
            });
            member.begin(source.clone());
            members.push((member, source));
        }
        tokio::time::sleep(TIME).await;
        let mut sent = 0;
        for (member, source) in members {
            member.leave("done".to_owned(), Duration::from_secs(5)).await?;
            sent += source.told.load(Ordering::Relaxed);
        }
        Outcome::Ok(sent)
    })?;
    println!("{sent}");
    Ok(())
}

/// A worker whose workflows end at an even rate, 50 to 150 ms after they were sent.
struct Simulated {
    first: u64,
    rate: u64,
    begun: Instant,
    told: AtomicU64,
}

impl WindowSource for Simulated {
    fn windows(&self, to_leader_ns: i64) -> Vec<(String, wire::window::Body)> {
        let due = (self.begun.elapsed().as_secs_f64() * self.rate as f64) as u64;
        let told = self.told.swap(due, Ordering::Relaxed);
        let now = RunClock::get().now_unix_ns().saturating_add_signed(to_leader_ns);
        let mut ends = EndsBuilder::new();
        for n in told..due {
            let ended = now - (due - n) * 1_000_000_000 / self.rate;
            ends.push(EndRecord {
                // Workflows of all workers are mixed.
                n: n * MEMBERS + self.first,
                ended_unix_ns: ended,
                sent_unix_ns: ended - 50_000_000 - n * 7_919_777 % 100_000_000,
                end: WorkflowEnd::Completed,
                message: None,
            });
        }
        if ends.is_empty() {
            return Vec::new();
        }
        vec![(PREFIX.to_owned(), wire::window::Body::Ends(ends.finish()))]
    }

    fn status(&self) -> wire::Status {
        wire::Status {
            ready: true,
            cpu_cores: 1.0,
            cpu_share: 0.5,
            memory_bytes: 30_000_000,
            workflow_slots: Some(wire::Slots { used: 50, free: 150 }),
            activity_slots: Some(wire::Slots { used: 20, free: 180 }),
            ..Default::default()
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// CPU time of this process.
fn cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
