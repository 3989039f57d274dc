//! Whether the generator's machine kept up.

use super::{context::Context, draft::Draft, names};
use crate::{
    format::percent,
    limits,
    schema::{Check, Fact},
};

pub(super) fn checks(context: &Context) -> Vec<Check> {
    let generator = context.generator;
    vec![
        own_cpu(context),
        busiest_thread(context),
        tiers(
            names::CPU_WAIT,
            &generator.cpu_wait,
            (limits::CPU_WAIT_WARNING, limits::CPU_WAIT),
            "the threads that keep the schedule had to queue for a CPU: free the machine, permit real-time threads \
             (CAP_SYS_NICE), or measure from a machine of its own",
        ),
        tiers(
            names::CPU_THROTTLING,
            &generator.throttled,
            (limits::THROTTLED_WARNING, limits::THROTTLED),
            "the control group's CPU quota stopped the generator: raise the quota or lower --rate",
        ),
        tiers(
            names::CPU_STEAL,
            &generator.steal,
            (limits::STEAL_WARNING, limits::STEAL),
            "other guests of this host took the CPU: measure again, or on a machine of its own",
        ),
        ceiling(context),
    ]
}

fn own_cpu(context: &Context) -> Check {
    let generator = context.generator;
    let limit = percent(limits::CPU_SHARE);
    if generator.seconds <= 0.0 {
        return Draft::new(names::GENERATOR_CPU, "not observed", limit).not_applicable();
    }
    let draft = Draft::new(names::GENERATOR_CPU, percent(generator.cpu_share), limit)
        .numbers(generator.cpu_share, limits::CPU_SHARE);
    if generator.cpu_share <= limits::CPU_SHARE {
        draft.pass()
    } else {
        draft.invalid(context.free_the_machine())
    }
}

fn busiest_thread(context: &Context) -> Check {
    let limit = format!("{} of a core", percent(limits::BUSIEST_THREAD));
    let fact = &context.generator.busiest_thread;
    let Some(thread) = &fact.value else {
        return Draft::new(names::BUSIEST_THREAD, fact.source.clone(), limit).not_applicable();
    };
    let value = format!("{} of a core ({})", percent(thread.share), thread.name);
    let draft = Draft::new(names::BUSIEST_THREAD, value, limit).numbers(thread.share, limits::BUSIEST_THREAD);
    if thread.share <= limits::BUSIEST_THREAD {
        draft.pass()
    } else {
        draft.invalid("one thread had no time left, however idle the other cores were: lower --rate")
    }
}

/// A share with a limit for a warning and one beyond which the run is invalid.
fn tiers(name: &'static str, fact: &Fact<f64>, (warning, invalid): (f64, f64), remedy: &str) -> Check {
    let Some(share) = fact.value else {
        return Draft::new(name, fact.source.clone(), percent(invalid)).not_applicable();
    };
    let draft = Draft::new(name, percent(share), percent(invalid)).numbers(share, invalid);
    if share > invalid {
        draft.invalid(remedy)
    } else if share > warning {
        draft.warning(remedy)
    } else {
        draft.pass()
    }
}

fn ceiling(context: &Context) -> Check {
    let fact = &context.generator.share_of_ceiling;
    let limit = percent(limits::SHARE_OF_CEILING);
    let Some(share) = fact.value else {
        return Draft::new(names::CALIBRATED_CEILING, fact.source.clone(), limit).not_applicable();
    };
    let draft = Draft::new(names::CALIBRATED_CEILING, percent(share), limit).numbers(share, limits::SHARE_OF_CEILING);
    if share <= limits::SHARE_OF_CEILING {
        draft.pass()
    } else {
        draft.warning("the rate is near the highest that this host can send: lower --rate or take a larger machine")
    }
}
