//! Secrets: taken from where they are, and shown nowhere.

use std::{ffi::OsString, path::PathBuf};

use crate::secret::Secret;
use benchmark_fleet::Token;
use benchmark_scenarios::{Asked, Key, Problem};
use benchmark_temporal::ApiKey;

use super::{environment::Surroundings, options::HiddenText};

/// What must not be part of a plan or a result.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The API key. Whether it is sent is for the plan to say: an embedded server takes none.
    pub api_key: Option<ApiKey>,
    /// What others need to join the run, or this process to join another's.
    pub fleet_token: Option<Token>,
}

/// The ways in which the API key can be given.
pub(super) fn api_key<'a>(text: &'a Option<HiddenText>, file: &'a Option<PathBuf>) -> Secret<'a> {
    Secret {
        key: Key::ApiKey,
        text: text.as_ref(),
        file: file.as_deref(),
    }
}

/// The ways in which the fleet's token can be given.
pub(super) fn fleet_token<'a>(text: &'a Option<HiddenText>, file: &'a Option<PathBuf>) -> Secret<'a> {
    Secret {
        key: Key::FleetToken,
        text: text.as_ref(),
        file: file.as_deref(),
    }
}

/// Reads the secrets, each from the first place that has it: flag, file by flag, environment, and for the API key the
/// profile. Adds to what was asked for that there are some, without them, and says what is to be known of their files.
pub(super) fn read(
    api_key: Secret,
    fleet_token: Secret,
    surroundings: &Surroundings,
    asked: &mut Asked,
) -> Result<(Secrets, Vec<String>), Problem> {
    let mut notes = Vec::new();
    let mut take = |secret: Secret| -> Result<_, Problem> {
        let found = secret.find(surroundings.variable)?;
        Ok(found.map(|found| {
            notes.extend(found.note);
            asked.add(secret.key, found.given);
            (found.text, found.place)
        }))
    };
    let api_key = match take(api_key)? {
        Some((text, place)) => {
            let key = ApiKey::new(text.reveal()).map_err(|error| Problem::new(format!("{place}: {error}")))?;
            Some(key)
        }
        None => surroundings
            .profile
            .as_ref()
            .and_then(|(profile, _)| profile.api_key.clone()),
    };
    let fleet_token = match take(fleet_token)? {
        Some((text, place)) => {
            let token = Token::new(text.reveal()).map_err(|error| Problem::new(format!("{place}: {error}")))?;
            Some(token)
        }
        None => None,
    };
    Ok((Secrets { api_key, fleet_token }, notes))
}

/// What is wrong with an option of a variant that names a secret; its value is not repeated.
pub(super) fn in_variant(option: &str) -> Option<Problem> {
    let name = secret_name(option)?;
    Some(
        Problem::new(format!(
            "{name} is no option of a variant: it is secret, and variants stand in results"
        ))
        .explain("both variants use the one of this process")
        .remedy(format!("--{name}-file FILE")),
    )
}

/// The name of a secret that a text begins with, as it is typed after `--a`: with or without dashes, with or without `=`.
fn secret_name(text: &str) -> Option<&'static str> {
    let (name, _) = text.split_once('=').unwrap_or((text, ""));
    let name = name
        .trim()
        .trim_start_matches('-')
        .replace('_', "-")
        .to_ascii_lowercase();
    [Key::ApiKey, Key::FleetToken]
        .map(Key::name)
        .into_iter()
        .find(|secret| *secret == name)
}

/// The command line as it may be shown: secrets replaced by `***`.
pub fn redacted_command(argv: impl IntoIterator<Item = OsString>) -> Vec<String> {
    let mut shown = Vec::new();
    let mut secret_follows = false;
    for argument in argv {
        let argument = argument.to_string_lossy().into_owned();
        if std::mem::take(&mut secret_follows) {
            shown.push("***".to_owned());
            continue;
        }
        // `--a=api-key=KEY` says the same as `--a api-key=KEY`.
        let (before, option) = ["--a=", "--b="]
            .iter()
            .find_map(|flag| Some((*flag, argument.strip_prefix(flag)?)))
            .unwrap_or(("", &argument));
        match (secret_name(option), option.split_once('=')) {
            (Some(_), Some((name, _))) => shown.push(format!("{before}{name}=***")),
            (secret, _) => {
                secret_follows = secret.is_some();
                shown.push(argument);
            }
        }
    }
    shown
}
