//! A leader with a scripted clock and a sink that counts, for the tests of this crate.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use benchmark_results::{
    Histogram, WorkflowEnd,
    schema::{Fact, HostFacts},
};

use crate::{
    Clock, EndRecord, EndsBuilder, Leader, LeaderAt, LeaderOptions, MemberId, MemberOptions, Rejected, RemoteLeader,
    Role, SystemClock, Teller, WindowSink, WindowSource, read_ends, wire,
};

pub(crate) const VERSION: &str = "1.2.3";
pub(crate) const PLAN: &str = "0123456789abcdef0123456789abcdef";

/// Time that passes when a test says so.
#[derive(Debug, Default)]
pub(crate) struct Script(AtomicU64);

impl Script {
    pub(crate) fn pass(&self, time: Duration) {
        self.0.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for Script {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    fn unix_ns(&self) -> u64 {
        1_000_000_000 + self.0.load(Ordering::Relaxed)
    }
}

/// What came of all windows: the ends by kind, each arrival once, and how long they took.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Merged {
    pub(crate) kinds: BTreeMap<u8, u64>,
    pub(crate) arrivals: BTreeMap<u64, u64>,
    pub(crate) service: Histogram,
    pub(crate) sequences: BTreeMap<MemberId, Vec<u64>>,
}

/// A sink that merges, refuses windows of the run `bad`, and has no room for those of the run `full`.
#[derive(Debug, Default)]
pub(crate) struct Merger(pub(crate) Mutex<Merged>);

impl WindowSink for Merger {
    fn take(&self, from: Teller, window: wire::Window) -> Result<(), Rejected> {
        match window.run.as_str() {
            "bad" => return Err(Rejected::Malformed("it is of no run\u{7}".to_owned())),
            "full" => return Err(Rejected::Full),
            _ => {}
        }
        let ends = match &window.body {
            Some(wire::window::Body::Ends(ends)) => read_ends(ends)?,
            _ => Vec::new(),
        };
        let mut merged = self.0.lock().unwrap();
        merged.sequences.entry(from.id).or_default().push(window.sequence);
        for end in ends {
            *merged.kinds.entry(end.end as u8).or_default() += 1;
            *merged.arrivals.entry(end.n).or_default() += 1;
            merged
                .service
                .record(Duration::from_nanos(end.ended_unix_ns.saturating_sub(end.sent_unix_ns)));
        }
        Ok(())
    }
}

pub(crate) fn leader(generators: u32) -> (Leader, Arc<Script>, Arc<Merger>) {
    let clock = Arc::new(Script::default());
    let (leader, merger) = leader_of("run-1", generators, clock.clone());
    (leader, clock, merger)
}

/// A leader on the machine's clock.
pub(crate) fn live(run_id: &str) -> (Leader, Arc<Merger>) {
    leader_of(run_id, 1, Arc::new(SystemClock::new(unix())))
}

/// The machine's clock.
pub(crate) fn unix() -> Arc<dyn Fn() -> u64 + Send + Sync> {
    Arc::new(|| UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64)
}

fn leader_of(run_id: &str, generators: u32, clock: Arc<dyn Clock>) -> (Leader, Arc<Merger>) {
    let merger = Arc::new(Merger::default());
    let options = LeaderOptions {
        version: VERSION.to_owned(),
        workers_version: VERSION.to_owned(),
        allow_version_skew: false,
        run_id: run_id.to_owned(),
        plan_json: "{}".to_owned(),
        plan_hash: PLAN.to_owned(),
        server_address: "127.0.0.1:7233".to_owned(),
        generators,
        clock,
    };
    (Leader::new(options, merger.clone()), merger)
}

pub(crate) fn host() -> HostFacts {
    fn text(value: &str) -> Fact<String> {
        Fact::found(value.to_owned(), "test")
    }
    HostFacts {
        cpu_model: text("cpu"),
        cores: Fact::found(4, "test"),
        cgroup_cpu_quota: Fact::found(1.5, "test"),
        memory_bytes: Fact::found(1 << 30, "test"),
        kernel: text("kernel"),
        os: text("os"),
        hostname: text("host"),
        instance_type: text("none"),
    }
}

pub(crate) fn join(key: u8, role: wire::Role) -> wire::JoinRequest {
    wire::JoinRequest {
        protocol: crate::PROTOCOL,
        version: VERSION.to_owned(),
        role: role.into(),
        key: vec![key; 16],
        name: format!("member-{key}"),
        plan_hash: String::new(),
        host_json: serde_json::to_string(&host()).unwrap(),
        workers_json: String::new(),
    }
}

pub(crate) fn exchange(key: u8, windows: Vec<wire::Window>) -> wire::ExchangeRequest {
    wire::ExchangeRequest {
        key: vec![key; 16],
        windows,
        status: Some(wire::Status::default()),
        ..Default::default()
    }
}

/// Ends of these arrivals, the n-th of which took n microseconds.
pub(crate) fn ends(arrivals: impl IntoIterator<Item = u64>) -> wire::window::Body {
    let mut ends = EndsBuilder::new();
    for n in arrivals {
        let kind = match n % 5 {
            3 => WorkflowEnd::Failed,
            4 => WorkflowEnd::Cancelled,
            _ => WorkflowEnd::Completed,
        };
        ends.push(EndRecord {
            n,
            ended_unix_ns: 1_000_000_000 + n * 1_000,
            sent_unix_ns: 1_000_000_000,
            end: kind,
            message: None,
        });
    }
    wire::window::Body::Ends(ends.finish())
}

pub(crate) fn window(sequence: u64, arrivals: impl IntoIterator<Item = u64>) -> wire::Window {
    wire::Window {
        sequence,
        run: "run".to_owned(),
        body: Some(ends(arrivals)),
        ..wire::Window::default()
    }
}

/// A worker of the leader at this address, which is quick in everything.
pub(crate) fn worker(address: impl ToString) -> MemberOptions {
    let remote = RemoteLeader {
        address: address.to_string(),
        token: None,
        tls: None,
    };
    worker_of(LeaderAt::Remote(remote))
}

pub(crate) fn worker_of(leader: LeaderAt) -> MemberOptions {
    let mut options = MemberOptions::new(leader, Role::Worker, "worker", VERSION, host(), unix());
    options.interval = Duration::from_millis(10);
    options.join_timeout = Duration::from_millis(300);
    options
}

/// What a test says is observed.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    first: u64,
    arrivals: AtomicU64,
    windows: Mutex<Vec<(String, wire::window::Body)>>,
}

impl Observed {
    /// Observes that many new ends, in one window.
    pub(crate) fn observe(&self, count: u64) {
        let first = self.arrivals.fetch_add(count, Ordering::Relaxed);
        self.push("run", ends(first..first + count));
    }

    pub(crate) fn push(&self, run: &str, body: wire::window::Body) {
        self.windows.lock().unwrap().push((run.to_owned(), body));
    }

    /// Observes arrivals from this number.
    pub(crate) fn from(first: u64) -> Observed {
        Observed {
            first,
            arrivals: AtomicU64::new(first),
            ..Default::default()
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.arrivals.load(Ordering::Relaxed) - self.first
    }
}

impl WindowSource for Observed {
    fn windows(&self, _: i64) -> Vec<(String, wire::window::Body)> {
        std::mem::take(&mut *self.windows.lock().unwrap())
    }

    fn status(&self) -> wire::Status {
        wire::Status {
            ready: true,
            ..Default::default()
        }
    }
}

impl Merger {
    /// How many arrivals ended, each of them once.
    pub(crate) fn ended(&self) -> u64 {
        let merged = self.0.lock().unwrap();
        assert!(merged.arrivals.values().all(|count| *count == 1), "counted twice");
        merged.arrivals.len() as u64
    }
}

/// Waits until it is so, for ten seconds at most.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let wait = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .unwrap_or_else(|_| panic!("not so after ten seconds: {what}"));
}

/// Serves the leader on any free port, without token and TLS.
pub(crate) async fn plain(leader: &Leader) -> crate::Serving {
    let options = crate::ServeOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        token: None,
        tls: None,
    };
    crate::serve(leader.clone(), options).await.unwrap()
}
