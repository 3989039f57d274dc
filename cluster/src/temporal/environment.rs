//! Environment variables of the server's image, and the server's configuration that comes of them. Names of variables
//! are those that `terraform/modules/temporal-service` sets, and for ports the server's own; names in the configuration
//! are the server's (its `common/config`).

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use benchmark_scenarios::Problem;
use serde_json::{Map, Value, json};

use crate::{metadata, variables::Variables};

/// Where other members of the ring reach this one.
pub const BROADCAST_ADDRESS: &str = "TEMPORAL_BROADCAST_ADDRESS";
/// The database's password.
pub const PASSWORD: &str = "TEMPORAL_SQL_PASSWORD";

/// Each service with its ports for calls and for members, where no variable says otherwise.
const SERVICES: [(&str, &str, &str); 4] = [
    ("frontend", "7233", "6933"),
    ("history", "7234", "6934"),
    ("matching", "7235", "6935"),
    ("worker", "7239", "6939"),
];
/// The server keeps ports of its members in a column of 16 bits with a sign.
const HIGHEST_MEMBER_PORT: u16 = 32_767;
/// How many shards a cluster may have. The server has no limit; the largest clusters have as many.
const MOST_SHARDS: u32 = 16_384;
/// One replica's connections.
const MOST_CONNECTIONS: u32 = 10_000;
/// Where the image has the dynamic configurations.
const DYNAMIC_CONFIG: &str = "/etc/temporal/dynamicconfig";
/// The one of the two stores that is not the default.
const VISIBILITY: &str = "visibility";

/// What variables are read from.
pub struct Environment<'a> {
    /// A variable by its name.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether there is such a file.
    pub is_file: &'a dyn Fn(&Path) -> bool,
    /// This task's address, or why ECS does not tell it; nothing where there is no ECS.
    pub task_address: Option<Result<IpAddr, String>>,
}

/// What is to be started.
pub struct ServerConfiguration {
    /// The services.
    pub services: Vec<&'static str>,
    /// The server's configuration.
    pub config: Value,
}

impl ServerConfiguration {
    /// Reads all variables.
    ///
    /// # Errors
    /// One line that names each variable that is missing or wrong.
    pub fn read(environment: Environment<'_>) -> Result<ServerConfiguration, Problem> {
        let mut variables = Variables::new(environment.variable);
        let services = services(&mut variables);
        let dynamic_config = dynamic_config(&mut variables, environment.is_file);
        let level = variables.choice("LOG_LEVEL", "info", &["debug", "info", "warn", "error", "fatal"]);
        let sql = sql(&mut variables);
        let metrics = metrics(&mut variables, is_dsql(&sql));
        let persistence = persistence(&mut variables, &sql);
        let bind_on_ip = address(&mut variables, "BIND_ON_IP", Ipv4Addr::UNSPECIFIED.into());
        let broadcast_address = broadcast(&mut variables, bind_on_ip, environment.task_address);
        let rpc: Map<_, _> = SERVICES
            .iter()
            .map(|&(service, grpc, membership)| {
                let name = |of: &str| format!("{}_{of}_PORT", service.to_uppercase());
                let rpc = json!({
                    "grpcPort": variables.number(&name("GRPC"), grpc, 1..=u16::MAX),
                    "membershipPort": variables.number(&name("MEMBERSHIP"), membership, 1..=HIGHEST_MEMBER_PORT),
                    "bindOnIP": bind_on_ip,
                });
                (service.to_owned(), json!({ "rpc": rpc }))
            })
            .collect();
        variables.end()?;
        let own_address = format!("127.0.0.1:{}", rpc["frontend"]["rpc"]["grpcPort"]);
        let config = json!({
            "log": { "stdout": true, "level": level },
            "persistence": persistence,
            "global": {
                "membership": { "maxJoinDuration": "30s", "broadcastAddress": broadcast_address },
                "metrics": metrics,
            },
            "services": rpc,
            // A cluster without others.
            "clusterMetadata": {
                "enableGlobalNamespace": false,
                "failoverVersionIncrement": 10,
                "masterClusterName": "active",
                "currentClusterName": "active",
                "clusterInformation": {
                    "active": { "enabled": true, "initialFailoverVersion": 1, "rpcAddress": own_address },
                },
            },
            "dcRedirectionPolicy": { "policy": "noop" },
            "archival": { "history": { "state": "disabled" }, "visibility": { "state": "disabled" } },
            "dynamicConfigClient": dynamic_config,
        });
        Ok(ServerConfiguration { services, config })
    }

    /// The configuration as the server reads it.
    pub fn yaml(&self) -> String {
        serde_norway::to_string(&self.config).expect("maps with texts as keys can be written")
    }
}

/// An object without what is not set.
fn set(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

/// A duration in Go's notation.
fn go(value: Duration) -> String {
    match value.subsec_nanos() {
        0 => format!("{}s", value.as_secs()),
        _ => format!("{}ns", value.as_nanos()),
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
fn dynamic_config(variables: &mut Variables<'_>, is_file: &dyn Fn(&Path) -> bool) -> Value {
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
    json!({ "filepath": filepath, "pollInterval": "60s" })
}

fn is_dsql(sql: &Value) -> bool {
    sql["pluginName"] == "dsql"
}

fn sql(variables: &mut Variables<'_>) -> Value {
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
    let most = variables.number("TEMPORAL_SQL_MAX_CONNS", "20", 1..=MOST_CONNECTIONS);
    let connect_timeout = variables.duration("TEMPORAL_SQL_CONNECTION_TIMEOUT", "30s");
    set(json!({
        "pluginName": plugin,
        "databaseName": variables.text("TEMPORAL_SQL_DATABASE"),
        "connectAddr": format!("{host}:{port}"),
        "connectProtocol": "tcp",
        // Parameters of PostgreSQL's own connection strings.
        "connectAttributes": { "connect_timeout": connect_timeout.as_secs().max(1).to_string() },
        "user": variables.text("TEMPORAL_SQL_USER"),
        "password": password,
        "maxConns": most,
        "maxIdleConns": variables.number("TEMPORAL_SQL_MAX_IDLE_CONNS", &most.to_string(), 1..=MOST_CONNECTIONS),
        "maxConnLifetime": go(variables.duration("TEMPORAL_SQL_MAX_CONN_LIFETIME", "55m")),
        "tls": set(json!({
            "enabled": enabled,
            "enableHostVerification": enabled && variables.flag("TEMPORAL_SQL_TLS_HOST_VERIFICATION", true),
            "caFile": variables.maybe("TEMPORAL_SQL_TLS_CA_FILE"),
        })),
    }))
}

/// Both stores: visibility is in OpenSearch where one is named, and else in a second database beside the first.
fn persistence(variables: &mut Variables<'_>, sql: &Value) -> Value {
    let shards = variables.number("TEMPORAL_HISTORY_SHARDS", "", 1..=MOST_SHARDS);
    let mut visibility = json!({ "sql": sql });
    if let Some(host) = variables.maybe("TEMPORAL_ELASTICSEARCH_HOST") {
        visibility = json!({ "elasticsearch": search(variables, &host, sql["password"].is_null()) });
    } else if is_dsql(sql) {
        variables.wrong(
            "TEMPORAL_ELASTICSEARCH_HOST",
            "missing: TEMPORAL_SQL_PLUGIN=dsql keeps no visibility",
        );
    } else {
        visibility["sql"]["databaseName"] = variables.text("TEMPORAL_SQL_VISIBILITY_DATABASE").into();
    }
    json!({
        "defaultStore": "default",
        "visibilityStore": VISIBILITY,
        "numHistoryShards": shards,
        "datastores": { "default": { "sql": sql }, VISIBILITY: visibility },
    })
}

/// OpenSearch. Its requests are signed where the database is logged in to by IAM: both are AWS's then.
fn search(variables: &mut Variables<'_>, host: &str, by_iam: bool) -> Value {
    let scheme = variables.choice("TEMPORAL_ELASTICSEARCH_SCHEME", "https", &["http", "https"]);
    let usual = if scheme == "https" { "443" } else { "9200" };
    let port: u16 = variables.number("TEMPORAL_ELASTICSEARCH_PORT", usual, 1..=u16::MAX);
    let is_signed = variables.flag("TEMPORAL_ELASTICSEARCH_AWS_SIGNING", by_iam);
    let signing = is_signed.then(|| {
        // Said already where the database wants it as well.
        let region = match by_iam {
            true => variables.maybe("AWS_REGION").unwrap_or_default(),
            false => variables.text("AWS_REGION"),
        };
        json!({ "enabled": true, "region": region, "credentialProvider": "aws-sdk-default" })
    });
    set(json!({
        "version": variables.choice("TEMPORAL_ELASTICSEARCH_VERSION", "v8", &["v8", "v7"]),
        "url": { "scheme": scheme, "host": format!("{host}:{port}") },
        "indices": { VISIBILITY: variables.text("TEMPORAL_ELASTICSEARCH_INDEX") },
        "logLevel": "error",
        "aws-request-signing": signing,
    }))
}

/// The metrics page. The plug-in for DSQL has opentelemetry's series, which get the names that tally's have.
fn metrics(variables: &mut Variables<'_>, is_dsql: bool) -> Value {
    let usual = if is_dsql { "opentelemetry" } else { "tally" };
    let framework = variables.choice("METRICS_FRAMEWORK", usual, &["tally", "opentelemetry"]);
    let is_opentelemetry = framework == "opentelemetry";
    let page = variables.maybe("PROMETHEUS_ENDPOINT");
    json!({
        "withoutUnitSuffix": is_opentelemetry,
        "withoutCounterSuffix": is_opentelemetry,
        "recordTimerInSeconds": is_opentelemetry,
        "prometheus": {
            "framework": framework,
            "timerType": "histogram",
            "listenAddress": page.as_deref().unwrap_or("0.0.0.0:9090"),
        },
    })
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
fn broadcast(variables: &mut Variables<'_>, bound: IpAddr, task_address: Option<Result<IpAddr, String>>) -> IpAddr {
    if variables.maybe(BROADCAST_ADDRESS).is_some() || !bound.is_unspecified() {
        return address(variables, BROADCAST_ADDRESS, bound);
    }
    match task_address {
        Some(Ok(address)) => address,
        Some(Err(why)) => {
            let why = format!("missing, and ECS does not tell the task's address ({why})");
            variables.wrong(BROADCAST_ADDRESS, why);
            bound
        }
        None => {
            variables.wrong(
                BROADCAST_ADDRESS,
                format!("missing, and so is ECS's {}", metadata::ADDRESS),
            );
            bound
        }
    }
}

#[cfg(test)]
mod tests;
