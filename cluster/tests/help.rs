//! What the command line says: `--help` of each command, whose change is seen, what is no value, completions and manual pages.

use assert_cmd::Command;
use benchmark_cluster::args;

#[test]
fn help_of_all_commands() {
    let mut all = args::command();
    all.build();
    let mut text = all.render_help().to_string();
    fn add(command: &clap::Command, text: &mut String) {
        for command in command
            .get_subcommands()
            .filter(|command| command.get_name() != "help" && !command.is_hide_set())
        {
            text.push_str(&format!(
                "\n---- {}\n{}",
                command.get_name(),
                command.clone().render_help()
            ));
            add(command, text);
        }
    }
    add(&all, &mut text);
    insta::assert_snapshot!(text);
}

#[test]
fn completions_and_manual_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let program = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("benchmark-cluster").unwrap();
        command.current_dir(&folder).args(arguments).assert()
    };
    let written = |arguments: &[&str]| {
        let output = program(arguments).success().get_output().clone();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(written(&["completions", "bash"]).contains("benchmark-cluster"));
    assert!(written(&["man"]).contains(".TH benchmark-cluster 1"));
    assert_eq!(written(&["man", "manual"]), "");
    for (page, words) in [
        ("benchmark-cluster.1", "terraform"),
        ("benchmark-cluster-results-list.1", "limit"),
    ] {
        let text = std::fs::read_to_string(folder.path().join("manual").join(page)).unwrap();
        assert!(text.contains(words), "{page}: {text}");
    }
    assert!(!folder.path().join("manual/benchmark-cluster-attend.1").exists());
    std::fs::write(folder.path().join("file"), "").unwrap();
    let refused = program(&["man", "file"]).code(2).get_output().clone();
    assert!(
        refused.stderr.starts_with(b"error: file cannot be written: "),
        "{refused:?}"
    );
}

#[test]
fn a_value_that_begins_with_a_dash_is_answered_by_what_is_allowed() {
    let error = |line: &str| match args::parse(line.split(' ')) {
        Ok(cli) => panic!("{line}: {cli:?}"),
        Err(error) => (error.exit_code(), error.to_string()),
    };
    for (typed, allowed) in [
        (
            "up --preset -1",
            "invalid value '-1' for '--preset <N>': -1 is not in 0..=4294967295",
        ),
        ("up --timeout -5m", "invalid value '-5m' for '--timeout <TIME>': "),
        ("workers 3 --ttl -1", "invalid value '-1' for '--ttl <TIME>': "),
        ("run --generators -1 -- --rate 5", "-1 is not in 1..=4294967295"),
        ("connect ui --port -1", "-1 is not in 0..=65535"),
        ("results list --limit -1", "invalid value '-1' for '--limit <N>': "),
        (
            "up --preset --yes",
            "--preset needs a value, and --yes is another option",
        ),
        (
            "--terraform --json status",
            "--terraform needs a value, and --json is another option",
        ),
        (
            "results get --to --facts=f",
            "--to needs a value, and --facts is another option",
        ),
        ("run --workers -- --rate 5", "--workers needs a value"),
    ] {
        let (code, said) = error(&format!("benchmark-cluster {typed}"));
        assert!(code == 2 && said.contains(allowed), "{typed}: {said}");
    }
    // What follows -- is another program's, and a command's name may be a value.
    for typed in [
        "run -- --workers --rate",
        "--terraform up status",
        "exec ui -- --to --yes",
    ] {
        args::parse(format!("benchmark-cluster {typed}").split(' ')).expect(typed);
    }
}
