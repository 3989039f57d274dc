//! Starts and their connections: what comes of a start whatever the other side says or does not say.

mod lives;
mod peer;
mod real;
mod spread;

use std::{
    future::poll_fn,
    sync::Arc,
    time::{Duration, Instant},
};

use benchmark_temporal::{
    ConnectOptions,
    addresses::Resolver,
    start::{Dialer, StartClient, StartError, StartTemplate, StartTemplateOptions},
};
use bytes::Bytes;
use futures::{StreamExt as _, stream::FuturesUnordered};
use peer::{CANCEL, Connection, ENHANCE_YOUR_CALM, INTERNAL_ERROR, NO_ERROR, Peer, REFUSED_STREAM, Seen, soon};
use tokio::task::{LocalSet, spawn_local};

/// Long enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

/// HTTP/2 settings.
const MAX_CONCURRENT_STREAMS: u16 = 3;

fn dialer(address: &str, timeout: Duration) -> Arc<Dialer> {
    Arc::new(Dialer::new(&ConnectOptions::new(address, "bench"), timeout).unwrap())
}

fn request(id: &str) -> Bytes {
    StartTemplate::new(&StartTemplateOptions {
        namespace: "default",
        workflow_type: "SimpleWorkflow",
        task_queue: "queue",
        identity: "me",
        header_key: "benchmark",
    })
    .encode(id, b"{}", b"")
}

fn start(client: &mut StartClient) -> usize {
    let key = client.start(request("id"));
    client.end_group();
    key
}

/// What became of so many starts, by their keys.
async fn answers(client: &mut StartClient, count: usize) -> Vec<(usize, Result<(), StartError>)> {
    let mut answered = Vec::new();
    while answered.len() < count {
        soon(poll_fn(|cx| client.poll_answered(cx, &mut answered))).await;
    }
    assert_eq!(answered.len(), count, "each start is answered once");
    answered.sort_by_key(|(key, _)| *key);
    answered
}

async fn answer(client: &mut StartClient) -> Result<(), StartError> {
    answers(client, 1).await.remove(0).1
}

/// One start on a connection of its own, and what the other side does with it.
async fn one(timeout: Duration, script: impl AsyncFnOnce(&mut Connection, u32) + 'static) -> StartError {
    let mut error = None;
    let script = async move |peer: Peer| {
        let mut connection = peer.accept().await;
        let stream = connection.start().await;
        script(&mut connection, stream).await;
        // Nobody connects again, so that nothing can be sent again.
        drop(peer);
        connection.idle().await;
    };
    against(timeout, script, async |client| {
        start(client);
        error = answer(client).await.err();
    })
    .await;
    error.expect("a start that was not accepted")
}

/// A client with one connection, and the other side, which does what the script says. The script has to come to its end
/// when the client has gone.
async fn against(
    timeout: Duration,
    script: impl AsyncFnOnce(Peer) + 'static,
    test: impl AsyncFnOnce(&mut StartClient),
) {
    local(async {
        let peer = Peer::new().await;
        let dialer = dialer(&peer.address(), timeout);
        let script = spawn_local(async move { script(peer).await });
        let mut client = soon(StartClient::connect(dialer, 0, 1)).await.unwrap();
        test(&mut client).await;
        drop(client);
        soon(script).await.unwrap();
    })
    .await;
}

/// Polls a test only when something that it waits for wakes it: a `LocalSet` would with each turn of its tasks.
async fn local<T>(test: impl Future<Output = T>) -> T {
    let mut test = FuturesUnordered::from_iter([test]);
    LocalSet::new().run_until(test.next()).await.expect("there is one")
}

#[tokio::test]
async fn a_start_is_accepted_and_its_key_used_again() {
    against(
        TIMEOUT,
        async |peer| {
            let mut connection = peer.accept().await;
            while let Some(Seen::Start(stream)) = connection.next().await {
                connection.accept_start(stream).await;
            }
        },
        async |client| {
            for _ in 0..3 {
                assert_eq!(start(client), 0);
                assert_eq!(answer(client).await, Ok(()));
            }
            assert_eq!((start(client), start(client)), (0, 1));
            answers(client, 2).await;
            let counts = client.counts();
            assert_eq!(
                (
                    counts.peak_in_flight,
                    counts.connections.waited,
                    counts.connections.sent_again
                ),
                (2, 0, 0)
            );
            assert_eq!((counts.connections.opened, counts.addresses.len()), (1, 1));
            // The preface, and the first three starts each by itself.
            assert!((4..20).contains(&counts.writes), "{counts:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn only_what_a_server_says_is_a_refusal() {
    let error = one(TIMEOUT, async move |connection, stream| {
        let fields = [("grpc-status", "8"), ("grpc-message", "100%25 full")];
        connection.headers(stream, Some("200"), &fields, true).await;
    })
    .await;
    assert_eq!((error.refused, error.code), (true, "RESOURCE_EXHAUSTED"));
    assert_eq!(error.message, "100% full");

    let error = one(TIMEOUT, async move |connection, stream| {
        connection.headers(stream, Some("200"), &[], false).await;
        connection.headers(stream, None, &[("grpc-status", "14")], true).await;
    })
    .await;
    assert_eq!((error.refused, error.code), (false, "UNAVAILABLE"));

    for status in ["401", "403", "404", "429", "503"] {
        let error = one(TIMEOUT, async move |connection, stream| {
            connection
                .headers(stream, Some(status), &[("content-type", "text/html")], false)
                .await;
        })
        .await;
        assert_eq!((error.refused, error.code), (false, "NO_GRPC_STATUS"), "{error:?}");
        assert!(error.message.contains(status), "{error:?}");
    }
    for reason in [INTERNAL_ERROR, ENHANCE_YOUR_CALM, 12] {
        let error = one(TIMEOUT, async move |connection, stream| {
            connection.reset(stream, reason).await
        })
        .await;
        assert_eq!((error.refused, error.code), (false, "STREAM_RESET"), "{error:?}");
    }
}

#[tokio::test]
async fn one_that_has_begun_to_be_answered_is_not_sent_again() {
    for (refused, code) in [(true, "STREAM_RESET"), (false, "CONNECTION_LOST")] {
        let error = one(TIMEOUT, async move |connection, stream| {
            connection.headers(stream, Some("200"), &[], false).await;
            match refused {
                true => connection.reset(stream, REFUSED_STREAM).await,
                false => connection.go_away(0, NO_ERROR).await,
            }
        })
        .await;
        assert_eq!((error.refused, error.code), (false, code), "{error:?}");
    }
}

#[tokio::test]
async fn what_the_server_may_have_taken_is_not_sent_again() {
    // Within what the retired connection took, which then ends without an answer.
    let error = one(Duration::from_millis(500), async move |connection, stream| {
        connection.go_away(stream, ENHANCE_YOUR_CALM).await;
    })
    .await;
    assert_eq!((error.refused, error.code), (false, "DEADLINE_EXCEEDED"), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_its_starts_unknown() {
    against(
        TIMEOUT,
        async |peer| {
            let mut first = peer.accept().await;
            let taken = first.start().await;
            first.start().await;
            // Of two, one is within what it took: that one is open, the other one was never looked at.
            first.go_away(taken, NO_ERROR).await;
            drop(first);
            let mut second = peer.accept().await;
            let stream = second.start().await;
            second.accept_start(stream).await;
            second.idle().await;
        },
        async |client| {
            start(client);
            start(client);
            let answers = answers(client, 2).await;
            let error = answers[0].1.clone().unwrap_err();
            assert_eq!((error.refused, error.code), (false, "CONNECTION_LOST"), "{error:?}");
            assert_eq!(answers[1].1, Ok(()), "sent again on the next connection");
            let counts = client.counts();
            assert_eq!(counts.connections.sent_again, 1);
            assert_eq!((counts.connections.opened, counts.connections.retired), (2, 1));
        },
    )
    .await;
}

#[tokio::test]
async fn a_connection_that_is_retired_answers_what_it_took() {
    against(
        TIMEOUT,
        async |peer| {
            let mut old = peer.accept().await;
            let taken = old.start().await;
            // As servers do: first that it is to be retired, and later what was taken.
            old.go_away(i32::MAX as u32, NO_ERROR).await;
            let mut new = peer.accept().await;
            let stream = new.start().await;
            assert_eq!(stream, 1, "the first on a connection of its own");
            new.accept_start(stream).await;
            old.accept_start(taken).await;
            old.idle().await;
            new.idle().await;
        },
        async |client| {
            start(client);
            while client.counts().connections.opened < 2 {
                let mut answered = Vec::new();
                let looked = poll_fn(|cx| std::task::Poll::Ready(client.poll_answered(cx, &mut answered))).await;
                assert!(looked.is_pending());
                tokio::task::yield_now().await;
            }
            start(client);
            for (_, answer) in answers(client, 2).await {
                assert_eq!(answer, Ok(()));
            }
            assert_eq!(client.counts().connections.sent_again, 0);
        },
    )
    .await;
}

#[tokio::test]
async fn a_stream_that_is_refused_is_sent_again_and_not_at_once() {
    against(
        TIMEOUT,
        async |peer| {
            let mut connection = peer.accept().await;
            for _ in 0..5 {
                let stream = connection.start().await;
                connection.reset(stream, REFUSED_STREAM).await;
            }
            for _ in 0..2 {
                let stream = connection.start().await;
                connection.accept_start(stream).await;
            }
            connection.idle().await;
        },
        async |client| {
            let begun = Instant::now();
            start(client);
            start(client);
            for (_, answer) in answers(client, 2).await {
                assert_eq!(answer, Ok(()));
            }
            assert_eq!(client.counts().connections.sent_again, 5);
            // The first two were refused together; from then on one at a time, a rest before each.
            assert!(begun.elapsed() >= Duration::from_millis(60), "{:?}", begun.elapsed());
            assert_eq!(client.counts().connections.opened, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn a_deadline_cancels_the_stream() {
    let timeout = Duration::from_millis(300);
    against(
        timeout,
        async |peer| {
            let mut connection = peer.accept().await;
            let stream = connection.start().await;
            let seen = soon(connection.next()).await;
            assert_eq!(seen, Some(Seen::Reset(stream, CANCEL)));
            // Its late answer disturbs nobody, nor does one to the next.
            connection.accept_start(stream).await;
            let stream = connection.start().await;
            connection.accept_start(stream).await;
            connection.idle().await;
        },
        async |client| {
            let begun = Instant::now();
            start(client);
            let error = answer(client).await.unwrap_err();
            assert!(begun.elapsed() >= timeout, "{:?}", begun.elapsed());
            assert_eq!((error.refused, error.code), (false, "DEADLINE_EXCEEDED"));
            assert!(error.message.contains("300ms"), "{error:?}");
            start(client);
            assert_eq!(answer(client).await, Ok(()));
        },
    )
    .await;
}

#[tokio::test]
async fn the_servers_limit_on_streams_is_kept_also_when_it_changes() {
    against(
        TIMEOUT,
        async |peer| {
            let mut connection = peer.accept_with(&[(MAX_CONCURRENT_STREAMS, 2)]).await;
            let first = [connection.start().await, connection.start().await];
            // A third one comes only when one of them is answered.
            let early = tokio::time::timeout(Duration::from_millis(100), connection.next()).await;
            assert!(early.is_err(), "{early:?}");
            connection.accept_start(first[0]).await;
            let third = connection.start().await;
            // More are allowed now.
            connection.settings(&[(MAX_CONCURRENT_STREAMS, 5)]).await;
            let more = [
                connection.start().await,
                connection.start().await,
                connection.start().await,
            ];
            for stream in [first[1], third].into_iter().chain(more) {
                connection.accept_start(stream).await;
            }
            connection.idle().await;
        },
        async |client| {
            for _ in 0..6 {
                start(client);
            }
            assert_eq!(client.counts().connections.waited, 4);
            for (_, answer) in answers(client, 6).await {
                assert_eq!(answer, Ok(()));
            }
            assert_eq!(client.counts().peak_in_flight, 5);
            assert_eq!(client.counts().connections.sent_again, 0);
        },
    )
    .await;
}

#[tokio::test]
async fn a_deadline_covers_waiting_and_connecting() {
    let timeout = Duration::from_millis(400);
    against(
        timeout,
        async |peer| {
            let connection = peer.accept().await;
            // A client connects when it has an answer to its ping.
            let mut connection = connection;
            connection.start().await;
            // The server is gone, and nobody listens any more.
        },
        async |client| {
            start(client);
            assert_eq!(answer(client).await.unwrap_err().code, "CONNECTION_LOST");
            let begun = Instant::now();
            for _ in 0..100 {
                start(client);
            }
            for (_, answer) in answers(client, 100).await {
                let error = answer.unwrap_err();
                assert_eq!((error.refused, error.code), (false, "NOT_SENT"));
                assert!(error.message.contains("refused"), "it says why: {error:?}");
            }
            assert!(begun.elapsed() >= timeout, "{:?}", begun.elapsed());
            let counts = client.counts();
            assert_eq!(counts.connections.lost, 1);
            assert_eq!(counts.connections.waited, 100);
            // At once, and then 50, 100 and 200 ms apart: no tight loop.
            assert!((1..=5).contains(&counts.connections.failed_attempts), "{counts:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn an_address_that_says_nothing_is_given_up_in_time() {
    local(async {
        // It accepts, and never answers.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut options = ConnectOptions::new(listener.local_addr().unwrap().to_string(), "bench");
        options.connect_timeout = Duration::from_millis(200);
        let dialer = Arc::new(Dialer::new(&options, TIMEOUT).unwrap());
        let error = soon(StartClient::connect(dialer, 0, 4)).await.unwrap_err().to_string();
        assert!(
            error.contains("a connection for starts") && error.contains("no answer within"),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_time_to_connect_is_shared_by_the_addresses_that_are_left() {
    tokio::time::pause();
    local(async {
        // They accept, and never answer.
        let mut silent = Vec::new();
        for _ in 0..3 {
            silent.push(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
        }
        let addresses: Vec<_> = silent.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let mut options = ConnectOptions::new("cluster.test:7233", "bench");
        options.connect_timeout = Duration::from_millis(900);
        options.resolver = Resolver::new(move |_, _| Ok(addresses.clone()));
        let dialer = Arc::new(Dialer::new(&options, TIMEOUT).unwrap());
        let error = StartClient::connect(dialer, 0, 1).await.unwrap_err().to_string();
        assert_eq!(error.matches("no answer within 0.3 s").count(), 3, "{error}");
    })
    .await;
}
