//! Facts of the cluster from whoever operates it: a file, read before the load, that stands in the result.

use std::path::Path;

use benchmark_results::schema::{ClusterFact, ClusterFacts};
use benchmark_scenarios::{Context, Problem};
use benchmark_temporal::small_file;

/// Most entries, and longest name and text in characters: what a table of the report can show.
const MOST: usize = 200;
const LONGEST_NAME: usize = 60;
const LONGEST_TEXT: usize = 300;

/// Reads the file that `--cluster-facts` names.
///
/// # Errors
/// When it cannot be read, or is no flat object of texts and numbers.
pub fn read(path: &Path) -> Result<ClusterFacts, Problem> {
    let place = format!("--cluster-facts {}", path.display());
    let bytes = small_file::read(path).context(format_args!("{place} cannot be read"))?;
    parse(&bytes).map_err(|why| {
        Problem::new(format!("{place}: {why}")).explain(
            r#"it is one object of texts and numbers, as in {"historyReplicas": 16, "instance": "m8g.4xlarge"}"#,
        )
    })
}

fn parse(bytes: &[u8]) -> Result<ClusterFacts, String> {
    let facts: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|error| format!("no JSON object: {error}"))?;
    if facts.len() > MOST {
        return Err(format!("{} entries; at most {MOST} are kept", facts.len()));
    }
    let fact = |(name, value): (String, serde_json::Value)| {
        let is_name = (1..=LONGEST_NAME).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !is_name {
            return Err(format!(
                "{name:?} is no name: letters, digits, '-', '_' and '.', at most {LONGEST_NAME}"
            ));
        }
        let value = match value {
            serde_json::Value::Number(number) => ClusterFact::Number(number),
            serde_json::Value::String(text) if text.chars().count() <= LONGEST_TEXT => ClusterFact::Text(text),
            serde_json::Value::String(_) => return Err(format!("{name} has more than {LONGEST_TEXT} characters")),
            _ => return Err(format!("{name} is neither a text nor a number")),
        };
        Ok((name, value))
    };
    facts.into_iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_texts_and_numbers() {
        let facts = parse(br#"{"historyReplicas": 16, "instance": "m8g.4xlarge", "cpu": 0.5}"#).unwrap();
        assert_eq!(facts["historyReplicas"], ClusterFact::Number(16.into()));
        assert_eq!(facts["instance"], ClusterFact::Text("m8g.4xlarge".into()));
        assert_eq!(parse(b"{}"), Ok(ClusterFacts::new()));
    }

    #[test]
    fn what_is_no_flat_object_is_refused_by_name() {
        for (text, words) in [
            ("[1]", "no JSON object"),
            ("{", "no JSON object"),
            (r#"{"a": null}"#, "a is neither a text nor a number"),
            (r#"{"a": {"b": 1}}"#, "a is neither a text nor a number"),
            (r#"{"a": true}"#, "a is neither a text nor a number"),
            (r#"{"a b": 1}"#, "\"a b\" is no name"),
            (r#"{"": 1}"#, "\"\" is no name"),
        ] {
            let why = parse(text.as_bytes()).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
        let many: Vec<String> = (0..=MOST).map(|n| format!("\"k{n}\": 1")).collect();
        assert!(
            parse(format!("{{{}}}", many.join(",")).as_bytes())
                .unwrap_err()
                .contains("at most 200")
        );
        let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(LONGEST_TEXT + 1));
        assert!(parse(long.as_bytes()).unwrap_err().contains("more than 300"));
    }
}
