//! Addresses that are wrong, and leaders that one does not fit to: one clear line each.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::SocketAddr,
    task::{Context, Poll},
};

use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tonic::{Status, body::Body, codegen::Service, transport::Server};

use super::*;

async fn error(options: MemberOptions) -> String {
    let error = Member::join(options).await.map(|_| ()).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

/// Somebody who says this to everybody, and then nothing.
async fn somebody(says: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(says).await?;
                let mut heard = [0; 1024];
                while stream.read(&mut heard).await? > 0 {}
                std::io::Result::Ok(())
            });
        }
    });
    address
}

#[derive(Clone)]
struct Unimplemented;

impl Service<Request<Body>> for Unimplemented {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(Status::unimplemented("").into_http()))
    }
}

/// A gRPC server that knows no call.
async fn another_service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = futures::stream::unfold(listener, |listener| async move {
        let stream = listener.accept().await.map(|(stream, _)| stream);
        Some((stream, listener))
    });
    tokio::spawn(Server::builder().serve_with_incoming(Unimplemented, incoming));
    address
}

#[tokio::test]
async fn an_address_that_is_none() {
    let text = error(worker("leader")).await;
    assert!(text.contains("HOST:PORT"), "{text}");
}

#[tokio::test]
async fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let text = error(worker(address)).await;
    assert!(
        text.contains(&address.to_string()) && text.contains("nothing listens there"),
        "{text}"
    );
    assert!(text.contains("--fleet-listen"), "{text}");
}

#[tokio::test]
async fn a_leader_that_comes_later_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = listener.local_addr().unwrap();
    drop(listener);
    let mut options = worker(listen);
    options.join_timeout = LIMIT;
    let joining = tokio::spawn(Member::join(options));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (leader, _) = live("run-1");
    let options = crate::ServeOptions {
        listen,
        token: None,
        tls: None,
    };
    let _serving = crate::serve(leader, options).await.unwrap();
    joining.await.unwrap().unwrap();
}

#[tokio::test]
async fn something_else_listens() {
    let cases: [(&str, SocketAddr); 4] = [
        (
            "a web server is there",
            somebody(b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
        ),
        ("does not speak gRPC", somebody(b"220 mail.example ESMTP\r\n").await),
        ("it speaks TLS", somebody(b"\x15\x03\x01\x00\x02\x02\x46").await),
        ("something else speaks gRPC there", another_service().await),
    ];
    for (words, address) in cases {
        let mut options = worker(address);
        options.join_timeout = Duration::from_secs(10);
        let text = error(options).await;
        assert!(text.contains("is no leader") && text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn somebody_who_says_nothing() {
    let text = error(worker(somebody(b"").await)).await;
    assert!(text.contains("was not reached"), "{text}");
}

#[tokio::test]
async fn who_does_not_fit_is_told_why() {
    let (leader, _) = live("run-1");
    let serving = plain(&leader).await;
    let mut options = worker(serving.address());
    options.version = "0.0.1".to_owned();
    let text = error(options).await;
    assert!(text.contains("refuses this process: its version is 0.0.1"), "{text}");
    let mut options = worker(serving.address());
    options.plan_hash = Some("ffffff".to_owned());
    let text = error(options).await;
    assert!(text.contains("--expect-plan"), "{text}");
    assert_eq!(leader.take_events().len(), 2);
}
