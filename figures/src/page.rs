//! A metrics page of a server or a worker, read in pieces: only the sums that figures are made of are kept.
//!
//! Whatever a page holds, what is kept is bounded: by the page's size, by the number of its samples and by the number of
//! groups. A page that goes beyond is refused, and so is one that is none.

use std::collections::BTreeMap;

use crate::{
    figure::Scope,
    line,
    naming::Names,
    promql::sanitized,
    table::FIGURES,
    term::{Gather, TERMS, Term},
};

/// Largest page, bytes. A frontend with hundreds of namespaces has some 10 MB.
pub const MAX_BYTES: usize = 16 << 20;

/// Most samples of a page.
const MAX_SAMPLES: usize = 1_000_000;

/// Longest line, bytes.
const MAX_LINE: usize = 64 << 10;

/// Most groups that are kept of a page, of all figures together. A server with a hundred operations has some 5,000.
const MAX_GROUPS: usize = 50_000;

/// Longest value of a label that tells groups apart, characters: operations, causes, edges have a few dozen. What is beyond it
/// is cut off, so that what is kept is bounded.
const MAX_LABEL: usize = 128;

/// Why a page is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageProblem {
    /// It is too large.
    #[error("has more than 16 MiB")]
    TooLarge,
    /// It has too many samples.
    #[error("has more than a million samples")]
    TooMany,
    /// It has too many values of labels.
    #[error("has more than 50,000 combinations of labels in the series that are asked for")]
    TooVaried,
    /// A line is too long.
    #[error("has a line of more than 64 KiB (line {0})")]
    LongLine(usize),
    /// It is no metrics page.
    #[error("is no metrics page: line {0} is no sample")]
    NoSample(usize),
    /// There is nothing in it.
    #[error("is empty")]
    Empty,
}

/// Values of labels, and the sum of the samples that have them.
pub(crate) type Groups = BTreeMap<Vec<String>, f64>;

/// What is kept of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// By figure and by its parts.
    pub(crate) sums: Vec<Vec<Groups>>,
    /// Samples that are asked for and have no figure: name and what stands there.
    pub(crate) broken: BTreeMap<(usize, usize), String>,
    /// What the server calls its metrics.
    pub(crate) names: Names,
}

/// A page while it is read.
#[derive(Debug)]
pub struct PageReader {
    namespace: [String; 2],
    snapshot: Snapshot,
    carry: Vec<u8>,
    bytes: usize,
    samples: usize,
    groups: usize,
    lines: usize,
    seen: usize,
}

impl PageReader {
    /// A page of which the namespace's series are kept.
    pub fn new(namespace: &str) -> Self {
        PageReader {
            namespace: [namespace.to_owned(), sanitized(namespace)],
            snapshot: Snapshot {
                sums: TERMS.of.iter().map(|terms| vec![Groups::new(); terms.len()]).collect(),
                broken: BTreeMap::new(),
                names: Names::default(),
            },
            carry: Vec::new(),
            bytes: 0,
            samples: 0,
            groups: 0,
            lines: 0,
            seen: 0,
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// When the page is refused: nothing more need be read of it.
    pub fn feed(&mut self, mut piece: &[u8]) -> Result<(), PageProblem> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > MAX_BYTES {
            return Err(PageProblem::TooLarge);
        }
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (head, rest) = piece.split_at(end);
            if self.carry.is_empty() {
                self.line(head)?;
            } else {
                self.grow(head)?;
                let whole = std::mem::take(&mut self.carry);
                self.line(&whole)?;
            }
            piece = &rest[1..];
        }
        self.grow(piece)
    }

    fn grow(&mut self, piece: &[u8]) -> Result<(), PageProblem> {
        if self.carry.len() + piece.len() > MAX_LINE {
            return Err(PageProblem::LongLine(self.lines + 1));
        }
        self.carry.extend_from_slice(piece);
        Ok(())
    }

    /// The end of the page.
    ///
    /// # Errors
    /// When it is refused.
    pub fn finish(mut self) -> Result<Snapshot, PageProblem> {
        let last = std::mem::take(&mut self.carry);
        self.line(&last)?;
        if self.seen == 0 {
            return Err(PageProblem::Empty);
        }
        Ok(self.snapshot)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), PageProblem> {
        self.lines += 1;
        if line.len() > MAX_LINE {
            return Err(PageProblem::LongLine(self.lines));
        }
        let refused = PageProblem::NoSample(self.lines);
        let line = str::from_utf8(line).map_err(|_| refused.clone())?.trim();
        if line.is_empty() {
            return Ok(());
        }
        self.seen += 1;
        if line.starts_with('#') {
            return Ok(());
        }
        self.samples += 1;
        if self.samples > MAX_SAMPLES {
            return Err(PageProblem::TooMany);
        }
        let sample = line::parse(line).ok_or(refused)?;
        self.snapshot.names.see(sample.name);
        let Some(wanted) = TERMS.wanted.get(sample.name) else {
            return Ok(());
        };
        if sample.name == "service_latency_bucket"
            && let Ok(edge) = sample.label("le").parse()
        {
            self.snapshot.names.see_edge(edge);
        }
        for &(figure, part) in wanted {
            let term = &TERMS.of[figure][part];
            if self.counts(term, &sample) {
                self.add(figure, part, term, &sample)?;
            }
        }
        Ok(())
    }

    fn counts(&self, term: &Term, sample: &line::SampleLine) -> bool {
        let is_ours = match term.scope {
            Scope::Server => true,
            Scope::Namespace => {
                let namespace = sample.label("namespace");
                self.namespace.iter().any(|ours| ours == namespace)
            }
        };
        is_ours
            && term
                .matchers
                .iter()
                .all(|matcher| matcher.test.passes(sample.label(matcher.label)))
    }

    fn add(&mut self, figure: usize, part: usize, term: &Term, sample: &line::SampleLine) -> Result<(), PageProblem> {
        let value = sample.value;
        if !value.is_finite() || (term.gather == Gather::Counters && value < 0.0) {
            let said = format!("{} is {value}", sample.name);
            self.snapshot.broken.insert((figure, part), said);
            return Ok(());
        }
        let key: Vec<String> = term.by.iter().map(|label| cut(sample.label(label))).collect();
        match self.snapshot.sums[figure][part].get_mut(&key) {
            Some(sum) if term.gather == Gather::LowestGauge => *sum = sum.min(value),
            Some(sum) => *sum += value,
            None => {
                self.groups += 1;
                if self.groups > MAX_GROUPS {
                    return Err(PageProblem::TooVaried);
                }
                self.snapshot.sums[figure][part].insert(key, value);
            }
        }
        Ok(())
    }
}

fn cut(label: &str) -> String {
    label.chars().take(MAX_LABEL).collect()
}

impl Snapshot {
    /// What the server calls its metrics.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The first counter that had grown further in `before`: whoever has these pages was started again in between.
    pub(crate) fn fell_since(&self, before: &Snapshot) -> Option<&'static str> {
        for (index, (now, then)) in self.sums.iter().zip(&before.sums).enumerate() {
            for (part, (now, then)) in now.iter().zip(then).enumerate() {
                if TERMS.of[index][part].gather != Gather::Counters {
                    continue;
                }
                if self.broken.contains_key(&(index, part)) {
                    continue;
                }
                let fell = then.iter().any(|(key, then)| now.get(key).is_none_or(|now| now < then));
                if fell {
                    return Some(FIGURES[index].name);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
