//! The version that processes of one run must have in common: the package's, and the git revision that they are built from.
//! The package's alone stays the same through many changes of what is measured and how.

/// Digits of a revision that are told.
const DIGITS: usize = 12;

/// The version of what both programs are made of, as in `0.1.0+1a2b3c4d5e6f-dirty`.
pub fn version() -> String {
    build_version(env!("CARGO_PKG_VERSION"), env!("BUILD_GIT_REVISION"))
}

/// A version of a package and the revision that it is built from, which may be unknown, and then is empty.
pub fn build_version(package: &str, revision: &str) -> String {
    let (commit, mark) = match revision.strip_suffix("-dirty") {
        Some(commit) => (commit, "-dirty"),
        None => (revision, ""),
    };
    match commit {
        "" => format!("{package}+unknown"),
        commit => format!("{package}+{}{mark}", commit.chars().take(DIGITS).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_the_package_and_the_commit() {
        let commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d";
        assert_eq!(build_version("0.1.0", commit), "0.1.0+1a2b3c4d5e6f");
        assert_eq!(
            build_version("0.1.0", &format!("{commit}-dirty")),
            "0.1.0+1a2b3c4d5e6f-dirty"
        );
        assert_eq!(build_version("0.1.0", "v7"), "0.1.0+v7");
        assert_eq!(build_version("0.1.0", ""), "0.1.0+unknown");
        assert!(version().starts_with(concat!(env!("CARGO_PKG_VERSION"), "+")));
    }
}
