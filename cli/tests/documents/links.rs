//! Links between the texts, and the files that the page on the architecture names.

use std::{collections::BTreeMap, path::Path};

use crate::{documents, root};

/// Where GitHub's links to the headings of a text go.
fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, u32>::new();
    let mut is_code = false;
    let mut anchors = Vec::new();
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        let Some(title) = line.strip_prefix('#').filter(|_| !is_code) else {
            continue;
        };
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.collect::<String>().replace(' ', "-");
        let before = seen.entry(anchor.clone()).or_default();
        anchors.push(if *before == 0 {
            anchor
        } else {
            format!("{anchor}-{before}")
        });
        *before += 1;
    }
    anchors
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let documents: BTreeMap<String, String> = documents().into_iter().collect();
    let mut wrong = Vec::new();
    let mut followed = 0;
    for (name, text) in &documents {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let link: String = link.split_whitespace().collect();
            if link.starts_with("http") {
                continue;
            }
            followed += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let folder = Path::new(name).parent().unwrap();
            let file = if file.is_empty() {
                Path::new(name).to_owned()
            } else {
                folder.join(file)
            };
            let there = root().join(&file);
            let text = std::fs::read_to_string(&there).unwrap_or_default();
            if !there.exists() || !anchor.is_empty() && !anchors(&text).iter().any(|known| known == anchor) {
                wrong.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(followed > 50, "{followed}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_of_the_architecture_is_there() {
    let (_, text) = documents()
        .into_iter()
        .find(|(name, _)| name == "docs/architecture.md")
        .unwrap();
    let spans = text.split('`').skip(1).step_by(2);
    // Folders inside of `generator/src`, as in its table, have one part.
    let paths = spans.filter(|span| {
        let named = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        span.trim_end_matches('/').contains('/') && span.chars().all(named)
    });
    let missing: Vec<&str> = paths.filter(|path| !root().join(path).exists()).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
