//! Checks of the generators' machines: whether they kept up.

use benchmark_scenarios::Target;

use super::{build::CheckBuilder, context::Context, names};
use crate::{
    format::percent,
    limits,
    schema::{Check, Fact, GeneratorHealth, MemberRole},
};

/// A generator, and its name where it is not the leader.
type Generator<'a> = (Option<&'a str>, &'a GeneratorHealth);

pub(super) fn checks(context: &Context) -> Vec<Check> {
    let generators = generators(context);
    vec![
        own_cpu(context, &generators),
        busiest_thread(&generators),
        tiers(
            names::CPU_WAIT,
            &generators,
            |health| &health.cpu_wait,
            (limits::CPU_WAIT_WARNING, limits::CPU_WAIT),
            "the threads that keep the schedule had to queue for a CPU: free the machine, permit real-time threads \
             (CAP_SYS_NICE), or measure from a machine of its own",
        ),
        tiers(
            names::CPU_THROTTLING,
            &generators,
            |health| &health.throttled,
            (limits::THROTTLED_WARNING, limits::THROTTLED),
            "the control group's CPU quota stopped the generator: raise the quota or lower --rate",
        ),
        tiers(
            names::CPU_STEAL,
            &generators,
            |health| &health.steal,
            (limits::STEAL_WARNING, limits::STEAL),
            "other guests of this host took the CPU: measure again, or on a machine of its own",
        ),
        others(context, &generators),
        ceiling(&generators),
    ]
}

/// All generators, the leader first. Each check looks at all of them and tells of the worst: one that did not keep up is a
/// part of the load that was not the one asked for.
fn generators<'a>(context: &Context<'a>) -> Vec<Generator<'a>> {
    let input = context.input();
    let others = input
        .fleet
        .members
        .iter()
        .filter(|member| member.role == MemberRole::Generator)
        .filter_map(|member| Some((Some(member.name.as_str()), member.generator.as_ref()?)));
    std::iter::once((None, input.generator)).chain(others).collect()
}

/// The generator with the largest share of something, and that share. Of equal ones the first.
fn worst<'a, T: Clone>(
    generators: &[Generator<'a>],
    of: impl Fn(&'a GeneratorHealth) -> Option<T>,
    share: impl Fn(&T) -> f64,
) -> Option<(String, T)> {
    let mut worst: Option<(Option<&str>, T)> = None;
    for (name, health) in generators {
        if let Some(value) = of(health)
            && worst
                .as_ref()
                .is_none_or(|(_, most)| share(&value).total_cmp(&share(most)).is_gt())
        {
            worst = Some((*name, value));
        }
    }
    worst.map(|(name, value)| (name.map(|name| format!(" ({name})")).unwrap_or_default(), value))
}

fn own_cpu(context: &Context, generators: &[Generator]) -> Check {
    let limit = percent(limits::CPU_SHARE);
    let observed = |health: &GeneratorHealth| (health.seconds > 0.0).then_some(health.cpu_share);
    let Some((whose, share)) = worst(generators, observed, |share| *share) else {
        return CheckBuilder::new(names::GENERATOR_CPU, "not observed", limit).not_applicable();
    };
    let value = format!("{}{whose}", percent(share));
    let draft = CheckBuilder::new(names::GENERATOR_CPU, value, limit).numbers(share, limits::CPU_SHARE);
    if share <= limits::CPU_SHARE {
        draft.pass()
    } else {
        draft.invalid(context.free_the_machine())
    }
}

fn busiest_thread(generators: &[Generator]) -> Check {
    let limit = format!("{} of a core", percent(limits::BUSIEST_THREAD));
    let Some((whose, thread)) = worst(
        generators,
        |health| health.busiest_thread.value.as_ref(),
        |thread| thread.share,
    ) else {
        let reason = reason(generators, |health| &health.busiest_thread.source);
        return CheckBuilder::new(names::BUSIEST_THREAD, reason, limit).not_applicable();
    };
    let value = format!("{} of a core ({}){whose}", percent(thread.share), thread.name);
    let remedy = "one thread had no time left, however idle the other cores were: lower --rate";
    let tiers = (limits::BUSIEST_THREAD, limits::BUSIEST_THREAD);
    CheckBuilder::new(names::BUSIEST_THREAD, value, limit).tiers(thread.share, tiers, remedy, remedy)
}

/// A share with a limit for a warning and one beyond which the run is invalid.
fn tiers(
    name: &'static str,
    generators: &[Generator],
    fact: fn(&GeneratorHealth) -> &Fact<f64>,
    tiers: (f64, f64),
    remedy: &str,
) -> Check {
    let Some((whose, share)) = worst(generators, |health| fact(health).value, |share| *share) else {
        let reason = reason(generators, |health| &fact(health).source);
        return CheckBuilder::new(name, reason, percent(tiers.1)).not_applicable();
    };
    let value = format!("{}{whose}", percent(share));
    CheckBuilder::new(name, value, percent(tiers.1)).tiers(share, tiers, remedy, remedy)
}

/// What other programs had of the machines. Beside an embedded server all that is measured shares the cores with them; where
/// the server is elsewhere, the other checks say whether the generator was kept from its work.
fn others(context: &Context, generators: &[Generator]) -> Check {
    let embedded = matches!(context.plan.target, Target::Embedded(_));
    let limit = if embedded {
        format!(
            "{} with less than {} idle",
            percent(limits::OTHERS),
            percent(limits::OTHERS_IDLE)
        )
    } else {
        percent(limits::OTHERS_WARNING)
    };
    let used = worst(generators, |health| health.machine.value, |machine| machine.others);
    let Some((whose, machine)) = used else {
        let reason = reason(generators, |health| &health.machine.source);
        return CheckBuilder::new(names::OTHER_CPU, reason, limit).not_applicable();
    };
    let value = format!(
        "other programs used {} of the machine, {} was idle{whose}",
        percent(machine.others),
        percent(machine.idle)
    );
    let allowed = if embedded {
        limits::OTHERS
    } else {
        limits::OTHERS_WARNING
    };
    let draft = CheckBuilder::new(names::OTHER_CPU, value, limit).numbers(machine.others, allowed);
    if embedded && machine.others >= limits::OTHERS && machine.idle < limits::OTHERS_IDLE {
        draft.invalid(
            "the server, its workers and the generator queued behind other programs: end them, and measure again",
        )
    } else if machine.others >= limits::OTHERS_WARNING {
        draft.warning(
            "end what else runs on the machine, or keep it the same in all runs that are compared; a server or workers that \
             were not started by this run count as others",
        )
    } else {
        draft.pass()
    }
}

fn ceiling(generators: &[Generator]) -> Check {
    let limit = percent(limits::SHARE_OF_CEILING);
    let Some((whose, share)) = worst(generators, |health| health.share_of_ceiling.value, |share| *share) else {
        let reason = reason(generators, |health| &health.share_of_ceiling.source);
        return CheckBuilder::new(names::CALIBRATED_CEILING, reason, limit).not_applicable();
    };
    let value = format!("{}{whose}", percent(share));
    let draft = CheckBuilder::new(names::CALIBRATED_CEILING, value, limit).numbers(share, limits::SHARE_OF_CEILING);
    if share <= limits::SHARE_OF_CEILING {
        draft.pass()
    } else {
        draft.warning("the rate is near the highest that this host can send: lower --rate or take a larger machine")
    }
}

/// Why the leader's figure is not known.
fn reason<'a>(generators: &[Generator<'a>], source: impl Fn(&'a GeneratorHealth) -> &'a String) -> String {
    generators
        .first()
        .map(|(_, leader)| source(leader).clone())
        .unwrap_or_default()
}
