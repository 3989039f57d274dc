//! The server's process, and the promise that it does not outlive us.
//!
//! It is in a process group of its own, so that Ctrl-C in the terminal reaches us and not it: we stop it when we are
//! done with it. Linux kills it when we die without having stopped it (`PR_SET_PDEATHSIG`). That signal is sent when
//! the *thread* dies that made the process, not the whole program; so a thread is kept for it that lives as long.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

const POLL: Duration = Duration::from_millis(10);

pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    pid: u32,
    /// Kept, so that the thread which made the process goes on; dropping it ends the thread.
    thread: Option<mpsc::Sender<()>>,
}

impl Process {
    /// Starts the program with both outputs in `log`. With `outlive` it survives us.
    pub(super) fn start(program: &Path, arguments: &[String], log: File, outlive: bool) -> io::Result<Process> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log);
        own_group(&mut command);
        if outlive {
            let child = command.spawn()?;
            return Ok(Process {
                pid: child.id(),
                child: Arc::new(Mutex::new(child)),
                thread: None,
            });
        }
        die_with_us(&mut command);
        let (hold, held) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::Builder::new()
            .name("embedded-server".to_owned())
            .spawn(move || {
                let child = command.spawn().map(|child| (child.id(), Arc::new(Mutex::new(child))));
                if tell.send(child).is_ok() {
                    // Ends when the `Process` is gone.
                    let _ = held.recv();
                }
            })?;
        let (pid, child) = told.recv().map_err(io::Error::other)??;
        Ok(Process {
            child,
            pid,
            thread: Some(hold),
        })
    }

    /// Ties the process to the whole program instead of to this value: the thread goes on until the program ends.
    pub(super) fn hold_to_the_end(&mut self) {
        std::mem::forget(self.thread.take());
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        self.lock().try_wait().ok().flatten()
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
        let mut child = self.lock();
        let _ = child.kill();
        let _ = child.wait();
    }

    fn lock(&self) -> MutexGuard<'_, Child> {
        // The child is as good after a panic elsewhere as before, and it must be stopped above all then.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let us = rustix::process::getpid();
    // SAFETY: between fork and exec only async-signal-safe functions may be called. Both are plain system calls
    // that allocate nothing and take no lock.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // Had we died before the call, nobody would send the signal any more.
            if rustix::process::getppid() != Some(us) {
                return Err(io::Error::from(rustix::io::Errno::SRCH));
            }
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_command: &mut Command) {}
