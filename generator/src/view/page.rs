//! The metrics page of a generator, and what it tells of a run.
//!
//! Once a second the account is copied out in one piece; what is scraped is that copy. Nothing on the way of a start knows of
//! the page. In a series of runs one page stands throughout: it shows the run that goes on and the one before.

mod counts;
mod generator;
mod grace;
mod run;
mod table;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use benchmark_fleet::{MemberState, Presence, Role};
use benchmark_metrics::{ListenError, PageServer, Registry};
use benchmark_results::schema::{Event, Phase, VerdictValue};
use benchmark_scenarios::{Plan, Problem};

use self::run::Run;
pub use self::{
    generator::GeneratorPage,
    grace::GracePeriod,
    run::RunFacts,
    table::{GENERATOR_SERIES, RUN_SERIES},
};
use super::watcher::LivePhase;
use crate::{
    account::accountant::Accountant,
    load::{schedule::Schedule, timeline::Timeline},
};

const SECOND: u64 = 1_000_000_000;

/// How far into a second the one before it is looked at: the threads have told of it by then.
const TOLD: u64 = SECOND / 5;

/// Runs that are shown: the one that goes on, and the one before, whose last figures somebody may not have seen yet.
const SHOWN: usize = 2;

/// This process's page.
#[derive(Clone, Debug)]
pub struct Page {
    registry: Registry,
    serving: Option<Arc<PageServer>>,
    runs: Runs,
    generator: GeneratorPage,
    /// When the last figures of the last run stood on it.
    finished: Arc<Mutex<Option<Instant>>>,
}

/// The runs that are shown.
type Runs = Arc<Mutex<VecDeque<Arc<Mutex<Run>>>>>;

impl Page {
    /// A page; served when there is an address.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn open(listen: Option<SocketAddr>) -> Result<Page, ListenError> {
        let registry = Registry::new();
        let runs = Runs::default();
        let generator = GeneratorPage::new(&registry);
        let shown = Arc::clone(&runs);
        registry.show(RUN_SERIES, move || {
            let runs = lock(&shown).clone();
            runs.iter().flat_map(|run| lock(run).samples()).collect()
        });
        let serving = match listen {
            Some(listen) => {
                let serving = benchmark_metrics::serve(listen, registry.clone(), Arc::new(|| Ok(()))).await?;
                generator.watch();
                Some(Arc::new(serving))
            }
            None => None,
        };
        Ok(Page {
            registry,
            serving,
            runs,
            generator,
            finished: Arc::default(),
        })
    }

    /// All series of the process.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where it is served.
    pub fn address(&self) -> Option<SocketAddr> {
        self.serving.as_ref().map(|serving| serving.address())
    }

    /// What the page tells of this process as a generator.
    pub fn generator(&self) -> &GeneratorPage {
        &self.generator
    }

    /// Shows a run: its counters stand at 0 from now on.
    pub fn begin(&self, plan: &Plan, run_id: &str) -> RunPage {
        let schedule = Schedule::new(&plan.load);
        let mut phases = vec![Phase::Ramp, Phase::WarmUp, Phase::Measure];
        phases.retain(|phase| {
            let (begin, end) = schedule.bounds(*phase);
            begin < end
        });
        let stamps = plan.workers.count > 0 || plan.fleet.expect_workers > 0;
        let facts = RunFacts {
            run_id: run_id.to_owned(),
            workload: plan.workload.kind.name().to_owned(),
            phases,
            stamps,
            times_ends: stamps || plan.observation.sample_ratio > 0.0,
        };
        let run = Arc::new(Mutex::new(Run::new(facts)));
        let mut runs = lock(&self.runs);
        runs.push_back(Arc::clone(&run));
        while runs.len() > SHOWN {
            runs.pop_front();
        }
        self.generator.of_run(run_id);
        RunPage {
            run,
            is_seen: self.serving.is_some(),
            generator: self.generator.clone(),
            finished: Arc::clone(&self.finished),
            looked: 0,
        }
    }
}

/// The window of a run, as the page looks at it.
#[derive(Clone, Copy)]
pub struct PageWindow<'a> {
    /// When starts are due.
    pub schedule: &'a Schedule,
    /// Its clock.
    pub timeline: Timeline,
    /// Offset of its end, nanoseconds.
    pub end: u64,
    /// Its account.
    pub accountant: &'a Accountant,
    /// Connections that starts are sent on.
    pub connections: u32,
    /// What happened in it.
    pub events: &'a [Event],
    /// The processes of the run, the leader apart, as they are when it is asked.
    pub roll: &'a dyn Fn() -> Vec<MemberState>,
}

/// What the page tells of one run.
#[derive(Debug)]
pub struct RunPage {
    run: Arc<Mutex<Run>>,
    is_seen: bool,
    generator: GeneratorPage,
    finished: Arc<Mutex<Option<Instant>>>,
    /// The second of the window that was looked at last, and one more.
    looked: u64,
}

impl RunPage {
    /// Somebody sees it, also when it is not served.
    pub fn seen(&mut self) {
        if !std::mem::replace(&mut self.is_seen, true) {
            self.generator.watch();
        }
    }

    /// What the run is against.
    pub fn introduce(&self, plan: &Plan, version: &str, revision: Option<&str>, server_version: Option<&str>) {
        let unknown = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
        lock(&self.run).info = vec![
            ("version", version.to_owned()),
            ("git_revision", unknown(revision)),
            ("plan", plan.hash().to_string()),
            ("server_version", unknown(server_version)),
            ("namespace", plan.namespace.clone()),
            ("task_queue", plan.task_queue.clone()),
        ];
    }

    /// Looks at the account, once a second. Call it a few times a second while the window goes on.
    ///
    /// # Errors
    /// When the account is gone.
    pub async fn look(&mut self, window: PageWindow<'_>) -> Result<(), Problem> {
        let now = window.timeline.elapsed();
        if !self.is_seen || now % SECOND < TOLD || now / SECOND < self.looked {
            return Ok(());
        }
        self.looked = now / SECOND + 1;
        self.take(window, now / SECOND * SECOND).await
    }

    /// Takes over what the account of an iteration came to, which is closed.
    ///
    /// # Errors
    /// When the account is gone.
    pub async fn close(&mut self, window: PageWindow<'_>) -> Result<(), Problem> {
        if !self.is_seen {
            return Ok(());
        }
        self.take(window, u64::MAX).await?;
        let mut run = lock(&self.run);
        run.asked = 0.0;
        run.close();
        self.looked = 0;
        Ok(())
    }

    async fn take(&self, window: PageWindow<'_>, at: u64) -> Result<(), Problem> {
        let known = lock(&self.run).known();
        let cut = window
            .accountant
            .visit(move |accounts| accounts.cut(at, &known))
            .await?;
        self.generator.sends(cut.own, window.connections);
        let (schedule, timeline) = (window.schedule, window.timeline);
        let now = timeline.now();
        let mut run = lock(&self.run);
        run.take(&cut);
        run.members = members(&(window.roll)());
        run.take_events(window.events.iter().map(|event| &*event.kind));
        let Some(now) = now.filter(|now| *now < window.end) else {
            run.asked = 0.0;
            return Ok(());
        };
        run.asked = schedule.rate_at(now);
        let phase = schedule.phase_at(now);
        run.phase = Some(run::name_of(phase));
        for begun in run.facts.phases.clone() {
            if begun <= phase {
                let at = timeline.unix_ns_of(schedule.bounds(begun).0) as f64 / 1e9;
                run.begun.insert(run::name_of(begun), at);
            }
        }
        Ok(())
    }

    /// A phase after the submission window begins now.
    pub fn enter(&self, phase: LivePhase) {
        self.enter_named(match phase {
            LivePhase::Ramp => "ramp",
            LivePhase::WarmUp => "warm_up",
            LivePhase::Measure => "measure",
            LivePhase::Answers | LivePhase::Drain => "drain",
            LivePhase::Settle => "settle",
            LivePhase::CleanUp => "clean_up",
        });
    }

    fn enter_named(&self, phase: &'static str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut run = lock(&self.run);
        run.phase = Some(phase);
        run.begun.insert(phase, now.as_secs_f64());
    }

    /// The run is over, with this verdict.
    pub fn finish(&self, verdict: VerdictValue) {
        lock(&self.run).verdict = Some(verdict);
        self.enter_named("done");
        *lock(&self.finished) = Some(Instant::now());
    }
}

/// The processes of a run, the leader among them, by role and presence.
fn members(roll: &[MemberState]) -> BTreeMap<(&'static str, &'static str), u64> {
    let mut members = BTreeMap::from([(("leader", "present"), 1)]);
    for role in ["generator", "worker"] {
        for presence in ["present", "silent", "lost", "left"] {
            members.insert((role, presence), 0);
        }
    }
    for member in roll {
        let role = match member.role {
            Role::Generator => "generator",
            Role::Worker => "worker",
        };
        let presence = match member.presence {
            Presence::Present => "present",
            Presence::Silent { .. } => "silent",
            Presence::Lost { .. } => "lost",
            Presence::Left { .. } => "left",
        };
        *members.entry((role, presence)).or_default() += 1;
    }
    members
}

/// What is behind a lock is whole after each statement: a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
