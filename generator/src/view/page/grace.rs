//! Grace period of a process whose page is scraped: a run that is shorter than the interval of the scrapes would end
//! unseen.

use std::time::{Duration, Instant};

use benchmark_metrics::Scrapes;
use benchmark_scenarios::{Resolved, units};

use super::{Page, lock};
use crate::stop::{
    Stop,
    deadline::{Ending, Step},
};

/// How long is waited when there was one scrape, so that its interval is not known: a usual one.
const ONE_SCRAPE: Duration = Duration::from_secs(60);

/// Waits for a last scrape.
#[derive(Debug)]
pub struct GracePeriod {
    page: Page,
    asked: Option<Duration>,
    stop: Stop,
    stop_timeout: Duration,
}

impl GracePeriod {
    /// Of a page on which something runs as it was resolved.
    pub fn new(page: Page, resolved: &Resolved, stop: Stop) -> Self {
        GracePeriod {
            page,
            asked: resolved.metrics_grace,
            stop,
            stop_timeout: resolved.plan.load.stop_timeout,
        }
    }

    /// Waits until the last figures were scraped, or time is up, or a signal comes; after a signal within what is left of the
    /// stop's time. Call it when everything is written and printed; `say` hears what is waited for.
    pub async fn wait(mut self, say: impl FnOnce(&str)) {
        let (Some(serving), Some(finished)) = (&self.page.serving, *lock(&self.page.finished)) else {
            return;
        };
        let mut scrapes = serving.scrapes();
        let limit = limit(self.asked, &scrapes.borrow(), finished);
        let Some(limit) = limit else {
            return;
        };
        let ending = Ending::new(self.stop.clone(), self.stop_timeout);
        // The last of all steps: it has until the end of the stop's time.
        let deadline = ending.step(Step::Server, limit);
        if deadline.is_over() {
            return;
        }
        let stopped = deadline.is_hurried();
        say(&format!(
            "waiting for the last figures to be scraped, {} at most (--metrics-grace); a signal ends it",
            units::format(Duration::from_secs(deadline.left().as_secs_f64().ceil() as u64))
        ));
        tokio::select! {
            _ = scrapes.wait_for(|scrapes| scrapes.last().is_some_and(|last| last >= finished)) => {}
            () = deadline.passed() => {}
            _ = self.stop.requested(), if !stopped => {}
        }
    }
}

/// How long to wait for a scrape after `finished`; `None`: not at all. Who asks for a wait may know of scrapes to come.
fn limit(asked: Option<Duration>, seen: &Scrapes, finished: Instant) -> Option<Duration> {
    let default = match seen.last() {
        Some(last) if last >= finished => return None,
        Some(_) => Some(seen.interval().map_or(ONE_SCRAPE, |interval| interval * 2)),
        None => None,
    };
    asked.or(default).filter(|limit| !limit.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_for_who_came_before_or_is_said_to_come() {
        let finished = Instant::now() + Duration::from_secs(100);
        let scrapes = |before: &[u64]| {
            before
                .iter()
                .map(|seconds| finished - Duration::from_secs(*seconds))
                .collect()
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let (asked, not) = (seconds(7), None);
        let seen: [(Scrapes, _, _); 4] = [
            (scrapes(&[]), None, asked),
            (scrapes(&[3]), seconds(60), asked),
            (scrapes(&[3, 18]), seconds(30), asked),
            (scrapes(&[0, 15]), None, None),
        ];
        for (seen, default, wanted) in seen {
            assert_eq!(limit(not, &seen, finished), default, "{seen:?}");
            assert_eq!(limit(asked, &seen, finished), wanted, "{seen:?}");
            assert_eq!(limit(seconds(0), &seen, finished), None, "{seen:?}");
        }
    }
}
