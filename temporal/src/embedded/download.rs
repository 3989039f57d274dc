//! The SDK's download of the Temporal CLI.
//!
//! The SDK downloads only on the way to starting a server, whose address is one here that cannot be: what was downloaded
//! is not executed before it was noted, and not with this program's environment. What counts is the file, which the SDK puts
//! in place with a rename once it is whole.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use temporalio_sdk_core::ephemeral_server::{EphemeralExe, EphemeralExeVersion, TemporalDevServerConfig};
use tokio::time::{Instant, sleep};

use crate::embedded::{
    cache::CLI_VERSION,
    progress::{OnProgress, Progress},
};

/// How long the download may stand still before it is given up.
const STALL: Duration = Duration::from_secs(60);

const POLL: Duration = Duration::from_millis(250);

/// No address holds a zero byte, so that none is looked up, let alone listened on.
const NO_ADDRESS: &str = "\0";

/// Downloads into an empty folder, and says where the binary is.
pub(super) async fn download(folder: &Path, told: &OnProgress) -> Result<PathBuf, String> {
    let target = folder.join(format!("temporal-{CLI_VERSION}"));
    let partial = folder.join(format!("temporal-{CLI_VERSION}.downloading"));
    let config = TemporalDevServerConfig::builder()
        .exe(EphemeralExe::CachedDownload {
            version: EphemeralExeVersion::Fixed(CLI_VERSION.to_owned()),
            dest_dir: Some(folder.to_string_lossy().into_owned()),
            ttl: None,
        })
        .ip(NO_ADDRESS.to_owned())
        .build();
    let mut start = Box::pin(async move { config.start_server_with_output(Stdio::null(), Stdio::null()).await });
    let begun = Instant::now();
    let (mut size, mut moved) = (0, begun);
    let problem = loop {
        tokio::select! {
            outcome = &mut start => match outcome {
                Ok(_) => break "it started a server without an address".to_owned(),
                Err(error) => break chain(&error),
            },
            () = sleep(POLL) => {
                let now = fs::metadata(&partial).map_or(0, |file| file.len());
                if now != size {
                    (size, moved) = (now, Instant::now());
                }
                if moved.elapsed() >= STALL {
                    break format!("nothing arrived for {} s", STALL.as_secs());
                }
                told(Progress {
                    doing: format!("downloading the Temporal dev server (CLI {CLI_VERSION})"),
                    elapsed: begun.elapsed(),
                    detail: (size > 0).then(|| format!("{} MiB", size >> 20)),
                });
            }
        }
    };
    match target.exists() {
        true => Ok(target),
        false => Err(problem),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::embedded::progress;

    #[tokio::test]
    async fn what_was_downloaded_is_not_executed() {
        let folder = tempfile::tempdir().unwrap();
        // The SDK finds it and downloads nothing.
        let binary = folder.path().join(format!("temporal-{CLI_VERSION}"));
        fs::write(&binary, "#!/bin/sh\n: > \"$0.ran\"\nsleep 1\n").unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(download(folder.path(), &progress::silent()).await, Ok(binary));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
