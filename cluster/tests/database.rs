//! `database` and `temporal` as processes: what they say and how they end where they cannot go on. What they do is
//! `cluster/full-server`'s to show, at a real database and a real server.

use assert_cmd::Command;

/// The program without anything of this machine's surroundings.
fn program(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::cargo_bin("benchmark-cluster").unwrap();
    command.env_clear().args(arguments).envs(variables.iter().copied());
    let ended = command.output().unwrap();
    assert!(ended.stdout.is_empty());
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

/// DSQL's variables with credentials, and without reaching for a machine's own.
const DSQL: [(&str, &str); 5] = [
    ("DSQL_HOST", "nobody.invalid"),
    ("AWS_REGION", "eu-west-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
];

#[test]
fn with_credentials_there_is_a_token_and_the_login_is_tried() {
    let (code, said) = program(&["database", "membership"], &DSQL);
    assert_eq!(code, Some(2));
    assert!(said.starts_with("error: login to the database: "), "{said}");
    // The token is a password.
    assert!(
        !said.contains("X-Amz-Signature") && !said.contains("wJalrXUtnFEMI"),
        "{said}"
    );
}

#[test]
fn without_credentials_there_is_no_token() {
    let (code, said) = program(&["database", "clean-membership"], &DSQL[..3]);
    assert_eq!(code, Some(2));
    assert!(said.starts_with("error: no token for nobody.invalid: "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn all_variables_of_a_grant_are_named_before_the_login() {
    let (code, said) = program(&["database", "grant-role"], &[]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("TEMPORAL_SQL_HOST: missing") && said.contains("DSQL_USER: missing"),
        "{said}"
    );
}

#[test]
fn a_server_without_variables_is_one_line() {
    let (code, said) = program(&["temporal"], &[]);
    assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
    assert!(
        said.contains("SERVICES: missing") && said.contains("TEMPORAL_SQL_HOST: missing"),
        "{said}"
    );
}

#[test]
fn a_probe_ends_with_a_code() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    assert_eq!(program(&["probe", &url], &[]), (Some(0), String::new()));
    assert_eq!(program(&["probe", "nothing"], &[]).0, Some(2));
}
