//! Joining a run as a further generator, by hand and from the generator that leads.

use std::{collections::HashMap, path::PathBuf};

use benchmark_generator::args::{self, Command, Converted, JoinOptions, LocalSecrets, Surroundings};
use benchmark_scenarios::{HostFacts, Problem, TlsSaid, resolve};
use benchmark_temporal::{ApiKey, environment::Profile};

/// The flags and variables of the generator that leads.
fn leading(flags: &str, variables: &[(&str, &str)]) -> (Converted, benchmark_scenarios::FleetOptions) {
    let cli = args::parse(std::iter::once("run-benchmark").chain(flags.split_whitespace())).unwrap();
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    let converted = cli.run.convert(&Surroundings {
        variable: &|name| variables.get(name).map(|text| (*text).to_owned()),
        profile: None,
    });
    let converted = converted.unwrap();
    let facts = HostFacts {
        cores: 2,
        task_queue: "queue".to_owned(),
    };
    let fleet = resolve(&converted.asked, &facts).unwrap().fleet;
    (converted, fleet)
}

/// `run-benchmark join` with flags, variables and a profile.
fn join(flags: &str, variables: &[(&str, &str)], profile: Option<&Profile>) -> Result<JoinOptions, Problem> {
    let line = format!("run-benchmark join {flags}");
    let Some(Command::Join(join)) = args::parse(line.split_whitespace()).unwrap().command else {
        panic!("not join")
    };
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    join.convert(&Surroundings {
        variable: &|name| variables.get(name).map(|text| (*text).to_owned()),
        profile: profile.map(|profile| (profile, PathBuf::from("temporal.toml"))),
    })
}

#[test]
fn a_generator_joins_with_flags_variables_and_secrets() {
    let variables = [
        ("TEMPORAL_ADDRESS", "here:7233"),
        ("BENCHMARK_FLEET_TOKEN", "t0ken"),
        ("BENCHMARK_EXPECT_PLAN", "90cc7a"),
        // What only a leader has a use for.
        ("BENCHMARK_TARGET_RATE", "NaN"),
    ];
    let options = join("10.0.0.5:7400 --leader-timeout 10s -v", &variables, None).unwrap();
    assert_eq!(options.join.joining.leader, "10.0.0.5:7400");
    assert_eq!(options.join.joining.leader_timeout.as_secs(), 10);
    assert_eq!(options.join.joining.expect_plan.as_deref(), Some("90cc7a"));
    assert_eq!(options.join.access.address.as_deref(), Some("here:7233"));
    assert_eq!(options.secrets.fleet_token.as_ref().unwrap().reveal(), "t0ken");
    assert_eq!((options.verbose, options.notes.len()), (1, 0));
    assert!(!format!("{options:?}").contains("t0ken"));
    // A key alone says nothing of the leader's TLS.
    let profile = Profile {
        tls: Some(Default::default()),
        api_key: Some(ApiKey::new("s3cret").unwrap()),
        ..Profile::default()
    };
    let options = join("10.0.0.5:7400", &[], Some(&profile)).unwrap();
    assert_eq!(options.join.access.tls, TlsSaid::AsLeader);
    assert!(options.join.access.api_key && options.secrets.api_key.is_some());
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
fn generators_on_this_machine_get_secrets_that_nobody_sees() {
    let variables = [
        ("TEMPORAL_API_KEY", "s3cret-key"),
        ("BENCHMARK_METRICS_LISTEN", "127.0.0.1:9091"),
    ];
    let flags = "--address h:1 --local-generators 2 --fleet-token s3cret-token --fleet-listen 0.0.0.0:7400 \
                 --fleet-tls-cert c.pem --fleet-tls-key k.pem";
    let (converted, fleet) = leading(flags, &variables);
    assert_eq!((fleet.local_generators, fleet.listen.unwrap().port()), (2, 7400));
    assert!(!format!("{converted:?}").contains("s3cret"));
    let arguments = args::local_arguments(&fleet, "0.0.0.0:7400".parse().unwrap());
    assert_eq!(arguments, ["join", "https://127.0.0.1:7400", "--address", "leader"]);
    let secrets = LocalSecrets {
        token: converted.secrets.fleet_token.as_ref(),
        api_key: converted.secrets.api_key.as_ref(),
    };
    let environment: HashMap<_, _> = args::local_environment(&fleet, secrets, &|_| None)
        .into_iter()
        .collect();
    assert_eq!(environment["BENCHMARK_FLEET_TOKEN"], "s3cret-token");
    assert_eq!(environment["TEMPORAL_API_KEY"], "s3cret-key");
    assert_eq!(
        environment["BENCHMARK_METRICS_LISTEN"], "",
        "the port is this process's"
    );
    assert_eq!(environment["BENCHMARK_FLEET_TLS_CA"], "c.pem");
    // What they are started with can be typed.
    let inherited: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let joined = join(&arguments[1..].join(" "), &inherited, None).unwrap();
    assert_eq!(joined.join.joining.leader, "127.0.0.1:7400");
    assert!(joined.join.joining.tls.is_some() && joined.join.access.address.is_none());
    // Where the certificate is checked in another way, that is inherited.
    let other = args::local_environment(&fleet, secrets, &|name| {
        (name == "BENCHMARK_FLEET_TLS_CA").then(|| "authority.pem".to_owned())
    });
    assert!(other.iter().all(|(name, _)| name != "BENCHMARK_FLEET_TLS_CA"));
}

#[test]
fn help_says_what_a_generator_that_joins_can_say_itself() {
    let help = args::parse(["run-benchmark", "join", "--help"])
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!("help", help);
}
