//! `results`: what the bucket has of runs, and a run's folder on this disk.

mod list;
mod place;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use benchmark_results::{Results, file, summary::Style, text};
use benchmark_scenarios::Problem;
use serde_json::json;

use crate::{
    args::ResultsCommand,
    bucket::{Bucket, RUNS, is_plain, is_run_id},
    figures,
    session::Session,
};

/// The file of a run.
const FILE: &str = "results.json";

/// Lists runs, or brings one.
///
/// # Errors
/// When AWS refuses, there is no such run, or it cannot be put on this disk.
pub async fn results(session: &Session, command: &ResultsCommand) -> Result<ExitCode, Problem> {
    let bucket = Bucket::new(&session.aws, session.facts.bucket()?);
    match command {
        ResultsCommand::List { limit } => list::list(session, &bucket, *limit).await?,
        ResultsCommand::Get { run, to } => {
            let run = match run {
                Some(run) if is_run_id(run) => run.clone(),
                Some(run) => {
                    return Err(Problem::new(format!("{:?}: no run's id", text::line(run, 60)))
                        .remedy("benchmark-cluster results list"));
                }
                None => list::newest(&bucket).await?,
            };
            let files = fetch(&bucket, &run).await?;
            let brought = session.put_on_disk(&run, to, files).await?;
            let mark = match brought.is_complete() {
                true => "",
                false => ", PARTIAL: the run goes on, or was killed",
            };
            let sentence = format!("{}{mark}", brought.folder.display());
            let more = json!({ "run": run, "folder": brought.folder.display().to_string(), "complete": brought.is_complete() });
            session.tell("result", sentence, more);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Colour where a person sees it.
pub fn style() -> Style {
    let is_wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    Style { color: is_wanted }
}

/// A run on this disk.
#[derive(Debug)]
pub struct Brought {
    /// Its id.
    pub run: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its results file.
    pub file: PathBuf,
    /// What is in it; none where there is none, or it cannot be read.
    pub results: Option<Results>,
}

impl Brought {
    /// Whether the run is whole.
    pub fn is_complete(&self) -> bool {
        self.results.as_ref().is_some_and(|results| results.complete)
    }
}

/// A run's files in the bucket, by their paths in its folder.
///
/// # Errors
/// When the bucket does not have the run, or does not answer.
pub async fn fetch(bucket: &Bucket, run: &str) -> Result<Vec<(String, Vec<u8>)>, Problem> {
    let prefix = format!("{RUNS}{run}/");
    let mut files = Vec::new();
    for listed in bucket.list(&prefix).await? {
        let path = listed.key.strip_prefix(&prefix).unwrap_or_default();
        // Whoever may write to the bucket does not choose where on this disk.
        if !path.split('/').all(is_plain) {
            continue;
        }
        if let Some(object) = bucket.get(&listed.key).await? {
            files.push((path.to_owned(), object.bytes));
        }
    }
    match files.is_empty() {
        true => Err(
            Problem::new(format!("{run}: the bucket {} has no such run", bucket.name()))
                .remedy("benchmark-cluster results list"),
        ),
        false => Ok(files),
    }
}

impl Session {
    /// Puts a run's files into `TO/runs/RUN-ID`, and adds what the managed Prometheus says of it.
    ///
    /// # Errors
    /// When another file is in the way, or the disk does not take them.
    pub async fn put_on_disk(&self, run: &str, to: &Path, files: Vec<(String, Vec<u8>)>) -> Result<Brought, Problem> {
        let runs = Path::new("runs");
        let folder = match to == Path::new(".") {
            true => runs.join(run),
            false => to.join(runs).join(run),
        };
        place::place(&folder, run, &files)?;
        let path = folder.join(FILE);
        let mut results = None;
        if path.exists() {
            match file::read(&path) {
                Ok(read) => results = Some(read),
                Err(error) => self.tell("problem", error, json!({ "run": run })),
            }
        }
        if let Some(results) = &mut results {
            figures::add(self, &path, results).await;
        }
        Ok(Brought {
            run: run.to_owned(),
            folder,
            file: path,
            results,
        })
    }
}
