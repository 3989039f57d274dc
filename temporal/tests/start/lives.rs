//! What only happens in minutes: a quiet connection is asked whether it is still there, and an old one is renewed. The
//! clock stands still and is moved by the test; what goes over the socket takes no time.

use std::sync::mpsc;

use futures::FutureExt;
use tokio::time::{advance, pause};

use super::*;

/// Stops the clock. While this is held it does not move by itself when nothing is left to do, as it otherwise would; after
/// a minute of real time it does, so that who waits for what does not come runs out of time.
fn stop_the_clock() -> mpsc::Sender<()> {
    let (hold, held) = mpsc::channel();
    pause();
    tokio::task::spawn_blocking(move || held.recv_timeout(Duration::from_secs(60)));
    hold
}

/// Lets everybody have his turn, timers and sockets among them, without time.
async fn turns() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Lets the time pass after which it is looked at what came in it, until the client asks whether this side is still there:
/// when nothing came in one.
async fn asked(connection: &mut Connection) {
    for _ in 0..2 {
        advance(Duration::from_millis(30_100)).await;
        turns().await;
        if connection.pinged().now_or_never().is_some() {
            return turns().await;
        }
    }
    panic!("it was quiet for half a minute, and nobody asked");
}

#[tokio::test]
async fn a_quiet_connection_is_asked_and_one_that_does_not_answer_is_lost() {
    let _hold = stop_the_clock();
    local(async {
        let peer = Peer::new().await;
        let dialer = dialer(&peer.address(), TIMEOUT);
        let (client, mut connection) = tokio::join!(StartClient::connect(dialer, 0, 1), peer.accept_answered());
        let client = client.unwrap();
        for _ in 0..3 {
            asked(&mut connection).await;
        }
        let counts = client.counts().connections;
        assert_eq!((counts.opened, counts.lost), (1, 0));

        connection.answers_pings(false);
        asked(&mut connection).await;
        // A while is left for the answer, and then it is closed and another one opened.
        advance(Duration::from_secs(14)).await;
        turns().await;
        assert_eq!(client.counts().connections.lost, 0);
        advance(Duration::from_secs(2)).await;
        assert_eq!(connection.next().await, None, "it is closed");
        let mut next = peer.accept_answered().await;
        next.roundtrip().await;
        let counts = client.counts().connections;
        assert_eq!((counts.opened, counts.lost, counts.renewed), (2, 1, 0));
        drop(client);
    })
    .await;
}

#[tokio::test]
async fn an_old_connection_is_renewed_and_answers_what_it_took() {
    let _hold = stop_the_clock();
    local(async {
        let peer = Peer::new().await;
        // Beyond the age at which a connection is renewed.
        let dialer = dialer(&peer.address(), Duration::from_secs(600));
        let (client, mut old) = tokio::join!(StartClient::connect(dialer, 0, 1), peer.accept_answered());
        let mut client = client.unwrap();
        start(&mut client);
        let taken = old.start().await;
        // The first of a run at three minutes; a word now and then, so that it is asked nothing.
        for _ in 0..17 {
            advance(Duration::from_secs(10)).await;
            old.roundtrip().await;
        }
        assert_eq!(client.counts().connections.opened, 1);
        advance(Duration::from_secs(11)).await;
        let mut new = peer.accept_answered().await;
        new.roundtrip().await;
        let counts = client.counts().connections;
        assert_eq!(
            (counts.opened, counts.renewed, counts.retired, counts.lost),
            (2, 1, 0, 0)
        );

        start(&mut client);
        let stream = new.start().await;
        assert_eq!(stream, 1, "on the new one");
        new.accept_start(stream).await;
        old.accept_start(taken).await;
        for (_, answer) in answers(&mut client, 2).await {
            assert_eq!(answer, Ok(()));
        }
        assert_eq!(client.counts().sent_again, 0);
        // All that was sent on the old one is answered: it goes.
        old.idle().await;
        drop(client);
    })
    .await;
}
