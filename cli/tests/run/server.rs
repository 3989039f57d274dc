//! A server that the test owns, and what it says of its workflows when it is asked by somebody else than the program.

use std::{collections::BTreeMap, time::Instant};

use benchmark_temporal::embedded::EmbeddedOptions;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, workflow_service_client::WorkflowServiceClient,
};

pub use crate::owned::{block_on, start};
use crate::{bench::LIMIT, owned};

/// The namespace that runs use unless they are told otherwise.
pub const NAMESPACE: &str = "benchmark";

/// How the tests' servers are started.
pub fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        namespace: NAMESPACE.to_owned(),
        ..owned::options()
    }
}

/// The server's counts by status of all workflows that a query finds, by a client of the test's own.
pub fn counts(address: &str, query: &str) -> BTreeMap<String, u64> {
    block_on(async {
        let mut client = WorkflowServiceClient::connect(format!("http://{address}"))
            .await
            .unwrap();
        let request = CountWorkflowExecutionsRequest {
            namespace: NAMESPACE.to_owned(),
            query: format!("{query} GROUP BY ExecutionStatus"),
        };
        let answer = client.count_workflow_executions(request).await.unwrap().into_inner();
        let status = |group: &[u8]| serde_json::from_slice(group).unwrap();
        answer
            .groups
            .iter()
            .map(|group| (status(&group.group_values[0].data), u64::try_from(group.count).unwrap()))
            .collect()
    })
}

/// The counts of a run, of whatever type its workflows are.
pub fn counts_of(address: &str, run: &str) -> BTreeMap<String, u64> {
    // Of all of its iterations.
    counts(address, &format!("WorkflowId STARTS_WITH '{run}'"))
}

/// Waits until the counts of a run are as expected: they follow the workflows with a delay.
pub fn until_counts(address: &str, run: &str, expected: &[(&str, u64)]) {
    let expected: BTreeMap<String, u64> = expected
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| ((*status).to_owned(), *count))
        .collect();
    let begun = Instant::now();
    loop {
        let counts = counts_of(address, run);
        if counts == expected {
            return;
        }
        assert!(begun.elapsed() < LIMIT, "{counts:?} is not {expected:?}");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
