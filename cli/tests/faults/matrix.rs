//! All cases side by side, and what one is.
//!
//! They mostly wait: for a load of ten seconds, a drain, a silence. So many of them run at the same time, and what takes
//! longest begins first, so that no long one is left alone at the end.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use crate::{
    clocks, connections, disk, hold, hostile, members, names, page, play, refusals, row::Row, signals, visibility,
};

/// Cases at the same time. Six of them left a third of two cores idle in the mean and none of them at times, and of a hundred
/// cases one was held up by the others for longer than a leader's clock or a clean-up after a signal has.
const AT_ONCE: usize = 4;

/// A fault, as `docs/reliability.md` names it, and the test of what must hold.
pub struct Case {
    /// The fault.
    pub name: String,
    /// How long it takes on a quiet machine, seconds; only the order follows from it.
    pub seconds: u32,
    test: Box<dyn Fn() + Send + Sync>,
}

impl Case {
    /// One whose test is a function.
    pub fn new(name: &str, seconds: u32, test: fn()) -> Self {
        Case {
            name: name.to_owned(),
            seconds,
            test: Box::new(test),
        }
    }
}

impl From<Row> for Case {
    fn from(row: Row) -> Self {
        Case {
            name: row.name.clone(),
            seconds: row.seconds,
            test: Box::new(move || hold::must_hold(&row, &play::play(&row))),
        }
    }
}

/// The cases of rows.
pub fn of(rows: Vec<Row>) -> Vec<Case> {
    rows.into_iter().map(Case::from).collect()
}

/// All cases, by the file that has them.
pub fn all() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("connections", connections::cases()),
        ("refusals", refusals::cases()),
        ("visibility", visibility::cases()),
        ("signals", signals::cases()),
        ("names", names::cases()),
        ("disk", disk::cases()),
        ("page", page::cases()),
        ("members", members::cases()),
        ("hostile", hostile::cases()),
        ("clocks", clocks::cases()),
    ]
}

#[test]
fn what_must_hold_holds() {
    let chosen = std::env::var("FAULT").unwrap_or_default();
    let cases = all().into_iter().flat_map(|(_, cases)| cases);
    let mut waiting: Vec<Case> = cases.filter(|case| case.name.contains(&chosen)).collect();
    assert!(!waiting.is_empty(), "no case has {chosen:?} in its name");
    // Taken from the end.
    waiting.sort_by_key(|case| case.seconds);
    let (count, waiting, failed) = (waiting.len(), Mutex::new(waiting), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                // A closure, or the list stays locked while its case is played.
                let next = || lock(&waiting).pop();
                while let Some(case) = next() {
                    if let Err(wrong) = play(&case) {
                        lock(&failed).push(format!("## {}: {wrong}", case.name));
                    }
                }
            });
        }
    });
    let failed = lock(&failed);
    assert!(
        failed.is_empty(),
        "{} of {count} cases do not hold:\n\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}

#[expect(clippy::print_stderr, reason = "which cases take how long")]
fn play(case: &Case) -> Result<(), String> {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (case.test)()));
    eprintln!(
        "{} in {:.0} s ({} on a quiet machine): {}",
        case.name,
        begun.elapsed().as_secs_f64(),
        case.seconds,
        if outcome.is_ok() { "holds" } else { "does not hold" }
    );
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words")
            .to_owned()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
