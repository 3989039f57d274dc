//! Checks of the fleet's members: whether the fleet was whole from the beginning of the measured phase to its end, and told
//! everything.

use super::{build::CheckBuilder, context::Context, names};
use crate::{
    format::{count, length, plural},
    schema::{Check, Member, MemberPresence, MemberRole},
};

/// Members that a value names; the file has all of them.
const NAMED: usize = 3;

/// What to do about a generator that did not send its part.
pub(super) const GENERATOR_LOST: &str = "what a lost generator had to send was not sent by anybody else, so the load is \
     not the one that was asked for: see that generator's log, and run again";

pub(super) fn checks(context: &Context) -> Vec<Check> {
    vec![whole(context), windows(context)]
}

fn whole(context: &Context) -> Check {
    let limit = "everybody, to the end";
    if !context.fleet.has_others() {
        return CheckBuilder::new(names::FLEET_MEMBERS, "no other process took part", limit).not_applicable();
    }
    let members = &context.fleet.members;
    let lost: Vec<String> = members.iter().filter_map(generator_lost).collect();
    let changes: Vec<String> = members
        .iter()
        .filter_map(|member| worker_change(context, member))
        .chain(too_few_workers(context))
        .collect();
    if lost.is_empty() && changes.is_empty() {
        let value = format!("{} throughout", plural(members.len() as u64, "member"));
        return CheckBuilder::new(names::FLEET_MEMBERS, value, limit).pass();
    }
    let said: Vec<String> = lost.iter().chain(&changes).cloned().collect();
    let draft = CheckBuilder::new(names::FLEET_MEMBERS, some_of(&said, "; "), limit);
    if lost.is_empty() {
        draft.numbers(changes.len() as f64, 0.0).warning(
            "the measured phase describes more than one fleet, and what a lost worker had begun waits for timeouts: see \
             that worker's log, and run again with a fleet that stays",
        )
    } else {
        draft
            .numbers(context.missing_arrivals() as f64, 0.0)
            .invalid(GENERATOR_LOST)
    }
}

/// A generator that was lost, or that owes a part of its arrivals. The leader owes nothing that it did not count itself.
fn generator_lost(member: &Member) -> Option<String> {
    let missing = member.missing_arrivals();
    let is_lost = member.role == MemberRole::Generator && member.presence == MemberPresence::Lost;
    if !is_lost && missing == 0 {
        return None;
    }
    Some(format!(
        "generator {} {}, {} of its part missing",
        member.name,
        departure(member),
        plural(missing, "arrival")
    ))
}

/// What a worker changed while it mattered: a loss always, since what it had begun ends late or not at all; coming and
/// going in the measured phase.
fn worker_change(context: &Context, member: &Member) -> Option<String> {
    if member.role != MemberRole::Worker {
        return None;
    }
    let (begin, end) = context.measured_span();
    let left = member.left_seconds;
    match member.presence {
        // Lost before this iteration began: it is too few, if anything.
        MemberPresence::Lost if left.is_none_or(|left| left >= 0.0) => {}
        MemberPresence::Left if left.is_some_and(|left| (begin..end).contains(&left)) => {}
        _ if member.joined_seconds > begin && member.joined_seconds < end => {
            return Some(format!(
                "worker {} joined at {}",
                member.name,
                length(member.joined_seconds)
            ));
        }
        _ => return None,
    }
    Some(format!("worker {} {}", member.name, departure(member)))
}

/// Fewer workers than the run was to wait for, when the measured phase began.
fn too_few_workers(context: &Context) -> Option<String> {
    let (begin, _) = context.measured_span();
    let there = context
        .fleet
        .members
        .iter()
        .filter(|member| member.role == MemberRole::Worker && member.is_apart() && member.joined_seconds <= begin)
        .filter(|member| {
            member.presence == MemberPresence::Present || member.left_seconds.is_some_and(|left| left > begin)
        })
        .count();
    let expected = context.fleet.expected_workers;
    ((there as u64) < u64::from(expected)).then(|| {
        format!(
            "{} of {} when the measured phase began",
            count(there as u64),
            plural(u64::from(expected), "worker")
        )
    })
}

fn departure(member: &Member) -> String {
    let mut text = match member.presence {
        MemberPresence::Present => return "did not tell all".into(),
        MemberPresence::Left => "left".to_owned(),
        MemberPresence::Lost => "was lost".to_owned(),
    };
    if let Some(at) = member.left_seconds {
        text += &if at < 0.0 {
            " before the beginning".to_owned()
        } else {
            format!(" at {}", length(at))
        };
    }
    if let Some(reason) = &member.reason {
        text += &format!(" ({reason})");
    }
    text
}

/// What was observed and never told is missing from every figure.
fn windows(context: &Context) -> Check {
    let limit = "none given up";
    let apart: Vec<&Member> = context
        .fleet
        .members
        .iter()
        .filter(|member| member.is_apart())
        .collect();
    if apart.is_empty() {
        return CheckBuilder::new(names::FLEET_WINDOWS, "no other process took part", limit).not_applicable();
    }
    let sum = |of: fn(&Member) -> u64| apart.iter().map(|member| of(member)).fold(0, u64::saturating_add);
    let dropped = sum(|member| member.windows_dropped);
    let value = if dropped == 0 {
        format!(
            "{} taken, {} of them sent again, none given up",
            count(sum(|member| member.windows)),
            count(sum(|member| member.windows_resent))
        )
    } else {
        let by: Vec<String> = apart
            .iter()
            .filter(|member| member.windows_dropped > 0)
            .map(|member| format!("{} by {}", count(member.windows_dropped), member.name))
            .collect();
        format!("{} given up: {}", plural(dropped, "window"), some_of(&by, ", "))
    };
    let draft = CheckBuilder::new(names::FLEET_WINDOWS, value, limit).numbers(dropped as f64, 0.0);
    if dropped == 0 {
        draft.pass()
    } else {
        draft.invalid(
            "the leader could not be reached for longer than a member had room to keep what it observed, so that is \
             missing: see to the network between them, and run again",
        )
    }
}

/// The first few, and how many more.
pub(super) fn some_of(said: &[String], between: &str) -> String {
    let mut text = said.iter().take(NAMED).cloned().collect::<Vec<_>>().join(between);
    if said.len() > NAMED {
        text += &format!("{between}and {} more", count((said.len() - NAMED) as u64));
    }
    text
}
