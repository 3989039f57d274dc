//! Remote write: the page, written to a Prometheus each second, for runs that nobody scrapes, or not often enough.
//!
//! Protocol 1.0, with native histograms. One page is under way at a time, so that samples arrive in order; what is not taken
//! waits, five minutes at the most. Nothing waits for it: a receiver that stalls costs pages, which are counted.

mod message;
mod queue;
mod series;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER},
};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

pub use queue::Written;
use queue::{Answer, Queue};
use series::Writer;

use crate::{Registry, http_cause, http_client};

/// How often a page is written.
const EACH: Duration = Duration::from_secs(1);

/// As much of a refusal is read as its first line needs.
const LARGEST: usize = 4096;

/// Where and as whom pages are written.
#[derive(Clone, Debug)]
pub struct RemoteWriteOptions {
    /// Where to.
    pub url: String,
    /// Headers of each request, such as a token.
    pub headers: HeaderMap,
    /// The label `instance` of every series; `job` is `run-benchmark`.
    pub instance: String,
}

/// Writing that goes on until it is finished, or this is dropped.
#[derive(Debug)]
pub struct RemoteWrite {
    stop: oneshot::Sender<Instant>,
    task: JoinHandle<Written>,
}

/// There is no HTTP client.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client can be made")]
pub struct NoClient(#[from] reqwest::Error);

impl RemoteWrite {
    /// Begins. `said` is told in words of what goes wrong, once.
    ///
    /// # Errors
    /// When there is no HTTP client to be had.
    pub fn start(
        registry: Registry,
        options: RemoteWriteOptions,
        said: Arc<dyn Fn(String) + Send + Sync>,
    ) -> Result<RemoteWrite, NoClient> {
        let http = http_client()?;
        let mut messages = RemoteWriteMessages::new(registry, &options.instance);
        let make = move |last: bool| messages.next(last);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(make, move |page| send(&http, &options, page), stopped, said));
        Ok(RemoteWrite { stop, task })
    }

    /// Writes the last page and the end of all series, and waits until everything is taken, so long at the most.
    pub fn finish(self, within: Duration) -> BoxFuture<'static, Written> {
        async move {
            let _ = self.stop.send(Instant::now() + within);
            self.task.await.unwrap_or_else(|_| Written {
                problem: Some("the writing broke off; this is a defect of the program".to_owned()),
                ..Written::default()
            })
        }
        .boxed()
    }
}

/// A page, second by second, as it is sent.
#[derive(Debug)]
pub struct RemoteWriteMessages {
    registry: Registry,
    writer: Writer,
}

impl RemoteWriteMessages {
    /// Of a registry, with this label `instance`.
    pub fn new(registry: Registry, instance: &str) -> Self {
        RemoteWriteMessages {
            registry,
            writer: Writer::new(&[("job", "run-benchmark"), ("instance", instance)]),
        }
    }

    /// The page as it is now, or that all of its series have ended: a message, compressed. `None` when there is none, since a
    /// page is larger than what snappy takes.
    pub fn next(&mut self, last: bool) -> Option<Bytes> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let message = match last {
            true => self.writer.end(now),
            false => self.writer.page(&self.registry.families().unwrap_or_default(), now),
        };
        snap::raw::Encoder::new().compress_vec(&message).ok().map(Bytes::from)
    }
}

/// Makes pages and sends them until it is told to stop, and then what is left.
async fn run(
    mut make: impl FnMut(bool) -> Option<Bytes>,
    send: impl Fn(Bytes) -> BoxFuture<'static, Answer>,
    mut stop: oneshot::Receiver<Instant>,
    said: Arc<dyn Fn(String) + Send + Sync>,
) -> Written {
    let mut queue = Queue::default();
    let mut each = interval(EACH);
    each.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut sending: Option<BoxFuture<'static, Answer>> = None;
    let mut until: Option<Instant> = None;
    loop {
        let next = queue.next().filter(|_| sending.is_none());
        let wake = match next {
            Some((page, at)) if at.is_none_or(|at| at <= Instant::now()) => {
                sending = Some(send(page));
                None
            }
            Some((_, at)) => at,
            None => None,
        };
        if until.is_some() && queue.is_empty() {
            break;
        }
        let now = Instant::now();
        tokio::select! {
            biased;
            () = sleep_until(until.unwrap_or(now)), if until.is_some() => break,
            deadline = &mut stop, if until.is_none() => {
                for last in [false, true] {
                    if let Some(page) = make(last) {
                        queue.push(page, sending.is_some());
                    }
                }
                // Nobody waits for what was dropped.
                until = Some(deadline.unwrap_or(now));
            }
            _ = each.tick(), if until.is_none() => {
                if let Some(page) = make(false) {
                    queue.push(page, sending.is_some());
                }
            }
            answer = async { match &mut sending {
                Some(sending) => sending.await,
                None => std::future::pending().await,
            } } => {
                sending = None;
                if let Some(problem) = queue.answered(answer, Instant::now()) {
                    said(format!("remote write: {problem}"));
                }
            }
            () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
        }
    }
    queue.finish()
}

fn send(http: &reqwest::Client, options: &RemoteWriteOptions, page: Bytes) -> BoxFuture<'static, Answer> {
    let request = http
        .post(&options.url)
        .headers(options.headers.clone())
        .header(CONTENT_ENCODING, "snappy")
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header("X-Prometheus-Remote-Write-Version", "0.1.0")
        .body(page);
    async move {
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => Answer::Later(None, http_cause(&error)),
        }
    }
    .boxed()
}

async fn answer(mut response: reqwest::Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        return Answer::Taken;
    }
    let after = response.headers().get(RETRY_AFTER);
    let after = after.and_then(|after| retry_after(after.to_str().ok()?, SystemTime::now()));
    let mut said = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        said.extend_from_slice(&piece);
        if said.len() >= LARGEST {
            break;
        }
    }
    let first = String::from_utf8_lossy(&said)
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    let words = match first.is_empty() {
        true => format!("answered {status}"),
        false => format!("answered {status}: {first}"),
    };
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Answer::Later(after, words)
    } else {
        Answer::Refused(words)
    }
}

/// How long a receiver wants to be left alone: seconds, or a date of HTTP's. One that has passed is no time at all.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let seconds = || text.parse().ok().map(Duration::from_secs);
    let date = || {
        Some(
            httpdate::parse_http_date(text)
                .ok()?
                .duration_since(now)
                .unwrap_or_default(),
        )
    };
    seconds().or_else(date)
}

#[cfg(test)]
mod tests;
