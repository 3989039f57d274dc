//! The git revision that the program was built from, as `build.rs` found it.

use benchmark_results::schema::Fact;

/// The commit, with `-dirty` behind it when the sources differed from it.
pub fn git_revision() -> Fact<String> {
    let (revision, source) = (env!("BUILD_GIT_REVISION"), env!("BUILD_GIT_SOURCE"));
    if revision.is_empty() {
        Fact::missing(source)
    } else {
        Fact::found(revision.to_owned(), source)
    }
}

/// The version that generators of one run must have in common.
pub fn version() -> String {
    benchmark_worker::build_version(env!("CARGO_PKG_VERSION"), env!("BUILD_GIT_REVISION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_told_or_missing_with_a_reason() {
        let revision = git_revision();
        assert!(!revision.source.is_empty());
        assert_ne!(revision.value.as_deref(), Some(""));
    }
}
