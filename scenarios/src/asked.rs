//! Options as asked for: exactly what was typed, and where.
//!
//! Nothing is read or checked here: an option is a text and the place that it came from. That keeps one order of
//! precedence for all of them (flag, environment, file, default) and lets every message say `--rate 0` or
//! `BENCHMARK_TARGET_RATE=0`, whichever it was.

use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf};

use serde::{Serialize, Serializer};

use crate::{
    options::{Key, Program, Shape},
    problem::quotable,
};

/// Who may have something to say of an option, and what that is; several values only of one whose values add up.
pub type Giver<'a> = &'a dyn Fn(Key) -> Vec<Given>;

/// Where an option's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line, with the flag as typed, which may be another than the option's own: `--generator-only`.
    Flag(Cow<'static, str>),
    /// An environment variable, by name.
    Environment(Cow<'static, str>),
    /// A file.
    File(PathBuf),
    /// Nobody: the default, with its reason in a few words (empty when there is nothing to say).
    Default(Cow<'static, str>),
}

impl Source {
    /// Whether it was typed on the command line.
    pub fn is_flag(&self) -> bool {
        matches!(self, Source::Flag(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Flag(flag) => write!(f, "flag {flag}"),
            Source::Environment(name) => write!(f, "environment {name}"),
            Source::File(path) => write!(f, "file {}", path.display()),
            Source::Default(reason) if reason.is_empty() => f.write_str("default"),
            Source::Default(reason) => write!(f, "default: {reason}"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One value as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The text.
    pub text: String,
    /// Where it was typed.
    pub source: Source,
}

impl Given {
    /// A value from the command line.
    pub fn by_flag(flag: &'static str, text: impl Into<String>) -> Self {
        Given {
            text: text.into(),
            source: Source::Flag(flag.into()),
        }
    }

    /// A value from an environment variable.
    pub fn by_environment(name: &'static str, text: impl Into<String>) -> Self {
        Given {
            text: text.into(),
            source: Source::Environment(name.into()),
        }
    }

    /// A value from a file.
    pub fn by_file(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Given {
            text: text.into(),
            source: Source::File(path.into()),
        }
    }

    /// That a secret was given, without it.
    pub fn hidden(source: Source) -> Self {
        Given {
            text: "***".to_owned(),
            source,
        }
    }

    /// The value as its giver would recognise it: `--rate 0`, `BENCHMARK_TARGET_RATE=0`, `rate = 0 in ci.toml`.
    pub fn quote(&self, key: Key) -> String {
        let text = quotable(&self.text);
        match &self.source {
            Source::Flag(flag) => match key.shape() {
                // A switch, or a flag that stands for a value of another one.
                _ if self.text == "true" || flag != key.flag() => flag.to_string(),
                Shape::Switch("false") => flag.to_string(),
                Shape::Optional(_) => format!("{flag}={text}"),
                _ => format!("{flag} {text}"),
            },
            Source::Environment(name) => format!("{name}={text}"),
            Source::File(path) => format!("{} = {text} in {}", key.name(), path.display()),
            Source::Default(_) => format!("{} {text} (default)", key.flag()),
        }
    }
}

/// Everything that was asked for. Whatever is absent takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    options: BTreeMap<Key, Vec<Given>>,
}

impl Asked {
    /// Nothing asked for: every option at its default.
    pub fn new() -> Self {
        Asked::default()
    }

    /// What was typed as the values of these flags, where it was.
    pub fn typed<T: Into<String>>(options: impl IntoIterator<Item = (Key, Option<T>)>) -> Self {
        let mut asked = Asked::new();
        for (key, text) in options {
            if let Some(text) = text {
                asked.add(key, Given::by_flag(key.flag(), text));
            }
        }
        asked
    }

    /// Adds what is said of each option of a program. Of several givers the first wins: flags come before variables, these
    /// before files, and Temporal's own profile last.
    pub fn gather(&mut self, program: Program, givers: &[Giver]) {
        for key in program.options() {
            for given in givers.iter().flat_map(|giver| giver(key)) {
                self.add(key, given);
            }
        }
    }

    /// Adds a value of an option, below those that are there already.
    pub fn add(&mut self, key: Key, given: Given) {
        self.options.entry(key).or_default().push(given);
    }

    /// The option as it was typed, if it was.
    pub fn get(&self, key: Key) -> Option<&Given> {
        self.all(key).first()
    }

    /// All values of an option, strongest first.
    pub fn all(&self, key: Key) -> &[Given] {
        self.options.get(&key).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_giver_wins() {
        let mut asked = Asked::new();
        asked.add(Key::Rate, Given::by_flag("--rate", "10"));
        asked.add(Key::Rate, Given::by_environment("BENCHMARK_TARGET_RATE", "20"));
        assert_eq!(asked.get(Key::Rate).unwrap().text, "10");
    }

    #[test]
    fn quotes_a_value_as_its_giver_wrote_it() {
        assert_eq!(Given::by_flag("--rate", "0").quote(Key::Rate), "--rate 0");
        assert_eq!(
            Given::by_environment("BENCHMARK_TARGET_RATE", "0").quote(Key::Rate),
            "BENCHMARK_TARGET_RATE=0"
        );
        assert_eq!(Given::by_file("ci.toml", "0").quote(Key::Rate), "rate = 0 in ci.toml");
        assert_eq!(
            Given::by_flag("--generator-only", "0").quote(Key::Workers),
            "--generator-only"
        );
        assert_eq!(Given::by_flag("--tls", "false").quote(Key::Tls), "--tls=false");
        assert_eq!(
            Given::by_flag("--keep-server", "true").quote(Key::KeepServer),
            "--keep-server"
        );
    }
}
