//! Links between boards carry what was chosen and the time.

use serde_json::Value;

use crate::{board::Board, check::Findings};

/// The boards that links may lead to.
const UIDS: [&str; 5] = [
    "temporal-benchmark",
    "temporal-workers",
    "temporal-server-health",
    "dsql-persistence",
    "temporal-server-logs-console",
];

pub(super) fn check(board: &Board, findings: &mut Findings) {
    if !UIDS.contains(&board.uid()) {
        findings.add(
            "",
            format!(
                "no board has the uid {:?}; links lead to {}",
                board.uid(),
                UIDS.join(", ")
            ),
        );
    }
    let links = board.json["links"].as_array().map(Vec::as_slice).unwrap_or_default();
    if links.is_empty() {
        findings.add("", "has no link to the other boards");
    }
    for link in links {
        for carried in ["includeVars", "keepTime"] {
            if link[carried] != true {
                findings.add("", format!("link {}: needs {carried}", link["title"]));
            }
        }
        lead_somewhere("", link, findings);
    }
    for panel in &board.panels {
        let own = panel.json["links"].as_array().into_iter().flatten();
        let data = panel.json["fieldConfig"]["defaults"]["links"]
            .as_array()
            .into_iter()
            .flatten();
        for link in own.chain(data) {
            let url = link["url"].as_str().unwrap_or_default();
            for carried in ["${__url_time_range}", "${__all_variables}"] {
                if !url.contains(carried) {
                    findings.add(
                        &panel.title,
                        format!("link {}: its URL does not carry {carried}", link["title"]),
                    );
                }
            }
            lead_somewhere(&panel.title, link, findings);
        }
    }
}

fn lead_somewhere(place: &str, link: &Value, findings: &mut Findings) {
    let url = link["url"].as_str().unwrap_or_default();
    if let Some(path) = url.strip_prefix("/d/") {
        let uid = path.split(['?', '/']).next().unwrap_or_default();
        if !UIDS.contains(&uid) {
            findings.add(place, format!("link {}: no board has the uid {uid:?}", link["title"]));
        }
    }
}
