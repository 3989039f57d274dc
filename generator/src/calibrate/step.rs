//! Step of a calibration, one rate that is tried: a submission window against a null frontend of its own, and what came
//! of it.

use std::{path::Path, sync::Arc};

use benchmark_results::{
    Ledger,
    schema::{Fact, Fleet, GeneratorHealth, Latency, Reconciliation, Verdict, VerdictValue},
};
use benchmark_scenarios::{Asked, Given, HostDefaults, Key, Plan, Problem, Rate, resolve, units};
use benchmark_temporal::ConnectOptions;
use serde::Serialize;

use benchmark_machine::host::{Root, kilobytes};

use super::CalibrateOptions;
use super::frontend::{Frontend, FrontendCounts};
use crate::{
    load::{ids, schedule::nanos, timeline::TICK},
    machine::health::HealthProbe,
    run::{
        iteration,
        submission::{self, Submission, SubmissionOptions, SubmitError},
    },
    stop::{Stop, deadline::Ending},
};

const STATUS: &str = "/proc/self/status";
const NOT_MADE: &str = "the null frontend stores nothing";

/// What trying one rate came to. Latencies are in milliseconds and of the measured phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CalibrationStep {
    /// Starts a second that were asked for.
    pub rate: Rate,
    /// Length of the submission window, seconds.
    pub seconds: f64,
    /// Length of the ramp in it, seconds.
    pub ramp_seconds: f64,
    /// Starts that were handed to a connection in the measured phase, a second.
    pub start_rate: Option<f64>,
    /// That rate ÷ the rate asked for.
    pub achieved: Option<f64>,
    /// CPU time of this process over the whole window ÷ starts sent in it, microseconds. The null frontend is another
    /// process.
    pub cpu_per_start_us: Option<f64>,
    /// Dispatched − due.
    pub lag: Latency,
    /// Accepted − dispatched.
    pub start_service: Latency,
    /// Accepted − due.
    pub start_response: Latency,
    /// Memory of this process over the window.
    pub memory: Memory,
    /// What this process used in the measured phase.
    pub generator: GeneratorHealth,
    /// Threads that sent starts.
    pub threads: u32,
    /// Cap on unanswered starts.
    pub max_in_flight: u32,
    /// Every arrival of the window.
    pub ledger: Ledger,
    /// Starts that the null frontend counted.
    pub served: u64,
    /// Whether the generator kept up, with every check.
    pub verdict: Verdict,
}

/// Resident memory of this process, bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// When the measured phase began.
    pub begin: Fact<u64>,
    /// When the window was over.
    pub end: Fact<u64>,
    /// The most that was seen, four times a second.
    pub peak: Fact<u64>,
}

impl CalibrationStep {
    /// Whether the generator kept its schedule.
    pub fn held(&self) -> bool {
        self.verdict.value == VerdictValue::Valid
    }
}

/// What is the same for all steps.
pub(super) struct Ground<'a> {
    options: &'a CalibrateOptions,
    identity: String,
    cores: u32,
    probe: HealthProbe,
    stop: Stop,
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        options: &'a CalibrateOptions,
        facts: &benchmark_results::schema::HostFacts,
        stop: Stop,
    ) -> Ground<'a> {
        let available = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ground {
            options,
            identity: ids::identity(facts.hostname.value.as_deref()),
            // The same figure that a run's own defaults follow from.
            cores: u32::try_from(available()).unwrap_or(u32::MAX),
            probe: HealthProbe::new(Path::new("/")),
            stop,
        }
    }

    /// The plan that a run at a rate would have, without workers and without anything to wait for.
    ///
    /// # Errors
    /// When the options contradict one another.
    pub(super) fn plan(&self, rate: Rate, address: &str) -> Result<Plan, Problem> {
        let options = self.options;
        let mut asked = Asked::typed([
            (Key::Rate, Some(rate.to_string())),
            (Key::Address, Some(address.to_owned())),
            (Key::Sample, Some("0".to_owned())),
            (Key::Drain, Some("0".to_owned())),
            (Key::RampUp, options.ramp_up.map(units::format)),
            (Key::Connections, options.connections.map(|count| count.to_string())),
            (Key::Threads, options.threads.map(|count| count.to_string())),
        ]);
        let seconds = Given::by_flag("--seconds", format!("{}s", options.seconds));
        asked.add(Key::Duration, seconds);
        let facts = HostDefaults {
            cores: self.cores,
            task_queue: benchmark_workflows::TASK_QUEUE.to_owned(),
        };
        Ok(resolve(&asked, &facts)?.plan)
    }

    /// Tries a rate; `None` when it was told to stop meanwhile.
    ///
    /// # Errors
    /// When the null frontend or the connections to it fail, or when its count of starts is not ours.
    pub(super) async fn attempt(
        &self,
        rate: Rate,
        on_tick: &mut dyn FnMut(&Submission),
    ) -> Result<Option<CalibrationStep>, Problem> {
        let frontend = Frontend::start(&self.options.environment).await?;
        let plan = self.plan(rate, frontend.address())?;
        let mut connect = ConnectOptions::new(frontend.address(), plan.namespace.clone());
        connect.connect_timeout = plan.starter.connect_timeout;
        connect.identity.clone_from(&self.identity);
        let server = benchmark_temporal::connect(&connect).await?;

        let mut memory = MemoryWatch::new(&plan);
        let mut cpu_before = None;
        let ending = Ending::new(self.stop.clone(), plan.load.stop_timeout);
        let options = SubmissionOptions {
            plan: &plan,
            server: &server,
            connect: &connect,
            id_prefix: Arc::from(ids::new_run_id()?),
            iteration: 1,
            fleet: None,
            probe: &self.probe,
            stop: self.stop.clone(),
            ending: &ending,
            lost: &|| None,
        };
        let submission = submission::submit(options, async |submission| {
            // The first time is before the first arrival, when all connections stand.
            cpu_before.get_or_insert_with(|| self.probe.snapshot().cpu());
            memory.look(submission.timeline.elapsed());
            on_tick(submission);
            Ok(())
        })
        .await;
        let mut submission = match submission {
            Err(SubmitError::NotBegun(_)) => return Ok(None),
            Err(SubmitError::Failed(problem)) => return Err(problem.context("the submission window failed")),
            Ok(submission) => submission,
        };
        let cpu = self
            .probe
            .snapshot()
            .cpu()
            .saturating_sub(cpu_before.unwrap_or_default());
        memory.look(submission.timeline.elapsed());
        if let Some(sampler) = submission.sampler.take() {
            sampler.finish(TICK).await;
        }
        let taken = iteration::take(&submission).await?;
        let counted = frontend.stop().await?;
        if submission.ended_by.is_some() {
            return Ok(None);
        }
        let not_calibrated = Fact::missing("this is the calibration");
        let reconciliation = Reconciliation::not_made(NOT_MADE);
        let parts = iteration::parts(
            &plan,
            &submission,
            taken,
            reconciliation,
            &not_calibrated,
            String::new(),
            |_| Fleet::alone(),
        );
        agree(&parts.ledger, counted)?;
        let verdict = parts.judge(&plan);
        let measure = parts.phases.measure;
        Ok(Some(CalibrationStep {
            rate,
            seconds: plan.load.duration.as_secs_f64(),
            ramp_seconds: plan.load.ramp_up.as_secs_f64(),
            start_rate: measure.start_rate,
            achieved: measure.start_rate.map(|achieved| achieved / rate.per_second()),
            cpu_per_start_us: (parts.ledger.dispatched > 0)
                .then(|| cpu.as_secs_f64() * 1e6 / parts.ledger.dispatched as f64),
            lag: measure.latencies.lag,
            start_service: measure.latencies.start_service.accepted,
            start_response: measure.latencies.start_response.accepted,
            memory: memory.into_memory(),
            generator: parts.generator,
            threads: plan.starter.threads,
            max_in_flight: plan.load.max_in_flight,
            ledger: parts.ledger,
            served: counted.starts,
            verdict,
        }))
    }
}

/// The null frontend's count of starts against ours. A start whose answer was lost may or may not have arrived; all
/// others have.
fn agree(ledger: &Ledger, counted: FrontendCounts) -> Result<(), Problem> {
    let least = ledger.dispatched - ledger.unknown;
    if (least..=ledger.dispatched).contains(&counted.starts) {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{} starts were sent, {} of them without an answer, and the null frontend received {}: the generator has lost \
         count, which is a defect of this program; please report it",
        ledger.dispatched, ledger.unknown, counted.starts
    )))
}

/// Looks at this process's memory while a window goes on.
struct MemoryWatch {
    root: Root,
    measure_begin: u64,
    begin: Option<Fact<u64>>,
    end: Fact<u64>,
    peak: Fact<u64>,
}

impl MemoryWatch {
    fn new(plan: &Plan) -> Self {
        MemoryWatch {
            root: Root::new(Path::new("/")),
            measure_begin: nanos(plan.measure_start()),
            begin: None,
            end: Fact::missing("not observed"),
            peak: Fact::missing("not observed"),
        }
    }

    fn look(&mut self, now: u64) {
        let resident = match self.root.read(STATUS).map(|status| kilobytes(&status, "VmRSS")) {
            Ok(Some(bytes)) => Fact::found(bytes, "/proc/self/status: VmRSS"),
            Ok(None) => Fact::missing(format!("{STATUS} has no readable VmRSS")),
            Err(reason) => Fact::missing(reason),
        };
        if now >= self.measure_begin {
            self.begin.get_or_insert_with(|| resident.clone());
        }
        if self.peak.value < resident.value || self.peak.value.is_none() {
            self.peak.clone_from(&resident);
        }
        self.end = resident;
    }

    fn into_memory(self) -> Memory {
        Memory {
            begin: self
                .begin
                .unwrap_or_else(|| Fact::missing("the measured phase did not begin")),
            end: self.end,
            peak: self.peak,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(dispatched: u64, unknown: u64) -> Ledger {
        Ledger {
            arrivals: dispatched,
            dispatched,
            unknown,
            accepted: dispatched - unknown,
            ..Ledger::default()
        }
    }

    #[test]
    fn a_start_that_only_one_side_counted_is_told() {
        assert!(agree(&ledger(100, 0), FrontendCounts { starts: 100 }).is_ok());
        for starts in [99, 101] {
            let told = agree(&ledger(100, 0), FrontendCounts { starts })
                .unwrap_err()
                .to_string();
            assert!(told.contains(&format!("received {starts}")), "{told}");
        }
        assert!(agree(&ledger(100, 3), FrontendCounts { starts: 97 }).is_ok());
        assert!(agree(&ledger(100, 3), FrontendCounts { starts: 96 }).is_err());
    }
}
