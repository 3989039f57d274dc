//! What a Prometheus answers to an instant query.

use std::collections::BTreeMap;

use benchmark_results::text;
use http::StatusCode;
use serde::Deserialize;

/// Largest answer, bytes: a figure's has some kilobytes, and takes ten times as much once it is read.
const MAX_BYTES: usize = 4 << 20;

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

/// An answer while it is read.
#[derive(Debug, Default)]
pub struct QueryAnswer(Vec<u8>);

impl QueryAnswer {
    /// Takes the next piece.
    ///
    /// # Errors
    /// When the answer is too large, in words: nothing more need be read of it.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), String> {
        if self.0.len() + piece.len() > MAX_BYTES {
            return Err("the answer has more than 4 MiB".to_owned());
        }
        self.0.extend_from_slice(piece);
        Ok(())
    }

    /// The end of an answer with this status.
    ///
    /// # Errors
    /// When it is none, or says that there was an error, in words.
    pub fn finish(self, status: StatusCode) -> Result<Vec<Sample>, String> {
        let said = self.0.trim_ascii();
        match parse(&self.0) {
            Ok(samples) if status.is_success() => Ok(samples),
            // Prometheus says what is wrong with a query in the same form.
            Err(AnswerError::Refused(why)) => Err(format!("answered {status}: {why}")),
            Err(error) if status.is_success() => Err(error.to_string()),
            // Who stands in front of one has words of its own; a page for browsers says nothing in one line.
            Err(AnswerError::Unreadable(_)) if said.first().is_some_and(|first| *first != b'<') => {
                let said = String::from_utf8_lossy(said);
                Err(format!("answered {status}: {}", text::line(&said, 200)))
            }
            _ => Err(format!("answered {status}")),
        }
    }
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum AnswerError {
    #[error("the answer is none of a Prometheus: {0}")]
    Unreadable(String),
    #[error("the query was refused: {0}")]
    Refused(String),
    #[error("the answer has the type {0}, and vector was expected")]
    OtherType(String),
    #[error("the answer has more than 10,000 series")]
    TooMany,
}

#[derive(Deserialize)]
struct Whole {
    status: Option<String>,
    /// A gateway in front of a Prometheus refuses with one of the other names, and without a status.
    #[serde(alias = "message", alias = "Message")]
    error: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

fn parse(text: &[u8]) -> Result<Vec<Sample>, AnswerError> {
    let unreadable = |what: &str| AnswerError::Unreadable(what.to_owned());
    let whole: Whole = serde_json::from_slice(text).map_err(|error| unreadable(&error.to_string()))?;
    match (whole.status.as_deref(), whole.error) {
        (Some("success"), _) => {}
        (None, None) => return Err(unreadable("it has no status")),
        (_, why) => {
            return Err(AnswerError::Refused(
                why.unwrap_or_else(|| "no reason given".to_owned()),
            ));
        }
    }
    let data = whole.data.ok_or_else(|| unreadable("it has no data"))?;
    if data.result_type != "vector" {
        return Err(AnswerError::OtherType(data.result_type));
    }
    if data.result.len() > MAX_SERIES {
        return Err(AnswerError::TooMany);
    }
    let samples = data.result.into_iter().map(
        |Entry {
             metric,
             value: (_, text),
         }| {
            let value = text
                .parse()
                .map_err(|_| unreadable(&format!("{text:?} is no number")))?;
            Ok(Sample { labels: metric, value })
        },
    );
    samples.collect()
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
            ("{}", "has no status"),
            // As Amazon's gateway in front of one says it.
            (r#"{"message":"Missing Authentication Token"}"#, "refused: Missing Auth"),
            (
                r#"{"status":"success","data":{"resultType":"scalar","result":[]}}"#,
                "type scalar",
            ),
            (
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}"#,
                "missing field `value`",
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

    #[test]
    fn an_answer_is_read_in_pieces_and_with_its_status() {
        let told = |status: u16, pieces: &[&str]| {
            let mut answer = QueryAnswer::default();
            for piece in pieces {
                answer.feed(piece.as_bytes())?;
            }
            answer.finish(StatusCode::from_u16(status).unwrap())
        };
        let vector = [
            r#"{"status":"success","data":{"resultType":"vec"#,
            r#"tor","result":[]}}"#,
        ];
        assert_eq!(told(200, &vector), Ok(Vec::new()));
        let refused = r#"{"status":"error","error":"parse error"}"#;
        for (status, text, words) in [
            (502, vector.concat().as_str(), "answered 502 Bad Gateway"),
            (502, "<html>", "answered 502 Bad Gateway"),
            (401, "no org id\n", "answered 401 Unauthorized: no org id"),
            (
                403,
                r#"{"error":"Forbidden","message":"token expired"}"#,
                r#"answered 403 Forbidden: {"error":"Forbidden","message":"token expired"}"#,
            ),
            (503, " \n", "answered 503 Service Unavailable"),
            (400, refused, "answered 400 Bad Request: parse error"),
            (200, refused, "answered 200 OK: parse error"),
            (
                200,
                " ".repeat(MAX_BYTES + 1).as_str(),
                "the answer has more than 4 MiB",
            ),
        ] {
            assert_eq!(told(status, &[text]), Err(words.to_owned()));
        }
        assert!(told(200, &["<html>"]).unwrap_err().contains("none of a Prometheus"));
    }
}
