//! Relay of reports: what a generator's threads report, gathered for the leader.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
};

use benchmark_fleet::{WindowSource, wire};
use benchmark_machine::usage::UsageProbe;
use benchmark_results::schema::GeneratorHealth;

use crate::{
    account::{
        accountant::{Report, StartReport},
        accounts::OwnLoad,
        starts,
    },
    load::timeline::Timeline,
    view::page::GeneratorPage,
};

/// Gathers reports of the iteration that is going on, and tells how this process is.
#[derive(Debug)]
pub struct Relay {
    usage: UsageProbe,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    status: wire::Status,
    iteration: Option<Iteration>,
    health: Option<GeneratorHealth>,
    /// The clock that starts are sent and reported on.
    timeline: Option<Timeline>,
    /// What the last second was like, and where it is shown, with the connections that starts are sent on.
    load: OwnLoad,
    page: Option<(GeneratorPage, u32)>,
}

#[derive(Debug)]
struct Iteration {
    prefix: Arc<str>,
    reports: Receiver<Report>,
}

impl Default for Relay {
    /// A relay of this process.
    fn default() -> Self {
        Relay {
            usage: UsageProbe::new(Path::new("/")),
            state: Mutex::default(),
        }
    }
}

impl Relay {
    /// Begins to gather the reports of an iteration.
    pub fn open(&self, prefix: Arc<str>) -> Sender<Report> {
        let (sender, reports) = channel();
        let state = &mut *self.lock();
        state.iteration = Some(Iteration { prefix, reports });
        state.load = OwnLoad::default();
        sender
    }

    /// What to tell of this process from now on: whether its connections for an iteration stand, and whether all of its
    /// starts are answered.
    pub fn tell(&self, iteration: u32, ready: bool, done: bool, waiting_for: &str) {
        let status = &mut self.lock().status;
        if status.iteration != iteration {
            (status.stopped_at_ns, status.aborted) = (None, false);
        }
        (status.iteration, status.ready, status.done) = (iteration, ready, done);
        waiting_for.clone_into(&mut status.waiting_for);
    }

    /// This process stopped sending at this offset, before its part was sent.
    pub fn tell_stopped(&self, at: u64) {
        let status = &mut self.lock().status;
        (status.done, status.stopped_at_ns) = (false, Some(at));
    }

    /// This process reached its own cap, for which the run is to end.
    pub fn tell_aborted(&self) {
        self.lock().status.aborted = true;
    }

    /// What the process used in the measured phase, to be sent with the next window.
    pub fn tell_health(&self, health: GeneratorHealth) {
        self.lock().health = Some(health);
    }

    /// Where this process's starts are shown from now on, and on how many connections they are sent.
    pub fn show_on(&self, page: GeneratorPage, connections: u32) {
        self.lock().page = Some((page, connections));
    }

    /// The clock that starts are sent and reported on from now on.
    pub fn tell_clock(&self, timeline: Timeline) {
        self.lock().timeline = Some(timeline);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WindowSource for Relay {
    fn windows(&self, _: i64) -> Vec<(String, wire::window::Body)> {
        let state = &mut *self.lock();
        let Some(iteration) = &state.iteration else {
            return Vec::new();
        };
        let reports: Vec<StartReport> = iteration
            .reports
            .try_iter()
            .filter_map(|report| match report {
                Report::Here(report) => Some(report),
                // Nobody in this process leads a run.
                Report::Elsewhere(..) | Report::Ends(..) | Report::Visit(_) => None,
            })
            .collect();
        for report in &reports {
            if let StartReport::Windows(windows) = report {
                windows.iter().for_each(|window| state.load.add(window));
            }
        }
        if let Some((page, connections)) = &state.page {
            page.sends(state.load, *connections);
        }
        let mut message = starts::to_message(reports);
        if let Some(health) = state.health.take() {
            // Numbers and texts: this has a JSON form always.
            message.health_json = serde_json::to_string(&health).unwrap_or_default();
        }
        if message == wire::Starts::default() {
            return Vec::new();
        }
        vec![(iteration.prefix.to_string(), wire::window::Body::Starts(message))]
    }

    fn used_ns(&self, to_leader_ns: i64) -> i64 {
        // The timeline is slewed after the estimate, and so a little behind it.
        let timeline = self.lock().timeline;
        timeline.map_or(to_leader_ns, |timeline| timeline.to_leader_ns())
    }

    fn status(&self) -> wire::Status {
        let used = self.usage.read();
        wire::Status {
            cpu_cores: used.cpu_cores,
            cpu_share: used.cpu_share,
            memory_bytes: used.memory_bytes,
            ..self.lock().status.clone()
        }
    }
}
