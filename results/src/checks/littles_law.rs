//! Little's law: mean number in the system = rate × mean time in it.
//!
//! It holds for any steady system, whatever happens inside, so it ties the account of workflows (the backlog) to the
//! clocks (the latencies): when they disagree one of them is wrong. J. D. C. Little, "A Proof for the Queuing Formula:
//! L = λW", Operations Research 9 (1961).

use super::{build::CheckBuilder, context::Context, names, steadiness::Trend};
use crate::{
    format::{ms, percent, rate},
    limits,
    schema::{Check, Latency},
};

pub(super) fn check(context: &Context) -> Check {
    let limit = format!(
        "{} and {} workflows",
        percent(limits::LITTLE_DIFFERENCE),
        limits::LITTLE_SLACK
    );
    let observed = match observe(context) {
        Ok(observed) => observed,
        Err(reason) => return CheckBuilder::new(names::LITTLES_LAW, reason, limit).not_applicable(),
    };
    let expected = observed.rate * observed.residence;
    let room = expected * limits::LITTLE_DIFFERENCE + 3.0 * observed.standard_error + limits::LITTLE_SLACK;
    let value = format!(
        "mean backlog {:.1}, {} × {} = {expected:.1}",
        observed.backlog,
        rate(observed.rate),
        ms(observed.residence * 1000.0)
    );
    let draft = CheckBuilder::new(names::LITTLES_LAW, value, limit).numbers((observed.backlog - expected).abs(), room);
    if (observed.backlog - expected).abs() <= room {
        draft.pass()
    } else {
        draft.invalid(
            "the number of open workflows and their latencies contradict each other: compare the clocks of the \
             workers' hosts with this one's; if they agree, please report it",
        )
    }
}

struct Observed {
    /// Mean backlog, workflows.
    backlog: f64,
    /// Standard error of that mean.
    standard_error: f64,
    /// Ends a second.
    rate: f64,
    /// Mean time from acceptance to end, seconds.
    residence: f64,
}

/// The two sides, or why the law cannot be tried.
fn observe(context: &Context) -> Result<Observed, String> {
    let ledger = &context.measure.ledger;
    let latencies = &context.measure.latencies;
    let points: Option<Vec<(f64, f64)>> = context
        .measured
        .iter()
        .map(|window| Some((window.second as f64, window.backlog? as f64)))
        .collect();
    let points = points.ok_or("ends are not observed second by second")?;
    let trend = Trend::through(&points)
        .filter(|_| points.len() >= limits::BACKLOG_MIN_WINDOWS)
        .ok_or_else(|| format!("fewer than {} measured seconds", limits::BACKLOG_MIN_WINDOWS))?;
    let ends = &latencies.e2e_service;
    let measured = ends.completed.count + ends.not_completed.count;
    let missing = ledger.accepted.saturating_sub(measured);
    if missing as f64 > ledger.accepted as f64 * limits::LITTLE_MAX_OPEN {
        return Err(format!("{missing} workflows have no measured end"));
    }
    let (Some(completions), Some(acknowledged)) =
        (context.measure.completion_rate, latencies.start_service.accepted.mean)
    else {
        return Err("no workflow completed".into());
    };
    if ends.completed.count == 0 {
        return Err("no workflow completed".into());
    }
    // Counted in the backlog from the acknowledgement on, while service counts from the dispatch.
    let sum = |latency: &Latency| latency.mean.unwrap_or_default() * latency.count as f64;
    let mean = (sum(&ends.completed) + sum(&ends.not_completed)) / measured as f64;
    let residence = (mean - acknowledged).max(0.0) / 1000.0;
    let rate = completions * measured as f64 / ends.completed.count as f64;
    if (rate * residence).max(trend.mean) < limits::LITTLE_MIN_BACKLOG {
        return Err(format!("a mean backlog of {:.1} is too small to tell", trend.mean));
    }
    if residence > context.measure.seconds * limits::LITTLE_MAX_RESIDENCE {
        return Err("workflows take too large a part of the measured phase".into());
    }
    if trend.growth.abs() > trend.mean * limits::LITTLE_STEADY {
        return Err("the backlog was not steady".into());
    }
    Ok(Observed {
        backlog: trend.mean,
        standard_error: trend.scatter / (points.len() as f64).sqrt(),
        rate,
        residence,
    })
}
