//! Rows that run side by side.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, PoisonError},
    thread,
    time::Instant,
};

use crate::{connections, hold, play, refusals, row::Row, signals, visibility};

/// Runs at the same time, of all groups: they mostly wait, but each begins with connecting and starting workers.
const AT_ONCE: usize = 4;

static PLACES: Mutex<usize> = Mutex::new(AT_ONCE);
static FREE: Condvar = Condvar::new();

/// A place among those that run.
pub struct Place;

impl Place {
    /// Waits for one.
    pub fn take() -> Self {
        let places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = FREE
            .wait_while(places, |places| *places == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *places -= 1;
        Place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *PLACES.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREE.notify_one();
    }
}

/// All rows.
pub fn all() -> Vec<Row> {
    let mut all = connections::rows();
    all.extend(refusals::rows());
    all.extend(visibility::rows());
    all.extend(signals::rows());
    all
}

/// Plays rows and checks what must hold for each; fails with the names of those for which it does not.
pub fn run(rows: Vec<Row>) {
    let chosen = std::env::var("FAULT").unwrap_or_default();
    let rows: Vec<Row> = rows.into_iter().filter(|row| row.name.contains(&chosen)).collect();
    let failed: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = rows.iter().map(|row| (&row.name, scope.spawn(|| one(row)))).collect();
        runs.into_iter()
            .filter_map(|(name, run)| {
                let wrong = run.join().expect("panics are caught").err()?;
                Some(format!("## {name}: {wrong}"))
            })
            .collect()
    });
    assert!(
        failed.is_empty(),
        "{} of {} rows do not hold:\n\n{}",
        failed.len(),
        rows.len(),
        failed.join("\n\n")
    );
}

#[expect(clippy::print_stderr, reason = "which rows take how long")]
fn one(row: &Row) -> Result<(), String> {
    let _place = Place::take();
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| hold::must_hold(row, &play::play(row))));
    eprintln!(
        "{} in {:.0} s: {}",
        row.name,
        begun.elapsed().as_secs_f64(),
        if outcome.is_ok() { "holds" } else { "does not hold" }
    );
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words")
            .to_owned()
    })
}
