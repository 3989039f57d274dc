//! Real-time scheduling of threads, to be on time on a machine that is busy.
//!
//! A thread that has slept competes with all that run. On two cores with three busy processes beside it, the latest of
//! a thousand wake-ups came 4 and 26 ms late, the latest of a hundred 0.7 and 2.3 ms; as a real-time thread the latest of
//! a hundred came 0.03 and 0.09 ms late (4,000 sleeps of 1 ms, two runs each). An embedded server is such a neighbour. So
//! the threads that keep the schedule ask to be real-time threads where the system permits it (as root, with
//! CAP_SYS_NICE, or a limit set by `ulimit -r`), and the result says what came of it.
//!
//! A real-time thread that never sleeps takes its core from everybody, the answers to its own starts among them. So one core
//! stays without such a thread, and one that has no time left becomes an ordinary thread again.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use benchmark_scenarios::Scheduling;

/// How often a real-time thread is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Share of a core from which a thread does not keep up: it hardly sleeps any more, and what has to run between is late.
/// Below the 0.95 that the kernel gives to all real-time threads of a core together (`sched_rt_runtime_us`).
const NO_TIME_LEFT: f64 = 0.90;

/// How the threads that keep the schedule are scheduled, or ask to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThreadScheduling {
    /// Before all ordinary threads of the machine (`SCHED_FIFO`, lowest priority).
    RealTime,
    /// Like any other thread, for this reason.
    Ordinary(String),
}

impl ThreadScheduling {
    /// What so many threads may ask for on so many cores: one core is left to the others.
    pub fn wished(asked: Scheduling, threads: u32, cores: usize) -> ThreadScheduling {
        match asked {
            Scheduling::Ordinary => ThreadScheduling::Ordinary("--scheduling ordinary".to_owned()),
            Scheduling::Auto if (threads as usize) < cores => ThreadScheduling::RealTime,
            Scheduling::Auto => ThreadScheduling::Ordinary(format!(
                "{threads} of {cores} cores would have a real-time thread, and one is to have none"
            )),
        }
    }
}

/// How a thread is scheduled, for as long as this lives.
#[derive(Debug)]
pub struct Priority {
    scheduling: ThreadScheduling,
    /// Whether it was made an ordinary thread again.
    ended: Arc<AtomicBool>,
    /// Dropped, it ends the look at the thread.
    _watched: Option<mpsc::Sender<()>>,
}

impl Priority {
    /// What came of it up to now.
    pub fn told(&self) -> ThreadScheduling {
        if self.ended.load(Ordering::Relaxed) {
            return ThreadScheduling::Ordinary(
                "it was a real-time thread until it had no time left to sleep, and would have stopped others"
                    .to_owned(),
            );
        }
        self.scheduling.clone()
    }
}

/// Makes the calling thread a real-time thread, where that is wished and permitted. Threads that it makes are ordinary ones.
pub fn request(wish: &ThreadScheduling) -> Priority {
    let ended = Arc::new(AtomicBool::new(false));
    let (scheduling, watched) = match wish {
        ThreadScheduling::Ordinary(_) => (wish.clone(), None),
        ThreadScheduling::RealTime => match set_real_time().and_then(|thread| watch(thread, Arc::clone(&ended))) {
            Ok(watched) => (ThreadScheduling::RealTime, Some(watched)),
            Err(error) => {
                // Permitted, but nobody can look at it: then it is none.
                let _ = set_ordinary(0);
                let reason = format!("the system does not permit real-time threads: {error}");
                (ThreadScheduling::Ordinary(reason), None)
            }
        },
    };
    Priority {
        scheduling,
        ended,
        _watched: watched,
    }
}

/// Looks at a thread of this process until the sender is dropped, and makes it an ordinary one when it has no time left.
fn watch(thread: i32, ended: Arc<AtomicBool>) -> io::Result<mpsc::Sender<()>> {
    let (sender, watched) = mpsc::channel::<()>();
    let look = move || {
        let mut watch = Watch::default();
        loop {
            if has_no_time(&mut watch, thread) {
                if set_ordinary(thread).is_ok() {
                    ended.store(true, Ordering::Relaxed);
                }
                return;
            }
            if watched.recv_timeout(LOOK) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    thread::Builder::new().name("priority".to_owned()).spawn(look)?;
    Ok(sender)
}

fn has_no_time(watch: &mut Watch, thread: i32) -> bool {
    // A system that does not tell its time is one on which it cannot be judged.
    let used = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat"))
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .map(Duration::from_nanos);
    used.is_some_and(|used| watch.looked(Instant::now(), used))
}

/// What a thread used between two looks.
#[derive(Debug, Default)]
struct Watch {
    before: Option<(Instant, Duration)>,
}

impl Watch {
    /// Whether it had no time left since the look before, from the CPU time that it has used in all.
    fn looked(&mut self, now: Instant, used: Duration) -> bool {
        let before = self.before.replace((now, used));
        before.is_some_and(|(then, used_then)| {
            let elapsed = now.saturating_duration_since(then).as_secs_f64();
            let busy = used.saturating_sub(used_then).as_secs_f64();
            elapsed > 0.0 && busy >= elapsed * NO_TIME_LEFT
        })
    }
}

/// Makes the calling thread a real-time thread, and says which it is.
#[cfg(target_os = "linux")]
fn set_real_time() -> io::Result<i32> {
    set(0, libc::SCHED_FIFO, 1)?;
    Ok(rustix::thread::gettid().as_raw_nonzero().get())
}

#[cfg(target_os = "linux")]
fn set_ordinary(thread: i32) -> io::Result<()> {
    set(thread, libc::SCHED_OTHER, 0)
}

/// Sets how a thread is scheduled; 0 is the calling one.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "no crate in use sets the scheduling of a thread by the system call itself"
)]
fn set(thread: i32, policy: i32, priority: i32) -> io::Result<()> {
    // SAFETY: all of these are plain integers, for which zero is a value; some systems have more fields than the first.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = priority;
    // SAFETY: the call reads the structure behind the pointer, which outlives it, and changes the one thread only. The
    // system call itself is used because musl's function of the same name refuses to act.
    let result = unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            thread,
            policy | libc::SCHED_RESET_ON_FORK,
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
fn set_real_time() -> io::Result<i32> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has none"))
}

#[cfg(not(target_os = "linux"))]
fn set_ordinary(_: i32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 is SCHED_FIFO, 0 an ordinary thread. The 41st field, the 39th after the name in brackets: `proc_pid_stat(5)`.
    fn policy() -> String {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields = stat.rsplit_once(") ").unwrap().1;
        fields.split(' ').nth(38).unwrap().to_owned()
    }

    #[test]
    fn a_thread_is_real_time_or_says_why_not() {
        let asked = thread::spawn(|| {
            let priority = request(&ThreadScheduling::RealTime);
            (priority.told(), policy())
        });
        match asked.join().unwrap() {
            (ThreadScheduling::RealTime, policy) => assert_eq!(policy, "1"),
            (ThreadScheduling::Ordinary(reason), policy) => {
                assert_eq!(policy, "0");
                assert!(reason.contains("permit"), "{reason}");
            }
        }
    }

    #[test]
    fn who_wishes_to_be_ordinary_is() {
        let wish = ThreadScheduling::wished(Scheduling::Ordinary, 1, 64);
        let (told, policy) = thread::spawn(move || (request(&wish).told(), policy())).join().unwrap();
        assert_eq!(told, ThreadScheduling::Ordinary("--scheduling ordinary".to_owned()));
        assert_eq!(policy, "0");
    }

    #[test]
    fn one_core_stays_ordinary() {
        for (threads, cores, real_time) in [(1, 1, false), (1, 2, true), (2, 2, false), (7, 8, true), (8, 4, false)] {
            let wish = ThreadScheduling::wished(Scheduling::Auto, threads, cores);
            assert_eq!(
                wish == ThreadScheduling::RealTime,
                real_time,
                "{threads} of {cores}: {wish:?}"
            );
        }
    }

    #[test]
    fn a_thread_that_does_not_sleep_becomes_an_ordinary_one() {
        let busy = thread::spawn(|| {
            let priority = request(&ThreadScheduling::RealTime);
            let begun = Instant::now();
            // Some looks, on a machine that others use as well.
            while priority.told() == ThreadScheduling::RealTime && begun.elapsed() < LOOK * 20 {
                std::hint::spin_loop();
            }
            (priority.told(), policy())
        });
        let (told, policy) = busy.join().unwrap();
        assert_eq!(policy, "0", "{told:?}");
        assert!(matches!(told, ThreadScheduling::Ordinary(_)), "{told:?}");
    }

    #[test]
    fn only_a_whole_look_without_sleep_counts() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let used = Duration::from_millis;
        let mut watch = Watch::default();
        // All that it used before the first look says nothing.
        assert!(!watch.looked(at(0), used(50_000)));
        assert!(!watch.looked(at(1_000), used(50_850)));
        assert!(watch.looked(at(2_000), used(51_751)));
        assert!(!watch.looked(at(3_000), used(52_600)));
        assert!(!watch.looked(at(3_000), used(52_600)), "no time between the looks");
    }
}
