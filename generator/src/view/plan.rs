//! The plan as `run-benchmark plan` prints it: the phases with their arrivals, and each value with where it comes from.

use std::fmt::Write;

use benchmark_results::{format, schema::Phase};
use benchmark_scenarios::{Arrivals, Load, Plan, PlanHash, Resolved, Setting, Target, units};
use serde::Serialize;

use crate::load::schedule::Schedule;

/// Widest line.
const WIDTH: usize = 80;
/// Where a value begins, and where its source does.
const VALUE: usize = 24;
const SOURCE: usize = 45;

/// One phase of the submission window, or the drain after it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedPhase {
    /// Which.
    pub phase: Phase,
    /// Offset of its beginning from the beginning of the iteration, seconds.
    pub start_seconds: f64,
    /// Its length, seconds; the drain's is its longest.
    pub seconds: f64,
    /// Starts that are due in it.
    pub arrivals: u64,
}

/// The phases of one iteration, with the arrivals that the schedule has in each.
pub fn phases(load: &Load) -> Vec<PlannedPhase> {
    let schedule = Schedule::new(load);
    let seconds = |nanos: u64| nanos as f64 / 1e9;
    [Phase::Ramp, Phase::WarmUp, Phase::Measure, Phase::Drain]
        .into_iter()
        .map(|phase| {
            let (start, end) = schedule.bounds(phase);
            let length = if phase == Phase::Drain {
                load.drain.as_secs_f64()
            } else {
                seconds(end - start)
            };
            PlannedPhase {
                phase,
                start_seconds: seconds(start),
                seconds: length,
                arrivals: schedule.count_before(end) - schedule.count_before(start),
            }
        })
        .collect()
}

/// The plan for people, 80 columns wide, with a line break at the end.
pub fn text(resolved: &Resolved) -> String {
    let plan = &resolved.plan;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "plan {}   {}", plan.hash().short(), headline(plan));
    let target = match &plan.target {
        Target::Embedded(_) => "a dev server of its own",
        Target::Cluster(cluster) => &cluster.address,
    };
    write_wrapped(&mut out, "", 0, &format!("against {target}; nothing is run"));
    write_phases(&mut out, plan);
    write_settings(&mut out, &resolved.settings);
    write_always(&mut out, plan);
    for note in &resolved.notes {
        let _ = writeln!(out);
        write_wrapped(&mut out, "note: ", 6, note);
    }
    let _ = writeln!(out, "\nplan hash {}", plan.hash());
    out
}

/// The plan for programs: one JSON document.
///
/// # Errors
/// None that can happen with these types; handed on from `serde_json`.
pub fn json(resolved: &Resolved) -> serde_json::Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct View<'a> {
        plan: &'a Plan,
        plan_hash: PlanHash,
        settings: &'a [Setting],
        phases: Vec<PlannedPhase>,
        notes: &'a [String],
    }
    serde_json::to_string_pretty(&View {
        plan: &resolved.plan,
        plan_hash: resolved.plan.hash(),
        settings: &resolved.settings,
        phases: phases(&resolved.plan.load),
        notes: &resolved.notes,
    })
}

/// What is asked for in a few words: `simple · 400/s · 5m`.
pub fn headline(plan: &Plan) -> String {
    let spacing = match plan.load.arrivals {
        Arrivals::Constant => "",
        Arrivals::Poisson => " poisson",
    };
    let duration = units::format(plan.load.duration);
    format!(
        "{} · {}/s{spacing} · {duration}",
        plan.workload.kind.name(),
        plan.load.rate
    )
}

fn write_phases(out: &mut String, plan: &Plan) {
    let load = &plan.load;
    let each = if plan.iterations > 1 {
        format!(" (each of {} iterations)", plan.iterations)
    } else {
        String::new()
    };
    let _ = writeln!(out, "\nPhases{each}");
    let schedule = Schedule::new(load);
    let mut total = 0;
    let mut from = std::time::Duration::ZERO;
    for planned in phases(load) {
        let full = format!("{}/s", load.rate);
        let (name, length, rate) = match planned.phase {
            Phase::Ramp => (
                "ramp-up",
                load.ramp_up,
                format!("{}/s to {full}", rounded(schedule.rate_at(0))),
            ),
            Phase::WarmUp => ("warm-up", load.warm_up, full),
            Phase::Measure => ("measure", plan.measure_duration(), full),
            Phase::Drain => ("drain", load.drain, "no starts".to_owned()),
        };
        let up_to = if planned.phase == Phase::Drain { "up to " } else { "" };
        let length_text = format!("{up_to}{}", units::format(length));
        let arrivals = format::count(planned.arrivals);
        let from_text = units::format(from);
        let _ = writeln!(
            out,
            "  {name:<9}from {from_text:<13}for {length_text:<15}{rate:<18}{arrivals:>13}"
        );
        from += length;
        total += planned.arrivals;
    }
    let _ = writeln!(out, "  {:<64}{:>13}", "arrivals", format::count(total));
}

fn write_settings(out: &mut String, settings: &[Setting]) {
    let mut group = None;
    for setting in settings {
        if group != Some(setting.key.group()) {
            group = Some(setting.key.group());
            let _ = writeln!(out, "\n{}", setting.key.group().heading());
        }
        let mut lead = format!("  {:<width$}{}", setting.key.name(), setting.value, width = VALUE - 2);
        let taken = lead.chars().count();
        if taken < SOURCE {
            lead.push_str(&" ".repeat(SOURCE - taken));
        } else {
            lead.push('\n');
            lead.push_str(&" ".repeat(SOURCE));
        }
        write_wrapped(out, &lead, SOURCE, &setting.source.to_string());
    }
}

/// What no option changes.
fn write_always(out: &mut String, plan: &Plan) {
    let _ = writeln!(out, "\nAlways");
    for (name, value) in [
        ("retries", plan.starter.retries.to_string()),
        ("compression", plan.starter.compression.clone()),
    ] {
        let _ = writeln!(out, "  {name:<width$}{value}", width = VALUE - 2);
    }
}

/// Writes words after a lead, broken between words at [`WIDTH`] and continued at a column.
fn write_wrapped(out: &mut String, lead: &str, column: usize, words: &str) {
    out.push_str(lead);
    let mut at = column;
    for word in words.split(' ') {
        let length = word.chars().count();
        if at > column && at + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(column));
            at = column;
        }
        if at > column {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += length;
    }
    out.push('\n');
}

/// At most three decimals, none that say nothing.
fn rounded(rate: f64) -> String {
    ((rate * 1000.0).round() / 1000.0).to_string()
}
