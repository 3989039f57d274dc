//! Secrets on the command line, and where it is shown.

use std::ffi::OsString;

use benchmark_scenarios::{Key, Problem};

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
    let key = Key::by_name(&name).filter(|key| key.secret_file().is_some());
    key.map(Key::name)
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
