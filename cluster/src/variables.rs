//! Variables of the environment, read one after the other; what is missing or wrong is gathered and said all at once.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr, time::Duration};

use benchmark_results::text;
use benchmark_scenarios::{Problem, units};

/// Longest value that is shown.
const LONGEST: usize = 60;

/// Reads variables. One that is empty counts as missing: task definitions cannot leave one out by condition.
pub struct Variables<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl<'a> Variables<'a> {
    /// Those that `variable` gives by their names.
    pub fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Variables<'a> {
        Variables {
            variable,
            wrong: Vec::new(),
        }
    }

    /// One that may be missing.
    pub fn maybe(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// One that has to be there. Its value is never shown.
    pub fn text(&mut self, name: &str) -> String {
        self.maybe(name).unwrap_or_else(|| {
            self.wrong(name, "missing");
            String::new()
        })
    }

    /// What `read` makes of a value, or of the default, which has to be good.
    fn read<T>(&mut self, name: &str, default: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let value = self.maybe(name).unwrap_or_else(|| default.to_owned());
        match read(&value) {
            Ok(value) => Some(value),
            Err(_) if value.is_empty() => {
                self.wrong(name, "missing");
                None
            }
            Err(why) => {
                self.wrong(name, format!("{}: {why}", text::line(&value, LONGEST)));
                None
            }
        }
    }

    /// A whole number in a range; without a default (an empty one) it has to be there.
    pub fn number<T: Copy + Display + FromStr + PartialOrd>(
        &mut self,
        name: &str,
        default: &str,
        range: RangeInclusive<T>,
    ) -> T {
        let read = |value: &str| match value.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(format!("no number from {} to {}", range.start(), range.end())),
        };
        self.read(name, default, read).unwrap_or(*range.start())
    }

    /// One of several words; without a default (an empty one) it has to be there.
    pub fn choice(&mut self, name: &str, default: &str, words: &[&'static str]) -> &'static str {
        let read = |value: &str| match words.iter().find(|word| **word == value) {
            Some(word) => Ok(*word),
            None => Err(format!("not one of {}", words.join(", "))),
        };
        self.read(name, default, read).unwrap_or(words[0])
    }

    /// Yes or no.
    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        let default = if default { "true" } else { "false" };
        self.choice(name, default, &["true", "false"]) == "true"
    }

    /// A duration.
    pub fn duration(&mut self, name: &str, default: &str) -> Duration {
        self.read(name, default, units::parse).unwrap_or_default()
    }

    /// Says that a variable is wrong.
    pub fn wrong(&mut self, name: &str, why: impl Display) {
        self.wrong.push(format!("{name}: {why}"));
    }

    /// Everything that was wrong, in one line.
    ///
    /// # Errors
    /// When anything was.
    pub fn end(self) -> Result<(), Problem> {
        match self.wrong.is_empty() {
            true => Ok(()),
            false => Err(Problem::new(format!(
                "variables of the environment: {}",
                self.wrong.join("; ")
            ))),
        }
    }
}
