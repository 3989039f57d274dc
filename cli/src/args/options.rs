//! The options of a run, as texts: what they mean is for the resolution to say, so that a bad value is reported in the
//! same words whether it comes from a flag, a variable or a file.

use std::path::PathBuf;

pub use crate::command_line::HiddenText;
use crate::logging::LogArgs;
use clap::Args;

/// Everything that can be asked of a run.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// When starts are due.
    #[command(flatten)]
    pub load: LoadArgs,
    /// What each start executes.
    #[command(flatten)]
    pub workload: WorkloadArgs,
    /// Which server, and how it is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// The embedded server.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Who executes.
    #[command(flatten)]
    pub workers: WorkersArgs,
    /// Who else takes part.
    #[command(flatten)]
    pub fleet: FleetArgs,
    /// How completions are observed.
    #[command(flatten)]
    pub measuring: MeasuringArgs,
    /// What must be reached.
    #[command(flatten)]
    pub thresholds: ThresholdArgs,
    /// What is written and printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// When starts are due, and what happens when they cannot be sent.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Load")]
pub struct LoadArgs {
    /// Starts a second after the ramp, 0.1 to 50000 [default: 100]
    #[arg(long, value_name = "PER_SECOND")]
    pub rate: Option<String>,
    /// Submission window: ramp-up, warm-up and the measured rest, 1s to 24h [default: 5m]
    #[arg(long, value_name = "TIME")]
    pub duration: Option<String>,
    /// Part of --duration in which the rate rises from a tenth of itself, at least 1/s [default: a tenth of
    /// --duration, at most 30s]
    #[arg(long, value_name = "TIME")]
    pub ramp_up: Option<String>,
    /// Part of --duration at full rate that is not measured [default: a tenth of --duration, at most 30s]
    #[arg(long, value_name = "TIME")]
    pub warm_up: Option<String>,
    /// How long completions are waited for after the last start; 0 for not at all [default: auto, which is as long as
    /// --duration, from 1m to 10m]
    #[arg(long, value_name = "TIME|auto")]
    pub drain: Option<String>,
    /// How long everything may take that comes after a signal, 2s to 1h [default: 25s]
    #[arg(long, value_name = "TIME")]
    pub stop_timeout: Option<String>,
    /// How often the window is repeated, 1 to 100 [default: 1]
    #[arg(long, value_name = "N")]
    pub iterations: Option<String>,
    /// Spacing of starts: constant or poisson (as from many independent callers) [default: constant]
    #[arg(long, value_name = "SPACING")]
    pub arrivals: Option<String>,
    /// Seed of everything that is drawn: arrivals, sleeps, failures, the sample [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<String>,
    /// Starts of all generators that may be unanswered at the same time, about 38 KiB of memory each [default: the starts of
    /// --start-timeout, from 100 to 5000]
    #[arg(long, value_name = "N")]
    pub max_in_flight: Option<String>,
    /// A start that is due at that cap: queue (its wait counts as latency), drop (counted) or abort (ends the run)
    /// [default: queue]
    #[arg(long, value_name = "POLICY")]
    pub when_full: Option<String>,
    /// Age at which a waiting start is given up and counted as dropped, 1ms to 1h [default: 1s]
    #[arg(long, value_name = "TIME")]
    pub max_lag: Option<String>,
}

/// What each start executes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Workload")]
pub struct WorkloadArgs {
    /// simple, multi-activity, timer, child-workflow or state-transitions [default: simple]
    #[arg(long, value_name = "NAME")]
    pub workflow_type: Option<String>,
    /// multi-activity: activities of one workflow, 1 to 100 [default: 10]
    #[arg(long, value_name = "N")]
    pub activity_count: Option<String>,
    /// multi-activity: how many of them run at the same time, first [default: 4]
    #[arg(long, value_name = "N")]
    pub parallel_activities: Option<String>,
    /// multi-activity: sleep of each, up to 30s: fixed (200ms), drawn from a range (100ms..600ms), normal:MEAN,DEVIATION
    /// or lognormal:MEDIAN,SIGMA [default: 100ms..600ms]
    #[arg(long, value_name = "TIMES")]
    pub activity_duration: Option<String>,
    /// multi-activity, state-transitions: CPU time that each activity burns, up to 20s [default: 0]
    #[arg(long, value_name = "TIME")]
    pub activity_cpu: Option<String>,
    /// timer: length of the durable timer, 1ms to 24h [default: 1s]
    #[arg(long, value_name = "TIME")]
    pub timer_duration: Option<String>,
    /// child-workflow: children of one workflow, 1 to 100 [default: 3]
    #[arg(long, value_name = "N")]
    pub child_count: Option<String>,
    /// Payload in each workflow's input, 0 to 1MiB [default: 0]
    #[arg(long, value_name = "BYTES")]
    pub payload_size: Option<String>,
    /// Payload in each workflow's result and in each of its activities', 0 to 1MiB [default: 0]
    #[arg(long, value_name = "BYTES")]
    pub result_size: Option<String>,
    /// Share of workflows that are told to fail, 0 to 1 or 0% to 100% [default: 0%]
    #[arg(long, value_name = "SHARE")]
    pub failure_ratio: Option<String>,
}

/// Which server, and how it is reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Frontend of a cluster; `embedded` for the dev server whatever the environment says [default: embedded]
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Option<String>,
    /// Namespace; created when missing and permitted, with a retention of the run and 48h [default: benchmark]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Task queue of the workflows and of their workers [default: benchmark-task-queue]
    #[arg(long, value_name = "NAME")]
    pub task_queue: Option<String>,
    /// TLS; --tls=false turns it off [default: on with any --tls-… option, an API key or https://]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub tls: Option<String>,
    /// PEM file with the authority that signed the server's certificate [default: the system's authorities]
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<String>,
    /// PEM file with the client's certificate, for mTLS [default: none]
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// PEM file with the client's key, for mTLS [default: none]
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// Name that the server's certificate must carry [default: the address's host]
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// API key; other users of this machine can see it in the process list, so better TEMPORAL_API_KEY or
    /// --api-key-file [default: none]
    #[arg(long, value_name = "KEY", conflicts_with = "api_key_file")]
    pub api_key: Option<HiddenText>,
    /// File with the API key [default: none]
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// HTTP/2 connections for starts, of all generators together, 1 to 1000 [default: rate x 50ms / 80; with --address at least 4, and at least one for each address of its name]
    #[arg(long, value_name = "N")]
    pub connections: Option<String>,
    /// Threads that send starts, of all generators together, 1 to 64 [default: one for each 25000 starts a second, at most the cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<String>,
    /// How these threads are scheduled: auto (real-time where permitted and a core stays without) or ordinary [default: auto]
    #[arg(long, value_name = "HOW")]
    pub scheduling: Option<String>,
    /// A start's own deadline, 1ms to 10m; it is never sent twice [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub start_timeout: Option<String>,
    /// How long connecting may take before the address is called dead, 1ms to 10m [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub connect_timeout: Option<String>,
}

/// The embedded server.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Embedded server")]
pub struct ServerArgs {
    /// The `temporal` binary [default: from PATH, the cache, a download, or built with Go]
    #[arg(long, value_name = "FILE")]
    pub server_binary: Option<String>,
    /// cluster (dispatches as a cluster would) or stock (as it comes) [default: cluster]
    #[arg(long, value_name = "PRESET")]
    pub server_preset: Option<String>,
    /// Dynamic configuration on top of the preset; may be repeated [default: none]
    #[arg(long, value_name = "KEY=VALUE")]
    pub server_config: Vec<String>,
    /// Leave the server running and say how to reach it [default: stop it]
    #[arg(long)]
    pub keep_server: bool,
}

/// Who executes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Workers")]
pub struct WorkersArgs {
    /// SDK workers in this process, 0 to 100 [default: the cores, at most 4; with --address or --expect-workers 0]
    #[arg(long, value_name = "N", conflicts_with = "generator_only")]
    pub workers: Option<String>,
    /// Same as --workers 0: workers elsewhere execute
    #[arg(long)]
    pub generator_only: bool,
    /// Preset of the options below: default (200 slots, 32 pollers, 1000 cached), small (20, 8 to 20, 200) or autoscale
    /// (200, 8 to 100, 1000) [default: autoscale]
    #[arg(long, value_name = "NAME")]
    pub worker_profile: Option<String>,
    /// fixed, or resource: as many as --target-cpu and --target-memory leave room for [default: fixed]
    #[arg(long, value_name = "KIND")]
    pub slots: Option<String>,
    /// Workflow tasks that one worker executes at the same time [default: the profile's]
    #[arg(long, value_name = "N")]
    pub workflow_slots: Option<String>,
    /// Activities that one worker executes at the same time [default: the profile's]
    #[arg(long, value_name = "N")]
    pub activity_slots: Option<String>,
    /// Local activities that one worker executes at the same time [default: the profile's]
    #[arg(long, value_name = "N")]
    pub local_activity_slots: Option<String>,
    /// Share of the CPU up to which slots are given out [default: 90%]
    #[arg(long, value_name = "SHARE")]
    pub target_cpu: Option<String>,
    /// Share of the memory up to which slots are given out [default: 80%]
    #[arg(long, value_name = "SHARE")]
    pub target_memory: Option<String>,
    /// Polls for workflow tasks of one worker: a number, auto (which is auto:8-100), auto:MIN-MAX or
    /// auto:MIN-MAX:INITIAL [default: the profile's]
    #[arg(long, value_name = "POLLERS")]
    pub workflow_pollers: Option<String>,
    /// Polls for activities of one worker, in the same way [default: the profile's]
    #[arg(long, value_name = "POLLERS")]
    pub activity_pollers: Option<String>,
    /// Workflows that one worker keeps in memory; with 0 every task replays [default: the profile's]
    #[arg(long, value_name = "N")]
    pub cache_size: Option<String>,
    /// How long a task may wait for the worker that has its workflow in memory, 100ms to 1h [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub sticky_timeout: Option<String>,
    /// Activities handed out with the answer to a workflow task: on or off [default: on]
    #[arg(long, value_name = "on|off")]
    pub eager_activities: Option<String>,
    /// Activities a second of one worker, at the most [default: no limit]
    #[arg(long, value_name = "PER_SECOND")]
    pub activities_per_second: Option<String>,
    /// Worker deployment that the workers belong to, with --build-id [default: none]
    #[arg(long, value_name = "NAME")]
    pub deployment: Option<String>,
    /// Build that the workers are, with --deployment [default: none]
    #[arg(long, value_name = "NAME")]
    pub build_id: Option<String>,
    /// How long activities may go on after the workers are told to stop, up to 1h [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub graceful_shutdown: Option<String>,
}

/// Who else takes part.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Fleet")]
pub struct FleetArgs {
    /// Worker processes (benchmark-worker --join) that must poll before the run begins [default: 0]
    #[arg(long, value_name = "N")]
    pub expect_workers: Option<String>,
    /// Generators that share the starts, this one among them; the others run `run-benchmark join` [default: 1]
    #[arg(long, value_name = "N")]
    pub generators: Option<String>,
    /// Address at which workers and generators join; port 0 takes a free one [default: none]
    #[arg(long, value_name = "IP:PORT")]
    pub fleet_listen: Option<String>,
    /// Lets others join from outside of this machine without a token
    #[arg(long)]
    pub fleet_open: bool,
    /// Lets members join that are built from another revision than this program
    #[arg(long)]
    pub allow_version_skew: bool,
    /// How long the others are waited for, 1s to 24h [default: 10m]
    #[arg(long, value_name = "TIME")]
    pub fleet_timeout: Option<String>,
    /// Secret that others need to join; other users of this machine can see it in the process list, so better
    /// BENCHMARK_FLEET_TOKEN or --fleet-token-file [default: none]
    #[arg(long, value_name = "TEXT", conflicts_with = "fleet_token_file")]
    pub fleet_token: Option<HiddenText>,
    /// File with that secret [default: none]
    #[arg(long, value_name = "FILE")]
    pub fleet_token_file: Option<PathBuf>,
    /// PEM file with the certificate that others see when they join, for TLS [default: none]
    #[arg(long, value_name = "FILE")]
    pub fleet_tls_cert: Option<String>,
    /// PEM file with its key [default: none]
    #[arg(long, value_name = "FILE")]
    pub fleet_tls_key: Option<String>,
}

/// How completions are observed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Measuring")]
pub struct MeasuringArgs {
    /// Share of workflows whose end is long-polled from the server, as 0.02 or 2% [default: 2%]
    #[arg(long, value_name = "SHARE")]
    pub sample: Option<String>,
    /// Long polls that may be open at the same time, 0 to 10000 [default: 100]
    #[arg(long, value_name = "N")]
    pub sample_cap: Option<String>,
    /// Leave what is still open of this run afterwards [default: it is terminated]
    #[arg(long)]
    pub no_cleanup: bool,
    /// Serve this process's metrics at http://IP:PORT/metrics; port 0 takes a free one [default: off]
    #[arg(long, value_name = "IP:PORT")]
    pub metrics_listen: Option<String>,
    /// Wait so long at the end until the last figures were scraped, 0s to 10m [default: twice the interval of the scrapes; 60s
    /// after one; not at all without]
    #[arg(long, value_name = "TIME")]
    pub metrics_grace: Option<String>,
    /// Write this process's metrics there each second, by Prometheus' remote write [default: off]
    #[arg(long, value_name = "URL")]
    pub remote_write: Option<String>,
    /// File with lines Name: value that they are written with, such as a token [default: none]
    #[arg(long, value_name = "FILE")]
    pub remote_write_headers: Option<String>,
    /// Metrics page of a server or worker, for the server's figures in the result; may be repeated [default: the embedded
    /// server's]
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub server_metrics: Vec<String>,
    /// Prometheus that is asked for the server's figures afterwards, in place of pages [default: none]
    #[arg(long, value_name = "URL")]
    pub prometheus: Option<String>,
    /// Matchers that its series must meet, as cluster="bench" [default: none]
    #[arg(long, value_name = "MATCHERS")]
    pub prometheus_match: Option<String>,
    /// File with lines Name: value that it is asked with, such as a token [default: none]
    #[arg(long, value_name = "FILE")]
    pub prometheus_headers: Option<String>,
    /// JSON file with what is known of the cluster, an object of texts and numbers, which stands in the result [default: none]
    #[arg(long, value_name = "FILE")]
    pub cluster_facts: Option<String>,
    /// Print and store a link to this run on the board in this Grafana, which is not called [default: none]
    #[arg(long, value_name = "URL")]
    pub grafana_url: Option<String>,
}

/// What must be reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Thresholds")]
pub struct ThresholdArgs {
    /// Limit of the 99th percentile from due to completed [default: 5s]
    #[arg(long, value_name = "TIME")]
    pub max_p99_latency: Option<String>,
    /// Completions a second in the measured phase, at least [default: 95% of --rate]
    #[arg(long, value_name = "PER_SECOND")]
    pub min_throughput: Option<String>,
    /// Share of starts that may end in anything but completion [default: 0.1%]
    #[arg(long, value_name = "SHARE")]
    pub max_error_ratio: Option<String>,
}

/// What is written and printed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Where the result is written [default: runs/RUN-ID/results.json]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print the verdict in one line and nothing else, errors apart
    #[arg(long, short)]
    pub quiet: bool,
    /// Print the result as JSON on stdout, everything else on stderr
    #[arg(long)]
    pub json: bool,
    /// What is logged.
    #[command(flatten)]
    pub log: LogArgs,
}
