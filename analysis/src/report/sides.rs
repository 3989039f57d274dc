//! The runs of a comparison by side: each side has a colour, and none is left out for another's sake.

use benchmark_results::{histogram::DecodeError, schema::Results};

use super::{
    pooled::{Kind, Pooled},
    scene::{Named, Of},
    text::ends,
    theme::{self, SERIES},
};
use crate::compare::{Comparison, SideSummary};

/// Longest name of a side in a legend.
const NAME: usize = 32;

/// A comparison with its runs.
pub(super) struct Compared<'a> {
    pub(super) comparison: &'a Comparison,
    /// The baseline, then the candidates.
    pub(super) sides: Vec<PooledSide<'a>>,
}

/// A side with its runs.
pub(super) struct PooledSide<'a> {
    /// Its name, short enough for a legend.
    pub(super) name: String,
    /// The class of its colour.
    pub(super) class: String,
    /// Its runs in the order in which the comparison has them.
    pub(super) runs: Vec<Named<&'a Results>>,
}

impl<'a> Compared<'a> {
    /// The runs stand in the order of the sides, the baseline's first.
    pub(super) fn of(comparison: &'a Comparison, runs: impl IntoIterator<Item = Named<&'a Results>>) -> Self {
        let mut runs = runs.into_iter();
        let summaries = comparison.candidates.iter().map(|candidate| &candidate.side);
        let side = |(index, side): (usize, &SideSummary)| {
            let mut own: Vec<_> = runs.by_ref().take(side.runs.len()).collect();
            own.sort_by_key(|run| side.runs.iter().position(|id| *id == run.results.run.id));
            PooledSide {
                name: ends(&side.name, NAME),
                class: theme::run_class(index),
                runs: own,
            }
        };
        let sides = [&comparison.baseline].into_iter().chain(summaries).enumerate();
        Compared {
            comparison,
            sides: sides.map(side).collect(),
        }
    }

    /// As many runs as can be drawn over one another, the first of each side first: with the class of their side, and its name
    /// before theirs.
    pub(super) fn in_turn(&self) -> Vec<(Named<&'a Results>, String)> {
        let longest = self.sides.iter().map(|side| side.runs.len()).max().unwrap_or(0);
        let turns = (0..longest).flat_map(|turn| self.sides.iter().map(move |side| (side, side.runs.get(turn))));
        let named = turns.filter_map(|(side, run)| {
            let run = run?;
            let name = match side.runs.len() {
                1 => side.name.clone(),
                _ => format!("{}: {}", side.name, run.name),
            };
            let results = run.results;
            Some((Named { name, results }, side.class.clone()))
        });
        named.take(SERIES).collect()
    }

    /// Runs of all sides.
    pub(super) fn count(&self) -> usize {
        self.sides.iter().map(|side| side.runs.len()).sum()
    }
}

impl PooledSide<'_> {
    /// The latencies of each run.
    ///
    /// # Errors
    /// When a histogram cannot be decoded.
    pub(super) fn latencies(&self, of: Of, kind: Kind) -> Result<Vec<Pooled>, DecodeError> {
        self.runs.iter().map(|run| Pooled::of(of, kind, run.results)).collect()
    }
}

/// All of them as one.
pub(super) fn together(runs: &[Pooled]) -> Pooled {
    let mut all = Pooled::new();
    runs.iter().for_each(|run| all.add(run));
    all
}
