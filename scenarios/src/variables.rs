//! Environment variables that say exactly what a flag says. Of two for one option the first wins, and a flag wins over
//! both.
//!
//! `BENCHMARK_*` names of the replaced runner are kept where it had the option, so that existing task definitions keep
//! working; new options follow their flag. `TEMPORAL_*` are Temporal's own.

use std::ffi::OsString;

use crate::{Given, Key, Problem, options::Program, problem::quotable};

/// Variables of one of the programs that stand for no single option.
const OTHERS: [&str; 4] = [
    "BENCHMARK_COMPLETION_TIMEOUT",
    "BENCHMARK_GENERATOR_ONLY",
    "BENCHMARK_WORKER_COUNT",
    "BENCHMARK_WORKER_ONLY",
];

/// Looks at all variables of the process before any is read: one that is meant for this program must be text, and one that
/// neither program knows is told of. No value is shown.
///
/// # Errors
/// When a variable of ours or of Temporal's is not text.
pub fn check(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Vec<String>, Problem> {
    let mut unknown = Vec::new();
    for (name, value) in environment {
        let name = name.to_string_lossy();
        let ours = name.starts_with("BENCHMARK_");
        if (ours || name.starts_with("TEMPORAL_")) && value.to_str().is_none() {
            return Err(
                Problem::new(format!("{} is no text: its value is not UTF-8", quotable(&name)))
                    .remedy(format!("unset {}", quotable(&name))),
            );
        }
        if ours && !is_known(&name) {
            unknown.push(quotable(&name));
        }
    }
    unknown.sort();
    let note = || format!("not known and ignored: {}", unknown.join(", "));
    Ok((!unknown.is_empty()).then(note).into_iter().collect())
}

fn is_known(name: &str) -> bool {
    let all = || {
        Program::ALL
            .into_iter()
            .flat_map(|program| Key::all().map(move |key| (program, key)))
    };
    OTHERS.contains(&name) || all().any(|(program, key)| key.variables(program).contains(&name))
}

/// What the variables of a program say of an option. An empty variable counts as absent, and of a secret nothing is said.
pub fn given(program: Program, key: Key, read: &dyn Fn(&str) -> Option<String>) -> Vec<Given> {
    if key.secret_file().is_some() {
        return Vec::new();
    }
    let set = key.variables(program).iter().filter_map(|name| {
        let text = read(name).filter(|text| !text.trim().is_empty())?;
        Some(Given::by_environment(name, text))
    });
    set.collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_variable_means_two_things_to_one_process() {
        for program in Program::ALL {
            let options = program.options();
            let names: Vec<&str> = options.iter().flat_map(|key| key.variables(program)).copied().collect();
            let different: BTreeSet<&&str> = names.iter().collect();
            assert_eq!(names.len(), different.len());
        }
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused_and_one_that_is_unknown_is_told() {
        use std::os::unix::ffi::OsStringExt;
        let text = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let bytes = |name: &str| (OsString::from(name), OsString::from_vec(b"s3cret\xff".to_vec()));
        let known = [
            text("BENCHMARK_TARGET_RATE", "5"),
            text("BENCHMARK_FLEET_TOKEN", "s3cret"),
            text("BENCHMARK_WORKER_ONLY", "false"),
            text("TEMPORAL_WHATEVER", "s3cret"),
            bytes("SOMEBODY_ELSES"),
        ];
        assert_eq!(check(known), Ok(vec![]));
        let unknown = [text("BENCHMARK_TARGT_RATE", "s3cret"), text("BENCHMARK_A B", "s3cret")];
        assert_eq!(
            check(unknown),
            Ok(vec![
                "not known and ignored: \"BENCHMARK_A B\", BENCHMARK_TARGT_RATE".to_owned()
            ])
        );
        for name in ["BENCHMARK_TARGET_RATE", "TEMPORAL_API_KEY"] {
            assert_eq!(
                check([bytes(name)]).unwrap_err().report(),
                format!("error: {name} is no text: its value is not UTF-8\n  try  unset {name}")
            );
        }
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let said = |key| {
            given(Program::Run, key, &|name| match name {
                "BENCHMARK_SLOTS" => Some(" ".to_owned()),
                "BENCHMARK_CACHE_SIZE" => Some("5".to_owned()),
                _ => None,
            })
        };
        assert_eq!(said(Key::Slots), []);
        assert_eq!(
            said(Key::CacheSize),
            [Given::by_environment("BENCHMARK_CACHE_SIZE", "5")]
        );
    }
}
