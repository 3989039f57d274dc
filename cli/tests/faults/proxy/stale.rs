//! Visibility that is behind: counts and lists of a moment ago, and one row that was never written again.
//!
//! The server keeps when each workflow began and ended, so what it would have counted then can be asked for now.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use h2::client::SendRequest;
use http::request::Parts;
use temporalio_common::protos::temporal::api::{
    common::v1::Payload,
    workflowservice::v1::{
        CountWorkflowExecutionsRequest, CountWorkflowExecutionsResponse, ListWorkflowExecutionsRequest,
        count_workflow_executions_response::AggregationGroup,
    },
};

use super::{
    call::{self, Answer},
    script::{COUNT, LIST},
};

const GROUPED: &str = " GROUP BY ExecutionStatus";
const RUNNING: &str = "ExecutionStatus = 'Running'";

/// Asks the server in the name of a caller.
pub struct Asks<'a> {
    upstream: &'a SendRequest<Bytes>,
    head: &'a Parts,
}

impl<'a> Asks<'a> {
    /// Asks with the head of the caller's own call.
    pub fn new(upstream: &'a SendRequest<Bytes>, head: &'a Parts) -> Self {
        Asks { upstream, head }
    }

    async fn whole(&self, body: Bytes) -> Result<Answer, h2::Error> {
        call::forward(self.upstream, self.head, body).await
    }

    /// The counts that a query finds, and the answer that they came in. None when it was refused.
    async fn count(&self, namespace: &str, query: String) -> Result<Counted, h2::Error> {
        let namespace = namespace.to_owned();
        let answer = self
            .whole(call::framed(&CountWorkflowExecutionsRequest { namespace, query }))
            .await?;
        let counts = call::message(&answer.body);
        Ok(Counted { answer, counts })
    }
}

struct Counted {
    answer: Answer,
    counts: Option<CountWorkflowExecutionsResponse>,
}

impl Counted {
    fn total(&self) -> i64 {
        self.counts.as_ref().map_or(0, |counts| counts.count)
    }

    fn into_answer(mut self, counts: &CountWorkflowExecutionsResponse) -> Answer {
        self.answer.body = call::framed(counts);
        self.answer
    }
}

/// Answers a count, or a list of what is open, as of `lag` ago. Other calls are answered as they are.
pub async fn as_of(asks: &Asks<'_>, method: &str, body: &Bytes, lag: Duration) -> Result<Answer, h2::Error> {
    let then = SystemTime::now() - lag;
    let then = jiff::Timestamp::try_from(then).expect("an instant of our time");
    let Some(request) = request(method, body) else {
        let open_then = |query: &Query| {
            let begun = query.and(&format!("StartTime <= '{then}'"));
            format!("{} AND ({RUNNING} OR CloseTime > '{then}')", begun.filter)
        };
        return asks.whole(listing(method, body, open_then)).await;
    };
    let query = Query::new(&request.query);
    let closed = query.and(&format!("CloseTime <= '{then}'"));
    let begun = query.and(&format!("StartTime <= '{then}'"));
    let closed = asks.count(&request.namespace, closed.with_group()).await?;
    let Some(mut counts) = closed.counts.clone() else {
        // Refused, and that is the answer.
        return Ok(closed.answer);
    };
    if query.grouped || query.running {
        let begun = asks.count(&request.namespace, begun.filter).await?;
        let running = begun.total() - closed.total();
        if query.grouped {
            counts.count += running;
            add(&mut counts, "Running", running);
        } else {
            counts.count = running;
        }
    }
    Ok(closed.into_answer(&counts))
}

/// Answers a count, or a list of what is open, as if one workflow's row had stayed as it was when it began.
pub async fn with_row(asks: &Asks<'_>, method: &str, body: &Bytes, row: &str) -> Result<Answer, h2::Error> {
    let Some(request) = request(method, body) else {
        let open = |query: &Query| format!("{} AND ({RUNNING} OR WorkflowId = '{row}')", query.filter);
        return asks.whole(listing(method, body, open)).await;
    };
    let query = Query::new(&request.query);
    let one = query.and(&format!("WorkflowId = '{row}'"));
    let truth = asks
        .count(&request.namespace, format!("{}{GROUPED}", one.filter))
        .await?;
    let answer = asks.count(&request.namespace, request.query.clone()).await?;
    let (Some(truth), Some(mut counts)) = (&truth.counts, answer.counts.clone()) else {
        return Ok(answer.answer);
    };
    let Some(status) = truth
        .groups
        .iter()
        .find_map(status_of)
        .filter(|status| status != "Running")
    else {
        return Ok(answer.answer);
    };
    if query.grouped {
        add(&mut counts, &status, -1);
        add(&mut counts, "Running", 1);
    } else if query.running {
        counts.count += 1;
    } else {
        counts.count -= 1;
    }
    Ok(answer.into_answer(&counts))
}

/// A list of what is open with another query; what is not such a list stays as it is. Nobody looks at the status in its rows.
fn listing(method: &str, body: &Bytes, query: impl FnOnce(&Query) -> String) -> Bytes {
    let request = (method == LIST).then(|| call::message::<ListWorkflowExecutionsRequest>(body));
    let Some(mut request) = request.flatten() else {
        return body.clone();
    };
    let asked = Query::new(&request.query);
    if asked.running {
        request.query = query(&asked);
    }
    call::framed(&request)
}

fn request(method: &str, body: &Bytes) -> Option<CountWorkflowExecutionsRequest> {
    (method == COUNT).then(|| call::message(body)).flatten()
}

/// A query, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Query {
    /// What it asks for besides that they run.
    filter: String,
    /// Whether it asks for those that run only.
    running: bool,
    grouped: bool,
}

impl Query {
    fn new(query: &str) -> Self {
        let (filter, grouped) = match query.strip_suffix(GROUPED) {
            Some(filter) => (filter, true),
            None => (query, false),
        };
        let terms: Vec<&str> = filter.split(" AND ").collect();
        let rest: Vec<&str> = terms.iter().copied().filter(|term| *term != RUNNING).collect();
        Query {
            running: rest.len() < terms.len(),
            filter: rest.join(" AND "),
            grouped,
        }
    }

    fn and(&self, term: &str) -> Self {
        Query {
            filter: format!("{} AND {term}", self.filter),
            ..self.clone()
        }
    }

    fn with_group(&self) -> String {
        format!("{}{}", self.filter, if self.grouped { GROUPED } else { "" })
    }
}

/// Adds to the count of a status, which need not be there yet.
fn add(counts: &mut CountWorkflowExecutionsResponse, status: &str, more: i64) {
    let groups = &mut counts.groups;
    match groups
        .iter_mut()
        .find(|group| status_of(group).as_deref() == Some(status))
    {
        Some(group) => group.count += more,
        None => groups.push(AggregationGroup {
            group_values: vec![Payload {
                metadata: [("encoding", "json/plain"), ("type", "Keyword")]
                    .map(|(key, value)| (key.to_owned(), value.into()))
                    .into(),
                data: format!("\"{status}\"").into_bytes(),
                ..Default::default()
            }],
            count: more,
        }),
    }
    groups.retain(|group| group.count != 0);
}

fn status_of(group: &AggregationGroup) -> Option<String> {
    serde_json::from_slice(&group.group_values.first()?.data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_taken_apart() {
        let query = Query::new("WorkflowId STARTS_WITH 'a/' AND ExecutionStatus = 'Running'");
        assert_eq!(
            (query.filter.as_str(), query.running),
            ("WorkflowId STARTS_WITH 'a/'", true)
        );
        assert_eq!(query.and("x").with_group(), "WorkflowId STARTS_WITH 'a/' AND x");
        let query = Query::new("A AND B GROUP BY ExecutionStatus");
        assert_eq!((query.grouped, query.running), (true, false));
        assert_eq!(query.and("C").with_group(), "A AND B AND C GROUP BY ExecutionStatus");
    }

    #[test]
    fn counts_of_a_status_change_and_come_and_go() {
        let mut counts = CountWorkflowExecutionsResponse::default();
        add(&mut counts, "Running", 2);
        add(&mut counts, "Completed", 1);
        add(&mut counts, "Running", -1);
        add(&mut counts, "Completed", -1);
        let groups: Vec<_> = counts
            .groups
            .iter()
            .map(|group| (status_of(group), group.count))
            .collect();
        assert_eq!(groups, [(Some("Running".to_owned()), 1)]);
    }
}
