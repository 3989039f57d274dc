//! Processes that this program makes: they die with it, they get no secrets, and Ctrl-C in the terminal is not for them.
//!
//! Linux kills a process whose parent died (`PR_SET_PDEATHSIG`), however it died. That signal is sent when the *thread* is
//! gone that made the process, not the whole program; so one thread makes all of them, and lives as long as the program.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use crate::process_environment::ProcessEnvironment;

/// Makes a process that ends with this one.
///
/// # Errors
/// When it cannot be made.
pub fn spawn(mut command: Command, environment: &ProcessEnvironment) -> io::Result<Child> {
    prepare(&mut command, environment);
    die_with_us(&mut command);
    on_the_thread(move || command.spawn())
}

/// The same for a process that the current runtime waits for. It is killed when the value is dropped.
///
/// # Errors
/// When it cannot be made.
///
/// # Panics
/// Outside of a runtime.
pub fn spawn_async(
    mut command: tokio::process::Command,
    environment: &ProcessEnvironment,
) -> io::Result<tokio::process::Child> {
    prepare(command.as_std_mut(), environment);
    die_with_us(command.as_std_mut());
    command.kill_on_drop(true);
    let runtime = tokio::runtime::Handle::current();
    on_the_thread(move || {
        let _inside = runtime.enter();
        command.spawn()
    })
}

/// Makes a process that goes on when this one ends.
///
/// # Errors
/// When it cannot be made.
pub fn spawn_to_outlive(mut command: Command, environment: &ProcessEnvironment) -> io::Result<Child> {
    prepare(&mut command, environment);
    command.spawn()
}

/// A group of its own, so that the terminal's signals reach us and not the process; and no secrets.
fn prepare(command: &mut Command, environment: &ProcessEnvironment) {
    command.process_group(0);
    for name in &environment.withheld {
        command.env_remove(name);
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Does something on the thread that makes the processes.
fn on_the_thread<T: Send + 'static>(make: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    static THREAD: Mutex<Option<mpsc::Sender<Job>>> = Mutex::new(None);
    let (tell, told) = mpsc::channel();
    let job: Job = Box::new(move || drop(tell.send(make())));
    {
        let mut jobs = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = match jobs.take() {
            Some(sender) => sender,
            None => {
                let (sender, waiting) = mpsc::channel::<Job>();
                thread::Builder::new()
                    .name("children".to_owned())
                    .spawn(move || waiting.into_iter().for_each(|job| job()))?;
                sender
            }
        };
        let sent = jobs.insert(sender).send(job);
        sent.map_err(|_| io::Error::other("the thread that makes processes is gone"))?;
    }
    told.recv().map_err(io::Error::other)?
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what is done between fork and exec has to be promised")]
fn die_with_us(command: &mut Command) {
    let us = rustix::process::getpid();
    // SAFETY: between fork and exec only async-signal-safe functions may be called. Both are plain system calls
    // that allocate nothing and take no lock.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
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

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_child_has_a_group_of_its_own_and_outlives_the_thread_that_asked_for_it() {
        let asked = thread::spawn(|| {
            let mut command = Command::new("cat");
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            spawn(command, &ProcessEnvironment::default()).unwrap()
        });
        let mut child = asked.join().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        assert_eq!(rustix::process::getpgid(Some(pid)).unwrap(), pid);
        // The thread that asked is gone, and it still answers.
        io::Write::write_all(&mut child.stdin.take().unwrap(), b"there").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(0), &b"there"[..])
        );
    }

    #[test]
    fn what_cannot_be_run_is_an_error() {
        let error = spawn(Command::new("/no/such/program"), &ProcessEnvironment::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let error = spawn_to_outlive(Command::new("/no/such/program"), &ProcessEnvironment::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
