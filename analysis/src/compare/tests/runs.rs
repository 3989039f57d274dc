//! Runs of which the figures are chosen.

use benchmark_results::{
    Histogram, Results,
    schema::{Fact, Latency},
    testing,
};

use crate::compare::{NoiseFile, NoiseProfile, RunFile, Side};

/// Figures of a run: completions a second, p99 of `start_response` and of `e2e_response` in milliseconds.
pub(super) type Figures = (f64, f64, f64);

/// Six thousand samples, of which 2 % are as long as `p99_ms`, the others a quarter.
fn latency(p99_ms: f64) -> Latency {
    let mut histogram = Histogram::new();
    for n in 0..6_000 {
        let ms = if n % 50 == 0 { p99_ms } else { p99_ms / 4.0 };
        histogram.record_micros((ms * 1000.0) as i64);
    }
    histogram.to_latency()
}

/// A sound run that began so many minutes after ten o'clock.
pub(super) fn run(id: &str, minute: usize, (rate, start, e2e): Figures) -> Results {
    let mut results = testing::valid();
    results.run.id = id.to_owned();
    results.run.started_at = format!("2026-11-20T10:{minute:02}:00Z");
    let measure = &mut results.phases.measure;
    measure.completion_rate = Some(rate);
    let latencies = &mut measure.latencies;
    latencies.start_response.accepted = latency(start);
    latencies.start_service.accepted = latency(start * 0.97);
    latencies.e2e_response.completed = latency(e2e);
    latencies.e2e_service.completed = latency(e2e * 0.98);
    results
}

/// Runs of a side, every `every` minutes from minute `from`.
pub(super) fn runs(name: &str, from: usize, every: usize, figures: &[Figures]) -> Vec<Results> {
    let of_run = |(index, figures): (usize, &Figures)| run(&format!("{name}-{index}"), from + every * index, *figures);
    figures.iter().enumerate().map(of_run).collect()
}

/// Runs that take turns with those of [`base`]: now five minutes after, now three minutes before.
pub(super) fn in_turn(name: &str, figures: &[Figures]) -> Vec<Results> {
    let minute = |index: usize| {
        if index.is_multiple_of(2) {
            10 * index + 5
        } else {
            10 * index - 3
        }
    };
    let of_run = |(index, figures): (usize, &Figures)| run(&format!("{name}-{index}"), minute(index), *figures);
    figures.iter().enumerate().map(of_run).collect()
}

/// The runs as a side; the names of the files are the runs' ids.
pub(super) fn side<'a>(name: &str, runs: &'a [Results]) -> Side<'a> {
    let file = |results: &'a Results| RunFile {
        name: &results.run.id,
        results,
    };
    Side {
        name: name.to_owned(),
        runs: runs.iter().map(file).collect(),
    }
}

/// Five runs of a baseline, from ten o'clock, every ten minutes.
pub(super) fn base() -> Vec<Results> {
    runs(
        "base",
        0,
        10,
        &[
            (399.0, 9.9, 52.0),
            (399.4, 10.0, 50.5),
            (398.8, 9.7, 53.0),
            (399.2, 10.1, 51.5),
            (399.1, 9.8, 52.8),
        ],
    )
}

/// The same with another server setting, in turn with them: faster starts, slower ends.
pub(super) fn tuned() -> Vec<Results> {
    let mut runs = in_turn(
        "new",
        &[
            (399.3, 8.1, 61.0),
            (399.1, 8.3, 60.0),
            (399.4, 7.9, 63.0),
            (399.2, 8.2, 59.0),
            (399.5, 8.0, 62.5),
        ],
    );
    for run in &mut runs {
        let config = &mut run.environment.server.dynamic_config;
        config.insert("history.transferProcessorMaxPollRPS".into(), "2000".into());
    }
    runs
}

/// The setting in which [`tuned`] differs.
pub(super) const FACTOR: &str = "server.config.history.transferProcessorMaxPollRPS";

/// Another server version.
pub(super) fn upgraded(mut runs: Vec<Results>) -> Vec<Results> {
    for run in &mut runs {
        run.environment.server.version = Fact::found("1.30.0".into(), "GetSystemInfo");
    }
    runs
}

/// A profile as if from a file.
pub(super) fn named(profile: NoiseProfile) -> NoiseFile {
    NoiseFile {
        name: "noise.json".into(),
        profile,
    }
}
