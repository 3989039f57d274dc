//! Members of the fleet in the results file: from what the leader knows of them, and their accounts.

use std::{collections::BTreeMap, time::Duration};

use benchmark_fleet::{MemberState, Presence, Role, UsageSample, bounded, wire};
use benchmark_results::{
    Histogram, Ledger,
    schema::{
        Fleet, GeneratorHealth, HostFacts, Latency, Member, MemberClock, MemberEnds, MemberPresence, MemberRole,
        MemberStarts, MemberUsage,
    },
};
use benchmark_scenarios::{Plan, Problem};

use crate::{
    account::accounts::{MemberAccount, Origin},
    fleet::{
        intake::ClockSeen,
        leader::{self, FleetLeader},
        wording,
    },
    run::submission::Submission,
};

/// What is known of the members at one time, taken out of the leader and the account.
pub struct View<'a> {
    /// This process: name and machine.
    name: &'a str,
    host: &'a HostFacts,
    /// The members, as the leader knows them.
    members: Vec<MemberState>,
    /// When the iteration began, on the leader's clock.
    begun: Duration,
    /// What each process did.
    accounts: BTreeMap<Origin, MemberAccount>,
    /// What each generator told of itself, and what the members' clocks were found to be, by member.
    healths: BTreeMap<u32, GeneratorHealth>,
    clocks: BTreeMap<u32, ClockSeen>,
}

impl<'a> View<'a> {
    /// Takes out what is known now.
    ///
    /// # Errors
    /// When the account is gone.
    pub async fn take(
        fleet: &FleetLeader,
        name: &'a str,
        host: &'a HostFacts,
        submission: &Submission,
    ) -> Result<Self, Problem> {
        let accounts = submission
            .accountant
            .visit(|accounts| accounts.members().clone())
            .await?;
        let timeline = submission.timeline;
        let begun = match timeline.until(0) {
            Some(rest) => fleet.now() + Duration::from_nanos(rest),
            None => fleet.now().saturating_sub(Duration::from_nanos(timeline.elapsed())),
        };
        Ok(View {
            name,
            host,
            members: fleet.roll(),
            begun,
            accounts,
            healths: fleet.intake().healths(),
            clocks: fleet.intake().clocks(),
        })
    }

    /// The fleet of the iteration. `health` is what this process used in the measured phase.
    pub fn fleet(&self, plan: &Plan, submission: &Submission, health: &GeneratorHealth) -> Fleet {
        let shares = Shares::of(&self.accounts);
        let others = self.members.iter();
        let others = others.map(|state| self.member(submission.iteration, &shares, state));
        Fleet {
            expected_workers: plan.fleet.expect_workers,
            generators: plan.fleet.generators,
            members: [self.leader(submission, &shares, health)]
                .into_iter()
                .chain(others)
                .collect(),
        }
    }

    fn leader(&self, submission: &Submission, shares: &Shares, health: &GeneratorHealth) -> Member {
        let empty = MemberAccount::default();
        let account = self.accounts.get(&Origin::Leader).unwrap_or(&empty);
        Member {
            name: self.name.to_owned(),
            role: MemberRole::Leader,
            in_process: true,
            version: leader::version(),
            host: self.host.clone(),
            workers: None,
            joined_seconds: 0.0,
            presence: MemberPresence::Present,
            left_seconds: None,
            reason: None,
            // Its own clock is the one that all others are compared with.
            clock: MemberClock {
                offset_ms: Some(0.0),
                uncertainty_ms: Some(0.0),
                corrected: false,
                ..MemberClock::default()
            },
            windows: 0,
            windows_resent: 0,
            windows_dropped: 0,
            share: share(arrivals_in_measure(account), shares.arrivals),
            // The leader has the first part of the schedule.
            starts: Some(starts(0, account)),
            ends: None,
            usage: submission.usage.clone(),
            generator: Some(health.clone()),
        }
    }

    fn member(&self, iteration: u32, shares: &Shares, state: &MemberState) -> Member {
        let empty = MemberAccount::default();
        let account = self.accounts.get(&Origin::Member(state.id.0)).unwrap_or(&empty);
        let seconds = |at: Duration| at.as_secs_f64() - self.begun.as_secs_f64();
        let (presence, left) = presence(&state.presence, &state.status, iteration);
        let worker = state.role == Role::Worker;
        Member {
            name: state.name.clone(),
            role: if worker {
                MemberRole::Worker
            } else {
                MemberRole::Generator
            },
            in_process: state.in_process,
            version: state.version.clone(),
            host: (*state.host).clone(),
            workers: state.workers.as_deref().cloned(),
            joined_seconds: seconds(state.joined_at),
            presence,
            left_seconds: left.map(seconds),
            reason: left.map(|_| wording::departure(state)),
            clock: clock(state, self.clocks.get(&state.id.0)),
            windows: state.windows,
            windows_resent: state.resent,
            windows_dropped: state.status.windows_dropped,
            share: if worker {
                share(account.stamped_in_measure, shares.stamped)
            } else {
                share(arrivals_in_measure(account), shares.arrivals)
            },
            starts: (!worker).then(|| starts(state.stripe.unwrap_or(0), account)),
            ends: worker.then(|| ends(account)),
            usage: self.usage(iteration, state),
            generator: self.healths.get(&state.id.0).cloned(),
        }
    }

    /// What a member used since the iteration began; in the first one also while everybody was waited for.
    fn usage(&self, iteration: u32, state: &MemberState) -> Vec<MemberUsage> {
        let since = if iteration == 1 { Duration::ZERO } else { self.begun };
        let entry = |sample: &UsageSample| MemberUsage {
            iteration,
            at_seconds: sample.at.as_secs_f64() - self.begun.as_secs_f64(),
            cpu_cores: sample.cpu_cores,
            cpu_share: sample.cpu_share,
            memory_bytes: sample.memory_bytes,
            workflow_slots_free: sample.workflow_slots.as_ref().map(|slots| slots.free),
            workflow_slots_used: sample.workflow_slots.as_ref().map(|slots| slots.used),
            activity_slots_free: sample.activity_slots.as_ref().map(|slots| slots.free),
            activity_slots_used: sample.activity_slots.as_ref().map(|slots| slots.used),
            polls: sample.polls,
        };
        state
            .usage
            .iter()
            .filter(|sample| sample.at >= since)
            .map(entry)
            .collect()
    }
}

/// The wholes that members have parts of, in the measured phase.
struct Shares {
    arrivals: u64,
    stamped: u64,
}

impl Shares {
    fn of(accounts: &BTreeMap<Origin, MemberAccount>) -> Self {
        Shares {
            arrivals: accounts.values().map(arrivals_in_measure).sum(),
            stamped: accounts.values().map(|account| account.stamped_in_measure).sum(),
        }
    }
}

fn arrivals_in_measure(account: &MemberAccount) -> u64 {
    let measure = benchmark_results::schema::Phase::Measure;
    account.starts.get(&measure).map_or(0, |ledger| ledger.arrivals)
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What is known of a member's clock: as it says now, and as its windows said while it was measured.
fn clock(state: &MemberState, seen: Option<&ClockSeen>) -> MemberClock {
    let ms = |ns: f64| bounded::figure(ns / 1e6);
    let (offset, uncertainty) = (state.status.clock_offset_ns, state.status.clock_uncertainty_ns);
    MemberClock {
        offset_ms: offset.map(|offset| ms(offset as f64)),
        uncertainty_ms: offset.map(|_| ms(uncertainty as f64)),
        corrected: match seen {
            Some(seen) => seen.used_ns != 0,
            None => offset.is_some_and(|offset| offset.unsigned_abs() > uncertainty),
        },
        used_ms: seen.map(|seen| ms(seen.used_ns as f64)),
        error_ms: seen.map(|seen| ms(seen.error_ns as f64)),
        steps: seen.map(|seen| bounded::count(seen.steps)),
        largest_step_ms: seen.map(|seen| ms(seen.largest_step_ns as f64)),
        earlier_step_ms: seen.map(|seen| ms(seen.earlier_step_ns as f64)),
    }
}

/// Whether a member was there to the end of the iteration, and when it went.
fn presence(presence: &Presence, status: &wire::Status, iteration: u32) -> (MemberPresence, Option<Duration>) {
    let has_told_all = leader::has_told_all(status, iteration);
    match presence {
        Presence::Present => (MemberPresence::Present, None),
        // A generator that told everything is missed by nobody while others drain.
        Presence::Silent { .. } if has_told_all => (MemberPresence::Present, None),
        Presence::Lost { since } if has_told_all => (MemberPresence::Left, Some(*since)),
        // One that is silent when the run is over is not waited for: whatever it held did not arrive.
        Presence::Silent { since } | Presence::Lost { since } => (MemberPresence::Lost, Some(*since)),
        Presence::Left { at, .. } => (MemberPresence::Left, Some(*at)),
    }
}

fn starts(stripe: u32, account: &MemberAccount) -> MemberStarts {
    let ledger: Ledger = account.ledger();
    let latency = |of: fn(&crate::account::accounts::StartLatencyHistograms) -> &Histogram| {
        account
            .start_latency
            .as_ref()
            .map_or_else(Latency::empty, |latency| of(latency).to_latency())
    };
    MemberStarts {
        stripe,
        // What a lost generator did not tell was closed in its name; it told of the others.
        arrivals: ledger.arrivals.saturating_sub(account.missing),
        dispatched: ledger.dispatched,
        dropped: ledger.dropped(),
        accepted: ledger.accepted,
        rejected: ledger.rejected,
        unknown: ledger.unknown,
        missing: account.missing,
        lag: latency(|latency| &latency.lag),
        start_service: latency(|latency| &latency.accepted.service),
        start_response: latency(|latency| &latency.accepted.response),
    }
}

fn ends(account: &MemberAccount) -> MemberEnds {
    let latency = |of: fn(&crate::load::shard::Pair) -> &Histogram| {
        account
            .ends
            .as_ref()
            .map_or_else(Latency::empty, |pair| of(pair).to_latency())
    };
    MemberEnds {
        stamped: account.stamped,
        completed: account.completed,
        not_completed: account.stamped - account.completed,
        e2e_service: latency(|pair| &pair.service),
        e2e_response: latency(|pair| &pair.response),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_that_told_everything_is_missed_by_nobody_later() {
        let since = Duration::from_secs(9);
        let left = Presence::Left {
            at: since,
            reason: "it was told to stop".to_owned(),
        };
        for (there, told_all, told_less) in [
            (
                Presence::Present,
                (MemberPresence::Present, None),
                (MemberPresence::Present, None),
            ),
            (
                Presence::Silent { since },
                (MemberPresence::Present, None),
                (MemberPresence::Lost, Some(since)),
            ),
            (
                Presence::Lost { since },
                (MemberPresence::Left, Some(since)),
                (MemberPresence::Lost, Some(since)),
            ),
            (
                left,
                (MemberPresence::Left, Some(since)),
                (MemberPresence::Left, Some(since)),
            ),
        ] {
            let status = |done, iteration| wire::Status {
                done,
                iteration,
                ..Default::default()
            };
            assert_eq!(presence(&there, &status(true, 2), 2), told_all, "{there:?}");
            for less in [status(false, 2), status(true, 1)] {
                assert_eq!(presence(&there, &less, 2), told_less, "{there:?}");
            }
        }
    }
}
