//! The other processes of a run, and what they resolve to.

use std::path::PathBuf;

use super::*;
use crate::{AtHand, Cluster, EmbeddedPlan, FleetOptions, FleetTls, ServerAccess, ServerPreset, TlsSaid};

const LISTEN: (Key, &str) = (Key::FleetListen, "127.0.0.1:7400");

fn fleet(options: &[(Key, &str)]) -> (FleetSize, FleetOptions) {
    let resolved = resolved(options);
    (resolved.plan.fleet, resolved.fleet)
}

#[test]
fn a_run_is_alone_unless_somebody_is_expected() {
    let (plan, options) = fleet(&[]);
    assert_eq!(plan, FleetSize::default());
    assert_eq!(options.listen, None);
    // Plans of before there were fleets.
    let mut json = serde_json::to_value(resolved(&[]).plan).unwrap();
    json.as_object_mut().unwrap().remove("fleet");
    let workers = json["workers"].as_object_mut().unwrap();
    workers.remove("tuning");
    for key in ["resultSize", "activityCpu"] {
        json["workload"].as_object_mut().unwrap().remove(key);
    }
    let plan: Plan = serde_json::from_value(json).unwrap();
    assert_eq!((plan.fleet, plan.workers.tuning), (FleetSize::default(), None));
}

#[test]
fn expected_workers_take_the_place_of_workers_here() {
    let resolved = resolved(&[(Key::ExpectWorkers, "3"), LISTEN]);
    assert_eq!(resolved.plan.fleet.expect_workers, 3);
    assert_eq!(resolved.plan.workers.count, 0);
    assert_eq!(resolved.fleet.timeout, Duration::from_secs(600));
    assert_eq!(resolved.fleet.listen.unwrap().port(), 7400);
    assert!(resolved.notes.is_empty(), "{:?}", resolved.notes);
    let both = super::resolved(&[(Key::ExpectWorkers, "3"), LISTEN, (Key::Workers, "2")]);
    assert_eq!(both.plan.workers.count, 2);
}

#[test]
fn what_listens_and_where_is_no_part_of_the_plan() {
    let hash = |listen: &str| {
        let resolved = resolved(&[(Key::Generators, "3"), (Key::FleetListen, listen)]);
        resolved.plan.hash()
    };
    assert_eq!(hash("127.0.0.1:7400"), hash("127.0.0.1:0"));
}

#[test]
fn members_get_no_names_of_files_and_the_same_plan() {
    let plan = |files: &str| {
        let (ca, cert, key) = (format!("{files}/ca"), format!("{files}/cert"), format!("{files}/key"));
        let options = [
            (Key::Address, "h:1"),
            (Key::TlsCa, &*ca),
            (Key::TlsCert, &*cert),
            (Key::TlsKey, &*key),
        ];
        resolved(&options).plan
    };
    let (here, there) = (plan("/home/me"), plan("/etc/tls"));
    assert_ne!(here, there);
    assert_eq!(here.hash(), there.hash());
    let portable = here.portable();
    let json = serde_json::to_string(&portable).unwrap();
    assert!(!json.contains("/home/me"), "{json}");
    // What a member reads is the plan that the leader says, and which files it needs of its own.
    let read: Plan = serde_json::from_str(&json).unwrap();
    assert_eq!((read.hash(), &read.portable()), (here.hash(), &portable));
    let Target::Cluster(cluster) = read.target else {
        panic!("a cluster")
    };
    let tls = cluster.tls.unwrap();
    assert!(tls.ca.is_some() && tls.cert.is_some() && tls.key.is_some());
    assert_ne!(
        here.hash(),
        resolved(&[(Key::Address, "h:1"), (Key::Tls, "true")]).plan.hash()
    );
    let binary = resolved(&[(Key::ServerBinary, "/home/me/temporal")]).plan.portable();
    assert!(!serde_json::to_string(&binary).unwrap().contains("/home/me"));
}

#[test]
fn a_fleet_that_cannot_come_together_is_refused_in_words() {
    let cases: [(&[(Key, &str)], &str); 14] = [
        (
            &[(Key::ExpectWorkers, "3")],
            "--expect-workers 3 needs --fleet-listen IP:PORT as well\n  they join there, each with: benchmark-worker --join \
             HOST:PORT\n  try  --fleet-listen 127.0.0.1:7400",
        ),
        (
            &[(Key::Generators, "2")],
            "--generators 2 needs --fleet-listen IP:PORT as well",
        ),
        (
            &[LISTEN],
            "--fleet-listen 127.0.0.1:7400 does not apply: nobody is expected to join\n  try  --expect-workers N   or   \
             --generators N",
        ),
        (
            &[(Key::Generators, "0")],
            "--generators 0 is not allowed: give a whole number of generators from 1 to 1000",
        ),
        (&[(Key::ExpectWorkers, "-1")], "--expect-workers -1 is not allowed"),
        (
            &[(Key::ExpectWorkers, "3001")],
            "--expect-workers 3001 is not allowed: give a whole number of worker processes",
        ),
        (
            &[(Key::AllowVersionSkew, "true")],
            "--allow-version-skew does not apply: nobody can join without --fleet-listen",
        ),
        (
            &[(Key::ExpectWorkers, "1"), (Key::FleetListen, "localhost:7400")],
            "--fleet-listen localhost:7400 is not allowed: give IP:PORT",
        ),
        (
            &[(Key::ExpectWorkers, "1"), LISTEN, (Key::FleetTlsCert, "c.pem")],
            "--fleet-tls-cert c.pem needs --fleet-tls-key FILE as well",
        ),
        (
            &[(Key::FleetTimeout, "1m")],
            "--fleet-timeout 1m does not apply: nobody can join without --fleet-listen",
        ),
        (
            &[(Key::ExpectWorkers, "1"), LISTEN, (Key::FleetTimeout, "0")],
            "--fleet-timeout 0 is not allowed",
        ),
        (
            &[(Key::MetricsListen, "9090")],
            "--metrics-listen 9090 is not allowed: give IP:PORT",
        ),
        (
            &[(Key::MetricsListen, "127.0.0.1:0"), (Key::MetricsGrace, "11m")],
            "--metrics-grace 11m is not allowed: give a duration from 0s to 10m",
        ),
        (
            &[(Key::MetricsGrace, "1m")],
            "--metrics-grace 1m does not apply: nothing is scraped without --metrics-listen",
        ),
    ];
    for (options, expected) in cases {
        let report = problem(options);
        assert!(report.contains(expected), "{report}\nshould say\n{expected}");
    }
}

#[test]
fn who_else_could_join_is_said() {
    let open = [
        (Key::ExpectWorkers, "1"),
        (Key::FleetListen, "0.0.0.0:7400"),
        (Key::Address, "h:1"),
    ];
    let notes = |more: &[(Key, &str)]| resolved(&[&open, more].concat()).notes;
    let report = problem(&open);
    assert!(
        report.contains("--fleet-listen 0.0.0.0:7400 lets everybody join")
            && report.contains("try  --fleet-token-file FILE   or   --fleet-open"),
        "{report}"
    );
    let stranger = "whoever reaches 0.0.0.0:7400 can join the run, and fake its figures";
    assert_eq!(notes(&[(Key::FleetOpen, "true")]), [stranger]);
    let token = (Key::FleetToken, "***");
    assert!(notes(&[token])[0].contains("is sent to 0.0.0.0:7400 in the clear"));
    let tls = [token, (Key::FleetTlsCert, "c.pem"), (Key::FleetTlsKey, "k.pem")];
    assert_eq!(notes(&tls), [""; 0]);
    let files = resolved(&[&open[..], &tls[..]].concat()).fleet.tls.unwrap();
    assert_eq!(
        files,
        FleetTls {
            cert: PathBuf::from("c.pem"),
            key: PathBuf::from("k.pem")
        }
    );
    let both = problem(&[&open[..], &[token, (Key::FleetOpen, "true")]].concat());
    assert!(both.contains("--fleet-open does not apply: there is a token"), "{both}");
    let embedded = resolved(&[&open[..2], &[token]].concat()).notes;
    assert!(
        embedded
            .iter()
            .any(|note| note.contains("the embedded server listens on 127.0.0.1"))
    );
}

#[test]
fn a_plan_that_nobody_can_have_asked_for_is_refused() {
    let plan = resolved(&[(Key::Generators, "2"), LISTEN, (Key::WorkflowType, "multi-activity")]).plan;
    plan.check().unwrap_or_else(|problem| panic!("{}", problem.report()));
    type Change = fn(&mut Plan);
    let cases: [(&str, Change); 10] = [
        ("--duration", |plan| plan.load.duration = Duration::MAX),
        ("--ramp-up", |plan| plan.load.ramp_up = Duration::MAX),
        ("--drain", |plan| plan.load.drain = Duration::MAX),
        ("--max-in-flight 4294967295", |plan| plan.load.max_in_flight = u32::MAX),
        ("--threads 4294967295", |plan| plan.starter.threads = u32::MAX),
        ("--connections 0", |plan| plan.starter.connections = 0),
        ("--payload-size", |plan| plan.workload.payload_size = u32::MAX),
        ("--sample", |plan| plan.observation.sample_ratio = f64::NAN),
        ("--generators 0", |plan| plan.fleet.generators = 0),
        ("cannot be asked for", |plan| plan.starter.retries = 9),
    ];
    for (words, change) in cases {
        let mut hostile = plan.clone();
        change(&mut hostile);
        let report = hostile.check().unwrap_err().report();
        assert!(report.contains(words), "{report}\nshould say\n{words}");
    }
}

#[test]
fn a_generator_joins_with_what_it_says_itself_and_the_leaders_word_for_the_rest() {
    let join = |options: &[(Key, &str)]| {
        let options = [&[(Key::Join, "10.0.0.5:7400")], options].concat();
        resolve_join(&asked(&options)).unwrap().options
    };
    let plain = join(&[]);
    assert_eq!(plain.joining.leader, "10.0.0.5:7400");
    assert_eq!(plain.joining.join_timeout, Duration::from_secs(300));
    assert_eq!(plain.joining.leader_timeout, Duration::from_secs(30));
    assert_eq!((plain.joining.tls, plain.metrics_listen), (None, None));
    let leader = cluster(Some(TlsFiles::default()), false);
    let over = |options: &[(Key, &str)]| {
        let reached = join(options).access.over(&leader, "frontend:7233", AtHand::default());
        reached.unwrap().cluster
    };
    assert_eq!(over(&[]).address, "frontend:7233");
    assert_eq!(over(&[]).tls, Some(TlsFiles::default()));
    assert_eq!(over(&[(Key::Address, "other:7233")]).tls, None);
    assert_eq!(over(&[(Key::Address, "leader")]).address, "frontend:7233");
    assert_eq!(over(&[(Key::Tls, "false")]).tls, None);
    let own = over(&[(Key::TlsCa, "ca.pem")]).tls.unwrap();
    assert_eq!(own.ca, Some(PathBuf::from("ca.pem")));
    // A key that nobody asked for stays here.
    assert!(!over(&[(Key::ApiKey, "***")]).api_key);
    let missing = ServerAccess::default()
        .over(&cluster(None, true), "frontend:7233", AtHand::default())
        .unwrap_err();
    assert!(missing.report().contains("--api-key-file FILE"), "{missing}");
}

/// The target of a leader's plan.
fn cluster(tls: Option<TlsFiles>, api_key: bool) -> Target {
    Target::Cluster(Cluster {
        address: "frontend:7233".to_owned(),
        tls,
        api_key,
    })
}

fn embedded() -> Target {
    Target::Embedded(EmbeddedPlan {
        binary: None,
        preset: ServerPreset::Cluster,
        config: std::collections::BTreeMap::new(),
        keep: false,
    })
}

const HEADERS: AtHand = AtHand {
    headers: true,
    tls: false,
};

#[test]
fn secrets_go_where_somebody_here_sent_them() {
    let leader = (Key::Join, "leader:7400");
    let known = (Key::Join, "https://leader:7400");
    let ca = (Key::FleetTlsCa, "ca.pem");
    let typed = (Key::Address, "typed:7233");
    let key = (Key::ApiKey, "***");
    let over = |options: &[(Key, &str)], target: &Target, told: &str| {
        let access = resolve_join(&asked(options)).unwrap().options.access;
        let reached = access.over(target, told, HEADERS)?;
        Ok::<_, Problem>((reached.cluster.api_key, reached.headers))
    };
    let (takes_key, takes_none) = (cluster(None, true), cluster(None, false));
    for options in [&[known, key][..], &[leader, ca, key], &[leader, typed, key]] {
        assert_eq!(
            over(options, &takes_key, "frontend:7233").unwrap(),
            (true, true),
            "{options:?}"
        );
    }
    // Typed is typed, whoever is asked; a leader's word brings the key only where the leader sends one.
    assert_eq!(
        over(&[leader, typed, key], &takes_none, "frontend:7233").unwrap(),
        (true, true)
    );
    assert_eq!(
        over(&[known, key], &takes_none, "frontend:7233").unwrap(),
        (false, true)
    );
    // An embedded server takes neither.
    assert_eq!(
        over(&[leader, key], &embedded(), "127.0.0.1:7233").unwrap(),
        (false, false)
    );
    assert_eq!(over(&[known, key], &embedded(), "[::1]:7233").unwrap(), (false, false));
    for (options, target, says) in [
        (
            &[leader, key][..],
            &takes_key,
            "the API key is not sent to frontend:7233: only the leader names",
        ),
        (
            &[leader, key],
            &takes_none,
            "headers of Temporal's client configuration are not sent to frontend:7233",
        ),
        (
            &[leader],
            &takes_none,
            "headers of Temporal's client configuration are not sent to frontend:7233",
        ),
    ] {
        let report = over(options, target, "frontend:7233").unwrap_err().report();
        assert!(report.contains(says), "{report}");
        assert!(report.ends_with("try  --address HOST:PORT   or   https:// in front of the leader's address"));
    }
    let nothing = resolve_join(&asked(&[leader])).unwrap().options.access;
    let reached = nothing.over(&takes_none, "frontend:7233", AtHand::default()).unwrap();
    assert!(!reached.headers && !reached.cluster.api_key);
}

#[test]
fn a_leader_that_contradicts_its_plan_is_not_followed() {
    let access = ServerAccess {
        address: Some("typed:7233".to_owned()),
        is_leader_known: true,
        ..ServerAccess::default()
    };
    for (target, told, says) in [
        (
            cluster(None, false),
            "evil.example:7233",
            "plan is for the server at frontend:7233, and the leader says that it is at evil.example:7233",
        ),
        (
            embedded(),
            "evil.example:7233",
            "which listens on 127.0.0.1, and says that it is at evil.example:7233",
        ),
        (
            embedded(),
            "10.0.0.1:7233\u{1b}[2J",
            "it is at \"10.0.0.1:7233\\u{1b}[2J\"",
        ),
    ] {
        let problem = access.over(&target, told, AtHand::default()).unwrap_err();
        assert!(problem.headline().contains(says), "{problem}");
    }
    assert!(access.over(&embedded(), "localhost:7233", AtHand::default()).is_ok());
}

#[test]
fn no_file_is_read_because_a_leader_names_it() {
    let files = TlsFiles {
        ca: Some("/dev/zero".into()),
        cert: Some("/etc/shadow".into()),
        key: Some("/etc/shadow".into()),
        server_name: Some("frontend".to_owned()),
    };
    let over = |options: &[(Key, &str)], at_hand: AtHand| {
        let options = [&[(Key::Join, "leader:7400")], options].concat();
        let access = resolve_join(&asked(&options)).unwrap().options.access;
        let reached = access.over(&cluster(Some(files.clone()), false), "frontend:7233", at_hand)?;
        Ok::<_, Problem>(reached.cluster.tls.unwrap())
    };
    let report = over(&[], AtHand::default()).unwrap_err().report();
    assert!(
        report.contains("with --tls-ca, --tls-cert, --tls-key, and nothing of it is given here"),
        "{report}"
    );
    assert!(
        report.ends_with("try  --tls-ca FILE --tls-cert FILE --tls-key FILE   or   --tls"),
        "{report}"
    );
    let configured = AtHand {
        tls: true,
        ..AtHand::default()
    };
    let named = TlsFiles {
        server_name: Some("frontend".to_owned()),
        ..TlsFiles::default()
    };
    assert_eq!(over(&[], configured).unwrap(), named);
    assert_eq!(
        over(&[(Key::Tls, "true")], AtHand::default()).unwrap(),
        TlsFiles::default()
    );
    let own = over(&[(Key::TlsCa, "own.pem")], AtHand::default()).unwrap();
    assert_eq!(
        (own.ca, own.cert, own.key),
        (Some(PathBuf::from("own.pem")), None, None)
    );
}

#[test]
fn what_a_configuration_says_of_another_server_is_not_said_of_the_leaders() {
    let mut asked = asked(&[(Key::Join, "h:1")]);
    asked.add(Key::Tls, Given::by_file("temporal.toml", "true"));
    assert_eq!(resolve_join(&asked).unwrap().options.access.tls, TlsSaid::AsLeader);
    asked.add(Key::Address, Given::by_file("temporal.toml", "other:7233"));
    let access = resolve_join(&asked).unwrap().options.access;
    assert_eq!(access.tls, TlsSaid::On(TlsFiles::default()));
}

#[test]
fn joining_with_tls_and_a_plan_of_its_own_choice() {
    let joining = |options: &[(Key, &str)]| resolve_join(&asked(options)).map(|join| join.options.joining);
    let https = joining(&[(Key::Join, "https://leader:7400"), (Key::ExpectPlan, "90cc7a")]).unwrap();
    assert_eq!(
        (https.leader.as_str(), https.expect_plan.as_deref()),
        ("leader:7400", Some("90cc7a"))
    );
    assert!(https.tls.is_some());
    let ca = joining(&[(Key::Join, "leader:7400"), (Key::FleetTlsCa, "ca.pem")]).unwrap();
    assert_eq!(ca.tls.unwrap().ca, Some(PathBuf::from("ca.pem")));
    for (options, expected) in [
        (
            &[(Key::Join, "leader")][..],
            "leader is not allowed: give HOST:PORT of the leading",
        ),
        (
            &[(Key::Join, "h:1"), (Key::ExpectPlan, "90cc7")],
            "--expect-plan 90cc7 is not allowed: give 6 to 64",
        ),
        (
            &[(Key::Join, "h:1"), (Key::ExpectPlan, "nothexadecimal")],
            "is not allowed",
        ),
        (
            &[(Key::Join, "h:1"), (Key::LeaderTimeout, "0")],
            "--leader-timeout 0 is not allowed",
        ),
        (&[], "the leader's address is missing"),
    ] {
        let report = joining(options).unwrap_err().report();
        assert!(report.contains(expected), "{report}\nshould say\n{expected}");
    }
}
