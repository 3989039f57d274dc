//! The command line and what surrounds it: precedence, secrets, and that every option can be typed.

use std::{collections::HashMap, ffi::OsString, io::Write, path::PathBuf};

use benchmark_cli::{
    args::{self, Command, redacted_command},
    given::{Gathered, Surroundings},
    worker_args,
};
use benchmark_scenarios::{Asked, Given, HostDefaults, Key, Problem, Program, Shape, Source, Target, resolve};
use benchmark_temporal::{ApiKey, environment::Profile};

/// Flags, variables and a profile, converted.
fn convert(flags: &str, variables: &[(&str, &str)], profile: Option<&Profile>) -> Result<Gathered, Problem> {
    let cli = args::parse(std::iter::once("run-benchmark").chain(flags.split_whitespace())).unwrap();
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    cli.run.convert(&Surroundings {
        variable: &|name| variables.get(name).map(|text| (*text).to_owned()),
        profile: profile.map(|profile| (profile, PathBuf::from("temporal.toml"))),
    })
}

fn asked(flags: &str, variables: &[(&str, &str)]) -> Asked {
    convert(flags, variables, None).unwrap().asked
}

fn facts() -> HostDefaults {
    HostDefaults {
        cores: 2,
        task_queue: "queue".to_owned(),
    }
}

fn text(asked: &Asked, key: Key) -> Option<&str> {
    asked.get(key).map(|given| given.text.as_str())
}

#[test]
fn every_option_has_its_flag() {
    for key in Program::Run.options() {
        let (value, expected) = match key.shape() {
            Shape::Switch(text) => ("", text),
            Shape::Optional(_) => ("", "true"),
            _ if key.secret_file().is_some() => ("value-of-some-length", "***"),
            _ => ("value-of-some-length", "value-of-some-length"),
        };
        let asked = asked(&format!("{} {value}", key.flag()), &[]);
        let given = asked.get(key).unwrap_or_else(|| panic!("{} sets nothing", key.flag()));
        assert_eq!(given.source, Source::Flag(key.flag().into()));
        assert_eq!(given.text, expected, "{}", key.flag());
    }
}

#[test]
fn an_option_that_is_given_twice_or_without_its_value_is_a_usage_error_that_names_it() {
    for (command, program) in [
        ("run-benchmark", Program::Run),
        ("run-benchmark plan", Program::Run),
        ("run-benchmark join h:1", Program::Join),
        ("benchmark-worker", Program::Worker),
    ] {
        for key in program.options() {
            let flag = key.flag();
            let lines = match key.shape() {
                Shape::Value(_) => vec![
                    format!("{flag} 1 {flag} 1"),
                    flag.to_owned(),
                    format!("{flag} --verbose"),
                ],
                Shape::Optional(_) => vec![format!("{flag}=true {flag}=true")],
                Shape::Switch(_) => vec![format!("{flag} {flag}")],
                // These may be repeated.
                Shape::List(_) | Shape::Several(_) => vec![flag.to_owned(), format!("{flag} --verbose")],
            };
            for line in lines {
                let line = format!("{command} {line}");
                let error = match program {
                    Program::Worker => worker_args::parse(line.split(' ')).unwrap_err(),
                    Program::Run | Program::Join => args::parse(line.split(' ')).unwrap_err(),
                };
                assert!(error.exit_code() == 2 && error.use_stderr(), "{line}");
                let said = error.to_string();
                assert!(said.lines().next().unwrap().contains(flag), "{line}: {said}");
            }
        }
    }
}

#[test]
fn every_variable_sets_its_option_below_the_flag() {
    let options = Program::Run
        .options()
        .into_iter()
        .filter(|key| key.secret_file().is_none());
    for (key, name) in options.flat_map(|key| key.variables(Program::Run).iter().map(move |name| (key, *name))) {
        let from_environment = asked("", &[(name, "value")]);
        let given = from_environment.get(key).unwrap();
        assert_eq!(
            (given.text.as_str(), &given.source),
            ("value", &Source::Environment(name.into()))
        );
        let flag = format!("{} flag", key.flag());
        assert_eq!(text(&asked(&flag, &[(name, "value")]), key), Some("flag"));
        assert_eq!(text(&asked("", &[(name, "")]), key), None, "empty is absent: {name}");
    }
}

#[test]
fn an_existing_task_definition_keeps_its_meaning() {
    let variables = [
        ("BENCHMARK_WORKFLOW_TYPE", "simple"),
        ("BENCHMARK_ACTIVITY_COUNT", "5"),
        ("BENCHMARK_TIMER_DURATION", "1s"),
        ("BENCHMARK_CHILD_COUNT", "3"),
        ("BENCHMARK_TARGET_RATE", "100.0"),
        ("BENCHMARK_DURATION", "5m0s"),
        ("BENCHMARK_RAMP_UP", "30s"),
        ("BENCHMARK_WORKER_COUNT", "4"),
        ("BENCHMARK_NAMESPACE", "bench"),
        ("BENCHMARK_ITERATIONS", "1"),
        ("BENCHMARK_COMPLETION_TIMEOUT", "0"),
        ("BENCHMARK_GENERATOR_ONLY", "true"),
        ("BENCHMARK_WORKER_ONLY", "false"),
        ("BENCHMARK_MAX_P99_LATENCY", "5s"),
        ("BENCHMARK_MIN_THROUGHPUT", "50"),
        ("TEMPORAL_ADDRESS", "temporal-frontend:7233"),
        ("TEMPORAL_NAMESPACE", "other"),
    ];
    let resolved = resolve(&asked("", &variables), &facts()).unwrap();
    let plan = &resolved.plan;
    assert_eq!(
        (plan.load.rate.per_second(), plan.load.duration.as_secs()),
        (100.0, 300)
    );
    assert_eq!(plan.load.drain.as_secs(), 300, "0 means auto");
    assert_eq!(plan.namespace, "bench");
    assert_eq!(plan.workers.count, 0, "generator-only goes before the count");
    assert_eq!(plan.thresholds.min_throughput, 50.0);
    assert!(matches!(&plan.target, Target::Cluster(cluster) if cluster.address == "temporal-frontend:7233"));
    assert_eq!(resolved.notes.len(), 3, "{:?}", resolved.notes);
    assert!(
        resolved
            .notes
            .iter()
            .all(|note| note.contains("is ignored: simple has no such option"))
    );
}

#[test]
fn generator_only_is_no_workers_from_wherever_it_comes() {
    let count = |flags: &str, variables: &[(&str, &str)]| {
        resolve(&asked(flags, variables), &facts()).unwrap().plan.workers.count
    };
    assert_eq!(count("", &[]), 2);
    assert_eq!(count("--generator-only", &[("BENCHMARK_WORKER_COUNT", "4")]), 0);
    assert_eq!(count("--workers 3", &[("BENCHMARK_GENERATOR_ONLY", "true")]), 3);
    assert_eq!(
        count(
            "",
            &[("BENCHMARK_GENERATOR_ONLY", "false"), ("BENCHMARK_WORKER_COUNT", "4")]
        ),
        4
    );
}

#[test]
fn bad_variables_are_named() {
    let problem = |name: &str, value: &str| {
        let converted = convert("", &[(name, value)], None);
        converted
            .and_then(|converted| resolve(&converted.asked, &facts()))
            .unwrap_err()
            .report()
    };
    for (name, value) in [
        ("BENCHMARK_TARGET_RATE", "NaN"),
        ("BENCHMARK_DURATION", "5"),
        ("BENCHMARK_WORKFLOW_TYPE", "complex"),
        ("BENCHMARK_ITERATIONS", "0"),
        ("BENCHMARK_WORKER_COUNT", "-1"),
        ("BENCHMARK_COMPLETION_TIMEOUT", "soon"),
        ("BENCHMARK_GENERATOR_ONLY", "maybe"),
        ("BENCHMARK_MIN_THROUGHPUT", "1e12"),
        ("TEMPORAL_ADDRESS", "nowhere"),
        ("TEMPORAL_NAMESPACE", "a b"),
    ] {
        let report = problem(name, value);
        assert!(report.starts_with(&format!("error: {name}=")), "{report}");
        assert!(
            report.contains(" is not allowed: give ") && report.lines().count() == 1,
            "{report}"
        );
    }
    insta::assert_snapshot!(problem("BENCHMARK_WORKER_ONLY", "1"), @r"
    error: BENCHMARK_WORKER_ONLY=true asks for a worker, and this program starts the load
      a worker process is benchmark-worker; here --workers N runs N of them beside the load
      try  benchmark-worker   or   BENCHMARK_WORKER_ONLY=false
    ");
}

#[test]
fn temporals_own_profile_comes_last() {
    let profile = Profile {
        address: Some("profile:7233".to_owned()),
        namespace: Some("profile".to_owned()),
        api_key: Some(ApiKey::new("s3cret").unwrap()),
        ..Profile::default()
    };
    let converted = convert(
        "--namespace flag",
        &[("TEMPORAL_ADDRESS", "variable:7233")],
        Some(&profile),
    )
    .unwrap();
    assert_eq!(text(&converted.asked, Key::Address), Some("variable:7233"));
    assert_eq!(text(&converted.asked, Key::Namespace), Some("flag"));
    // A key without TLS: the profile turns TLS off, which a flag may change.
    let target = |flags: &str| {
        let converted = convert(flags, &[], Some(&profile)).unwrap();
        match resolve(&converted.asked, &facts()).unwrap().plan.target {
            Target::Cluster(cluster) => cluster,
            Target::Embedded(_) => panic!("no cluster"),
        }
    };
    assert_eq!(
        (target("").address.as_str(), target("").api_key, target("").tls),
        ("profile:7233", true, None)
    );
    assert!(target("--tls").tls.is_some());
    let embedded = convert("--address embedded", &[], Some(&profile)).unwrap();
    let resolved = resolve(&embedded.asked, &facts()).unwrap();
    assert!(matches!(resolved.plan.target, Target::Embedded(_)));
    assert!(
        resolved.notes.iter().any(|note| note.contains("api-key")),
        "{:?}",
        resolved.notes
    );
}

#[test]
fn the_api_key_is_taken_from_the_first_place_that_has_one() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "from-file").unwrap();
    let by_file = format!("--api-key-file {}", file.path().display());
    let variables = [("TEMPORAL_API_KEY", "from-variable")];
    let profile = Profile {
        api_key: Some(ApiKey::new("from-profile").unwrap()),
        ..Profile::default()
    };
    for (flags, variables, expected) in [
        ("--api-key from-flag", &variables[..], "from-flag"),
        (by_file.as_str(), &variables[..], "from-file"),
        ("", &variables[..], "from-variable"),
        ("", &[], "from-profile"),
    ] {
        let converted = convert(flags, variables, Some(&profile)).unwrap();
        assert_eq!(converted.secrets.api_key.unwrap().reveal(), expected);
    }
    assert!(convert("", &[], None).unwrap().secrets.api_key.is_none());
    let missing = convert("--api-key-file /no/such/file", &[], None).unwrap_err();
    assert!(
        missing
            .headline()
            .starts_with("--api-key-file /no/such/file cannot be read: "),
        "{missing}"
    );
}

#[test]
fn the_api_key_is_shown_nowhere() {
    const KEY: &str = "s3cret-key";
    let variables = [("TEMPORAL_API_KEY", KEY)];
    for (flags, variables) in [
        ("--address h:1 --api-key s3cret-key", &[][..]),
        ("--address h:1", &variables[..]),
    ] {
        let cli = args::parse(std::iter::once("run-benchmark").chain(flags.split(' '))).unwrap();
        let converted = convert(flags, variables, None).unwrap();
        let resolved = resolve(&converted.asked, &facts()).unwrap();
        let shown = [
            format!("{cli:?}"),
            format!("{converted:?}"),
            format!("{resolved:?}"),
            serde_json::to_string(&resolved.plan).unwrap(),
            benchmark_generator::view::plan::text(&resolved),
            benchmark_generator::view::plan::json(&resolved).unwrap(),
        ];
        for text in shown {
            assert!(!text.contains(KEY), "{text}");
        }
    }
    let command = |line: &str| redacted_command(line.split(' ').map(OsString::from)).join(" ");
    assert_eq!(
        command("run-benchmark --api-key s3cret-key --rate 1"),
        "run-benchmark --api-key *** --rate 1"
    );
    assert_eq!(
        command("run-benchmark --api-key=s3cret-key"),
        "run-benchmark --api-key=***"
    );
    assert_eq!(
        command("run-benchmark --api-key-file key.txt"),
        "run-benchmark --api-key-file key.txt"
    );
    for line in [
        "--api-key=s3cret-key --api-key=s3cret-key",
        "--api-keys=s3cret-key",
        "plan --apikey=s3cret-key",
        "--fleet-token --s3cret-key",
        "join h:1 --fleet-tokens=s3cret-key",
    ] {
        let error = args::parse(std::iter::once("run-benchmark").chain(line.split(' '))).unwrap_err();
        assert!(!error.to_string().contains(KEY), "{error}");
    }
    assert_eq!(
        command("run-benchmark join h:1 --fleet-token s3cret-key --fleet-token-file f"),
        "run-benchmark join h:1 --fleet-token *** --fleet-token-file f"
    );
    assert_eq!(
        command("run-benchmark --fleet-token=s3cret-key"),
        "run-benchmark --fleet-token=***"
    );
    let spaced = convert("", &[("TEMPORAL_API_KEY", "s3cret key")], None).unwrap_err();
    assert!(
        spaced.report().contains("TEMPORAL_API_KEY") && !spaced.report().contains("s3cret"),
        "{spaced}"
    );
}

#[test]
fn a_secret_is_no_option_of_a_variant() {
    const KEY: &str = "s3cret-key";
    for line in [
        "ab --a api-key=s3cret-key --b rate=20",
        "ab --b rate=20 --b --api-key=s3cret-key",
        "ab --a=fleet-token=s3cret-key",
        "ab --a API_KEY=s3cret-key",
        // What follows would be repeated as an argument that nobody expects.
        "ab --a api-key s3cret-key",
        "ab --a --api-key s3cret-key",
    ] {
        let error = args::parse(std::iter::once("run-benchmark").chain(line.split(' '))).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(!said.contains(KEY), "{said}");
        assert!(said.contains("api-key") || said.contains("fleet-token"), "{said}");
        let shown = redacted_command(line.split(' ').map(OsString::from)).join(" ");
        assert!(!shown.contains(KEY) && shown.contains("***"), "{shown}");
    }
    let run = args::parse(["run-benchmark"]).unwrap().run;
    let surroundings = Surroundings {
        variable: &|_| None,
        profile: None,
    };
    for (option, says) in [
        ("api-key=s3cret-key", "api-key is no option of a variant: it is secret"),
        (
            "--fleet-token=s3cret-key",
            "fleet-token is no option of a variant: it is secret",
        ),
        (
            "apikey=s3cret-key",
            "\"apikey\" is no option of a variant: there is no such flag",
        ),
        // A worker process's, and one that says how the fleet is reached.
        (
            "profile=s3cret-key",
            "\"profile\" is no option of a variant: it changes nothing of what runs",
        ),
        (
            "metrics-listen=s3cret-key",
            "\"metrics-listen\" is no option of a variant: it changes nothing of what runs",
        ),
        (
            "grafana-url=http://127.0.0.1:3000",
            "\"grafana-url\" is no option of a variant: it changes nothing of what runs",
        ),
    ] {
        let problem = run.convert_variant(&[option.to_owned()], &surroundings).unwrap_err();
        let report = problem.report();
        assert!(report.contains(says) && !report.contains(KEY), "{report}");
    }
    // Whatever may vary is a flag of a run.
    let command = args::command();
    let flags: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
    for key in Key::all() {
        let option = format!("{}=1", key.name());
        let is_taken = run.convert_variant(&[option], &surroundings).is_ok();
        assert!(
            !is_taken || flags.contains(&key.flag().trim_start_matches('-')),
            "{key:?}"
        );
    }
    assert!(run.convert_variant(&["rate=20".to_owned()], &surroundings).is_ok());
    let kept = "run-benchmark ab --a api-keys=x --a=rate=1 --b rate=2 --server-config a=1";
    assert_eq!(redacted_command(kept.split(' ').map(OsString::from)).join(" "), kept);
}

#[test]
fn a_key_file_is_read_up_to_a_bound_and_told_when_all_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "from-file").unwrap();
    let flags = format!("--api-key-file {}", file.path().display());
    let notes = |mode: u32| {
        file.as_file()
            .set_permissions(std::fs::Permissions::from_mode(mode))
            .unwrap();
        convert(&flags, &[], None).unwrap().notes
    };
    assert_eq!(notes(0o600), [""; 0]);
    let told = notes(0o644);
    assert!(told[0].contains("every user of this machine can read it"), "{told:?}");
    for flag in ["--api-key-file", "--fleet-token-file"] {
        let problem = convert(&format!("{flag} /dev/zero"), &[], None).unwrap_err();
        assert_eq!(
            problem.headline(),
            format!("{flag} /dev/zero cannot be read: it is a pipe or a device; save what it holds as a file")
        );
    }
}

#[test]
fn other_commands_take_their_own_options() {
    let command = |line: &str| args::parse(line.split(' ')).unwrap().command;
    let Some(Command::Calibrate(calibrate)) = command("run-benchmark calibrate --seconds 5 --max-rate 30000") else {
        panic!("not calibrate")
    };
    assert_eq!(
        (calibrate.seconds, calibrate.max_rate.per_second(), calibrate.threads),
        (5, 30_000.0, None)
    );
    let Some(Command::NullFrontend(null)) = command("run-benchmark null-frontend --listen 127.0.0.1:7000") else {
        panic!("not the null frontend")
    };
    assert_eq!(null.listen.port(), 7000);
    let Some(Command::Plan(plan)) = command("run-benchmark plan --rate 400 --json -vv") else {
        panic!("not plan")
    };
    assert_eq!(
        (plan.flags.given(Key::Rate), plan.output.json, plan.output.log.verbose),
        (vec![Given::by_flag("--rate", "400")], true, 2)
    );
}

#[test]
fn a_command_line_that_makes_no_sense_is_a_usage_error() {
    for line in [
        "--rat 5",
        "--rate 5 --rate 6",
        "--workers 2 --generator-only",
        "--api-key a --api-key-file b",
        "--fleet-token a --fleet-token-file b",
        "join",
        "join h:1 --rate 5",
        "--rate 5 plan",
        "calibrate --seconds 0",
        "calibrate --max-rate 0",
        "null-frontend --listen nowhere",
        "compare a b --margin --strict",
        "compare a --against",
        "compare a b --nonsense",
        "report a --svg --format html",
        "unknown",
        "--rate",
        "--rate --duration 5s",
    ] {
        let error = args::parse(std::iter::once("run-benchmark").chain(line.split(' '))).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.use_stderr(), "{line}");
    }
    let swallowed = args::parse(["run-benchmark", "--rate", "--duration", "5s"])
        .unwrap_err()
        .to_string();
    assert!(
        swallowed.contains("--rate needs a value, and --duration is another option"),
        "{swallowed}"
    );
    // Options after any number of runs are options, and what begins with a dash can be the value of one.
    let line = "run-benchmark compare a b --against c d --strict --margin -1";
    let Some(Command::Compare(compare)) = args::parse(line.split(' ')).unwrap().command else {
        panic!("not compare")
    };
    assert_eq!((compare.runs.len(), compare.against.len()), (2, 2));
    assert!(compare.judging.strict && compare.judging.margin == ["-1"]);
    assert_eq!(args::parse(["run-benchmark", "--help"]).unwrap_err().exit_code(), 0);
    assert_eq!(args::parse(["run-benchmark", "--version"]).unwrap_err().exit_code(), 0);
}

#[test]
fn help_is_grouped_and_has_examples() {
    let help = |argv: &[&str]| args::parse(argv).unwrap_err().to_string();
    insta::assert_snapshot!("help", help(&["run-benchmark", "--help"]));
    insta::assert_snapshot!("help_calibrate", help(&["run-benchmark", "calibrate", "--help"]));
    insta::assert_snapshot!("help_compare", help(&["run-benchmark", "compare", "--help"]));
    let plan = help(&["run-benchmark", "plan", "--help"]);
    assert!(plan.contains("--rate <PER_SECOND>"), "{plan}");
    let command = args::command();
    let of_commands = command
        .get_subcommands()
        .map(|command| help(&["run-benchmark", command.get_name(), "--help"]));
    let of_a_run = ["--help", "-h"].map(|flag| help(&["run-benchmark", flag]));
    for text in of_commands.chain(of_a_run) {
        let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 80, "{widest}");
    }
}
