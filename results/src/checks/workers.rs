//! Checks of the workers: whether they had room, CPU and slots. Without it tasks wait for the fleet, and the figures
//! describe that.

use std::iter::Peekable;

use super::{build::CheckBuilder, context::Context, members::some_of, names};
use crate::{
    format::{count, percent, plural},
    limits,
    schema::{Check, Member, MemberRole, MemberUsage},
};

pub(super) fn checks(context: &Context) -> Vec<Check> {
    vec![cpu(context), slots(context)]
}

/// The busiest worker process. Workers of the leader's process are judged with it, by [`names::GENERATOR_CPU`].
fn cpu(context: &Context) -> Check {
    let limit = percent(limits::WORKER_CPU);
    let apart: Vec<&Member> = workers(context).filter(|member| member.is_apart()).collect();
    if apart.is_empty() {
        let value = "no worker process of its own took part";
        return CheckBuilder::new(names::WORKER_CPU, value, limit).not_applicable();
    }
    let mut shares: Vec<(f64, &str)> = apart
        .iter()
        .filter_map(|member| Some((mean_cpu(context, member)?, member.name.as_str())))
        .collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some(&(share, _)) = shares.first() else {
        let value = format!(
            "no worker told of {} of the measured phase",
            plural(limits::USAGE_MIN_ENTRIES as u64, "second")
        );
        return CheckBuilder::new(names::WORKER_CPU, value, limit).not_applicable();
    };
    let above = |bound: f64| -> String {
        let said: Vec<String> = shares
            .iter()
            .take_while(|(share, _)| *share > bound)
            .map(|(share, name)| format!("{} ({name})", percent(*share)))
            .collect();
        some_of(&said, ", ")
    };
    let draft =
        |value: String| CheckBuilder::new(names::WORKER_CPU, value, limit.clone()).numbers(share, limits::WORKER_CPU);
    if share > limits::WORKER_CPU {
        draft(above(limits::WORKER_CPU))
            .invalid("tasks wait for this worker's CPU and not for the cluster: add workers, or give them more cores")
    } else if share > limits::WORKER_CPU_WARNING {
        draft(above(limits::WORKER_CPU_WARNING))
            .warning("part of the latency is the wait for this worker's CPU: add workers, or give them more cores")
    } else {
        draft(format!(
            "{} at the most, of {}",
            percent(share),
            plural(shares.len() as u64, "worker")
        ))
        .pass()
    }
}

/// Mean CPU share of a member in the measured phase; `None` when it told of too little of it.
fn mean_cpu(context: &Context, member: &Member) -> Option<f64> {
    let (begin, end) = context.measured_span();
    let shares: Vec<f64> = member
        .usage
        .iter()
        // An entry tells of the time before it.
        .filter(|usage| usage.at_seconds > begin && usage.at_seconds <= end)
        .map(|usage| usage.cpu_share)
        .filter(|share| share.is_finite())
        .collect();
    (shares.len() >= limits::USAGE_MIN_ENTRIES).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

/// One kind of slot.
struct Kind {
    name: &'static str,
    flag: &'static str,
    free: fn(&MemberUsage) -> Option<u32>,
}

const KINDS: [Kind; 2] = [
    Kind {
        name: "workflow",
        flag: "--workflow-slots",
        free: |usage| usage.workflow_slots_free,
    },
    Kind {
        name: "activity",
        flag: "--activity-slots",
        free: |usage| usage.activity_slots_free,
    },
];

/// How often one kind of slot was used up.
struct Taken {
    kind: &'static Kind,
    /// Measured seconds of which anybody told.
    seconds: u64,
    /// Of them, those in which nobody had a free slot.
    by_all: u64,
    /// The worker that had none most often, and in how many.
    worst: Option<(String, u64)>,
}

impl Taken {
    fn allowed(&self) -> f64 {
        (self.seconds as f64 * limits::NO_SLOTS_RATIO).max(1.0)
    }

    fn is_beyond(&self, seconds: u64) -> bool {
        seconds as f64 > self.allowed()
    }

    fn worst_seconds(&self) -> u64 {
        self.worst.as_ref().map_or(0, |(_, seconds)| *seconds)
    }
}

/// Whether there were free slots. Any worker may take what another has no room for, so it is the fleet that is the limit
/// when all are full; one that is full alone is slower or smaller than the others.
fn slots(context: &Context) -> Check {
    let limit = format!(
        "1 second, or {} of them, without a free slot",
        percent(limits::NO_SLOTS_RATIO)
    );
    let kinds: Vec<Taken> = KINDS
        .iter()
        .map(|kind| taken(context, kind))
        .filter(|taken| taken.seconds > 0)
        .collect();
    let draft = |value: String| CheckBuilder::new(names::WORKER_SLOTS, value, limit.clone());
    let (Some(by_all), Some(by_one)) = (
        kinds.iter().max_by_key(|taken| taken.by_all),
        kinds.iter().max_by_key(|taken| taken.worst_seconds()),
    ) else {
        return draft("no worker tells of its slots".into()).not_applicable();
    };
    if by_all.is_beyond(by_all.by_all) {
        return draft(format!(
            "no free {} slots in {} of {} seconds",
            by_all.kind.name,
            count(by_all.by_all),
            count(by_all.seconds)
        ))
        .numbers(by_all.by_all as f64, by_all.allowed())
        .invalid(format!(
            "tasks wait for the workers and not for the cluster: add workers, or raise their {}",
            by_all.kind.flag
        ));
    }
    match &by_one.worst {
        Some((name, seconds)) if by_one.is_beyond(*seconds) => draft(format!(
            "{name} had no free {} slots in {} of {} seconds, others had",
            by_one.kind.name,
            count(*seconds),
            count(by_one.seconds)
        ))
        .numbers(*seconds as f64, by_one.allowed())
        .warning(format!(
            "this worker is slower or smaller than the others: look at its machine, or raise its {}",
            by_one.kind.flag
        )),
        _ => draft(format!(
            "none free in {} of {} seconds",
            count(by_all.by_all),
            count(by_all.seconds)
        ))
        .numbers(by_all.by_all as f64, by_all.allowed())
        .pass(),
    }
}

fn taken(context: &Context, kind: &'static Kind) -> Taken {
    let (begin, end) = context.measured_span();
    let last_word = workers(context)
        .flat_map(|member| member.usage.iter().map(|usage| usage.at_seconds))
        .fold(begin, f64::max);
    let mut told: Vec<(&str, u64, Latest<'_>)> = workers(context)
        .map(|member| (member.name.as_str(), 0, Latest::of(member, kind.free)))
        .collect();
    let (mut seconds, mut by_all) = (0, 0);
    // What nobody told of is not looked at.
    let whole =
        (end.min(last_word + limits::USAGE_HOLDS_SECONDS) - begin).clamp(0.0, limits::LONGEST_PHASE_SECONDS) as u64;
    for second in 1..=whole {
        let (mut known, mut full) = (0, 0);
        for (_, without, latest) in &mut told {
            if let Some(free) = latest.at(begin + second as f64) {
                known += 1;
                full += u64::from(free == 0);
                *without += u64::from(free == 0);
            }
        }
        seconds += u64::from(known > 0);
        by_all += u64::from(known > 0 && known == full);
    }
    Taken {
        kind,
        seconds,
        by_all,
        worst: told
            .into_iter()
            .max_by_key(|(_, without, _)| *without)
            .map(|(name, without, _)| (name.to_owned(), without)),
    }
}

/// What a member last told of its free slots, as time goes by.
struct Latest<'a> {
    rest: Peekable<Box<dyn Iterator<Item = (f64, u32)> + 'a>>,
    last: Option<(f64, u32)>,
    /// How long a word holds, seconds.
    holds: f64,
}

impl<'a> Latest<'a> {
    fn of(member: &'a Member, free: fn(&MemberUsage) -> Option<u32>) -> Self {
        let told = member
            .usage
            .iter()
            .filter_map(move |usage| Some((usage.at_seconds, free(usage)?)));
        let told: Box<dyn Iterator<Item = (f64, u32)>> = Box::new(told);
        Latest {
            rest: told.peekable(),
            last: None,
            holds: limits::USAGE_HOLDS_SECONDS.max(spacing(&member.usage) * 2.0),
        }
    }

    /// Free slots at a time that is no earlier than the one before; `None` when it has told of none for too long.
    fn at(&mut self, seconds: f64) -> Option<u32> {
        while let Some(next) = self.rest.next_if(|(at, _)| *at <= seconds) {
            self.last = Some(next);
        }
        let (at, free) = self.last?;
        (seconds - at <= self.holds).then_some(free)
    }
}

/// Mean time between entries, seconds: long runs have fewer.
fn spacing(usage: &[MemberUsage]) -> f64 {
    match usage {
        [first, .., last] => (last.at_seconds - first.at_seconds) / (usage.len() - 1) as f64,
        _ => 0.0,
    }
}

fn workers<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Member> {
    let members: &'a [Member] = &context.input().fleet.members;
    members.iter().filter(|member| member.role == MemberRole::Worker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fleet;

    #[test]
    fn the_time_between_entries_is_their_mean() {
        for (times, mean) in [(&[][..], 0.0), (&[7.0], 0.0), (&[30.0, 50.0, 100.0], 35.0)] {
            let usage: Vec<MemberUsage> = times
                .iter()
                .map(|at| MemberUsage {
                    at_seconds: *at,
                    ..fleet::usage()
                })
                .collect();
            assert_eq!(spacing(&usage), mean);
        }
    }
}
