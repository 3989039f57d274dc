use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{
    Code, Request,
    client::Grpc,
    transport::{Channel, Endpoint},
};

use super::*;
use crate::{
    ClientTls, EventKind, JoinError, LeaderAt, Member, MemberOptions, Refusal, RefusalKind,
    codec::FleetCodec,
    fixtures::{exchange, join, live, plain, window, worker},
    limits::STRANGERS,
    wire::{self, fleet_client::FleetClient},
};

const LOCAL: &str = "127.0.0.1:0";

fn remote(options: &mut MemberOptions) -> &mut crate::RemoteLeader {
    match &mut options.leader {
        LeaderAt::Remote(remote) => remote,
        LeaderAt::InProcess(_) => unreachable!("the fixture is remote"),
    }
}

async fn error(options: MemberOptions) -> JoinError {
    Member::join(options).await.map(|_| ()).unwrap_err()
}

fn refused(leader: &Leader) -> Vec<String> {
    leader
        .take_events()
        .into_iter()
        .filter_map(|event| match event.kind {
            EventKind::Refused { reason } => Some(format!("{}: {reason}", event.name)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn only_who_has_the_token_is_let_in() {
    let (leader, _) = live("run-1");
    let options = ServeOptions {
        listen: LOCAL.parse().unwrap(),
        token: Some(Token::new("the-right-one-of-them").unwrap()),
        tls: None,
    };
    let serving = serve(leader.clone(), options).await.unwrap();
    let with = |token: Option<&str>| {
        let mut options = worker(serving.address());
        remote(&mut options).token = token.map(|token| Token::new(token).unwrap());
        options
    };
    let none = error(with(None)).await.to_string();
    assert!(
        none.contains("wants a token") && none.contains("--fleet-token"),
        "{none}"
    );
    let wrong = error(with(Some("the-wrong-one-of-them"))).await.to_string();
    assert!(wrong.contains("token is not the leader's"), "{wrong}");
    Member::join(with(Some("the-right-one-of-them"))).await.unwrap();
    assert_eq!(leader.roll().len(), 1);
    let seen = refused(&leader);
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter().all(|line| line.starts_with("somebody at 127.0.0.1: ")),
        "{seen:?}"
    );
    serving.stop().await;
}

#[tokio::test]
async fn over_tls() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["fleet.test".to_owned()]).unwrap();
    let other = generate_simple_self_signed(["fleet.test".to_owned()]).unwrap();
    let (leader, _) = live("run-1");
    let tls = |key: &str| ServeOptions {
        listen: LOCAL.parse().unwrap(),
        token: None,
        tls: Some(ServerTls {
            cert: cert.pem().into_bytes(),
            key: key.as_bytes().to_vec(),
        }),
    };
    let serving = serve(leader.clone(), tls(&signing_key.serialize_pem())).await.unwrap();
    let with = |address, ca: Option<String>, name: &str| {
        let mut options = worker(address);
        options.join_timeout = Duration::from_secs(5);
        remote(&mut options).tls = ca.map(|pem| ClientTls {
            ca: Some(pem.into_bytes()),
            server_name: Some(name.to_owned()),
        });
        options
    };
    let address = serving.address();
    Member::join(with(address, Some(cert.pem()), "fleet.test"))
        .await
        .unwrap();
    let open = plain(&leader).await;
    for (words, options) in [
        ("is not trusted", with(address, Some(other.cert.pem()), "fleet.test")),
        ("is not trusted", with(address, Some(cert.pem()), "another.test")),
        ("it speaks TLS; give --fleet-tls-ca", with(address, None, "")),
        ("speaks no TLS", with(open.address(), Some(cert.pem()), "fleet.test")),
    ] {
        let error = error(options).await;
        assert!(matches!(error, JoinError::NotALeader { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(leader.roll().len(), 1);
    let error = serve(leader, tls("no key")).await.unwrap_err();
    assert!(error.to_string().contains("--fleet-tls-key"), "{error}");
}

#[tokio::test]
async fn a_port_in_use_and_an_address_of_another_machine_are_named() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let at = |listen: SocketAddr| ServeOptions {
        listen,
        token: None,
        tls: None,
    };
    let error = serve(leader.clone(), at(serving.address())).await.unwrap_err();
    assert!(matches!(error, ServeError::InUse { .. }));
    assert!(error.to_string().contains("in use") && error.to_string().contains("--fleet-listen"));
    let error = serve(leader, at("192.0.2.1:0".parse().unwrap())).await.unwrap_err();
    assert!(matches!(error, ServeError::Bind { .. }), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_large_or_malformed_is_refused_with_a_reason() {
    let (leader, merger) = live("run-1");
    let serving = plain(&leader).await;
    let channel = channel(&serving).await;
    let mut client = FleetClient::new(channel.clone());
    client.join(join(1, wire::Role::Worker)).await.unwrap();

    let large = |bytes| {
        let mut large = window(1, []);
        large.run = "x".repeat(bytes);
        exchange(1, vec![large])
    };
    let status = client.exchange(signed(1, large(MESSAGE_BYTES))).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert_eq!(Refusal::from_status(&status).unwrap().kind, RefusalKind::TooMuch);
    // One that is announced as large may be; its window is taken.
    let announced = |bytes| {
        let mut request = signed(1, large(bytes));
        request.metadata_mut().insert(guard::LARGE, "1".parse().unwrap());
        request
    };
    let status = client.exchange(announced(LARGE_MESSAGE_BYTES)).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert_eq!(
        client
            .exchange(announced(MESSAGE_BYTES))
            .await
            .unwrap()
            .into_inner()
            .acked,
        1
    );

    // A message of another kind: its first field is a number where this one's is bytes.
    let mut raw = Grpc::new(channel);
    raw.ready().await.unwrap();
    let path = "/benchmark.fleet.v1.Fleet/Exchange".parse().unwrap();
    let codec = FleetCodec::<wire::JoinRequest, wire::ExchangeResponse>::default();
    let status = raw
        .unary(signed(1, join(1, wire::Role::Worker)), path, codec)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("malformed message"), "{status}");
    assert_eq!(Refusal::from_status(&status).unwrap().kind, RefusalKind::Malformed);

    let seen = refused(&leader);
    assert!(
        matches!(&seen[..], [first, second, third] if first.contains("too large") && second.contains("too large") && third.contains("malformed")),
        "{seen:?}"
    );
    client
        .exchange(signed(1, exchange(1, vec![window(2, [1])])))
        .await
        .unwrap();
    assert_eq!(merger.ended(), 1);
}

async fn channel(serving: &Serving) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", serving.address())).unwrap();
    endpoint.connect().await.unwrap()
}

/// A call with this member's key beside the message.
fn signed<T>(key: u8, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let key = tonic::metadata::MetadataValue::from_bytes(&[key; 16]);
    request.metadata_mut().insert_bin(guard::KEY, key);
    request
}

#[tokio::test]
async fn the_key_is_looked_at_before_the_message() {
    let (leader, merger) = live("run-1");
    let serving = plain(&leader).await;
    let mut client = FleetClient::new(channel(&serving).await);
    client.join(join(1, wire::Role::Worker)).await.unwrap();
    // Larger than any that is read: it is not read.
    let mut huge = window(1, []);
    huge.run = "x".repeat(LARGE_MESSAGE_BYTES + 1);
    let status = client
        .exchange(signed(2, exchange(2, vec![huge.clone()])))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status}");
    assert_eq!(Refusal::from_status(&status).unwrap().run_id.as_deref(), Some("run-1"));
    let status = client.exchange(exchange(1, vec![huge])).await.unwrap_err();
    assert!(status.message().contains("without its member's key"), "{status}");
    let status = client
        .exchange(signed(1, exchange(2, vec![window(1, [1])])))
        .await
        .unwrap_err();
    assert!(status.message().contains("is not the one beside it"), "{status}");
    assert_eq!(merger.ended(), 0);
    client
        .exchange(signed(1, exchange(1, vec![window(1, [1])])))
        .await
        .unwrap();
    assert_eq!(merger.ended(), 1);
}

#[tokio::test]
async fn a_crowd_of_strangers_keeps_nobody_out_and_few_of_them_are_let_stand() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let (_, mut member) = Member::join(worker(serving.address())).await.unwrap();
    member.begin(Arc::new(crate::fixtures::Observed::default()));
    let mut crowd = Vec::new();
    for _ in 0..3 * STRANGERS {
        crowd.push(TcpStream::connect(serving.address()).await.unwrap());
    }
    let mut options = worker(serving.address());
    options.join_timeout = Duration::from_secs(5);
    let (_, another) = Member::join(options).await.unwrap();
    // Those who came first were ended, long before they would have been for saying nothing.
    for stranger in &mut crowd[..2 * STRANGERS] {
        let mut said = Vec::new();
        let end = tokio::time::timeout(crate::limits::WELCOME / 2, stranger.read_to_end(&mut said)).await;
        // Closed or reset.
        drop(end.expect("it is ended"));
    }
    for member in [member, another] {
        member.leave("done".to_owned(), Duration::from_secs(5)).await.unwrap();
    }
}

#[tokio::test]
async fn who_speaks_no_grpc_hurts_nobody() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let (_, mut member) = Member::join(worker(serving.address())).await.unwrap();
    let observed = Arc::new(crate::fixtures::Observed::default());
    member.begin(observed.clone());
    for said in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 4096],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x16\x03\x01",
    ] {
        let mut stream = TcpStream::connect(serving.address()).await.unwrap();
        stream.write_all(said).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // Reset or closed: it ends.
        let _ = stream.read_to_end(&mut answer).await;
    }
    // A crowd that says nothing.
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(TcpStream::connect(serving.address()).await.unwrap());
    }
    observed.observe(5);
    member.leave("done".to_owned(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(leader.roll()[0].windows, 1);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_of_use_is_not_kept() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let begun = tokio::time::Instant::now();
    // One that is silent, and one that greets properly and then never calls.
    for said in [
        &b""[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ] {
        let mut stream = TcpStream::connect(serving.address()).await.unwrap();
        stream.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    assert!(begun.elapsed() >= crate::limits::WELCOME);
}
