//! Facts of the server: what it tells about itself. Each fact stands alone: what cannot be found is missing with its
//! reason.

use std::collections::BTreeMap;

use benchmark_results::schema::{Fact, NamespaceFacts, ServerFacts};
use futures::{FutureExt, future::BoxFuture};
use serde::Serialize;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    GetClusterInfoRequest, GetClusterInfoResponse, GetSystemInfoRequest,
};

use crate::{call, call::CallError, connection::Server, task_queue};

/// A fact and the method that told it, or why it could not be found.
type Told<T> = Result<(T, &'static str), String>;

/// Asks the server about itself and about the task queue. What only its starter knows is left empty.
pub fn discover(server: &Server, task_queue: &str, namespace: NamespaceFacts) -> BoxFuture<'static, ServerFacts> {
    let (server, task_queue) = (server.clone(), task_queue.to_owned());
    async move {
        // Side by side: a server that answers none of them costs the time of one call.
        let (system, cluster, pollers, partitions) = futures::join!(
            system_info(&server),
            cluster_info(&server),
            task_queue::pollers(&server, &task_queue),
            task_queue::partitions(&server, &task_queue)
        );
        let (system_version, capabilities) = match system {
            Ok((version, capabilities)) => (
                text(Ok::<_, CallError>(version), "GetSystemInfo"),
                Ok((capabilities, "GetSystemInfo")),
            ),
            Err(error) => (Err(error.to_string()), Err(error.to_string())),
        };
        let of_cluster = |pick: fn(&GetClusterInfoResponse) -> &String| {
            text(cluster.as_ref().map(|c| pick(c).clone()), "GetClusterInfo")
        };
        let history_shards = match &cluster {
            Ok(cluster) => match u32::try_from(cluster.history_shard_count) {
                Ok(count) if count > 0 => Ok((count, "GetClusterInfo")),
                _ => Err("GetClusterInfo does not tell".to_owned()),
            },
            Err(error) => Err(error.to_string()),
        };
        let partitions = partitions.map(|partitions| partitions.workflow.len());
        ServerFacts {
            address: server.address(),
            embedded: false,
            binary: None,
            dynamic_config: BTreeMap::new(),
            version: fact(system_version.or_else(|_| of_cluster(|cluster| &cluster.server_version))),
            capabilities: fact(capabilities),
            history_shards: fact(history_shards),
            persistence_store: fact(of_cluster(|cluster| &cluster.persistence_store)),
            visibility_store: fact(of_cluster(|cluster| &cluster.visibility_store)),
            cluster_name: fact(of_cluster(|cluster| &cluster.cluster_name)),
            namespace: Fact::found(namespace, "DescribeNamespace"),
            pollers: fact(counted(pollers.map(|pollers| pollers.len()), "DescribeTaskQueue")),
            task_queue_partitions: fact(counted(partitions, "ListTaskQueuePartitions")),
        }
    }
    .boxed()
}

fn fact<T>(told: Told<T>) -> Fact<T> {
    match told {
        Ok((value, source)) => Fact::found(value, source),
        Err(reason) => Fact::missing(reason),
    }
}

async fn system_info(server: &Server) -> Result<(String, BTreeMap<String, bool>), CallError> {
    let mut service = server.service();
    let answer = service.get_system_info(call::request(GetSystemInfoRequest {}));
    let answer = call::answer(server, "GetSystemInfo", answer).await?;
    let capabilities = answer
        .capabilities
        .map_or_else(BTreeMap::new, |capabilities| flags(&capabilities));
    Ok((answer.server_version, capabilities))
}

async fn cluster_info(server: &Server) -> Result<GetClusterInfoResponse, CallError> {
    let mut service = server.service();
    let answer = service.get_cluster_info(call::request(GetClusterInfoRequest {}));
    call::answer(server, "GetClusterInfo", answer).await
}

fn counted(found: Result<usize, CallError>, source: &'static str) -> Told<u32> {
    let count = found.map_err(|error| error.to_string())?;
    Ok((u32::try_from(count).unwrap_or(u32::MAX), source))
}

fn text<E: ToString>(found: Result<String, E>, source: &'static str) -> Told<String> {
    match found {
        Ok(text) if text.is_empty() => Err(format!("{source} does not tell")),
        Ok(text) => Ok((text, source)),
        Err(error) => Err(error.to_string()),
    }
}

/// The yes-or-no fields of a message, by name. Going through the message's own serialisation keeps the list complete
/// when the protocol grows.
pub(crate) fn flags<T: Serialize>(message: &T) -> BTreeMap<String, bool> {
    let fields = match serde_json::to_value(message) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => return BTreeMap::new(),
    };
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_bool()?)))
        .collect()
}
