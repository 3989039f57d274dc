//! Sources of a secret: flag, file named by a flag, environment.

use std::{
    fmt::{self, Display},
    path::PathBuf,
};

use benchmark_scenarios::{Given, Key, Problem, Program, Source};
use benchmark_temporal::small_file;

/// A text that must not be shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HiddenText(String);

impl HiddenText {
    /// The text itself, for whom it is meant and nobody else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HiddenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HiddenText(..)")
    }
}

impl From<String> for HiddenText {
    fn from(text: String) -> Self {
        HiddenText(text)
    }
}

/// What was typed of a secret.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The option that says that there is one.
    pub key: Key,
    /// The secret itself, typed.
    pub text: Option<HiddenText>,
    /// The file that it is in.
    pub file: Option<PathBuf>,
}

/// A secret that was given.
#[derive(Clone, Debug)]
pub struct FoundSecret {
    /// The secret.
    pub text: HiddenText,
    /// Where it was found, for people.
    pub place: String,
    /// That there is one, for the plan.
    pub given: Given,
    /// A thing to know that is no error.
    pub note: Option<String>,
}

impl FoundSecret {
    /// What is wrong with it, and where it is; never itself.
    pub fn wrong(&self, error: impl Display) -> Problem {
        Problem::new(format!("{}: {error}", self.place))
    }
}

impl Secret {
    /// Nothing was typed.
    pub fn of(key: Key) -> Self {
        Secret {
            key,
            text: None,
            file: None,
        }
    }

    /// Whether it was typed, or where it is.
    pub fn is_typed(&self) -> bool {
        self.text.is_some() || self.file.is_some()
    }

    /// Takes it from the first place that has it; `variable` reads an environment variable.
    ///
    /// # Errors
    /// When a file cannot be read, or holds no text.
    pub fn find(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<FoundSecret>, Problem> {
        let found = |text: String, place: String, source: Source| FoundSecret {
            text: text.into(),
            place,
            given: Given::hidden(source),
            note: None,
        };
        let flag = self.key.flag();
        if let Some(text) = &self.text {
            let source = Source::Flag(flag.into());
            return Ok(Some(found(text.reveal().to_owned(), flag.to_owned(), source)));
        }
        if let Some(path) = &self.file {
            let flag = format!("{flag}-file");
            let place = format!("{flag} {}", path.display());
            let read = small_file::read(path)
                .map_err(|error| error.to_string())
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is no text".to_owned()));
            let text = read.map_err(|error| Problem::new(format!("{place} cannot be read: {error}")))?;
            let note = small_file::exposed(&flag, path);
            return Ok(Some(FoundSecret {
                note,
                ..found(text, place, Source::Flag(flag.into()))
            }));
        }
        // They are the same for every program.
        let variables = self.key.variables(Program::Run);
        Ok(variables.iter().find_map(|name| {
            let text = variable(name).filter(|text| !text.trim().is_empty())?;
            Some(found(text, (*name).to_owned(), Source::Environment((*name).into())))
        }))
    }
}
