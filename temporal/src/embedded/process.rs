//! The server's process: asked to end, and made to.

use std::{
    fs::File,
    io,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

use crate::{child, embedded::binary::ServerBinary};

const POLL: Duration = Duration::from_millis(10);

pub(super) struct Process {
    child: Mutex<Child>,
    pid: u32,
}

impl Process {
    /// Starts the binary with both outputs in `log`. With `outlive` it survives us.
    pub(super) fn start(binary: &ServerBinary, arguments: &[String], log: File, outlive: bool) -> io::Result<Process> {
        let mut command = Command::new(&binary.path);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log);
        let child = match outlive {
            true => child::spawn_to_outlive(command, &binary.environment)?,
            false => child::spawn(command, &binary.environment)?,
        };
        Ok(Process {
            pid: child.id(),
            child: Mutex::new(child),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        self.child.lock().try_wait().ok().flatten()
    }

    /// Asks it to end and, after `grace`, makes it. Returns when it is gone.
    pub(super) fn stop(&self, grace: Duration) {
        let end = Instant::now() + grace;
        if self.ended().is_none()
            && let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, Signal::TERM);
        }
        while self.ended().is_none() {
            if Instant::now() >= end {
                self.kill();
                return;
            }
            thread::sleep(POLL);
        }
    }

    /// Makes it end at once.
    pub(super) fn kill(&self) {
        let mut child = self.child.lock();
        let _ = child.kill();
        let _ = child.wait();
    }
}
