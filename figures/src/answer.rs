//! What a Prometheus answers to an instant query.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

/// Most series of an answer. A figure has dozens.
const MAX_SERIES: usize = 10_000;

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value; not a number where Prometheus found none, as of 0 ÷ 0.
    pub value: f64,
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It is no answer of a Prometheus.
    #[error("the answer is none of a Prometheus: {0}")]
    Unreadable(String),
    /// The query was refused.
    #[error("the query was refused: {0}")]
    Refused(String),
    /// It is no instant vector.
    #[error("the answer has the type {0}, and vector was expected")]
    OtherType(String),
    /// It is too large.
    #[error("the answer has more than 10,000 series")]
    TooMany,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Entries,
}

/// The series of an answer, as far as they are kept.
struct Entries {
    kept: Vec<Entry>,
    more: bool,
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Limited;

        impl<'de> Visitor<'de> for Limited {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of series")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MAX_SERIES {
                    match list.next_element()? {
                        Some(entry) => kept.push(entry),
                        None => return Ok(Entries { kept, more: false }),
                    }
                }
                let mut more = false;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Entries { kept, more })
            }
        }

        deserializer.deserialize_seq(Limited)
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    value: Option<(f64, String)>,
}

/// Reads the answer to an instant query.
///
/// # Errors
/// When it is none, or says that there was an error.
pub fn parse(text: &[u8]) -> Result<Vec<Sample>, AnswerError> {
    let answer: Answer = serde_json::from_slice(text).map_err(|error| AnswerError::Unreadable(error.to_string()))?;
    if answer.status != "success" {
        return Err(AnswerError::Refused(
            answer.error.unwrap_or_else(|| "no reason given".to_owned()),
        ));
    }
    let data = answer
        .data
        .ok_or_else(|| AnswerError::Unreadable("it has no data".to_owned()))?;
    if data.result_type != "vector" {
        return Err(AnswerError::OtherType(data.result_type));
    }
    if data.result.more {
        return Err(AnswerError::TooMany);
    }
    data.result
        .kept
        .into_iter()
        .map(|entry| {
            let (_, text) = entry
                .value
                .ok_or_else(|| AnswerError::Unreadable("a series has no value".to_owned()))?;
            let value = text
                .parse()
                .map_err(|_| AnswerError::Unreadable(format!("{text:?} is no number")))?;
            Ok(Sample {
                labels: entry.metric,
                value,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_read() {
        let text = br#"{"status":"success","warnings":["x"],"data":{"resultType":"vector","result":[
            {"metric":{"task_type":"Workflow"},"value":[1700000000.1,"0.98"]},{"metric":{},"value":[1,"NaN"]}]}}"#;
        let samples = parse(text).unwrap();
        assert_eq!(samples[0].labels["task_type"], "Workflow");
        assert_eq!(samples[0].value, 0.98);
        assert!(samples[1].value.is_nan());
    }

    #[test]
    fn what_is_no_answer_is_said_in_words() {
        for (text, words) in [
            ("<html>", "none of a Prometheus"),
            (
                r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
                "refused: parse error",
            ),
            (r#"{"status":"success"}"#, "has no data"),
            (
                r#"{"status":"success","data":{"resultType":"scalar","result":[]}}"#,
                "type scalar",
            ),
            (
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}"#,
                "no value",
            ),
            (
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}"#,
                "no number",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let series = vec![r#"{"metric":{},"value":[1,"1"]}"#; MAX_SERIES + 1].join(",");
        let many = format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#);
        assert_eq!(parse(many.as_bytes()), Err(AnswerError::TooMany));
    }
}
