//! Checks of sample sizes: whether there is anything to judge.

use super::{build::CheckBuilder, context::Context, names};
use crate::{
    format::{count, length, plural},
    schema::{Check, Latency},
};

pub(super) fn checks(context: &Context) -> Vec<Check> {
    vec![
        measured_starts(context),
        measured_ends(context),
        quantile_samples(context),
        run_length(context),
    ]
}

fn measured_starts(context: &Context) -> Check {
    let starts = &context.measure.latencies.start_response;
    let answered = starts.accepted.count + starts.rejected.count;
    let draft = CheckBuilder::new(
        names::MEASURED_STARTS,
        format!("{} answered", plural(answered, "start")),
        "at least 1",
    )
    .numbers(answered as f64, 1.0);
    if answered > 0 {
        draft.pass()
    } else if context.interrupted {
        draft.invalid("the run ended before its measured phase: let it run on, or shorten --ramp-up and --warm-up")
    } else {
        draft.invalid("no start of the measured phase was answered: look at the errors, and whether the server is up")
    }
}

fn measured_ends(context: &Context) -> Check {
    let ledger = &context.measure.ledger;
    let draft = |value: String| CheckBuilder::new(names::MEASURED_ENDS, value, "at least 1");
    if !context.ends_observed {
        return draft("the ends of workflows were not observed".into()).not_applicable();
    }
    if ledger.accepted == 0 {
        return draft("no workflow was started".into()).not_applicable();
    }
    let value = format!(
        "{} of {} workflows ended",
        count(ledger.ended()),
        count(ledger.accepted)
    );
    let draft = draft(value).numbers(ledger.ended() as f64, 1.0);
    if ledger.ended() > 0 {
        draft.pass()
    } else {
        draft.invalid(format!(
            "does a worker poll the task queue {:?} in namespace {:?}? is --drain longer than a workflow?",
            context.plan.task_queue, context.plan.namespace
        ))
    }
}

/// Names the quantiles that are left out. A missing p99.99 is no warning: the summary does not show it.
fn quantile_samples(context: &Context) -> Check {
    let latencies = &context.measure.latencies;
    let distributions = [
        ("start", &latencies.start_response.accepted),
        ("e2e", &latencies.e2e_response.completed),
    ];
    let shown = |name: &str| !matches!(name, "p99.99");
    let mut left_out: Vec<(String, Vec<&str>)> = Vec::new();
    // Seconds after which the last quantile that is shown has its samples, at the pace at which they came.
    let mut needed: f64 = 0.0;
    for (what, latency) in distributions.into_iter().filter(|(_, latency)| latency.count > 0) {
        let missing = missing(latency);
        if let Some((_, need)) = missing.iter().rfind(|(name, _)| shown(name)) {
            needed = needed.max(context.measure.seconds * *need as f64 / latency.count as f64);
        }
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
            let missing = format!("{} ({})", names.join(", "), plural(latency.count, "sample"));
            match left_out.iter_mut().find(|(known, _)| *known == missing) {
                Some((_, of)) => of.push(what),
                None => left_out.push((missing, vec![what])),
            }
        }
    }
    let limit = "5 samples beyond a quantile";
    if left_out.is_empty() {
        return CheckBuilder::new(names::QUANTILE_SAMPLES, "every quantile has enough", limit).pass();
    }
    let left_out: Vec<String> = left_out
        .into_iter()
        .map(|(missing, of)| format!("{} {missing}", of.join(" and ")))
        .collect();
    let value = format!("not shown: {}", left_out.join("; "));
    let draft = CheckBuilder::new(names::QUANTILE_SAMPLES, value, limit);
    if needed > 0.0 && context.interrupted {
        // The pace of a run that was cut short, as by a server that went away, says nothing of the next one.
        draft.warning("the run was interrupted: to its end there are more")
    } else if needed > 0.0 {
        draft.warning(format!(
            "measure for {} at this pace to see up to p99.9",
            length(needed.ceil())
        ))
    } else {
        draft.pass()
    }
}

/// The quantiles that a distribution is too small for, with the samples that they need.
fn missing(latency: &Latency) -> Vec<(&'static str, u64)> {
    latency
        .quantiles()
        .into_iter()
        .filter(|(_, need, _)| latency.count < *need)
        .map(|(name, need, _)| (name, need))
        .collect()
}

fn run_length(context: &Context) -> Check {
    let planned = context.plan.measure_duration().as_secs_f64();
    let value = format!("{} measured", length(context.measure.seconds));
    let draft = CheckBuilder::new(names::RUN_LENGTH, value, format!("{} planned", length(planned)))
        .numbers(context.measure.seconds, planned);
    if context.interrupted {
        draft.warning("the run was interrupted: what was measured until then stands, with fewer samples")
    } else {
        draft.pass()
    }
}
