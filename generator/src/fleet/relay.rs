//! What a generator's threads report, gathered for the leader.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use benchmark_fleet::{Source, wire};
use benchmark_results::schema::GeneratorHealth;

use super::starts;
use crate::{
    accountant::{Report, StartReport},
    health::HealthProbe,
};

/// Gathers reports of the iteration that is going on, and tells how this process is.
#[derive(Debug)]
pub struct Relay {
    probe: HealthProbe,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    status: wire::Status,
    cpu: (Instant, Duration),
    iteration: Option<Iteration>,
    health: Option<GeneratorHealth>,
}

#[derive(Debug)]
struct Iteration {
    prefix: Arc<str>,
    reports: Receiver<Report>,
}

impl Relay {
    /// A relay of this process.
    pub fn new(probe: HealthProbe) -> Self {
        let cpu = probe.usage().0;
        Relay {
            probe,
            state: Mutex::new(State {
                status: wire::Status::default(),
                cpu: (Instant::now(), cpu),
                iteration: None,
                health: None,
            }),
        }
    }

    /// Begins to gather the reports of an iteration.
    pub fn open(&self, prefix: Arc<str>) -> Sender<Report> {
        let (sender, reports) = channel();
        self.lock().iteration = Some(Iteration { prefix, reports });
        sender
    }

    /// What to tell of this process from now on: whether its connections for an iteration stand, and whether all of its
    /// starts are answered.
    pub fn tell(&self, iteration: u32, ready: bool, done: bool, waiting_for: &str) {
        let status = &mut self.lock().status;
        (status.iteration, status.ready, status.done) = (iteration, ready, done);
        waiting_for.clone_into(&mut status.waiting_for);
    }

    /// What the process used in the measured phase, to be sent with the next window.
    pub fn tell_health(&self, health: GeneratorHealth) {
        self.lock().health = Some(health);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for Relay {
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

    fn status(&self) -> wire::Status {
        let state = &mut *self.lock();
        let (cpu, memory) = self.probe.usage();
        let (now, since) = (Instant::now(), state.cpu);
        let seconds = now.saturating_duration_since(since.0).as_secs_f64();
        state.cpu = (now, cpu);
        let cores = if seconds > 0.0 {
            cpu.saturating_sub(since.1).as_secs_f64() / seconds
        } else {
            0.0
        };
        wire::Status {
            cpu_cores: cores,
            cpu_share: cores / self.probe.capacity(),
            memory_bytes: memory,
            ..state.status.clone()
        }
    }
}
