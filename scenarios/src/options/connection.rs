//! Options of the connection: which server, and how it is reached.

use std::time::Duration;

use super::{Entry, Shape, Use, options, says, value, workers::MAX_WORKERS};
use crate::{
    Scheduling,
    form::{Address, Form},
};

const MILLISECOND: Duration = Duration::from_millis(1);
const TEN_MINUTES: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) const MAX_THREADS: u32 = 64;
pub(crate) const MAX_CONNECTIONS: u32 = 1_000;

const ADDRESS: &[&str] = &["TEMPORAL_ADDRESS"];
const NAMESPACE: &[&str] = &["BENCHMARK_NAMESPACE", "TEMPORAL_NAMESPACE"];
const TASK_QUEUE: &[&str] = &["BENCHMARK_TASK_QUEUE"];

/// Said of a process's own certificate and key.
const fn everywhere(entry: Entry, usage: Use) -> Entry {
    entry.run(usage).join(usage).worker(usage)
}

const TLS: Use = says("TLS; --tls=false turns it off");
const TLS_CA: Use = says("PEM file with the authority that signed the server's certificate");
const TLS_SERVER_NAME: Use = says("Name that the server's certificate must carry");

options! { Connection:
    /// The frontend's address; none means the embedded server.
    Address("address"): Address = Form::address(), value("HOST:PORT")
        .run(says("Frontend of a cluster; `embedded` for the dev server whatever the environment says")
            .or_since("embedded", "no address: a dev server is started and stopped").variables(ADDRESS))
        .join(says("Frontend of the cluster as this machine reaches it, needed for an API key or headers unless the leader is \
                    joined with TLS; `leader` for the leader's whatever the environment says")
            .otherwise("leader").variables(ADDRESS).allows(|| Form::address_or_leaders().bounds()))
        .worker(says("Frontend of the cluster; `leader` for the run's own whatever the environment says")
            .otherwise("with --join the run's").variables(ADDRESS).allows(|| Form::address_or_leaders().bounds()));
    /// The namespace. The fleet of the replaced system works in the default one; workers elsewhere have to know it before the
    /// run begins, so it is a fixed name and not a new one each run. Runs are told apart by their workflow ids.
    Namespace("namespace"): String = Form::namespace(), value("NAME")
        .run(says("Namespace; created when missing and permitted, with a retention of the run and 48h")
            .or_since("benchmark", "where workers of a fleet look for work").variables(NAMESPACE))
        .worker(says("Namespace; it is waited for, and not created")
            .otherwise("with --join the run's, otherwise benchmark").variables(NAMESPACE));
    /// The task queue; for a worker process also several.
    TaskQueue("task-queue"): String = Form::task_queue(), value("NAME")
        .run(says("Task queue of the workflows and of their workers")
            .otherwise("benchmark-task-queue").variables(TASK_QUEUE))
        .worker(says("Task queue; several with commas between them, or a numbered range as NAME-{0..7}")
            .otherwise("with --join the run's, otherwise benchmark-task-queue").variables(TASK_QUEUE)
            .allows(|| Form::task_queues(MAX_WORKERS).bounds()));
    /// TLS on or off.
    Tls("tls"): bool = Form::switch(), Entry::new(Shape::Optional("BOOL"))
        .run(TLS.otherwise("on with any --tls-… option, an API key or https://"))
        .join(TLS.otherwise("as the leader"))
        .worker(TLS.otherwise("on with any --tls-… option, an API key or https://; with --join as the run's"));
    /// PEM file of the authority.
    TlsCa("tls-ca"): String = Form::path(), value("FILE")
        .run(TLS_CA.otherwise("the system's authorities"))
        .join(TLS_CA.otherwise("none"))
        .worker(TLS_CA.otherwise("the system's authorities"));
    /// PEM file of the client's certificate.
    TlsCert("tls-cert"): String = Form::path(),
        everywhere(value("FILE"), says("PEM file with the client's certificate, for mTLS").otherwise("none"));
    /// PEM file of the client's key.
    TlsKey("tls-key"): String = Form::path(),
        everywhere(value("FILE"), says("PEM file with the client's key, for mTLS").otherwise("none"));
    /// Name that the server's certificate must carry.
    TlsServerName("tls-server-name"): String = Form::server_name(), value("NAME")
        .run(TLS_SERVER_NAME.otherwise("the address's host"))
        .join(TLS_SERVER_NAME.otherwise("as the leader"))
        .worker(TLS_SERVER_NAME.otherwise("the address's host"));
    /// That there is an API key. Its text is never the key: see [`crate::Given::hidden`].
    ApiKey("api-key"): String = Form::secret(),
        everywhere(
            value("KEY").secret("File with the API key"),
            says("API key; other users of this machine can see it in the process list, so better TEMPORAL_API_KEY or \
                  --api-key-file")
                .otherwise("none").variables(&["TEMPORAL_API_KEY"]));
    /// HTTP/2 connections for starts.
    Connections("connections"): u32 = Form::whole(1..=MAX_CONNECTIONS, "connections"), value("N")
        .run(says("HTTP/2 connections for starts and nothing else, of all generators together, {}")
            .otherwise("rate x 50ms / 80; with --address at least 4, and at least one for each address of its name"));
    /// Threads that send starts.
    Threads("threads"): u32 = Form::whole(1..=MAX_THREADS, "threads"), value("N")
        .run(says("Threads that send starts, of all generators together, {}")
            .otherwise("one for each 25000 starts a second, at most the cores"));
    /// How the threads that send are scheduled.
    Scheduling("scheduling"): Scheduling = Form::choice(&[Scheduling::Auto, Scheduling::Ordinary]), value("HOW")
        .run(says("How these threads are scheduled: auto (real-time where permitted and a core stays without) or ordinary")
            .or("auto").variables(&["BENCHMARK_SCHEDULING"]));
    /// A start's own deadline.
    StartTimeout("start-timeout"): Duration = Form::span(MILLISECOND..=TEN_MINUTES), value("TIME")
        .run(says("A start's own deadline, {}; it is never sent twice").or("10s"));
    /// How long connecting may take. A worker waits longer: a cluster that is set up together with its workers takes a few
    /// minutes; the replaced worker gave up after one.
    ConnectTimeout("connect-timeout"): Duration = Form::span(MILLISECOND..=TEN_MINUTES), value("TIME")
        .run(says("How long connecting may take before the address is called dead, {}").or("10s"))
        .worker(says("How long server and namespace are waited for, {}")
            .or("5m").variables(&["BENCHMARK_CONNECT_TIMEOUT"]).allows(|| Form::connect_timeout_of_workers().bounds()));
}

impl Form<Duration> {
    /// How long a worker process may wait for its server.
    pub fn connect_timeout_of_workers() -> Self {
        Form::span(MILLISECOND..=DAY)
    }
}
