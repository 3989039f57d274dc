//! Error that people read: what is wrong, in words that name it, and what helps.

use std::{error::Error, fmt};

/// Why something was not done: one line that names the option, its value and what is allowed, then what helps.
///
/// [`fmt::Display`] writes the one line; [`Problem::report`] writes everything. Errors of libraries become one by `?`, in
/// the words of [`chain`]: that is why it is no [`Error`] itself, which would be two ways to become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    headline: String,
    explanation: Vec<String>,
    remedies: Vec<String>,
}

impl Problem {
    /// A problem in one line, without `error:` in front and without a full stop.
    pub fn new(headline: impl Into<String>) -> Self {
        Problem {
            headline: headline.into(),
            explanation: Vec::new(),
            remedies: Vec::new(),
        }
    }

    /// Adds a line that explains.
    #[must_use]
    pub fn explain(mut self, line: impl Into<String>) -> Self {
        self.explanation.push(line.into());
        self
    }

    /// Adds something to type instead; several stand on one line with `or` between them.
    #[must_use]
    pub fn remedy(mut self, what: impl Into<String>) -> Self {
        self.remedies.push(what.into());
        self
    }

    /// Puts what was being done, as a sentence of what does not work, before the reason; explanation and remedies stay.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.headline = format!("{doing}: {}", self.headline);
        self
    }

    /// The one line.
    pub fn headline(&self) -> &str {
        &self.headline
    }

    /// The whole text as a person sees it, first line `error: …`, without a line break at the end.
    pub fn report(&self) -> String {
        let mut text = format!("error: {}", self.headline);
        for line in &self.explanation {
            text.push_str("\n  ");
            text.push_str(line);
        }
        if !self.remedies.is_empty() {
            text.push_str("\n  try  ");
            text.push_str(&self.remedies.join("   or   "));
        }
        text
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)
    }
}

impl<E: Error + 'static> From<E> for Problem {
    fn from(error: E) -> Self {
        Problem::new(chain(&error))
    }
}

/// Says what was being done where something fails.
pub trait Context<T> {
    /// As [`Problem::context`].
    ///
    /// # Errors
    /// The reason, with these words before it.
    fn context(self, doing: impl fmt::Display) -> Result<T, Problem>;
}

impl<T, E: Into<Problem>> Context<T> for Result<T, E> {
    fn context(self, doing: impl fmt::Display) -> Result<T, Problem> {
        self.map_err(|error| error.into().context(doing))
    }
}

/// An error and all that caused it, each said once: many repeat their cause's words.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !words.ends_with(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        next = cause.source();
    }
    words
}

/// A given text for use inside a one-line message: line breaks and the like are escaped, and it is cut at 60 characters.
pub(crate) fn quotable(text: &str) -> String {
    const LONGEST: usize = 60;
    let plain = !text.is_empty() && text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    if plain { shown } else { format!("{shown:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_line_explanation_and_remedies() {
        let problem = Problem::new("--duration 10s is shorter than --ramp-up 20s")
            .explain("the ramp lies within --duration")
            .remedy("--ramp-up 2s")
            .remedy("--duration 60s");
        assert_eq!(
            problem.report(),
            "error: --duration 10s is shorter than --ramp-up 20s\n  the ramp lies within --duration\n  \
             try  --ramp-up 2s   or   --duration 60s"
        );
        assert_eq!(problem.to_string(), "--duration 10s is shorter than --ramp-up 20s");
    }

    #[test]
    fn each_cause_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Said(&'static str, #[source] Option<Box<Said>>);
        let of = |words, cause| Some(Box::new(Said(words, cause)));
        let error = Said("no file: gone", of("gone", of("the disk left", None)));
        assert_eq!(chain(&error), "no file: gone: the disk left");
        assert_eq!(chain(&Said("gone", None)), "gone");
        let problem = Err::<(), _>(error).context("--config cannot be read").unwrap_err();
        assert_eq!(
            problem.headline(),
            "--config cannot be read: no file: gone: the disk left"
        );
        let helpful = Err::<(), _>(Problem::new("too fast").remedy("--rate 1")).context("at 9/s");
        assert_eq!(
            helpful.unwrap_err().report(),
            "error: at 9/s: too fast\n  try  --rate 1"
        );
    }

    #[test]
    fn quotes_only_what_would_mislead() {
        assert_eq!(quotable("10s"), "10s");
        assert_eq!(quotable(""), "\"\"");
        assert_eq!(quotable("a\nb"), "\"a\\nb\"");
        assert_eq!(quotable(&"9".repeat(500)).chars().count(), 61);
    }
}
