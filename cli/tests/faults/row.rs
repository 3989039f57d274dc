//! A row of the table: a fault, when it comes, and what is to be expected of the run.

use std::time::Duration;

use benchmark_results::schema::{CheckStatus, VerdictValue};
use rustix::process::Signal;

use crate::{
    play::Ran,
    proxy::script::{Script, Strike},
};

/// A fault and what must hold.
pub struct Row {
    /// As in `docs/reliability.md`.
    pub name: String,
    /// Arguments on top of [`LOAD`].
    pub arguments: String,
    /// Which server.
    pub on: On,
    /// Whether workers that send no stamps do the work: the server alone tells what ended.
    pub without_stamps: bool,
    /// What happens while it runs.
    pub steps: Vec<Step>,
    /// What is expected.
    pub expect: Expect,
    /// How long it takes on a quiet machine, seconds.
    pub seconds: u32,
}

/// Twenty starts a second for some seconds. What is tried is the account and the verdict: the limits on what must be
/// reached are out of the way.
pub const LOAD: &str = "--rate 20 --duration 10s --ramp-up 1s --warm-up 1s --drain 30s --workers 1 --min-throughput 0 \
                        --max-error-ratio 1 --max-p99-latency 10m --output results.json";

/// For rows in which answers or connections do not come: they are given up soon.
pub const IMPATIENT: &str = "--start-timeout 4s --connect-timeout 4s";

/// The server of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The one that all rows share, through a proxy.
    Shared,
    /// One of its own that keeps its workflows in a file, through a proxy.
    Own,
    /// The program's embedded server.
    Embedded,
}

/// When, and what then. The time counts from the step before.
pub struct Step(pub When, pub Do);

/// A condition, looked at while the program runs.
#[derive(Clone, Debug)]
pub enum When {
    /// At once.
    Now,
    /// So many starts were answered.
    Answered(u64),
    /// A time has passed since the step before.
    Past(Duration),
    /// The program says that it is in a phase.
    In(&'static str),
    /// The program has written its results once.
    Written,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Do {
    /// Nothing: the next step counts from here.
    Note,
    /// The proxy follows a script.
    Play(Script),
    /// Connections meet something.
    Strike(Strike),
    /// The program gets a signal.
    Signal(Signal),
    /// The server is killed.
    KillServer,
    /// The server is started again, with what it had.
    StartServer,
    /// The server gets a signal.
    SignalServer(Signal),
}

/// What is expected of a run.
pub struct Expect {
    /// The verdicts that are right, a starved machine aside.
    pub verdicts: Vec<VerdictValue>,
    /// Checks that must say at least this: the cause.
    pub causes: Vec<(&'static str, CheckStatus)>,
    /// Checks that may say INVALID as well: consequences of the fault that come or do not, as completions that were lost
    /// on their way and are made again.
    pub may: Vec<&'static str>,
    /// Whether the server can be asked at the end, by the program.
    pub server: Reachable,
    /// How long after its load it may end at most.
    pub ends_within: Duration,
    /// What else must hold.
    pub more: fn(&Ran),
}

/// Whether the server can be asked at the end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachable {
    /// It can: everything is accounted for and nothing is left.
    Yes,
    /// It can, but what it counts is not to be had, or wrong: nothing is left all the same.
    NotCounts,
    /// It cannot, or not by the program: the results say so.
    No,
}

impl Row {
    /// A row on the shared server, of a run that is expected to be valid.
    pub fn new(name: &str, steps: Vec<Step>) -> Self {
        Row {
            name: name.to_owned(),
            arguments: String::new(),
            on: On::Shared,
            without_stamps: false,
            steps,
            expect: Expect {
                verdicts: vec![VerdictValue::Valid],
                causes: Vec::new(),
                may: Vec::new(),
                server: Reachable::Yes,
                ends_within: Duration::from_secs(90),
                more: |_| {},
            },
            seconds: 20,
        }
    }

    /// It takes so many seconds on a quiet machine, where that is more than a load and its end.
    pub fn takes(mut self, seconds: u32) -> Self {
        self.seconds = seconds;
        self
    }

    /// It ends within this of its load and its drain.
    pub fn ends_within(mut self, time: Duration) -> Self {
        self.expect.ends_within = time;
        self
    }

    /// With further arguments.
    pub fn arguments(mut self, arguments: &str) -> Self {
        self.arguments = format!("{} {arguments}", self.arguments).trim().to_owned();
        self
    }

    /// With short deadlines.
    pub fn impatient(self) -> Self {
        self.arguments(IMPATIENT)
    }

    /// With workers elsewhere that send no stamps, and a sample.
    pub fn without_stamps(mut self, sample: &str) -> Self {
        self.without_stamps = true;
        self.arguments(&format!("--generator-only --sample {sample}"))
    }

    /// On another server.
    pub fn on(mut self, on: On) -> Self {
        self.on = on;
        self
    }

    /// With these verdicts.
    pub fn verdicts(mut self, verdicts: &[VerdictValue]) -> Self {
        verdicts.clone_into(&mut self.expect.verdicts);
        self
    }

    /// With a check that must say at least this.
    pub fn because(mut self, check: &'static str, status: CheckStatus) -> Self {
        self.expect.causes.push((check, status));
        self
    }

    /// With a check that may say INVALID as well.
    pub fn may(mut self, check: &'static str) -> Self {
        self.expect.may.push(check);
        self
    }

    /// With a server that can or cannot be asked at the end.
    pub fn server(mut self, server: Reachable) -> Self {
        self.expect.server = server;
        self
    }

    /// With more to hold.
    pub fn and(mut self, more: fn(&Ran)) -> Self {
        self.expect.more = more;
        self
    }
}
