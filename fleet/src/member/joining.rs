//! Joining, until it succeeds, is refused, or takes too long.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    JoinError, Joined, LeaderAt, Member, MemberOptions,
    held::Held,
    link::{Failure, Link},
    offset::Offset,
    remote::Remote,
    task::{Shared, Task},
};
use crate::{
    leader::RefusalKind,
    limits::{KEY_BYTES, NEXT_RUN, PROTOCOL},
    wire,
};

/// The pause after the first try, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

pub(super) async fn join(options: MemberOptions) -> Result<(Joined, Member), JoinError> {
    let link = match &options.leader {
        LeaderAt::InProcess(leader) => Link::InProcess(leader.clone()),
        LeaderAt::Remote(remote) => Link::Remote(Arc::new(Remote::new(remote, options.call_timeout)?)),
    };
    let request = request(&options)?;
    let mut offset = Offset::default();
    let joined = reach(&link, &request, &options, &mut offset).await?;
    let (orders, orders_seen) = watch::channel(wire::Order {
        stage: wire::Stage::Wait.into(),
        ..Default::default()
    });
    let (end, end_seen) = watch::channel(None);
    let (farewell, farewell_heard) = oneshot::channel();
    let shared = Arc::new(Shared::new(&link, offset, options.unix_ns.clone()));
    let mut held = Held::new(options.held_bytes);
    held.resume(joined.acked);
    let task = Task {
        link,
        request,
        run_id: joined.run_id.clone(),
        interval: options.interval,
        leader_timeout: options.leader_timeout,
        unix_ns: options.unix_ns,
        held,
        shared: shared.clone(),
        orders,
        end,
        farewell: farewell_heard,
    };
    let member = Member {
        shared,
        orders: orders_seen,
        end: end_seen,
        farewell: Some(farewell),
        waiting: Some(task),
        running: None,
    };
    Ok((joined, member))
}

fn request(options: &MemberOptions) -> Result<wire::JoinRequest, JoinError> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| JoinError::Random(error.to_string()))?;
    // Facts are plain structs of text and numbers, which always have a JSON.
    let json = |facts: serde_json::Result<String>| facts.unwrap_or_default();
    Ok(wire::JoinRequest {
        protocol: PROTOCOL,
        version: options.version.clone(),
        role: options.role.wire().into(),
        key: key.to_vec(),
        name: options.name.clone(),
        plan_hash: options.plan_hash.clone().unwrap_or_default(),
        host_json: json(serde_json::to_string(&options.host)),
        workers_json: options
            .workers
            .as_ref()
            .map(|workers| json(serde_json::to_string(workers)))
            .unwrap_or_default(),
    })
}

async fn reach(
    link: &Link,
    request: &wire::JoinRequest,
    options: &MemberOptions,
    offset: &mut Offset,
) -> Result<wire::JoinResponse, JoinError> {
    let begun = Instant::now();
    let address = link.address();
    let mut pause = PAUSES.0;
    let mut last = "no answer".to_owned();
    loop {
        let left = options.join_timeout.saturating_sub(begun.elapsed());
        let attempt = async {
            link.connect().await?;
            let sent = (options.unix_ns)();
            let response = link.join(request.clone()).await?;
            offset.sample(sent, (options.unix_ns)(), response.now_unix_ns);
            Ok(response)
        };
        match timeout(left, attempt).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(Failure::Refused(refusal))) => {
                let passes = refusal.kind == RefusalKind::Over || options.patient && refusal.kind == RefusalKind::Full;
                if !passes || begun.elapsed() + NEXT_RUN >= options.join_timeout {
                    return Err(JoinError::Refused {
                        address,
                        reason: refusal.reason,
                    });
                }
                if refusal.reason != last {
                    tracing::info!(
                        "the leader at {address} takes nobody in now: {}; trying again",
                        refusal.reason
                    );
                }
                last = refusal.reason;
                // Members that still deliver what they hold keep such a leader for a while.
                sleep(NEXT_RUN).await;
                pause = PAUSES.0;
                continue;
            }
            Ok(Err(Failure::NotALeader(what))) => return Err(JoinError::NotALeader { address, what }),
            Ok(Err(Failure::Unreachable(why))) => {
                if why != last {
                    tracing::info!("the leader at {address} is not reached yet: {why}; trying again");
                }
                last = why;
            }
            Err(_) => {}
        }
        if begun.elapsed() + pause >= options.join_timeout {
            return Err(JoinError::Unreachable {
                address,
                why: last,
                waited: begun.elapsed(),
            });
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}
