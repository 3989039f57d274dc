//! What was asked for, exactly as it was typed, and where.
//!
//! Nothing is read or checked here: an option is a text and the place that it came from. That keeps one order of
//! precedence for all of them (flag, environment, file, default) and lets every message say `--rate 0` or
//! `BENCHMARK_TARGET_RATE=0`, whichever it was.

use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf};

use serde::{Serialize, Serializer};

use crate::problem::quotable;

/// A part of the options that belongs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// When starts are due.
    Load,
    /// What each start executes.
    Workload,
    /// Which server, and how it is reached.
    Connection,
    /// The embedded server.
    Server,
    /// Who executes.
    Workers,
    /// Who else takes part.
    Fleet,
    /// How completions are observed.
    Measuring,
    /// What must be reached.
    Thresholds,
}

impl Group {
    /// Heading of the group in help and plan.
    pub const fn heading(self) -> &'static str {
        match self {
            Group::Load => "Load",
            Group::Workload => "Workload",
            Group::Connection => "Connection",
            Group::Server => "Embedded server",
            Group::Workers => "Workers",
            Group::Fleet => "Fleet",
            Group::Measuring => "Measuring",
            Group::Thresholds => "Thresholds",
        }
    }
}

macro_rules! keys {
    ($($(#[$doc:meta])* $variant:ident: $name:literal in $group:ident,)*) => {
        /// An option that a plan follows from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Key { $($(#[$doc])* $variant,)* }

        impl Key {
            /// Every option, in the order in which people read them.
            pub const ALL: &'static [Key] = &[$(Key::$variant,)*];

            /// Its name in a file and in messages: `ramp-up`.
            pub const fn name(self) -> &'static str {
                match self { $(Key::$variant => $name,)* }
            }

            /// The flag that sets it: `--ramp-up`.
            pub const fn flag(self) -> &'static str {
                match self {
                    // The only option whose flag says the opposite of its key.
                    Key::Cleanup => "--no-cleanup",
                    $(#[allow(unreachable_patterns)] Key::$variant => concat!("--", $name),)*
                }
            }

            /// The group that it belongs to.
            pub const fn group(self) -> Group {
                match self { $(Key::$variant => Group::$group,)* }
            }
        }
    };
}

keys! {
    /// Starts a second after the ramp.
    Rate: "rate" in Load,
    /// The whole submission window.
    Duration: "duration" in Load,
    /// The rising part of the window.
    RampUp: "ramp-up" in Load,
    /// The part at full rate that is not measured.
    WarmUp: "warm-up" in Load,
    /// How long completions are waited for.
    Drain: "drain" in Load,
    /// How long everything after a signal may take.
    StopTimeout: "stop-timeout" in Load,
    /// Repetitions of the window.
    Iterations: "iterations" in Load,
    /// Spacing of arrivals.
    Arrivals: "arrivals" in Load,
    /// Seed of everything that is drawn.
    Seed: "seed" in Load,
    /// Cap on unanswered starts.
    MaxInFlight: "max-in-flight" in Load,
    /// What happens at the cap.
    WhenFull: "when-full" in Load,
    /// Age at which a waiting arrival is given up.
    MaxLag: "max-lag" in Load,
    /// The workflow.
    WorkflowType: "workflow-type" in Workload,
    /// Activities of one multi-activity workflow.
    ActivityCount: "activity-count" in Workload,
    /// How many of them run at the same time, first.
    ParallelActivities: "parallel-activities" in Workload,
    /// How long each activity sleeps.
    ActivityDuration: "activity-duration" in Workload,
    /// CPU that each activity burns.
    ActivityCpu: "activity-cpu" in Workload,
    /// How long a timer workflow sleeps.
    TimerDuration: "timer-duration" in Workload,
    /// Children of one child-workflow.
    ChildCount: "child-count" in Workload,
    /// Bytes of payload.
    PayloadSize: "payload-size" in Workload,
    /// Bytes of payload that come back.
    ResultSize: "result-size" in Workload,
    /// Share of workflows that are told to fail.
    FailureRatio: "failure-ratio" in Workload,
    /// The frontend's address; none means the embedded server.
    Address: "address" in Connection,
    /// The namespace.
    Namespace: "namespace" in Connection,
    /// The task queue; for a worker process also several.
    TaskQueue: "task-queue" in Connection,
    /// TLS on or off.
    Tls: "tls" in Connection,
    /// PEM file of the authority.
    TlsCa: "tls-ca" in Connection,
    /// PEM file of the client's certificate.
    TlsCert: "tls-cert" in Connection,
    /// PEM file of the client's key.
    TlsKey: "tls-key" in Connection,
    /// Name that the server's certificate must carry.
    TlsServerName: "tls-server-name" in Connection,
    /// That there is an API key. Its text is never the key: see [`Given::hidden`].
    ApiKey: "api-key" in Connection,
    /// HTTP/2 connections for starts.
    Connections: "connections" in Connection,
    /// Threads that send starts.
    Threads: "threads" in Connection,
    /// How the threads that send are scheduled.
    Scheduling: "scheduling" in Connection,
    /// A start's own deadline.
    StartTimeout: "start-timeout" in Connection,
    /// How long connecting may take.
    ConnectTimeout: "connect-timeout" in Connection,
    /// The `temporal` binary.
    ServerBinary: "server-binary" in Server,
    /// Settings of the embedded server.
    ServerPreset: "server-preset" in Server,
    /// One dynamic configuration value; the only option that may be given several times.
    ServerConfig: "server-config" in Server,
    /// Whether the embedded server is left running.
    KeepServer: "keep-server" in Server,
    /// SDK workers in a generator's process.
    Workers: "workers" in Workers,
    /// SDK workers in a worker process, for each task queue.
    WorkersPerProcess: "workers-per-process" in Workers,
    /// Values that belong together, for workers in a generator's process.
    WorkerProfile: "worker-profile" in Workers,
    /// Values that belong together, for a worker process.
    Profile: "profile" in Workers,
    /// Whether slots are fixed or follow the machine.
    Slots: "slots" in Workers,
    /// Workflow tasks at the same time.
    WorkflowSlots: "workflow-slots" in Workers,
    /// Activities at the same time.
    ActivitySlots: "activity-slots" in Workers,
    /// Local activities at the same time.
    LocalActivitySlots: "local-activity-slots" in Workers,
    /// Share of the CPU up to which slots are given out.
    TargetCpu: "target-cpu" in Workers,
    /// Share of the memory up to which slots are given out.
    TargetMemory: "target-memory" in Workers,
    /// Polls for workflow tasks.
    WorkflowPollers: "workflow-pollers" in Workers,
    /// Polls for activities.
    ActivityPollers: "activity-pollers" in Workers,
    /// Workflows kept in memory.
    CacheSize: "cache-size" in Workers,
    /// How long a task may lie on a worker's own queue.
    StickyTimeout: "sticky-timeout" in Workers,
    /// Whether activities are handed out with the answer to a workflow task.
    EagerActivities: "eager-activities" in Workers,
    /// Cap on activities a second.
    ActivitiesPerSecond: "activities-per-second" in Workers,
    /// The worker deployment's name.
    Deployment: "deployment" in Workers,
    /// The build that the workers are.
    BuildId: "build-id" in Workers,
    /// How long activities may go on after a shutdown began.
    GracefulShutdown: "graceful-shutdown" in Workers,
    /// Who the workers say they are.
    Identity: "identity" in Workers,
    /// Worker processes that the run waits for.
    ExpectWorkers: "expect-workers" in Fleet,
    /// Generators that share the arrivals.
    Generators: "generators" in Fleet,
    /// Where the others join.
    FleetListen: "fleet-listen" in Fleet,
    /// How long the others are waited for.
    FleetTimeout: "fleet-timeout" in Fleet,
    /// That there is a token. Its text is never the token: see [`Given::hidden`].
    FleetToken: "fleet-token" in Fleet,
    /// Whether others may join from outside of this machine without a token.
    FleetOpen: "fleet-open" in Fleet,
    /// Whether members of other versions may join.
    AllowVersionSkew: "allow-version-skew" in Fleet,
    /// PEM file of the fleet service's certificate.
    FleetTlsCert: "fleet-tls-cert" in Fleet,
    /// PEM file of the fleet service's key.
    FleetTlsKey: "fleet-tls-key" in Fleet,
    /// The leading generator that is joined.
    Join: "join" in Fleet,
    /// The plan that is insisted on.
    ExpectPlan: "expect-plan" in Fleet,
    /// Whether a worker process goes on after the run.
    Stay: "stay" in Fleet,
    /// How long joining may take.
    JoinTimeout: "join-timeout" in Fleet,
    /// How long the leader may be out of reach.
    LeaderTimeout: "leader-timeout" in Fleet,
    /// PEM file of the authority of the fleet service's certificate.
    FleetTlsCa: "fleet-tls-ca" in Fleet,
    /// Name that the fleet service's certificate must carry.
    FleetTlsServerName: "fleet-tls-server-name" in Fleet,
    /// Share of workflows that are long-polled.
    Sample: "sample" in Measuring,
    /// Cap on open long polls.
    SampleCap: "sample-cap" in Measuring,
    /// Whether what is still open afterwards is terminated.
    Cleanup: "cleanup" in Measuring,
    /// Where this process's metrics can be read.
    MetricsListen: "metrics-listen" in Measuring,
    /// How long a last scrape is waited for.
    MetricsGrace: "metrics-grace" in Measuring,
    /// Where the page is written each second.
    RemoteWrite: "remote-write" in Measuring,
    /// File with headers that it is written with.
    RemoteWriteHeaders: "remote-write-headers" in Measuring,
    /// Metrics pages of servers and workers.
    ServerMetrics: "server-metrics" in Measuring,
    /// A Prometheus that is asked for the server's figures.
    Prometheus: "prometheus" in Measuring,
    /// Matchers that its series must meet besides.
    PrometheusMatch: "prometheus-match" in Measuring,
    /// File with headers that it is asked with.
    PrometheusHeaders: "prometheus-headers" in Measuring,
    /// File with what is known of the cluster.
    ClusterFacts: "cluster-facts" in Measuring,
    /// The Grafana that has the boards.
    GrafanaUrl: "grafana-url" in Measuring,
    /// Limit of the 99th percentile of `e2e_response`.
    MaxP99Latency: "max-p99-latency" in Thresholds,
    /// Completions a second, at least.
    MinThroughput: "min-throughput" in Thresholds,
    /// Share of arrivals that may end in anything but completion.
    MaxErrorRatio: "max-error-ratio" in Thresholds,
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Where an option's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line, with the flag as typed, which may be another than the option's own: `--generator-only`.
    Flag(Cow<'static, str>),
    /// An environment variable, by name.
    Environment(Cow<'static, str>),
    /// A file.
    File(PathBuf),
    /// Nobody: the default, with its reason in a few words (empty when there is nothing to say).
    Default(Cow<'static, str>),
}

impl Source {
    /// Whether it was typed on the command line.
    pub fn is_flag(&self) -> bool {
        matches!(self, Source::Flag(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(flag) => write!(f, "flag {flag}"),
            Source::Environment(name) => write!(f, "environment {name}"),
            Source::File(path) => write!(f, "file {}", path.display()),
            Source::Default(reason) if reason.is_empty() => f.write_str("default"),
            Source::Default(reason) => write!(f, "default: {reason}"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One value as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The text.
    pub text: String,
    /// Where it was typed.
    pub source: Source,
}

impl Given {
    /// A value from the command line.
    pub fn by_flag(flag: &'static str, text: impl Into<String>) -> Self {
        Given {
            text: text.into(),
            source: Source::Flag(flag.into()),
        }
    }

    /// A value from an environment variable.
    pub fn by_environment(name: &'static str, text: impl Into<String>) -> Self {
        Given {
            text: text.into(),
            source: Source::Environment(name.into()),
        }
    }

    /// A value from a file.
    pub fn by_file(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Given {
            text: text.into(),
            source: Source::File(path.into()),
        }
    }

    /// That a secret was given, without it.
    pub fn hidden(source: Source) -> Self {
        Given {
            text: "***".to_owned(),
            source,
        }
    }

    /// The value as its giver would recognise it: `--rate 0`, `BENCHMARK_TARGET_RATE=0`, `rate = 0 in ci.toml`.
    pub fn quote(&self, key: Key) -> String {
        let text = quotable(&self.text);
        match &self.source {
            // A switch, or a flag that stands for a value of another one.
            Source::Flag(flag) if self.text == "true" || flag != key.flag() || key == Key::Cleanup => flag.to_string(),
            Source::Flag(flag) if key == Key::Tls => format!("{flag}={text}"),
            Source::Flag(flag) => format!("{flag} {text}"),
            Source::Environment(name) => format!("{name}={text}"),
            Source::File(path) => format!("{} = {text} in {}", key.name(), path.display()),
            Source::Default(_) => format!("{} {text} (default)", key.flag()),
        }
    }
}

/// Everything that was asked for. Whatever is absent takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    options: BTreeMap<Key, Given>,
    server_config: Vec<Given>,
}

impl Asked {
    /// Nothing asked for: every option at its default.
    pub fn new() -> Self {
        Asked::default()
    }

    /// Adds an option unless it is there already: add flags first, then the environment, then files.
    ///
    /// [`Key::ServerConfig`] is the exception: its values add up.
    pub fn add(&mut self, key: Key, given: Given) {
        if key == Key::ServerConfig {
            self.server_config.push(given);
        } else {
            self.options.entry(key).or_insert(given);
        }
    }

    /// The option as it was typed, if it was.
    pub fn get(&self, key: Key) -> Option<&Given> {
        match key {
            Key::ServerConfig => self.server_config.first(),
            _ => self.options.get(&key),
        }
    }

    /// The values of [`Key::ServerConfig`], `k=v` each, strongest first.
    pub fn server_config(&self) -> &[Given] {
        &self.server_config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_giver_wins() {
        let mut asked = Asked::new();
        asked.add(Key::Rate, Given::by_flag("--rate", "10"));
        asked.add(Key::Rate, Given::by_environment("BENCHMARK_TARGET_RATE", "20"));
        assert_eq!(asked.get(Key::Rate).unwrap().text, "10");
    }

    #[test]
    fn quotes_a_value_as_its_giver_wrote_it() {
        assert_eq!(Given::by_flag("--rate", "0").quote(Key::Rate), "--rate 0");
        assert_eq!(
            Given::by_environment("BENCHMARK_TARGET_RATE", "0").quote(Key::Rate),
            "BENCHMARK_TARGET_RATE=0"
        );
        assert_eq!(Given::by_file("ci.toml", "0").quote(Key::Rate), "rate = 0 in ci.toml");
        assert_eq!(
            Given::by_flag("--generator-only", "0").quote(Key::Workers),
            "--generator-only"
        );
        assert_eq!(Given::by_flag("--tls", "false").quote(Key::Tls), "--tls=false");
        assert_eq!(
            Given::by_flag("--keep-server", "true").quote(Key::KeepServer),
            "--keep-server"
        );
    }

    #[test]
    fn every_key_has_its_own_name() {
        let names: std::collections::BTreeSet<_> = Key::ALL.iter().map(|key| key.name()).collect();
        assert_eq!(names.len(), Key::ALL.len());
        assert_eq!(Key::RampUp.flag(), "--ramp-up");
        assert_eq!(Key::Cleanup.flag(), "--no-cleanup");
    }
}
