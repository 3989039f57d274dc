//! LogQL as the board of logs writes it, taken apart and run over lines: there is no Loki to ask.
//!
//! A stream selector, line filters, `json` with the keys that become labels, and comparisons of labels; around them whatever
//! is counted. Its grammar is checked by Grafana's own parser (`grafana/check.mjs`); what is not understood here is an error.

use std::collections::BTreeMap;

use promql_parser::{
    label::Matcher,
    parser::{self, Expr},
};
use serde_json::Value;

/// Labels and their values.
pub type Labels = BTreeMap<String, String>;

/// A query of logs.
#[derive(Clone, Debug)]
pub struct LogQuery {
    /// What the labels of streams are compared with.
    pub streams: Vec<Matcher>,
    /// Labels by the key of a line's object that they come from.
    pub keys: BTreeMap<String, String>,
    /// Labels that something is grouped by.
    pub groupings: Vec<String>,
    stages: Vec<Stage>,
}

#[derive(Clone, Debug)]
enum Stage {
    Line(Matcher),
    Json,
    Label(Matcher),
}

impl LogQuery {
    /// Takes a query apart in which there are no variables any more.
    ///
    /// # Errors
    /// Says what is not understood.
    pub fn parse(query: &str) -> Result<LogQuery, String> {
        let (around, rest) = query
            .split_once('{')
            .ok_or_else(|| format!("no stream selector: {query}"))?;
        let (streams, rest) = rest
            .split_once('}')
            .ok_or_else(|| format!("no end of the stream selector: {query}"))?;
        let mut found = LogQuery {
            streams: matchers(streams)?,
            keys: BTreeMap::new(),
            groupings: groupings(around),
            stages: Vec::new(),
        };
        let pipeline = rest.split_once('[').map_or(rest, |(pipeline, _)| pipeline);
        for stage in pieces(pipeline, '|')
            .into_iter()
            .map(str::trim)
            .filter(|stage| !stage.is_empty())
        {
            if let Some(pattern) = stage.strip_prefix("~ ") {
                // Anywhere in the line, where labels are compared as a whole.
                let pattern = pattern.trim_matches('"');
                found
                    .stages
                    .push(Stage::Line(matcher(&format!("line=~\"(?s).*(?:{pattern}).*\""))?));
            } else if let Some(keys) = stage.strip_prefix("json ") {
                for pair in pieces(keys, ',') {
                    let (label, key) = pair
                        .split_once('=')
                        .ok_or_else(|| format!("no label of a key: {stage}"))?;
                    found
                        .keys
                        .insert(label.trim().to_owned(), key.trim().trim_matches('"').to_owned());
                }
                found.stages.push(Stage::Json);
            } else {
                found.stages.push(Stage::Label(matcher(stage)?));
            }
        }
        Ok(found)
    }

    /// The labels of a line of a stream, when the query finds it.
    pub fn find(&self, stream: &Labels, line: &str) -> Option<Labels> {
        let mut labels = stream.clone();
        let value = |labels: &Labels, name: &str| labels.get(name).cloned().unwrap_or_default();
        let is = |matcher: &Matcher, labels: &Labels| matcher.is_match(&value(labels, &matcher.name));
        if !self.streams.iter().all(|matcher| is(matcher, &labels)) {
            return None;
        }
        for stage in &self.stages {
            let goes_on = match stage {
                Stage::Line(matcher) => matcher.is_match(line),
                Stage::Label(matcher) => is(matcher, &labels),
                Stage::Json => {
                    match serde_json::from_str::<Value>(line) {
                        Ok(object) => labels.extend(self.keys.iter().map(|(label, key)| {
                            let text = object[key].as_str().unwrap_or_default();
                            (label.clone(), text.to_owned())
                        })),
                        Err(_) => {
                            labels.insert("__error__".to_owned(), "JSONParserErr".to_owned());
                        }
                    }
                    true
                }
            };
            if !goes_on {
                return None;
            }
        }
        Some(labels)
    }
}

/// Parts between separators that stand in no quotes.
fn pieces(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

/// The labels of every `by (…)`.
fn groupings(text: &str) -> Vec<String> {
    let lists = text.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    lists
        .flat_map(|list| list.split(','))
        .map(|label| label.trim().to_owned())
        .collect()
}

fn matcher(text: &str) -> Result<Matcher, String> {
    matchers(text)?.pop().ok_or_else(|| format!("compares nothing: {text}"))
}

/// Comparisons of labels: their grammar and meaning are PromQL's.
fn matchers(text: &str) -> Result<Vec<Matcher>, String> {
    match parser::parse(&format!("stream{{{text}}}"))? {
        Expr::VectorSelector(selector) => Ok(selector.matchers.matchers),
        other => Err(format!("compares no labels: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str = "topk(10, sum by (service_name, msg) (count_over_time({cluster=~\"a|b\"} |~ \"(?i)FULL\" \
                         | json level=\"level\", msg=\"msg\" | __error__=\"\" | level=~\"(?i)warn(ing)?|error\" [1m])))";

    fn found(line: &str) -> Option<Labels> {
        let stream = Labels::from([("cluster".to_owned(), "b".to_owned())]);
        LogQuery::parse(QUERY).unwrap().find(&stream, line)
    }

    #[test]
    fn a_query_is_taken_apart_and_run() {
        let query = LogQuery::parse(QUERY).unwrap();
        assert_eq!(query.groupings, ["service_name", "msg"]);
        assert_eq!(query.keys["msg"], "msg");
        let labels = found(r#"{"level":"WARN","msg":"it is full"}"#).unwrap();
        assert_eq!(
            (labels["level"].as_str(), labels["msg"].as_str()),
            ("WARN", "it is full")
        );
        assert!(found(r#"{"level":"info","msg":"it is full"}"#).is_none());
        assert!(found(r#"{"level":"warn","msg":"it is empty"}"#).is_none());
        assert!(found("level=warn full").is_none());
        assert!(query.find(&Labels::new(), r#"{"level":"warn","msg":"full"}"#).is_none());
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for wrong in [
            "sum(rate(x))",
            "{a=\"b\"} | logfmt",
            "{a=\"b\"} | json level",
            "{a=b}",
            "{a=\"b\"",
        ] {
            assert!(LogQuery::parse(wrong).is_err(), "{wrong}");
        }
    }
}
