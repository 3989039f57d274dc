//! Pages and pictures taken apart again, by an XML parser.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

/// What a page is made of.
pub(super) struct Page {
    /// All text, but for scripts and style sheets.
    pub(super) text: String,
    pub(super) scripts: Vec<String>,
    pub(super) elements: BTreeSet<String>,
    pub(super) attributes: BTreeSet<String>,
    ids: Vec<String>,
    links: Vec<String>,
    /// Rows and lines, for snapshots.
    lines: Vec<String>,
    tables: usize,
    plots: usize,
}

/// Elements that HTML does not close.
const VOID: [&str; 2] = ["<meta", "<br"];

/// Takes a page apart. HTML as we write it is XML but for elements that are not closed, and scripts.
///
/// # Panics
/// When an element is not closed, or closed twice, or an attribute stands twice.
pub(super) fn parse_page(html: &str) -> Page {
    let body = html.strip_prefix("<!DOCTYPE html>").expect("an HTML 5 document");
    let (body, scripts) = without(body, "script");
    let (mut body, _) = without(&body, "style");
    for void in VOID {
        let mut rest = body.as_str();
        let mut closed = String::with_capacity(body.len());
        while let Some(at) = rest.find(void) {
            let end = at + rest[at..].find('>').expect("a tag that ends");
            closed += &rest[..end];
            closed += "/>";
            rest = &rest[end + 1..];
        }
        closed += rest;
        body = closed;
    }
    let document = Document::parse(&body).unwrap_or_else(|error| panic!("{error}"));
    let mut page = Page {
        text: String::new(),
        scripts,
        elements: BTreeSet::new(),
        attributes: BTreeSet::new(),
        ids: Vec::new(),
        links: Vec::new(),
        lines: Vec::new(),
        tables: 0,
        plots: 0,
    };
    for node in document.root_element().descendants() {
        if let Some(text) = node.text().filter(|_| node.is_text()) {
            page.text += text;
            page.text.push(' ');
        }
        if !node.is_element() {
            continue;
        }
        page.elements.insert(node.tag_name().name().to_owned());
        page.attributes
            .extend(node.attributes().map(|attribute| attribute.name().to_owned()));
        page.ids.extend(node.attribute("id").map(str::to_owned));
        page.links.extend(
            ["href", "src", "action"]
                .into_iter()
                .filter_map(|name| node.attribute(name))
                .map(str::to_owned),
        );
        page.tables += usize::from(node.has_tag_name("table"));
        page.plots += usize::from(node.attribute("class") == Some("area"));
        page.lines.extend(line(node));
    }
    page
}

/// A row of a table, or an element with text of its own, as a line; nothing for what lies in plots and their data.
fn line(node: Node) -> Option<String> {
    let is_drawn = node
        .ancestors()
        .any(|above| above.has_tag_name("svg") || above.attribute("class") == Some("data"));
    let name = node.tag_name().name();
    let is_line = ["h1", "h2", "h3", "h4", "p", "tr", "li", "pre", "summary"].contains(&name)
        || matches!(node.attribute("class"), Some("word" | "why" | "name"));
    let is_within = node
        .ancestors()
        .skip(1)
        .any(|above| above.has_tag_name("tr") || above.has_tag_name("li"));
    if is_drawn || !is_line || is_within {
        return None;
    }
    let texts: Vec<String> = node
        .descendants()
        .filter(|inner| inner.is_text() && !inner.ancestors().any(|above| above.has_tag_name("svg")))
        .filter_map(|inner| inner.text().map(|text| text.trim().to_owned()))
        .filter(|text| !text.is_empty())
        .collect();
    let prefix = match name {
        "h1" => "# ",
        "h2" => "\n## ",
        "h3" => "### ",
        "h4" => "#### ",
        "tr" => "| ",
        "li" => "- ",
        _ => "",
    };
    let between = if name == "tr" { " | " } else { " " };
    (!texts.is_empty()).then(|| format!("{prefix}{}", texts.join(between)))
}

impl Page {
    /// That links lead somewhere, names are unique, nothing is loaded, and every plot has its table.
    pub(super) fn check(&self, of: &str) {
        let ids: BTreeSet<&String> = self.ids.iter().collect();
        assert_eq!(ids.len(), self.ids.len(), "{of}: an id stands twice");
        assert!(!self.links.is_empty(), "{of}");
        for link in &self.links {
            let id = link
                .strip_prefix('#')
                .unwrap_or_else(|| panic!("{of}: {link} leads out of the page"));
            assert!(ids.contains(&id.to_owned()), "{of}: {link} leads nowhere");
        }
        assert!(
            self.tables >= self.plots,
            "{of}: {} tables of {} plots",
            self.tables,
            self.plots
        );
        assert!(!self.attributes.contains("style"), "{of}: the policy forbids it");
    }

    /// What a reader hears: headings, lines, rows.
    pub(super) fn outline(&self) -> String {
        self.lines.join("\n")
    }
}

/// Takes a picture apart: sound XML with colours in it, which loads nothing.
pub(super) fn parse_svg(text: &str, of: &str) {
    let document = Document::parse(text).unwrap_or_else(|error| panic!("{of}: {error}"));
    assert!(
        document
            .root_element()
            .has_tag_name(("http://www.w3.org/2000/svg", "svg")),
        "{of}"
    );
    for node in document.descendants().filter(Node::is_element) {
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(
                !["href", "src", "style"].contains(&name) && !name.starts_with("on"),
                "{of}: {name}"
            );
            for bad in ["NaN", "inf", "url("] {
                assert!(!(name != "aria-label" && value.contains(bad)), "{of}: {name}={value}");
            }
        }
    }
    for bad in ["var(", "@import", "url(", "<script"] {
        assert!(!text.contains(bad), "{of}: {bad}");
    }
}

/// The text without what stands in elements of this name, and that.
fn without(text: &str, name: &str) -> (String, Vec<String>) {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut out = String::with_capacity(text.len());
    let mut inside = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&open) {
        let (inner, after) = after.split_once(&close).expect("an element that ends");
        out += before;
        inside.push(inner.to_owned());
        rest = after;
    }
    (out + rest, inside)
}
