//! Definition of a figure: the series that it is made of, and how.

use benchmark_results::schema::FigureUnit;

/// A figure as data.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name in a results file.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: FigureUnit,
    /// How it is made.
    pub kind: FigureKind,
    /// Labels that it is told apart by.
    pub by: &'static [&'static str],
    /// Which of them are kept.
    pub keep: Keep,
}

impl Figure {
    /// Whether the workers' SDK has its series, whose names do not depend on the server.
    pub fn is_of_workers(&self) -> bool {
        let of_workers = |series: &&Series| series.names.iter().all(|name| name.starts_with("temporal_"));
        self.kind.series().iter().all(of_workers)
    }
}

impl FigureKind {
    /// The series that it is made from.
    pub fn series(&self) -> Vec<&Series> {
        match self {
            FigureKind::Rate(series) => series.iter().collect(),
            FigureKind::Share { of, among } => of.iter().chain(*among).collect(),
            FigureKind::Quantile(_, series) | FigureKind::Sum(_, series) | FigureKind::Lowest(series) => vec![series],
            FigureKind::Fill { of, among, .. } => vec![of, among],
        }
    }
}

/// How a figure is made from series.
#[derive(Clone, Copy, Debug)]
pub enum FigureKind {
    /// Growth of counters a second, all of them together.
    Rate(&'static [Series]),
    /// Growth of some counters as a share of that of others. Those above the line that do not exist did not grow.
    Share {
        /// Above the line.
        of: &'static [Series],
        /// Below the line.
        among: &'static [Series],
    },
    /// A quantile of what a histogram of seconds took in, in milliseconds.
    Quantile(f64, Series),
    /// What became of the sum of gauges over the window.
    Sum(Level, Series),
    /// The lowest value of any single gauge in the window.
    Lowest(Series),
    /// The sum of gauges as a share of that of others, for each replica; its mean over the window.
    Fill {
        /// Above the line.
        of: Series,
        /// Below the line.
        among: Series,
        /// Whether the replicas' mean is wanted and not each of them.
        mean: bool,
    },
}

/// What becomes of a sum of gauges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Its highest value.
    Peak,
    /// Its lowest value.
    Least,
    /// Its growth a second: least squares.
    Slope,
}

/// Which of a figure's values are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// All.
    All,
    /// The largest.
    Largest(usize),
    /// Those of a quantile whose histograms took in the most.
    Busiest(usize),
}

/// Series of one family.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    /// Its names: more than one where exporters differ. A histogram's is without `_bucket`.
    pub names: &'static [&'static str],
    /// What its labels must be.
    pub matchers: &'static [Matcher],
    /// Whose they are.
    pub scope: Scope,
    /// What it means when there is none.
    pub absent: Absence,
}

/// What it means when a server has no series of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It is not known: other configurations have none, either.
    Unknown,
    /// It never happened: exporters show a counter once it has counted.
    Never,
}

/// Whose series are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    Server,
    /// The run's namespace's.
    Namespace,
}

/// What a label must be.
#[derive(Clone, Copy, Debug)]
pub struct Matcher {
    /// The label.
    pub label: &'static str,
    /// What is asked of its value.
    pub test: Test,
}

/// What is asked of a label's value: so little that it means the same to us and to a Prometheus.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    /// Exactly this.
    Is(&'static str),
    /// It begins with one of these.
    Begins(&'static [&'static str]),
    /// It begins with none of these.
    BeginsNot(&'static [&'static str]),
    /// It begins and ends so.
    Frames(&'static str, &'static str),
}

impl Test {
    /// Whether a value passes. A label that is not there has an empty value.
    pub fn passes(self, value: &str) -> bool {
        match self {
            Test::Is(wanted) => value == wanted,
            Test::Begins(heads) => heads.iter().any(|head| value.starts_with(head)),
            Test::BeginsNot(heads) => !heads.iter().any(|head| value.starts_with(head)),
            Test::Frames(head, tail) => {
                value.len() >= head.len() + tail.len() && value.starts_with(head) && value.ends_with(tail)
            }
        }
    }
}
