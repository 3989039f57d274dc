//! The processes of a run, each scraped: a leader, a further generator and two workers.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use benchmark_prometheus::{Prometheus, Target};
use benchmark_temporal::embedded::EmbeddedServer;
use rustix::process::Signal;

use super::{pages, relay};
use crate::bench::{Bench, Going};

const TOKEN: &str = "a-token-for-boards";

/// A run that goes on.
pub struct Cast {
    leader: Going,
    page: SocketAddr,
    /// Where the workers' pages are.
    workers: Vec<SocketAddr>,
    members: Vec<Going>,
    benches: Vec<Bench>,
}

impl Cast {
    /// Starts it, each worker with flags of its own. Scrapes of the leader's page are none to the leader: see [`Cast::seen`].
    pub fn start(server: &EmbeddedServer, prometheus: &mut [Prometheus], load: &str, workers: [&str; 2]) -> Cast {
        let bench = Bench::new();
        let line = format!(
            "--fleet-listen 127.0.0.1:0 --expect-workers 2 --generators 2 --metrics-listen 127.0.0.1:0 \
             --min-throughput 0 --max-error-ratio 1 --max-p99-latency 10m --output results.json --fleet-timeout 100s {load}"
        );
        let mut command = bench.against(&server.address(), &line);
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        let mut leader = bench.begin(command);
        let address = leader.until("the fleet's address", |going| after(&going.said(), "--join "));
        let page = page_of(&mut leader);
        let scraped = relay::before(page).to_string();
        scrape(prometheus, "leader", scraped.clone());
        // A page is scraped some seconds after Prometheus was told of it. Nobody has joined, so that the run has not begun.
        let query = format!("benchmark_arrivals_total{{instance=\"{scraped}\"}}");
        leader.until("the first scrapes", |_| {
            let is_scraped = |prometheus: &Prometheus| !prometheus.query(&query, None).unwrap().series.is_empty();
            prometheus.iter().all(is_scraped).then_some(())
        });
        let mut cast = Cast {
            leader,
            page,
            workers: Vec::new(),
            members: Vec::new(),
            benches: vec![bench],
        };
        cast.member(prometheus, "generator", &format!("join {address}"));
        for worker in workers {
            cast.member(
                prometheus,
                "worker",
                &format!("--join {address} --profile small {worker}"),
            );
        }
        cast
    }

    fn member(&mut self, prometheus: &mut [Prometheus], job: &str, line: &str) {
        let bench = Bench::new();
        let line = format!("{line} --metrics-listen 127.0.0.1:0");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = match job {
            "worker" => bench.program(&crate::fleet::worker_program(), &arguments),
            _ => bench.command(&arguments),
        };
        command.env("BENCHMARK_FLEET_TOKEN", TOKEN);
        let mut member = bench.begin(command);
        let page = page_of(&mut member);
        scrape(prometheus, job, page.to_string());
        if job == "worker" {
            self.workers.push(page);
        }
        self.members.push(member);
        self.benches.push(bench);
    }

    /// Waits for the measured phase.
    pub fn in_the_middle(&mut self) {
        self.leader.until("the measured phase", |going| {
            going.said().contains("\nmeasure 00:").then_some(())
        });
    }

    /// Kills the second worker.
    pub fn kill_a_worker(&mut self) {
        self.members[2].signal(Signal::KILL);
    }

    /// Waits for something while the leader runs.
    pub fn until(&mut self, what: &str, mut look: impl FnMut() -> bool) {
        self.leader.until(what, |_| look().then_some(()));
    }

    /// The leader's page.
    pub fn page(&self) -> String {
        pages::of(&self.page.to_string())
    }

    /// Where the workers' pages are.
    pub fn workers(&self) -> Vec<String> {
        self.workers.iter().map(SocketAddr::to_string).collect()
    }

    /// The run's id, once its leader has results.
    pub fn run(&mut self) -> String {
        self.leader.partial().run.id
    }

    /// Tells the leader that its last figures were seen: by the scrape that it waits for.
    pub fn seen(&self) {
        let mut stream = TcpStream::connect(self.page).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nhost: here\r\nX-Prometheus-Scrape-Timeout-Seconds: 1\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }

    /// The run's id, once all have ended.
    pub fn finish(self) -> String {
        let leader = self.leader.finish();
        let run = leader.results().run.id;
        for member in self.members {
            member.finish();
        }
        run
    }
}

/// The word that follows a text, when the line is whole.
fn after(said: &str, text: &str) -> Option<String> {
    let (_, after) = said.split_once(text)?;
    let (word, _) = after.split_once([' ', '\n'])?;
    Some(word.to_owned())
}

/// Host and port of a process's page, as it says it.
fn page_of(going: &mut Going) -> SocketAddr {
    going.until("its metrics page", |going| {
        let said = going.said();
        let at = said.find("/metrics")?;
        let (_, address) = said[..at].rsplit_once("http://")?;
        Some(address.parse().unwrap())
    })
}

/// Scrapes a page from now on.
pub fn scrape(prometheus: &mut [Prometheus], job: &str, address: String) {
    for prometheus in prometheus {
        prometheus.scrape(Target::new(job, &address));
    }
}
