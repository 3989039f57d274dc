//! Secrets: taken from where they are, and shown nowhere.

use std::{ffi::OsString, fs};

use benchmark_scenarios::Problem;
use benchmark_temporal::ApiKey;

use super::{
    environment::{API_KEY, Surroundings},
    options::ConnectionArgs,
};

/// What must not be part of a plan or a result.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The API key. Whether it is sent is for the plan to say: an embedded server takes none.
    pub api_key: Option<ApiKey>,
}

/// The API key from the first place that has one: flag, file by flag, environment, profile.
pub(super) fn read(options: &ConnectionArgs, surroundings: &Surroundings) -> Result<Secrets, Problem> {
    let (key, place) = if let Some(key) = &options.api_key {
        (key.0.clone(), "--api-key".to_owned())
    } else if let Some(path) = &options.api_key_file {
        let place = format!("--api-key-file {}", path.display());
        let key = fs::read_to_string(path).map_err(|error| Problem::new(format!("{place} cannot be read: {error}")))?;
        (key, place)
    } else if let Some(key) = surroundings.get(API_KEY) {
        (key, API_KEY.to_owned())
    } else {
        let api_key = surroundings
            .profile
            .as_ref()
            .and_then(|(profile, _)| profile.api_key.clone());
        return Ok(Secrets { api_key });
    };
    let api_key = ApiKey::new(&key).map_err(|error| Problem::new(format!("{place}: {error}")))?;
    Ok(Secrets { api_key: Some(api_key) })
}

/// The command line as it may be shown: the API key replaced by `***`.
pub fn redacted_command(argv: impl IntoIterator<Item = OsString>) -> Vec<String> {
    const FLAG: &str = "--api-key";
    let mut shown = Vec::new();
    let mut secret_follows = false;
    for argument in argv {
        let argument = argument.to_string_lossy().into_owned();
        if secret_follows {
            secret_follows = false;
            shown.push("***".to_owned());
        } else if argument.strip_prefix(FLAG).is_some_and(|rest| rest.starts_with('=')) {
            shown.push(format!("{FLAG}=***"));
        } else {
            secret_follows = argument == FLAG;
            shown.push(argument);
        }
    }
    shown
}
