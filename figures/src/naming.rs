//! Naming of metrics: servers that have other names for them, and what to set in them.

use std::collections::BTreeSet;

/// Asks a Prometheus which names there are for what every server has.
pub const NAMES_QUERY: &str =
    r#"count by (__name__) ({__name__=~"(.+_)?service_(requests|latency)(_milliseconds|_seconds)?(_total|_bucket)?"})"#;

/// Names that are remembered.
const SOME: usize = 4;

/// What every server exports has these names in it, and nothing else of a server does.
const ROOTS: [&str; 2] = ["service_requests", "service_latency"];

/// What is seen of a server's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Whether there are the names that the figures ask for.
    known: bool,
    /// Others for the same things.
    other: BTreeSet<String>,
    /// Whether the smallest edge of a latency is below one: seconds have such, milliseconds do not.
    seconds: Option<bool>,
}

impl Names {
    /// Takes in a sample's or family's name.
    pub fn see(&mut self, name: &str) {
        let Some((before, after)) = ROOTS
            .iter()
            .find_map(|root| name.find(root).map(|at| (&name[..at], &name[at + root.len()..])))
        else {
            return;
        };
        // Another exporter's `webservice_requests` is none of ours.
        let is_ours = before.is_empty() || before.ends_with('_');
        let is_one = matches!(
            after,
            "" | "_total"
                | "_bucket"
                | "_milliseconds_bucket"
                | "_seconds_bucket"
                | "_milliseconds"
                | "_seconds"
                | "_milliseconds_total"
        );
        if !is_ours || !is_one {
            return;
        }
        if before.is_empty() && matches!(after, "" | "_bucket") {
            self.known |= name == "service_requests";
        } else if self.other.len() < SOME {
            self.other.insert(name.to_owned());
        }
    }

    /// Takes in an edge of a bucket of `service_latency`.
    pub fn see_edge(&mut self, edge: f64) {
        if edge > 0.0 {
            self.seconds = Some(self.seconds.unwrap_or(false) || edge < 1.0);
        }
    }

    /// Takes in what was seen elsewhere.
    pub fn add(&mut self, other: &Names) {
        self.known |= other.known;
        self.other.extend(other.other.iter().cloned());
        self.seconds = self.seconds.max(other.seconds);
    }

    /// Whether a server's own series are there.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// What is wrong with the server's names or units, and what to set.
    pub fn problem(&self) -> Option<String> {
        if self.known && self.seconds == Some(false) {
            return Some(
                "the server records its timers in milliseconds: set recordTimerInSeconds: true beside its metrics' \
                 framework opentelemetry"
                    .to_owned(),
            );
        }
        let first = self.other.first().filter(|_| !self.known)?;
        let any = |part: &str| self.other.iter().any(|name| name.contains(part));
        let mut set = Vec::new();
        if any("_total") {
            set.push("withoutCounterSuffix: true");
        }
        if any("_milliseconds") || any("_seconds") {
            set.push("withoutUnitSuffix: true");
        }
        if any("_milliseconds") {
            set.push("recordTimerInSeconds: true");
        }
        if self
            .other
            .iter()
            .any(|name| !ROOTS.iter().any(|root| name.starts_with(root)))
        {
            set.push("no prefix");
        }
        Some(format!(
            "the server exports {first}: set {} in its metrics' configuration, which gives the names of its default",
            set.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Names {
        let mut seen = Names::default();
        names.iter().for_each(|name| seen.see(name));
        seen
    }

    #[test]
    fn the_default_names_are_no_problem() {
        let mut names = of(&[
            "service_requests",
            "service_latency_bucket",
            "service_latency_userlatency_bucket",
        ]);
        names.see_edge(0.001);
        names.see_edge(1000.0);
        assert_eq!((names.is_known(), names.problem()), (true, None));
        // Whoever has both has what is asked for.
        names.see("service_requests_total");
        assert_eq!(names.problem(), None);
    }

    #[test]
    fn other_names_are_said_with_what_to_set() {
        let problem = of(&["service_requests_total", "service_latency_milliseconds_bucket"])
            .problem()
            .unwrap();
        assert!(
            problem.contains("exports service_latency_milliseconds_bucket: set withoutCounterSuffix: true, ")
                && problem.contains("withoutUnitSuffix: true, recordTimerInSeconds: true in its"),
            "{problem}"
        );
        let prefixed = of(&["temporal_service_requests"]).problem().unwrap();
        assert!(
            prefixed.contains("temporal_service_requests: set no prefix in"),
            "{prefixed}"
        );
        assert_eq!(
            of(&["webservice_requests_total", "service_requests_by_host", "up"]).problem(),
            None
        );
    }

    #[test]
    fn milliseconds_under_the_name_of_seconds_are_found_by_their_edges() {
        let mut names = of(&["service_requests"]);
        for edge in [1.0, 2.0, 5000.0, f64::INFINITY] {
            names.see_edge(edge);
        }
        assert!(names.problem().unwrap().contains("recordTimerInSeconds"));
        let mut seconds = of(&["service_requests"]);
        seconds.see_edge(0.5);
        names.add(&seconds);
        assert_eq!(names.problem(), None);
    }
}
