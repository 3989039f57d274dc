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

/// The same, while answers are taken.
async fn turns_of(client: &mut StartClient) -> Vec<Result<(), StartError>> {
    let mut answered = Vec::new();
    for _ in 0..50 {
        let _ = poll_fn(|cx| std::task::Poll::Ready(client.poll_answered(cx, &mut answered))).await;
        tokio::task::yield_now().await;
    }
    answered.into_iter().map(|(_, answer)| answer).collect()
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
        assert_eq!(old.pinged().now_or_never(), None);
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
        assert_eq!(client.counts().connections.sent_again, 0);
        // All that was sent on the old one is answered: it goes.
        old.idle().await;
        // The next at another age.
        for _ in 0..20 {
            advance(Duration::from_secs(10)).await;
            new.roundtrip().await;
        }
        assert_eq!(client.counts().connections.renewed, 1);
        advance(Duration::from_secs(11)).await;
        peer.accept_answered().await.roundtrip().await;
        assert_eq!(client.counts().connections.renewed, 2);
        drop(client);
    })
    .await;
}

/// Where nothing was read since the start was sent, and not more often than servers allow.
#[tokio::test]
async fn a_start_without_an_answer_makes_the_connection_doubtful() {
    let _hold = stop_the_clock();
    local(async {
        let peer = Peer::new().await;
        let dialer = dialer(&peer.address(), Duration::from_secs(1));
        let (client, mut connection) = tokio::join!(StartClient::connect(dialer, 0, 1), peer.accept_answered());
        let mut client = client.unwrap();
        for (word, millis, asked) in [
            (true, 1_100, false),
            (false, 1_100, true),
            (false, 1_100, false),
            (false, 8_900, true),
        ] {
            start(&mut client);
            connection.start().await;
            if word {
                connection.roundtrip().await;
            }
            advance(Duration::from_millis(millis)).await;
            let given_up = turns_of(&mut client).await;
            assert_eq!(given_up.len(), 1);
            assert_eq!(given_up[0].clone().unwrap_err().code, "DEADLINE_EXCEEDED");
            assert!(matches!(soon(connection.next()).await, Some(Seen::Reset(_, CANCEL))));
            // Whatever was asked before this is answered has come.
            connection.roundtrip().await;
            assert_eq!(connection.pinged().now_or_never().is_some(), asked, "{word} {millis}");
            turns_of(&mut client).await;
        }
        assert_eq!(client.counts().connections.lost, 0);
        drop(client);
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_refused_a_stream_rests_and_then_takes_no_more_than_it_bore() {
    let _hold = stop_the_clock();
    local(async {
        let peer = Peer::new().await;
        let dialer = dialer(&peer.address(), TIMEOUT);
        let (client, mut connection) = tokio::join!(StartClient::connect(dialer, 0, 1), peer.accept_answered());
        let mut client = client.unwrap();
        start(&mut client);
        start(&mut client);
        let (first, second) = (connection.start().await, connection.start().await);
        connection.reset(first, REFUSED_STREAM).await;
        // It rests, and bears one.
        for millis in [0, 19, 2] {
            advance(Duration::from_millis(millis)).await;
            connection.roundtrip().await;
            assert!(turns_of(&mut client).await.is_empty());
            assert_eq!(connection.next().now_or_never(), None, "{millis}");
        }
        connection.accept_start(second).await;
        connection.roundtrip().await;
        assert_eq!(turns_of(&mut client).await, [Ok(())]);
        let again = connection.start().await;
        // One more for each that is accepted.
        start(&mut client);
        start(&mut client);
        let next = connection.start().await;
        turns_of(&mut client).await;
        assert_eq!(connection.next().now_or_never(), None);
        connection.accept_start(again).await;
        connection.roundtrip().await;
        assert_eq!(turns_of(&mut client).await, [Ok(())]);
        let last = connection.start().await;
        connection.accept_start(next).await;
        connection.accept_start(last).await;
        connection.roundtrip().await;
        assert_eq!(turns_of(&mut client).await, [Ok(()), Ok(())]);
        let counts = client.counts();
        assert_eq!(
            (
                counts.connections.sent_again,
                counts.connections.waited,
                counts.peak_in_flight
            ),
            (1, 1, 2)
        );
        drop(client);
    })
    .await;
}

/// At once after one that was of use, and else after a pause.
#[tokio::test]
async fn a_connection_that_is_gone_is_opened_again() {
    let _hold = stop_the_clock();
    local(async {
        let begun = tokio::time::Instant::now();
        let peer = Peer::new().await;
        let dialer = dialer(&peer.address(), TIMEOUT);
        let (client, mut connection) = tokio::join!(StartClient::connect(dialer, 0, 1), peer.accept_answered());
        let mut client = client.unwrap();
        for _ in 0..5 {
            start(&mut client);
            let stream = connection.start().await;
            connection.accept_start(stream).await;
            assert_eq!(answer(&mut client).await, Ok(()));
            drop(connection);
            connection = peer.accept_answered().await;
            connection.roundtrip().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let opened = |client: &StartClient| client.counts().connections.opened;
        turns().await;
        assert_eq!(opened(&client), 6);
        // The first time that was of no use is the second attempt in a row.
        for (pause, opened_then) in [(50, 7), (100, 8), (200, 9)] {
            drop(connection);
            turns().await;
            advance(Duration::from_millis(pause - 1)).await;
            turns().await;
            assert!(!peer.is_called(), "{pause}");
            advance(Duration::from_millis(2)).await;
            connection = peer.accept_answered().await;
            turns().await;
            assert_eq!(opened(&client), opened_then, "{pause}");
        }
        drop(client);
    })
    .await;
}

/// The deadlines of three pass, two of which waited, and their keys are used again at once.
#[tokio::test]
async fn a_start_that_was_given_up_while_it_waited_is_never_sent() {
    let _hold = stop_the_clock();
    local(async {
        let peer = Peer::new().await;
        let dialer = dialer(&peer.address(), Duration::from_secs(1));
        let accepted = async {
            let mut connection = peer.accept_with(&[(MAX_CONCURRENT_STREAMS, 1)]).await;
            connection.pinged().await;
            connection
        };
        let (client, mut connection) = tokio::join!(StartClient::connect(dialer, 0, 1), accepted);
        let mut client = client.unwrap();
        for _ in 0..3 {
            start(&mut client);
        }
        let first = connection.start().await;
        advance(Duration::from_millis(1_100)).await;
        let given_up = answers(&mut client, 3).await;
        let codes: Vec<_> = given_up
            .into_iter()
            .map(|(_, answer)| answer.unwrap_err().code)
            .collect();
        assert_eq!(codes, ["DEADLINE_EXCEEDED", "NOT_SENT", "NOT_SENT"]);
        assert_eq!(soon(connection.next()).await, Some(Seen::Reset(first, CANCEL)));
        for _ in 0..2 {
            start(&mut client);
        }
        for _ in 0..2 {
            turns_of(&mut client).await;
            let stream = connection.start().await;
            connection.accept_start(stream).await;
            connection.roundtrip().await;
            assert_eq!(turns_of(&mut client).await, [Ok(())]);
        }
        connection.roundtrip().await;
        assert_eq!(connection.next().now_or_never(), None, "no other start comes");
        drop(client);
    })
    .await;
}
