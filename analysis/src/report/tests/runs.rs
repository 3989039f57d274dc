//! Runs of any length and fleet, made up from a seed: a wave in the latency, a stall, scattered errors.

use benchmark_results::{
    Histogram, Results,
    schema::{Event, Fact, IntervalHistograms, Iteration, Member, MemberPresence, MemberUsage, Phase, Window},
    testing::{self, fleet::worker},
};

/// Different histograms that the intervals take turns with: encoding thousands takes its time.
const KINDS: u64 = 40;

/// Splitmix64 (Steele, Lea, Flood 2014): the same figures in every run of the tests.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    /// From 0 to 1.
    pub(super) fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About a bell around 0, of deviation 1.
    fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

/// A histogram of lognormal latencies with a few that are ten times as long.
fn histogram(dice: &mut Dice, count: u64, median_ms: f64) -> Histogram {
    let mut histogram = Histogram::new();
    for n in 0..count {
        let far = if n % 90 == 7 { 6.0 } else { 1.0 };
        histogram.record_micros((median_ms * 1000.0 * far * (dice.bell() * 0.35).exp()) as i64);
    }
    histogram
}

/// How slow the cluster is at a moment of the course, 1 for as usual.
fn slowness(share: f64) -> f64 {
    let stall = if (0.61..0.64).contains(&share) { 12.0 } else { 0.0 };
    1.0 + 0.6 * (share * 19.0).sin().powi(2) + stall
}

/// A run of so many seconds and iterations. Intervals of `step` seconds.
pub(super) fn long(seconds: u64, step: u64, iterations: u32) -> Results {
    let mut dice = Dice(7);
    let mut results = testing::valid();
    let starts: Vec<Histogram> = (0..KINDS)
        .map(|n| histogram(&mut dice, 400, 3.0 * slowness(n as f64 / KINDS as f64)))
        .collect();
    let ends: Vec<Histogram> = (0..KINDS)
        .map(|n| histogram(&mut dice, 400, 14.0 * slowness(n as f64 / KINDS as f64)))
        .collect();
    let encode = |all: &[Histogram]| -> Vec<String> { all.iter().map(Histogram::encode).collect() };
    let (start_texts, end_texts) = (encode(&starts), encode(&ends));
    let medians = |all: &[Histogram]| -> Vec<Option<f64>> { all.iter().map(|one| one.quantile_ms(0.5)).collect() };
    let (start_medians, end_medians) = (medians(&starts), medians(&ends));
    let kind = |second: u64| (second * KINDS / seconds.max(1)).min(KINDS - 1) as usize;
    let latencies = &mut results.phases.measure.latencies;
    let sum = |all: &[Histogram]| {
        let mut sum = Histogram::new();
        all.iter().for_each(|histogram| sum.add(histogram));
        sum.to_latency()
    };
    latencies.start_response.accepted = sum(&starts);
    latencies.e2e_response.completed = sum(&ends);
    latencies.start_service.accepted = histogram(&mut dice, 16_000, 2.8).to_latency();
    latencies.e2e_service.completed = histogram(&mut dice, 16_000, 13.0).to_latency();
    let plan = &mut results.plan;
    plan.load.duration = std::time::Duration::from_secs(seconds);
    plan.iterations = iterations;
    (results.windows, results.intervals) = (Vec::new(), Vec::new());
    let first = results.iterations[0].clone();
    results.iterations.clear();
    for iteration in 1..=iterations {
        results.iterations.push(Iteration {
            index: iteration,
            ..first.clone()
        });
        let mut backlog = 0_i64;
        for second in 0..seconds {
            let window = window(&mut dice, iteration, second, seconds, &mut backlog);
            results.windows.push(Window {
                start_p50: start_medians[kind(second)],
                e2e_p50: end_medians[kind(second)],
                ..window
            });
        }
        for start in (0..seconds).step_by(step as usize) {
            results.intervals.push(IntervalHistograms {
                iteration,
                start_seconds: start,
                seconds: step,
                start_response: start_texts[kind(start)].clone(),
                e2e_response: end_texts[kind(start)].clone(),
            });
        }
        for (at, kind, message) in [
            (
                0.31,
                "member-silent",
                "ip-10-0-4-22/871 was not heard of for some seconds",
            ),
            (0.33, "member-lost", "ip-10-0-4-22/871 was lost"),
            (
                0.62,
                "connection-lost",
                "connection 3 of 8: broken pipe; connected again after 210ms",
            ),
        ] {
            results.events.push(Event {
                at_seconds: at * seconds as f64,
                iteration,
                kind: kind.into(),
                message: message.into(),
            });
        }
    }
    results
}

fn window(dice: &mut Dice, iteration: u32, second: u64, seconds: u64, backlog: &mut i64) -> Window {
    let share = second as f64 / seconds as f64;
    let phase = match share {
        s if s < 0.08 => Phase::Ramp,
        s if s < 0.16 => Phase::WarmUp,
        s if s < 0.97 => Phase::Measure,
        _ => Phase::Drain,
    };
    let due = match phase {
        Phase::Ramp => (400.0 * (0.1 + 0.9 * share / 0.08)) as u64,
        Phase::Drain => 0,
        _ => 400,
    };
    let stalled = (0.61..0.64).contains(&share);
    let dispatched = if stalled { due - due / 4 } else { due };
    let rejected = if stalled { (dice.share() * 30.0) as u64 } else { 0 };
    let accepted = dispatched - rejected;
    let carried = if stalled { 180 } else { 400 + (dice.bell() * 6.0) as i64 };
    let carried = carried
        .clamp(0, *backlog + accepted as i64)
        .max(accepted as i64 - 40)
        .min(*backlog + accepted as i64);
    *backlog += accepted as i64 - carried;
    Window {
        iteration,
        second,
        phase,
        due,
        dispatched,
        dropped: if stalled { due / 8 } else { 0 },
        accepted,
        rejected,
        unknown: u64::from(dice.share() > 0.999),
        completed: Some(carried as u64),
        failed: Some(u64::from(dice.share() > 0.995)),
        backlog: Some(*backlog as u64),
        in_flight: 3,
        waited_at_cap: Some(if stalled { due / 4 } else { 0 }),
        held_at_cap: Some(if stalled { due / 8 } else { 0 }),
        lag_p99: (dispatched > 0).then(|| 0.2 * (dice.bell() * 0.4).exp() * if stalled { 40.0 } else { 1.0 }),
        start_p50: None,
        start_p99: Some(9.9),
        e2e_p50: None,
        e2e_p99: Some(52.0),
    }
}

/// The same run on a fleet of so many workers, one of them slow and one lost.
pub(super) fn with_fleet(mut results: Results, workers: usize) -> Results {
    let mut dice = Dice(11);
    let seconds = results
        .windows
        .iter()
        .map(|window| window.second + 1)
        .max()
        .unwrap_or(1) as f64;
    // As many entries as a file keeps.
    let entries = (40_000 / workers.max(1) / results.iterations.len().max(1)).min(seconds as usize);
    let generators = testing::fleet::fleet().members.into_iter().take(2);
    results.fleet.expected_workers = workers as u32;
    results.fleet.generators = 2;
    results.fleet.members = generators.collect();
    for n in 0..workers {
        let mut member: Member = worker(&format!(
            "ip-10-0-{}-{}.eu-west-1.compute.internal/{}",
            n / 8,
            n * 3,
            900 + n
        ));
        let slow = n == 3;
        member.share = Some(1.0 / workers as f64);
        let ends = member.ends.as_mut().expect("a worker has ends");
        ends.e2e_response = histogram(&mut dice, 2_000, if slow { 44.0 } else { 15.0 + n as f64 / 20.0 }).to_latency();
        member.usage.clear();
        for iteration in &results.iterations {
            let load = 0.3 + 0.4 * dice.share();
            member.usage.extend((0..entries).map(|entry| {
                let share = entry as f64 / entries as f64;
                let cpu = (load * slowness(share).min(2.0) + dice.bell() * 0.02).clamp(0.0, 1.0);
                MemberUsage {
                    iteration: iteration.index,
                    at_seconds: share * seconds,
                    cpu_cores: cpu * 2.0,
                    cpu_share: cpu,
                    workflow_slots_free: Some((200.0 * (1.0 - cpu)) as u32),
                    ..testing::fleet::usage()
                }
            }));
        }
        if n == 1 {
            member.presence = MemberPresence::Lost;
            member.left_seconds = Some(seconds * 0.33);
            member.reason = Some("not heard of for 30s".into());
            member.usage.retain(|usage| usage.at_seconds < seconds * 0.33);
        }
        results.fleet.members.push(member);
    }
    results
}

/// Everything that a stranger may write into a file, in every place where there is text.
pub(super) fn hostile() -> Results {
    const MARKUP: &str =
        "</script></style></svg><script>alert(1)</script><img src=x onerror=alert(2)>\"'`|[x](https://evil.example)";
    let bad = || MARKUP.to_owned();
    let mut results = with_fleet(long(60, 1, 1), 2);
    results.run.id = bad();
    results.run.started_at = bad();
    results.run.finished_at = Some(bad());
    results.run.version = bad();
    results.run.git_revision = Fact::found(bad(), MARKUP);
    results.run.command = vec![bad(), "a\nb\u{1b}[31m".into()];
    results.run.interrupted_by = Some(bad());
    results.verdict.headline = bad();
    for check in &mut results.verdict.checks {
        (check.name, check.value, check.limit, check.remedy) = (bad(), bad(), bad(), bad());
    }
    for threshold in &mut results.outcome.thresholds {
        (threshold.name, threshold.measured, threshold.required) = (bad(), bad(), bad());
    }
    for group in &mut results.errors {
        (group.operation, group.code) = (bad(), bad());
        for example in &mut group.examples {
            (example.workflow_id, example.message) = (Some(bad()), MARKUP.repeat(50));
        }
    }
    for event in &mut results.events {
        (event.kind, event.message) = (bad(), bad());
        event.at_seconds = 1e300;
    }
    for member in &mut results.fleet.members {
        (member.name, member.reason) = (bad(), Some(bad()));
        member.presence = MemberPresence::Lost;
    }
    results.environment.server.address = bad();
    results.environment.server.version = Fact::found(bad(), MARKUP);
    results.environment.host.kernel = Fact::missing(MARKUP);
    results.environment.server.dynamic_config.insert(bad(), bad());
    results.plan.namespace = bad();
    for interval in results.intervals.iter_mut().take(3) {
        interval.e2e_response = bad();
    }
    results.ledger.failed = u64::MAX;
    results.ledger.open = u64::MAX;
    results
}
