//! What the fleet costs: `cargo bench -p benchmark-fleet`.
//!
//! 64 simulated workers tell 1,000 ends a second each, over gRPC on loopback, to a leader that reads and merges them: each
//! arrival once, and histograms of all and of each member. The workers live in a process of their own, so that the CPU of
//! both sides is known; a run without ends before it shows what being there costs.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::{
    collections::HashMap,
    env,
    error::Error,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use benchmark_fleet::{
    EndKind, EndRecord, EndsBuilder, Leader, LeaderAt, LeaderOptions, Member, MemberId, MemberOptions, RemoteLeader,
    Role, ServeOptions, Source, SystemClock, WindowSink, read_ends, serve, wire,
};
use benchmark_results::{
    Histogram,
    schema::{Fact, HostFacts},
};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

const MEMBERS: u64 = 64;
const ENDS_PER_SECOND: u64 = 1_000;
/// Of the two runs: without ends, and with.
const RUNS: [(u64, Duration); 2] = [(0, Duration::from_secs(2)), (ENDS_PER_SECOND, Duration::from_secs(5))];
/// Set for the process of the workers: the leader's address, the rate of each, milliseconds.
const WORKERS: &str = "FLEET_BENCH_WORKERS";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    match env::var(WORKERS) {
        Ok(task) => workers(&task),
        Err(_) => leader(),
    }
}

fn leader() -> Outcome<()> {
    let runtime = runtime()?;
    println!("{MEMBERS} workers, exchanges every 500 ms, gRPC on loopback");
    for (rate, time) in RUNS {
        let merger = Arc::new(Merger::default());
        let leader = Leader::new(options(), merger.clone());
        let listen = "127.0.0.1:0".parse()?;
        let serving = runtime.block_on(serve(
            leader.clone(),
            ServeOptions {
                listen,
                token: None,
                tls: None,
            },
        ))?;
        let (wall, cpu) = (Instant::now(), cpu());
        let child = Command::new(env::current_exe()?)
            .env(WORKERS, format!("{} {rate} {}", serving.address(), time.as_millis()))
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.wait_with_output()?;
        let (used, wall) = (crate::cpu() - cpu, wall.elapsed());
        if !output.status.success() {
            return Err("the workers failed".into());
        }
        runtime.block_on(serving.stop());
        let said = String::from_utf8(output.stdout)?;
        let said: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [sent, of_workers, seconds] = said[..] else {
            return Err("the workers told something else".into());
        };
        let merged = merger.0.lock().map_err(|_| "a window panicked")?;
        if merged.service.count() != sent as u64 {
            return Err(format!("{sent} ends were sent and {} merged", merged.service.count()).into());
        }
        println!(
            "{:>5} ends/s each: leader {:5.1} % of a core; a worker {:5.2} ms CPU a second{}",
            rate,
            used.as_secs_f64() / wall.as_secs_f64() * 100.0,
            of_workers / seconds / MEMBERS as f64 * 1000.0,
            match rate {
                0 => String::new(),
                _ => format!(
                    "; {sent} ends merged, {:.2} µs of the leader's CPU each",
                    used.as_secs_f64() / sent * 1e6
                ),
            }
        );
    }
    Ok(())
}

/// The process of the workers. Tells how many ends it sent, its CPU seconds, and the seconds that it took.
fn workers(task: &str) -> Outcome<()> {
    let [address, rate, millis] = task.split(' ').collect::<Vec<_>>()[..] else {
        return Err("no task".into());
    };
    let (rate, time) = (rate.parse()?, Duration::from_millis(millis.parse()?));
    let (wall, cpu) = (Instant::now(), cpu());
    let sent = runtime()?.block_on(async {
        let mut members = Vec::new();
        for n in 0..MEMBERS {
            let remote = RemoteLeader {
                address: address.to_owned(),
                token: None,
                tls: None,
            };
            let options = MemberOptions::new(
                LeaderAt::Remote(remote),
                Role::Worker,
                format!("worker-{n}"),
                "bench",
                host(),
                Arc::new(unix_ns),
            );
            let (_, mut member) = Member::join(options).await?;
            let source = Arc::new(Simulated {
                first: n,
                rate,
                begun: Instant::now(),
                told: AtomicU64::new(0),
            });
            member.begin(source.clone());
            members.push((member, source));
        }
        tokio::time::sleep(time).await;
        let mut sent = 0;
        for (member, source) in members {
            member.leave("done".to_owned(), Duration::from_secs(5)).await?;
            sent += source.told.load(Ordering::Relaxed);
        }
        Outcome::Ok(sent)
    })?;
    let used = crate::cpu() - cpu;
    println!("{sent} {} {}", used.as_secs_f64(), wall.elapsed().as_secs_f64());
    Ok(())
}

/// A worker whose workflows end at an even rate after 50 to 150 ms.
struct Simulated {
    first: u64,
    rate: u64,
    begun: Instant,
    told: AtomicU64,
}

impl Source for Simulated {
    fn windows(&self, to_leader_ns: i64) -> Vec<(String, wire::window::Body)> {
        let due = (self.begun.elapsed().as_secs_f64() * self.rate as f64) as u64;
        let told = self.told.swap(due, Ordering::Relaxed);
        if due == told {
            return Vec::new();
        }
        let now = unix_ns().saturating_add_signed(to_leader_ns);
        let mut ends = EndsBuilder::new();
        for n in told..due {
            let ended = now - (due - n) * 1_000_000_000 / self.rate;
            ends.push(EndRecord {
                // Workflows of all workers are mixed.
                n: n * MEMBERS + self.first,
                ended_unix_ns: ended,
                sent_unix_ns: ended - 50_000_000 - n * 7_919_777 % 100_000_000,
                kind: EndKind::Completed,
                message: None,
            });
        }
        vec![("run/1/".to_owned(), wire::window::Body::Ends(ends.finish()))]
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

/// What a leader does with ends: each arrival once, latencies of all and of each member.
#[derive(Default)]
struct Merger(Mutex<Merged>);

#[derive(Default)]
struct Merged {
    seen: Vec<u64>,
    service: Histogram,
    members: HashMap<MemberId, Histogram>,
}

impl WindowSink for Merger {
    fn take(&self, member: MemberId, window: wire::Window) -> Result<(), String> {
        let Some(wire::window::Body::Ends(ends)) = &window.body else {
            return Err("no ends".to_owned());
        };
        let ends = read_ends(ends)?;
        let mut merged = self.0.lock().map_err(|_| "a window panicked")?;
        let Merged { seen, service, members } = &mut *merged;
        let of_member = members.entry(member).or_default();
        for end in ends {
            let (word, bit) = (end.n as usize / 64, 1 << (end.n % 64));
            if seen.len() <= word {
                seen.resize(word * 2 + 1, 0);
            }
            if seen[word] & bit == 0 {
                seen[word] |= bit;
                let micros = (end.ended_unix_ns as i64 - end.sent_unix_ns as i64) / 1000;
                service.record_micros(micros);
                of_member.record_micros(micros);
            }
        }
        Ok(())
    }
}

fn options() -> LeaderOptions {
    LeaderOptions {
        version: "bench".to_owned(),
        run_id: "run".to_owned(),
        plan_json: "{}".to_owned(),
        plan_hash: "0123456789".to_owned(),
        server_address: "127.0.0.1:7233".to_owned(),
        generators: 0,
        clock: Arc::new(SystemClock::new(Arc::new(unix_ns))),
    }
}

fn host() -> HostFacts {
    fn unknown<T>() -> Fact<T> {
        Fact {
            value: None,
            source: "a bench".to_owned(),
        }
    }
    HostFacts {
        cpu_model: unknown(),
        cores: unknown(),
        cgroup_cpu_quota: unknown(),
        memory_bytes: unknown(),
        kernel: unknown(),
        os: unknown(),
        hostname: unknown(),
        instance_type: unknown(),
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
}

fn unix_ns() -> u64 {
    // Far from overflow until the year 2554.
    UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos() as u64)
}

/// CPU that this process has used.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
