//! The same recordings, here and in the SDK's own exporter, make the same page.

use benchmark_metrics::{Registry, Selection};
use temporalio_common::telemetry::{PrometheusExporterOptions, start_prometheus_metric_exporter};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{LIMIT, request, served},
    parse::{Format, Page},
    sdk_names::record,
};

#[tokio::test]
async fn the_page_is_that_of_the_sdks_exporter() {
    let options = PrometheusExporterOptions::builder()
        .socket_addr(([127, 0, 0, 1], 0).into())
        .use_seconds_for_durations(true)
        .counters_total_suffix(true)
        .unit_suffix(true)
        .build();
    let exporter = start_prometheus_metric_exporter(options).expect("the SDK's exporter");
    record(exporter.meter.as_ref());
    let theirs = tokio::time::timeout(LIMIT, async {
        let mut stream = TcpStream::connect(exporter.bound_addr).await.expect("it listens");
        let request = b"GET /metrics HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        answer.split_once("\r\n\r\n").expect("a head").1.to_owned()
    });
    // What it says twice, ours says once.
    let theirs = theirs.await.expect("in time").replace("_total_total", "_total");
    let theirs = Page::parse(&theirs, Format::Plain);
    exporter.abort_handle.abort();

    let registry = Registry::new();
    let serving = served(&registry).await;
    let meter = registry.meter(Selection::All);
    record(meter.as_ref());
    let ours = Page::parse(request(&serving, "GET", "/metrics", "").await.text(), Format::Plain);

    let families = |page: &Page| {
        let sdk = page.families.iter().filter(|(name, _)| name.starts_with("temporal_"));
        sdk.map(|(name, family)| (name.clone(), family.kind.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(families(&ours), families(&theirs));
    // All but the buckets, whose bounds are our own.
    let samples = |page: &Page| {
        let mut samples: Vec<(String, u64)> = page
            .samples
            .iter()
            .filter(|sample| sample.name.starts_with("temporal_") && !sample.name.ends_with("_bucket"))
            .map(|sample| (sample.id(), sample.value.to_bits()))
            .collect();
        samples.sort();
        samples
    };
    assert_eq!(samples(&ours), samples(&theirs));
    assert!(samples(&ours).len() > 50);
}
