//! Checks of the load, whether it was offered: arrivals, starts and what became of the rest.

use benchmark_scenarios::Arrivals;

use super::{build::CheckBuilder, context::Context, members::GENERATOR_LOST, names};
use crate::{
    format::{count, percent, plural},
    limits,
    schema::{Check, Window},
};

const TOO_SLOW: &str =
    "the server answered more slowly than starts were due: lower --rate or give the cluster more capacity";

pub(super) fn checks(context: &Context) -> Vec<Check> {
    vec![
        offered(context),
        attainment(context),
        window_attainment(context),
        drops(context),
        rejected(context),
        in_flight_cap(context),
        connection_streams(context),
    ]
}

/// The schedule asked for what the plan says.
fn offered(context: &Context) -> Check {
    let planned = context.rate() * context.plan.measure_duration().as_secs_f64();
    let arrivals = context.measure.ledger.arrivals as f64;
    let room = match context.plan.load.arrivals {
        Arrivals::Constant => (planned * limits::OFFERED_DIFFERENCE).max(limits::OFFERED_SLACK),
        Arrivals::Poisson => (planned.sqrt() * limits::POISSON_DEVIATIONS).max(limits::OFFERED_SLACK),
    };
    let limit = format!("{} ± {}", count(planned.round() as u64), count(room.round() as u64));
    let value = plural(context.measure.ledger.arrivals, "arrival");
    let draft = CheckBuilder::new(names::OFFERED_LOAD, value, limit).numbers(arrivals, planned);
    if context.interrupted {
        CheckBuilder::new(names::OFFERED_LOAD, "the run was interrupted", "rate × measured time").not_applicable()
    } else if (arrivals - planned).abs() <= room {
        draft.pass()
    } else if context.missing_arrivals() > 0 {
        draft.invalid(GENERATOR_LOST)
    } else {
        draft.invalid("the schedule was not followed: this is a defect of the generator; please report it")
    }
}

/// Drops of the measured phase by whose doing they were: the generator's, the cluster's. Arrivals that had waited at the cap
/// on unanswered starts would have been sent had the server answered.
fn drops_by_cause(context: &Context) -> (u64, u64) {
    let ledger = &context.measure.ledger;
    let cluster = match &context.measure.at_cap {
        Some(at_cap) => at_cap.dropped.min(ledger.dropped()),
        None => ledger.dropped_cap,
    };
    // What a lost generator did not send is its own, whatever became of the others' arrivals.
    let own = (ledger.dropped() - cluster).max(not_sent(context));
    (own, ledger.dropped().saturating_sub(own))
}

/// Arrivals of the measured phase that were dropped since their generator was lost, at the most.
fn not_sent(context: &Context) -> u64 {
    context.missing_arrivals().min(context.measure.ledger.dropped_lag)
}

fn attainment(context: &Context) -> Check {
    let ledger = &context.measure.ledger;
    let limit = format!("at least {}", percent(limits::START_ATTAINMENT));
    if ledger.arrivals == 0 {
        return CheckBuilder::new(names::START_ATTAINMENT, "nothing was due", limit).not_applicable();
    }
    let share = ledger.dispatched as f64 / ledger.arrivals as f64;
    let value = format!("{} of the arrivals were dispatched", percent(share));
    let draft = CheckBuilder::new(names::START_ATTAINMENT, value, limit).numbers(share, limits::START_ATTAINMENT);
    let allowed = 1.0 - limits::START_ATTAINMENT;
    let (own, _) = drops_by_cause(context);
    if share >= limits::START_ATTAINMENT {
        draft.pass()
    } else if own as f64 / ledger.arrivals as f64 > allowed || ledger.dropped() == 0 {
        draft.invalid(context.free_the_machine())
    } else {
        draft.overloaded(TOO_SLOW)
    }
}

fn window_attainment(context: &Context) -> Check {
    let limit = format!(
        "1 second, or {} of them, below {}",
        percent(limits::SHORT_WINDOW_RATIO),
        percent(limits::WINDOW_ATTAINMENT)
    );
    let judged: Vec<_> = context
        .measured
        .iter()
        .filter(|window| window.due >= limits::WINDOW_MIN_DUE)
        .collect();
    if judged.is_empty() {
        let reason = format!("no second had {} arrivals due", limits::WINDOW_MIN_DUE);
        return CheckBuilder::new(names::WINDOW_ATTAINMENT, reason, limit).not_applicable();
    }
    let short: Vec<_> = judged
        .iter()
        .filter(|window| is_short(window, window.dispatched))
        .collect();
    let allowed = (judged.len() as f64 * limits::SHORT_WINDOW_RATIO).max(1.0);
    let value = format!(
        "{} of {} seconds dispatched less than {} of what was due",
        count(short.len() as u64),
        count(judged.len() as u64),
        percent(limits::WINDOW_ATTAINMENT)
    );
    let draft = CheckBuilder::new(names::WINDOW_ATTAINMENT, value, limit).numbers(short.len() as f64, allowed);
    if short.len() as f64 <= allowed {
        draft.pass()
    } else if short.iter().all(|window| {
        !is_short(
            window,
            window.dispatched.saturating_add(window.held_at_cap.unwrap_or(0)),
        )
    }) {
        draft.overloaded(TOO_SLOW)
    } else {
        draft.invalid(context.free_the_machine())
    }
}

/// Whether so many starts are too few for a second.
fn is_short(window: &Window, starts: u64) -> bool {
    (starts as f64) < window.due as f64 * limits::WINDOW_ATTAINMENT
}

fn drops(context: &Context) -> Check {
    let ledger = &context.measure.ledger;
    let (own, cluster) = drops_by_cause(context);
    let before = context.ledger.dropped().saturating_sub(ledger.dropped());
    let allowed = ledger.arrivals as f64 * (1.0 - limits::START_ATTAINMENT);
    let lost = not_sent(context);
    let value = match (own, cluster, before) {
        (0, 0, 0) => "none".to_owned(),
        (0, 0, before) => format!("none measured, {} before", count(before)),
        (own, cluster, _) => format!(
            "{} given up: {}{} late without cause, {} while the server did not answer",
            count(own + cluster),
            match lost {
                0 => String::new(),
                lost => format!("{} by the loss of a generator, ", count(lost)),
            },
            count(own - lost),
            count(cluster)
        ),
    };
    let limit = format!("{} of the arrivals", percent(1.0 - limits::START_ATTAINMENT));
    let draft = CheckBuilder::new(names::DROPS, value, limit).numbers((own + cluster) as f64, allowed);
    if own as f64 > allowed {
        draft.invalid(context.free_the_machine())
    } else if cluster as f64 > allowed {
        draft.overloaded(TOO_SLOW)
    } else if own + cluster + before > 0 {
        draft.warning("few enough for the figures to stand; a longer --warm-up or a lower --rate avoids them")
    } else {
        draft.pass()
    }
}

/// What the server refused. Refusals that load explains make the run OVERLOADED; those that the start itself explains make
/// it no measurement.
fn rejected(context: &Context) -> Check {
    let ledger = context.ledger;
    let limit = format!(
        "{} for lack of resources, {} for any other reason",
        percent(limits::REJECTED_OVERLOAD),
        percent(limits::REJECTED_WRONG)
    );
    if ledger.dispatched == 0 {
        return CheckBuilder::new(names::REJECTED_STARTS, "nothing was dispatched", limit).not_applicable();
    }
    let by_code = |chosen: fn(&str) -> bool| -> u64 {
        context
            .errors
            .iter()
            .filter(|group| group.operation == "StartWorkflowExecution" && chosen(&group.code))
            .map(|group| group.count)
            .sum()
    };
    let wrong = by_code(is_wrong_start).min(ledger.rejected);
    let by_load = ledger.rejected - wrong;
    let exhausted = by_code(is_exhausted).min(by_load);
    let share = |number: u64| number as f64 / ledger.dispatched as f64;
    let mut value = format!("{} ({})", count(ledger.rejected), percent(share(ledger.rejected)));
    if exhausted > 0 {
        value += &format!(", {} for lack of resources", count(exhausted));
    }
    let draft = CheckBuilder::new(names::REJECTED_STARTS, value, limit)
        .numbers(share(ledger.rejected), limits::REJECTED_OVERLOAD);
    if share(wrong) > limits::REJECTED_WRONG {
        draft.invalid("the server refused the starts themselves, whatever the load: the errors say why")
    } else if share(by_load) > limits::REJECTED_OVERLOAD && exhausted > 0 {
        draft.overloaded("a limit of the server refused starts: raise its request limits, or lower --rate")
    } else if share(by_load) > limits::REJECTED_OVERLOAD {
        draft
            .overloaded("the server refused starts: the errors say why; lower --rate or give the cluster more capacity")
    } else if ledger.rejected > 0 {
        draft.warning("few enough for the figures to stand; the errors say why")
    } else {
        draft.pass()
    }
}

/// Whether a gRPC code says that the start would have been refused without any load.
fn is_wrong_start(code: &str) -> bool {
    [
        "invalidargument",
        "notfound",
        "alreadyexists",
        "permissiondenied",
        "unauthenticated",
        "failedprecondition",
        "outofrange",
        "unimplemented",
    ]
    .contains(&plain(code).as_str())
}

fn is_exhausted(code: &str) -> bool {
    plain(code) == "resourceexhausted"
}

/// `RESOURCE_EXHAUSTED`, `ResourceExhausted` and `resource exhausted` are one code.
fn plain(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}

fn in_flight_cap(context: &Context) -> Check {
    let cap = context.plan.load.max_in_flight;
    let limit = format!(
        "{} of the seconds with arrivals waiting at --max-in-flight {}",
        percent(limits::CAP_WINDOW_RATIO),
        count(u64::from(cap))
    );
    if context.measured.is_empty() {
        return CheckBuilder::new(names::IN_FLIGHT_CAP, "no second was measured", limit).not_applicable();
    }
    let reached = context
        .measured
        .iter()
        .filter(|window| {
            let waited = window.waited_at_cap.unwrap_or(0).max(window.held_at_cap.unwrap_or(0));
            waited > 0 && waited as f64 >= window.due as f64 * limits::CAP_REACHED
        })
        .count();
    let share = reached as f64 / context.measured.len() as f64;
    let value = format!(
        "{} of {} seconds, at most {} unanswered",
        count(reached as u64),
        count(context.measured.len() as u64),
        count(context.generator.peak_in_flight)
    );
    let draft = CheckBuilder::new(names::IN_FLIGHT_CAP, value, limit).numbers(share, limits::CAP_WINDOW_RATIO);
    // One second may always be full: in a short run it is more than its share.
    if reached <= 1 || share <= limits::CAP_WINDOW_RATIO {
        draft.pass()
    } else {
        draft.overloaded(format!(
            "{TOO_SLOW}; if the cap is too small for this server's latency, raise --max-in-flight"
        ))
    }
}

/// The share of the starts that waited, when it is too large.
fn starts_waited(context: &Context) -> Option<f64> {
    let waited = context.generator.start_connections?.waited;
    let share = waited as f64 / context.ledger.dispatched.max(1) as f64;
    (share > limits::STARTS_WAITED).then_some(share)
}

fn connection_streams(context: &Context) -> Check {
    let peak = context.generator.peak_in_flight_per_connection;
    let value = format!(
        "at most {} unanswered on one of {}",
        count(peak),
        plural(u64::from(context.generator.connections), "connection")
    );
    let draft = CheckBuilder::new(names::CONNECTION_STREAMS, value, count(limits::STREAMS_PER_CONNECTION))
        .numbers(peak as f64, limits::STREAMS_PER_CONNECTION as f64);
    if context.generator.connections == 0 {
        CheckBuilder::new(
            names::CONNECTION_STREAMS,
            "no connection was used",
            count(limits::STREAMS_PER_CONNECTION),
        )
        .not_applicable()
    } else if let Some(waited) = starts_waited(context) {
        draft.warning(format!(
            "{} of the starts waited for a connection or for a free stream of one, which shows as start latency: raise \
             --connections, or see `generator.startConnections` for what became of them",
            percent(waited)
        ))
    } else if peak <= limits::STREAMS_PER_CONNECTION {
        draft.pass()
    } else {
        draft.warning(
            "a proxy or server that limits streams makes further starts wait in this process, which shows as start \
             latency: raise --connections",
        )
    }
}
