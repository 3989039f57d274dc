//! The metrics page of a run, written to a Prometheus each second.

use std::{sync::Arc, time::Duration};

use benchmark_metrics::{Registry, RemoteWrite, RemoteWriteOptions};
use benchmark_results::{schema::RemoteWritten, text};
use benchmark_scenarios::{Key, Problem, RemoteWriteTarget};

use crate::{
    run::server_figures::read_headers,
    stop::deadline::{Ending, Step},
};

/// How long what is left may take in the end.
const FLUSH: Duration = Duration::from_secs(10);

/// Longest reason that is kept, characters.
const REASON: usize = 300;

/// Looks at what was asked for, before the load.
///
/// # Errors
/// When the headers are none.
pub fn prepare(target: &RemoteWriteTarget, hostname: Option<&str>) -> Result<RemoteWriteOptions, Problem> {
    let headers = match &target.headers {
        Some(path) => read_headers(Key::RemoteWriteHeaders.flag(), path)?,
        None => http::HeaderMap::new(),
    };
    Ok(RemoteWriteOptions {
        url: target.url.clone(),
        headers,
        instance: format!("{}:{}", hostname.unwrap_or("unknown-host"), std::process::id()),
    })
}

/// Pages are written.
pub struct Writing {
    url: String,
    task: RemoteWrite,
}

impl Writing {
    /// Begins to write. `said` is told what goes wrong, once.
    ///
    /// # Errors
    /// When there is no HTTP client to be had.
    pub fn start(
        registry: Registry,
        options: RemoteWriteOptions,
        said: Arc<dyn Fn(String) + Send + Sync>,
    ) -> Result<Writing, Problem> {
        let url = options.url.clone();
        let task = RemoteWrite::start(registry, options, said)?;
        Ok(Writing { url, task })
    }

    /// Writes the last one and the end of all series, within the run's own deadline.
    pub async fn finish(self, ending: &Ending) -> RemoteWritten {
        let written = self.task.finish(ending.step(Step::Server, FLUSH).left()).await;
        RemoteWritten {
            url: self.url,
            taken: written.taken,
            lost: written.lost,
            // It is what a stranger said.
            problem: written.problem.map(|problem| text::line(&problem, REASON)),
        }
    }
}
