//! Messages of a run on its screen.

use std::sync::{Arc, Mutex};

use super::iterations::Lifecycle;
use crate::view::{
    plan,
    watcher::{Frame, Header, Watcher},
};

/// Share of the calibrated ceiling from which it is said before the load: half the way to the warning.
const WORTH_KNOWING: f64 = benchmark_results::limits::SHARE_OF_CEILING / 2.0;

impl Lifecycle<'_> {
    /// Says what is run against what, before the load.
    pub(super) fn introduce(&self) {
        let facts = &self.setup.facts;
        let version = facts.version.value.as_deref().unwrap_or("of unknown version");
        let mut server = if facts.embedded {
            format!("embedded dev server {version} at {}", facts.address)
        } else {
            format!(
                "Temporal {version} at {}, namespace {}",
                facts.address, self.plan.namespace
            )
        };
        if let Some(ui) = self.setup.ui_address() {
            server += &format!("   ui {ui}");
        }
        let header = Header {
            workload: self.plan.workload.kind.name().to_owned(),
            rate: format!("{}/s", self.plan.load.rate),
            duration: benchmark_scenarios::units::format(self.plan.load.duration),
            run_id: self.parts.run.id.clone(),
            plan_hash: self.plan.hash().short().to_owned(),
            server: vec![server],
        };
        if let Ok(mut screen) = self.screen.lock() {
            screen.header(&header);
        }
        if let Some(url) = &self.parts.run.dashboard_url {
            say(&self.screen, &[format!("dashboard  {url}")]);
        }
        if self.plan.workers.count == 0 {
            let queue = &self.plan.task_queue;
            let line = match facts.pollers.value {
                Some(0) => format!(
                    "nobody polls {queue}: workflows will be accepted and stay open; start workers, or give --workers N"
                ),
                Some(pollers) => format!(
                    "{} on {queue}",
                    benchmark_results::format::plural(u64::from(pollers), "poller")
                ),
                None => format!("it could not be found out who polls {queue}: {}", facts.pollers.source),
            };
            say(&self.screen, &[line]);
        }
        if let Some(known) = &self.ceiling.value
            && let share = known.share_of(self.plan)
            && share >= WORTH_KNOWING
        {
            let line = format!(
                "{:.0} % of this host's calibrated ceiling of {:.0}/s",
                share * 100.0,
                known.rate
            );
            say(&self.screen, &[line]);
        }
        tracing::debug!(plan = plan::headline(self.plan), "the run begins");
    }
}

pub(super) fn say(screen: &Mutex<Box<dyn Watcher>>, lines: &[String]) {
    if let Ok(mut screen) = screen.lock() {
        lines.iter().for_each(|line| screen.say(line));
    }
}

/// Says single lines, from any thread.
pub(super) fn sayer(screen: &Arc<Mutex<Box<dyn Watcher>>>) -> Arc<dyn Fn(String) + Send + Sync> {
    let screen = Arc::clone(screen);
    Arc::new(move |line| say(&screen, &[line]))
}

pub(super) fn show(screen: &Mutex<Box<dyn Watcher>>, frame: impl FnOnce() -> Frame) {
    if let Ok(mut screen) = screen.lock() {
        screen.update(&frame());
    }
}

/// Shows what setting up is busy with.
pub(super) fn told(
    screen: &Arc<Mutex<Box<dyn Watcher>>>,
) -> Arc<dyn Fn(benchmark_temporal::embedded::Progress) + Send + Sync> {
    let screen = Arc::clone(screen);
    Arc::new(move |progress| {
        if let Ok(mut screen) = screen.lock() {
            screen.progress(&progress.doing, progress.detail.as_deref(), progress.elapsed);
        }
    })
}
