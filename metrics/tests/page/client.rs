//! A client that sends exactly what it is told.

use std::{sync::Arc, time::Duration};

use benchmark_metrics::{PageServer, Registry, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::parse::{Format, Page};

/// Longer than any of this takes on a machine that is busy, and shorter than the listener's own limits allow.
pub const LIMIT: Duration = Duration::from_secs(4);

pub const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (has, value) = line.split_once(':')?;
            has.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Serves on a free port of the loopback interface, ready.
pub async fn served(registry: &Registry) -> PageServer {
    let serving = serve(([127, 0, 0, 1], 0).into(), registry.clone(), Arc::new(|| Ok(())));
    serving.await.expect("a free port")
}

/// Sends `request` and reads to the end.
pub async fn exchange(serving: &PageServer, request: &[u8]) -> Vec<u8> {
    let exchange = async {
        let mut stream = TcpStream::connect(serving.address()).await.expect("it listens");
        stream.write_all(request).await.expect("it reads");
        let mut answer = Vec::new();
        // What it does not read of a request may close the connection hard, after the answer.
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    tokio::time::timeout(LIMIT, exchange).await.expect("an answer in time")
}

pub async fn request(serving: &PageServer, method: &str, path: &str, headers: &str) -> Answer {
    let answer = exchange(
        serving,
        format!("{method} {path} HTTP/1.1\r\nhost: here\r\n{headers}\r\n").as_bytes(),
    )
    .await;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head: {answer:?}"));
    let head = String::from_utf8(answer[..end].to_vec()).expect("text");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        head,
        body: answer[end + 4..].to_vec(),
    }
}

/// The page in all formats, which must tell the same.
pub async fn scrape(serving: &PageServer) -> Page {
    let get = async |accept: &str, content_type: &str| {
        let answer = request(serving, "GET", "/metrics", &format!("accept: {accept}\r\n")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some(content_type));
        answer
    };
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let page = Page::parse(get(OPENMETRICS, kind).await.text(), Format::OpenMetrics);
    let plain = get("*/*", "text/plain; version=0.0.4; charset=utf-8").await;
    let plain = Page::parse(plain.text(), Format::Plain);
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let protobuf = Page::decode(&get(&format!("{kind}, {OPENMETRICS}"), kind).await.body);
    let series = |page: &Page| page.samples.iter().map(|sample| sample.id()).collect::<Vec<_>>();
    assert_eq!(series(&page), series(&plain));
    assert_eq!(series(&page), series(&protobuf));
    page
}
