//! Rendering of the block as text: the same columns in every phase, so that only digits move.

use std::time::Duration;

use benchmark_generator::view::watcher::Frame;

use super::row::{Look, Row, clock, count, ms, needs_hours, rate};

/// Columns that the whole block takes; it does not spread further on a wider terminal.
const WIDE: usize = 76;
/// The shortest bar that says anything.
const SHORTEST_BAR: usize = 6;

/// The block for a terminal of `width` columns: lines without a newline at the end, none wider than `width`.
///
/// Four lines where 76 columns are there, else more and shorter ones. Without `color` the text has no escape sequences.
pub fn render(frame: &Frame, width: usize, color: bool) -> String {
    let row = || Row::new(width, color);
    let mut rows = vec![first(frame, Row::new(width.min(WIDE), color))];
    let started = rate(frame.started);
    let completed = frame.completed.map_or_else(dash, rate);
    let backlog = frame.backlog.map_or_else(dash, count);
    let cores = frame.cores.map_or_else(dash, cores) + " cores";
    let in_flight = count(frame.in_flight);
    if width >= WIDE {
        rows.extend([
            errors(
                row()
                    .name(10, "started")
                    .figure(9, &started)
                    .name(13, "   completed")
                    .figure(9, &completed)
                    .name(11, "   backlog")
                    .figure(9, &backlog)
                    .name(10, "   errors"),
                frame.errors,
                0,
            ),
            percentiles(
                percentiles(row().name(10, "start"), frame.start_p50_ms, frame.start_p99_ms)
                    .name(17, "     end to end"),
                frame.e2e_p50_ms,
                frame.e2e_p99_ms,
            ),
            row()
                .name(17, "generator lag p99")
                .figure(7, &ms(frame.lag_p99_ms))
                .name(7, "   cpu ")
                .figure(10, &cores)
                .name(13, "   in flight ")
                .figure(0, &in_flight),
        ]);
    } else {
        rows.extend([
            row()
                .name(12, "started")
                .figure(9, &started)
                .name(13, "   completed")
                .figure(9, &completed),
            row()
                .name(12, "backlog")
                .figure(9, &backlog)
                .name(13, "   in flight")
                .figure(9, &in_flight),
            percentiles(row().name(12, "start"), frame.start_p50_ms, frame.start_p99_ms),
            percentiles(row().name(12, "end to end"), frame.e2e_p50_ms, frame.e2e_p99_ms),
            row()
                .name(12, "generator")
                .name(7, "lag p99")
                .figure(7, &ms(frame.lag_p99_ms))
                .name(7, "   cpu ")
                .figure(10, &cores),
            errors(row().name(12, "errors"), frame.errors, 9),
        ]);
    }
    rows.into_iter().map(Row::finish).collect::<Vec<_>>().join("\n")
}

/// Where the run is, how far that has got, and what is asked of it.
fn first(frame: &Frame, row: Row) -> Row {
    let asked = rate(frame.asked);
    let long = needs_hours(frame.length.unwrap_or(frame.elapsed));
    let mut row = row.add(Look::Bold, &format!("{:<8}", frame.phase.name()));
    if let Some((iteration, iterations)) = frame.iteration {
        let digits = iterations.to_string().len();
        row = row.add(Look::Plain, &format!(" {iteration:>digits$} of {iterations}"));
    }
    let elapsed = clock(frame.elapsed, long);
    row = match frame.length {
        Some(length) => {
            let length = clock(length, long);
            row.figure(2 + length.len(), &elapsed).name(0, &format!(" / {length}"))
        }
        None => row.figure(2 + elapsed.len(), &elapsed),
    };
    let asked = format!("{asked:>9}");
    // Two blanks before the bar, two behind it, and the name before the rate.
    let room = row.left().saturating_sub(4 + 6 + asked.len());
    let bar = match frame.length {
        Some(length) if room >= SHORTEST_BAR => bar(share(frame.elapsed, length), room),
        _ => String::new(),
    };
    row.add(Look::Bar, &format!("  {bar:<room$}  "))
        .name(6, "asked")
        .figure(9, &asked)
}

fn percentiles(row: Row, p50: Option<f64>, p99: Option<f64>) -> Row {
    row.name(4, "p50")
        .figure(6, &ms(p50))
        .name(7, "   p99")
        .figure(6, &ms(p99))
}

fn errors(row: Row, errors: u64, width: usize) -> Row {
    let look = if errors == 0 { Look::Plain } else { Look::Bad };
    row.add(look, &format!("{:>width$}", count(errors)))
}

/// Cores in at most four columns: `0.06`, `12.3`, `192`.
fn cores(cores: f64) -> String {
    let decimals = match cores {
        c if c < 9.995 => 2,
        c if c < 99.95 => 1,
        _ => 0,
    };
    format!("{cores:.decimals$}")
}

fn dash() -> String {
    benchmark_results::format::NONE.into()
}

fn share(elapsed: Duration, length: Duration) -> f64 {
    if length.is_zero() {
        1.0
    } else {
        (elapsed.as_secs_f64() / length.as_secs_f64()).min(1.0)
    }
}

/// A bar of at most `width` columns, exact to an eighth of one.
fn bar(share: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share * (width * 8) as f64) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}
