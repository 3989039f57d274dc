//! The parts of the figures, as they are looked for on a page.

use std::{collections::HashMap, sync::LazyLock};

use crate::{
    figure::{Figure, FigureKind, Matcher, Scope, Series},
    table::FIGURES,
};

/// One sum over samples: which count, and by which labels they are told apart.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    /// What the samples are called.
    pub(crate) names: Vec<String>,
    pub(crate) matchers: &'static [Matcher],
    pub(crate) scope: Scope,
    /// Labels that the sum is by; a histogram's has `le` at its end.
    pub(crate) by: Vec<&'static str>,
    pub(crate) gather: Gather,
}

/// What becomes of the samples of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gather {
    /// Counters are added.
    Counters,
    /// Gauges are added.
    Gauges,
    /// The lowest gauge counts.
    LowestGauge,
}

impl Term {
    fn new(series: &Series, suffix: &str, by: &[&'static str], gather: Gather) -> Self {
        Term {
            names: series.names.iter().map(|name| format!("{name}{suffix}")).collect(),
            matchers: series.matchers,
            scope: series.scope,
            by: by.to_vec(),
            gather,
        }
    }
}

/// The parts of one figure: of a share those above the line first, of a quantile its buckets and then its counts.
fn terms_of(figure: &Figure) -> Vec<Term> {
    // The page stands for the replica.
    let by: Vec<&'static str> = figure.by.iter().copied().filter(|label| *label != "instance").collect();
    let counters = |series: &Series| Term::new(series, "", &by, Gather::Counters);
    match &figure.kind {
        FigureKind::Rate(series) => series.iter().map(counters).collect(),
        FigureKind::Share { of, among } => of.iter().chain(*among).map(counters).collect(),
        FigureKind::Quantile(_, series) => {
            let with_edges: Vec<&'static str> = by.iter().copied().chain(["le"]).collect();
            vec![
                Term::new(series, "_bucket", &with_edges, Gather::Counters),
                Term::new(series, "_count", &by, Gather::Counters),
            ]
        }
        FigureKind::Sum(_, series) => vec![Term::new(series, "", &by, Gather::Gauges)],
        FigureKind::Lowest(series) => vec![Term::new(series, "", &by, Gather::LowestGauge)],
        FigureKind::Fill { of, among, .. } => vec![
            Term::new(of, "", &by, Gather::Gauges),
            Term::new(among, "", &by, Gather::Gauges),
        ],
    }
}

/// All parts of all figures, and where each name is wanted.
pub(crate) struct Terms {
    /// By figure, in the order of the table.
    pub(crate) of: Vec<Vec<Term>>,
    /// Indices of figure and part, by the samples' name.
    pub(crate) wanted: HashMap<String, Vec<(usize, usize)>>,
}

/// The parts of [`FIGURES`].
pub(crate) static TERMS: LazyLock<Terms> = LazyLock::new(|| {
    let of: Vec<Vec<Term>> = FIGURES.iter().map(terms_of).collect();
    let mut wanted: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
    for (figure, terms) in of.iter().enumerate() {
        for (part, term) in terms.iter().enumerate() {
            for name in &term.names {
                wanted.entry(name.clone()).or_default().push((figure, part));
            }
        }
    }
    Terms { of, wanted }
});
