//! What is not a scrape: other paths and methods, and clients that mean harm or mean nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use benchmark_metrics::{ListenError, Registry, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{LIMIT, exchange, request, scrape, served};

#[tokio::test]
async fn health_and_readiness_are_two_things() {
    let ready = Arc::new(AtomicBool::new(false));
    let is_ready = ready.clone();
    let is_ready = Arc::new(move || match is_ready.load(Ordering::Relaxed) {
        true => Ok(()),
        false => Err("2 of 4 workers poll".to_owned()),
    });
    let serving = serve(([127, 0, 0, 1], 0).into(), Registry::new(), is_ready)
        .await
        .expect("a free port");
    assert_ne!(serving.address().port(), 0);

    let health = request(&serving, "GET", "/healthz", "").await;
    assert_eq!((health.status, health.text()), (200, "ok\n"));
    let not_yet = request(&serving, "GET", "/readyz", "").await;
    assert_eq!((not_yet.status, not_yet.text()), (503, "2 of 4 workers poll\n"));
    ready.store(true, Ordering::Relaxed);
    let now = request(&serving, "GET", "/readyz?verbose", "").await;
    assert_eq!((now.status, now.text()), (200, "ok\n"));
}

#[tokio::test]
async fn other_paths_and_methods_are_told_so() {
    let serving = served(&Registry::new()).await;
    for path in ["/", "/metrics/", "/metricsx", "/%2e%2e/metrics"] {
        let answer = request(&serving, "GET", path, "").await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.text(), "There are /metrics, /healthz and /readyz.\n");
    }
    let answer = request(&serving, "POST", "/metrics", "content-length: 5\r\n").await;
    assert_eq!(answer.status, 405);
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));

    let head = request(&serving, "HEAD", "/metrics", "").await;
    assert_eq!((head.status, head.text()), (200, ""));
    assert_eq!(
        head.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        head.header("content-length")
            .is_some_and(|length| length.parse().is_ok_and(|bytes: u32| bytes > 100))
    );
}

#[tokio::test]
async fn nonsense_is_refused_and_the_page_stays() {
    let serving = served(&Registry::new()).await;
    let many_lines = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(1000));
    let long_line = format!("GET /metrics HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(200_000));
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "y".repeat(200_000));
    let garbage: &[u8] = &[
        0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0xff, 0xfe, b'\r', b'\n', b'\r', b'\n',
    ];
    for nonsense in [
        many_lines.as_bytes(),
        long_line.as_bytes(),
        long_path.as_bytes(),
        garbage,
    ] {
        // The answer may be lost when it closes the connection on what it does not read.
        let answer = tokio::time::timeout(LIMIT, async {
            let mut stream = TcpStream::connect(serving.address()).await.expect("it listens");
            let _ = stream.write_all(nonsense).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            String::from_utf8_lossy(&answer).into_owned()
        });
        let answer = answer.await.expect("an end in time");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        scrape(&serving).await;
    }
    let old = exchange(&serving, b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with(b"HTTP/1.0 200"), "{old:?}");
}

#[tokio::test]
async fn silent_clients_keep_nobody_from_the_page() {
    let serving = served(&Registry::new()).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(serving.address()).await.expect("it listens");
        stream.write_all(b"GET /metrics HT").await.expect("it reads");
        silent.push(stream);
    }
    scrape(&serving).await;
    // The oldest ones had to go.
    let mut end = Vec::new();
    let closed = tokio::time::timeout(LIMIT, silent[0].read_to_end(&mut end)).await;
    assert!(closed.is_ok());
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let registry = Registry::new();
    let first = served(&registry).await;
    let address = first.address();
    let error = serve(address, registry.clone(), Arc::new(|| Ok(())))
        .await
        .expect_err("it is in use");
    assert!(matches!(error, ListenError::InUse(at) if at == address));
    assert_eq!(
        error.to_string(),
        format!(
            "the metrics page cannot listen on {address}: the port is in use; choose another with --metrics-listen \
             (port 0 takes a free one)"
        )
    );
    let elsewhere = serve(([192, 0, 2, 1], 0).into(), registry.clone(), Arc::new(|| Ok(()))).await;
    let error = elsewhere.expect_err("not an address of this machine").to_string();
    assert!(
        error.contains("192.0.2.1:0") && error.contains("--metrics-listen"),
        "{error}"
    );
}

#[tokio::test]
async fn stopping_frees_the_port_and_closes_connections() {
    let registry = Registry::new();
    let serving = served(&registry).await;
    let address = serving.address();
    let mut open = TcpStream::connect(address).await.expect("it listens");
    open.write_all(b"GET /metr").await.expect("it reads");
    scrape(&serving).await;
    drop(serving);
    let mut end = Vec::new();
    let closed = tokio::time::timeout(LIMIT, open.read_to_end(&mut end)).await;
    assert!(closed.is_ok(), "the connection ends");
    // The task is dropped by the runtime, at once but not in this call.
    let freed = tokio::time::timeout(LIMIT, async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    assert!(freed.await.is_ok(), "the port is free");
}
