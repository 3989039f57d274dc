//! Windows as comma-separated values: one line a second, units in the names, nothing where there was no figure.

use std::fmt::Write;

use benchmark_results::schema::{Phase, Results, Window};

/// Names of the columns, each with its unit where it is no count.
const COLUMNS: &str = "iteration,second,phase,due,dispatched,dropped,accepted,rejected,unknown,completed,failed,backlog,\
in_flight,lag_p99_ms,start_response_p50_ms,start_response_p99_ms,e2e_response_p50_ms,e2e_response_p99_ms\n";

/// The windows, below a line of names.
pub(super) fn windows(results: &Results) -> String {
    let mut text = String::with_capacity(COLUMNS.len() + results.windows.len() * 80);
    text.push_str(COLUMNS);
    for window in &results.windows {
        line(&mut text, window);
    }
    text
}

fn line(text: &mut String, window: &Window) {
    // Writing to a text does not fail.
    let _ = write!(text, "{},{},{}", window.iteration, window.second, phase(window.phase));
    let counts = [
        Some(window.due),
        Some(window.dispatched),
        Some(window.dropped),
        Some(window.accepted),
        Some(window.rejected),
        Some(window.unknown),
        window.completed,
        window.failed,
        window.backlog,
        Some(window.in_flight),
    ];
    for count in counts {
        text.push(',');
        if let Some(count) = count {
            let _ = write!(text, "{count}");
        }
    }
    let latencies = [
        window.lag_p99,
        window.start_p50,
        window.start_p99,
        window.e2e_p50,
        window.e2e_p99,
    ];
    for latency in latencies {
        text.push(',');
        if let Some(latency) = latency.filter(|latency| latency.is_finite()) {
            let _ = write!(text, "{latency}");
        }
    }
    text.push('\n');
}

/// The phase as it stands in the results file.
fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Ramp => "ramp",
        Phase::WarmUp => "warmUp",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
    }
}
