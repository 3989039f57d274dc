//! Connecting: a server that is there, and all the ways in which one is not.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use benchmark_temporal::{
    ApiKey, ConnectError, ConnectOptions, TlsMaterial,
    connection::{Cause, Unreachable},
    testing,
};

/// Slack for a loaded machine, beyond the limit that was set.
const SLACK: Duration = Duration::from_secs(2);

async fn failure(options: &ConnectOptions) -> Unreachable {
    let begun = Instant::now();
    let error = benchmark_temporal::connect(options)
        .await
        .err()
        .expect("there is no server");
    assert!(
        begun.elapsed() < options.connect_timeout + SLACK,
        "it took {:?}",
        begun.elapsed()
    );
    match error {
        ConnectError::Unreachable(unreachable) => {
            let text = unreachable.to_string();
            assert!(text.contains(&options.endpoint().unwrap().to_string()), "{text}");
            assert_eq!(text.lines().count(), 3, "{text}");
            *unreachable
        }
        other => panic!("{other}"),
    }
}

fn quick(address: String) -> ConnectOptions {
    let mut options = ConnectOptions::new(address, "default");
    options.connect_timeout = Duration::from_secs(2);
    options
}

/// A server that does the same with each connection.
fn peer(serve: impl Fn(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.unwrap());
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_is_there() {
    let mut options = testing::options();
    let server = benchmark_temporal::connect(&options).await.unwrap();
    assert_eq!(server.address(), testing::server().address());
    options.address = format!("http://{}", options.address);
    benchmark_temporal::connect(&options).await.unwrap();
    // A name instead of an address takes another way through the SDK.
    options.address = format!("localhost:{}", testing::server().port());
    benchmark_temporal::connect(&options).await.unwrap();
    benchmark_temporal::connect_sdk(&options, None).await.unwrap();
}

#[tokio::test]
async fn a_closed_port() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let error = failure(&quick(address)).await;
    assert_eq!(error.cause, Cause::Refused);
    assert_eq!(error.tries, 3);
    assert_eq!(error.resolved.len(), 1);
    assert!(error.to_string().contains("connection refused"), "{error}");
    assert!(error.to_string().contains("port forward"), "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_has() {
    let error = failure(&quick("no-such-host.invalid:7233".to_owned())).await;
    assert!(matches!(error.cause, Cause::Name(_)), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers() {
    // It accepts and keeps the connection open.
    let address = peer(|stream| {
        thread::spawn(move || stream.try_clone().unwrap().read_to_end(&mut Vec::new()));
    });
    for tls in [None, Some(TlsMaterial::default())] {
        let mut options = quick(address.clone());
        options.tls = tls;
        let error = failure(&options).await;
        assert_eq!(error.cause, Cause::Silent, "{error}");
        assert!(error.to_string().contains("7233"), "{error}");
    }
}

#[tokio::test]
async fn a_web_server() {
    let address = peer(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    let error = failure(&quick(address.clone())).await;
    assert_eq!(error.cause, Cause::Http1, "{error}");
    let mut options = quick(address);
    options.tls = Some(TlsMaterial::default());
    assert_eq!(failure(&options).await.cause, Cause::Http1);
}

#[tokio::test]
async fn tls_that_only_one_side_speaks() {
    let mut options = quick(testing::server().address());
    options.tls = Some(TlsMaterial::default());
    let error = failure(&options).await;
    assert!(matches!(error.cause, Cause::NoTls(_)), "{error}");
    assert!(error.to_string().contains("--tls"), "{error}");

    // What a TLS server says to a plain greeting: an alert, then the end.
    let address = peer(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&[21, 3, 1, 0, 2, 2, 70]);
        let _ = stream.flush();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = failure(&quick(address)).await;
    assert_eq!(error.cause, Cause::WantsTls, "{error}");
}

#[tokio::test]
async fn the_key_is_in_no_message() {
    let mut options = quick("http://127.0.0.1:1".to_owned());
    options.api_key = Some(ApiKey::new("s3cret").unwrap());
    let error = benchmark_temporal::connect(&options).await.err().unwrap();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}
