//! How long it takes to read and compare two runs of an hour: `cargo bench -p benchmark-analysis --bench compare_hours`, with
//! any results file behind `--` as the pattern. It writes two such files to a temporary folder, reads them back and compares
//! them, and says how long each step took.

use std::{env, error::Error, fs, path::Path, time::Instant};

use benchmark_analysis::compare::{Options, RunFile, Side, compare, render_terminal};
use benchmark_results::{
    Histogram, Results, file,
    schema::{Phase, Window},
    summary::Style,
};

const SECONDS: u64 = 3_600;

#[expect(clippy::disallowed_methods, reason = "a benchmark is a program")]
fn main() -> Result<(), Box<dyn Error>> {
    const PATTERN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../results/tests/files/v1/short.json");
    // Cargo adds flags of its own.
    let named = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let pattern = named.unwrap_or_else(|| PATTERN.to_owned());
    let pattern = file::read(Path::new(&pattern))?;
    let folder = env::temp_dir().join(format!("compare-hours-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let paths = ["base.json", "new.json"].map(|name| folder.join(name));
    for (path, seed) in paths.iter().zip(1..) {
        file::write_atomically(path, &hour(&pattern, seed))?;
        say(&format!("{}: {} bytes", path.display(), fs::metadata(path)?.len()));
    }
    let began = Instant::now();
    let base = file::read(&paths[0])?;
    let new = file::read(&paths[1])?;
    let read = began.elapsed();
    let side = |name: &str, results| Side {
        name: name.to_owned(),
        runs: vec![RunFile {
            name: "an hour",
            results,
        }],
    };
    let comparison = compare(&side("base", &base), &[side("new", &new)], &Options::default())?;
    let text = render_terminal(&comparison, Style::PLAIN);
    let whole = began.elapsed();
    say(&text);
    say(&format!(
        "read {read:?}, compared {:?}, together {whole:?}",
        whole - read
    ));
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The pattern, an hour long, with 400 latencies a second.
fn hour(pattern: &Results, seed: u64) -> Results {
    let mut results = pattern.clone();
    results.run.id = format!("hour-{seed}");
    results.complete = true;
    results.run.interrupted_by = None;
    results.plan.load.seed = seed;
    let mut state = seed;
    let mut draw = move |scale: f64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let uniform = ((state >> 33) as f64 + 0.5) / f64::from(1_u32 << 31);
        (scale * (1.0 - uniform.ln()) * 1000.0) as i64
    };
    let (Some(window), Some(interval)) = (pattern.windows.first(), pattern.intervals.first()) else {
        return results;
    };
    let (mut starts, mut ends) = (Histogram::new(), Histogram::new());
    results.windows.clear();
    results.intervals.clear();
    for second in 0..SECONDS {
        let (mut start, mut end) = (Histogram::new(), Histogram::new());
        for _ in 0..400 {
            start.record_micros(draw(2.0));
            end.record_micros(draw(10.0));
        }
        results.windows.push(Window {
            second,
            phase: Phase::Measure,
            completed: Some(395 + second * 7 % 11),
            ..window.clone()
        });
        results.intervals.push(benchmark_results::schema::IntervalHistograms {
            start_seconds: second,
            seconds: 1,
            start_response: start.encode(),
            e2e_response: end.encode(),
            ..interval.clone()
        });
        starts.add(&start);
        ends.add(&end);
    }
    let measure = &mut results.phases.measure;
    measure.latencies.start_response.accepted = starts.to_latency();
    measure.latencies.e2e_response.completed = ends.to_latency();
    results
}

#[allow(clippy::print_stdout, reason = "an example says what it finds")]
fn say(text: &str) {
    println!("{text}");
}
