//! One plot, for the page and as a picture of its own: axes, marks, a legend, values to hover over, a table.
//!
//! Nothing in the page depends on its width: marks are drawn in a box that is stretched (1000 units wide), and everything
//! that must keep its shape (texts, lines) is placed in per cent beside or over it. Without the script each column's
//! values are its `<title>`; the script takes them from there.

use benchmark_results::format;
use maud::{Markup, PreEscaped, html};

use super::{
    scale::{Scale, coordinate, percent},
    scene::Scene,
    theme,
};

/// Width of the stretched box, in its own units.
pub(super) const WIDTH: f64 = 1000.0;
/// Pixels above the marks, for the names of phases.
const TOP: f64 = 20.0;
/// Pixels below the marks, for the axis.
const BOTTOM: f64 = 26.0;
/// Pixels left of the marks, for the other axis.
const LEFT: f64 = 58.0;
/// Width of a picture, pixels.
const PICTURE: f64 = 960.0;
/// Pixels around a picture.
const MARGIN: f64 = 24.0;
/// Pixels of a character, about.
const CHARACTER: f64 = 6.6;
/// Pixels of a character of an axis, about.
const TICK_CHARACTER: f64 = 6.1;
/// Width of the marks on a phone and on a large screen, pixels: decides which phases can carry their name.
const NARROW: f64 = 270.0;
const WIDE: f64 = 640.0;

/// A plot.
pub(super) struct Plot {
    /// Anchor in the page and name of the picture.
    pub(super) id: String,
    pub(super) title: String,
    /// How to read it, in a sentence or two.
    pub(super) note: String,
    /// Height of the marks, pixels.
    pub(super) height: f64,
    pub(super) y: Scale,
    pub(super) y_text: fn(f64) -> String,
    /// Marks of the horizontal axis: place, 0 to 1, and text.
    pub(super) x: Vec<(f64, String)>,
    /// Whether the horizontal axis is the time of the run; such plots show the same moment together.
    pub(super) over_time: bool,
    pub(super) bands: Vec<Band>,
    pub(super) marks: Vec<Mark>,
    pub(super) legend: Vec<LegendKey>,
    /// What there is to say when there is nothing to draw.
    pub(super) empty: Option<String>,
    pub(super) hits: Vec<Hit>,
    pub(super) table: Table,
}

/// A part of the horizontal axis, 0 to 1.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) text: String,
    /// Whether it stands back: it is not measured.
    pub(super) shaded: bool,
    /// Whether a line marks its beginning.
    pub(super) ruled: bool,
}

/// A shape in the stretched box.
pub(super) struct Mark {
    /// Classes of `plot.css`.
    pub(super) class: String,
    /// Path, in units of the box.
    pub(super) path: String,
}

impl Mark {
    pub(super) fn new(class: impl Into<String>, path: String) -> Self {
        let class = class.into();
        Mark { class, path }
    }
}

/// An entry of the legend.
#[derive(Clone, Debug)]
pub(super) struct LegendKey {
    pub(super) class: String,
    /// Whether it is shown as a filled box rather than as a line.
    pub(super) filled: bool,
    pub(super) text: String,
}

impl LegendKey {
    /// Of a line.
    pub(super) fn line(class: impl Into<String>, text: impl Into<String>) -> Self {
        let (class, text) = (class.into(), text.into());
        let filled = false;
        LegendKey { class, filled, text }
    }

    /// Of an area.
    pub(super) fn area(class: impl Into<String>, text: impl Into<String>) -> Self {
        let filled = true;
        LegendKey {
            filled,
            ..LegendKey::line(class, text)
        }
    }
}

/// What a column of the plot says when it is pointed at.
pub(super) struct Hit {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) text: String,
}

impl Hit {
    /// One for each column.
    pub(super) fn columns(columns: usize, text: impl Fn(usize) -> String) -> Vec<Hit> {
        let place = |n: usize| n as f64 / columns as f64;
        let hit = |n| Hit {
            from: place(n),
            to: place(n + 1),
            text: text(n),
        };
        (0..columns).map(hit).collect()
    }

    /// One around each point of a curve, from its beginning to its end in so many steps.
    pub(super) fn points(steps: usize, text: impl Fn(usize) -> String) -> Vec<Hit> {
        let (place, half) = (|n: usize| n as f64 / steps as f64, 0.5 / steps as f64);
        let hit = |n| Hit {
            from: (place(n) - half).max(0.0),
            to: (place(n) + half).min(1.0),
            text: text(n),
        };
        (0..=steps).map(hit).collect()
    }
}

/// The figures behind a plot.
#[derive(Default)]
pub(super) struct Table {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// How the rows were chosen.
    pub(super) note: String,
}

impl Plot {
    /// A plot of latencies without anything in it.
    pub(super) fn new(id: impl Into<String>, title: impl Into<String>, height: f64) -> Self {
        Plot {
            id: id.into(),
            title: title.into(),
            note: String::new(),
            height,
            y: Scale::latencies(1.0, 1.0),
            y_text: format::ms,
            x: Vec::new(),
            over_time: false,
            bands: Vec::new(),
            marks: Vec::new(),
            legend: Vec::new(),
            empty: None,
            hits: Vec::new(),
            table: Table::default(),
        }
    }

    /// The same over the time of these runs.
    pub(super) fn over_time(self, scene: &Scene, runs: &[usize]) -> Self {
        Plot {
            x: scene.time_marks(),
            over_time: true,
            bands: scene.bands(runs),
            ..self
        }
    }

    /// The plot as it stands in the page.
    pub(super) fn figure(&self) -> Markup {
        html! {
            figure.plot id=(self.id) {
                figcaption {
                    h3 { (self.title) }
                    p.note { (self.note) }
                    @if self.empty.is_none() && !self.legend.is_empty() { (legend(&self.legend)) }
                }
                @if let Some(empty) = &self.empty {
                    p.empty { (empty) }
                } @else {
                    div.frame {
                        svg.axis width=(coordinate(LEFT)) height=(coordinate(self.outer())) aria-hidden="true" { (self.left()) }
                        svg.area height=(coordinate(self.outer())) role="img" tabindex="0"
                            aria-label={ (self.title) ". The figures stand in the table below." }
                            data-time=[self.over_time.then_some("")] { (self.area()) }
                    }
                }
                @if !self.table.rows.is_empty() { (self.table.details("Data")) }
            }
        }
    }

    /// The plot as a file of its own, in the light theme.
    pub(super) fn picture(&self) -> String {
        let width = (PICTURE - 2.0 * MARGIN) / (CHARACTER * 0.95);
        let notes = format::wrap("", 0, &self.note, width as usize);
        let notes: Vec<&str> = notes.lines().collect();
        let mut y = MARGIN + 14.0;
        let title_at = y;
        let notes_at = y + 20.0;
        y += 18.0 * notes.len() as f64 + 12.0;
        let keys = placed_keys(&self.legend, y + 14.0);
        if let Some((_, last, _)) = keys.last() {
            y = last + 14.0;
        }
        let body = if self.empty.is_some() { 40.0 } else { self.outer() };
        let height = y + body + MARGIN;
        let inner = html! {
            style { (PreEscaped(theme::picture_css())) }
            title { (self.title) }
            rect.paper width="100%" height="100%" {}
            text.title x=(coordinate(MARGIN)) y=(coordinate(title_at)) { (self.title) }
            @for (n, line) in notes.iter().enumerate() {
                text.note x=(coordinate(MARGIN)) y=(coordinate(notes_at + 18.0 * n as f64)) { (line) }
            }
            @if let Some(empty) = &self.empty {
                text x=(coordinate(MARGIN)) y=(coordinate(y + 24.0)) { (empty) }
            } @else {
                @for (x, y, key) in &keys {
                    svg x=(coordinate(*x)) y=(coordinate(*y - 9.0)) width="18" height="10" class=(key.class) { (key.sample()) }
                    text.key x=(coordinate(*x + 24.0)) y=(coordinate(*y)) { (key.text) }
                }
                svg x=(coordinate(MARGIN)) y=(coordinate(y)) width=(coordinate(LEFT)) height=(coordinate(self.outer())) { (self.left()) }
                svg x=(coordinate(MARGIN + LEFT)) y=(coordinate(y)) width=(coordinate(PICTURE - 2.0 * MARGIN - LEFT))
                    height=(coordinate(self.outer())) overflow="visible" { (self.area()) }
            }
        };
        theme::picture(PICTURE, height, &inner)
    }

    fn outer(&self) -> f64 {
        TOP + self.height + BOTTOM
    }

    /// The vertical axis.
    fn left(&self) -> Markup {
        html! {
            @for tick in self.y.ticks() {
                text.tick x=(coordinate(LEFT - 8.0)) y=(coordinate(TOP + self.height * (1.0 - self.y.place(tick)) + 4.0))
                    text-anchor="end" { ((self.y_text)(tick)) }
            }
        }
    }

    /// Everything right of it.
    fn area(&self) -> Markup {
        let bottom = TOP + self.height;
        html! {
            @for band in self.bands.iter().filter(|band| band.shaded) {
                rect.back x=(percent(band.from)) y=(coordinate(TOP)) width=(percent(band.to - band.from))
                    height=(coordinate(self.height)) {}
            }
            @for tick in self.y.ticks() {
                @let y = coordinate(TOP + self.height * (1.0 - self.y.place(tick)));
                line.grid x1="0" x2="100%" y1=(y) y2=(y) {}
            }
            @for band in &self.bands {
                @if band.ruled {
                    line.rule x1=(percent(band.from)) x2=(percent(band.from)) y1="4" y2=(coordinate(bottom)) {}
                }
                @if let Some(class) = fitting(band) {
                    text class=(class) x=(percent(band.from)) dx="4" y=(coordinate(TOP - 7.0)) { (band.text) }
                }
            }
            svg y=(coordinate(TOP)) width="100%" height=(coordinate(self.height)) overflow="visible" preserveAspectRatio="none"
                viewBox={ "0 0 " (coordinate(WIDTH)) " " (coordinate(self.height)) } {
                @for mark in &self.marks { path class=(mark.class) d=(mark.path) {} }
                g.hits {
                    @for hit in &self.hits {
                        path d={ "M" (coordinate(hit.from * WIDTH)) " 0h" (coordinate((hit.to - hit.from) * WIDTH)) "v"
                            (coordinate(self.height)) "h-" (coordinate((hit.to - hit.from) * WIDTH)) "z" } {
                            title { (hit.text) }
                        }
                    }
                }
            }
            line.base x1="0" x2="100%" y1=(coordinate(bottom)) y2=(coordinate(bottom)) {}
            @for ((place, text), class) in self.x.iter().zip(tick_classes(&self.x)) {
                line.base x1=(percent(*place)) x2=(percent(*place)) y1=(coordinate(bottom)) y2=(coordinate(bottom + 4.0)) {}
                text class=(class) x=(percent(*place)) y=(coordinate(bottom + 18.0)) text-anchor=(anchor(*place)) { (text) }
            }
        }
    }
}

impl LegendKey {
    fn sample(&self) -> Markup {
        html! {
            @if self.filled { rect.fill width="18" height="10" rx="2" {} } @else { path class=(self.stroke()) d="M0 5h18" {} }
        }
    }

    fn stroke(&self) -> &'static str {
        if self.class.split(' ').any(|class| class == "dash") {
            "line dash"
        } else {
            "line"
        }
    }
}

/// A legend, which breaks into lines where it must.
pub(super) fn legend(keys: &[LegendKey]) -> Markup {
    html! {
        p.legend {
            @for key in keys {
                span.key { svg class=(key.class) width="18" height="10" aria-hidden="true" { (key.sample()) } (key.text) }
            }
        }
    }
}

/// A table that is scrolled by itself where it is too wide for the page.
pub(super) fn scrolling(head: &Markup, rows: &Markup) -> Markup {
    html! { div.scroll { table { thead { tr { (head) } } tbody { (rows) } } } }
}

impl Table {
    /// Folded away, under a heading.
    pub(super) fn details(&self, heading: &str) -> Markup {
        html! {
            details.data {
                summary { (heading) }
                @if !self.note.is_empty() { p.note { (self.note) } }
                (scrolling(
                    &html! { @for cell in &self.head { th scope="col" { (cell) } } },
                    &html! { @for row in &self.rows { tr { @for cell in row { td { (cell) } } } } },
                ))
            }
        }
    }
}

/// Where the entries of a legend stand in a picture: x, baseline, entry.
fn placed_keys(keys: &[LegendKey], first: f64) -> Vec<(f64, f64, &LegendKey)> {
    let (mut x, mut y) = (MARGIN, first);
    let mut placed = Vec::with_capacity(keys.len());
    for key in keys {
        let width = 24.0 + CHARACTER * key.text.chars().count() as f64 + 18.0;
        if x > MARGIN && x + width > PICTURE - MARGIN {
            (x, y) = (MARGIN, y + 18.0);
        }
        placed.push((x, y, key));
        x += width;
    }
    placed
}

/// How a band can carry its name: always, on large screens only, or not at all.
fn fitting(band: &Band) -> Option<&'static str> {
    let needed = 6.0 * band.text.chars().count() as f64 + 8.0;
    let share = band.to - band.from;
    match share {
        _ if band.text.is_empty() => None,
        s if s * NARROW >= needed => Some("band"),
        s if s * WIDE >= needed => Some("band wide"),
        _ => None,
    }
}

/// The labels of an axis: those that would touch their neighbour on a phone are shown on large screens only.
fn tick_classes(marks: &[(f64, String)]) -> Vec<&'static str> {
    let mut free = f64::NEG_INFINITY;
    let class = |(place, text): &(f64, String)| {
        let width = TICK_CHARACTER * text.chars().count() as f64;
        let left = place * NARROW
            - match anchor(*place) {
                "start" => 0.0,
                "end" => width,
                _ => width / 2.0,
            };
        if left < free {
            return "tick wide";
        }
        free = left + width + 4.0;
        "tick"
    };
    marks.iter().map(class).collect()
}

/// A label at an end of the axis stays within it.
fn anchor(place: f64) -> &'static str {
    match place {
        p if p < 0.04 => "start",
        p if p > 0.96 => "end",
        _ => "middle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_are_for_large_screens() {
        let marks =
            [(0.0, "min"), (0.08, "p50"), (0.5, "p90"), (1.0, "p99")].map(|(place, text)| (place, text.to_owned()));
        assert_eq!(tick_classes(&marks), ["tick", "tick wide", "tick", "tick"]);
    }

    #[test]
    fn names_of_phases_are_left_out_where_they_do_not_fit() {
        let band = |to: f64| Band {
            from: 0.0,
            to,
            text: "warm-up".into(),
            shaded: true,
            ruled: false,
        };
        assert_eq!(fitting(&band(0.5)), Some("band"));
        assert_eq!(fitting(&band(0.1)), Some("band wide"));
        assert_eq!(fitting(&band(0.01)), None);
    }
}
