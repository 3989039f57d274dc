//! Which variables say what. Names are those that `terraform/modules/temporal-service` sets, and for ports the server's own.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use benchmark_scenarios::Problem;

use super::config::{
    Archival, ClusterInformation, ClusterMetadata, Config, Datastore, DynamicConfig, Elasticsearch, Global, Log,
    Membership, Metrics, Persistence, Policy, Prometheus, Rpc, STORE, Service, Signing, Sql, State, Tls, Url,
    VISIBILITY,
};
use crate::{metadata, variables::Variables};

/// The database's password.
pub const PASSWORD: &str = "TEMPORAL_SQL_PASSWORD";

/// Each service with its two ports, where no variable says otherwise.
const SERVICES: [(&str, [&str; 2], [&str; 2]); 4] = [
    (
        "frontend",
        ["FRONTEND_GRPC_PORT", "FRONTEND_MEMBERSHIP_PORT"],
        ["7233", "6933"],
    ),
    (
        "history",
        ["HISTORY_GRPC_PORT", "HISTORY_MEMBERSHIP_PORT"],
        ["7234", "6934"],
    ),
    (
        "matching",
        ["MATCHING_GRPC_PORT", "MATCHING_MEMBERSHIP_PORT"],
        ["7235", "6935"],
    ),
    (
        "worker",
        ["WORKER_GRPC_PORT", "WORKER_MEMBERSHIP_PORT"],
        ["7239", "6939"],
    ),
];
/// The server keeps ports of its members in a column of 16 bits with a sign.
const HIGHEST_MEMBER_PORT: u16 = 32_767;
/// How many shards a cluster may have. The server has no limit; the largest clusters have as many.
const MOST_SHARDS: u32 = 16_384;
/// One replica's connections.
const MOST_CONNECTIONS: u32 = 10_000;
/// Where the image has the dynamic configurations.
const DYNAMIC_CONFIG: &str = "/etc/temporal/dynamicconfig";

/// What variables are read from.
pub struct Surroundings<'a> {
    /// A variable by its name.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether there is such a file.
    pub is_file: &'a dyn Fn(&Path) -> bool,
    /// A task's address, from what ECS tells at a place.
    pub task_address: &'a dyn Fn(&str) -> Result<IpAddr, String>,
}

/// What is to be started.
pub struct Asked {
    /// The services.
    pub services: Vec<&'static str>,
    /// The server's configuration.
    pub config: Config,
}

impl Asked {
    /// Reads all variables.
    ///
    /// # Errors
    /// One line that names each variable that is missing or wrong.
    pub fn read(surroundings: &Surroundings<'_>) -> Result<Asked, Problem> {
        let mut variables = Variables::new(surroundings.variable);
        let services = services(&mut variables);
        let dynamic_config_client = dynamic_config(&mut variables, surroundings.is_file);
        let log = Log {
            stdout: true,
            level: variables.choice("LOG_LEVEL", "info", &["debug", "info", "warn", "error", "fatal"]),
        };
        let sql = sql(&mut variables);
        let framework = if sql.plugin_name == "dsql" {
            "opentelemetry"
        } else {
            "tally"
        };
        let metrics = metrics(&mut variables, framework);
        let persistence = persistence(&mut variables, sql);
        let bind_on_ip = address(&mut variables, "BIND_ON_IP", Ipv4Addr::UNSPECIFIED.into());
        let broadcast_address = broadcast(&mut variables, bind_on_ip, surroundings.task_address);
        let ports: BTreeMap<_, _> = SERVICES
            .iter()
            .map(|(service, names, defaults)| {
                let rpc = Rpc {
                    grpc_port: variables.number(names[0], defaults[0], 1..=u16::MAX),
                    membership_port: variables.number(names[1], defaults[1], 1..=HIGHEST_MEMBER_PORT),
                    bind_on_ip,
                };
                (*service, Service { rpc })
            })
            .collect();
        variables.end()?;
        let rpc_address = format!("127.0.0.1:{}", ports["frontend"].rpc.grpc_port);
        let config = Config {
            log,
            persistence,
            global: Global {
                membership: Membership {
                    max_join_duration: Duration::from_secs(30),
                    broadcast_address,
                },
                metrics,
            },
            services: ports,
            cluster_metadata: alone(rpc_address),
            dc_redirection_policy: Policy { policy: "noop" },
            archival: Archival {
                history: State { state: "disabled" },
                visibility: State { state: "disabled" },
            },
            dynamic_config_client,
        };
        Ok(Asked { services, config })
    }
}

/// A cluster without others.
fn alone(rpc_address: String) -> ClusterMetadata {
    let own = ClusterInformation {
        enabled: true,
        initial_failover_version: 1,
        rpc_address,
    };
    ClusterMetadata {
        enable_global_namespace: false,
        failover_version_increment: 10,
        master_cluster_name: "active",
        current_cluster_name: "active",
        cluster_information: BTreeMap::from([("active", own)]),
    }
}

fn services(variables: &mut Variables<'_>) -> Vec<&'static str> {
    let asked = variables.text("SERVICES");
    let mut found = Vec::new();
    for name in asked.split(',').map(str::trim).filter(|_| !asked.is_empty()) {
        match SERVICES.iter().find(|(service, ..)| *service == name) {
            Some((service, ..)) if !found.contains(service) => found.push(*service),
            Some(_) => {}
            None => {
                variables.wrong("SERVICES", "not a list of frontend, history, matching, worker");
                break;
            }
        }
    }
    found
}

/// The dynamic configuration that has the environment's name.
fn dynamic_config(variables: &mut Variables<'_>, is_file: &dyn Fn(&Path) -> bool) -> DynamicConfig {
    let folder = variables
        .maybe("DYNAMIC_CONFIG_DIR")
        .unwrap_or_else(|| DYNAMIC_CONFIG.to_owned());
    let environment = variables
        .maybe("DEPLOY_ENVIRONMENT")
        .unwrap_or_else(|| "prod".to_owned());
    let filepath = PathBuf::from(folder).join(format!("{environment}.yaml"));
    let is_plain = environment.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if !is_plain || !is_file(&filepath) {
        variables.wrong(
            "DEPLOY_ENVIRONMENT",
            "there is no dynamic configuration of this name: dev, bench and prod have one",
        );
    }
    DynamicConfig {
        filepath,
        poll_interval: Duration::from_secs(60),
    }
}

fn sql(variables: &mut Variables<'_>) -> Sql {
    let plugin = variables.choice("TEMPORAL_SQL_PLUGIN", "", &["postgres12", "postgres12_pgx", "dsql"]);
    let is_dsql = plugin == "dsql";
    let host = variables.text("TEMPORAL_SQL_HOST");
    let port: u16 = variables.number("TEMPORAL_SQL_PORT", "5432", 1..=u16::MAX);
    // With IAM the plug-in makes a password for each connection.
    let password = match variables.flag("TEMPORAL_SQL_IAM_AUTH", is_dsql) {
        true if is_dsql => {
            variables.text("AWS_REGION");
            None
        }
        true => {
            variables.wrong("TEMPORAL_SQL_IAM_AUTH", "only TEMPORAL_SQL_PLUGIN=dsql logs in by IAM");
            None
        }
        false if is_dsql => {
            variables.wrong("TEMPORAL_SQL_IAM_AUTH", "TEMPORAL_SQL_PLUGIN=dsql logs in by IAM only");
            None
        }
        false => Some(variables.text(PASSWORD)),
    };
    let enabled = variables.flag("TEMPORAL_SQL_TLS_ENABLED", is_dsql);
    if is_dsql && !enabled {
        variables.wrong(
            "TEMPORAL_SQL_TLS_ENABLED",
            "TEMPORAL_SQL_PLUGIN=dsql takes connections with TLS only",
        );
    }
    let max_conns = variables.number("TEMPORAL_SQL_MAX_CONNS", "20", 1..=MOST_CONNECTIONS);
    let connect_timeout = variables.duration("TEMPORAL_SQL_CONNECTION_TIMEOUT", "30s");
    Sql {
        plugin_name: plugin,
        database_name: variables.text("TEMPORAL_SQL_DATABASE"),
        connect_addr: format!("{host}:{port}"),
        connect_protocol: "tcp",
        connect_attributes: BTreeMap::from([("connect_timeout", connect_timeout.as_secs().max(1).to_string())]),
        user: variables.text("TEMPORAL_SQL_USER"),
        password,
        max_conns,
        max_idle_conns: variables.number(
            "TEMPORAL_SQL_MAX_IDLE_CONNS",
            &max_conns.to_string(),
            1..=MOST_CONNECTIONS,
        ),
        max_conn_lifetime: variables.duration("TEMPORAL_SQL_MAX_CONN_LIFETIME", "55m"),
        tls: Tls {
            enabled,
            enable_host_verification: enabled && variables.flag("TEMPORAL_SQL_TLS_HOST_VERIFICATION", true),
            ca_file: variables.maybe("TEMPORAL_SQL_TLS_CA_FILE").map(PathBuf::from),
        },
    }
}

/// Both stores: visibility is in OpenSearch where one is named, and else in a second database beside the first.
fn persistence(variables: &mut Variables<'_>, sql: Sql) -> Persistence {
    let num_history_shards = variables.number("TEMPORAL_HISTORY_SHARDS", "", 1..=MOST_SHARDS);
    let visibility: Datastore = match variables.maybe("TEMPORAL_ELASTICSEARCH_HOST") {
        Some(host) => search(variables, &host, sql.password.is_none()).into(),
        None if sql.plugin_name == "dsql" => {
            variables.wrong(
                "TEMPORAL_ELASTICSEARCH_HOST",
                "missing: TEMPORAL_SQL_PLUGIN=dsql keeps no visibility",
            );
            sql.clone().into()
        }
        None => Sql {
            database_name: variables.text("TEMPORAL_SQL_VISIBILITY_DATABASE"),
            ..sql.clone()
        }
        .into(),
    };
    Persistence {
        default_store: STORE,
        visibility_store: VISIBILITY,
        num_history_shards,
        datastores: BTreeMap::from([(STORE, sql.into()), (VISIBILITY, visibility)]),
    }
}

/// OpenSearch. Its requests are signed where the database is logged in to by IAM: both are AWS's then.
fn search(variables: &mut Variables<'_>, host: &str, by_iam: bool) -> Elasticsearch {
    let scheme = variables.choice("TEMPORAL_ELASTICSEARCH_SCHEME", "https", &["http", "https"]);
    let usual = if scheme == "https" { "443" } else { "9200" };
    let port: u16 = variables.number("TEMPORAL_ELASTICSEARCH_PORT", usual, 1..=u16::MAX);
    let signing = variables
        .flag("TEMPORAL_ELASTICSEARCH_AWS_SIGNING", by_iam)
        .then(|| Signing {
            enabled: true,
            // Said already where the database wants it as well.
            region: if by_iam {
                variables.maybe("AWS_REGION").unwrap_or_default()
            } else {
                variables.text("AWS_REGION")
            },
            credential_provider: "aws-sdk-default",
        });
    Elasticsearch {
        version: variables.choice("TEMPORAL_ELASTICSEARCH_VERSION", "v8", &["v8", "v7"]),
        url: Url {
            scheme,
            host: format!("{host}:{port}"),
        },
        indices: BTreeMap::from([(VISIBILITY, variables.text("TEMPORAL_ELASTICSEARCH_INDEX"))]),
        log_level: "error",
        signing,
    }
}

/// The metrics page. Series of opentelemetry get the names that tally's have.
fn metrics(variables: &mut Variables<'_>, usual: &'static str) -> Metrics {
    let framework = variables.choice("METRICS_FRAMEWORK", usual, &["tally", "opentelemetry"]);
    let is_opentelemetry = framework == "opentelemetry";
    Metrics {
        without_unit_suffix: is_opentelemetry,
        without_counter_suffix: is_opentelemetry,
        record_timer_in_seconds: is_opentelemetry,
        prometheus: Prometheus {
            framework,
            timer_type: "histogram",
            listen_address: variables
                .maybe("PROMETHEUS_ENDPOINT")
                .unwrap_or_else(|| "0.0.0.0:9090".to_owned()),
        },
    }
}

/// An IP address.
fn address(variables: &mut Variables<'_>, name: &str, default: IpAddr) -> IpAddr {
    match variables.maybe(name).map(|value| value.parse()) {
        None => default,
        Some(Ok(address)) => address,
        Some(Err(_)) => {
            variables.wrong(name, "no IP address");
            default
        }
    }
}

/// Where other members of the ring reach this one: as is said, the task's address, or the one that it listens on.
fn broadcast(
    variables: &mut Variables<'_>,
    bound: IpAddr,
    task_address: &dyn Fn(&str) -> Result<IpAddr, String>,
) -> IpAddr {
    const NAME: &str = "TEMPORAL_BROADCAST_ADDRESS";
    if variables.maybe(NAME).is_some() || !bound.is_unspecified() {
        return address(variables, NAME, bound);
    }
    match variables.maybe(metadata::ADDRESS).map(|uri| task_address(&uri)) {
        Some(Ok(address)) => address,
        Some(Err(why)) => {
            variables.wrong(
                NAME,
                format!("missing, and ECS does not tell the task's address ({why})"),
            );
            bound
        }
        None => {
            variables.wrong(NAME, format!("missing, and so is ECS's {}", metadata::ADDRESS));
            bound
        }
    }
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
