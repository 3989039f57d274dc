//! The ledger as a flow: every arrival from top to bottom, and where each of them ended.
//!
//! Each stage is a bar as wide as its count; what leaves the way is beside what goes on, and below it lies only what
//! came from it.

use benchmark_results::{Ledger, format, schema::Results};
use maud::{Markup, html};

use super::{plot::WIDTH, scale::coordinate, theme};

/// Height of a bar, pixels.
const BAR: f64 = 30.0;
/// From one bar to the next, pixels; the style sheet's `.stage` has the same.
const STAGE: f64 = 84.0;
/// Least width of a bar with anything in it, units of [`WIDTH`].
const LEAST: f64 = 5.0;
/// Between the bars of a stage, units of [`WIDTH`].
const GAP: f64 = 4.0;

/// One end, or one step of the way.
struct Part {
    name: &'static str,
    class: &'static str,
    count: u64,
}

/// The four stages. The first part of each is what goes on.
fn stages(ledger: &Ledger) -> [Vec<Part>; 4] {
    let part = |name, class, count| Part { name, class, count };
    let ends = match ledger.ends_unknown {
        0 => vec![
            part("completed", "c2", ledger.completed),
            part("failed", "c1", ledger.failed),
            part("timed out", "c4", ledger.timed_out),
            part("terminated", "c3", ledger.terminated),
            part("cancelled", "c7", ledger.cancelled),
            part("open", "c5", ledger.open),
        ],
        // Not told, which is not 0.
        unknown => vec![part("end not known", "c5", unknown)],
    };
    [
        vec![part("arrivals", "c6", ledger.arrivals)],
        vec![
            part("dispatched", "c0", ledger.dispatched),
            part("dropped, too late", "c1", ledger.dropped_lag),
            part("dropped, cap reached", "c4", ledger.dropped_cap),
        ],
        vec![
            part("accepted", "c0", ledger.accepted),
            part("rejected", "c1", ledger.rejected),
            part("unknown", "c4", ledger.unknown),
        ],
        ends,
    ]
}

/// A bar: from where to where, units of [`WIDTH`].
type Extent = (f64, f64);

/// Where the parts of a stage lie within what they came from. All that hold anything can be seen.
fn layout(parts: &[Part], within: Extent) -> Vec<Option<Extent>> {
    let there = parts.iter().filter(|part| part.count > 0).count();
    let total: f64 = parts.iter().map(|part| part.count as f64).sum();
    let room = within.1 - within.0;
    let gaps = GAP * there.saturating_sub(1) as f64;
    let spare = (room - gaps - LEAST * there as f64).max(0.0);
    let least = if spare > 0.0 {
        LEAST
    } else {
        (room / there.max(1) as f64 - GAP).max(0.5)
    };
    let mut x = within.0;
    parts
        .iter()
        .map(|part| {
            (part.count > 0).then(|| {
                let width = least + spare * part.count as f64 / total;
                let extent = (x, x + width);
                x += width + GAP;
                extent
            })
        })
        .collect()
}

/// All stages, each within what went on from the one before.
fn extents(stages: &[Vec<Part>; 4]) -> Vec<Vec<Option<Extent>>> {
    let mut within = Some((0.0, WIDTH));
    let mut all = Vec::with_capacity(stages.len());
    for parts in stages {
        let extents = match within {
            Some(within) => layout(parts, within),
            None => vec![None; parts.len()],
        };
        within = extents.first().copied().flatten();
        all.push(extents);
    }
    all
}

/// The bars and what flows between them, in a box that is stretched.
fn bars(stages: &[Vec<Part>; 4]) -> Markup {
    let extents = extents(stages);
    let top = |stage: usize| STAGE * stage as f64;
    html! {
        svg.bars width="100%" height=(coordinate(height())) viewBox={ "0 0 " (coordinate(WIDTH)) " " (coordinate(height())) }
            preserveAspectRatio="none" role="img" aria-label="The ledger as a flow; the same figures stand beside it." {
            @for stage in 1..stages.len() {
                @if let Some(from) = extents[stage - 1].first().copied().flatten() {
                    @let shares = shares(&stages[stage], from);
                    @for (n, to) in extents[stage].iter().enumerate() {
                        @if let (Some((a, b)), Some((c, d))) = (shares[n], to) {
                            path class={ "fill " (if n == 0 { "flow" } else { "flow-bad" }) }
                                d=(ribbon((a, b), (*c, *d), top(stage - 1) + BAR, top(stage))) {}
                        }
                    }
                }
            }
            @for (stage, parts) in stages.iter().enumerate() {
                @for (part, extent) in parts.iter().zip(&extents[stage]) {
                    @if let Some((from, to)) = extent {
                        path class={ "fill " (part.class) }
                            d={ "M" (coordinate(*from)) " " (coordinate(top(stage))) "H" (coordinate(*to)) "v" (coordinate(BAR)) "H"
                                (coordinate(*from)) "z" } {
                            title { (part.name) " " (format::count(part.count)) }
                        }
                    }
                }
            }
        }
    }
}

/// How the lower edge of a bar is divided among what comes from it.
fn shares(parts: &[Part], within: Extent) -> Vec<Option<Extent>> {
    let extents = layout(parts, within);
    let scale = |x: f64, end: f64| {
        if end > within.0 {
            within.0 + (x - within.0) * (within.1 - within.0) / (end - within.0)
        } else {
            x
        }
    };
    let end = extents.iter().flatten().last().map_or(within.1, |extent| extent.1);
    extents
        .into_iter()
        .map(|extent| extent.map(|(a, b)| (scale(a, end), scale(b, end))))
        .collect()
}

fn ribbon((a, b): Extent, (c, d): Extent, top: f64, bottom: f64) -> String {
    let middle = coordinate((top + bottom) / 2.0);
    let [a, b, c, d, top, bottom] = [a, b, c, d, top, bottom].map(coordinate);
    format!("M{a} {top}C{a} {middle} {c} {middle} {c} {bottom}H{d}C{d} {middle} {b} {middle} {b} {top}z")
}

fn height() -> f64 {
    3.0 * STAGE + BAR
}

/// The flow in the page: names and figures beside the bars.
pub(super) fn flow(results: &Results) -> Markup {
    let stages = stages(&results.ledger);
    let arrivals = results.ledger.arrivals;
    html! {
        div.flow-grid {
            div {
                @for parts in &stages {
                    ul.stage {
                        @for part in parts {
                            li.zero[part.count == 0] {
                                (swatch(part.class)) span { (part.name) } b { (format::count(part.count)) }
                                i { @if arrivals > 0 { (format::percent(part.count as f64 / arrivals as f64)) } }
                            }
                        }
                    }
                }
            }
            (bars(&stages))
        }
    }
}

fn swatch(class: &str) -> Markup {
    html! { svg class=(class) width="12" height="12" aria-hidden="true" { rect.fill width="12" height="12" rx="3" {} } }
}

/// The flow as a file of its own.
pub(super) fn picture(results: &Results) -> String {
    let stages = stages(&results.ledger);
    let (width, left, top) = (960.0, 300.0, 64.0);
    let most = stages[3].iter().filter(|part| part.count > 0).count() as f64;
    let inner = html! {
        style { (maud::PreEscaped(theme::picture_css())) }
        title { "Where every arrival ended" }
        rect.paper width="100%" height="100%" {}
        text.title x="24" y="38" { "Where every arrival ended" }
        svg x=(coordinate(left)) y=(coordinate(top)) width=(coordinate(width - left - 24.0)) height=(coordinate(height())) { (bars(&stages)) }
        @for (stage, parts) in stages.iter().enumerate() {
            @for (n, part) in parts.iter().filter(|part| part.count > 0).enumerate() {
                @let y = top + STAGE * stage as f64 + 14.0 + 19.0 * n as f64;
                svg x="24" y=(coordinate(y - 10.0)) width="12" height="12" class=(part.class) {
                    rect.fill width="12" height="12" rx="3" {}
                }
                text.key x="44" y=(coordinate(y)) { (part.name) }
                text.value x=(coordinate(left - 24.0)) y=(coordinate(y)) text-anchor="end" { (format::count(part.count)) }
            }
        }
    };
    theme::picture(width, top + height() + (19.0 * most - BAR).max(0.0) + 24.0, &inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use benchmark_results::testing::ledger_strategy;

    proptest! {
        #[test]
        fn all_that_is_there_is_seen_and_lies_within_what_it_came_from(ledger in ledger_strategy()) {
            let stages = stages(&ledger);
            let extents = extents(&stages);
            let mut within = (0.0, WIDTH);
            for (parts, extents) in stages.iter().zip(&extents) {
                let mut last = within.0;
                for (part, extent) in parts.iter().zip(extents) {
                    prop_assert_eq!(extent.is_some(), part.count > 0 && within.1 > within.0);
                    if let Some((from, to)) = extent {
                        prop_assert!(*from >= last - 1e-9 && to > from && *to <= within.1 + 1e-6, "{from} {to}");
                        last = *to;
                    }
                }
                match extents[0] {
                    Some(next) => within = next,
                    None => break,
                }
            }
        }
    }
}
