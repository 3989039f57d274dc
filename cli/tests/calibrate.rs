//! Calibration as a process, and a generator whose frontend stops answering.

#[path = "../../generator/src/testing/scripted_frontend.rs"]
mod scripted_frontend;
#[path = "../../generator/src/testing.rs"]
mod testing;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use benchmark_generator::{
    calibrate::null_frontend::{NullFrontend, Options},
    load::ids,
    machine::health::HealthProbe,
    run::{
        iteration,
        submission::{self, SubmissionOptions},
    },
    stop::{self, Stop, Stopper, deadline::Ending},
};
use benchmark_results::schema::{Fact, Fleet, Reconciliation, VerdictValue};
use benchmark_scenarios::{Key, Plan};
use benchmark_temporal::{ConnectOptions, Server};
use scripted_frontend::{Behaviour, behaving};

/// How long anything may take before a test gives up on it: far more than it needs on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn calibrate(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("run-benchmark"));
    command
        .arg("calibrate")
        .args(arguments)
        .env_clear()
        .env("HOME", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Processes whose parent is the given one.
fn children(parent: u32) -> Vec<i32> {
    procfs::process::all_processes()
        .unwrap()
        .filter_map(|process| process.ok()?.stat().ok())
        .filter(|stat| u32::try_from(stat.ppid) == Ok(parent))
        .map(|stat| stat.pid)
        .collect()
}

/// Waits until something is there.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LIMIT, "still waiting for {what}");
        std::thread::yield_now();
    }
}

#[test]
fn measures_a_given_rate_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = calibrate(folder.path(), &["--rate", "200", "--seconds", "3", "--json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let [step] = json["steps"].as_array().unwrap().as_slice() else {
        panic!("{json}")
    };
    assert_eq!(step["rate"], 200.0);
    assert_eq!(step["served"], step["ledger"]["dispatched"]);
    assert!(step["cpuPerStartUs"].as_f64().unwrap() > 0.0);
    assert!(step["memory"]["peak"]["value"].as_u64().unwrap() > 0);
    assert!(step["verdict"]["checks"].as_array().unwrap().len() > 10);
    assert_eq!(
        (&json["ceiling"], &json["stored"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    // The row of the table stands on stderr, since stdout is JSON.
    assert!(said.lines().any(|line| line.trim_start().starts_with("200 ")), "{said}");
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        0,
        "something was left behind"
    );
}

#[test]
fn finds_a_ceiling_and_keeps_it_for_later_runs() {
    let folder = tempfile::tempdir().unwrap();
    let output = calibrate(folder.path(), &["--max-rate", "50", "--seconds", "3"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let file = folder.path().join(".local/share/run-benchmark/calibration.json");
    match output.status.code() {
        Some(0) => {
            let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            assert!(stored["ceiling"]["rate"].as_f64().unwrap() <= 50.0, "{stored}");
            assert!(said.contains("ceiling is"), "{said}");
        }
        // A machine that is busy with other things has no ceiling, and says so.
        Some(3) => {
            assert!(said.contains("no rate was VALID"), "{said}");
            assert!(!file.exists());
        }
        code => panic!("{code:?}: {said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
fn ctrl_c_ends_it_with_its_frontend_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let calibration = calibrate(folder.path(), &["--max-rate", "100", "--seconds", "300"])
        .spawn()
        .unwrap();
    let frontend = until("the null frontend", || children(calibration.id()).first().copied());
    // The frontend is started after the program has begun to listen for signals.
    let pid = rustix::process::Pid::from_child(&calibration);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = calibration.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("nothing was stored"), "{said}");
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        0,
        "something was left behind"
    );
    until("the end of the null frontend", || {
        let gone = procfs::process::Process::new(frontend).and_then(|process| process.stat());
        gone.map_or(Some(()), |stat| (stat.state == 'Z').then_some(()))
    });
}

#[test]
fn contradictions_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["--rate", "200", "--max-rate", "300"][..], "--max-rate"),
        (
            &["--rate", "200", "--seconds", "3", "--ramp-up", "20s"][..],
            "--ramp-up 20s",
        ),
        (&["--ramp-up", "20"][..], "write a unit"),
    ] {
        let output = calibrate(folder.path(), arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

/// What a run at a rate would do, with a small cap on unanswered starts.
fn plan(address: &str, rate: &str, cap: &str) -> Plan {
    testing::plan([
        (Key::Address, address),
        (Key::Rate, rate),
        (Key::Duration, "6s"),
        (Key::RampUp, "0"),
        (Key::WarmUp, "500ms"),
        (Key::Drain, "0"),
        (Key::MaxInFlight, cap),
        (Key::Sample, "0"),
    ])
}

/// What a submission needs besides its plan.
struct Surroundings {
    server: Server,
    connect: ConnectOptions,
    probe: HealthProbe,
    stop: Stop,
    ending: Ending,
    _stopper: Stopper,
}

impl Surroundings {
    async fn of(plan: &Plan, frontend: &NullFrontend) -> Surroundings {
        let connect = ConnectOptions::new(frontend.address().to_string(), plan.namespace.clone());
        let (stopper, stop) = stop::channel();
        Surroundings {
            server: benchmark_temporal::connect(&connect).await.unwrap(),
            connect,
            probe: HealthProbe::new(Path::new("/")),
            ending: Ending::new(stop.clone(), plan.load.stop_timeout),
            stop,
            _stopper: stopper,
        }
    }

    fn options<'a>(&'a self, plan: &'a Plan) -> SubmissionOptions<'a> {
        SubmissionOptions {
            plan,
            server: &self.server,
            connect: &self.connect,
            id_prefix: ids::new_run_id().unwrap().into(),
            iteration: 1,
            fleet: None,
            probe: &self.probe,
            stop: self.stop.clone(),
            ending: &self.ending,
            lost: &|| None,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_frontend_that_stops_answering_does_not_let_the_load_run_away() {
    const CAP: u64 = 100;
    let (frontend, control) = behaving(Behaviour::default());
    let plan = plan(&frontend.address().to_string(), "2000", &CAP.to_string());
    let surroundings = Surroundings::of(&plan, &frontend).await;
    let options = surroundings.options(&plan);
    let (stalled_from, stalled_to) = (1_000_000_000, 3_500_000_000);
    let mut most_held = 0;
    let submission = submission::submit(options, async |submission| {
        let now = submission.timeline.elapsed();
        if (stalled_from..stalled_to).contains(&now) {
            control.stall();
        } else {
            control.resume();
        }
        most_held = most_held.max(control.held());
        Ok(())
    })
    .await
    .unwrap();
    let taken = iteration::take(&submission).await.unwrap();
    let reconciliation = Reconciliation::not_made("nothing is stored");
    let parts = iteration::parts(
        &plan,
        &submission,
        taken,
        reconciliation,
        &Fact::missing(""),
        String::new(),
        |_| Fleet::alone(),
    );

    assert_eq!(parts.ledger.broken_identities(), vec![]);
    assert_eq!(parts.generator.peak_in_flight, CAP);
    assert!((1..=CAP).contains(&most_held), "{most_held} were held back");
    // A second of what waited was within --max-lag, the rest of the stall was given up and counted.
    assert!(parts.ledger.dropped() > 0, "{:?}", parts.ledger);
    assert_eq!(parts.ledger.unknown, 0, "the stall is shorter than a start's deadline");
    assert_eq!(frontend.counts().starts, parts.ledger.dispatched);

    let verdict = parts.judge(&plan);
    assert_ne!(verdict.value, VerdictValue::Valid, "{verdict:?}");

    // Long after the stall everything that is due is sent again: the last second is whole.
    let last = parts.windows.iter().find(|window| window.second == 5).unwrap();
    assert_eq!(last.due, 2000);
    assert!(last.dispatched >= 1800 && last.dropped == 0, "{last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_first_arrival_is_sent_when_it_is_due_and_not_when_the_threads_are_ready() {
    let frontend = NullFrontend::start(Options::default()).unwrap();
    let mut plan = plan(&frontend.address().to_string(), "20", "100");
    (plan.load.duration, plan.load.warm_up) = (Duration::from_secs(1), Duration::ZERO);
    let surroundings = Surroundings::of(&plan, &frontend).await;
    let options = surroundings.options(&plan);
    let submission = submission::submit(options, async |submission| {
        // The load of the machine is looked at while it is waited, too; starts are not sent.
        assert!(submission.timeline.now().is_some() || frontend.counts().starts == 0);
        Ok(())
    })
    .await
    .unwrap();
    let starts = submission
        .accountant
        .visit(|accounts| {
            accounts.phases()[&benchmark_results::schema::Phase::Measure]
                .starts
                .clone()
        })
        .await
        .unwrap();
    assert_eq!(starts.ledger.accepted, 20);
    // An answer takes time. It took none where the instants before the beginning were all told as 0.
    for samples in [&starts.accepted.service, &starts.accepted.response] {
        assert!(samples.to_latency().min.unwrap() > 0.0);
    }
}
