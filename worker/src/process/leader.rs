//! The leader of a fleet, from a worker's point of view.

use std::{path::Path, sync::Arc, time::Duration};

use benchmark_fleet::{JoinError, Joined, LeaderAt, Member, MemberOptions, RemoteLeader, Role, wire::Stage};
use benchmark_results::{schema::WorkerFacts, text};
use benchmark_scenarios::Plan;
use benchmark_workflows::RunClock;

use benchmark_machine::host;

/// How long the last windows may take to be delivered.
pub(super) const FLUSH: Duration = Duration::from_secs(10);

/// As long as it takes: the next run may be tomorrow.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// Where the leader is and how long it is waited for.
#[derive(Clone, Debug)]
pub struct JoinOptions {
    /// Address, token, TLS.
    pub leader: RemoteLeader,
    /// The plan that must be the leader's: the first digits of its hash.
    pub expect_plan: Option<String>,
    /// How long joining may take.
    pub join_timeout: Duration,
    /// How long the leader may be silent.
    pub leader_timeout: Duration,
    /// Whether the process goes on after a run and joins the next.
    pub stay: bool,
}

/// A run that was joined.
pub(super) struct Run {
    pub(super) run_id: String,
    pub(super) plan: Plan,
    /// The Temporal server as the leader reaches it.
    pub(super) server_address: String,
    /// This process in it.
    pub(super) member: Member,
}

/// Why no run was joined.
#[derive(Debug, thiserror::Error)]
pub enum LeaderError {
    /// The leader said no, or could not be reached.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// Its plan is not one.
    #[error("the plan of the leader at {address} cannot be read: {source}; is it the same version of this program?")]
    Plan {
        /// The leader.
        address: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// What was read is another plan than the leader's.
    #[error(
        "the plan of the leader at {address} reads as {read} here and not as {told}; is it the same build of this program?"
    )]
    Hash {
        /// The leader.
        address: String,
        /// The hash that it told.
        told: String,
        /// The hash of what was read.
        read: String,
    },
}

impl Run {
    /// Joins. The leader is to be told soon how this process is: [`Member::begin`].
    pub(super) async fn join(
        options: &JoinOptions,
        name: String,
        workers: WorkerFacts,
        patient: bool,
    ) -> Result<Run, LeaderError> {
        let clock = RunClock::get();
        let mut member = MemberOptions::new(
            LeaderAt::Remote(options.leader.clone()),
            Role::Worker,
            name,
            crate::version(),
            host::facts(Path::new("/")),
            Arc::new(move || clock.now_unix_ns()),
        );
        member.plan_hash.clone_from(&options.expect_plan);
        member.workers = Some(workers);
        member.join_timeout = if patient { FOREVER } else { options.join_timeout };
        member.leader_timeout = options.leader_timeout;
        member.patient = patient;
        let (joined, member) = Member::join(member).await?;
        let Joined {
            run_id,
            plan_json,
            plan_hash,
            server_address,
            ..
        } = joined;
        let plan = match read(&options.leader.address, &plan_json, plan_hash) {
            Ok(plan) => plan,
            Err(error) => {
                // It need not wait for this process; where that does not reach it, the error is told here all the same.
                let _ = member.leave(text::chain(&error), FLUSH).await;
                return Err(error);
            }
        };
        Ok(Run {
            run_id,
            plan,
            server_address,
            member,
        })
    }
}

/// Reads the leader's plan, and makes sure that it means the same here.
fn read(address: &str, json: &str, told: String) -> Result<Plan, LeaderError> {
    let address = address.to_owned();
    let plan: Plan = match serde_json::from_str(json) {
        Ok(plan) => plan,
        Err(source) => return Err(LeaderError::Plan { address, source }),
    };
    let read = plan.hash().to_string();
    match read == told {
        true => Ok(plan),
        false => Err(LeaderError::Hash { address, told, read }),
    }
}

/// Waits until the run is over; why, for people.
pub(super) async fn over(member: &Member) -> String {
    let mut orders = member.orders();
    let reason = orders
        .wait_for(|order| order.stage() == Stage::End)
        .await
        .map(|order| order.reason.clone());
    match reason {
        Ok(reason) => reason,
        // The exchanges ended, which [`Member::ended`] tells.
        Err(_) => std::future::pending().await,
    }
}
