//! What is wrong with what was asked for, in words that name it.

use std::fmt;

/// Why a run cannot begin: one line that names the option, its value and what is allowed, then what helps.
///
/// [`fmt::Display`] writes the one line; [`Problem::report`] writes everything.
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

    /// What an error says.
    pub fn of(error: impl fmt::Display) -> Self {
        Problem::new(error.to_string())
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

impl std::error::Error for Problem {}

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
    fn quotes_only_what_would_mislead() {
        assert_eq!(quotable("10s"), "10s");
        assert_eq!(quotable(""), "\"\"");
        assert_eq!(quotable("a\nb"), "\"a\\nb\"");
        assert_eq!(quotable(&"9".repeat(500)).chars().count(), 61);
    }
}
