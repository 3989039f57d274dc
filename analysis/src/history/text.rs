//! A history for a terminal: a heading for each series, a row for each run, 80 columns.

use benchmark_results::{
    format::{count, length, maybe_ms, maybe_rate, ms, percent, plural, push_lines as push, rate, wrap},
    schema::VerdictValue,
    summary::{Style, verdict_word},
    text,
};

use super::{Change, Examined, History, HistoryMetric, RunRow, RunSeries};

use crate::limits::CHANGES_MIN_RUNS;

/// Columns of the text.
const WIDTH: usize = 80;
/// Column at which the texts of a heading begin.
const TEXT: usize = 13;
/// Runs that a sparkline shows, the latest ones.
const SPARKS: usize = 40;
/// Differences of a series that are shown.
const DIFFERENCES: usize = 4;
/// Files that could not be read, of which the reason is shown.
const UNREAD: usize = 10;

/// The text.
pub(super) fn render(history: &History, style: Style) -> String {
    let mut out = String::new();
    let runs: usize = history.series.iter().map(|series| series.runs.len()).sum();
    let mut heading = format!(
        "{} in {} series under {}",
        plural(runs as u64, "run"),
        history.series.len(),
        text::line(&history.folder.to_string_lossy(), 200)
    );
    if runs < history.read {
        heading += &format!("; {} not asked for", count((history.read - runs) as u64));
    }
    push(&mut out, &wrap("HISTORY   ", 10, &heading, WIDTH));
    for series in &history.series {
        out.push('\n');
        heading_of(&mut out, series, history.series.len());
        rows(&mut out, series, style);
        changes(&mut out, series, style);
    }
    unread(&mut out, history);
    out
}

fn heading_of(out: &mut String, series: &RunSeries, of: usize) {
    let run = &series.runs[0];
    // What `show` says of the latest, whatever hash older programs gave to the same plan.
    let latest = series.runs.last().unwrap_or(run);
    let plan = &run.plan;
    let title = format!(
        "{} · {} · {} · plan {}",
        run.workload,
        rate(run.rate),
        length(plan.load.duration.as_secs_f64()),
        latest.plan_hash.get(..6).unwrap_or_default()
    );
    push(out, &format!("series {} of {of}   {title}", series.number));
    let told: Vec<String> = [
        ("server.version", "server "),
        ("server.historyShards", "shards "),
        ("server.persistenceStore", ""),
        ("host.cores", "cores "),
        ("host.cpuModel", ""),
    ]
    .iter()
    .filter_map(|(key, word)| {
        let (_, value) = run.environment.iter().find(|(known, _)| known == key)?;
        (value != "unknown").then(|| format!("{word}{value}"))
    })
    .collect();
    push(out, &wrap("  where      ", TEXT, &told.join(" · "), WIDTH));
    if let Some(differs) = &series.differs {
        let mut keys: Vec<String> = differs
            .keys
            .iter()
            .take(DIFFERENCES)
            .map(|(key, there, here)| format!("{key} {there} -> {here}"))
            .collect();
        if differs.keys.len() > DIFFERENCES {
            keys.push(format!("and {} more", differs.keys.len() - DIFFERENCES));
        }
        let text = format!("from series {} in {}", differs.from, keys.join("; "));
        push(out, &wrap("  differs    ", TEXT, &text, WIDTH));
    }
    for metric in [
        HistoryMetric::Throughput,
        HistoryMetric::StartP99,
        HistoryMetric::E2eP99,
    ] {
        if let Some(line) = trend(series, metric) {
            push(out, &line);
        }
    }
}

/// The latest runs as a row of bars between the smallest and the largest of them. A rate that is no result has no trend.
fn trend(series: &RunSeries, metric: HistoryMetric) -> Option<String> {
    series.looked.iter().find(|looked| looked.metric == metric)?;
    let values: Vec<f64> = series.counted().filter_map(|run| metric.of(run)).collect();
    if values.len() < 2 {
        return None;
    }
    let shown = &values[values.len().saturating_sub(SPARKS)..];
    let (low, high) = bounds(shown);
    Some(format!(
        "  {:<11}{}  {} to {}",
        metric.name(),
        sparkline(shown),
        figure(metric, low),
        figure(metric, high)
    ))
}

fn bounds(values: &[f64]) -> (f64, f64) {
    values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        })
}

/// Eight heights from the smallest to the largest value. Values that differ by less than a hundredth stand level: noise
/// must not look like mountains.
fn sparkline(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (low, high) = bounds(values);
    let range = (high - low).max(high.abs() * 0.01);
    values
        .iter()
        .map(|value| {
            let height = if range > 0.0 { (value - low) / range * 7.0 } else { 0.0 };
            BARS[(height.round() as usize).min(7)]
        })
        .collect()
}

fn figure(metric: HistoryMetric, value: f64) -> String {
    match metric {
        HistoryMetric::Throughput => rate(value),
        HistoryMetric::StartP99 | HistoryMetric::E2eP99 => ms(value),
        HistoryMetric::ErrorRatio | HistoryMetric::Overloaded => percent(value),
    }
}

fn rows(out: &mut String, series: &RunSeries, style: Style) {
    push(
        out,
        &format!(
            "  {:<17}{:<19}{:<8}{:<11}{:>8}{:>7}{:>7}",
            "when (UTC)", "run", "version", "verdict", "done/s", "p50", "p99"
        ),
    );
    for run in &series.runs {
        push(out, &row(run, style));
    }
}

fn row(run: &RunRow, style: Style) -> String {
    // To the minute; a timestamp is written in UTC.
    let when = run.started_at.to_string().replace('T', " ");
    let when = when.get(..16).unwrap_or_default();
    let word = verdict_word(run.verdict);
    let invalid = run.verdict == VerdictValue::Invalid;
    let figures = if invalid {
        [None; 3]
    } else {
        [run.throughput, run.e2e_p50, run.e2e_p99]
    };
    let [done, p50, p99] = figures;
    let mark = if run.whole { ' ' } else { '*' };
    let line = format!(
        "{mark} {when:<17}{:<19}{:<8}{word:<11}{:>8}{:>7}{:>7}",
        text::line(&run.id, 18),
        text::line(&run.version, 7),
        maybe_rate(done).trim_end_matches("/s"),
        maybe_ms(p50),
        maybe_ms(p99),
    );
    line.replacen(word, &style.verdict(run.verdict), 1)
}

fn changes(out: &mut String, series: &RunSeries, style: Style) {
    if series.runs.iter().any(|run| !run.whole) {
        push(out, "* did not go to its end, and is no part of the trend");
    }
    let (looked, not): (Vec<&Examined>, Vec<&Examined>) = series.looked.iter().partition(|looked| looked.enough);
    let changes_of = |looked: &Examined| series.changes.iter().any(|change| change.metric == looked.metric);
    let none: Vec<&Examined> = looked.into_iter().filter(|looked| !changes_of(looked)).collect();
    for (words, figures) in [
        ("none in".to_owned(), none),
        (format!("not looked for, for want of {CHANGES_MIN_RUNS} runs, in"), not),
    ] {
        if !figures.is_empty() {
            let text = format!("{words} {}", named(series, &figures));
            push(out, &wrap("  changes    ", TEXT, &text, WIDTH));
        }
    }
    for change in &series.changes {
        let text = change_line(series, change);
        let painted = if change.worse {
            text.replacen("regressed", &style.bad("regressed"), 1)
        } else {
            text.replacen("improved", &style.good("improved"), 1)
        };
        push(out, &painted);
    }
}

/// Figures, each with the number of runs that have it: told once for those that follow one another with the same.
fn named(series: &RunSeries, figures: &[&Examined]) -> String {
    let chunks = figures.chunk_by(|one, other| of_runs(series, one) == of_runs(series, other));
    let named = chunks.map(|figures| {
        let names: Vec<&str> = figures.iter().map(|looked| looked.metric.name()).collect();
        format!("{} ({})", names.join(", "), of_runs(series, figures[0]))
    });
    named.collect::<Vec<_>>().join(", ")
}

/// How many runs have a value of it; where some were OVERLOADED, which ones.
fn of_runs(series: &RunSeries, looked: &Examined) -> String {
    let all = series.counted().count();
    let mixed = series.counted().any(|run| run.verdict == VerdictValue::Overloaded);
    let valid = if mixed && looked.metric.is_latency() {
        "VALID "
    } else {
        ""
    };
    match looked.values == all {
        true => plural(all as u64, "run"),
        false => format!("{} {valid}of {}", looked.values, plural(all as u64, "run")),
    }
}

fn change_line(series: &RunSeries, change: &Change) -> String {
    let word = if change.worse { "regressed" } else { "improved" };
    let sign = if change.change < 0.0 { "▼" } else { "▲" };
    let unit = if change.metric.is_share() { "pp" } else { "%" };
    let decimals = if change.metric == HistoryMetric::ErrorRatio {
        2
    } else {
        1
    };
    let interval = change.interval.map_or_else(String::new, |interval| {
        format!(
            " [{:+.decimals$}, {:+.decimals$}]",
            interval.low * 100.0,
            interval.high * 100.0
        )
    });
    let id = |id: &str| text::line(id, 40);
    let place = match change.range_runs {
        1 => format!("run {}", id(&change.run)),
        runs => format!("one of {runs} runs, {} to {}", id(&change.range.0), id(&change.range.1)),
    };
    let mut text = format!(
        "{sign} {word} {:+.decimals$} {unit}{interval} with {place}: {} in {} before, {} in {} after",
        change.change * 100.0,
        figure(change.metric, change.before),
        plural(change.runs_before as u64, "run"),
        figure(change.metric, change.after),
        count(change.runs_after as u64),
    );
    if change.metric.is_latency() && series.counted().any(|run| run.verdict == VerdictValue::Overloaded) {
        text += ", all VALID";
    }
    if change.versions.0 != change.versions.1 {
        text += &format!(
            "; version {} -> {}",
            text::line(&change.versions.0, 20),
            text::line(&change.versions.1, 20)
        );
    }
    if let Some((before, after)) = change.seeds {
        text += &format!("; seed {before} -> {after}, another draw of the load");
    }
    wrap(&format!("  {:<11}", change.metric.name()), TEXT, &text, WIDTH)
}

fn unread(out: &mut String, history: &History) {
    if history.unread.is_empty() {
        return;
    }
    out.push('\n');
    push(
        out,
        &format!("not read   {}", plural(history.unread.len() as u64, "path")),
    );
    for unread in history.unread.iter().take(UNREAD) {
        let path = unread.path.strip_prefix(&history.folder).unwrap_or(&unread.path);
        let text = format!("{} {}", text::line(&path.to_string_lossy(), 200), unread.reason);
        push(out, &wrap("  ", 4, &text, WIDTH));
    }
    if history.unread.len() > UNREAD {
        push(
            out,
            &format!("  and {} more", count((history.unread.len() - UNREAD) as u64)),
        );
    }
}
