//! What makes Temporal's schema and index: `setup.sh`, which calls Temporal's own tools in a task that has them and a shell.

/// What a line of its own begins with.
const MARK: &str = "setup:";

/// The command of a task that makes the schema in DSQL and the index in OpenSearch.
pub fn command(overwrite: bool) -> Vec<String> {
    let script = include_str!("setup.sh")
        .lines()
        .filter(|line| !line.trim_start().starts_with('#') && !line.is_empty());
    let script: Vec<&str> = script.collect();
    let how = if overwrite { "overwrite" } else { "keep" };
    ["sh", "-c", &script.join("\n"), "setup.sh", "dsql", "aws", how]
        .map(str::to_owned)
        .into()
}

/// What a line of the task's log tells of a part; none for lines of the tools.
pub fn told(line: &str) -> Option<&str> {
    line.strip_prefix(MARK).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, process::Command};

    use super::*;

    const DSQL: [&str; 3] = ["dsql", "aws", "keep"];

    /// Runs it with tools that write down how they were called, and then do what `fails` says.
    fn run(how: [&str; 3], fails: &str) -> (Option<i32>, String, Vec<String>) {
        let folder = tempfile::tempdir().expect("a folder");
        let calls = folder.path().join("calls");
        let tool = format!("#!/bin/sh\necho \"${{0##*/}} $*\" >>{}\n{fails}\n", calls.display());
        let tools = ["temporal-dsql-tool", "temporal-sql-tool", "temporal-elasticsearch-tool"];
        for (name, text) in tools
            .map(|name| (name, tool.as_str()))
            .into_iter()
            .chain([("sleep", "#!/bin/sh\n")])
        {
            let file = folder.path().join(name);
            std::fs::write(&file, text).expect("a tool");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        let path = format!(
            "{}:{}",
            folder.path().display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let mut words = command(false);
        words.truncate(4);
        words.extend(how.map(str::to_owned));
        let given = Command::new(&words[0])
            .args(&words[1..])
            .env("PATH", path)
            .output()
            .expect("sh");
        assert_eq!(String::from_utf8_lossy(&given.stderr), "");
        let said = String::from_utf8_lossy(&given.stdout).into_owned();
        let calls = std::fs::read_to_string(&calls).expect("calls");
        (given.status.code(), said, calls.lines().map(str::to_owned).collect())
    }

    #[test]
    fn the_task_is_given_all_of_it() {
        let words = command(true);
        assert_eq!(words[3..], ["setup.sh", "dsql", "aws", "overwrite"]);
        // All overrides of a task together may have 8,192 characters.
        assert!(words.iter().map(String::len).sum::<usize>() < 4000);
        assert_eq!(command(false)[6], "keep");
    }

    #[test]
    fn dsql_and_opensearch() {
        let (code, said, calls) = run(DSQL, "case $1 in update-schema) exit 1 ;; esac");
        assert_eq!(code, Some(0));
        insta::assert_snapshot!(calls.join("\n"), @r"
        temporal-dsql-tool update-schema --schema-name dsql/v12/temporal --version 1.12
        temporal-dsql-tool setup-schema --schema-name dsql/v12/temporal --version 1.12
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls ping
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls setup-schema
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls create-index
        ");
        insta::assert_snapshot!(said, @r"
        setup: schema: there
        setup: store of visibility: there
        setup: index template: there
        setup: index: there
        ");
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let (code, said, calls) = run(DSQL, "");
        assert_eq!(code, Some(0));
        assert!(said.starts_with("setup: schema: was there already\n"), "{said}");
        assert!(
            !calls.iter().any(|call| call.contains("dsql-tool setup-schema")),
            "{calls:?}"
        );
    }

    #[test]
    fn overwriting_drops_what_is_there() {
        let (code, _, calls) = run(["dsql", "aws", "overwrite"], "");
        assert_eq!(code, Some(0));
        insta::assert_snapshot!(calls.join("\n"), @r"
        temporal-dsql-tool setup-schema --schema-name dsql/v12/temporal --version 1.12 --overwrite
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls ping
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls setup-schema
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls create-index
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls drop-index
        temporal-elasticsearch-tool --aws-credentials aws-sdk-default --tls create-index
        ");
    }

    #[test]
    fn postgresql_has_three_steps() {
        let (code, said, calls) = run(["postgresql", "plain", "keep"], "");
        assert_eq!(code, Some(0));
        insta::assert_snapshot!(calls.join("\n"), @r"
        temporal-sql-tool create-database
        temporal-sql-tool setup-schema --version 0.0
        temporal-sql-tool update-schema --schema-name postgresql/v12/temporal
        temporal-elasticsearch-tool ping
        temporal-elasticsearch-tool setup-schema
        temporal-elasticsearch-tool create-index
        ");
        assert!(said.ends_with("setup: index: there\n"), "{said}");
    }

    #[test]
    fn a_store_that_does_not_answer_is_asked_30_times() {
        let (code, said, calls) = run(DSQL, "case \"$*\" in *ping) exit 1 ;; esac");
        assert_eq!(code, Some(1));
        assert!(said.ends_with("setup: store of visibility: failed\n"), "{said}");
        assert_eq!(calls.iter().filter(|call| call.ends_with(" ping")).count(), 30);
        assert!(!calls.iter().any(|call| call.ends_with("create-index")), "{calls:?}");
    }

    #[test]
    fn the_first_part_that_fails_ends_it_by_its_name() {
        let (code, said, calls) = run(DSQL, "exit 1");
        assert_eq!((code, said.as_str()), (Some(1), "setup: schema: failed\n"));
        assert_eq!(calls.len(), 2);
    }

    #[test]
    fn an_index_that_cannot_be_dropped_fails() {
        let (code, said, _) = run(
            ["dsql", "aws", "overwrite"],
            "case \"$*\" in *drop-index) exit 1 ;; esac",
        );
        assert_eq!(code, Some(1));
        assert!(said.ends_with("setup: index: failed\n"), "{said}");
    }

    #[test]
    fn lines_of_the_script_are_told_from_those_of_the_tools() {
        assert_eq!(told("setup: index: there"), Some("index: there"));
        assert_eq!(told("2026-01-01T00:00:00Z INFO Schema setup complete"), None);
    }
}
