//! Metrics of a generator process itself, on its page: what the health checks look at, of the last second.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use benchmark_metrics::{Described, Registry, Sample, Value};
use benchmark_results::schema::GeneratorHealth;
use tokio::time::MissedTickBehavior;

use super::{lock, table};
use crate::{
    account::accounts::OwnLoad,
    machine::health::{HealthProbe, HealthSnapshot},
};

/// What the page tells of this process as a generator. Clones tell of the same.
#[derive(Clone, Debug)]
pub struct GeneratorPage {
    probe: Arc<HealthProbe>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    run_id: Option<String>,
    usage: Option<GeneratorHealth>,
    load: Option<(OwnLoad, u32)>,
}

impl GeneratorPage {
    /// On the page of a registry; what it has to tell comes with [`GeneratorPage::watch`].
    pub(super) fn new(registry: &Registry) -> Self {
        let page = GeneratorPage {
            probe: Arc::new(HealthProbe::new(Path::new("/"))),
            state: Arc::default(),
        };
        let shown = page.clone();
        registry.show(table::GENERATOR_SERIES, move || shown.samples());
        page
    }

    /// Looks at the process once a second from now on, as long as this runtime lives.
    pub(super) fn watch(&self) {
        let (probe, state) = (Arc::clone(&self.probe), Arc::downgrade(&self.state));
        tokio::spawn(async move {
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut before: Option<HealthSnapshot> = None;
            loop {
                seconds.tick().await;
                let Some(state) = state.upgrade() else { return };
                let now = probe.snapshot();
                lock(&state).usage = before.as_ref().map(|before| HealthSnapshot::between(before, &now));
                before = Some(now);
            }
        });
    }

    /// The run that this process takes part in from now on.
    pub fn of_run(&self, run_id: &str) {
        let mut state = lock(&self.state);
        state.run_id = Some(run_id.to_owned());
        state.load = None;
    }

    /// What its own starts are like, and on how many connections they are sent.
    pub fn sends(&self, load: OwnLoad, connections: u32) {
        lock(&self.state).load = Some((load, connections));
    }

    fn samples(&self) -> Vec<Sample> {
        let state = lock(&self.state);
        let Some(run_id) = &state.run_id else {
            return Vec::new();
        };
        let usage = state.usage.as_ref();
        let of = |value: fn(&GeneratorHealth) -> Option<f64>| usage.and_then(value);
        let load = state.load;
        let numbers: [(&'static Described, Option<f64>); 8] = [
            (&table::CAPACITY, Some(self.probe.capacity())),
            (
                &table::BUSIEST,
                of(|usage| usage.busiest_thread.value.as_ref().map(|thread| thread.share)),
            ),
            (&table::WAIT, of(|usage| usage.cpu_wait.value)),
            (&table::THROTTLED, of(|usage| usage.throttled.value)),
            (&table::STEAL, of(|usage| usage.steal.value)),
            (&table::LAG_MAX, load.map(|(load, _)| load.lag_max)),
            (&table::OWN_IN_FLIGHT, load.map(|(load, _)| load.in_flight as f64)),
            (&table::CONNECTIONS, load.map(|(_, connections)| f64::from(connections))),
        ];
        let found = numbers.into_iter().filter_map(|(of, number)| {
            Some(Sample {
                of,
                labels: vec![("run_id", run_id.clone())],
                value: Value::Number(number?),
            })
        });
        found.collect()
    }
}
