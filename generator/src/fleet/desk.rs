//! Where the members' windows arrive: taken apart, checked, and put into whichever account is open.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, mpsc::Sender},
};

use benchmark_fleet::{EndKind, Rejected, Teller, WindowSink, read_ends, wire};
use benchmark_results::schema::GeneratorHealth;

use super::starts::{self, Bounds};
use crate::{
    accountant::Report,
    accounts::{Origin, StampedEnd, WorkflowEnd},
    schedule::Schedule,
    timeline::Timeline,
};

/// Puts windows into the open account.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    open: Arc<Mutex<Option<Open>>>,
}

/// The account that is open.
#[derive(Clone, Debug)]
struct Open {
    /// Prefix of its workflow ids: windows of another iteration are not its.
    prefix: Arc<str>,
    timeline: Timeline,
    arrivals: u64,
    reports: Sender<Report>,
    healths: BTreeMap<u32, GeneratorHealth>,
}

impl Desk {
    /// From now on windows of this iteration go to the account that reads these reports.
    pub fn open(&self, prefix: Arc<str>, schedule: &Schedule, timeline: Timeline, reports: Sender<Report>) {
        *self.lock() = Some(Open {
            prefix,
            timeline,
            arrivals: schedule.total(),
            reports,
            healths: BTreeMap::new(),
        });
    }

    /// From now on windows are taken and put nowhere. Returns what the generators told of themselves, by member.
    pub fn close(&self) -> BTreeMap<u32, GeneratorHealth> {
        self.lock().take().map(|open| open.healths).unwrap_or_default()
    }

    /// What the generators told of themselves so far, by member.
    pub fn healths(&self) -> BTreeMap<u32, GeneratorHealth> {
        self.lock()
            .as_ref()
            .map(|open| open.healths.clone())
            .unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WindowSink for Desk {
    fn take(&self, from: Teller, window: wire::Window) -> Result<(), Rejected> {
        let member = from.id;
        let Some(open) = self.lock().clone() else { return Ok(()) };
        // Of an earlier iteration, whose workflow ended after its drain.
        if window.run != *open.prefix {
            return Ok(());
        }
        match window.body {
            Some(wire::window::Body::Ends(ends)) => {
                let ends = open.ends(&ends)?;
                open.send(Report::Ends(Origin::Member(member.0), ends));
            }
            Some(wire::window::Body::Starts(mut message)) => {
                let health = std::mem::take(&mut message.health_json);
                let reports = starts::from_message(message, open.bounds())?;
                if !health.is_empty() {
                    let health = serde_json::from_str(&health)
                        .map_err(|error| format!("what the generator used cannot be read: {error}"))?;
                    if let Some(open) = self.lock().as_mut() {
                        open.healths.insert(member.0, health);
                    }
                }
                for report in reports {
                    open.send(Report::Elsewhere(Origin::Member(member.0), report));
                }
            }
            None => return Err(Rejected::Malformed("a window without a body".into())),
        }
        Ok(())
    }
}

impl Open {
    fn bounds(&self) -> Bounds {
        Bounds {
            arrivals: self.arrivals,
            now: self.timeline.elapsed(),
        }
    }

    fn ends(&self, ends: &wire::Ends) -> Result<Vec<StampedEnd>, String> {
        let bounds = self.bounds();
        let offset = |unix_ns| self.timeline.offset_of(unix_ns).min(bounds.now);
        let ends = read_ends(ends)?
            .into_iter()
            // Anybody can start a workflow with this run's name in its header; it is no arrival of this run.
            .filter(|end| end.n < bounds.arrivals)
            .map(|end| StampedEnd {
                n: end.n,
                // What has happened has happened by now: clocks that differ by a little must not say otherwise.
                sent: offset(end.sent_unix_ns),
                ended: offset(end.ended_unix_ns),
                end: match end.kind {
                    EndKind::Completed => WorkflowEnd::Completed,
                    EndKind::Failed => WorkflowEnd::Failed,
                    EndKind::Cancelled => WorkflowEnd::Cancelled,
                },
                message: end.message,
            })
            .collect();
        Ok(ends)
    }

    fn send(&self, report: Report) {
        // The account may have been closed in this instant; then this is too late for it.
        let _ = self.reports.send(report);
    }
}
