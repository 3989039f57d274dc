//! The ledger as sums, what the server says of it, what failed, and what came of the thresholds.

use std::path::Path;

use super::{Out, WIDTH};
use crate::{
    format::{count, length, ms, wrap},
    schema::{CompletionSource, ErrorGroup, Results, VerdictValue},
    text,
};

/// Error groups that are shown; the file has all of them.
const GROUPS: usize = 5;
/// Workflow ids that are shown of a group.
const IDS: usize = 2;
/// Longest message that is shown, characters.
pub(super) const MESSAGE: usize = 160;

pub(super) fn ledger(out: &mut Out, results: &Results) {
    let ledger = &results.ledger;
    let arrivals = format!("  {} arrivals", count(ledger.arrivals));
    let dispatched = format!("  {} dispatched", count(ledger.dispatched));
    let width = arrivals.len().max(dispatched.len());

    let dropped = match (ledger.dropped_lag, ledger.dropped_cap) {
        (0, 0) => "0 dropped".to_owned(),
        (lag, 0) if is_short(results) => format!("{} dropped (too late, or not sent by who was lost)", count(lag)),
        (lag, 0) => format!("{} dropped (too late)", count(lag)),
        (0, cap) => format!("{} dropped (cap reached)", count(cap)),
        (lag, cap) => format!(
            "{} dropped ({} too late, {} cap reached)",
            count(lag + cap),
            count(lag),
            count(cap)
        ),
    };
    let first = format!("= {} dispatched + {dropped}", count(ledger.dispatched));
    let mut ends = Vec::new();
    let is_told = ledger.ends_unknown == 0;
    let mut end = |number: u64, word: &str, always: bool| {
        if always || number > 0 {
            ends.push(format!("{} {word}", count(number)));
        }
    };
    end(
        ledger.ends_unknown,
        "accepted that nobody could tell the ends of",
        false,
    );
    end(ledger.completed, "completed", is_told);
    end(ledger.failed, "failed", is_told);
    end(ledger.timed_out, "timed out", false);
    end(ledger.terminated, "terminated", false);
    end(ledger.cancelled, "cancelled", false);
    end(ledger.open, "open", is_told);
    end(ledger.rejected, "rejected", false);
    end(ledger.unknown, "unknown", true);
    for (left, right) in [(arrivals, first), (dispatched, format!("= {}", ends.join(" + ")))] {
        let left = format!("{left:<width$} ");
        let indent = left.len() + 2;
        out.line(&wrap(&left, indent, &right, WIDTH));
    }
    server(out, results);
    observers(out, results);
    connections(out, results);
    for group in results.errors.iter().take(GROUPS) {
        error_group(out, group);
    }
    if results.errors.len() > GROUPS {
        out.line(&format!(
            "  and {} more kinds of error in the file",
            results.errors.len() - GROUPS
        ));
    }
    out.blank();
}

/// Whether a generator owes a part of the arrivals.
fn is_short(results: &Results) -> bool {
    results.fleet.members.iter().any(|member| member.missing_arrivals() > 0)
}

/// What became of the connections for starts, when more than their age ended them or starts took more than one way.
fn connections(out: &mut Out, results: &Results) {
    let Some(connections) = results.generator.start_connections else {
        return;
    };
    if connections.lost == 0 && connections.failed_attempts == 0 && connections.sent_again == 0 {
        return;
    }
    let mut parts = Vec::new();
    for (number, what) in [
        (connections.retired, "retired by the server"),
        (connections.lost, "lost"),
        (connections.failed_attempts, "failed attempts to open one"),
        (connections.sent_again, "starts sent again"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", count(number)));
        }
    }
    out.line(&wrap(
        "  ",
        2,
        &format!("connections for starts: {}", parts.join(", ")),
        WIDTH,
    ));
}

fn server(out: &mut Out, results: &Results) {
    let reconciliation = &results.reconciliation;
    let Some(counts) = &reconciliation.server.value else {
        let text = format!("server not asked: {}", reconciliation.server.source);
        out.line(&wrap("  ", 2, &text, WIDTH));
        return;
    };
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, number)| **number > 0)
        .map(|(status, number)| format!("{} {status}", count(*number)))
        .collect();
    let counts = if counts.is_empty() {
        "no workflow".to_owned()
    } else {
        counts.join(", ")
    };
    let settled = match reconciliation.settled_after_seconds {
        Some(seconds) => format!("visibility, {} after the drain", length(seconds)),
        None => "visibility".into(),
    };
    let text = if !reconciliation.disagreements.is_empty() {
        format!(
            "server disagrees: {counts} ({settled}): {}",
            reconciliation.disagreements.join("; ")
        )
    } else if reconciliation.source == CompletionSource::Visibility {
        format!("server counts: {counts} ({settled})")
    } else {
        format!("server agrees: {counts} ({settled})")
    };
    out.line(&wrap("  ", 2, &text, WIDTH));
}

/// How far the workers' stamps and the long polls of the sample agree; nothing where nobody stamps.
fn observers(out: &mut Out, results: &Results) {
    let reconciliation = &results.reconciliation;
    if reconciliation.source != CompletionSource::Stamps || reconciliation.stamped == 0 {
        return;
    }
    let mut text = format!("workers stamped {} ends", count(reconciliation.stamped));
    if reconciliation.stamped_twice > 0 {
        text += &format!(", {} of them twice", count(reconciliation.stamped_twice));
    }
    let compared = reconciliation.poll_delay.count;
    if compared > 0 {
        let agreeing = compared.saturating_sub(reconciliation.sample_disagreements);
        text += &format!("; {} of {} long-polled ones agree", count(agreeing), count(compared));
        if let Some(delay) = reconciliation.poll_delay.mean {
            text += &format!(", seen {} later on average", ms(delay));
        }
    }
    out.line(&wrap("  ", 2, &text, WIDTH));
}

fn error_group(out: &mut Out, group: &ErrorGroup) {
    let mut text = format!("{} × {} {}", count(group.count), group.operation, group.code);
    if let Some(example) = group.examples.first() {
        text += &format!(": {}", text::line(&example.message, MESSAGE));
    }
    let ids: Vec<&str> = group
        .examples
        .iter()
        .filter_map(|example| example.workflow_id.as_deref())
        .take(IDS)
        .collect();
    if !ids.is_empty() {
        text += &format!(" ({})", text::line(&ids.join(", "), MESSAGE));
    }
    out.line(&wrap("  ", 4, &text, WIDTH));
}

/// The thresholds, each with what was measured. An invalid run is not judged by them.
pub(super) fn outcome(out: &mut Out, results: &Results) {
    if results.verdict.value == VerdictValue::Invalid {
        out.line("  thresholds   not judged: an invalid run has measured nothing");
        return;
    }
    for (index, threshold) in results.outcome.thresholds.iter().enumerate() {
        let label = if index == 0 { "  thresholds" } else { "" };
        let (word, painted) = if threshold.met {
            ("met", out.style.good("met"))
        } else {
            ("NOT MET", out.style.bad("NOT MET"))
        };
        let first = format!("{label:<15}{word:<9}{:<16}", threshold.name);
        let text = format!("{} · asked {}", threshold.measured, threshold.required);
        out.line(&wrap(&first, 40, &text, WIDTH).replacen(word, &painted, 1));
    }
}

/// Which run this was, and where its file is.
pub(super) fn whereabouts(out: &mut Out, results: &Results, file: Option<&Path>) {
    let server = &results.environment.server;
    let version = server.version.value.as_deref().unwrap_or("of unknown version");
    let kind = if server.embedded { "embedded server" } else { "server" };
    let run = format!(
        "{} · plan {} · {} · {kind} {version} at {}",
        results.run.id,
        results.plan_hash.short(),
        results.plan.workload.kind.name(),
        server.address
    );
    out.line(&wrap("  run          ", 15, &text::line(&run, MESSAGE), WIDTH));
    if let Some(written) = results.remote_write.as_ref().filter(|written| written.lost > 0) {
        let why = text::line(written.problem.as_deref().unwrap_or_default(), MESSAGE);
        let lost = format!(
            "{} of {} seconds were lost: {why}",
            count(written.lost),
            count(written.taken.saturating_add(written.lost))
        );
        out.line(&wrap("  remote write ", 15, &lost, WIDTH));
    }
    if let Some(url) = &results.run.dashboard_url {
        // In one piece, however long: else no terminal opens it.
        out.line(&format!("  dashboard    {}", text::line(url, text::ADDRESS)));
    }
    if let Some(file) = file {
        out.line(&format!("  result       {}", text::lines(&file.to_string_lossy())));
    }
}
