//! The runs of a report on one time axis, and what all plots over time have in common.

use benchmark_results::schema::{Phase, Results, VerdictValue};

use super::{
    course::{Course, Grid},
    plot::Band,
    scale, theme,
};

/// Results and what to call them: the name of their file or folder, unique among those that are shown together.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<T> {
    /// The name in legends and headings.
    pub name: String,
    /// The results, owned or borrowed.
    pub results: T,
}

/// Columns of the plots of a single run; with several the runs share out twice as many.
const COLUMNS: usize = 320;
/// Rows of a table, at most.
pub(super) const ROWS: usize = 120;

/// Which latency is shown.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Of {
    /// From start to acknowledgement.
    Start,
    /// From start to end.
    End,
}

/// The runs that are drawn.
pub(super) struct Scene<'a> {
    pub(super) runs: Vec<Drawn<'a>>,
    /// Columns of the plots over time.
    pub(super) grid: Grid,
    /// Columns of their tables.
    pub(super) rows: Grid,
}

/// One run that is drawn.
pub(super) struct Drawn<'a> {
    /// Its name, short enough for a legend.
    pub(super) name: String,
    /// The class of its colour.
    pub(super) class: String,
    pub(super) results: &'a Results,
    pub(super) course: Course<'a>,
}

impl<'a> Scene<'a> {
    /// Runs of which each has a colour of its own.
    pub(super) fn of(runs: impl IntoIterator<Item = Named<&'a Results>>) -> Self {
        let coloured = |(index, run)| (run, theme::run_class(index));
        Scene::coloured(runs.into_iter().enumerate().map(coloured))
    }

    /// Runs, each with the class of its colour.
    pub(super) fn coloured(runs: impl IntoIterator<Item = (Named<&'a Results>, String)>) -> Self {
        let runs: Vec<Drawn> = runs
            .into_iter()
            .map(|(run, class)| Drawn {
                name: super::text::ends(&run.name, 32),
                class,
                results: run.results,
                course: Course::of(run.results),
            })
            .collect();
        let seconds = runs.iter().map(|run| run.course.seconds).fold(0.0, f64::max);
        let columns = (COLUMNS * 2 / (runs.len() + 1)).clamp(60, COLUMNS);
        Scene {
            grid: Grid::over(seconds, columns),
            rows: Grid::over(seconds, ROWS),
            runs,
        }
    }

    /// The only run; `None` when there are several.
    pub(super) fn only(&self) -> Option<&Drawn<'a>> {
        match &self.runs[..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The text of a run's series: its own name stands before it where there are several runs.
    pub(super) fn named(&self, run: usize, series: &str) -> String {
        match self.only() {
            Some(_) => series.to_owned(),
            None => format!("{} {series}", self.runs[run].name),
        }
    }

    /// What must stand beside latencies of INVALID runs; otherwise nothing.
    pub(super) fn caveat(&self, runs: &[usize]) -> &'static str {
        let is_invalid = |run: &usize| self.runs[*run].results.verdict.value == VerdictValue::Invalid;
        match (runs.iter().any(is_invalid), self.only()) {
            (false, _) => "",
            (true, Some(_)) => " The run is INVALID: this describes the generator or the fleet, not the cluster.",
            (true, None) => " Curves of INVALID runs describe the generator or the fleet, not the cluster.",
        }
    }

    /// All runs, by their place.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.runs.len()).collect()
    }

    /// The marks of the time axis.
    pub(super) fn time_marks(&self) -> Vec<(f64, String)> {
        let seconds = self.grid.seconds();
        scale::time_ticks(seconds)
            .into_iter()
            .map(|tick| (tick / seconds, scale::clock(tick)))
            .collect()
    }

    /// The phases behind a plot, where all of its runs have the same ones.
    pub(super) fn bands(&self, runs: &[usize]) -> Vec<Band> {
        let Some((first, others)) = runs.split_first() else {
            return Vec::new();
        };
        let course = &self.runs[*first].course;
        let phases = &course.phases;
        // A drain may be a second longer, and the plans the same.
        let same = |other: &usize| {
            let theirs = &self.runs[*other].course.phases;
            theirs.len() == phases.len()
                && theirs
                    .iter()
                    .zip(phases)
                    .all(|(a, b)| (a.from, a.phase) == (b.from, b.phase))
        };
        if !others.iter().all(same) {
            return Vec::new();
        }
        let mut bands = Vec::with_capacity(phases.len().min(MOST_BANDS));
        let mut iteration = None;
        for stretch in phases.iter().take(MOST_BANDS) {
            let begins = iteration.replace(stretch.iteration) != Some(stretch.iteration);
            bands.push(Band {
                from: self.share(stretch.from),
                to: self.share(stretch.to),
                text: match (course.is_repeated(), stretch.phase) {
                    (false, phase) => phase_name(phase).into(),
                    (true, Phase::Measure) => format!("iteration {}", stretch.iteration),
                    (true, _) => String::new(),
                },
                shaded: stretch.phase != Phase::Measure,
                ruled: course.is_repeated() && begins,
            });
        }
        bands
    }

    /// A moment as a share of the time axis.
    pub(super) fn share(&self, second: f64) -> f64 {
        (second / self.grid.seconds()).clamp(0.0, 1.0)
    }
}

/// Phases that are drawn: a hostile file could change them every second.
const MOST_BANDS: usize = 400;

/// A phase in words.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Ramp => "ramp",
        Phase::WarmUp => "warm-up",
        Phase::Measure => "measured",
        Phase::Drain => "drain",
    }
}

/// A stretch of the time axis in words: a second, or from when to when.
pub(super) fn moment(grid: Grid, column: usize) -> String {
    let begin = grid.begin(column);
    if grid.step <= 1.0 {
        scale::clock(begin)
    } else {
        format!("{} to {}", scale::clock(begin), scale::clock(begin + grid.step))
    }
}
