//! CPU time of the machine, and who had it: this process and what it started, others, nobody.
//!
//! In a container `/proc/stat` tells of the whole host: others may then run on cores that this process may not use, and
//! take nothing from it. So what others use alone makes no run invalid; see the check `other-cpu`.

use std::{collections::BTreeSet, fs};

use benchmark_results::schema::MachineUse;

use benchmark_machine::host::Root;

const STAT: &str = "/proc/stat";
pub(super) const SOURCE: &str = "/proc/stat less /proc/PID/stat of this process and of those that it started";

/// Processes of ours that are looked at at most: a server and its helpers are a few.
const MOST: usize = 256;

/// CPU time of the whole machine, in the kernel's ticks, and how much of it was ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MachineTicks {
    pub(super) total: u64,
    pub(super) steal: u64,
    /// Of nobody: idle, or waiting for a disk.
    pub(super) idle: u64,
    /// Of this process and all that descend from it; none where the system does not tell who those are.
    pub(super) ours: Option<u64>,
}

/// What has been used up to now.
pub(super) fn read(root: &Root) -> Result<MachineTicks, String> {
    let mut ticks = root.read(STAT).and_then(|stat| parse(&stat))?;
    ticks.ours = of_our_processes(root);
    Ok(ticks)
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; then guests, which are counted
/// as user and nice already. Source: `proc_stat(5)`.
fn parse(stat: &str) -> Result<MachineTicks, String> {
    let parse = || {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .take(8)
            .map(|field| field.parse().ok())
            .collect::<Option<_>>()?;
        Some(MachineTicks {
            total: ticks.iter().sum(),
            steal: *ticks.get(7)?,
            idle: ticks[3] + ticks[4],
            ours: None,
        })
    };
    parse().ok_or_else(|| format!("{STAT} tells no stolen time"))
}

/// The shares of others and of nobody between two readings.
pub(super) fn between(begin: &MachineTicks, end: &MachineTicks) -> Result<MachineUse, String> {
    let (Some(ours_then), Some(ours_now)) = (begin.ours, end.ours) else {
        return Err("the system does not tell which processes this one started".to_owned());
    };
    // The counters of some virtual machines go back by a tick or two, and each is rounded for itself.
    let since = |now: u64, then: u64| now.saturating_sub(then) as f64;
    let total = since(end.total, begin.total);
    let idle = since(end.idle, begin.idle);
    let gone = idle + since(end.steal, begin.steal) + since(ours_now, ours_then);
    let share = |part: f64| super::share(part.clamp(0.0, total), total);
    match (share(total - gone), share(idle)) {
        (Some(others), Some(idle)) => Ok(MachineUse { others, idle }),
        _ => Err("the time observed is shorter than a tick".to_owned()),
    }
}

/// Ticks of this process and of those that descend from it; none where the system does not say which they are.
fn of_our_processes(root: &Root) -> Option<u64> {
    let stat = root.read("/proc/self/stat").ok()?;
    let main_thread = stat.split_whitespace().next()?;
    // Not every kernel is built with these lists.
    root.read(thread_children("self", main_thread)).ok()?;
    let mut ticks = 0;
    let mut known = BTreeSet::new();
    let mut waiting = vec!["self".to_owned()];
    while let Some(process) = waiting.pop() {
        ticks += used(root, &process).unwrap_or(0);
        // A process or a thread that ended since it was seen has no children any more.
        let Ok(threads) = fs::read_dir(root.join(format!("/proc/{process}/task"))) else {
            continue;
        };
        for thread in threads.filter_map(Result::ok) {
            let list = root.read(thread_children(&process, &thread.file_name().to_string_lossy()));
            for child in list.unwrap_or_default().split_whitespace() {
                if known.len() < MOST && known.insert(child.to_owned()) {
                    waiting.push(child.to_owned());
                }
            }
        }
    }
    Some(ticks)
}

fn thread_children(process: &str, thread: &str) -> String {
    format!("/proc/{process}/task/{thread}/children")
}

/// User and system time of a process and of its children that it has waited for: fields 14 to 17 of `proc_pid_stat(5)`.
fn used(root: &Root, process: &str) -> Option<u64> {
    let stat = root.read(format!("/proc/{process}/stat")).ok()?;
    // After the name in brackets, which may hold anything, comes the third field.
    let fields = stat.rsplit_once(") ")?.1;
    let ticks: Vec<u64> = fields
        .split(' ')
        .skip(11)
        .take(4)
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    Some(ticks.iter().sum())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A tree in which 7 is this process, 8 its child and 9 its grandchild; 10 is somebody else's.
    fn tree(path: &Path, machine: &str, own: [u64; 3]) {
        let write = |place: &str, text: &str| {
            let place = path.join(place);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, text).unwrap();
        };
        write("proc/stat", &format!("cpu  {machine}\ncpu0 1 1 1 1\n"));
        let zeros = "0 ".repeat(8);
        for (name, pid, ticks, children) in [("self", 7, own[0], "8 "), ("8", 8, own[1], "9"), ("9", 9, own[2], "")] {
            write(
                &format!("proc/{name}/stat"),
                &format!("{pid} (a b) c) S 1 {zeros}0 {ticks} 1 2 3 20"),
            );
            write(&format!("proc/{name}/task/{pid}/children"), children);
            write(&format!("proc/{name}/task/{}/children", pid + 100), "");
        }
    }

    fn look(machine: &str, own: [u64; 3]) -> MachineTicks {
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path(), machine, own);
        read(&Root::new(folder.path())).unwrap()
    }

    #[test]
    fn what_is_neither_ours_nor_idle_is_of_others() {
        // user nice system idle iowait irq softirq steal guest
        let begin = look("100 0 50 1000 10 0 0 5 0", [10, 20, 30]);
        assert_eq!(begin.ours, Some(10 + 20 + 30 + 3 * (1 + 2 + 3)));
        let end = look("160 10 80 1060 30 5 5 15 0", [30, 50, 40]);
        // 200 ticks: 80 of nobody, 10 stolen, 60 ours.
        assert_eq!(
            between(&begin, &end),
            Ok(MachineUse {
                others: 0.25,
                idle: 0.4
            })
        );
        // Ours may be rounded up beyond all.
        let ours = look("160 10 80 1060 30 5 5 15 0", [30, 50, 400]);
        assert_eq!(between(&begin, &ours).unwrap().others, 0.0);
        assert!(between(&begin, &begin).is_err());
    }

    #[test]
    fn where_nobody_says_who_is_ours_nothing_is_said_of_others() {
        let folder = tempfile::tempdir().unwrap();
        tree(folder.path(), "100 0 50 1000 10 0 0 5 0", [1, 1, 1]);
        fs::remove_file(folder.path().join("proc/self/task/7/children")).unwrap();
        let ticks = read(&Root::new(folder.path())).unwrap();
        assert_eq!(ticks.ours, None);
        assert!(between(&ticks, &ticks).unwrap_err().contains("which processes"));
        assert!(parse("cpu 1 2 3").is_err() && parse("").is_err());
    }

    #[test]
    fn a_child_of_this_process_is_ours() {
        let before = read(&Root::new(Path::new("/"))).unwrap().ours;
        let mut child = std::process::Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        let begun = std::time::Instant::now();
        let mut seen = false;
        while !seen && begun.elapsed() < std::time::Duration::from_secs(30) {
            let ticks = used(&Root::new(Path::new("/")), &child.id().to_string()).unwrap();
            let ours = read(&Root::new(Path::new("/"))).unwrap().ours;
            // A kernel without the list of children says nothing at all.
            seen = ours.is_none() || (ticks > 5 && ours >= before.map(|before| before + 5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(seen);
    }
}
