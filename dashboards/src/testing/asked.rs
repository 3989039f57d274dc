//! Every query of Prometheus on a board, as it would be sent: for those who run them.

use crate::{board::Board, promql};

/// A query, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The board, by its uid.
    pub board: String,
    /// The panel, variable or annotation.
    pub place: String,
    /// The query's letter in its panel; empty elsewhere.
    pub letter: String,
    /// The query, with all variables replaced.
    pub query: String,
}

/// All queries of a board, of its panels, variables and annotations. `value` says what a variable is: Grafana's own, such as
/// `__rate_interval`, and the board's.
///
/// # Errors
/// Names the query with a variable that `value` does not know.
pub fn asked(board: &Board, value: impl Fn(&str) -> Option<String>) -> Result<Vec<Asked>, String> {
    let mut all = Vec::new();
    let mut ask = |place: &str, letter: &str, query: &str| -> Result<(), String> {
        let replaced = promql::replace(query, &value).map_err(|problem| format!("{place}: {problem}"))?;
        all.push(Asked {
            board: board.uid().to_owned(),
            place: place.to_owned(),
            letter: letter.to_owned(),
            query: replaced,
        });
        Ok(())
    };
    for panel in &board.panels {
        let of_prometheus = panel
            .targets
            .iter()
            .filter(|target| target.json["datasource"]["type"] == "prometheus");
        for target in of_prometheus {
            if let Some(query) = &target.query {
                ask(&panel.title, &target.letter, query)?;
            }
        }
    }
    for variable in board
        .variables
        .iter()
        .filter(|variable| variable.json["datasource"]["type"] == "prometheus")
    {
        if let Some((selector, label)) = variable.label_values() {
            ask(
                &format!("variable {}", variable.name),
                "",
                &format!("count by ({label}) ({selector})"),
            )?;
        }
    }
    for (name, query) in &board.annotations {
        ask(&format!("annotation {name}"), "", query)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn panels_variables_and_annotations_ask() {
        let source = json!({ "type": "prometheus", "uid": "${datasource}" });
        let board = Board::of(json!({
            "uid": "b",
            "annotations": { "list": [{ "name": "Phases", "expr": "d{run_id=~\"$run_id\"}" }] },
            "templating": { "list": [{ "name": "run_id", "type": "query", "datasource": source, "query": "label_values(c, run_id)" }] },
            "panels": [{ "title": "A", "targets": [
                { "refId": "A", "datasource": source, "expr": "rate(a[$__rate_interval])" },
                { "refId": "B", "datasource": { "type": "loki", "uid": "${loki}" }, "expr": "{a=\"b\"}" },
            ] }],
        }));
        let value = |name: &str| match name {
            "run_id" => Some("r1|r2".to_owned()),
            "__rate_interval" => Some("4s".to_owned()),
            _ => None,
        };
        let asked: Vec<(String, String)> = asked(&board, value)
            .unwrap()
            .into_iter()
            .map(|asked| (asked.place, asked.query))
            .collect();
        let expected = [
            ("A", "rate(a[4s])"),
            ("variable run_id", "count by (run_id) (c)"),
            ("annotation Phases", "d{run_id=~\"r1|r2\"}"),
        ];
        assert_eq!(
            asked,
            expected.map(|(place, query)| (place.to_owned(), query.to_owned()))
        );
        assert!(super::asked(&board, |_| None).unwrap_err().starts_with("A: "));
    }
}
