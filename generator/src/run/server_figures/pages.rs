//! Scraping of metrics pages while the measured phase goes on: read when it begins, every ten seconds, and when it
//! ends.

use std::{sync::Arc, time::Duration};

use benchmark_figures::{PageReader, QueryWindow, Reading, Snapshot};
use benchmark_metrics::{Format, Registry};
use benchmark_results::schema::{FigureMethod, Phase, ServerFigures};
use futures::future::join_all;
use jiff::Timestamp;
use tokio::{sync::watch, task::JoinHandle};

use super::Client;
use crate::{load::timeline::Timeline, run::submission::Submission, stop::deadline::Deadline};

/// How often gauges are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// What this process's own page is called.
const OWN: &str = "this process";

/// The pages of a run.
#[derive(Clone)]
pub struct Pages {
    client: Client,
    urls: Vec<String>,
    /// The workers of this process show themselves there.
    own: Option<Registry>,
    namespace: Arc<str>,
}

impl Pages {
    /// These pages, and this process's own where it has workers.
    pub fn new(client: Client, urls: Vec<String>, own: Option<Registry>, namespace: &str) -> Self {
        Pages {
            client,
            urls,
            own,
            namespace: namespace.into(),
        }
    }

    fn addresses(&self) -> impl Iterator<Item = String> {
        let own = self.own.iter().map(|_| OWN.to_owned());
        self.urls.iter().cloned().chain(own)
    }

    async fn look(&self) -> Vec<Result<Snapshot, String>> {
        let asked = self.urls.iter().map(|url| self.client.page(url, &self.namespace));
        let mut looked = join_all(asked).await;
        if let Some(registry) = &self.own {
            looked.push(own_page(registry, &self.namespace));
        }
        looked
    }
}

/// This process's own page, read as everybody else's.
fn own_page(registry: &Registry, namespace: &str) -> Result<Snapshot, String> {
    let text = registry.encode(Format::Plain).map_err(|error| error.to_string())?;
    let mut page = PageReader::new(namespace);
    page.feed(&text).map_err(|problem| problem.to_string())?;
    page.finish().map_err(|problem| problem.to_string())
}

/// The reading of one iteration, beside its load.
pub struct Watching {
    pages: Pages,
    iteration: u32,
    begun: Option<Begun>,
}

struct Begun {
    timeline: Timeline,
    begin: u64,
    end: watch::Sender<u64>,
    task: JoinHandle<Reading>,
}

impl Watching {
    /// Nothing is read before [`Watching::tick`] finds that the load has begun.
    pub fn new(pages: Pages, iteration: u32) -> Self {
        Watching {
            pages,
            iteration,
            begun: None,
        }
    }

    /// Looks at how far the window is.
    pub fn tick(&mut self, submission: &Submission) {
        let (begin, planned) = submission.schedule.bounds(Phase::Measure);
        let end = submission.stopped_at.map_or(planned, |stopped| stopped.min(planned));
        match &self.begun {
            Some(begun) => {
                begun.end.send_if_modified(|known| std::mem::replace(known, end) != end);
            }
            None if end > begin => {
                let (sender, receiver) = watch::channel(end);
                let timeline = submission.timeline;
                let task = tokio::spawn(read(self.pages.clone(), timeline, begin, receiver));
                self.begun = Some(Begun {
                    timeline,
                    begin,
                    end: sender,
                    task,
                });
            }
            None => {}
        }
    }

    /// What was read; `None` where there was no measured phase.
    pub async fn finish(self, deadline: &Deadline) -> Option<ServerFigures> {
        let Begun {
            timeline,
            begin,
            end,
            mut task,
        } = self.begun?;
        let end = *end.borrow();
        if end <= begin {
            task.abort();
            return None;
        }
        let read = deadline.keep(&mut task).await;
        let planned = Duration::from_nanos(end - begin);
        let started_at = instant(timeline.unix_ns_of(begin));
        let (seconds, (figures, problems)) = match read {
            Ok(Ok(reading)) => {
                let seconds = reading.seconds();
                let window = Duration::try_from_secs_f64(seconds).unwrap_or(planned);
                let asked = QueryWindow::new(&self.pages.namespace, None, window.max(Duration::from_millis(1)));
                (seconds, reading.figures(&asked))
            }
            unread => {
                task.abort();
                let reason = match unread {
                    Ok(_) => "the reading of the pages broke off; this is a defect of the program",
                    Err(_) => "time was up before the pages were read",
                };
                let source = self.pages.addresses().collect::<Vec<_>>().join(", ");
                let asked = QueryWindow::new(&self.pages.namespace, None, planned);
                let figures = benchmark_figures::unanswered(&asked, &source, reason);
                (planned.as_secs_f64(), (figures, vec![reason.to_owned()]))
            }
        };
        Some(ServerFigures {
            iteration: self.iteration,
            started_at,
            seconds,
            method: FigureMethod::Pages,
            problems,
            figures,
        })
    }
}

async fn read(pages: Pages, timeline: Timeline, begin: u64, mut end: watch::Receiver<u64>) -> Reading {
    let mut reading = Reading::new(pages.addresses());
    let mut next = begin;
    loop {
        let last = *end.borrow_and_update();
        let until = next.min(last);
        if let Some(left) = timeline.until(until) {
            let waiting = tokio::time::sleep(Duration::from_nanos(left));
            tokio::select! {
                () = waiting => {}
                // It may have come nearer.
                changed = end.changed() => match changed {
                    Ok(()) => continue,
                    // Nobody wants to know any more.
                    Err(_) => return reading,
                },
            }
        }
        let is_last = timeline.elapsed() >= *end.borrow();
        // When they were asked: what an answer takes is no part of the window.
        let at = timeline.seconds();
        reading.take(at, pages.look().await);
        if is_last {
            return reading;
        }
        next += u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
    }
}

/// An instant as it stands in a results file.
fn instant(unix_ns: u64) -> String {
    Timestamp::from_nanosecond(unix_ns.into()).map_or_else(|_| String::new(), |at| at.to_string())
}
