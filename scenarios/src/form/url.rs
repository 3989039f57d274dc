//! URLs of what is spoken to over HTTP.

use super::Form;

const PROMETHEUS: &str = "http://127.0.0.1:9090";
const GRAFANA: &str = "http://127.0.0.1:3000";

impl Form<String> {
    /// Where remote writes go: a whole URL.
    pub fn remote_write() -> Self {
        Form::text(format!("a URL, as in {PROMETHEUS}/api/v1/write"), is_url)
    }

    /// A Prometheus, to which paths are added.
    pub fn prometheus() -> Self {
        base_url(PROMETHEUS)
    }

    /// A Grafana, to which paths are added.
    pub fn grafana() -> Self {
        base_url(GRAFANA)
    }
}

impl Form<Vec<String>> {
    /// Metrics pages.
    pub fn pages() -> Self {
        Form::new(
            format!("a URL, as in {PROMETHEUS}/metrics; several with commas between them"),
            |text| {
                let urls: Vec<String> = text.split(',').map(|url| url.trim().to_owned()).collect();
                urls.iter().all(|url| is_url(url)).then_some(urls)
            },
            |urls| urls.join(","),
        )
    }
}

/// Whether a text is a URL of something that is spoken to over HTTP.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let sound = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let host = |rest: &str| !rest.starts_with(['/', ':', '?', '#']) && !rest.is_empty();
    sound && rest.is_some_and(host)
}

fn base_url(example: &str) -> Form<String> {
    Form::new(
        format!("a URL, as in {example}, without ? and #"),
        |text| {
            let text = text.trim().trim_end_matches('/');
            (is_url(text) && !text.contains(['?', '#'])).then(|| text.to_owned())
        },
        String::clone,
    )
}
