//! The members of a fleet, each in a line, so that a slow one is seen and not averaged away.

use std::cmp::Reverse;

use super::Out;
use crate::{
    format::{NONE, count, maybe_ms},
    member_figures::{Typical, clock_offset, cpu_share, fewest_free_slots, speed},
    schema::{Member, MemberPresence, MemberRole, Results, VerdictValue},
    text,
};

/// Members of a kind that are shown; the file has all of them.
const SHOWN: usize = 8;
/// Characters of a name that are shown.
const NAME: usize = 18;

/// The tables of generators and workers, when there are others than the leader and its own workers.
pub(super) fn members(out: &mut Out, results: &Results) {
    if !results.fleet.has_others() {
        return;
    }
    let is_worker = |member: &&Member| member.role == MemberRole::Worker;
    let (workers, generators): (Vec<&Member>, Vec<&Member>) = results.fleet.members.iter().partition(is_worker);
    // A single generator is the run itself.
    if generators.len() > 1 {
        table(out, results, "generator", generators);
    }
    if !workers.is_empty() {
        table(out, results, "worker", workers);
    }
}

/// A column: its heading, its width, what stands in it. Right-aligned.
struct Column {
    heading: &'static str,
    width: usize,
    cell: fn(&Results, &Member) -> String,
}

/// Latencies are the cluster's, and so are not shown of an INVALID run.
fn columns(kind: &str, invalid: bool) -> Vec<Column> {
    let column = |heading, width, cell| Column { heading, width, cell };
    let share: Column = column("share", 6, |_, member| whole_percent(member.share));
    let cpu = column("cpu", 7, |results, member| whole_percent(cpu_share(results, member)));
    let clock = column("clock", 9, |_, member| clock_offset(member));
    let resent = column("resent", 7, |_, member| count(member.windows_resent));
    let mut columns = vec![share];
    if kind == "worker" {
        if !invalid {
            columns.push(column("e2e p50", 9, |_, member| maybe_ms(speed(member)[0])));
            columns.push(column("e2e p99", 9, |_, member| maybe_ms(speed(member)[1])));
        }
        columns.push(cpu);
        columns.push(column("free", 6, |results, member| {
            fewest_free_slots(results, member).map_or_else(|| NONE.into(), |free| count(u64::from(free)))
        }));
    } else {
        if !invalid {
            columns.push(column("start p99", 10, |_, member| maybe_ms(speed(member)[1])));
        }
        columns.push(column("lag p99", 9, |_, member| {
            maybe_ms(member.starts.as_ref().and_then(|starts| starts.lag.p99))
        }));
        columns.push(cpu);
    }
    columns.extend([clock, resent]);
    columns
}

fn table(out: &mut Out, results: &Results, kind: &str, mut members: Vec<&Member>) {
    let invalid = results.verdict.value == VerdictValue::Invalid;
    let typical = Typical::of(members.iter().copied());
    let is_slow = |member: &Member| !invalid && typical.is_slow(member);
    // Who is not to be missed comes first, then the slowest.
    members.sort_by(|a, b| {
        let gone = |member: &Member| member.presence == MemberPresence::Lost || left_early(results, member);
        let by = |member: &Member| Reverse((gone(member), is_slow(member)));
        let at = |member: &Member| speed(member).map(|ms| ms.unwrap_or(f64::NEG_INFINITY));
        let ([a50, a99], [b50, b99]) = (at(a), at(b));
        by(a)
            .cmp(&by(b))
            .then(b50.total_cmp(&a50))
            .then(b99.total_cmp(&a99))
            .then_with(|| a.name.cmp(&b.name))
    });
    let columns = columns(kind, invalid);
    let mut line = format!("  {kind:<NAME$}");
    for column in &columns {
        line += &format!("{:>width$}", column.heading, width = column.width);
    }
    out.line(&line);
    for member in members.iter().take(SHOWN) {
        let mut line = format!("  {:<NAME$}", name(&member.name));
        for column in &columns {
            line += &format!("{:>width$}", (column.cell)(results, member), width = column.width);
        }
        let mark = match member.presence {
            MemberPresence::Lost => "lost",
            MemberPresence::Left if left_early(results, member) => "left",
            _ if is_slow(member) => "slow",
            _ => "",
        };
        if mark.is_empty() {
            out.line(&line);
        } else {
            let painted = out.style.bad(mark);
            out.line(&format!("{line}  {painted}"));
        }
    }
    if members.len() > SHOWN {
        out.line(&format!(
            "  and {} more in the file",
            count((members.len() - SHOWN) as u64)
        ));
    }
    out.blank();
}

/// Whether it went while something was measured; afterwards everybody goes.
fn left_early(results: &Results, member: &Member) -> bool {
    let ends = results.iterations.iter().map(|iteration| {
        let measure = &iteration.phases.measure;
        measure.start_seconds + measure.seconds
    });
    let end = ends.fold(0.0, f64::max);
    member.presence == MemberPresence::Left && member.left_seconds.is_none_or(|left| left < end)
}

/// A name of somebody else, its end kept: that is where processes of one host differ.
fn name(text: &str) -> String {
    let text = text::line(text, usize::MAX);
    let length = text.chars().count();
    if length <= NAME {
        return text;
    }
    std::iter::once('…')
        .chain(text.chars().skip(length - NAME + 1))
        .collect()
}

/// A share in the width of a column: `33 %`, `<1 %`.
fn whole_percent(share: Option<f64>) -> String {
    match share.filter(|share| share.is_finite()) {
        None => NONE.into(),
        Some(share) if share > 0.0 && share < 0.01 => "<1 %".into(),
        Some(share) => format!("{:.0} %", share * 100.0),
    }
}
