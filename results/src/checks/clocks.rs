//! Checks of the members' clocks: whether they are known well enough for the latencies that were taken across them.

use super::{build::CheckBuilder, context::Context, members::some_of, names};
use crate::{
    format::{ms, percent, plural},
    limits,
    schema::{Check, CheckStatus, CompletionSource, Member, MemberRole},
};

/// What the clock of one member says of the latencies.
struct Finding {
    status: CheckStatus,
    /// As a share of the reported median.
    share: Option<f64>,
    said: String,
}

pub(super) fn check(context: &Context) -> Check {
    let limit = format!("{} of the e2e p50", percent(limits::CLOCK_SHARE));
    let draft = |value: &str| CheckBuilder::new(names::CLOCK_OFFSET, value, limit.clone());
    let members: Vec<&Member> = context
        .fleet
        .members
        .iter()
        .filter(|member| member.is_apart() && matters(context, member))
        .collect();
    if members.is_empty() {
        return draft("all instants are on the leader's clock").not_applicable();
    }
    let Some(p50) = context
        .measure
        .latencies
        .e2e_response
        .completed
        .p50
        .filter(|p50| *p50 > 0.0)
    else {
        return draft("there is no e2e p50 to compare with").not_applicable();
    };
    let limit = format!("{limit}, {}", ms(p50 * limits::CLOCK_SHARE));
    let mut findings: Vec<Finding> = members.iter().map(|member| finding(context, member, p50)).collect();
    findings.sort_by(|a, b| {
        let share = |finding: &Finding| finding.share.unwrap_or(0.0);
        b.status.cmp(&a.status).then(share(b).total_cmp(&share(a)))
    });
    let worst = findings[0].status;
    let said: Vec<String> = findings
        .iter()
        .take_while(|finding| finding.status == worst)
        .map(|finding| finding.said.clone())
        .collect();
    let value = match worst {
        CheckStatus::Pass => format!("at the worst {}", said[0]),
        _ => some_of(&said, "; "),
    };
    let draft = CheckBuilder::new(names::CLOCK_OFFSET, value, limit)
        .numbers(findings[0].share.unwrap_or(f64::NAN), limits::CLOCK_SHARE);
    match worst {
        CheckStatus::Invalid => draft.invalid(
            "the offset between the clocks is not known well enough for latencies as short as these, or a clock was set \
             while it was measured: synchronise the clocks (chrony), bring the members nearer to the leader, or measure \
             longer workflows",
        ),
        CheckStatus::Warning => draft.warning(
            "the clocks of the machines differ; what is known of it is corrected: synchronise them (chrony) to be sure",
        ),
        _ => draft.pass(),
    }
}

/// Whether an instant of the member is in the latencies. A member that told nothing has none; where the server tells the
/// ends, workers have none.
fn matters(context: &Context, member: &Member) -> bool {
    member.windows > 0
        && (member.role != MemberRole::Worker || context.reconciliation.source == CompletionSource::Stamps)
}

fn finding(context: &Context, member: &Member, p50: f64) -> Finding {
    let clock = &member.clock;
    let known = |value: Option<f64>| value.filter(|ms| ms.is_finite());
    let (Some(offset), Some(uncertainty)) = (known(clock.offset_ms), known(clock.uncertainty_ms)) else {
        return Finding {
            status: CheckStatus::Warning,
            share: None,
            said: format!("clock of {} not compared with the leader's", member.name),
        };
    };
    let is_beyond = |ms: f64| ms.abs() / p50 > limits::CLOCK_SHARE;
    let step = known(clock.largest_step_ms).unwrap_or(0.0);
    let error = known(clock.error_ms).unwrap_or(0.0);
    if is_beyond(step) || is_beyond(error) {
        let (matter, said) = if step >= error {
            let steps = plural(clock.steps.unwrap_or(1).max(1), "time");
            (step, format!("was set {steps}, by {}", ms(step)))
        } else {
            (
                error,
                format!("was off by {} beyond what it was corrected by", ms(error)),
            )
        };
        return Finding {
            status: CheckStatus::Invalid,
            share: Some(matter / p50),
            said: format!("the clock of {} {said}", member.name),
        };
    }
    let (status, matter) = if clock.corrected {
        match (is_beyond(uncertainty), is_beyond(offset)) {
            (true, _) => (CheckStatus::Invalid, uncertainty),
            (false, true) => (CheckStatus::Warning, offset),
            (false, false) => (CheckStatus::Pass, uncertainty),
        }
    } else if is_beyond(uncertainty) && !shares_clock(context, member) {
        (CheckStatus::Warning, uncertainty)
    } else {
        (CheckStatus::Pass, uncertainty)
    };
    let corrected = if clock.corrected { "corrected by" } else { "off by" };
    // Nothing of it is left, but whoever looks for it finds it.
    let earlier = match known(clock.earlier_step_ms).filter(|step| is_beyond(*step)) {
        Some(step) => format!(" (set by {} before the measured phase)", ms(step)),
        None => String::new(),
    };
    Finding {
        status,
        share: Some(matter.abs() / p50),
        said: format!(
            "{} {corrected} {} ± {}{earlier}",
            member.name,
            ms(offset),
            ms(uncertainty.abs())
        ),
    }
}

/// Whether the member runs on the leader's machine: both read one clock, and what the round trips add is not its error.
fn shares_clock(context: &Context, member: &Member) -> bool {
    let host = |member: &Member| (member.host.hostname.value.clone(), member.host.kernel.value.clone());
    member.host.hostname.value.is_some()
        && context
            .fleet
            .members
            .iter()
            .any(|leader| leader.role == MemberRole::Leader && host(leader) == host(member))
}
