//! Colours, style sheets and the script, and the policy that lets the page load nothing.
//!
//! The colours of series are those of Okabe and Ito's palette for the colour-blind (2008), darkened or lightened until
//! each has a contrast of at least 3 : 1 with its ground, and texts of 4.5 : 1 (WCAG 2.2 AA).

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use benchmark_results::schema::{CheckStatus, VerdictValue};
use maud::{Markup, html};
use sha2::{Digest, Sha256};

use super::scale::plain;

/// Series colours that there are.
pub(super) const SERIES: usize = 8;
/// Steps of a heat map's colour.
pub(super) const HEATS: usize = 7;

/// How pages look.
const PAGE_CSS: &str = include_str!("page.css");
/// How plots look, in pages and in pictures.
const PLOT_CSS: &str = include_str!("plot.css");
/// Values under the pointer, and buttons that copy.
pub(super) const SCRIPT: &str = include_str!("page.js");

/// A colour: its name in the style sheets, on paper and light screens, on dark screens.
pub(super) const COLOURS: [(&str, &str, &str); 36] = [
    ("paper", "#ffffff", "#13161b"),
    ("raised", "#f6f7f9", "#1b2027"),
    ("ink", "#16191d", "#e9ecf0"),
    ("soft", "#545c66", "#a3adb8"),
    ("edge", "#dde1e6", "#313842"),
    ("grid", "#e8ebee", "#272d35"),
    ("back", "#f3f4f6", "#1a1f26"),
    ("accent", "#0a5fa8", "#6bb5f3"),
    ("good", "#0b6e4a", "#4fd0a0"),
    ("good-back", "#e5f4ee", "#122a22"),
    ("warn", "#8a5300", "#f0b54a"),
    ("warn-back", "#fdf3e1", "#2e2412"),
    ("bad", "#b3261e", "#ff8f85"),
    ("bad-back", "#fdeceb", "#331a19"),
    ("c0", "#0069b4", "#56aef0"),
    ("c1", "#c44900", "#ff9455"),
    ("c2", "#007a5c", "#3fd0a5"),
    ("c3", "#a03a8c", "#e79bd8"),
    ("c4", "#8f6a00", "#e5c44e"),
    ("c5", "#1f86b5", "#93d9f7"),
    ("c6", "#666d75", "#b3bac2"),
    ("c7", "#5b41b5", "#ae9dff"),
    ("asked", "#545c66", "#a3adb8"),
    ("p50", "#f08a24", "#ffb257"),
    ("p99", "#c2185b", "#ff6fa8"),
    ("halo", "#ffffff", "#13161b"),
    ("h0", "#e3eef9", "#15263a"),
    ("h1", "#c5dbef", "#173a5e"),
    ("h2", "#9bc6e3", "#1a5286"),
    ("h3", "#66a9d6", "#2473b4"),
    ("h4", "#3a87c2", "#419bd3"),
    ("h5", "#1b63a6", "#7cc6ea"),
    ("h6", "#0b3d78", "#d2effd"),
    ("flow", "#cfe0f0", "#1d3349"),
    ("flow-bad", "#f6d5c3", "#46281a"),
    ("shade", "#e4e8ec", "#2a313a"),
];

static CSS: LazyLock<String> = LazyLock::new(|| {
    let list = |of: fn(&(&str, &str, &str)) -> String| COLOURS.iter().map(of).collect::<String>();
    let light = list(|(name, light, _)| format!("--{name}:{light};"));
    let dark = list(|(name, _, dark)| format!("--{name}:{dark};"));
    // Paper is light, whatever the screen was.
    format!(
        ":root{{color-scheme:light dark;{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         {PAGE_CSS}{PLOT_CSS}"
    )
});

/// The style sheet of pages.
pub(super) fn page_css() -> &'static str {
    &CSS
}

/// The style sheet of pictures: the light colours themselves, since few programs beside browsers know variables.
pub(super) fn picture_css() -> String {
    let mut css = PLOT_CSS.to_owned();
    for (name, light, _) in COLOURS {
        css = css.replace(&format!("var(--{name})"), light);
    }
    css
}

/// What the page may do: show its own style sheet and run its own script, both known by their hash, and load nothing. A
/// script that got into the page by a text of the results would not run.
pub(super) fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(page_css()),
        hash(SCRIPT)
    )
}

/// A picture of this size around its content.
pub(super) fn picture(width: f64, height: f64, inner: &Markup) -> String {
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(plain(width)) height=(plain(height))
            viewBox={ "0 0 " (plain(width)) " " (plain(height)) } { (inner) }
    };
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", svg.into_string())
}

/// The colour of the run at this place, as a class.
pub(super) fn run_class(index: usize) -> String {
    format!("c{}", index % SERIES)
}

/// The verdict as a word, a sign and a class: never by colour alone.
pub(super) fn verdict(value: VerdictValue) -> (&'static str, &'static str, &'static str) {
    match value {
        VerdictValue::Valid => ("VALID", "✓", "good"),
        VerdictValue::Overloaded => ("OVERLOADED", "▲", "warn"),
        VerdictValue::Invalid => ("INVALID", "✕", "bad"),
    }
}

/// The status of a check as a word, a sign and a class.
pub(super) fn status(status: CheckStatus) -> (&'static str, &'static str, &'static str) {
    match status {
        CheckStatus::Pass => ("passed", "✓", "good"),
        CheckStatus::NotApplicable => ("not made", "–", "none"),
        CheckStatus::Warning => ("worth knowing", "!", "warn"),
        CheckStatus::Overloaded => ("overloaded", "▲", "warn"),
        CheckStatus::Invalid => ("invalid", "✕", "bad"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast: WCAG 2.2, "relative luminance" and "contrast ratio".
    fn contrast(a: &str, b: &str) -> f64 {
        let luminance = |colour: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.04045 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn colour(name: &str) -> [&'static str; 2] {
        let (_, light, dark) = COLOURS.iter().find(|(n, _, _)| *n == name).unwrap();
        [light, dark]
    }

    #[test]
    fn texts_and_lines_can_be_read_in_both_themes() {
        let pairs = [
            ("ink", "paper", 7.0),
            ("soft", "paper", 4.5),
            ("soft", "raised", 4.5),
            ("soft", "back", 4.5),
            ("accent", "paper", 4.5),
            ("good", "good-back", 4.5),
            ("warn", "warn-back", 4.5),
            ("bad", "bad-back", 4.5),
            ("ink", "flow", 4.5),
        ];
        let series = (0..SERIES).map(|n| COLOURS[14 + n].0).map(|name| (name, "paper", 3.0));
        for (front, ground, least) in pairs.into_iter().chain(series) {
            for (front, ground) in colour(front).into_iter().zip(colour(ground)) {
                let ratio = contrast(front, ground);
                assert!(ratio >= least, "{front} on {ground}: {ratio:.2}");
            }
        }
    }

    #[test]
    fn heat_becomes_stronger_step_by_step() {
        for n in 1..HEATS {
            let [paper, dark_paper] = colour("paper");
            let (before, here) = (colour(&format!("h{}", n - 1)), colour(&format!("h{n}")));
            assert!(contrast(paper, here[0]) > contrast(paper, before[0]));
            assert!(contrast(dark_paper, here[1]) > contrast(dark_paper, before[1]));
        }
    }

    #[test]
    fn style_sheets_know_all_colours_that_they_name() {
        assert!(!picture_css().contains("var("), "{}", picture_css());
        for part in page_css().split("var(--").skip(1) {
            let name = part.split(')').next().unwrap();
            assert!(COLOURS.iter().any(|(known, _, _)| *known == name), "{name}");
        }
    }

    #[test]
    fn the_script_is_small_and_cannot_end_its_element() {
        assert!(SCRIPT.len() < 6 * 1024, "{}", SCRIPT.len());
        for text in [SCRIPT, page_css()] {
            assert!(!text.contains("</") && !text.contains("<!--"));
        }
    }
}
