//! What a run was to do, where it ran, and what its generator used.

use std::{collections::BTreeMap, time::Duration};

use benchmark_scenarios::{
    Arrivals, Cluster, EmbeddedPlan, FleetSize, Load, Observation, Plan, Scheduling, StarterPlan, Target, Thresholds,
    WhenFull, WorkerProfile, Workers, Workload, workloads::Simple,
};

use crate::schema::{
    ClusterFact, Environment, Fact, GeneratorHealth, HostFacts, MachineUse, NamespaceFacts, ServerFacts, ThreadLoad,
    WorkerFacts,
};

pub(super) const RATE: u64 = 400;
pub(super) const RAMP: u64 = 30;
pub(super) const WARM_UP: u64 = 30;
pub(super) const MEASURE: u64 = 240;

/// The plan of the runs: 400/s for four minutes behind a ramp and a warm-up.
pub fn plan() -> Plan {
    Plan {
        target: Target::Embedded(EmbeddedPlan::default()),
        namespace: "default".into(),
        task_queue: "benchmark-task-queue".into(),
        workload: Workload {
            kind: Simple {}.into(),
            payload_size: 0,
            failure_ratio: 0.0,
            result_size: 0,
            activity_cpu: Duration::ZERO,
        },
        load: Load {
            rate: RATE.to_string().parse().unwrap(),
            duration: Duration::from_secs(RAMP + WARM_UP + MEASURE),
            ramp_up: Duration::from_secs(RAMP),
            warm_up: Duration::from_secs(WARM_UP),
            drain: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(25),
            arrivals: Arrivals::Constant,
            seed: 1,
            max_in_flight: 4_000,
            when_full: WhenFull::Queue,
            max_lag: Duration::from_secs(1),
        },
        starter: StarterPlan {
            scheduling: Scheduling::Auto,
            connections: 8,
            each_address: false,
            threads: 1,
            start_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            retries: 0,
            compression: "none".into(),
        },
        workers: Workers {
            count: 2,
            tuning: Some(WorkerProfile::Autoscale.tuning()),
        },
        fleet: FleetSize::default(),
        observation: Observation {
            sample_ratio: 0.02,
            sample_cap: 100,
        },
        thresholds: Thresholds {
            max_p99_latency: Duration::from_secs(5),
            min_throughput: 380.0,
            max_error_ratio: 0.001,
        },
        iterations: 1,
        cleanup: true,
    }
}

/// The same load on a cluster, by two generators and three worker processes.
pub(super) fn fleet_plan() -> Plan {
    let mut plan = plan();
    plan.target = Target::Cluster(Cluster {
        address: "temporal.internal:7233".into(),
        tls: None,
        api_key: false,
    });
    plan.workers = Workers { count: 0, tuning: None };
    plan.fleet = FleetSize {
        expect_workers: 3,
        generators: 2,
    };
    plan
}

/// A generator that is well.
pub fn generator() -> GeneratorHealth {
    GeneratorHealth {
        seconds: 240.0,
        cpu_seconds: 14.4,
        cpu_share: 0.03,
        busiest_thread: Fact::found(
            ThreadLoad {
                name: "starter-0".into(),
                share: 0.05,
            },
            "/proc",
        ),
        cpu_wait: Fact::found(0.002, "/proc/self/task/*/schedstat"),
        throttled: Fact::missing("no cgroup quota"),
        steal: Fact::found(0.001, "/proc/stat"),
        machine: Fact::found(
            MachineUse {
                others: 0.01,
                idle: 0.6,
            },
            "/proc/stat",
        ),
        cpu_per_start_us: Some(150.0),
        peak_memory_bytes: Fact::found(120_000_000, "/proc"),
        peak_in_flight: 31,
        connections: 8,
        peak_in_flight_per_connection: 6,
        start_connections: None,
        share_of_ceiling: Fact::missing("this host was not calibrated"),
        scheduling: Fact::found("real-time".to_owned(), "SCHED_FIFO"),
    }
}

/// Where the runs took place.
pub fn environment() -> Environment {
    Environment {
        host: HostFacts {
            cpu_model: Fact::found("Example CPU".into(), "/proc/cpuinfo"),
            cores: Fact::found(2, "affinity"),
            cgroup_cpu_quota: Fact::missing("no quota"),
            memory_bytes: Fact::found(8 << 30, "/proc/meminfo"),
            kernel: Fact::found("6.1.0".into(), "uname"),
            os: Fact::found("Debian 12".into(), "/etc/os-release"),
            hostname: Fact::found("host".into(), "uname"),
            instance_type: Fact::missing("no instance metadata service"),
        },
        server: ServerFacts {
            address: "127.0.0.1:41233".into(),
            embedded: true,
            binary: Some("temporal on PATH".into()),
            dynamic_config: BTreeMap::new(),
            version: Fact::found("1.29.1".into(), "GetSystemInfo"),
            capabilities: Fact::found(BTreeMap::from([("eagerWorkflowStart".into(), true)]), "GetSystemInfo"),
            history_shards: Fact::found(1, "GetClusterInfo"),
            persistence_store: Fact::found("sqlite".into(), "GetClusterInfo"),
            visibility_store: Fact::found("sqlite".into(), "GetClusterInfo"),
            cluster_name: Fact::found("active".into(), "GetClusterInfo"),
            namespace: Fact::found(
                NamespaceFacts {
                    name: "default".into(),
                    id: "00000000-0000-0000-0000-000000000000".into(),
                    retention_seconds: Some(86_400),
                    created: false,
                    capabilities: BTreeMap::new(),
                },
                "DescribeNamespace",
            ),
            pollers: Fact::found(4, "DescribeTaskQueue"),
            task_queue_partitions: Fact::missing("the server does not tell"),
        },
        workers: Some(WorkerFacts {
            count: 2,
            workflow_slots: 200,
            activity_slots: 200,
            local_activity_slots: 200,
            pollers: "autoscaling 8 to 100, initially 8".into(),
            max_cached_workflows: 1000,
            ..WorkerFacts::default()
        }),
        cluster: BTreeMap::from([
            ("historyReplicas".into(), ClusterFact::Number(16.into())),
            ("instanceType".into(), ClusterFact::Text("m8g.4xlarge".into())),
        ]),
    }
}
