//! The server's configuration file, as far as it is set here: its own names for everything (`common/config` of the server).

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

use serde::{Serialize, Serializer};

/// Names of the stores.
pub const STORE: &str = "default";
/// The one of visibility.
pub const VISIBILITY: &str = "visibility";

/// The file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    pub log: Log,
    pub persistence: Persistence,
    pub global: Global,
    pub services: BTreeMap<&'static str, Service>,
    pub cluster_metadata: ClusterMetadata,
    pub dc_redirection_policy: Policy,
    pub archival: Archival,
    pub dynamic_config_client: DynamicConfig,
}

impl Config {
    /// As the server reads it.
    pub fn yaml(&self) -> String {
        serde_norway::to_string(self).expect("maps with texts as keys can be written")
    }
}

#[derive(Serialize)]
pub struct Log {
    pub stdout: bool,
    pub level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Persistence {
    pub default_store: &'static str,
    pub visibility_store: &'static str,
    pub num_history_shards: u32,
    pub datastores: BTreeMap<&'static str, Datastore>,
}

/// One of both.
#[derive(Default, Serialize)]
pub struct Datastore {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<Sql>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elasticsearch: Option<Elasticsearch>,
}

impl From<Sql> for Datastore {
    fn from(sql: Sql) -> Datastore {
        Datastore {
            sql: Some(sql),
            ..Datastore::default()
        }
    }
}

impl From<Elasticsearch> for Datastore {
    fn from(search: Elasticsearch) -> Datastore {
        Datastore {
            elasticsearch: Some(search),
            ..Datastore::default()
        }
    }
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sql {
    pub plugin_name: &'static str,
    pub database_name: String,
    pub connect_addr: String,
    pub connect_protocol: &'static str,
    /// Parameters of PostgreSQL's own connection strings.
    pub connect_attributes: BTreeMap<&'static str, String>,
    pub user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    pub max_conns: u32,
    pub max_idle_conns: u32,
    #[serde(serialize_with = "go")]
    pub max_conn_lifetime: Duration,
    pub tls: Tls,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    pub enabled: bool,
    pub enable_host_verification: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Elasticsearch {
    pub version: &'static str,
    pub url: Url,
    pub indices: BTreeMap<&'static str, String>,
    pub log_level: &'static str,
    #[serde(rename = "aws-request-signing", skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
}

#[derive(Serialize)]
pub struct Url {
    pub scheme: &'static str,
    /// With its port.
    pub host: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Signing {
    pub enabled: bool,
    pub region: String,
    pub credential_provider: &'static str,
}

#[derive(Serialize)]
pub struct Global {
    pub membership: Membership,
    pub metrics: Metrics,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    #[serde(serialize_with = "go")]
    pub max_join_duration: Duration,
    pub broadcast_address: IpAddr,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub without_unit_suffix: bool,
    pub without_counter_suffix: bool,
    pub record_timer_in_seconds: bool,
    pub prometheus: Prometheus,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Prometheus {
    pub framework: &'static str,
    pub timer_type: &'static str,
    pub listen_address: String,
}

#[derive(Serialize)]
pub struct Service {
    pub rpc: Rpc,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rpc {
    pub grpc_port: u16,
    pub membership_port: u16,
    #[serde(rename = "bindOnIP")]
    pub bind_on_ip: IpAddr,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterMetadata {
    pub enable_global_namespace: bool,
    pub failover_version_increment: u32,
    pub master_cluster_name: &'static str,
    pub current_cluster_name: &'static str,
    pub cluster_information: BTreeMap<&'static str, ClusterInformation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterInformation {
    pub enabled: bool,
    pub initial_failover_version: u32,
    pub rpc_address: String,
}

#[derive(Serialize)]
pub struct Policy {
    pub policy: &'static str,
}

#[derive(Serialize)]
pub struct Archival {
    pub history: State,
    pub visibility: State,
}

#[derive(Serialize)]
pub struct State {
    pub state: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DynamicConfig {
    pub filepath: PathBuf,
    #[serde(serialize_with = "go")]
    pub poll_interval: Duration,
}

/// A duration in Go's notation.
fn go<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    match value.subsec_nanos() {
        0 => serializer.collect_str(&format_args!("{}s", value.as_secs())),
        _ => serializer.collect_str(&format_args!("{}ns", value.as_nanos())),
    }
}
