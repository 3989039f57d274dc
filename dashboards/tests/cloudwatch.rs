//! The searches of CloudWatch, without an account: each finds one metric of those that Aurora DSQL is documented to have
//! (`series/cloudwatch.json`), whatever the dimension of the cluster is called, by a statistic that its unit has a use for.

use std::{collections::BTreeMap, fs};

use benchmark_dashboards::{boards, folder, promql};
use serde::Deserialize;

#[derive(Deserialize)]
struct Documented {
    namespace: String,
    dimensions: Vec<String>,
    metrics: BTreeMap<String, String>,
}

const CLUSTER: &str = "abcdefghijklmnopqrstuvwxyz";

fn documented() -> Documented {
    let file = folder().join("series/cloudwatch.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// The metrics that a search finds, each with its unit, and the statistic that is taken of them; or what is wrong with it.
fn found(expression: &str, dimension: &str) -> Result<(Vec<String>, String), String> {
    let documented = documented();
    let (_, call) = expression.split_once("SEARCH(").ok_or("no SEARCH")?;
    let parts: Vec<&str> = call.split('\'').collect();
    let [_, search, _, statistic, period, ..] = parts[..] else {
        return Err(format!("no SEARCH('…', 'STATISTIC', PERIOD): {call}"));
    };
    let period = period.trim_matches([',', ' ', ')']);
    if period != "60" {
        return Err(format!("the period is {period}: metrics are written each minute"));
    }
    // A token without a name is found in any text of a metric: its name, a dimension's name or its value.
    let is_found = |metric: &str| {
        search.split_whitespace().all(|token| match token.split_once('=') {
            Some(("Namespace", value)) => value.trim_matches('"') == documented.namespace,
            Some(("MetricName", value)) => value.trim_matches('"') == metric,
            Some(_) => false,
            None => [metric, dimension, CLUSTER].contains(&token.trim_matches('"')),
        })
    };
    let units = documented
        .metrics
        .iter()
        .filter(|(metric, _)| is_found(metric))
        .map(|(_, unit)| unit.clone());
    Ok((units.collect(), statistic.to_owned()))
}

/// Every search of a board, by panel.
fn searches() -> Vec<(String, String)> {
    let mut searches = Vec::new();
    for panel in boards().iter().flat_map(|board| &board.panels) {
        let of_cloudwatch = panel
            .targets
            .iter()
            .filter(|target| target.json["datasource"]["type"] == "cloudwatch");
        for target in of_cloudwatch {
            let value = |name: &str| (name == "dsql_cluster").then(|| CLUSTER.to_owned());
            let search = promql::replace(target.search.as_deref().unwrap(), value).unwrap();
            searches.push((panel.title.clone(), search));
        }
    }
    searches
}

#[test]
fn every_search_finds_one_documented_metric() {
    let searches = searches();
    assert!(searches.len() >= 12, "{searches:#?}");
    for (panel, search) in searches {
        for dimension in documented().dimensions {
            let (units, statistic) = found(&search, &dimension).unwrap_or_else(|problem| panic!("{panel}: {problem}"));
            let [unit] = &units[..] else {
                panic!("{panel}: finds {units:?}: {search}")
            };
            let fits = if unit == "milliseconds" { "Average" } else { "Sum" };
            assert_eq!(statistic, fits, "{panel}: {search}");
        }
    }
}

#[test]
fn a_search_for_what_is_not_documented_finds_nothing() {
    let search = |metric: &str, cluster: &str| {
        let search = format!("SEARCH('Namespace=\"AWS/AuroraDSQL\" MetricName=\"{metric}\" \"{cluster}\"', 'Sum', 60)");
        found(&search, "ClusterId").unwrap().0.len()
    };
    assert_eq!(search("OccConflicts", CLUSTER), 1);
    assert_eq!(search("OccConflict", CLUSTER), 0);
    assert_eq!(search("OccConflicts", "another"), 0);
    assert!(found("SEARCH('Namespace=\"AWS/AuroraDSQL\"', 'Sum', 300)", "ClusterId").is_err());
}
