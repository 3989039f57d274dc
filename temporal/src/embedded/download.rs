//! The SDK's download of the Temporal CLI.
//!
//! The SDK downloads only on the way to starting a server, so a server is started and stopped again at once. What
//! counts is the file, which it puts in place with a rename once it is whole.

use std::{error::Error, fs, path::Path, process::Stdio, time::Duration};

use temporalio_sdk_core::ephemeral_server::{EphemeralExe, EphemeralExeVersion, TemporalDevServerConfig};
use tokio::time::{Instant, sleep};

use crate::embedded::{
    cache::{self, CLI_VERSION},
    progress::{OnProgress, Progress},
};

/// How long the download may stand still before it is given up.
const STALL: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(250);

pub(super) async fn download(folder: &Path, told: &OnProgress) -> Result<(), String> {
    let target = cache::binary(folder);
    let partial = target.with_file_name(format!("temporal-{CLI_VERSION}.downloading"));
    // We hold the lock, so a partial file is one that a killed process left; the SDK would wait for it.
    let _ = fs::remove_file(&partial);
    let config = TemporalDevServerConfig::builder()
        .exe(EphemeralExe::CachedDownload {
            version: EphemeralExeVersion::Fixed(CLI_VERSION.to_owned()),
            dest_dir: Some(folder.to_string_lossy().into_owned()),
            ttl: None,
        })
        .build();
    let mut start = Box::pin(async move { config.start_server_with_output(Stdio::null(), Stdio::null()).await });
    let begun = Instant::now();
    let (mut size, mut moved) = (0, begun);
    let problem = loop {
        tokio::select! {
            outcome = &mut start => match outcome {
                Ok(mut server) => {
                    // It runs on the data of nobody and is of no use: the caller starts one with its own settings.
                    let _ = server.shutdown().await;
                    break None;
                }
                Err(error) => break Some(chain(&error)),
            },
            () = sleep(POLL) => {
                let now = fs::metadata(&partial).map_or(0, |file| file.len());
                if now != size {
                    (size, moved) = (now, Instant::now());
                }
                if moved.elapsed() >= STALL {
                    break Some(format!("nothing arrived for {} s", STALL.as_secs()));
                }
                told(Progress {
                    doing: format!("downloading the Temporal dev server (CLI {CLI_VERSION})"),
                    elapsed: begun.elapsed(),
                    detail: (size > 0).then(|| format!("{} MiB", size >> 20)),
                });
            }
        }
    };
    drop(start);
    match problem {
        _ if target.exists() => Ok(()),
        Some(problem) => {
            let _ = fs::remove_file(&partial);
            Err(problem)
        }
        None => Err("it left no file behind".to_owned()),
    }
}

fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        // Many errors repeat their cause in their own words.
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        next = cause.source();
    }
    words
}
