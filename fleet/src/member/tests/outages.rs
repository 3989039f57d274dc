//! The leader, or the way to it, is gone for a while or for good.

use std::{net::SocketAddr, time::Instant};

use super::{
    proxy::{Proxy, Way},
    *,
};
use crate::{Leader, ServeOptions, Serving, serve};

#[tokio::test]
async fn nothing_is_lost_and_nothing_counts_twice_when_the_way_is_cut() {
    let (leader, merger) = live("run-1");
    let serving = plain(&leader).await;
    let proxy = Proxy::new(serving.address()).await;
    let mut members = Vec::new();
    for _ in 0..3 {
        let mut options = worker(proxy.address);
        // A call may be under way when answers begin to get lost; what comes after it waits for its end.
        options.call_timeout = Duration::from_millis(250);
        let (_, mut member) = Member::join(options).await.unwrap();
        // Each observes arrivals of its own.
        let observed = Arc::new(Observed::from(members.len() as u64 * 1_000_000));
        member.begin(observed.clone());
        members.push((member, observed));
    }
    let observe = |count: u64| members.iter().for_each(|(_, observed)| observed.observe(count));
    let known = || members.iter().all(|(member, _)| member.shared.held() == 0);
    let all = || members.iter().map(|(_, observed)| observed.count()).sum::<u64>();
    for round in 0..3 {
        observe(50);
        until("delivered, and the members know", || merger.ended() == all() && known()).await;
        // The leader takes windows and nobody hears that it did.
        proxy.set(Way::Deaf);
        observe(50);
        until("delivered, unheard", || merger.ended() == all()).await;
        proxy.set(Way::Cut);
        for _ in 0..5 {
            observe(10);
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        assert!(merger.ended() < all(), "round {round}");
        proxy.set(Way::Open);
        until("delivered afterwards", || merger.ended() == all() && known()).await;
    }
    let total = all();
    for (member, _) in members {
        member.leave("done".to_owned(), LIMIT).await.unwrap();
    }
    assert_eq!(merger.ended(), total);
    let roll = leader.roll();
    assert_eq!(roll.len(), 3);
    for state in &roll {
        assert!(state.resent > 0 && state.status.windows_dropped == 0, "{state:?}");
    }
    let merged = merger.0.lock().unwrap();
    for (id, sequences) in &merged.sequences {
        assert!(
            sequences.iter().copied().eq(1..=sequences.len() as u64),
            "{id}: {sequences:?}"
        );
    }
}

#[tokio::test]
async fn a_leader_that_is_gone_ends_the_member_with_the_reason() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let mut options = worker(serving.address());
    options.leader_timeout = Duration::from_millis(400);
    let (_, mut member) = Member::join(options).await.unwrap();
    let observed = Arc::new(Observed::default());
    member.begin(observed.clone());
    until("heard", || leader.roll()[0].status.ready).await;
    serving.stop().await;
    observed.observe(1);
    let begun = Instant::now();
    let end = tokio::time::timeout(LIMIT, member.ended()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    let MemberEnd::Lost {
        silent_for, last_error, ..
    } = &end
    else {
        panic!("{end}")
    };
    assert!(*silent_for >= Duration::from_millis(400));
    assert!(last_error.contains("nothing listens"), "{end}");
    let undelivered = member.leave("over".to_owned(), LIMIT).await.unwrap_err();
    assert_eq!(undelivered.windows, 1);
    assert!(undelivered.why.contains("was not heard for"), "{undelivered}");
}

#[tokio::test]
async fn who_leaves_without_a_leader_says_what_was_not_delivered() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let (_, mut member) = Member::join(worker(serving.address())).await.unwrap();
    let observed = Arc::new(Observed::default());
    member.begin(observed.clone());
    until("heard", || leader.roll()[0].status.ready).await;
    serving.stop().await;
    observed.observe(1);
    let begun = Instant::now();
    let undelivered = member
        .leave("over".to_owned(), Duration::from_millis(300))
        .await
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(undelivered.windows, 1);
    assert!(undelivered.why.contains("nothing listens"), "{undelivered}");
}

/// Serves another leader where the first one was.
async fn instead(leader: &Leader, listen: SocketAddr) -> Serving {
    let options = || ServeOptions {
        listen,
        token: None,
        tls: None,
    };
    for _ in 0..1000 {
        if let Ok(serving) = serve(leader.clone(), options()).await {
            return serving;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the port does not get free");
}

#[tokio::test]
async fn a_leader_that_forgot_its_members_takes_them_in_again() {
    let (before, merged_before) = live("run-1");
    let serving = plain(&before).await;
    let address = serving.address();
    let (_, mut member) = Member::join(worker(address)).await.unwrap();
    let observed = Arc::new(Observed::default());
    member.begin(observed.clone());
    observed.observe(2);
    until("delivered", || merged_before.ended() == 2).await;
    serving.stop().await;
    observed.observe(3);
    let (after, merged_after) = live("run-1");
    let _serving = instead(&after, address).await;
    until("delivered", || merged_after.ended() == 3).await;
    member.leave("done".to_owned(), LIMIT).await.unwrap();
    let roll = after.roll();
    assert_eq!(roll.len(), 1);
    // What the first one had taken is gone with it, and that is told.
    assert_eq!(roll[0].status.windows_dropped, 1);
}

#[tokio::test]
async fn who_comes_when_a_run_is_over_joins_the_next_one() {
    let (before, _) = live("run-1");
    let serving = plain(&before).await;
    let address = serving.address();
    before.command(Command::End {
        reason: "done".to_owned(),
    });
    let mut options = worker(address);
    let error = Member::join(options.clone()).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("this run is over (done)"), "{error}");
    options.join_timeout = Duration::from_secs(30);
    let mut joining = tokio::spawn(Member::join(options));
    // It is not let in, and asks no more than once in a while.
    let asked = tokio::time::timeout(crate::limits::NEXT_RUN / 4, &mut joining).await;
    assert!(asked.is_err() && before.roll().is_empty());
    serving.stop().await;
    let (after, _) = live("run-2");
    let _serving = instead(&after, address).await;
    let (joined, _) = joining.await.unwrap().unwrap();
    assert_eq!(joined.run_id, "run-2");
}

#[tokio::test]
async fn a_leader_of_another_run_ends_the_member_and_does_not_count_it() {
    let (before, _) = live("run-1");
    let serving = plain(&before).await;
    let address = serving.address();
    let (_, mut member) = Member::join(worker(address)).await.unwrap();
    member.begin(Arc::new(Observed::default()));
    until("heard", || before.roll()[0].status.ready).await;
    serving.stop().await;
    let (after, _) = live("run-2");
    let _serving = instead(&after, address).await;
    let end = tokio::time::timeout(LIMIT, member.ended()).await.unwrap();
    let run_id = "run-2".to_owned();
    assert_eq!(end, MemberEnd::AnotherRun { run_id });
    assert!(after.roll().is_empty());
}
