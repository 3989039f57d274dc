use std::{cell::RefCell, collections::BTreeSet};

use super::*;

/// What is set in compose.yaml for one machine.
const DEV: &[(&str, &str)] = &[
    ("SERVICES", "frontend,history,matching,worker"),
    ("DEPLOY_ENVIRONMENT", "dev"),
    ("TEMPORAL_HISTORY_SHARDS", "64"),
    ("TEMPORAL_SQL_PLUGIN", "postgres12"),
    ("TEMPORAL_SQL_HOST", "postgres"),
    ("TEMPORAL_SQL_USER", "temporal"),
    ("TEMPORAL_SQL_PASSWORD", "do not show"),
    ("TEMPORAL_SQL_DATABASE", "temporal"),
    ("TEMPORAL_SQL_VISIBILITY_DATABASE", "temporal_visibility"),
    ("TEMPORAL_BROADCAST_ADDRESS", "127.0.0.1"),
];

/// What a task of history has in bench.
const BENCH: &[(&str, &str)] = &[
    ("SERVICES", "history"),
    ("DEPLOY_ENVIRONMENT", "bench"),
    ("LOG_LEVEL", "warn"),
    ("AWS_REGION", "eu-west-1"),
    ("PROMETHEUS_ENDPOINT", "0.0.0.0:9090"),
    ("METRICS_FRAMEWORK", "opentelemetry"),
    ("TEMPORAL_HISTORY_SHARDS", "4096"),
    ("TEMPORAL_SQL_HOST", "abc.dsql-fnh4.eu-west-1.on.aws"),
    ("TEMPORAL_SQL_PORT", "5432"),
    ("TEMPORAL_SQL_USER", "admin"),
    ("TEMPORAL_SQL_DATABASE", "postgres"),
    ("TEMPORAL_SQL_PLUGIN", "dsql"),
    ("TEMPORAL_SQL_TLS_ENABLED", "true"),
    ("TEMPORAL_SQL_IAM_AUTH", "true"),
    ("TEMPORAL_SQL_MAX_CONNS", "50"),
    ("TEMPORAL_SQL_MAX_IDLE_CONNS", "50"),
    ("TEMPORAL_SQL_CONNECTION_TIMEOUT", "30s"),
    ("TEMPORAL_SQL_MAX_CONN_LIFETIME", "55m"),
    ("TEMPORAL_ELASTICSEARCH_VERSION", "v8"),
    ("TEMPORAL_ELASTICSEARCH_SCHEME", "https"),
    (
        "TEMPORAL_ELASTICSEARCH_HOST",
        "vpc-visibility.eu-west-1.es.amazonaws.com",
    ),
    ("TEMPORAL_ELASTICSEARCH_PORT", "443"),
    ("TEMPORAL_ELASTICSEARCH_INDEX", "temporal_visibility_v1"),
    ("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/abc"),
];

fn read(set: &[(&str, &str)], but: &[(&str, &str)]) -> Result<ServerConfiguration, Problem> {
    let asked = RefCell::new(BTreeSet::new());
    reading(set, but, &asked)
}

/// Reads what is set, but for some that are others; notes each name that was asked for.
fn reading(
    set: &[(&str, &str)],
    but: &[(&str, &str)],
    asked: &RefCell<BTreeSet<String>>,
) -> Result<ServerConfiguration, Problem> {
    let variable = |name: &str| {
        asked.borrow_mut().insert(name.to_owned());
        let found = but.iter().chain(set).find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let there = ["dev", "bench", "prod"].map(|name| PathBuf::from(format!("{DYNAMIC_CONFIG}/{name}.yaml")));
    ServerConfiguration::read(Environment {
        variable: &variable,
        is_file: &|path| there.iter().any(|file| file == path),
        task_address: variable(metadata::ADDRESS).map(|uri| match uri.as_str() {
            "http://169.254.170.2/v4/abc" => Ok("10.0.3.17".parse().unwrap()),
            _ => Err("nobody answers".to_owned()),
        }),
    })
}

fn yaml(set: &[(&str, &str)], but: &[(&str, &str)]) -> String {
    read(set, but).unwrap().yaml()
}

fn refused(set: &[(&str, &str)], but: &[(&str, &str)]) -> String {
    match read(set, but) {
        Ok(_) => panic!("taken"),
        Err(problem) => problem.headline().to_owned(),
    }
}

#[test]
fn dev_on_postgresql_with_visibility_in_sql() {
    insta::assert_snapshot!("dev", yaml(DEV, &[]));
}

#[test]
fn bench_on_dsql_with_opensearch_whose_requests_are_signed() {
    let asked = read(BENCH, &[]).unwrap();
    assert_eq!(asked.services, ["history"]);
    insta::assert_snapshot!("bench", asked.yaml());
}

#[test]
fn bench_without_signing_differs_in_nothing_else() {
    let signed = yaml(BENCH, &[]);
    let signing = "        aws-request-signing:\n          enabled: true\n          region: eu-west-1\n          credentialProvider: aws-sdk-default\n";
    let unsigned = yaml(BENCH, &[("TEMPORAL_ELASTICSEARCH_AWS_SIGNING", "false")]);
    assert_eq!(signed.replacen(signing, "", 1), unsigned);
    assert_ne!(signed, unsigned);
}

#[test]
fn postgresql_with_an_opensearch_that_wants_no_signature() {
    let search = [
        ("TEMPORAL_ELASTICSEARCH_HOST", "127.0.0.1"),
        ("TEMPORAL_ELASTICSEARCH_SCHEME", "http"),
        ("TEMPORAL_ELASTICSEARCH_INDEX", "visibility"),
        ("TEMPORAL_SQL_VISIBILITY_DATABASE", ""),
    ];
    insta::assert_snapshot!("opensearch", yaml(DEV, &search));
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    assert_eq!(
        refused(&[], &[]),
        "variables of the environment: SERVICES: missing; TEMPORAL_SQL_PLUGIN: missing; TEMPORAL_SQL_HOST: missing; TEMPORAL_SQL_PASSWORD: \
         missing; TEMPORAL_SQL_DATABASE: missing; TEMPORAL_SQL_USER: missing; TEMPORAL_HISTORY_SHARDS: missing; \
         TEMPORAL_SQL_VISIBILITY_DATABASE: missing; TEMPORAL_BROADCAST_ADDRESS: missing, and so is ECS's \
         ECS_CONTAINER_METADATA_URI_V4"
    );
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    for (name, value, why) in [
        (
            "SERVICES",
            "frontend,backend",
            "not a list of frontend, history, matching, worker",
        ),
        (
            "DEPLOY_ENVIRONMENT",
            "../etc/passwd",
            "no dynamic configuration of this name",
        ),
        ("DEPLOY_ENVIRONMENT", "staging", "no dynamic configuration of this name"),
        ("LOG_LEVEL", "loud", "loud: not one of debug, info, warn, error, fatal"),
        ("METRICS_FRAMEWORK", "statsd", "statsd: not one of tally, opentelemetry"),
        ("TEMPORAL_HISTORY_SHARDS", "0", "0: no number from 1 to 16384"),
        (
            "TEMPORAL_SQL_PLUGIN",
            "mysql8",
            "mysql8: not one of postgres12, postgres12_pgx, dsql",
        ),
        ("TEMPORAL_SQL_PORT", "70000", "70000: no number from 1 to 65535"),
        ("TEMPORAL_SQL_MAX_CONN_LIFETIME", "55", "55: \"55\" is not a duration"),
        ("TEMPORAL_SQL_TLS_ENABLED", "yes", "yes: not one of true, false"),
        (
            "TEMPORAL_SQL_IAM_AUTH",
            "true",
            "only TEMPORAL_SQL_PLUGIN=dsql logs in by IAM",
        ),
        ("TEMPORAL_BROADCAST_ADDRESS", "here", "no IP address"),
        ("FRONTEND_MEMBERSHIP_PORT", "40000", "40000: no number from 1 to 32767"),
    ] {
        let said = refused(DEV, &[(name, value)]);
        assert!(
            said.starts_with(&format!("variables of the environment: {name}: ")) && said.contains(why),
            "{said}"
        );
    }
    for (name, value, why) in [
        ("TEMPORAL_SQL_TLS_ENABLED", "false", "takes connections with TLS only"),
        ("TEMPORAL_SQL_IAM_AUTH", "false", "logs in by IAM only"),
        (
            "TEMPORAL_ELASTICSEARCH_HOST",
            "",
            "missing: TEMPORAL_SQL_PLUGIN=dsql keeps no visibility",
        ),
        ("AWS_REGION", "", "missing"),
    ] {
        assert_eq!(refused(BENCH, &[(name, value)]).matches("; ").count(), 0);
        assert!(refused(BENCH, &[(name, value)]).contains(&format!("{name}: ")));
        assert!(refused(BENCH, &[(name, value)]).contains(why), "{name}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let said = refused(DEV, &[("TEMPORAL_SQL_PORT", "x"), ("SERVICES", "none")]);
    assert!(!said.contains("do not show"), "{said}");
}

#[test]
fn the_address_is_the_one_that_is_said_or_the_tasks_or_the_one_that_is_listened_on() {
    let address = |set, but: &[_]| {
        let config = read(set, but).unwrap().config;
        config["global"]["membership"]["broadcastAddress"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(address(BENCH, &[]), "10.0.3.17");
    assert_eq!(
        address(BENCH, &[("TEMPORAL_BROADCAST_ADDRESS", "10.9.9.9")]),
        "10.9.9.9"
    );
    assert_eq!(
        address(DEV, &[("TEMPORAL_BROADCAST_ADDRESS", ""), ("BIND_ON_IP", "127.0.0.2")]),
        "127.0.0.2"
    );
    let said = refused(BENCH, &[("ECS_CONTAINER_METADATA_URI_V4", "http://elsewhere")]);
    assert!(
        said.ends_with("ECS does not tell the task's address (nobody answers)"),
        "{said}"
    );
}

/// What Terraform sets and nobody reads would be without effect.
#[test]
fn all_that_terraform_sets_is_read_here_or_by_the_servers_plug_in() {
    let module = include_str!("../../../../terraform/modules/temporal-service/main.tf");
    let asked = RefCell::new(BTreeSet::new());
    reading(BENCH, &[], &asked).unwrap();
    let asked = asked.into_inner();
    let set: Vec<_> = module
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim())
        .filter(|name| name.contains('_') && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        .collect();
    assert!(set.len() > 20, "{set:?}");
    for name in set {
        // The AWS SDKs' own, in the server.
        assert!(asked.contains(name) || name == "AWS_EC2_METADATA_DISABLED", "{name}");
    }
}

#[test]
fn all_that_is_read_is_documented() {
    let asked = RefCell::new(BTreeSet::new());
    reading(BENCH, &[], &asked).unwrap();
    reading(DEV, &[], &asked).unwrap();
    let documented = include_str!("../../../../docs/images.md");
    for name in asked.into_inner() {
        assert!(documented.contains(&format!("`{name}`")), "{name}");
    }
}
