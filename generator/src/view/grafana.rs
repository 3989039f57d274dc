//! The link to exactly one run on the board `bench`, for who has the boards in a Grafana. Nothing is called.

use std::time::Duration;

use benchmark_figures::promql::sanitized;
use benchmark_results::schema::Run;
use benchmark_scenarios::Plan;
use jiff::Timestamp;
use url::form_urlencoded::Serializer;

/// The board's `uid`, which is its address in every Grafana.
const BOARD: &str = "temporal-benchmark";

/// What is shown before the run and after it: two scrapes of servers, so that its first and its last sample are there.
const MARGIN: Duration = Duration::from_secs(30);

/// The link to a run, up to now while it goes on. `base` is the Grafana's URL without a slash at its end.
pub fn link(base: &str, run: &Run, plan: &Plan) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("var-run_id", &run.id);
    // The board's choices are as the server's series have them: which of both it writes, the board finds among them.
    query.append_pair("var-namespace", &plan.namespace);
    let written = sanitized(&plan.namespace);
    if written != plan.namespace {
        query.append_pair("var-namespace", &written);
    }
    query.append_pair("var-task_queue", &plan.task_queue);
    if let Some(begun) = millis(&run.started_at) {
        query.append_pair("from", &begun.saturating_sub(margin()).to_string());
        let ended = run.finished_at.as_deref().and_then(millis);
        let to = ended.map_or_else(|| "now".to_owned(), |ended| ended.saturating_add(margin()).to_string());
        query.append_pair("to", &to);
    }
    format!("{base}/d/{BOARD}?{}", query.finish())
}

fn millis(instant: &str) -> Option<i64> {
    instant.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

fn margin() -> i64 {
    i64::try_from(MARGIN.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use benchmark_results::schema::Fact;
    use benchmark_scenarios::Key;
    use serde_json::Value;
    use url::Url;

    use super::*;
    use crate::testing;

    fn plan(namespace: &str) -> Plan {
        testing::plan([(Key::Namespace, namespace), (Key::TaskQueue, "a&queue")])
    }

    fn run(finished_at: Option<&str>) -> Run {
        Run {
            id: "01k3-brisk-otter".into(),
            started_at: "2026-11-20T10:00:00.25Z".into(),
            finished_at: finished_at.map(str::to_owned),
            version: "0.1.0".into(),
            git_revision: Fact::missing("none"),
            command: Vec::new(),
            interrupted_by: None,
            dashboard_url: None,
        }
    }

    fn pairs(link: &str) -> Vec<(String, String)> {
        Url::parse(link).unwrap().query_pairs().into_owned().collect()
    }

    #[test]
    fn it_is_of_exactly_this_run() {
        let finished = run(Some("2026-11-20T10:05:03Z"));
        let link = link("http://127.0.0.1:3000/grafana", &finished, &plan("load-test"));
        let url = Url::parse(&link).unwrap();
        assert_eq!(url.path(), "/grafana/d/temporal-benchmark");
        let expected = [
            ("var-run_id", "01k3-brisk-otter"),
            ("var-namespace", "load-test"),
            ("var-namespace", "load_test"),
            ("var-task_queue", "a&queue"),
            ("from", "1795168770250"),
            ("to", "1795169133000"),
        ];
        assert_eq!(
            pairs(&link),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn while_it_goes_on_it_is_up_to_now() {
        let pairs = pairs(&link("http://a", &run(None), &plan("default")));
        assert!(pairs.contains(&("to".to_owned(), "now".to_owned())), "{pairs:?}");
        assert_eq!(pairs.iter().filter(|(name, _)| name == "var-namespace").count(), 1);
    }

    #[test]
    fn the_board_has_what_the_link_names() {
        let board: Value = serde_json::from_str(include_str!("../../../dashboards/bench.json")).unwrap();
        assert_eq!(board["uid"], BOARD);
        let variables = board["templating"]["list"].as_array().unwrap();
        let multi: BTreeSet<&str> = variables
            .iter()
            .filter(|variable| variable["multi"] == true)
            .map(|variable| variable["name"].as_str().unwrap())
            .collect();
        let link = link("http://a", &run(None), &plan("load-test"));
        let named: BTreeSet<String> = pairs(&link)
            .into_iter()
            .filter_map(|(name, _)| Some(name.strip_prefix("var-")?.to_owned()))
            .collect();
        // All but the data source, which has other names in each Grafana; and a namespace may be given twice.
        assert_eq!(named.iter().map(String::as_str).collect::<BTreeSet<_>>(), multi);
    }
}
