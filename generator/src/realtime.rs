//! Being on time on a machine that is busy.
//!
//! A thread that has slept competes with all that run. On two cores with three busy processes beside it, the latest of
//! a thousand wake-ups came 4 and 26 ms late, the latest of a hundred 0.7 and 2.3 ms; as a real-time thread the latest of
//! a hundred came 0.03 and 0.09 ms late (4,000 sleeps of 1 ms, two runs each). An embedded server is such a neighbour. So
//! the threads that keep the schedule ask to be real-time threads where the system permits it (as root, with
//! CAP_SYS_NICE, or a limit set by `ulimit -r`), and the result says what came of it.

use std::io;

/// How the threads that keep the schedule are scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// Before all ordinary threads of the machine (`SCHED_FIFO`, lowest priority).
    RealTime,
    /// Like any other thread, for this reason.
    Ordinary(String),
}

/// Makes the calling thread a real-time thread, where permitted. Threads that it makes are ordinary ones.
pub fn request() -> Scheduling {
    match set_fifo() {
        Ok(()) => Scheduling::RealTime,
        Err(error) => Scheduling::Ordinary(format!("the system does not permit real-time threads: {error}")),
    }
}

#[cfg(target_os = "linux")]
fn set_fifo() -> io::Result<()> {
    // SAFETY: all of these are plain integers, for which zero is a value; some systems have more fields than the first.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = 1;
    // SAFETY: the call reads the structure behind the pointer, which outlives it, and changes this thread only (0). The
    // system call itself is used because musl's function of the same name refuses to act.
    let result = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK,
            &raw const parameters,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(not(target_os = "linux"))]
fn set_fifo() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_real_time_or_says_why_not() {
        let asked = std::thread::spawn(|| {
            let scheduling = request();
            let policy = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // The 41st field, the 39th after the name in brackets: 1 is SCHED_FIFO. Source: proc_pid_stat(5).
            let fields = policy.rsplit_once(") ").unwrap().1;
            (scheduling, fields.split(' ').nth(38).unwrap().to_owned())
        });
        match asked.join().unwrap() {
            (Scheduling::RealTime, policy) => assert_eq!(policy, "1"),
            (Scheduling::Ordinary(reason), policy) => {
                assert_eq!(policy, "0");
                assert!(reason.contains("permit"), "{reason}");
            }
        }
    }
}
