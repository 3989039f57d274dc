//! Whether runs were made in turn.
//!
//! A machine warms up, a database fills: over the hours of a benchmark everything drifts. Runs that take turns (A B, B A,
//! A B) drift together, and the differences within the turns are free of it. So turns are looked for in the times at which the
//! runs began, and used where they are found; runs of which all of one side came first have none.

use super::RunFile;

/// How runs are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pairing {
    /// Pairs where the runs took turns, groups otherwise.
    #[default]
    Auto,
    /// The first of one side with the first of the other, by time.
    Paired,
    /// Groups, whatever the times.
    Unpaired,
}

/// Indices of both sides, in order of time; pair by pair where the runs took turns.
pub(super) fn by_time(runs: &[RunFile]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by_key(|index| instant(&runs[*index].results.run.started_at));
    order
}

/// Whether the runs took turns: as many on either side, at least two, and by time every two that follow one another are of
/// different sides.
pub(super) fn took_turns(baseline: &[RunFile], other: &[RunFile]) -> bool {
    if baseline.len() != other.len() || baseline.len() < 2 {
        return false;
    }
    let sides = baseline
        .iter()
        .map(|run| (run, false))
        .chain(other.iter().map(|run| (run, true)));
    let begun = sides.map(|(run, side)| Some((instant(&run.results.run.started_at)?, side)));
    let Some(mut all) = begun.collect::<Option<Vec<_>>>() else {
        return false;
    };
    all.sort();
    all.chunks(2).all(|turn| turn[0].1 != turn[1].1)
}

/// What a UTC instant (RFC 3339 with `Z`) sorts by: its seconds as text, and the digits after the point.
fn instant(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_suffix('Z')?;
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    // Years of four digits, so that the order of the text is the order of time.
    (seconds.len() == 19).then_some((seconds, fraction))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Results, fixtures};

    fn began(times: &[&str]) -> Vec<Results> {
        let run = |time: &&str| {
            let mut results = fixtures::short();
            results.run.started_at = format!("2026-11-20T{time}");
            results
        };
        times.iter().map(run).collect()
    }

    fn turns(baseline: &[&str], other: &[&str]) -> bool {
        let (baseline, other) = (began(baseline), began(other));
        let first: Vec<_> = baseline.iter().map(|results| RunFile { name: "a", results }).collect();
        let second: Vec<_> = other.iter().map(|results| RunFile { name: "b", results }).collect();
        took_turns(&first, &second)
    }

    #[test]
    fn turns_are_found() {
        assert!(
            turns(&["10:00:00Z", "10:15:00Z"], &["10:05:00Z", "10:10:00Z"]),
            "A B B A"
        );
        assert!(
            turns(&["10:00:00Z", "10:10:00Z"], &["10:05:00Z", "10:15:00Z"]),
            "A B A B"
        );
        assert!(
            turns(&["10:10:00.5Z", "10:00:00Z"], &["10:15:00Z", "10:00:00.25Z"]),
            "in any order of files"
        );
        assert!(
            !turns(&["10:00:00Z", "10:05:00Z"], &["10:10:00Z", "10:15:00Z"]),
            "A A B B"
        );
        assert!(!turns(&["10:00:00Z", "10:15:00Z"], &["10:05:00Z"]), "unlike numbers");
        assert!(!turns(&["10:00:00Z"], &["10:05:00Z"]), "one pair has no spread");
        assert!(
            !turns(&["10:00:00Z", "yesterday"], &["10:05:00Z", "10:10:00Z"]),
            "times that are none"
        );
    }

    #[test]
    fn order_is_that_of_time() {
        let results = began(&["10:10:00Z", "10:00:00.9Z", "10:00:00.25Z", "10:00:00Z"]);
        let files: Vec<_> = results.iter().map(|results| RunFile { name: "a", results }).collect();
        assert_eq!(by_time(&files), [3, 2, 1, 0]);
    }
}
