//! Figures of a fleet's members, and what stands out: their use in the measured phase, and who is slower than
//! the others.

use crate::{
    format::{NONE, ms},
    limits::{SLOW_MEMBER, SLOW_MEMBER_MIN_MS},
    schema::{Latency, Member, MemberRole, MemberUsage, Results},
};

/// The two quantiles by which members are compared: p50 and p99, milliseconds.
pub type Speed = [Option<f64>; 2];

/// How fast a member was in the measured phase: a worker by completed `e2e_response`, a generator by accepted
/// `start_response`.
pub fn speed(member: &Member) -> Speed {
    latency(member).map_or([None, None], |latency| [latency.p50, latency.p99])
}

fn latency(member: &Member) -> Option<&Latency> {
    match member.role {
        MemberRole::Worker => member.ends.as_ref().map(|ends| &ends.e2e_response),
        MemberRole::Leader | MemberRole::Generator => member.starts.as_ref().map(|starts| &starts.start_response),
    }
}

/// The medians of members of the same kind, and so what each of them is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Typical([Option<f64>; 2]);

impl Typical {
    /// Of these members. Of an even number of them the lower one in the middle, so that of two the slower one can stand out.
    pub fn of<'a>(members: impl IntoIterator<Item = &'a Member>) -> Self {
        let speeds: Vec<Speed> = members.into_iter().map(speed).collect();
        Typical([0, 1].map(|quantile| {
            let mut values: Vec<f64> = speeds.iter().filter_map(|speed| speed[quantile]).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len().checked_sub(1)? / 2).copied()
        }))
    }

    /// Whether a member's p50 or p99 is beyond 1.5 times the typical one, and by more than noise.
    pub fn is_slow(&self, member: &Member) -> bool {
        speed(member)
            .iter()
            .zip(self.0)
            .any(|(own, typical)| match (own, typical) {
                (Some(own), Some(typical)) => *own > typical * SLOW_MEMBER && own - typical > SLOW_MEMBER_MIN_MS,
                _ => false,
            })
    }
}

/// A member's use in the measured phase of each iteration.
pub fn measured_usage<'a>(results: &'a Results, member: &'a Member) -> impl Iterator<Item = &'a MemberUsage> {
    member.usage.iter().filter(|usage| {
        let iteration = results
            .iterations
            .iter()
            .find(|iteration| iteration.index == usage.iteration);
        iteration.is_some_and(|iteration| {
            let measure = &iteration.phases.measure;
            (measure.start_seconds..measure.start_seconds + measure.seconds).contains(&usage.at_seconds)
        })
    })
}

/// A member's mean share of its CPUs in the measured phase; a generator's own word where it has one.
pub fn cpu_share(results: &Results, member: &Member) -> Option<f64> {
    if let Some(health) = member.generator.as_ref().filter(|health| health.seconds > 0.0) {
        return Some(health.cpu_share);
    }
    let shares: Vec<f64> = measured_usage(results, member).map(|usage| usage.cpu_share).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

/// Free slots of the kind that had the fewest.
pub fn free_slots(usage: &MemberUsage) -> Option<u32> {
    let slots = [usage.workflow_slots_free, usage.activity_slots_free];
    slots.into_iter().flatten().min()
}

/// The fewest free slots of a member in the measured phase.
pub fn fewest_free_slots(results: &Results, member: &Member) -> Option<u32> {
    measured_usage(results, member).filter_map(free_slots).min()
}

/// How far a member's clock is from the leader's, in words. Of who shares the leader's there is nothing to say.
pub fn clock_offset(member: &Member) -> String {
    match member.clock.offset_ms.filter(|_| member.is_apart()) {
        Some(offset) if offset.is_sign_positive() => format!("+{}", ms(offset)),
        Some(offset) => ms(offset),
        None => NONE.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        histogram::Histogram,
        schema::MemberEnds,
        testing::fleet::{WORKERS, run_of, worker, worker_lost_iteration},
    };

    fn worker_at(ms: i64) -> Member {
        let mut histogram = Histogram::new();
        (0..1_000).for_each(|_| histogram.record_micros(ms * 1_000));
        Member {
            ends: Some(MemberEnds {
                e2e_response: histogram.to_latency(),
                ..MemberEnds::none()
            }),
            ..worker("w")
        }
    }

    fn slow(workers: &[i64]) -> Vec<i64> {
        let members: Vec<Member> = workers.iter().map(|ms| worker_at(*ms)).collect();
        let typical = Typical::of(&members);
        let slow = workers
            .iter()
            .zip(&members)
            .filter(|(_, member)| typical.is_slow(member));
        slow.map(|(ms, _)| *ms).collect()
    }

    #[test]
    fn who_is_much_slower_than_the_others_is_slow() {
        assert_eq!(slow(&[20, 21, 60]), [60]);
        assert_eq!(slow(&[60, 20]), [60]);
        assert!(slow(&[20, 29, 21]).is_empty());
        assert!(slow(&[2, 2, 6]).is_empty(), "noise");
        assert!(slow(&[60]).is_empty());
        assert!(slow(&[]).is_empty());
    }

    #[test]
    fn who_ended_nothing_is_not_slow() {
        let members = [worker_at(20), worker("idle")];
        assert!(!Typical::of(&members).is_slow(&members[1]));
    }

    #[test]
    fn use_is_looked_at_in_the_measured_phase() {
        let results = run_of(worker_lost_iteration());
        let seconds_of = |name: &str| {
            let member = results.fleet.members.iter().find(|member| member.name == name).unwrap();
            measured_usage(&results, member).count()
        };
        assert_eq!(seconds_of(WORKERS[0]), 240);
        assert_eq!(seconds_of(WORKERS[2]), 72, "until it was lost");
    }
}
