//! Secrets: planted in every way in, and then looked for in everything that comes out.

use std::{fs, path::Path, process::Command};

use crate::{
    bench::{Bench, Finished, Going},
    server,
};

/// Nothing else contains it.
const SECRET: &str = "pl4nted-s3cret-of-32-characters";

/// A short run that says all it can.
const SHORT: &str = "--rate 10 --duration 2s --ramp-up 0 --warm-up 0 -vv --output results.json";

/// The files below a folder that hold the secret, besides those that it was planted in.
fn holders(folder: &Path, planted: &[&str], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holders(&path, planted, found);
        } else if !planted.iter().any(|name| path.ends_with(name)) {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
}

/// Makes sure that nothing in the folders of a program holds the secret: what it printed, said and wrote.
fn nowhere(bench: &Bench, planted: &[&str]) {
    let mut found = Vec::new();
    holders(bench.folder(), planted, &mut found);
    assert_eq!(found, [""; 0]);
}

/// Makes sure that a process was given no secret, by argument or by variable.
fn given_nothing(pid: i32) {
    for what in ["cmdline", "environ"] {
        let given = fs::read(format!("/proc/{pid}/{what}")).unwrap();
        let given = String::from_utf8_lossy(&given).into_owned();
        assert!(!given.is_empty(), "{what}");
        for secret in [SECRET, "TEMPORAL_", "BENCHMARK_"] {
            assert!(!given.contains(secret), "{secret} in {what}: {given}");
        }
    }
}

fn completed(finished: &Finished) {
    assert!(finished.results().ledger.completed > 0, "{finished:?}");
}

#[test]
fn a_secret_of_the_environment_reaches_no_child_and_no_file() {
    let bench = Bench::new();
    let mut command = bench.embedded(&format!("{SHORT} --address embedded --expect-workers 0"));
    command
        .env("TEMPORAL_API_KEY", SECRET)
        .env("TEMPORAL_GRPC_META_X_SECRET", SECRET)
        .env("BENCHMARK_FLEET_TOKEN", SECRET)
        .env("BENCHMARK_UNKNOWN", SECRET);
    let mut going = bench.begin(command);
    given_nothing(going.child_process());
    let finished = going.finish();
    completed(&finished);
    assert!(
        finished.stderr.contains("not known and ignored: BENCHMARK_UNKNOWN"),
        "{finished:?}"
    );
    nowhere(&bench, &[]);
}

#[test]
fn a_key_for_a_cluster_is_sent_and_shown_nowhere() {
    let server = server::start(&server::options());
    let profile = format!("[profile.default]\napi_key = \"{SECRET}\"\n[profile.default.grpc_meta]\nx = \"{SECRET}\"\n");
    let ways: [&dyn Fn(&mut Command); 4] = [
        &|command| {
            command.args(["--api-key", SECRET]);
        },
        &|command| {
            command.env("TEMPORAL_API_KEY", SECRET);
        },
        &|command| {
            command.args(["--api-key-file", "key.txt"]);
        },
        &|command| {
            command.env("TEMPORAL_CONFIG_FILE", "temporal.toml");
        },
    ];
    for way in ways {
        let bench = Bench::new();
        fs::write(bench.path("key.txt"), SECRET).unwrap();
        fs::write(bench.path("temporal.toml"), &profile).unwrap();
        let mut command = bench.against(&server.address(), &format!("{SHORT} --workers 1 --tls=false"));
        way(&mut command);
        let finished = bench.run(command);
        completed(&finished);
        let text = fs::read_to_string(finished.results_file().unwrap()).unwrap();
        assert!(text.contains("\"apiKey\": true"), "it was to be sent");
        nowhere(&bench, &["key.txt", "temporal.toml"]);
    }
}

#[test]
fn a_key_is_no_option_of_a_variant() {
    for arguments in [
        &[
            "ab",
            "--a",
            "api-key=pl4nted-s3cret-of-32-characters",
            "--b",
            "rate=20",
            "--runs",
            "2",
        ][..],
        &["ab", "--b=fleet-token=pl4nted-s3cret-of-32-characters", "--runs", "2"],
        &["ab", "--a", "api-key", "pl4nted-s3cret-of-32-characters"],
    ] {
        let bench = Bench::new();
        let finished = bench.run(bench.command(arguments));
        assert_eq!(finished.code(), 2, "{finished:?}");
        assert!(finished.stderr.contains("it is secret"), "{finished:?}");
        assert_eq!(bench.left_behind(), [""; 0]);
        nowhere(&bench, &[]);
    }
}

#[test]
fn a_configuration_that_is_broken_shows_no_key() {
    let bench = Bench::new();
    fs::write(
        bench.path("temporal.toml"),
        format!("[profile.default]\napi_key = \"{SECRET}\n"),
    )
    .unwrap();
    for arguments in [&["plan"][..], &["--rate", "5"], &["join", "127.0.0.1:1"]] {
        let mut command = bench.command(arguments);
        command.env("TEMPORAL_CONFIG_FILE", "temporal.toml");
        let finished = bench.run(command);
        assert_eq!(finished.code(), 2, "{finished:?}");
        assert!(finished.stderr.contains("line 2, column "), "{finished:?}");
        nowhere(&bench, &["temporal.toml"]);
    }
}

#[test]
fn a_member_sends_its_key_where_it_was_told_to_and_not_where_a_leader_says() {
    let server = server::start(&server::options());
    let (first, second, member) = (Bench::new(), Bench::new(), Bench::new());
    let join = |leader: &str, arguments: &[&str]| {
        let mut command = member.command(&[&["join", leader, "-vv"], arguments].concat());
        command.env("TEMPORAL_API_KEY", SECRET);
        member.run(command)
    };

    let (leader, address) = leading(&first, &server.address());
    let refused = join(&address, &[]);
    assert_eq!(refused.code(), 2, "{refused:?}");
    for part in [
        "the API key is not sent to ",
        "nothing proves who the leader is",
        "--address HOST:PORT",
    ] {
        assert!(refused.stderr.contains(part), "{refused:?}");
    }
    // A run does not begin with a generator less.
    assert_eq!(leader.finish().code(), 2);
    nowhere(&member, &[]);
    nowhere(&first, &[]);

    let (leader, address) = leading(&second, &server.address());
    let joined = join(&address, &["--address", &server.address(), "--tls=false"]);
    assert_eq!(joined.code(), 0, "{joined:?}");
    completed(&leader.finish());
    nowhere(&member, &[]);
    nowhere(&second, &[]);
}

/// A leader with a key that waits for another generator, and where that joins.
fn leading(bench: &Bench, server: &str) -> (Going, String) {
    let more = "--workers 1 --tls=false --generators 2 --fleet-listen 127.0.0.1:0 --fleet-timeout 1m";
    let mut command = bench.against(server, &format!("{SHORT} {more}"));
    command.env("TEMPORAL_API_KEY", SECRET);
    let mut leader = bench.begin(command);
    let address = leader.until("where to join", |leader| {
        let said = leader.said();
        let (_, after) = said.split_once("join with --join ")?;
        let (address, _) = after.split_once('\n')?;
        Some(address.to_owned())
    });
    (leader, address)
}
