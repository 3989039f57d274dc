//! Joining a run as a further generator.

use std::{collections::HashMap, path::PathBuf};

use benchmark_cli::{
    args::{self, Command},
    given::{Secrets, Surroundings},
    logging::LogArgs,
};
use benchmark_scenarios::{Problem, ResolvedJoin, TlsSaid};
use benchmark_temporal::{ApiKey, environment::Profile};

/// `run-benchmark join` with flags, variables and a profile.
fn join(
    flags: &str,
    variables: &[(&str, &str)],
    profile: Option<&Profile>,
) -> Result<(LogArgs, ResolvedJoin, Secrets), Problem> {
    let line = format!("run-benchmark join {flags}");
    let Some(Command::Join(join)) = args::parse(line.split_whitespace()).unwrap().command else {
        panic!("not join")
    };
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    let (resolved, secrets) = join.convert(&Surroundings {
        variable: &|name| variables.get(name).map(|text| (*text).to_owned()),
        profile: profile.map(|profile| (profile, PathBuf::from("temporal.toml"))),
    })?;
    Ok((join.log, resolved, secrets))
}

#[test]
fn a_generator_joins_with_flags_variables_and_secrets() {
    let variables = [
        ("TEMPORAL_ADDRESS", "here:7233"),
        ("BENCHMARK_FLEET_TOKEN", "t0ken-of-a-fleet"),
        ("BENCHMARK_EXPECT_PLAN", "90cc7a"),
        // What only a leader has a use for.
        ("BENCHMARK_TARGET_RATE", "NaN"),
    ];
    let (log, resolved, secrets) = join("10.0.0.5:7400 --leader-timeout 10s -v", &variables, None).unwrap();
    let options = &resolved.options;
    assert_eq!(options.joining.leader, "10.0.0.5:7400");
    assert_eq!(options.joining.leader_timeout.as_secs(), 10);
    assert_eq!(options.joining.expect_plan.as_deref(), Some("90cc7a"));
    assert_eq!(options.access.address.as_deref(), Some("here:7233"));
    assert_eq!(secrets.fleet_token.as_ref().unwrap().reveal(), "t0ken-of-a-fleet");
    assert_eq!((log.verbose, resolved.notes.len()), (1, 0));
    assert!(!format!("{resolved:?} {secrets:?}").contains("t0ken-of-a-fleet"));
    // A key alone says nothing of the leader's TLS.
    let profile = Profile {
        tls: Some(Default::default()),
        api_key: Some(ApiKey::new("s3cret").unwrap()),
        ..Profile::default()
    };
    let (_, resolved, secrets) = join("10.0.0.5:7400", &[], Some(&profile)).unwrap();
    let options = &resolved.options;
    assert_eq!(options.access.tls, TlsSaid::AsLeader);
    assert!(options.access.api_key && secrets.api_key.is_some());
    for (flags, expected) in [
        (
            "nowhere",
            "join nowhere is not allowed: give HOST:PORT of the leading generator's",
        ),
        (
            "h:1 --expect-plan x",
            "--expect-plan x is not allowed: give 6 to 64 hexadecimal digits",
        ),
        ("h:1 --tls-cert c.pem", "--tls-cert c.pem needs --tls-key FILE as well"),
        (
            "h:1 --address embedded",
            "--address embedded is not allowed: give HOST:PORT",
        ),
        (
            "h:1 --fleet-token-file /no/such",
            "--fleet-token-file /no/such cannot be read: ",
        ),
        (
            "h:1 --fleet-token ä",
            "--fleet-token: the fleet token holds a character",
        ),
    ] {
        let problem = join(flags, &[], None).unwrap_err();
        assert!(
            problem.headline().starts_with(expected),
            "{problem}\nshould say\n{expected}"
        );
    }
}

#[test]
fn help_says_what_a_generator_that_joins_can_say_itself() {
    let help = args::parse(["run-benchmark", "join", "--help"])
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!("help", help);
}
