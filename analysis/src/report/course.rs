//! The time axis that all plots over time share, and windows gathered into its columns.
//!
//! Iterations follow one another. A column is one second, or several in long runs: then its mean, its lowest and its
//! highest second are kept, so that a single bad second is still seen.

use std::collections::BTreeMap;

use benchmark_results::schema::{Phase, Results, Window};

/// One run on the time axis.
pub(super) struct Course<'a> {
    pub(super) results: &'a Results,
    /// Each iteration's beginning, seconds from the first one's.
    iterations: BTreeMap<u32, f64>,
    /// Each window's beginning on the axis, seconds.
    windows: Vec<f64>,
    /// The phases, in order. A phase goes on until another one begins.
    pub(super) phases: Vec<Stretch>,
    /// Length of all iterations, seconds.
    pub(super) seconds: f64,
}

/// A phase of an iteration on the time axis, seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) iteration: u32,
    pub(super) phase: Phase,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl<'a> Course<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        let mut lengths: BTreeMap<u32, f64> = BTreeMap::new();
        let ends = results
            .windows
            .iter()
            .map(|window| (window.iteration, window.second as f64 + 1.0))
            .chain(results.intervals.iter().map(|interval| {
                let end = interval.start_seconds as f64 + interval.seconds as f64;
                (interval.iteration, end)
            }));
        for (iteration, end) in ends {
            let length = lengths.entry(iteration).or_default();
            *length = length.max(end);
        }
        let mut seconds = 0.0;
        let mut iterations = BTreeMap::new();
        for (iteration, length) in lengths {
            iterations.insert(iteration, seconds);
            seconds += length;
        }
        let begin = |window: &Window| iterations[&window.iteration] + window.second as f64;
        let windows: Vec<f64> = results.windows.iter().map(begin).collect();
        Course {
            phases: phases(&results.windows, &windows),
            results,
            iterations,
            windows,
            seconds,
        }
    }

    /// Where an iteration's second lies on the axis; `None` for an iteration without windows.
    pub(super) fn at(&self, iteration: u32, second: f64) -> Option<f64> {
        self.iterations.get(&iteration).map(|begin| begin + second)
    }

    /// Whether there are several iterations.
    pub(super) fn is_repeated(&self) -> bool {
        self.iterations.len() > 1
    }

    /// A figure of the windows, gathered into columns. Windows in which there is none are left out.
    pub(super) fn gather(&self, grid: Grid, of: impl Fn(&Window) -> Option<f64>) -> Vec<Column> {
        let mut columns = vec![Column::default(); grid.columns];
        for (window, at) in self.results.windows.iter().zip(&self.windows) {
            if let Some(value) = of(window).filter(|value| value.is_finite()) {
                columns[grid.column(*at)].add(value);
            }
        }
        columns
    }
}

fn phases(windows: &[Window], begins: &[f64]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (window, from) in windows.iter().zip(begins) {
        match stretches.last_mut() {
            Some(last) if (last.iteration, last.phase) == (window.iteration, window.phase) => {
                last.to = last.to.max(from + 1.0);
            }
            _ => stretches.push(Stretch {
                iteration: window.iteration,
                phase: window.phase,
                from: *from,
                to: from + 1.0,
            }),
        }
    }
    stretches
}

/// The columns of the time axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    /// How many; at least 1.
    pub(super) columns: usize,
    /// Seconds of each: a whole number.
    pub(super) step: f64,
}

impl Grid {
    /// At most so many columns for so many seconds.
    pub(super) fn over(seconds: f64, columns: usize) -> Self {
        let seconds = if seconds.is_finite() {
            seconds.max(1.0).ceil()
        } else {
            1.0
        };
        let step = (seconds / columns.max(1) as f64).ceil();
        Grid {
            columns: ((seconds / step).ceil() as usize).clamp(1, columns.max(1)),
            step,
        }
    }

    /// The column of a second; what lies beyond the end counts into the last.
    pub(super) fn column(&self, second: f64) -> usize {
        ((second.max(0.0) / self.step) as usize).min(self.columns - 1)
    }

    /// Seconds of the whole axis.
    pub(super) fn seconds(&self) -> f64 {
        self.step * self.columns as f64
    }

    /// Beginning of a column, seconds.
    pub(super) fn begin(&self, column: usize) -> f64 {
        column as f64 * self.step
    }
}

/// What the windows of a column come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Column {
    count: u32,
    sum: f64,
    /// The lowest; 0 without any.
    pub(super) lowest: f64,
    /// The highest; 0 without any.
    pub(super) highest: f64,
}

impl Column {
    fn add(&mut self, value: f64) {
        if self.count == 0 {
            (self.lowest, self.highest) = (value, value);
        }
        self.count += 1;
        self.sum += value;
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
    }

    /// The mean of its seconds; for counts, not for quantiles. `None` without any.
    pub(super) fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }

    /// The highest of its seconds; `None` without any.
    pub(super) fn peak(&self) -> Option<f64> {
        (self.count > 0).then_some(self.highest)
    }

    /// Their sum; `None` without any.
    pub(super) fn total(&self) -> Option<f64> {
        (self.count > 0).then_some(self.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use benchmark_results::testing;

    #[test]
    fn iterations_follow_one_another() {
        let results = testing::iterations();
        let course = Course::of(&results);
        assert_eq!(course.seconds, 903.0);
        assert_eq!(
            (course.at(1, 5.0), course.at(2, 0.0), course.at(4, 0.0)),
            (Some(5.0), Some(301.0), None)
        );
        let phases = &course.phases;
        assert_eq!(phases.len(), 12);
        assert_eq!(
            (phases[4].iteration, phases[4].phase, phases[4].from, phases[4].to),
            (2, Phase::Ramp, 301.0, 331.0)
        );
    }

    #[test]
    fn a_single_bad_second_is_kept() {
        let mut results = testing::valid();
        results.windows[150].dispatched = 7;
        let course = Course::of(&results);
        let grid = Grid::over(course.seconds, 50);
        assert_eq!((grid.columns, grid.step), (43, 7.0));
        let column = course.gather(grid, |window| Some(window.dispatched as f64))[150 / 7];
        assert_eq!((column.lowest, column.highest), (7.0, 400.0));
        assert_eq!(column.mean(), Some((6.0 * 400.0 + 7.0) / 7.0));
    }

    #[test]
    fn an_absurd_time_needs_no_more_memory() {
        let mut results = testing::short();
        results.windows[3].second = u64::MAX;
        let course = Course::of(&results);
        let grid = Grid::over(course.seconds, 100);
        assert!(grid.columns <= 100);
        assert_eq!(course.gather(grid, |_| Some(1.0)).len(), grid.columns);
        assert_eq!(Grid::over(f64::NAN, 100).columns, 1);
    }
}
