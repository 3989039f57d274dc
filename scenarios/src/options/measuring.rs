//! Options of measuring: how completions are observed, what is served and told meanwhile, and where the server's
//! figures come from.

use std::{net::SocketAddr, time::Duration};

use super::{Entry, Shape, options, says, value};
use crate::form::Form;

/// More would no longer be a sample: the polls would be the load.
const MAX_SAMPLE_CAP: u32 = 10_000;
/// Longest wait for a last scrape: whoever scrapes less often has a push gateway, or writes remotely.
const MOST_GRACE: Duration = Duration::from_secs(600);

const LISTEN: &[&str] = &["BENCHMARK_METRICS_LISTEN"];

options! { Measuring:
    /// Share of workflows that are long-polled.
    Sample("sample"): f64 = Form::ratio(), value("SHARE")
        .run(says("Share of workflows whose end is long-polled from the server, as 0.02 or 2%")
            .or_since("2%", "polling every end costs the server a quarter more"));
    /// Cap on open long polls; the default is not many for a frontend, whatever the rate.
    SampleCap("sample-cap"): u32 = Form::whole(0..=MAX_SAMPLE_CAP, "long polls"), value("N")
        .run(says("Long polls that may be open at the same time, {}").or("100"));
    /// Whether what is still open afterwards is terminated; the flag says the opposite.
    Cleanup("cleanup"): bool = Form::switch(), Entry::new(Shape::Switch("false")).flag("--no-cleanup")
        .run(says("Leave what is still open of this run afterwards").otherwise("it is terminated"));
    /// Where this process's metrics can be read; a worker's are where the replaced fleet's were.
    MetricsListen("metrics-listen"): SocketAddr = Form::listen(), value("IP:PORT").outside_of_plans()
        .run(says("Serve this process's metrics at http://IP:PORT/metrics; port 0 takes a free one")
            .otherwise("off").variables(LISTEN))
        .join(says("Serve this process's metrics at http://IP:PORT/metrics; port 0 takes a free one")
            .otherwise("off").variables(LISTEN))
        .worker(says("Serve /metrics, /healthz and /readyz there; port 0 takes a free one and says which, as does the default \
                      where it is taken; `off` serves nothing")
            .or("127.0.0.1:9090").variables(LISTEN).allows(|| Form::listen().or_word("off").bounds()));
    /// How long a last scrape is waited for.
    MetricsGrace("metrics-grace"): Duration = Form::span(Duration::ZERO..=MOST_GRACE), value("TIME").outside_of_plans()
        .run(says("Wait so long at the end until the last figures were scraped, {}")
            .otherwise("twice the interval of the scrapes; 60s after one; not at all without")
            .variables(&["BENCHMARK_METRICS_GRACE"]));
    /// Where the page is written each second.
    RemoteWrite("remote-write"): String = Form::remote_write(), value("URL").outside_of_plans()
        .run(says("Write this process's metrics there each second, by Prometheus' remote write")
            .otherwise("off").variables(&["BENCHMARK_REMOTE_WRITE"]));
    /// File with headers that it is written with.
    RemoteWriteHeaders("remote-write-headers"): String = Form::path(), value("FILE").outside_of_plans()
        .run(says("File with lines Name: value that they are written with, such as a token")
            .otherwise("none").variables(&["BENCHMARK_REMOTE_WRITE_HEADERS"]));
    /// Metrics pages of servers and workers.
    ServerMetrics("server-metrics"): Vec<String> = Form::pages(), Entry::new(Shape::List("URL")).outside_of_plans()
        .run(says("Metrics page of a server or worker, for the server's figures in the result; may be repeated")
            .otherwise("the embedded server's").variables(&["BENCHMARK_SERVER_METRICS"]));
    /// A Prometheus that is asked for the server's figures.
    Prometheus("prometheus"): String = Form::prometheus(), value("URL").outside_of_plans()
        .run(says("Prometheus that is asked for the server's figures afterwards, in place of pages")
            .otherwise("none").variables(&["BENCHMARK_PROMETHEUS"]));
    /// Matchers that its series must meet besides.
    PrometheusMatch("prometheus-match"): String = Form::matchers(), value("MATCHERS").outside_of_plans()
        .run(says("Matchers that its series must meet, as cluster=\"bench\"")
            .otherwise("none").variables(&["BENCHMARK_PROMETHEUS_MATCH"]));
    /// File with headers that it is asked with.
    PrometheusHeaders("prometheus-headers"): String = Form::path(), value("FILE").outside_of_plans()
        .run(says("File with lines Name: value that it is asked with, such as a token")
            .otherwise("none").variables(&["BENCHMARK_PROMETHEUS_HEADERS"]));
    /// File with what is known of the cluster.
    ClusterFacts("cluster-facts"): String = Form::path(), value("FILE")
        .run(says("JSON file with what is known of the cluster, an object of texts and numbers, which stands in the result \
                   and is compared")
            .otherwise("none").variables(&["BENCHMARK_CLUSTER_FACTS"]));
    /// The Grafana that has the boards.
    GrafanaUrl("grafana-url"): String = Form::grafana(), value("URL").outside_of_plans()
        .run(says("Print and store a link to this run on the board in this Grafana, which is not called")
            .otherwise("none").variables(&["BENCHMARK_GRAFANA_URL"]));
}
