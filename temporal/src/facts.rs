//! What the server tells about itself. Each fact stands alone: what cannot be found is missing with its reason.

use std::collections::BTreeMap;

use benchmark_results::schema::{Fact, NamespaceFacts, ServerFacts};
use futures::{FutureExt, future::BoxFuture};
use serde::Serialize;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    GetClusterInfoRequest, GetClusterInfoResponse, GetSystemInfoRequest,
};

use crate::{call, call::CallError, connection::Server, task_queue};

/// Asks the server about itself and about the task queue. `namespace` comes from [`crate::namespace::ensure`].
///
/// The fields of an embedded server (`embedded`, `binary`, `dynamic_config`) are left for the caller, who started it.
pub fn discover(server: &Server, task_queue: &str, namespace: &NamespaceFacts) -> BoxFuture<'static, ServerFacts> {
    let (server, task_queue, namespace) = (server.clone(), task_queue.to_owned(), namespace.clone());
    async move {
        let system = system_info(&server).await;
        let cluster = cluster_info(&server).await;
        let pollers = task_queue::pollers(&server, &task_queue).await;
        let partitions = task_queue::partitions(&server, &task_queue).await;

        let (system_version, capabilities) = match system {
            Ok(found) => (
                text(Ok::<_, CallError>(found.0), "GetSystemInfo"),
                Fact::found(found.1, "GetSystemInfo"),
            ),
            Err(error) => (Fact::missing(error.to_string()), Fact::missing(error.to_string())),
        };
        let of_cluster = |pick: fn(&GetClusterInfoResponse) -> &String| {
            text(cluster.as_ref().map(|c| pick(c).clone()), "GetClusterInfo")
        };
        let cluster_version = of_cluster(|cluster| &cluster.server_version);
        ServerFacts {
            address: server.address(),
            embedded: false,
            binary: None,
            dynamic_config: BTreeMap::new(),
            version: if system_version.value.is_some() {
                system_version
            } else {
                cluster_version
            },
            capabilities,
            history_shards: match &cluster {
                Ok(cluster) => match u32::try_from(cluster.history_shard_count) {
                    Ok(count) if count > 0 => Fact::found(count, "GetClusterInfo"),
                    _ => Fact::missing("GetClusterInfo does not tell"),
                },
                Err(error) => Fact::missing(error.to_string()),
            },
            persistence_store: of_cluster(|cluster| &cluster.persistence_store),
            visibility_store: of_cluster(|cluster| &cluster.visibility_store),
            cluster_name: of_cluster(|cluster| &cluster.cluster_name),
            namespace: Fact::found(namespace, "DescribeNamespace"),
            pollers: match pollers {
                Ok(pollers) => Fact::found(pollers.count(), "DescribeTaskQueue"),
                Err(error) => Fact::missing(error.to_string()),
            },
            task_queue_partitions: match partitions {
                Ok(partitions) => Fact::found(partitions.workflow, "ListTaskQueuePartitions"),
                Err(error) => Fact::missing(error.to_string()),
            },
        }
    }
    .boxed()
}

async fn system_info(server: &Server) -> Result<(String, BTreeMap<String, bool>), CallError> {
    let answer = server
        .service()
        .get_system_info(call::request(GetSystemInfoRequest {}))
        .await;
    let answer = answer.map_err(CallError::new("GetSystemInfo"))?.into_inner();
    let capabilities = answer
        .capabilities
        .map_or_else(BTreeMap::new, |capabilities| flags(&capabilities));
    Ok((answer.server_version, capabilities))
}

async fn cluster_info(server: &Server) -> Result<GetClusterInfoResponse, CallError> {
    let answer = server
        .service()
        .get_cluster_info(call::request(GetClusterInfoRequest {}))
        .await;
    answer
        .map(tonic::Response::into_inner)
        .map_err(CallError::new("GetClusterInfo"))
}

fn text<E: ToString>(found: Result<String, E>, source: &str) -> Fact<String> {
    match found {
        Ok(text) if text.is_empty() => Fact::missing(format!("{source} does not tell")),
        Ok(text) => Fact::found(text, source),
        Err(error) => Fact::missing(error.to_string()),
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
