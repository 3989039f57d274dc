//! Process environment: what a run takes from it. The program reads it and hands it in; nothing here or beyond looks at it.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// What begins so may be a secret, or says which server is meant: of no use to any process that is made here.
const OURS_ALONE: [&str; 2] = ["TEMPORAL_", "BENCHMARK_"];

/// Where the embedded server is found and writes, and what child processes are not to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessEnvironment {
    /// Folders in which programs are looked for, in the form of `PATH`.
    pub path: OsString,
    /// Where programs keep their caches, if any folder is named.
    pub caches: Option<PathBuf>,
    /// Where temporary files belong.
    pub temporary: PathBuf,
    /// Names of variables that child processes do not get.
    pub withheld: Vec<OsString>,
}

impl ProcessEnvironment {
    /// What these variables say.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>, temporary: PathBuf) -> Self {
        let variables: HashMap<OsString, OsString> = variables.into_iter().collect();
        let get = |name: &str| variables.get(OsStr::new(name));
        // The base directory specification: a relative path is to be ignored.
        let folder = |name| get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        ProcessEnvironment {
            path: get("PATH").cloned().unwrap_or_default(),
            caches: folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache"))),
            temporary,
            withheld: variables.keys().filter(|name| is_ours_alone(name)).cloned().collect(),
        }
    }
}

fn is_ours_alone(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    OURS_ALONE.iter().any(|begin| name.starts_with(begin.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> ProcessEnvironment {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        ProcessEnvironment::of(variables, PathBuf::from("/tmp"))
    }

    #[test]
    fn what_may_be_a_secret_is_not_handed_on() {
        for (name, ours) in [
            ("TEMPORAL_API_KEY", true),
            ("TEMPORAL_GRPC_META_AUTHORIZATION", true),
            ("BENCHMARK_FLEET_TOKEN", true),
            ("PATH", false),
            ("GOPROXY", false),
            ("MY_TEMPORAL_HOME", false),
        ] {
            assert_eq!(of(&[(name, "s3cret")]).withheld == [name], ours, "{name}");
        }
    }

    #[test]
    fn caches_are_where_the_specification_says() {
        let caches = |variables: &[(&str, &str)]| of(variables).caches;
        let default = Some(PathBuf::from("/h/.cache"));
        for ignored in ["", "relative"] {
            assert_eq!(caches(&[("XDG_CACHE_HOME", ignored), ("HOME", "/h")]), default);
        }
        assert_eq!(caches(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), Some("/c".into()));
        assert_eq!(caches(&[("HOME", "")]), None);
    }
}
