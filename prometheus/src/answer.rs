//! What Prometheus says to a query.

use std::collections::BTreeMap;

use serde_json::Value;

/// The answer to one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// What was found. A scalar is a series without labels.
    pub series: Vec<Series>,
    /// What Prometheus warns of.
    pub warnings: Vec<String>,
    /// What it remarks: "metric might not be a counter", for example.
    pub infos: Vec<String>,
}

/// One series of an answer: its points, and those that are native histograms.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its labels, the name among them as `__name__`.
    pub labels: BTreeMap<String, String>,
    /// Unix time in seconds, and value.
    pub points: Vec<(f64, f64)>,
    /// Unix time in seconds, and histogram.
    pub histograms: Vec<(f64, NativeHistogram)>,
}

/// A native histogram as it is shown in an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NativeHistogram {
    /// Observations.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// Lower and upper edge, and how many lie between; empty ones are not shown.
    pub buckets: Vec<(f64, f64, f64)>,
}

impl Answer {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// What Prometheus says is wrong with the query, or that this is no answer.
    pub(crate) fn read(body: &[u8]) -> Result<Answer, String> {
        let unreadable = |what: &str| format!("{what}: {}", String::from_utf8_lossy(&body[..body.len().min(300)]));
        let body: Value = serde_json::from_slice(body).map_err(|error| unreadable(&error.to_string()))?;
        if body["status"] != "success" {
            return Err(format!(
                "{}: {}",
                body["errorType"].as_str().unwrap_or_default(),
                body["error"].as_str().unwrap_or_default()
            ));
        }
        let data = &body["data"];
        let found = match data["resultType"].as_str() {
            Some("vector" | "matrix") => data["result"]
                .as_array()
                .map(|found| found.iter().map(series).collect()),
            Some("scalar") => point(&data["result"]).map(|point| {
                vec![Some(Series {
                    points: vec![point],
                    ..Series::default()
                })]
            }),
            _ => None,
        };
        let found: Option<Vec<Series>> = found.and_then(|found: Vec<Option<Series>>| found.into_iter().collect());
        Ok(Answer {
            series: found.ok_or_else(|| unreadable("no result"))?,
            warnings: texts(&body["warnings"]),
            infos: texts(&body["infos"]),
        })
    }

    /// The newest value of the only series; `None` when there is none.
    ///
    /// # Panics
    /// When there are several series.
    pub fn value(&self) -> Option<f64> {
        assert!(self.series.len() <= 1, "several series: {:?}", self.series);
        self.series.first()?.points.last().map(|(_, value)| *value)
    }
}

fn texts(list: &Value) -> Vec<String> {
    let texts = list.as_array().into_iter().flatten();
    texts.filter_map(|text| Some(text.as_str()?.to_owned())).collect()
}

fn series(found: &Value) -> Option<Series> {
    let labels = found["metric"].as_object()?.iter();
    let labels = labels.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    let all = |one: &str, many: &str| -> Vec<Value> {
        let many = found[many].as_array().cloned().unwrap_or_default();
        found.get(one).cloned().into_iter().chain(many).collect()
    };
    Some(Series {
        labels: labels.collect::<Option<_>>()?,
        points: all("value", "values").iter().map(point).collect::<Option<_>>()?,
        histograms: all("histogram", "histograms")
            .iter()
            .map(timed_histogram)
            .collect::<Option<_>>()?,
    })
}

fn number(text: &Value) -> Option<f64> {
    text.as_str()?.parse().ok()
}

fn point(pair: &Value) -> Option<(f64, f64)> {
    Some((pair.get(0)?.as_f64()?, number(pair.get(1)?)?))
}

fn timed_histogram(pair: &Value) -> Option<(f64, NativeHistogram)> {
    let histogram = pair.get(1)?;
    // Each bucket: which of its edges belong to it, the edges, the count.
    let bucket = |bucket: &Value| {
        Some((
            number(bucket.get(1)?)?,
            number(bucket.get(2)?)?,
            number(bucket.get(3)?)?,
        ))
    };
    let buckets = histogram["buckets"].as_array().into_iter().flatten();
    let histogram = NativeHistogram {
        count: number(&histogram["count"])?,
        sum: number(&histogram["sum"])?,
        buckets: buckets.map(bucket).collect::<Option<_>>()?,
    };
    Some((pair.get(0)?.as_f64()?, histogram))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_its_words() {
        let body = br#"{"status":"error","errorType":"bad_data","error":"parse error: unexpected end"}"#;
        assert_eq!(
            Answer::read(body),
            Err("bad_data: parse error: unexpected end".to_owned())
        );
        assert!(Answer::read(b"<html>").unwrap_err().ends_with("<html>"));
        assert!(
            Answer::read(
                br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{}, "value":[1]}]}}"#
            )
            .is_err()
        );
    }

    #[test]
    fn values_infinities_and_histograms_are_read() {
        let body = br#"{"status":"success","infos":["a remark"],"data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"a"},"values":[[1.5,"2"],[2.5,"+Inf"]],
             "histograms":[[2.5,{"count":"3","sum":"1.5","buckets":[[0,"0.5","1","3"]]}]]}]}}"#;
        let answer = Answer::read(body).unwrap();
        assert_eq!(answer.infos, ["a remark"]);
        let [series] = &answer.series[..] else {
            panic!("{answer:?}")
        };
        assert_eq!(series.points, [(1.5, 2.0), (2.5, f64::INFINITY)]);
        assert_eq!(series.histograms[0].1.buckets, [(0.5, 1.0, 3.0)]);
        let scalar = Answer::read(br#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#).unwrap();
        assert_eq!(scalar.value(), Some(2.0));
    }
}
