//! Options of the load: when starts are due, and what happens when they cannot be sent.

use std::time::Duration;

use super::{options, says, value};
use crate::{Arrivals, Rate, WhenFull, form::Form};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// The longest window.
pub(crate) const LONGEST_DURATION: Duration = Duration::from_secs(24 * 3600);

/// 38 GiB: beyond this the cap is none.
const MAX_IN_FLIGHT: u32 = 1_000_000;

options! { Load:
    /// Starts a second after the ramp. The default is the replaced runner's: a task definition that leaves the rate out
    /// offers the load that it always did.
    Rate("rate"): Rate = Form::rate(), value("PER_SECOND")
        .run(says("Starts a second after the ramp, {}, to one thousandth").or("100").variables(&["BENCHMARK_TARGET_RATE"]));
    /// The whole submission window; the default is the replaced runner's.
    Duration("duration"): Duration = Form::span(SECOND..=LONGEST_DURATION), value("TIME")
        .run(says("Submission window: ramp-up, warm-up and the measured rest, {}")
            .or("5m").variables(&["BENCHMARK_DURATION"]));
    /// The rising part of the window.
    RampUp("ramp-up"): Duration = Form::span(Duration::ZERO..=LONGEST_DURATION), value("TIME")
        .run(says("Part of --duration in which the rate rises linearly, from a tenth of itself and at least 1/s")
            .otherwise("a tenth of --duration, at most 30s").variables(&["BENCHMARK_RAMP_UP"]));
    /// The part at full rate that is not measured.
    WarmUp("warm-up"): Duration = Form::span(Duration::ZERO..=LONGEST_DURATION), value("TIME")
        .run(says("Part of --duration at full rate that is not measured").otherwise("a tenth of --duration, at most 30s"));
    /// How long completions are waited for; `None` is as long as the duration, between bounds.
    Drain("drain"): Option<Duration> = Form::span(Duration::ZERO..=LONGEST_DURATION).or_word("auto"), value("TIME|auto")
        .run(says("How long completions are waited for after the last start; 0 for not at all; ends earlier when nothing is \
                   open")
            .otherwise("auto, which is as long as --duration, from 1m to 10m"));
    /// How long everything after a signal may take.
    StopTimeout("stop-timeout"): Duration = Form::span(2 * SECOND..=HOUR), value("TIME")
        .run(says("How long everything may take that comes after a signal, {}; results are written early in it")
            .or_since("25s", "supervisors kill 30 s after the signal"));
    /// Repetitions of the window.
    Iterations("iterations"): u32 = Form::whole(1..=100, "iterations"), value("N")
        .run(says("How often the window is repeated, {}; histograms are added, each iteration stays in the result")
            .or("1").variables(&["BENCHMARK_ITERATIONS"]));
    /// Spacing of arrivals.
    Arrivals("arrivals"): Arrivals = Form::choice(&[Arrivals::Constant, Arrivals::Poisson]), value("SPACING")
        .run(says("Spacing of starts: {} (as from many independent callers)").or("constant"));
    /// Seed of everything that is drawn.
    Seed("seed"): u64 = Form::seed(), value("N")
        .run(says("Seed of everything that is drawn: arrivals, sleeps, failures, the sample")
            .or_since("1", "fixed, so that a run repeats"));
    /// Cap on unanswered starts.
    MaxInFlight("max-in-flight"): u32 = Form::whole(1..=MAX_IN_FLIGHT, "starts"), value("N")
        .run(says("Starts of all generators that may be unanswered at the same time, about 38 KiB of memory each")
            .otherwise("the starts of --start-timeout, from 100 to 5000"));
    /// What happens at the cap.
    WhenFull("when-full"): WhenFull = Form::choice(&[WhenFull::Queue, WhenFull::Drop, WhenFull::Abort]), value("POLICY")
        .run(says("A start that is due at that cap: queue (its wait counts as latency), drop (counted) or abort (ends the \
                   run)")
            .or("queue"));
    /// Age at which a waiting arrival is given up.
    MaxLag("max-lag"): Duration = Form::span(Duration::from_millis(1)..=HOUR), value("TIME")
        .run(says("Age at which a waiting start is given up and counted as dropped, {}").or("1s"));
}
