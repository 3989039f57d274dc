use std::sync::mpsc::{Receiver, channel};

use benchmark_fleet::{EndRecord, EndsBuilder, MemberId, Role, columns};
use benchmark_results::WorkflowEnd;
use benchmark_scenarios::Key;

use super::*;
use crate::testing;

const GENERATOR: Teller = Teller {
    id: MemberId(1),
    role: Role::Generator,
    stripe: Some(1),
};
const WORKER: Teller = Teller {
    id: MemberId(2),
    role: Role::Worker,
    stripe: None,
};

fn intake() -> (Intake, Receiver<Report>) {
    let plan = testing::plan([
        (Key::Generators, "2"),
        (Key::FleetListen, "127.0.0.1:0"),
        (Key::Address, "h:1"),
    ]);
    let (reports, incoming) = channel();
    let intake = Intake::default();
    let timeline = Timeline::beginning_in(0);
    intake.open(
        "run".into(),
        Limits::of(&plan),
        &Schedule::new(&plan.load),
        timeline,
        reports,
    );
    (intake, incoming)
}

fn window(run: &str, body: wire::window::Body) -> wire::Window {
    wire::Window {
        sequence: 1,
        run: run.to_owned(),
        body: Some(body),
        ..wire::Window::default()
    }
}

fn starts(run: &str, n: u64) -> wire::Window {
    let ends = wire::StartEnds {
        n: columns::encode([n]),
        end: vec![wire::StartEnd::Accepted.into()],
    };
    let message = wire::Starts {
        ends: Some(ends),
        ..Default::default()
    };
    window(run, wire::window::Body::Starts(message))
}

fn ends(count: u64) -> wire::Window {
    let mut ends = EndsBuilder::new();
    for n in 0..count {
        ends.push(EndRecord {
            n,
            ended_unix_ns: 2,
            sent_unix_ns: 1,
            end: WorkflowEnd::Completed,
            message: None,
        });
    }
    window("run", wire::window::Body::Ends(ends.finish()))
}

#[test]
fn a_generator_tells_of_its_own_part_and_of_the_iteration_that_is_open() {
    let (intake, incoming) = intake();
    intake.take(GENERATOR, starts("run", 3)).unwrap();
    assert!(matches!(
        incoming.try_recv(),
        Ok(Report::Elsewhere(Origin::Member(1), reports, _)) if reports.len() == 1
    ));
    let refused = intake.take(GENERATOR, starts("run", 4)).unwrap_err();
    assert!(matches!(refused, Rejected::Malformed(reason) if reason.contains("not of its part")));
    intake.take(GENERATOR, starts("the run before", 3)).unwrap();
    assert!(incoming.try_recv().is_err());
}

#[test]
fn what_it_tells_adds_up_over_its_messages() {
    let (intake, _incoming) = intake();
    let part = intake.state.lock().unwrap().as_ref().unwrap().open.arrivals / 2;
    for _ in 0..part {
        intake.take(GENERATOR, starts("run", 3)).unwrap();
    }
    assert!(intake.take(GENERATOR, starts("run", 3)).is_err());
    // One that is refused changes nothing for others.
    let other = Teller {
        id: MemberId(7),
        ..GENERATOR
    };
    intake.take(other, starts("run", 3)).unwrap();
}

#[test]
fn who_is_shut_out_or_comes_when_all_is_closed_tells_nothing_more() {
    let (intake, incoming) = intake();
    intake.shut_out([1]);
    intake.take(GENERATOR, starts("run", 3)).unwrap();
    assert!(incoming.try_recv().is_err());
    intake.take(WORKER, ends(1)).unwrap();
    assert!(matches!(incoming.try_recv(), Ok(Report::Ends(Origin::Member(2), ends, _)) if ends.len() == 1));
    intake.close();
    intake.take(WORKER, ends(1)).unwrap();
    assert!(incoming.try_recv().is_err());
}

#[test]
fn what_the_account_has_no_room_for_is_not_taken_until_it_has() {
    let (intake, incoming) = intake();
    let large = ends(200_000);
    let mut taken = 0;
    let refused = loop {
        match intake.take(WORKER, large.clone()) {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
        assert!(taken < 1_000, "there is room without end");
    };
    assert_eq!(refused, Rejected::Full);
    assert!(taken > 1);
    drop(incoming.recv().unwrap());
    intake.take(WORKER, large).unwrap();
}

#[test]
fn what_a_generator_used_is_kept_within_bounds() {
    let (intake, _incoming) = intake();
    let told = |health_json: String| {
        let message = wire::Starts {
            health_json,
            ..Default::default()
        };
        intake.take(GENERATOR, window("run", wire::window::Body::Starts(message)))
    };
    let mut used = GeneratorHealth::not_observed("a test");
    used.cpu_seconds = 1e300;
    told(serde_json::to_string(&used).unwrap()).unwrap();
    assert!(intake.healths()[&1].cpu_seconds < 1e15);
    // What it told before stays when it tells of something else.
    intake.take(GENERATOR, starts("run", 3)).unwrap();
    assert_eq!(intake.healths().len(), 1);
    for wrong in ["[".repeat(1_000), " ".repeat(FACTS_BYTES + 1), "{}".to_owned()] {
        assert!(matches!(told(wrong), Err(Rejected::Malformed(_))));
    }
}

#[test]
fn of_a_clock_the_worst_of_the_measured_phase_is_kept_and_the_last_that_was_used() {
    let told = |offset: i64, used: i64, uncertainty: u64, step: u64| wire::Window {
        clock_offset_ns: Some(offset),
        clock_used_ns: used,
        clock_uncertainty_ns: uncertainty,
        clock_step_ns: step,
        ..wire::Window::default()
    };
    let mut seen = ClockSeen::default();
    seen.note(&told(900, 0, 10, 500), false);
    // What was before is told as such, and was nobody's latency.
    let before = ClockSeen {
        earlier_step_ns: 500,
        ..ClockSeen::default()
    };
    assert_eq!(seen, before);
    seen.note(&told(-40, 60, 30, 0), true);
    seen.note(&told(80, 70, 30, 200), true);
    seen.note(&told(80, 75, 30, 100), true);
    let worst = ClockSeen {
        used_ns: 75,
        error_ns: 70,
        steps: 2,
        largest_step_ns: 200,
        ..before
    };
    assert_eq!(seen, worst);
    // One that is not known yet is not said to be wrong.
    let unknown = wire::Window {
        clock_offset_ns: None,
        ..told(0, 5_000, 0, 0)
    };
    seen.note(&unknown, true);
    assert_eq!(seen.error_ns, 70);
}
