//! Every text that can be seen, and when it is.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use benchmark_generator::view::watcher::{Frame, Header, LivePhase, Watcher as _};

use super::{
    Mode, Screen, header, line, render,
    row::{clip, columns, count, ms, rate},
    terminal::tests::paper,
};

fn measuring() -> Frame {
    Frame {
        phase: LivePhase::Measure,
        elapsed: Duration::from_secs(134),
        length: Some(Duration::from_secs(240)),
        iteration: None,
        asked: 400.0,
        started: 400.0,
        completed: Some(398.7),
        backlog: Some(61),
        errors: 0,
        start_p50_ms: Some(3.1),
        start_p99_ms: Some(9.8),
        e2e_p50_ms: Some(14.0),
        e2e_p99_ms: Some(52.0),
        lag_p99_ms: Some(0.2),
        cores: Some(0.06),
        in_flight: 31,
    }
}

/// Nothing is known yet and nobody stamps completions.
fn beginning() -> Frame {
    Frame {
        phase: LivePhase::Ramp,
        elapsed: Duration::ZERO,
        length: Some(Duration::from_secs(30)),
        asked: 40.0,
        started: 0.0,
        completed: None,
        backlog: None,
        start_p50_ms: None,
        start_p99_ms: None,
        e2e_p50_ms: None,
        e2e_p99_ms: None,
        lag_p99_ms: None,
        cores: None,
        in_flight: 0,
        ..measuring()
    }
}

fn huge() -> Frame {
    Frame {
        elapsed: Duration::from_secs(86_000),
        length: Some(Duration::from_secs(86_400)),
        iteration: Some((7, 10)),
        asked: 50_000.0,
        started: 1e12,
        completed: Some(49_999.9),
        backlog: Some(123_456_789),
        errors: u64::MAX,
        start_p50_ms: Some(3_600_000.0),
        start_p99_ms: Some(1e12),
        e2e_p50_ms: Some(f64::INFINITY),
        e2e_p99_ms: Some(999_949.0),
        lag_p99_ms: Some(99_949.0),
        cores: Some(191.98),
        in_flight: 100_000,
        ..measuring()
    }
}

fn phases() -> Vec<Frame> {
    let after = |phase, seconds| Frame {
        phase,
        elapsed: Duration::from_secs(seconds),
        length: None,
        asked: 0.0,
        started: 0.0,
        in_flight: 0,
        errors: 3,
        ..measuring()
    };
    let warm_up = Frame {
        phase: LivePhase::WarmUp,
        iteration: Some((2, 10)),
        ..measuring()
    };
    let drain = Frame {
        length: Some(Duration::from_secs(60)),
        ..after(LivePhase::Drain, 2)
    };
    vec![
        beginning(),
        warm_up,
        measuring(),
        after(LivePhase::Answers, 4),
        drain,
        after(LivePhase::Settle, 1),
        after(LivePhase::CleanUp, 3),
    ]
}

fn blocks(frames: &[Frame], width: usize) -> String {
    frames
        .iter()
        .map(|frame| render(frame, width, false))
        .collect::<Vec<_>>()
        .join("\n\n")
}

#[test]
fn each_phase_in_eighty_columns() {
    insta::assert_snapshot!(blocks(&phases(), 79));
}

#[test]
fn each_phase_in_sixty_columns() {
    insta::assert_snapshot!(blocks(&phases(), 59));
}

#[test]
fn very_large_figures() {
    insta::assert_snapshot!([blocks(&[huge()], 79), blocks(&[huge()], 59), blocks(&[huge()], 30)].join("\n\n"));
}

#[test]
fn coloured() {
    let frame = Frame {
        errors: 2,
        ..measuring()
    };
    insta::assert_snapshot!(render(&frame, 79, true).replace('\u{1b}', "^"));
}

#[test]
fn no_line_is_wider_than_the_terminal_and_nothing_moves_from_phase_to_phase() {
    for frame in phases().iter().chain([&huge()]) {
        for width in 0..130 {
            for line in render(frame, width, false).lines() {
                assert!(columns(line) <= width, "{width}: {line}");
            }
        }
        // A wider terminal changes nothing either.
        assert_eq!(render(frame, 79, false), render(frame, 300, false));
    }
    let column = |frame: &Frame, name: &str| {
        let block = render(frame, 79, false);
        block
            .lines()
            .find_map(|line| line.find(name).map(|at| columns(&line[..at])))
    };
    for name in [
        "asked",
        "completed",
        "backlog",
        "errors",
        "end to end",
        "cpu",
        "in flight",
    ] {
        for frame in phases() {
            assert_eq!(
                column(&frame, name),
                column(&measuring(), name),
                "{name} in {:?}",
                frame.phase
            );
        }
    }
}

#[test]
fn plain_lines() {
    let frames = phases();
    insta::assert_snapshot!(frames.iter().chain([&huge()]).map(line).collect::<Vec<_>>().join("\n"));
}

#[test]
fn headers() {
    let what = Header {
        workload: "simple".into(),
        rate: "400/s".into(),
        duration: "5m".into(),
        run_id: "01k3-brisk-otter".into(),
        plan_hash: "7f3a9c".into(),
        server: vec![
            "embedded dev server 1.29.1 at 127.0.0.1:41233   ui http://127.0.0.1:41234".into(),
            "2 workers in this process".into(),
        ],
    };
    let long = Header {
        workload: "multi-activity with 4 parallel and 6 serial".into(),
        ..what.clone()
    };
    insta::assert_snapshot!(
        [
            header(&what, 79, false),
            header(&what, 59, false),
            header(&long, 79, false)
        ]
        .join("\n\n")
    );
}

#[test]
fn figures_keep_to_their_columns() {
    assert_eq!(
        (count(9_999_999), count(10_000_000), count(u64::MAX)),
        ("9,999,999".into(), "10.0M".into(), ">999T".into())
    );
    assert_eq!((rate(50_000.0), rate(999_999.6)), ("50,000/s".into(), "1.0M/s".into()));
    assert_eq!(
        (ms(Some(3_600_000.0)), ms(Some(f64::NAN)), ms(None)),
        ("3600s".into(), "-".into(), "-".into())
    );
    assert_eq!(
        (clip("abcdef", 4), clip("abc", 3), clip("abc", 0)),
        ("abc…".into(), "abc".into(), String::new())
    );
}

#[test]
fn the_mode_follows_the_terminal() {
    assert_eq!(Mode::choose(true, true, false), Mode::Silent);
    assert_eq!(Mode::choose(false, true, false), Mode::Terminal);
    assert_eq!(Mode::choose(false, true, true), Mode::Lines);
    assert_eq!(Mode::choose(false, false, false), Mode::Lines);
}

/// A pipe whose text can be read.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn in_a_pipe_a_line_comes_every_ten_seconds_and_with_each_phase() {
    let pipe = Pipe::default();
    let mut screen = Screen::in_lines(Box::new(pipe.clone()));
    for quarter in 0..60 {
        screen.progress(
            "building the server",
            Some("go: \u{1b}[1mdownloading\u{1b}[0m x\n"),
            Duration::from_millis(quarter * 250),
        );
    }
    for phase in [LivePhase::Ramp, LivePhase::Measure] {
        for quarter in 0..100 {
            screen.update(&Frame {
                phase,
                elapsed: Duration::from_millis(quarter * 250),
                ..measuring()
            });
        }
    }
    screen.say("a note");
    // The next iteration begins its phases again.
    screen.update(&Frame {
        phase: LivePhase::Measure,
        iteration: Some((2, 2)),
        elapsed: Duration::ZERO,
        ..measuring()
    });
    drop(screen);
    insta::assert_snapshot!(String::from_utf8(pipe.0.lock().unwrap().clone()).unwrap());
}

#[test]
fn on_a_terminal_only_what_was_said_stays() {
    let (terminal, paper) = paper(80, 24);
    let mut screen = Screen::on_terminal(terminal, true);
    screen.say("a server is built");
    screen.progress(
        "building the server",
        Some(&"very long ".repeat(20)),
        Duration::from_secs(3),
    );
    screen.update(&beginning());
    screen.update(&measuring());
    screen.say("a warning");
    assert_eq!(
        paper.lock().unwrap().text(),
        format!("a server is built\na warning\n{}\n", render(&measuring(), 79, false))
    );
    drop(screen);
    assert_eq!(paper.lock().unwrap().text(), "a server is built\na warning\n\n");
}

#[test]
fn what_a_server_or_a_leader_says_is_only_read() {
    let hostile = "1.2\u{1b}[2J\u{9b}2J\u{202e}\u{200b}\u{7}";
    let pipe = Pipe::default();
    let mut screen = Screen::in_lines(Box::new(pipe.clone()));
    screen.header(&Header {
        server: vec![hostile.to_owned()],
        ..Header::default()
    });
    screen.say(&format!("refused: {hostile}"));
    screen.progress("starting", Some(hostile), Duration::ZERO);
    let said = String::from_utf8(pipe.0.lock().unwrap().clone()).unwrap();
    assert!(
        said.contains("1.2\u{fffd}[2J") && said.contains("refused: 1.2"),
        "{said:?}"
    );
    let bad = |c: &char| matches!(c, '\u{1b}' | '\u{9b}' | '\u{202e}' | '\u{200b}' | '\u{7}');
    assert_eq!(said.chars().find(bad), None, "{said:?}");
}
