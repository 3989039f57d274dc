//! Order of the runs, and the pairs that follow from it.
//!
//! A machine warms up, a database fills: over the hours of a benchmark everything drifts. Runs that take turns of which either
//! side begins as often as the other (A B, B A, A B) drift together, and the differences within the turns are free of it. Where
//! one side always comes first (A B, A B), each difference has the same drift in it, and pairs would only make it look
//! consistent. So turns are looked for in the times at which the runs began, and used where they are balanced.

use serde::Serialize;

use super::side::RunFile;

/// Turns without which nothing is left to estimate the spread from: one difference a degree of freedom, less the difference
/// and the order.
pub const LEAST_TURNS: u32 = 3;

/// How the runs of two sides were made and are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Arrangement {
    /// In turn, and either side began as often as the other: pairs, with an order term.
    Turns,
    /// Pairs that were asked for, by time.
    Pairs,
    /// In turn, but one side began more often than the other: groups.
    UnbalancedTurns,
    /// Groups.
    Groups,
}

impl Arrangement {
    /// Whether runs are compared pair by pair.
    pub fn is_paired(self) -> bool {
        matches!(self, Arrangement::Turns | Arrangement::Pairs)
    }
}

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

/// How the runs of two sides, each in order of time, are put together; and of pairs, whether the baseline's run came first.
pub(super) fn arrange(baseline: &[RunFile], other: &[RunFile], pairing: Pairing) -> (Arrangement, Vec<bool>) {
    let pairs = baseline.iter().zip(other);
    let came_first = |(first, second): (&RunFile, &RunFile)| {
        instant(&first.results.run.started_at) <= instant(&second.results.run.started_at)
    };
    let orders: Vec<bool> = pairs.map(came_first).collect();
    let first = orders.iter().filter(|first| **first).count();
    let in_turn = took_turns(baseline, other);
    let is_balanced = first.abs_diff(orders.len() - first) <= 1 && orders.len() >= LEAST_TURNS as usize;
    let arrangement = match pairing {
        Pairing::Unpaired => Arrangement::Groups,
        _ if in_turn && is_balanced => Arrangement::Turns,
        Pairing::Paired => Arrangement::Pairs,
        Pairing::Auto if in_turn && orders.len() >= LEAST_TURNS as usize => Arrangement::UnbalancedTurns,
        Pairing::Auto => Arrangement::Groups,
    };
    (arrangement, orders)
}

/// Whether the runs took turns: as many on either side, and by time every two that follow one another are of different sides.
fn took_turns(baseline: &[RunFile], other: &[RunFile]) -> bool {
    if baseline.len() != other.len() {
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
    use benchmark_results::{Results, testing};

    fn began(times: &[&str]) -> Vec<Results> {
        let run = |time: &&str| {
            let mut results = testing::short();
            results.run.started_at = format!("2026-11-20T{time}");
            results
        };
        times.iter().map(run).collect()
    }

    fn arranged(baseline: &[&str], other: &[&str], pairing: Pairing) -> Arrangement {
        let (baseline, other) = (began(baseline), began(other));
        let first: Vec<_> = baseline.iter().map(|results| RunFile { name: "a", results }).collect();
        let second: Vec<_> = other.iter().map(|results| RunFile { name: "b", results }).collect();
        arrange(&first, &second, pairing).0
    }

    #[test]
    fn balanced_turns_are_found() {
        let of = |baseline: &[&str], other: &[&str]| arranged(baseline, other, Pairing::Auto);
        let (a, b) = (
            ["10:00:00Z", "10:15:00Z", "10:20:00Z"],
            ["10:05:00Z", "10:10:00Z", "10:25:00Z"],
        );
        assert_eq!(of(&a, &b), Arrangement::Turns, "A B, B A, A B");
        let (a, b) = (
            ["10:00:00Z", "10:10:00Z", "10:20:00Z"],
            ["10:05:00Z", "10:15:00Z", "10:25:00Z"],
        );
        assert_eq!(of(&a, &b), Arrangement::UnbalancedTurns, "A B, A B, A B");
        let (a, b) = (
            ["10:00:00.25Z", "10:15:00Z", "10:20:00Z"],
            ["10:00:00.5Z", "10:10:00Z", "10:25:00Z"],
        );
        assert_eq!(of(&a, &b), Arrangement::Turns, "within a second");
        let (a, b) = (
            ["10:00:00Z", "10:05:00Z", "10:07:00Z"],
            ["10:10:00Z", "10:15:00Z", "10:17:00Z"],
        );
        assert_eq!(of(&a, &b), Arrangement::Groups, "A A A B B B");
        assert_eq!(of(&a, &b[..2]), Arrangement::Groups, "unlike numbers");
        let (a, b) = (["10:00:00Z", "10:15:00Z"], ["10:05:00Z", "10:10:00Z"]);
        assert_eq!(
            of(&a, &b),
            Arrangement::Groups,
            "two turns have no spread beside their order"
        );
        let (a, b) = (
            ["10:00:00Z", "yesterday", "10:20:00Z"],
            ["10:05:00Z", "10:10:00Z", "10:25:00Z"],
        );
        assert_eq!(of(&a, &b), Arrangement::Groups, "times that are none");
    }

    #[test]
    fn what_is_asked_for_is_done() {
        let (a, b) = (
            ["10:00:00Z", "10:10:00Z", "10:20:00Z"],
            ["10:05:00Z", "10:15:00Z", "10:25:00Z"],
        );
        assert_eq!(arranged(&a, &b, Pairing::Paired), Arrangement::Pairs);
        assert_eq!(arranged(&a, &b, Pairing::Unpaired), Arrangement::Groups);
        let (a, b) = (
            ["10:00:00Z", "10:15:00Z", "10:20:00Z"],
            ["10:05:00Z", "10:10:00Z", "10:25:00Z"],
        );
        assert_eq!(
            arranged(&a, &b, Pairing::Paired),
            Arrangement::Turns,
            "they are turns anyway"
        );
        assert_eq!(arranged(&a, &b, Pairing::Unpaired), Arrangement::Groups);
    }

    #[test]
    fn order_is_that_of_time() {
        let results = began(&["10:10:00Z", "10:00:00.9Z", "10:00:00.25Z", "10:00:00Z"]);
        let files: Vec<_> = results.iter().map(|results| RunFile { name: "a", results }).collect();
        assert_eq!(by_time(&files), [3, 2, 1, 0]);
    }
}
