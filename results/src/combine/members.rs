//! The processes of all parts as one fleet.

use std::collections::BTreeSet;

use crate::schema::{Fleet, Member, MemberRole, MemberUsage, Results};

/// Everybody: the first part's leader leads, the others' leaders are generators beside it. Shares are of the whole.
pub(super) fn of(parts: &[&Results]) -> Fleet {
    let mut names: BTreeSet<(String, MemberRole)> = BTreeSet::new();
    let arrivals = |results: &Results| results.phases.measure.ledger.arrivals;
    let ended = |results: &Results| results.phases.measure.ledger.ended();
    let all = |of: fn(&Results) -> u64| parts.iter().map(|results| of(results)).sum::<u64>() as f64;
    let (all_arrivals, all_ended) = (all(arrivals), all(ended));
    let mut members = Vec::new();
    for (index, results) in parts.iter().enumerate() {
        for member in &results.fleet.members {
            let mut member = member.clone();
            if member.role == MemberRole::Leader && index > 0 {
                member.role = MemberRole::Generator;
            }
            // Beside others, its own process is one among several.
            member.in_process &= index == 0;
            let (part, whole) = match member.role {
                MemberRole::Worker => (ended(results) as f64, all_ended),
                MemberRole::Leader | MemberRole::Generator => (arrivals(results) as f64, all_arrivals),
            };
            member.share = member.share.filter(|_| whole > 0.0).map(|share| share * part / whole);
            name_apart(&mut member, &mut names);
            members.push(member);
        }
    }
    Fleet {
        expected_workers: parts
            .iter()
            .map(|results| results.fleet.expected_workers)
            .max()
            .unwrap_or_default(),
        generators: parts[0].plan.fleet.generators.max(1),
        members,
    }
}

/// Two machines in containers may call themselves the same.
fn name_apart(member: &mut Member, names: &mut BTreeSet<(String, MemberRole)>) {
    let name = member.name.clone();
    let mut number = 2;
    while !names.insert((member.name.clone(), member.role)) {
        member.name = format!("{name} #{number}");
        number += 1;
    }
}

/// The fleet as it stands in one iteration, for its checks: what was used then. What was started and ended is known for all
/// iterations together only, and no check asks for it but for what generators owe.
pub(super) fn in_iteration(fleet: &Fleet, index: u32) -> Fleet {
    let usage = |member: &Member| -> Vec<MemberUsage> {
        let its = member.usage.iter().filter(|usage| usage.iteration == index);
        its.copied().collect()
    };
    let members = fleet.members.iter().map(|member| Member {
        usage: usage(member),
        ..member.clone()
    });
    Fleet {
        members: members.collect(),
        ..fleet.clone()
    }
}
