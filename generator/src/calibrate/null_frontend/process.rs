//! A null frontend as a process of its own, so that its CPU time is not the generator's.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::fs::FileTypeExt},
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{NullFrontend, NullFrontendError, Options};

/// Runs one until SIGTERM or SIGINT, or until standard input closes where that is a pipe: a parent that holds its other
/// end takes this process along however it ends, also by SIGKILL.
///
/// Writes two lines to `out`: its address at once, and its [`Counts`](super::Counts) as JSON when it ends.
///
/// # Errors
/// When the frontend cannot be started, or `out` cannot be written.
pub fn run(options: Options, out: &mut dyn Write) -> Result<(), NullFrontendError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(NullFrontendError::Start)?;
    // Before the address is told, so that whoever reads it may send the signal at once.
    let ended = {
        let _inside = runtime.enter();
        Ended::watch().map_err(NullFrontendError::Start)?
    };
    let frontend = NullFrontend::start(options)?;
    write_line(out, &frontend.address().to_string())?;
    runtime.block_on(ended.wait());
    let counts = frontend.stop()?;
    let counts = serde_json::to_string(&counts).map_err(|error| NullFrontendError::Announce(error.into()))?;
    match write_line(out, &counts) {
        // A parent that is gone does not read what was counted.
        Err(NullFrontendError::Announce(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn write_line(out: &mut dyn Write, line: &str) -> Result<(), NullFrontendError> {
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(NullFrontendError::Announce)
}

/// What ends the process.
struct Ended {
    terminated: tokio::signal::unix::Signal,
    interrupted: tokio::signal::unix::Signal,
    input_closed: Option<oneshot::Receiver<()>>,
}

impl Ended {
    fn watch() -> io::Result<Self> {
        Ok(Ended {
            terminated: signal(SignalKind::terminate())?,
            interrupted: signal(SignalKind::interrupt())?,
            input_closed: watch_input()?,
        })
    }

    async fn wait(mut self) {
        let input_closed = async {
            match self.input_closed {
                // An error means that the watching thread is gone, which is as good as the input.
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminated.recv() => {}
            _ = self.interrupted.recv() => {}
            () = input_closed => {}
        }
    }
}

/// Tells when standard input closes, where it is a pipe. A terminal or `/dev/null` says nothing about a parent.
fn watch_input() -> io::Result<Option<oneshot::Receiver<()>>> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    if !input.metadata()?.file_type().is_fifo() {
        return Ok(None);
    }
    let (tell, told) = oneshot::channel();
    // Not joined: it may read for ever, and ends with the process.
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut ignored = [0; 256];
        while input.read(&mut ignored).is_ok_and(|read| read > 0) {}
        let _ = tell.send(());
    })?;
    Ok(Some(told))
}
