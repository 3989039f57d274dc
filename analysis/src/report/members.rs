//! The processes of a run, each in a row: its share, its latencies against those of the whole, its CPU and free slots over
//! time, its clock. Who is lost or slow comes first.

use std::cmp::Reverse;

use benchmark_results::{
    format::{self, NONE, count, maybe_ms, ms, percent},
    member_figures::{Typical, clock_offset, cpu_share, fewest_free_slots, free_slots, speed},
    schema::{Latency, Member, MemberPresence, MemberRole, MemberUsage, VerdictValue},
};
use maud::{Markup, html};

use super::{
    course::Grid,
    path::{between, line},
    plot::WIDTH,
    scale::{Scale, coordinate},
    scene::Drawn,
    text::{ends, short},
};

/// Members of a kind that are shown; the file has all of them.
const SHOWN: usize = 100;
/// Characters of a name that are shown.
const NAME: usize = 24;
/// Points of a line over time.
const POINTS: usize = 72;
/// Height of the lines over time, pixels.
const HEIGHT: f64 = 24.0;

/// The tables of a run, or a word on why there is none.
pub(super) fn members(run: &Drawn) -> Markup {
    let results = run.results;
    if results.fleet.members.is_empty() {
        return html! {
            p.note {
                @if results.plan.workers.count > 0 {
                    "No other process took part: the one that started the workflows executed them."
                } @else {
                    "No process told of itself but the one that started the workflows; workers elsewhere executed them."
                }
            }
        };
    }
    let is_worker = |member: &&Member| member.role == MemberRole::Worker;
    let (workers, generators): (Vec<&Member>, Vec<&Member>) = results.fleet.members.iter().partition(is_worker);
    html! {
        @if !generators.is_empty() {
            (table(run, generators, "generator", &results.phases.measure.latencies.start_response.accepted))
        }
        @if !workers.is_empty() {
            (table(run, workers, "worker", &results.phases.measure.latencies.e2e_response.completed))
        }
    }
}

fn table(run: &Drawn, mut members: Vec<&Member>, kind: &str, whole: &Latency) -> Markup {
    let results = run.results;
    let invalid = results.verdict.value == VerdictValue::Invalid;
    let typical = Typical::of(members.iter().copied());
    let is_slow = |member: &Member| !invalid && typical.is_slow(member);
    members.sort_by(|a, b| {
        let first = |member: &Member| Reverse((member.presence == MemberPresence::Lost, is_slow(member)));
        let p50 = |member: &Member| speed(member)[0].unwrap_or(f64::NEG_INFINITY);
        first(a)
            .cmp(&first(b))
            .then(p50(b).total_cmp(&p50(a)))
            .then_with(|| a.name.cmp(&b.name))
    });
    let more = members.len().saturating_sub(SHOWN);
    members.truncate(SHOWN);
    let is_worker = kind == "worker";
    let latency = if is_worker { "e2e" } else { "start" };
    let scale = range_scale(&members, whole);
    let is_patchy = members
        .iter()
        .any(|member| member.windows_resent > 0 || member.windows_dropped > 0);
    html! {
        h3 { (if members.len() + more == 1 { kind.to_owned() } else { format!("{kind}s") }) }
        p.note {
            @if invalid {
                "The run is invalid, so the members' latencies are not shown."
            } @else {
                @if is_worker { "CPU and free slots are those of the measured phase: the mean, and the fewest. " }
                "The bar goes from the member's p50 to its p99 of " (latency) " response; the two lines are those of all \
                 together (" (maybe_ms(whole.p50)) " and " (maybe_ms(whole.p99)) ")."
            }
        }
        div.scroll {
            table.members {
                thead { tr {
                    th scope="col" { (kind) }
                    th scope="col" { "share" }
                    @if !invalid { th scope="col" { (latency) " p50" } th scope="col" { "p99" } th.draw scope="col" { "against all" } }
                    @if !is_worker { th scope="col" { "lag p99" } }
                    th scope="col" { "CPU" } th.draw scope="col" { "over time" }
                    @if is_worker { th scope="col" { "free slots" } th.draw scope="col" { "over time" } }
                    th scope="col" { "clock" } @if is_patchy { th scope="col" { "windows resent" } }
                } }
                tbody {
                    @for member in &members {
                        tr {
                            th.name scope="row" title=(short(&member.name, 200)) {
                                (ends(&member.name, NAME)) (presence(member, is_slow(member)))
                            }
                            td { (member.share.map_or_else(|| NONE.into(), percent)) }
                            @if !invalid {
                                @let [p50, p99] = speed(member);
                                td { (maybe_ms(p50)) } td { (maybe_ms(p99)) } td { (range(&scale, [p50, p99], whole)) }
                            }
                            @if !is_worker {
                                td { (maybe_ms(member.starts.as_ref().and_then(|starts| starts.lag.p99))) }
                            }
                            td { (cpu_share(results, member).map_or_else(|| NONE.into(), percent)) }
                            td { (cpu_line(run, member)) }
                            @if is_worker {
                                td { (fewest_free_slots(results, member).map_or_else(|| NONE.into(), |free| count(free.into()))) }
                                td { (slots_line(run, member)) }
                            }
                            td { (clock(member)) @if member.is_apart() && member.clock.corrected { br; span.sub { "corrected" } } }
                            @if is_patchy {
                                td { (count(member.windows_resent)) @if member.windows_dropped > 0 {
                                    ", " (count(member.windows_dropped)) " lost" } }
                            }
                        }
                    }
                }
            }
        }
        @if more > 0 { p.note { "and " (format::plural(more as u64, kind)) " more in the results file" } }
    }
}

/// What is not as it should be: lost, left, slow.
fn presence(member: &Member, slow: bool) -> Markup {
    let reason = member.reason.as_deref().map(|reason| short(reason, 200));
    html! {
        @match member.presence {
            MemberPresence::Present => {}
            MemberPresence::Left => { br; span.tag.none title=[reason] { "left" } }
            MemberPresence::Lost => { br; span.tag.bad title=[reason] { "✕ lost"
                @if let Some(at) = member.left_seconds { " at " (format::length(at)) } } }
        }
        @if slow { br; span.tag.warn { "! slow" } }
    }
}

/// The leader's clock minus the member's, and how sure that is.
fn clock(member: &Member) -> String {
    let uncertainty = member
        .clock
        .uncertainty_ms
        .filter(|_| member.clock.offset_ms.is_some() && member.is_apart());
    let uncertainty = uncertainty.map_or_else(String::new, |uncertainty| format!(" ± {}", ms(uncertainty)));
    clock_offset(member) + &uncertainty
}

fn range_scale(members: &[&Member], whole: &Latency) -> Scale {
    let all = || {
        members
            .iter()
            .flat_map(|member| speed(member))
            .chain([whole.p50, whole.p99])
            .flatten()
    };
    Scale::latencies(all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max))
}

/// A member's p50 to p99 on the scale of all.
fn range(scale: &Scale, own: [Option<f64>; 2], whole: &Latency) -> Markup {
    let at = |value: f64| scale.place(value) * WIDTH;
    html! {
        @if let [Some(p50), Some(p99)] = own {
            svg.range width="110" height="20" viewBox={ "0 0 " (coordinate(WIDTH)) " 20" } preserveAspectRatio="none" aria-hidden="true" {
                path.fill.shade d={ "M0 9h" (coordinate(WIDTH)) "v2H0z" } {}
                path.fill.c0 d={ "M" (coordinate(at(p50))) " 6H" (coordinate(at(p99).max(at(p50) + 8.0))) "v8H" (coordinate(at(p50))) "z" } {}
                @for (value, class) in [(whole.p50, "p50"), (whole.p99, "p99")] {
                    @if let Some(value) = value { path class={ "event " (class) } d={ "M" (coordinate(at(value))) " 0v20" } {} }
                }
            }
        }
    }
}

fn cpu_line(run: &Drawn, member: &Member) -> Markup {
    let peaks = over_time(run, member, |usage| Some(usage.cpu_share), f64::max);
    spark(
        &peaks,
        1.0,
        "c0",
        |value| format!("highest {}", percent(value)),
        f64::max,
    )
}

fn slots_line(run: &Drawn, member: &Member) -> Markup {
    let fewest = over_time(run, member, |usage| free_slots(usage).map(f64::from), f64::min);
    let most = fewest.iter().flatten().copied().fold(1.0, f64::max);
    spark(
        &fewest,
        most,
        "c2",
        |value| format!("fewest {}", count(value as u64)),
        f64::min,
    )
}

/// A figure of a member by time, the worst of each column.
fn over_time(
    run: &Drawn,
    member: &Member,
    of: impl Fn(&MemberUsage) -> Option<f64>,
    worst: fn(f64, f64) -> f64,
) -> Vec<Option<f64>> {
    let grid = Grid::over(run.course.seconds, POINTS);
    let mut columns = vec![None; grid.columns];
    for usage in &member.usage {
        let Some(at) = run.course.at(usage.iteration, usage.at_seconds).filter(|at| *at >= 0.0) else {
            continue;
        };
        if let Some(value) = of(usage).filter(|value| value.is_finite()) {
            let column: &mut Option<f64> = &mut columns[grid.column(at)];
            *column = Some(column.map_or(value, |before| worst(before, value)));
        }
    }
    // Long runs have fewer entries than columns: an entry stands until the next one.
    let holds = (grid.columns / member.usage.len().max(1)).min(3);
    for n in 1..columns.len() {
        if columns[n].is_none() && (1..=holds).any(|back| n >= back && columns[n - back].is_some()) {
            columns[n] = columns[n - 1];
        }
    }
    columns
}

fn spark(
    values: &[Option<f64>],
    highest: f64,
    class: &str,
    said: fn(f64) -> String,
    worst: fn(f64, f64) -> f64,
) -> Markup {
    let Some(extreme) = values.iter().flatten().copied().reduce(worst) else {
        return html! {};
    };
    let place = |value: &Option<f64>| value.map(|value| (value / highest).clamp(0.0, 1.0) * 0.9 + 0.05);
    let x = |n: usize| (n as f64 + 0.5) / values.len() as f64;
    let points = || values.iter().enumerate().map(|(n, value)| (x(n), place(value)));
    html! {
        svg class={ "spark " (class) } width="100" height=(coordinate(HEIGHT)) viewBox={ "0 0 " (coordinate(WIDTH)) " " (coordinate(HEIGHT)) }
            preserveAspectRatio="none" aria-hidden="true" {
            title { (said(extreme)) }
            path.fill.shade d={ "M0 " (coordinate(HEIGHT - 1.0)) "h" (coordinate(WIDTH)) "v1H0z" } {}
            path.area-fill d=(between(points().map(|(x, y)| (x, y.map(|y| (0.0, y)))), HEIGHT)) {}
            path.line.thin d=(line(points(), HEIGHT, 0.01)) {}
        }
    }
}
