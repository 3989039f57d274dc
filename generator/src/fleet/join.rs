//! `run-benchmark join`: from what was asked for to a generator that follows a leader.

use std::{path::Path, sync::Arc};

use benchmark_fleet::{LeaderAt, MemberOptions, Role, Token};
use benchmark_scenarios::{AtHand, GeneratorJoin, Problem};
use benchmark_temporal::{ApiKey, environment::Profile};
use benchmark_workflows::RunClock;

use benchmark_machine::host;

use super::follow::{self, FollowOptions, Followed};
use crate::{load::ids, stop::Stop, view::page::Page};

/// What a generator that joins is asked for.
pub struct JoinRequest {
    /// Whom it joins, and how it reaches the server.
    pub join: GeneratorJoin,
    /// What it shows the leader.
    pub token: Option<Token>,
    /// Sent when the run's plan says so.
    pub api_key: Option<ApiKey>,
    /// Temporal's own client configuration.
    pub profile: Option<Profile>,
    /// Hears what is going on, a line at a time.
    pub say: Arc<dyn Fn(String) + Send + Sync>,
}

/// Joins and follows to the end.
///
/// # Errors
/// In words that say what to do.
pub async fn run(request: JoinRequest, stop: Stop) -> Result<Followed, Problem> {
    let JoinRequest {
        join,
        token,
        api_key,
        profile,
        say,
    } = request;
    let host = host::facts(Path::new("/"));
    let page = Page::open(join.metrics_listen).await?;
    if let Some(address) = page.address() {
        say(format!("metrics  http://{address}/metrics"));
    }
    let leader = benchmark_worker::remote_leader(&join.joining, token)?;
    let identity = ids::identity(host.hostname.value.as_deref());
    let member = MemberOptions {
        plan_hash: join.joining.expect_plan.clone(),
        join_timeout: join.joining.join_timeout,
        leader_timeout: join.joining.leader_timeout,
        ..MemberOptions::new(
            LeaderAt::Remote(leader),
            Role::Generator,
            follow::name(&host),
            super::leader::version(),
            host,
            Arc::new(|| RunClock::get().now_unix_ns()),
        )
    };
    let access = join.access;
    follow::follow(
        FollowOptions {
            member,
            connect: Box::new(move |plan, server_address| {
                let at_hand = profile.as_ref().map_or_else(AtHand::default, benchmark_worker::at_hand);
                let reached = access.over(&plan.target, server_address, at_hand)?;
                let profile = profile.map(|profile| benchmark_worker::sent(profile, reached.headers));
                let mut connect =
                    benchmark_worker::connect_options(&reached.cluster, &plan.namespace, api_key, profile)?;
                connect.connect_timeout = plan.starter.connect_timeout;
                connect.identity = identity;
                Ok(connect)
            }),
            say,
            page: page.generator().clone(),
        },
        stop,
    )
    .await
}
