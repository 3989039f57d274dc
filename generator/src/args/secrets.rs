//! Secrets: taken from where they are, and shown nowhere.

use std::{ffi::OsString, fs, path::Path};

use benchmark_fleet::Token;
use benchmark_scenarios::{
    Key, Problem,
    variables::{API_KEY, FLEET_TOKEN},
};
use benchmark_temporal::ApiKey;

use super::{
    environment::Surroundings,
    options::{ConnectionArgs, FleetArgs, HiddenText},
};

/// What must not be part of a plan or a result.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The API key. Whether it is sent is for the plan to say: an embedded server takes none.
    pub api_key: Option<ApiKey>,
    /// What others need to join the run, or this process to join another's.
    pub fleet_token: Option<Token>,
}

/// The flags by which a secret can be typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed<'a> {
    /// The secret itself.
    pub text: Option<&'a HiddenText>,
    /// The file that it is in.
    pub file: Option<&'a Path>,
}

impl Typed<'_> {
    /// The flag that was typed, when the secret's own is that of the key.
    pub fn flag(self, key: Key) -> Option<String> {
        match (self.text, self.file) {
            (Some(_), _) => Some(key.flag().to_owned()),
            (None, Some(_)) => Some(format!("{}-file", key.flag())),
            (None, None) => None,
        }
    }

    /// The secret and where it was found: flag, file by flag, environment.
    fn read(
        self,
        key: Key,
        variable: &str,
        surroundings: &Surroundings,
    ) -> Result<Option<(HiddenText, String)>, Problem> {
        if let Some(text) = self.text {
            return Ok(Some((text.clone(), key.flag().to_owned())));
        }
        if let Some(path) = self.file {
            let place = format!("{}-file {}", key.flag(), path.display());
            return match fs::read_to_string(path) {
                Ok(text) => Ok(Some((HiddenText::from(text), place))),
                Err(error) => Err(Problem::new(format!("{place} cannot be read: {error}"))),
            };
        }
        let text = surroundings.get(variable);
        Ok(text.map(|text| (HiddenText::from(text), variable.to_owned())))
    }
}

impl<'a> From<&'a ConnectionArgs> for Typed<'a> {
    fn from(options: &'a ConnectionArgs) -> Self {
        Typed {
            text: options.api_key.as_ref(),
            file: options.api_key_file.as_deref(),
        }
    }
}

impl<'a> From<&'a FleetArgs> for Typed<'a> {
    fn from(options: &'a FleetArgs) -> Self {
        Typed {
            text: options.fleet_token.as_ref(),
            file: options.fleet_token_file.as_deref(),
        }
    }
}

/// The secrets, each from the first place that has it: flag, file by flag, environment, and for the API key the profile.
pub(super) fn read(api_key: Typed, fleet_token: Typed, surroundings: &Surroundings) -> Result<Secrets, Problem> {
    let api_key = match api_key.read(Key::ApiKey, API_KEY, surroundings)? {
        Some((text, place)) => {
            let key = ApiKey::new(text.reveal()).map_err(|error| Problem::new(format!("{place}: {error}")))?;
            Some(key)
        }
        None => surroundings
            .profile
            .as_ref()
            .and_then(|(profile, _)| profile.api_key.clone()),
    };
    let fleet_token = match fleet_token.read(Key::FleetToken, FLEET_TOKEN, surroundings)? {
        Some((text, place)) => {
            let token = Token::new(text.reveal()).map_err(|error| Problem::new(format!("{place}: {error}")))?;
            Some(token)
        }
        None => None,
    };
    Ok(Secrets { api_key, fleet_token })
}

/// The command line as it may be shown: secrets replaced by `***`.
pub fn redacted_command(argv: impl IntoIterator<Item = OsString>) -> Vec<String> {
    const FLAGS: [&str; 2] = ["--api-key", "--fleet-token"];
    let mut shown = Vec::new();
    let mut secret_follows = false;
    for argument in argv {
        let argument = argument.to_string_lossy().into_owned();
        let with_value = FLAGS
            .iter()
            .find(|flag| argument.strip_prefix(**flag).is_some_and(|rest| rest.starts_with('=')));
        if secret_follows {
            secret_follows = false;
            shown.push("***".to_owned());
        } else if let Some(flag) = with_value {
            shown.push(format!("{flag}=***"));
        } else {
            secret_follows = FLAGS.contains(&argument.as_str());
            shown.push(argument);
        }
    }
    shown
}
