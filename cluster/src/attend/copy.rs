//! Copies of what changed below the folder of runs, and the object that says how far they are.

use std::path::{Path, PathBuf};

use benchmark_scenarios::Problem;
use jiff::Timestamp;

use super::changes::{self, Copied};
use crate::bucket::{Attended, Bucket, RUNS, attended_key};

/// Copies one folder.
pub struct Copier {
    bucket: Bucket,
    folder: PathBuf,
    token: String,
    task: String,
    copied: Copied,
}

impl Copier {
    /// Copies the folder of the task that has this ARN.
    pub fn new(bucket: Bucket, folder: &Path, token: &str, task: &str) -> Copier {
        Copier {
            bucket,
            folder: folder.to_owned(),
            token: token.to_owned(),
            task: task.to_owned(),
            copied: Copied::default(),
        }
    }

    /// Puts what changed, and then says so; `ended`: whether it is the last copy, after the generator has ended.
    ///
    /// # Errors
    /// When something cannot be read or put. What was put by then is not put again.
    pub async fn copy(&mut self, ended: bool) -> Result<(), Problem> {
        let cannot = |path: PathBuf, error| Problem::new(format!("{}: {error}", path.display()));
        let due = self.copied.due(&self.folder);
        for path in due.map_err(|error| cannot(self.folder.clone(), error))? {
            let read = changes::read(&self.folder, &path);
            let (bytes, version) = read.map_err(|error| cannot(self.folder.join(&path), error))?;
            self.bucket.put(&format!("{RUNS}{path}"), bytes).await?;
            self.copied.copied(&path, version);
        }
        self.put_state(ended).await
    }

    /// Says how far the copies are.
    ///
    /// # Errors
    /// When the bucket does not take it.
    pub async fn put_state(&self, ended: bool) -> Result<(), Problem> {
        let state = Attended {
            task: self.task.clone(),
            runs: self.copied.runs().to_vec(),
            copied: Timestamp::now().to_string(),
            ended,
        };
        let state = serde_json::to_vec(&state).map_err(|error| Problem::new(error.to_string()))?;
        self.bucket.put(&attended_key(&self.token), state).await
    }
}
