//! From the command line and what surrounds it to what was asked for.

use std::path::PathBuf;

use crate::logging::LogArgs;
use benchmark_scenarios::{Asked, Given, Key, Problem};
use benchmark_temporal::small_file;

use super::{
    environment::{self, Surroundings},
    options::{OutputArgs, RunArgs},
    secrets::{self, Secrets},
};

/// A command line, taken apart by who needs what.
#[derive(Clone, Debug)]
pub struct Converted {
    /// What the plan follows from.
    pub asked: Asked,
    /// What is written and printed.
    pub output: OutputOptions,
    /// What must not be shown.
    pub secrets: Secrets,
    /// Things to know that are no errors.
    pub notes: Vec<String>,
}

/// What is written and printed; no part of the plan, since it changes nothing that is measured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputOptions {
    /// Where the result is written; `runs/<run id>/results.json` when absent.
    pub output: Option<PathBuf>,
    /// Print the verdict in one line and nothing else, errors apart.
    pub quiet: bool,
    /// Print the result as JSON on stdout, everything else on stderr.
    pub json: bool,
    /// What is logged.
    pub log: LogArgs,
}

impl RunArgs {
    /// Puts flags, environment and profile together: flag > environment > file > default.
    ///
    /// # Errors
    /// When the API key cannot be had, or the environment asks for something that this program does not do.
    pub fn convert(&self, surroundings: &Surroundings) -> Result<Converted, Problem> {
        self.convert_variant(&[], surroundings)
    }

    /// The same with options of a variant, `key=value` each, which go before all others.
    ///
    /// # Errors
    /// As [`RunArgs::convert`], and when an option is none.
    pub fn convert_variant(&self, variant: &[String], surroundings: &Surroundings) -> Result<Converted, Problem> {
        let mut asked = Asked::new();
        for option in variant {
            let (key, value) = variant_option(option)?;
            asked.add(key, Given::by_flag(key.flag(), value));
        }
        self.add_values(&mut asked);
        self.add_switches(&mut asked);
        let (secrets, mut notes) = secrets::read(
            secrets::api_key(&self.connection.api_key, &self.connection.api_key_file),
            secrets::fleet_token(&self.fleet.fleet_token, &self.fleet.fleet_token_file),
            surroundings,
            &mut asked,
        )?;
        let keys = [
            (Key::TlsKey, &self.connection.tls_key),
            (Key::FleetTlsKey, &self.fleet.fleet_tls_key),
        ];
        for (key, path) in keys {
            notes.extend(
                path.as_ref()
                    .and_then(|path| small_file::exposed(key.flag(), path.as_ref())),
            );
        }
        environment::add(&mut asked, surroundings)?;
        environment::add_profile(&mut asked, surroundings);
        let OutputArgs {
            output,
            quiet,
            json,
            log,
        } = self.output.clone();
        let output = OutputOptions {
            output,
            quiet,
            json,
            log,
        };
        Ok(Converted {
            asked,
            output,
            secrets,
            notes,
        })
    }

    fn add_values(&self, asked: &mut Asked) {
        let RunArgs {
            load,
            workload,
            connection,
            server,
            workers,
            fleet,
            measuring,
            thresholds,
            output: _,
        } = self;
        let values = [
            (Key::Rate, &load.rate),
            (Key::Duration, &load.duration),
            (Key::RampUp, &load.ramp_up),
            (Key::WarmUp, &load.warm_up),
            (Key::Drain, &load.drain),
            (Key::StopTimeout, &load.stop_timeout),
            (Key::Iterations, &load.iterations),
            (Key::Arrivals, &load.arrivals),
            (Key::Seed, &load.seed),
            (Key::MaxInFlight, &load.max_in_flight),
            (Key::WhenFull, &load.when_full),
            (Key::MaxLag, &load.max_lag),
            (Key::WorkflowType, &workload.workflow_type),
            (Key::ActivityCount, &workload.activity_count),
            (Key::ParallelActivities, &workload.parallel_activities),
            (Key::ActivityDuration, &workload.activity_duration),
            (Key::ActivityCpu, &workload.activity_cpu),
            (Key::TimerDuration, &workload.timer_duration),
            (Key::ChildCount, &workload.child_count),
            (Key::PayloadSize, &workload.payload_size),
            (Key::ResultSize, &workload.result_size),
            (Key::FailureRatio, &workload.failure_ratio),
            (Key::Address, &connection.address),
            (Key::Namespace, &connection.namespace),
            (Key::TaskQueue, &connection.task_queue),
            (Key::Tls, &connection.tls),
            (Key::TlsCa, &connection.tls_ca),
            (Key::TlsCert, &connection.tls_cert),
            (Key::TlsKey, &connection.tls_key),
            (Key::TlsServerName, &connection.tls_server_name),
            (Key::Connections, &connection.connections),
            (Key::Threads, &connection.threads),
            (Key::Scheduling, &connection.scheduling),
            (Key::StartTimeout, &connection.start_timeout),
            (Key::ConnectTimeout, &connection.connect_timeout),
            (Key::ServerBinary, &server.server_binary),
            (Key::ServerPreset, &server.server_preset),
            (Key::Workers, &workers.workers),
            (Key::WorkerProfile, &workers.worker_profile),
            (Key::Slots, &workers.slots),
            (Key::WorkflowSlots, &workers.workflow_slots),
            (Key::ActivitySlots, &workers.activity_slots),
            (Key::LocalActivitySlots, &workers.local_activity_slots),
            (Key::TargetCpu, &workers.target_cpu),
            (Key::TargetMemory, &workers.target_memory),
            (Key::WorkflowPollers, &workers.workflow_pollers),
            (Key::ActivityPollers, &workers.activity_pollers),
            (Key::CacheSize, &workers.cache_size),
            (Key::StickyTimeout, &workers.sticky_timeout),
            (Key::EagerActivities, &workers.eager_activities),
            (Key::ActivitiesPerSecond, &workers.activities_per_second),
            (Key::Deployment, &workers.deployment),
            (Key::BuildId, &workers.build_id),
            (Key::GracefulShutdown, &workers.graceful_shutdown),
            (Key::ExpectWorkers, &fleet.expect_workers),
            (Key::Generators, &fleet.generators),
            (Key::FleetListen, &fleet.fleet_listen),
            (Key::FleetTimeout, &fleet.fleet_timeout),
            (Key::FleetTlsCert, &fleet.fleet_tls_cert),
            (Key::FleetTlsKey, &fleet.fleet_tls_key),
            (Key::Sample, &measuring.sample),
            (Key::SampleCap, &measuring.sample_cap),
            (Key::MetricsListen, &measuring.metrics_listen),
            (Key::MetricsGrace, &measuring.metrics_grace),
            (Key::RemoteWrite, &measuring.remote_write),
            (Key::RemoteWriteHeaders, &measuring.remote_write_headers),
            (Key::Prometheus, &measuring.prometheus),
            (Key::PrometheusMatch, &measuring.prometheus_match),
            (Key::PrometheusHeaders, &measuring.prometheus_headers),
            (Key::ClusterFacts, &measuring.cluster_facts),
            (Key::GrafanaUrl, &measuring.grafana_url),
            (Key::MaxP99Latency, &thresholds.max_p99_latency),
            (Key::MinThroughput, &thresholds.min_throughput),
            (Key::MaxErrorRatio, &thresholds.max_error_ratio),
        ];
        add_flags(asked, values);
        if !measuring.server_metrics.is_empty() {
            let urls = measuring.server_metrics.join(",");
            asked.add(Key::ServerMetrics, Given::by_flag(Key::ServerMetrics.flag(), urls));
        }
        for pair in &server.server_config {
            asked.add(Key::ServerConfig, Given::by_flag(Key::ServerConfig.flag(), pair));
        }
    }

    fn add_switches(&self, asked: &mut Asked) {
        let RunArgs {
            server,
            workers,
            fleet,
            measuring,
            ..
        } = self;
        if server.keep_server {
            asked.add(Key::KeepServer, Given::by_flag(Key::KeepServer.flag(), "true"));
        }
        for (key, given) in [
            (Key::FleetOpen, fleet.fleet_open),
            (Key::AllowVersionSkew, fleet.allow_version_skew),
        ] {
            if given {
                asked.add(key, Given::by_flag(key.flag(), "true"));
            }
        }
        if workers.generator_only {
            asked.add(Key::Workers, Given::by_flag("--generator-only", "0"));
        }
        if measuring.no_cleanup {
            asked.add(Key::Cleanup, Given::by_flag(Key::Cleanup.flag(), "false"));
        }
    }
}

/// Adds the flags that were typed.
pub(super) fn add_flags<'a>(asked: &mut Asked, values: impl IntoIterator<Item = (Key, &'a Option<String>)>) {
    for (key, value) in values {
        if let Some(text) = value {
            asked.add(key, Given::by_flag(key.flag(), text));
        }
    }
}

/// Takes `rate=200` apart; dashes in front are welcome.
fn variant_option(option: &str) -> Result<(Key, &str), Problem> {
    if let Some(problem) = secrets::in_variant(option) {
        return Err(problem);
    }
    let given = option.split_once('=');
    // Whatever stands behind the name is not repeated: it might be a secret all the same.
    let name = given.map_or(option, |(name, _)| name).trim_start_matches('-');
    let wrong = |why: &str| {
        Problem::new(format!("{name:.60?} is no option of a variant: {why}"))
            .explain("give the name of a flag without its dashes, =, and the value")
            .remedy("--a rate=200 --b rate=400")
    };
    let (_, value) = given.ok_or_else(|| wrong("it has no ="))?;
    let key = Key::by_name(name).ok_or_else(|| wrong("there is no such flag"))?;
    if !key.varies() {
        return Err(wrong("it changes nothing of what runs"));
    }
    Ok((key, value))
}
