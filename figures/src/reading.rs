//! The figures of a window from metrics pages: read when it begins, while it goes on, and when it ends.

use std::collections::BTreeMap;

use benchmark_results::schema::ServerFigure;

use crate::{
    figure::{Figure, FigureKind},
    gauges::Courses,
    naming::Names,
    outcome::{self, LabelledValues},
    page::{Groups, Snapshot},
    promql::QueryWindow,
    quantile,
    table::FIGURES,
    term::{Gather, TERMS},
};

/// What was read of one page.
#[derive(Clone, Debug, Default)]
struct PageReading {
    /// Its address, as it is shown.
    address: String,
    first: Option<Result<Snapshot, String>>,
    last: Option<Result<Snapshot, String>>,
    /// Whoever has it was started again: a counter of this figure fell.
    restarted: Option<&'static str>,
}

/// What was read of the pages.
#[derive(Clone, Debug)]
pub struct Reading {
    pages: Vec<PageReading>,
    gauges: Vec<Courses>,
    names: Names,
    /// Seconds of the first and the last look.
    span: Option<(f64, f64)>,
}

impl Reading {
    /// Nothing so far, of pages with these addresses.
    pub fn new(addresses: impl IntoIterator<Item = String>) -> Self {
        Reading {
            pages: addresses
                .into_iter()
                .map(|address| PageReading {
                    address,
                    ..PageReading::default()
                })
                .collect(),
            gauges: vec![Courses::default(); FIGURES.len()],
            names: Names::default(),
            span: None,
        }
    }

    /// Takes in a look at all pages, in their order, at an instant in seconds: of each what it had, or why it could not be
    /// read. The first look is the window's beginning and the last one its end; in between only gauges count.
    pub fn take(&mut self, at: f64, looked: Vec<Result<Snapshot, String>>) {
        let sound: Vec<&Snapshot> = looked.iter().filter_map(|snapshot| snapshot.as_ref().ok()).collect();
        for snapshot in &sound {
            self.names.add(snapshot.names());
        }
        // A sum of some of the pages would be a drop that there was not.
        if sound.len() == self.pages.len() {
            for (index, courses) in self.gauges.iter_mut().enumerate() {
                courses.take(at, gauges(index, &sound, &self.pages));
            }
        }
        for (page, snapshot) in self.pages.iter_mut().zip(looked) {
            if let (Ok(now), Some(Ok(before))) = (&snapshot, &page.last)
                && page.restarted.is_none()
            {
                page.restarted = now.fell_since(before);
            }
            if page.first.is_none() {
                page.first = Some(snapshot.clone());
            }
            page.last = Some(snapshot);
        }
        let begun = self.span.map_or(at, |(begun, _)| begun);
        self.span = Some((begun, at));
    }

    /// Seconds between the first and the last look.
    pub fn seconds(&self) -> f64 {
        self.span.map_or(0.0, |(begun, ended)| ended - begun)
    }

    /// The figures, and what stood in the way of them.
    pub fn figures(&self, asked: &QueryWindow) -> (Vec<ServerFigure>, Vec<String>) {
        let mut problems: Vec<String> = self.names.problem().into_iter().collect();
        let source = self
            .pages
            .iter()
            .map(|page| page.address.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let broken = self.broken();
        problems.extend(broken.clone());
        let is_known = self.names.is_known();
        let mut figures = Vec::new();
        for (index, figure) in FIGURES.iter().enumerate() {
            // In other names or units there is nothing to be found that would be right.
            let found = match (self.names.problem(), &broken) {
                (Some(problem), _) if !figure.is_of_workers() => Err(problem),
                _ => self.figure(index, figure, broken.as_deref(), asked, is_known),
            };
            figures.extend(outcome::tell(figure, asked, &source, found));
        }
        (figures, problems)
    }

    /// Why growth cannot be told, when it cannot.
    fn broken(&self) -> Option<String> {
        if self.seconds() <= 0.0 {
            return Some("the pages were read only once".to_owned());
        }
        for page in &self.pages {
            for (look, when) in [(&page.first, "began"), (&page.last, "ended")] {
                if let Some(Err(error)) = look {
                    return Some(format!(
                        "{} could not be read when the measured phase {when}: {error}",
                        page.address
                    ));
                }
            }
            if let Some(figure) = page.restarted {
                return Some(format!(
                    "whoever serves {} was started again within the measured phase: counters of {figure} fell",
                    page.address
                ));
            }
        }
        None
    }

    fn figure(
        &self,
        index: usize,
        figure: &Figure,
        broken: Option<&str>,
        asked: &QueryWindow,
        is_known: bool,
    ) -> Result<LabelledValues, String> {
        let values = match &figure.kind {
            FigureKind::Sum(level, _) => self.gauges[index].level(*level),
            FigureKind::Lowest(_) => self.gauges[index].level(crate::figure::Level::Least),
            FigureKind::Fill { mean: false, .. } => self.gauges[index].mean(),
            FigureKind::Fill { mean: true, .. } => mean_of(self.gauges[index].mean()),
            counted => {
                if let Some(reason) = broken {
                    return Err(reason.to_owned());
                }
                if let Some(said) = self.not_a_number(index) {
                    return Err(said);
                }
                self.counted(index, figure, counted)?
            }
        };
        if values.is_empty() {
            return outcome::absent(figure, asked, is_known);
        }
        let found = values.into_iter().map(|(key, value)| {
            let labels = figure.by.iter().map(|label| (*label).to_owned()).zip(key);
            (labels.filter(|(_, value)| !value.is_empty()).collect(), value)
        });
        Ok(found.collect())
    }

    fn not_a_number(&self, index: usize) -> Option<String> {
        let looks = self.pages.iter().flat_map(|page| [&page.first, &page.last]);
        let mut snapshots = looks.filter_map(|look| look.as_ref()?.as_ref().ok());
        snapshots.find_map(|snapshot| {
            let mut said = snapshot.broken.range((index, 0)..(index + 1, 0));
            said.next().map(|(_, said)| said.clone())
        })
    }

    fn counted(&self, index: usize, figure: &Figure, kind: &FigureKind) -> Result<Vec<(Vec<String>, f64)>, String> {
        let grown = |part: usize| self.growth(index, part);
        let together = |parts: std::ops::Range<usize>| parts.map(grown).fold(Groups::new(), added);
        let parts = TERMS.of[index].len();
        Ok(match kind {
            FigureKind::Rate(_) => {
                let seconds = self.seconds();
                together(0..parts)
                    .into_iter()
                    .map(|(key, grown)| (key, grown / seconds))
                    .collect()
            }
            FigureKind::Share { of, .. } => {
                let (above, below) = (together(0..of.len()), together(of.len()..parts));
                let counted = of.iter().all(|series| series.absent == crate::figure::Absence::Never);
                below
                    .into_iter()
                    .filter_map(|(key, below)| {
                        let above = above.get(&key).copied().or(counted.then_some(0.0))?;
                        Some((key, above / below))
                    })
                    .collect()
            }
            FigureKind::Quantile(quantile, series) => {
                let mut buckets: BTreeMap<Vec<String>, Vec<(f64, f64)>> = BTreeMap::new();
                for (mut key, count) in grown(0) {
                    let edge = key.pop().and_then(|edge| edge.parse().ok());
                    let edge: f64 = edge.ok_or_else(|| format!("{} has a bucket without an edge", series.names[0]))?;
                    buckets.entry(key).or_default().push((edge, count));
                }
                if let crate::figure::Keep::Busiest(most) = figure.keep {
                    let mut busiest: Vec<(Vec<String>, f64)> = grown(1).into_iter().collect();
                    busiest.sort_by(|a, b| b.1.total_cmp(&a.1));
                    let kept: Vec<Vec<String>> = busiest.into_iter().take(most).map(|(key, _)| key).collect();
                    buckets.retain(|key, _| kept.contains(key));
                }
                let mut values = Vec::new();
                for (key, buckets) in buckets {
                    let value = quantile::of(*quantile, buckets)
                        .map_err(|what| format!("the histogram {} {what}", series.names[0]))?;
                    values.push((key, value.map_or(f64::NAN, |seconds| seconds * 1000.0)));
                }
                values
            }
            FigureKind::Sum(..) | FigureKind::Lowest(_) | FigureKind::Fill { .. } => Vec::new(),
        })
    }

    /// What a part's counters grew by, all pages together.
    fn growth(&self, index: usize, part: usize) -> Groups {
        let mut grown = Groups::new();
        for page in &self.pages {
            let (Some(Ok(first)), Some(Ok(last))) = (&page.first, &page.last) else {
                continue;
            };
            let before = &first.sums[index][part];
            for (key, now) in &last.sums[index][part] {
                let growth = now - before.get(key).copied().unwrap_or(0.0);
                *grown.entry(key.clone()).or_default() += growth;
            }
        }
        grown
    }
}

fn added(mut to: Groups, from: Groups) -> Groups {
    for (key, value) in from {
        *to.entry(key).or_default() += value;
    }
    to
}

/// The values of a figure's gauges at one instant; of one that is told by replica the page is the replica.
fn gauges(index: usize, sound: &[&Snapshot], pages: &[PageReading]) -> Groups {
    let terms = &TERMS.of[index];
    let mut values = Groups::new();
    match &FIGURES[index].kind {
        FigureKind::Sum(..) | FigureKind::Lowest(_) => {
            for snapshot in sound {
                for (key, value) in &snapshot.sums[index][0] {
                    let lowest = terms[0].gather == Gather::LowestGauge;
                    values
                        .entry(key.clone())
                        .and_modify(|known| *known = if lowest { known.min(*value) } else { *known + value })
                        .or_insert(*value);
                }
            }
        }
        FigureKind::Fill { .. } => {
            for (snapshot, page) in sound.iter().zip(pages) {
                for (key, used) in &snapshot.sums[index][0] {
                    if let Some(most) = snapshot.sums[index][1].get(key) {
                        let replica = [instance(&page.address)].into_iter().chain(key.iter().cloned());
                        values.insert(replica.collect(), used / most);
                    }
                }
            }
        }
        _ => {}
    }
    values
}

/// `host:port` of an address, as a Prometheus calls what it scrapes.
fn instance(address: &str) -> String {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    host.split(['/', '?']).next().unwrap_or(host).to_owned()
}

/// The replicas' mean of what is told by replica and labels.
fn mean_of(values: Vec<(Vec<String>, f64)>) -> Vec<(Vec<String>, f64)> {
    let mut means: BTreeMap<Vec<String>, (f64, f64)> = BTreeMap::new();
    for (mut key, value) in values {
        key.remove(0);
        let mean = means.entry(key).or_default();
        *mean = (mean.0 + value, mean.1 + 1.0);
    }
    means
        .into_iter()
        .map(|(key, (sum, number))| (key, sum / number))
        .collect()
}

#[cfg(test)]
mod tests;
