//! Checks of the account, whether it closes: within itself, with the server, between the observers.

use super::{build::CheckBuilder, context::Context, names};
use crate::{
    format::{count, percent, plural},
    ledger::Ledger,
    limits,
    schema::{Check, CompletionSource},
};

const DEFECT: &str =
    "the measurement lost count: this is a defect of the program, not of the cluster; please report it";

pub(super) fn checks(context: &Context) -> Vec<Check> {
    vec![
        ledger(context),
        unknown_starts(context),
        server_counts(context),
        observers(context),
        plausible_stamps(context),
        missing_stamps(context),
        repeated_stamps(context),
        sample_ends(context),
        clean_up(context),
    ]
}

fn ledger(context: &Context) -> Check {
    let limit = "three identities";
    let broken: Vec<String> = broken("", context.ledger)
        .chain(broken("measured phase: ", &context.measure.ledger))
        .collect();
    if broken.is_empty() {
        CheckBuilder::new(names::LEDGER, "every arrival ended in exactly one place", limit).pass()
    } else {
        CheckBuilder::new(names::LEDGER, broken.join("; "), limit).invalid(DEFECT)
    }
}

fn broken<'a>(part: &'a str, ledger: &Ledger) -> impl Iterator<Item = String> + 'a {
    ledger
        .broken_identities()
        .into_iter()
        .map(move |broken| format!("{part}{broken}"))
}

fn unknown_starts(context: &Context) -> Check {
    let unknown = context.ledger.unknown;
    let looked_up = context.reconciliation.unknown_found + context.reconciliation.unknown_not_found;
    let value = match (unknown, looked_up) {
        (0, 0) => "none".to_owned(),
        (unknown, looked_up) => format!("{} left, {} looked up", count(unknown), count(looked_up)),
    };
    let draft = CheckBuilder::new(names::UNKNOWN_STARTS, value, "0 left").numbers(unknown as f64, 0.0);
    if unknown == 0 {
        draft.pass()
    } else {
        draft.invalid(
            "the answers to these starts were lost and the server could not be asked for them afterwards, so nobody \
             knows whether they ran: see to it that the server is up at the end of the run",
        )
    }
}

fn server_counts(context: &Context) -> Check {
    let reconciliation = context.reconciliation;
    let limit = "no difference";
    if !reconciliation.disagreements.is_empty() {
        let value = reconciliation.disagreements.join("; ");
        let advice = match &reconciliation.server.value {
            Some(_) => {
                "the server's own counts of this run's workflows differ: if its visibility store lags, run again with a \
                 longer --drain"
            }
            None => {
                "the server could not be asked for its own counts, and nobody knows what it lost: see to it that it is \
                 up to the end of the run"
            }
        };
        return CheckBuilder::new(names::SERVER_COUNTS, value, limit).invalid(advice);
    }
    match &reconciliation.server.value {
        Some(counts) => {
            let total = counts.values().sum();
            CheckBuilder::new(
                names::SERVER_COUNTS,
                format!("{} agree", plural(total, "workflow")),
                limit,
            )
            .pass()
        }
        None => CheckBuilder::new(names::SERVER_COUNTS, reconciliation.server.source.clone(), limit).not_applicable(),
    }
}

fn observers(context: &Context) -> Check {
    let reconciliation = context.reconciliation;
    let limit = "no difference";
    let (differ, sampled) = (reconciliation.sample_disagreements, reconciliation.sampled);
    if sampled == 0 || reconciliation.source != CompletionSource::Stamps {
        return CheckBuilder::new(names::OBSERVERS, "no workflow was both stamped and long-polled", limit)
            .not_applicable();
    }
    let value = format!(
        "{} of {} long-polled ends differ from the stamp",
        count(differ),
        count(sampled)
    );
    let early = reconciliation.seen_before_stamp.unwrap_or(0);
    let value = match early {
        0 => value,
        early => format!("{value}, {} were seen before they were stamped", count(early)),
    };
    let compared = reconciliation.compared_with_server.unwrap_or(0);
    let too_soon = reconciliation.stamped_early.unwrap_or(0);
    let value = match too_soon {
        0 => value,
        early => format!(
            "{value}, {} of {} stamps leave out most of the time that the server saw",
            count(early),
            count(compared)
        ),
    };
    let draft = CheckBuilder::new(names::OBSERVERS, value, limit).numbers(differ as f64, 0.0);
    if differ == 0 && too_soon >= limits::STAMPED_EARLY_MIN && too_soon as f64 > compared as f64 * limits::STAMPED_EARLY
    {
        return draft.invalid(
            "workers say that workflows ended long before the server had it so: the clock of one of them is wrong, or the \
             worker is; synchronise the clocks (chrony), and see who joined",
        );
    }
    if differ == 0 && early as f64 > sampled as f64 * limits::IMPLAUSIBLE {
        draft.invalid(
            "workers say that workflows ended after the server had told so: the clock of one of them is wrong; \
             synchronise the clocks (chrony)",
        )
    } else if differ == 0 && early > 0 {
        draft.warning("the clock of a worker may have been set; few enough for the latencies to stand")
    } else if differ == 0 {
        draft.pass()
    } else {
        draft.invalid("workers and server tell different ends: does another worker poll this task queue?")
    }
}

/// Ends whose instants cannot be. They are in no latency; many of them say that those which could be are wrong, too.
fn plausible_stamps(context: &Context) -> Check {
    let reconciliation = context.reconciliation;
    let limit = percent(limits::IMPLAUSIBLE);
    let ends = reconciliation.stamped.max(reconciliation.sampled);
    let Some(implausible) = reconciliation.implausible.filter(|implausible| ends + implausible > 0) else {
        return CheckBuilder::new(names::PLAUSIBLE_STAMPS, "no end was timed", limit).not_applicable();
    };
    let share = implausible as f64 / ends.max(implausible) as f64;
    let value = format!(
        "{} of {} ends cannot be ({})",
        count(implausible),
        count(ends),
        percent(share)
    );
    CheckBuilder::new(names::PLAUSIBLE_STAMPS, value, limit).tiers(
        share,
        (0.0, limits::IMPLAUSIBLE),
        "these ends are before their start, or of no arrival that was due: they miss from the latencies",
        "ends lie before their start, or are of arrivals that were not due: the clock of a member is wrong, or the \
             member is; synchronise the clocks (chrony), and see who joined",
    )
}

fn missing_stamps(context: &Context) -> Check {
    let reconciliation = context.reconciliation;
    let limit = percent(limits::NOT_STAMPED);
    if reconciliation.source != CompletionSource::Stamps || reconciliation.stamped + reconciliation.not_stamped == 0 {
        return CheckBuilder::new(names::MISSING_STAMPS, "no worker stamps the ends", limit).not_applicable();
    }
    let ends = reconciliation.stamped + reconciliation.not_stamped;
    let share = reconciliation.not_stamped as f64 / ends as f64;
    let value = format!(
        "{} of {} ends ({})",
        count(reconciliation.not_stamped),
        count(ends),
        percent(share)
    );
    CheckBuilder::new(names::MISSING_STAMPS, value, limit).tiers(
        share,
        (0.0, limits::NOT_STAMPED),
        "these are counted as the server tells and miss from the end-to-end latencies",
        "too many ends miss from the end-to-end latencies: a worker of another program polls this task queue, or \
             one of this run was killed",
    )
}

fn repeated_stamps(context: &Context) -> Check {
    let reconciliation = context.reconciliation;
    let limit = percent(limits::STAMPED_TWICE);
    let (stamped, twice) = (reconciliation.stamped, reconciliation.stamped_twice);
    if reconciliation.source != CompletionSource::Stamps || stamped == 0 {
        return CheckBuilder::new(names::REPEATED_STAMPS, "no worker stamps the ends", limit).not_applicable();
    }
    let share = twice as f64 / stamped as f64;
    let value = format!("{} for {} ends ({})", count(twice), count(stamped), percent(share));
    CheckBuilder::new(names::REPEATED_STAMPS, value, limit).tiers(
        share,
        (0.0, limits::STAMPED_TWICE),
        "the server refused the first end of these workflows: their latency ends there and is too small",
        "the server refused too many ends and gave the tasks out again, so end-to-end latencies are too small: look \
             for workers that stall longer than a workflow task's timeout, or for frontends that restart",
    )
}

fn sample_ends(context: &Context) -> Check {
    let reconciliation = context.reconciliation;
    let limit = percent(limits::SAMPLE_MISSING);
    let draft = |value: &str| CheckBuilder::new(names::SAMPLE_ENDS, value, limit.clone());
    if reconciliation.source == CompletionSource::Stamps {
        return draft("the latencies are of stamps, not of a sample").not_applicable();
    }
    let Some(sample) = reconciliation.sample_ends.filter(|sample| sample.ended() > 0) else {
        return draft("no workflow of a sample ended").not_applicable();
    };
    let share = sample.missing_share();
    let value = format!(
        "{} of {} not learnt ({})",
        count(sample.missing),
        plural(sample.ended(), "end"),
        percent(share)
    );
    let draft = draft(&value).numbers(share, limits::SAMPLE_MISSING);
    if sample.missing == 0 {
        draft.pass()
    } else if sample.is_whole_enough() {
        draft.warning("these miss from the end-to-end latencies, and the slow are likelier among them")
    } else {
        draft.warning(
            "no end-to-end latency is shown: the slow are likelier among those that miss. See to it that the server can be \
             asked (GetWorkflowExecutionHistory, DescribeWorkflowExecution), or take a smaller --sample",
        )
    }
}

fn clean_up(context: &Context) -> Check {
    let cleanup = &context.reconciliation.cleanup;
    let limit = "nothing left open";
    if !cleanup.requested {
        return CheckBuilder::new(names::CLEAN_UP, "not asked for", limit).not_applicable();
    }
    match (&cleanup.problem, cleanup.open_after) {
        (Some(problem), _) => CheckBuilder::new(names::CLEAN_UP, problem.clone(), limit)
            .warning("workflows of this run may still be open and load the next one"),
        (None, Some(left)) if left > 0 => CheckBuilder::new(names::CLEAN_UP, plural(left, "workflow"), limit)
            .numbers(left as f64, 0.0)
            .warning("these will load the next run"),
        _ => CheckBuilder::new(names::CLEAN_UP, "nothing left open", limit).pass(),
    }
}
