//! The fleets of several iterations as one: the same name and role is the same member.

use super::{generators, weighted};
use crate::{
    histogram::DecodeError,
    limits::USAGE_ENTRIES,
    schema::{
        Fleet, GeneratorHealth, Latency, Member, MemberClock, MemberEnds, MemberRole, MemberStarts, MemberUsage,
        PhaseReport,
    },
};

/// The fleets of iterations, each with the iteration's measured phase, by which shares are weighed. Members keep the order
/// in which they first appear; counts and histograms are added, use over time follows on, presence is the worst.
///
/// # Errors
/// When a histogram cannot be decoded.
pub fn fleets<'a>(parts: impl IntoIterator<Item = (&'a Fleet, &'a PhaseReport)>) -> Result<Fleet, DecodeError> {
    let mut merged = Fleet::alone();
    let mut groups: Vec<Group> = Vec::new();
    let mut measured = Vec::new();
    for (index, (fleet, phase)) in parts.into_iter().enumerate() {
        merged.expected_workers = merged.expected_workers.max(fleet.expected_workers);
        merged.generators = merged.generators.max(fleet.generators);
        measured.push(phase);
        for member in &fleet.members {
            let same = |group: &&mut Group| group[0].1.name == member.name && group[0].1.role == member.role;
            match groups.iter_mut().find(same) {
                Some(group) => group.push((index, member)),
                None => groups.push(vec![(index, member)]),
            }
        }
    }
    for group in groups {
        merged.members.push(member(&group, &measured)?);
    }
    bound(&mut merged.members);
    Ok(merged)
}

/// One member: the place of each iteration that it took part in, from 0, and what it was there. Never empty.
type Group<'a> = Vec<(usize, &'a Member)>;

fn member(group: &Group, measured: &[&PhaseReport]) -> Result<Member, DecodeError> {
    let first = group[0].1;
    if measured.len() == 1 {
        return Ok(Member {
            usage: usage(group),
            ..first.clone()
        });
    }
    let members = || group.iter().map(|(_, member)| *member);
    // Windows are counted since the member joined.
    let most = |of: fn(&Member) -> u64| members().map(of).max().unwrap_or_default();
    let health: Vec<&GeneratorHealth> = members().filter_map(|member| member.generator.as_ref()).collect();
    let mut merged = Member {
        workers: members()
            .filter_map(|member| member.workers.as_ref())
            .next_back()
            .cloned(),
        clock: clock(members().map(|member| &member.clock)),
        windows: most(|member| member.windows),
        windows_resent: most(|member| member.windows_resent),
        windows_dropped: most(|member| member.windows_dropped),
        share: share(group, measured),
        starts: starts(members().filter_map(|member| member.starts.as_ref()))?,
        ends: ends(members().filter_map(|member| member.ends.as_ref()))?,
        generator: generators(health),
        usage: usage(group),
        ..first.clone()
    };
    // Of two that are as bad the later one: it says how things ended.
    if let Some(worst) = members().max_by_key(|member| member.presence) {
        merged.presence = worst.presence;
        merged.left_seconds = worst.left_seconds;
        merged.reason.clone_from(&worst.reason);
    }
    Ok(merged)
}

/// Its part of all arrivals or ends: where it was not there, or had none, others had them.
fn share(group: &Group, measured: &[&PhaseReport]) -> Option<f64> {
    if group.iter().all(|(_, member)| member.share.is_none()) {
        return None;
    }
    weighted(measured.iter().enumerate().map(|(index, phase)| {
        let there = group.iter().find(|(place, _)| *place == index);
        let all = match group[0].1.role {
            MemberRole::Worker => phase.ledger.ended(),
            MemberRole::Leader | MemberRole::Generator => phase.ledger.arrivals,
        };
        (
            Some(there.and_then(|(_, member)| member.share).unwrap_or(0.0)),
            all as f64,
        )
    }))
}

fn usage(group: &Group) -> Vec<MemberUsage> {
    group
        .iter()
        .flat_map(|(place, member)| {
            let iteration = u32::try_from(place + 1).unwrap_or(u32::MAX);
            member
                .usage
                .iter()
                .map(move |usage| MemberUsage { iteration, ..*usage })
        })
        .collect()
}

fn starts<'a>(parts: impl Iterator<Item = &'a MemberStarts>) -> Result<Option<MemberStarts>, DecodeError> {
    let parts: Vec<&MemberStarts> = parts.collect();
    let Some(first) = parts.first() else {
        return Ok(None);
    };
    let count = |of: fn(&MemberStarts) -> u64| parts.iter().map(|part| of(part)).sum();
    let latency = |of: fn(&MemberStarts) -> &Latency| super::latency(parts.iter().map(|part| of(part)));
    Ok(Some(MemberStarts {
        stripe: first.stripe,
        arrivals: count(|part| part.arrivals),
        dispatched: count(|part| part.dispatched),
        dropped: count(|part| part.dropped),
        accepted: count(|part| part.accepted),
        rejected: count(|part| part.rejected),
        unknown: count(|part| part.unknown),
        missing: count(|part| part.missing),
        lag: latency(|part| &part.lag)?,
        start_service: latency(|part| &part.start_service)?,
        start_response: latency(|part| &part.start_response)?,
    }))
}

fn ends<'a>(parts: impl Iterator<Item = &'a MemberEnds>) -> Result<Option<MemberEnds>, DecodeError> {
    let parts: Vec<&MemberEnds> = parts.collect();
    if parts.is_empty() {
        return Ok(None);
    }
    let count = |of: fn(&MemberEnds) -> u64| parts.iter().map(|part| of(part)).sum();
    let latency = |of: fn(&MemberEnds) -> &Latency| super::latency(parts.iter().map(|part| of(part)));
    Ok(Some(MemberEnds {
        stamped: count(|part| part.stamped),
        completed: count(|part| part.completed),
        not_completed: count(|part| part.not_completed),
        e2e_service: latency(|part| &part.e2e_service)?,
        e2e_response: latency(|part| &part.e2e_response)?,
    }))
}

/// Keeps the entries of all members within [`USAGE_ENTRIES`]: as many neighbours as it takes become one.
fn bound(members: &mut [Member]) {
    let entries: usize = members.iter().map(|member| member.usage.len()).sum();
    let together = entries.div_ceil(USAGE_ENTRIES).max(1);
    for member in members {
        member.usage = thin(&member.usage, together);
    }
}

/// Each `together` neighbours of one iteration as one, at the time of the last of them: CPU is their mean, the rest is
/// their worst, so that a moment without room is not lost.
fn thin(usage: &[MemberUsage], together: usize) -> Vec<MemberUsage> {
    usage
        .chunk_by(|one, next| one.iteration == next.iteration)
        .flat_map(|iteration| iteration.chunks(together))
        .filter_map(|chunk| {
            let last = chunk.last()?;
            let mean = |of: fn(&MemberUsage) -> f64| chunk.iter().map(of).sum::<f64>() / chunk.len() as f64;
            let least = |of: fn(&MemberUsage) -> Option<u32>| chunk.iter().filter_map(of).min();
            let most = |of: fn(&MemberUsage) -> Option<u32>| chunk.iter().filter_map(of).max();
            Some(MemberUsage {
                iteration: last.iteration,
                at_seconds: last.at_seconds,
                cpu_cores: mean(|usage| usage.cpu_cores),
                cpu_share: mean(|usage| usage.cpu_share),
                memory_bytes: chunk.iter().map(|usage| usage.memory_bytes).max().unwrap_or_default(),
                workflow_slots_free: least(|usage| usage.workflow_slots_free),
                workflow_slots_used: most(|usage| usage.workflow_slots_used),
                activity_slots_free: least(|usage| usage.activity_slots_free),
                activity_slots_used: most(|usage| usage.activity_slots_used),
                polls: least(|usage| usage.polls),
            })
        })
        .collect()
}

/// A member's clock as it was last known, with the worst that happened to it.
fn clock<'a>(clocks: impl DoubleEndedIterator<Item = &'a MemberClock> + Clone) -> MemberClock {
    let last = clocks.clone().rfind(|clock| clock.is_known());
    let most = |of: fn(&MemberClock) -> Option<f64>| clocks.clone().filter_map(of).max_by(f64::total_cmp);
    MemberClock {
        error_ms: most(|clock| clock.error_ms),
        steps: clocks
            .clone()
            .filter_map(|clock| clock.steps)
            .reduce(u64::saturating_add),
        largest_step_ms: most(|clock| clock.largest_step_ms),
        earlier_step_ms: most(|clock| clock.earlier_step_ms),
        ..last.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        histogram::Histogram,
        ledger::Ledger,
        schema::MemberPresence,
        testing::{self, fleet},
    };

    fn latency_of(samples: &[i64]) -> Latency {
        let mut histogram = Histogram::new();
        samples.iter().for_each(|micros| histogram.record_micros(*micros));
        histogram.to_latency()
    }

    fn worker(name: &str, samples: &[i64]) -> Member {
        let ends = MemberEnds {
            stamped: samples.len() as u64,
            completed: samples.len() as u64,
            e2e_response: latency_of(samples),
            e2e_service: latency_of(samples),
            ..MemberEnds::none()
        };
        Member {
            ends: Some(ends),
            ..fleet::worker(name)
        }
    }

    fn of(members: Vec<Member>) -> Fleet {
        Fleet {
            members,
            ..Fleet::alone()
        }
    }

    fn merged(parts: &[Fleet]) -> Fleet {
        let measure = testing::measure();
        fleets(parts.iter().map(|fleet| (fleet, &measure))).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Whoever executed which workflow in which iteration: the members' histograms add up to that of all workflows.
        #[test]
        fn members_add_up_to_the_whole(ends in prop::collection::vec((0..3_usize, 0..3_usize, 0..9_000_000_i64), 0..200)) {
            let of_whom = |iteration: usize, who: usize| -> Vec<i64> {
                let its = ends.iter().filter(|(i, w, _)| (*i, *w) == (iteration, who));
                its.map(|(_, _, micros)| *micros).collect()
            };
            let iterations: Vec<Fleet> = (0..3)
                .map(|iteration| {
                    let name = |who: usize| format!("w-{who}");
                    of((0..3).map(|who| worker(&name(who), &of_whom(iteration, who))).collect())
                })
                .collect();
            let whole = merged(&iterations);
            prop_assert_eq!(whole.members.len(), 3);
            let mut sum = Histogram::new();
            for (who, member) in whole.members.iter().enumerate() {
                let its: Vec<i64> = (0..3).flat_map(|iteration| of_whom(iteration, who)).collect();
                let ends = member.ends.as_ref().unwrap();
                prop_assert_eq!(&ends.e2e_response, &latency_of(&its));
                prop_assert_eq!(ends.stamped, its.len() as u64);
                sum.add(&Histogram::decode(&ends.e2e_response.histogram).unwrap());
            }
            let all: Vec<i64> = ends.iter().map(|(_, _, micros)| *micros).collect();
            prop_assert_eq!(sum.to_latency(), latency_of(&all));
        }
    }

    #[test]
    fn one_iteration_is_itself() {
        let fleet = fleet::fleet();
        assert!(merged(std::slice::from_ref(&fleet)) == fleet);
        assert_eq!(merged(&[]), Fleet::alone());
    }

    #[test]
    fn counts_are_added_and_the_worst_presence_stays() {
        let (first, mut second) = (fleet::fleet(), fleet::fleet());
        second.members.reverse();
        let lost = second
            .members
            .iter_mut()
            .find(|member| member.name == fleet::WORKERS[0]);
        let lost = lost.unwrap();
        lost.presence = MemberPresence::Lost;
        lost.left_seconds = Some(70.0);
        lost.reason = Some("not heard of for 30s".into());
        let merged = merged(&[first.clone(), second, first.clone()]);

        let names = |fleet: &Fleet| {
            fleet
                .members
                .iter()
                .map(|member| member.name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&merged), names(&first));
        for (sum, one) in merged.members.iter().zip(&first.members) {
            assert_eq!(sum.windows, one.windows, "counted since it joined");
            assert_eq!(sum.usage.len(), one.usage.len() * 3);
            assert_eq!(sum.generator.as_ref().map(|health| health.seconds), {
                one.generator.as_ref().map(|health| health.seconds * 3.0)
            });
            assert!((sum.share.unwrap() - one.share.unwrap()).abs() < 1e-9);
            let arrivals = |member: &Member| member.starts.as_ref().map(|starts| starts.arrivals);
            assert_eq!(arrivals(sum), arrivals(one).map(|arrivals| arrivals * 3));
        }
        let lost = merged
            .members
            .iter()
            .find(|member| member.name == fleet::WORKERS[0])
            .unwrap();
        assert_eq!((lost.presence, lost.left_seconds), (MemberPresence::Lost, Some(70.0)));
        assert!(lost.reason.is_some());
        let iterations: Vec<u32> = lost.usage.iter().map(|usage| usage.iteration).collect();
        assert!(iterations.is_sorted() && iterations.first() == Some(&1) && iterations.last() == Some(&3));
    }

    #[test]
    fn of_what_is_counted_since_a_member_joined_the_latest_figure_stands() {
        let with = |windows, windows_resent, windows_dropped, profile: &str| {
            let mut member = Member {
                windows,
                windows_resent,
                windows_dropped,
                ..fleet::worker("w")
            };
            member.workers.as_mut().unwrap().profile = Some(profile.to_owned());
            of(vec![member])
        };
        let member = &merged(&[with(610, 1, 0, "a"), with(1_220, 3, 2, "b")]).members[0];
        assert_eq!(
            (member.windows, member.windows_resent, member.windows_dropped),
            (1_220, 3, 2)
        );
        // It may have come back with other settings.
        assert_eq!(member.workers.as_ref().unwrap().profile.as_deref(), Some("b"));
    }

    #[test]
    fn a_share_is_weighed_by_what_the_member_has_a_share_of() {
        let measure = |arrivals, completed| PhaseReport {
            ledger: Ledger {
                arrivals,
                completed,
                ..Ledger::default()
            },
            ..testing::measure()
        };
        let shares = |share| {
            let with = |role| Member {
                role,
                share: Some(share),
                ..fleet::worker("m")
            };
            of([MemberRole::Leader, MemberRole::Generator, MemberRole::Worker]
                .map(with)
                .into())
        };
        let (first, second) = (shares(1.0), shares(0.0));
        // Of the arrivals a tenth, of the ends a half were in the first iteration.
        let merged = fleets([(&first, &measure(100, 100)), (&second, &measure(900, 100))]).unwrap();
        let shares: Vec<_> = merged.members.iter().map(|member| member.share).collect();
        assert_eq!(shares, [Some(0.1), Some(0.1), Some(0.5)]);
    }

    #[test]
    fn use_over_time_tells_its_iteration() {
        let member = Member {
            usage: vec![MemberUsage {
                iteration: 0,
                ..fleet::usage()
            }],
            ..fleet::worker("w")
        };
        let fleet = of(vec![member]);
        for parts in [1, 3] {
            let usage = &merged(&vec![fleet.clone(); parts]).members[0].usage;
            let iterations: Vec<_> = usage.iter().map(|usage| usage.iteration as usize).collect();
            assert_eq!(iterations, (1..=parts).collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_was_there_for_a_part_only_has_a_part() {
        let mut all = fleet::fleet();
        all.members.truncate(1);
        let none = Fleet::alone();
        all.members[0].share = Some(0.5);
        let merged = merged(&[all, none]);
        assert_eq!(merged.members[0].share, Some(0.25));
    }

    #[test]
    fn a_clock_that_is_not_known_any_more_keeps_its_last_figures() {
        let with = |clock: MemberClock| {
            of(vec![Member {
                clock,
                ..fleet::worker("w")
            }])
        };
        let known = MemberClock {
            offset_ms: Some(1.0),
            uncertainty_ms: Some(0.2),
            corrected: true,
            ..MemberClock::default()
        };
        let merged = merged(&[with(known), with(MemberClock::default())]);
        assert_eq!(merged.members[0].clock, known);
    }

    #[test]
    fn of_a_clock_the_last_figures_and_the_worst_that_happened_stand() {
        let with = |clock: MemberClock| {
            of(vec![Member {
                clock,
                ..fleet::worker("w")
            }])
        };
        let clock = |offset, error, steps, largest| MemberClock {
            offset_ms: Some(offset),
            error_ms: Some(error),
            steps: Some(steps),
            largest_step_ms: Some(largest),
            earlier_step_ms: Some(largest / 2.0),
            ..MemberClock::default()
        };
        let merged = merged(&[with(clock(1.0, 5.0, 1, 300.0)), with(clock(2.0, 3.0, 2, 9.0))]);
        assert_eq!(merged.members[0].clock, clock(2.0, 5.0, 3, 300.0));
    }

    #[test]
    fn use_over_time_is_bounded_and_keeps_its_worst() {
        let mut member = fleet::worker("w");
        member.usage = (0..50_000)
            .map(|second| MemberUsage {
                at_seconds: f64::from(second),
                workflow_slots_free: Some(u32::from(second != 12_345)),
                ..fleet::usage()
            })
            .collect();
        let cpu = member.usage[0].cpu_share;
        let usage = &merged(&[of(vec![member.clone()]), of(vec![member])]).members[0].usage;
        assert!(
            usage.len() <= USAGE_ENTRIES && usage.len() > USAGE_ENTRIES / 2,
            "{}",
            usage.len()
        );
        assert_eq!(
            usage
                .iter()
                .filter(|usage| usage.workflow_slots_free == Some(0))
                .count(),
            2
        );
        assert!(usage.iter().all(|usage| (usage.cpu_share - cpu).abs() < 1e-9));
        assert_eq!(
            usage.last().map(|usage| (usage.iteration, usage.at_seconds)),
            Some((2, 49_999.0))
        );
    }

    #[test]
    fn a_damaged_histogram_is_an_error() {
        let mut damaged = worker("w", &[1, 2, 3]);
        damaged.ends.as_mut().unwrap().e2e_response.histogram.truncate(8);
        let (damaged, sound) = (of(vec![damaged]), of(vec![worker("w", &[])]));
        let measure = testing::measure();
        assert!(fleets([(&damaged, &measure), (&sound, &measure)]).is_err());
    }
}
