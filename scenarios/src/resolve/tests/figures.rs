//! Where the server's figures are read from, where the page is written, and who shows both.

use super::{asked, facts};
use crate::{FigureSources, Key, PrometheusSource, RemoteWriteTarget, resolve};

fn sources(options: &[(Key, &str)]) -> Result<FigureSources, String> {
    resolve(&asked(options), &facts(2))
        .map(|resolved| resolved.figures)
        .map_err(|problem| problem.report())
}

#[test]
fn nothing_is_read_unless_it_is_asked_for() {
    assert_eq!(sources(&[]), Ok(FigureSources::default()));
}

#[test]
fn pages_or_a_prometheus_are_read() {
    let pages = sources(&[(Key::ServerMetrics, "http://a:9090/metrics, https://b/metrics?x=1")]).unwrap();
    assert_eq!(pages.pages, ["http://a:9090/metrics", "https://b/metrics?x=1"]);
    let prometheus = sources(&[
        (Key::Prometheus, "http://prometheus:9090/prefix/"),
        (Key::PrometheusMatch, "cluster=\"bench\""),
        (Key::PrometheusHeaders, "headers.txt"),
    ]);
    let expected = PrometheusSource {
        url: "http://prometheus:9090/prefix".into(),
        matchers: Some("cluster=\"bench\"".into()),
        headers: Some("headers.txt".into()),
    };
    assert_eq!(prometheus.unwrap().prometheus, Some(expected));
}

#[test]
fn what_is_no_source_is_said_in_one_line() {
    for (options, words) in [
        (
            vec![(Key::Prometheus, "prometheus:9090")],
            "--prometheus prometheus:9090 is not allowed: give a URL",
        ),
        (vec![(Key::Prometheus, "http://a/?x=1")], "without ? and #"),
        (
            vec![(Key::Prometheus, "http:///a")],
            "--prometheus http:///a is not allowed",
        ),
        (
            vec![(Key::ServerMetrics, "http://a,b")],
            "--server-metrics http://a,b is not allowed",
        ),
        (
            vec![(Key::PrometheusMatch, "a=\"b\"")],
            "--prometheus-match a=\"b\" does not apply: no Prometheus is asked",
        ),
        (
            vec![(Key::ServerMetrics, "http://a/metrics"), (Key::Prometheus, "http://b")],
            "are two sources of the same figures",
        ),
    ] {
        let problem = sources(&options).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn credentials_are_refused_and_not_repeated() {
    for (key, text) in [
        (Key::Prometheus, "https://me:hush@prometheus/api"),
        (Key::ServerMetrics, "http://a/metrics,http://hush@b/metrics"),
    ] {
        let problem = sources(&[(key, text)]).unwrap_err();
        assert!(
            problem.contains("credentials in its URL") && !problem.contains("hush"),
            "{problem}"
        );
    }
    // Behind the host it is no credential.
    assert!(sources(&[(Key::ServerMetrics, "http://a/metrics?of=me@home")]).is_ok());
}

#[test]
fn the_page_is_written_where_it_is_asked_for() {
    let target = |options: &[(Key, &str)]| {
        resolve(&asked(options), &facts(2))
            .map(|resolved| resolved.remote_write)
            .map_err(|problem| problem.report())
    };
    assert_eq!(target(&[]), Ok(None));
    let both = target(&[
        (Key::RemoteWrite, "https://mimir/api/v1/push"),
        (Key::RemoteWriteHeaders, "headers.txt"),
    ]);
    let expected = RemoteWriteTarget {
        url: "https://mimir/api/v1/push".into(),
        headers: Some("headers.txt".into()),
    };
    assert_eq!(both, Ok(Some(expected)));
    for (options, words) in [
        (
            vec![(Key::RemoteWrite, "mimir")],
            "--remote-write mimir is not allowed: give a URL",
        ),
        (
            vec![(Key::RemoteWriteHeaders, "x")],
            "--remote-write-headers x does not apply: nothing is written",
        ),
        (
            vec![(Key::RemoteWrite, "http://me:hush@mimir/")],
            "--remote-write has credentials in its URL",
        ),
    ] {
        let problem = target(&options).unwrap_err();
        assert!(problem.contains(words) && !problem.contains("hush"), "{problem}");
    }
}

#[test]
fn the_board_is_in_a_grafana_below_any_path() {
    let grafana = |text: &str| {
        resolve(&asked(&[(Key::GrafanaUrl, text)]), &facts(2))
            .map(|resolved| resolved.grafana)
            .map_err(|problem| problem.report())
    };
    for (text, url) in [
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("https://example.com/grafana/", "https://example.com/grafana"),
    ] {
        assert_eq!(grafana(text), Ok(Some(url.to_owned())));
    }
    for text in [
        "grafana:3000",
        "https://",
        "http://a/?orgId=1",
        "http://a/d/x#y",
        "http://a b",
    ] {
        let problem = grafana(text).unwrap_err();
        let words = "is not allowed: give a URL, as in http://127.0.0.1:3000, without ? and #";
        assert!(
            problem.starts_with("error: --grafana-url ") && problem.contains(words),
            "{problem}"
        );
        assert_eq!(problem.lines().count(), 1, "{problem}");
    }
    let problem = grafana("https://me:hush@grafana/").unwrap_err();
    assert!(
        problem.contains("--grafana-url has credentials in its URL") && !problem.contains("hush"),
        "{problem}"
    );
}
