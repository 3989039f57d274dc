//! A Prometheus of a test's own, on a free port of this machine, with its data in a folder that goes with it.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{answer::Answer, http, tool::Tool};

/// How long it may take to listen, on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// How histograms are scraped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ingestion {
    /// As Prometheus does by itself: classic buckets, over the text format or protobuf.
    Classic,
    /// Native ones, and no classic ones where there are native ones.
    Native,
    /// Both.
    NativeAndClassic,
}

/// A page that is scraped.
#[derive(Clone, Debug)]
pub struct Target {
    /// The label `job`.
    pub job: String,
    /// Host and port.
    pub address: String,
    /// Further labels; a page's own labels win over these (`honor_labels`).
    pub labels: Vec<(String, String)>,
}

impl Target {
    /// A page without further labels.
    pub fn new(job: &str, address: impl ToString) -> Target {
        Target {
            job: job.to_owned(),
            address: address.to_string(),
            labels: Vec::new(),
        }
    }
}

/// What it does.
#[derive(Clone, Debug)]
pub struct Config {
    /// How often pages are scraped and rules evaluated; whole milliseconds.
    pub interval: Duration,
    /// How histograms are scraped.
    pub ingestion: Ingestion,
    /// What is scraped. More may follow: [`Prometheus::scrape`].
    pub targets: Vec<Target>,
    /// Files of rules.
    pub rules: Vec<PathBuf>,
}

impl Default for Config {
    /// Native and classic histograms of nobody, each second.
    fn default() -> Config {
        Config {
            interval: Duration::from_secs(1),
            ingestion: Ingestion::NativeAndClassic,
            targets: Vec::new(),
            rules: Vec::new(),
        }
    }
}

impl Config {
    /// Prometheus reads YAML, of which JSON is a part.
    fn to_yaml(&self) -> String {
        let interval = format!("{}ms", self.interval.as_millis());
        let native = self.ingestion != Ingestion::Classic;
        let classic_too = self.ingestion == Ingestion::NativeAndClassic;
        let mut jobs: Vec<Value> = Vec::new();
        for target in &self.targets {
            let labels: serde_json::Map<String, Value> = target
                .labels
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            let entry = json!({ "targets": [target.address], "labels": labels });
            match jobs.iter_mut().find(|job| job["job_name"] == *target.job) {
                Some(job) => job["static_configs"]
                    .as_array_mut()
                    .into_iter()
                    .for_each(|all| all.push(entry.clone())),
                None => jobs.push(json!({
                    "job_name": target.job,
                    "honor_labels": true,
                    "scrape_native_histograms": native,
                    "always_scrape_classic_histograms": classic_too,
                    "static_configs": [entry],
                })),
            }
        }
        let config = json!({
            "global": { "scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval },
            "rule_files": self.rules,
            "scrape_configs": jobs,
        });
        config.to_string()
    }
}

/// A rule, and how its last evaluation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub query: String,
    /// `ok`, `err`, or `unknown` before the first evaluation.
    pub health: String,
    /// What went wrong.
    pub error: String,
}

/// A Prometheus that runs, and ends with this value or with the test's process. It also takes what is written to it:
/// [`Prometheus::remote_write_url`].
#[derive(Debug)]
pub struct Prometheus {
    address: SocketAddr,
    config: Config,
    folder: TempDir,
    /// A shell that holds the server, and kills it when its own standard input ends.
    keeper: Child,
}

impl Prometheus {
    /// Starts one and waits until it is ready.
    ///
    /// # Panics
    /// When there is none or it does not start, with what it said.
    pub fn start(config: Config) -> Prometheus {
        let program = Tool::Prometheus.path();
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let said = File::create(&log).expect("a log");
        fs::write(folder.path().join("prometheus.yml"), config.to_yaml()).expect("a configuration");
        let flag = |name: &str, file: &str| format!("--{name}={}", folder.path().join(file).display());
        let keeper = Command::new("sh")
            .args(["-c", r#""$@" </dev/null & read -r _; kill -KILL $!; wait"#, "sh"])
            .arg(program)
            .args([flag("config.file", "prometheus.yml"), flag("storage.tsdb.path", "data")])
            .args([
                "--web.listen-address=127.0.0.1:0",
                "--web.enable-remote-write-receiver",
                "--web.enable-lifecycle",
            ])
            // It says where it listens.
            .arg("--log.level=info")
            .stdin(Stdio::piped())
            .stdout(said.try_clone().expect("a log"))
            .stderr(said)
            .spawn()
            .expect("a shell");
        let mut prometheus = Prometheus {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            config,
            folder,
            keeper,
        };
        prometheus.address = prometheus.wait_for("its address", |log| {
            let told = log
                .split_whitespace()
                .filter_map(|word| word.strip_prefix("address=")?.parse().ok());
            told.into_iter().find(|address: &SocketAddr| address.port() != 0)
        });
        prometheus.wait_for("being ready", |log| {
            log.contains("Server is ready to receive web requests.").then_some(())
        });
        prometheus
    }

    /// Scrapes a further page from now on.
    ///
    /// # Panics
    /// When it does not take the configuration.
    pub fn scrape(&mut self, target: Target) {
        self.config.targets.push(target);
        let file = self.folder.path().join("prometheus.yml");
        fs::write(file, self.config.to_yaml()).expect("a configuration");
        let (status, body) = http::post(self.address, "/-/reload", &[]).expect("an answer");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it takes what is written to it, in protocol 1.0 and 2.0.
    pub fn remote_write_url(&self) -> String {
        format!("{}/api/v1/write", self.url())
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Asks for the values at an instant, in Unix seconds; now when none is given.
    ///
    /// # Errors
    /// What it says is wrong with the query.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn query(&self, query: &str, at: Option<f64>) -> Result<Answer, String> {
        let at = at.map(|at| at.to_string());
        let mut form = vec![("query", query)];
        form.extend(at.as_deref().map(|at| ("time", at)));
        self.ask("/api/v1/query", &form)
    }

    /// Asks for the values from `begin` to `end`, in Unix seconds, each `step` seconds.
    ///
    /// # Errors
    /// What it says is wrong with the query.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn query_range(&self, query: &str, begin: f64, end: f64, step: f64) -> Result<Answer, String> {
        let [begin, end, step] = [begin, end, step].map(|number| number.to_string());
        self.ask(
            "/api/v1/query_range",
            &[("query", query), ("start", &begin), ("end", &end), ("step", &step)],
        )
    }

    /// Its alert rules, as it evaluated them last.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn rules(&self) -> Vec<Rule> {
        let (_, body) = http::get(self.address, "/api/v1/rules").expect("an answer");
        let body: Value = serde_json::from_slice(&body).expect("rules");
        let groups = body["data"]["groups"].as_array().into_iter().flatten();
        let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
        groups
            .flat_map(|group| group["rules"].as_array().into_iter().flatten())
            .map(|rule| Rule {
                name: text(&rule["name"]),
                query: text(&rule["query"]),
                health: text(&rule["health"]),
                error: text(&rule["lastError"]),
            })
            .collect()
    }

    fn ask(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer, String> {
        let (_, body) = http::post(self.address, path, form).unwrap_or_else(|error| {
            panic!("Prometheus does not answer: {error}\n{}", self.log());
        });
        Answer::read(&body)
    }

    /// Waits until its log says something.
    fn wait_for<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let log = self.log();
            if let Some(found) = find(&log) {
                return found;
            }
            // A server that ended does not come back, but its keeper waits for us.
            let ended = log.contains("level=ERROR") || self.keeper.try_wait().ok().flatten().is_some();
            assert!(
                !ended && begun.elapsed() < LIMIT,
                "waiting for {what} of Prometheus: {log}"
            );
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // The end of the keeper's input, as when this process dies.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits until a query has an answer, and returns its value.
    fn value(prometheus: &Prometheus, query: &str) -> f64 {
        let begun = Instant::now();
        loop {
            if let Some(value) = prometheus.query(query, None).unwrap().value() {
                return value;
            }
            assert!(begun.elapsed() < LIMIT, "{query} has no answer: {}", prometheus.log());
            thread::sleep(LOOK);
        }
    }

    #[test]
    fn it_scrapes_what_it_is_told_and_answers() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.yaml");
        fs::write(&rules, "groups: [{ name: a, rules: [{ alert: Up, expr: up == 1 }] }]").unwrap();
        let mut prometheus = Prometheus::start(Config {
            rules: vec![rules],
            ..Config::default()
        });
        // Its own page is as good as any.
        let own = prometheus.address();
        prometheus.scrape(Target {
            labels: vec![("cluster".to_owned(), "tests".to_owned())],
            ..Target::new("itself", own)
        });
        assert_eq!(value(&prometheus, "up{job=\"itself\",cluster=\"tests\"}"), 1.0);
        assert_eq!(value(&prometheus, "ALERTS{alertname=\"Up\"}"), 1.0);
        let rules = prometheus.rules();
        assert_eq!(
            (
                rules[0].name.as_str(),
                rules[0].query.as_str(),
                rules[0].health.as_str()
            ),
            ("Up", "up == 1", "ok")
        );
        // Native histograms and classic ones beside each other.
        let native = "histogram_count(prometheus_http_request_duration_seconds{handler=\"/api/v1/query\"})";
        assert!(value(&prometheus, native) >= 1.0);
        let classic = "prometheus_http_request_duration_seconds_count{handler=\"/api/v1/query\"}";
        assert!(value(&prometheus, classic) >= 1.0);
        let problem = prometheus.query("sum(", None).unwrap_err();
        assert!(problem.contains("parse error"), "{problem}");
        let now = value(&prometheus, "time()");
        let range = prometheus.query_range("vector(7)", now - 2.0, now, 1.0).unwrap();
        assert_eq!(range.series[0].points.len(), 3);
        drop(prometheus);
        assert!(std::net::TcpStream::connect(own).is_err(), "it still listens");
    }
}
