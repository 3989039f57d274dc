//! Grafana's provisioning: what it holds, without a Grafana.

use std::{collections::BTreeSet, fs};

use benchmark_dashboards::folder;
use serde_json::Value;

const SOURCES: [(&str, &str); 4] = [
    ("prometheus.yaml", "prometheus"),
    ("amazon-prometheus.yaml", "grafana-amazonprometheus-datasource"),
    ("cloudwatch.yaml", "cloudwatch"),
    ("loki.yaml", "loki"),
];

fn read(file: &str) -> (String, Value) {
    let text = fs::read_to_string(folder().join("provisioning").join(file)).unwrap();
    let value: Value = serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(value["apiVersion"], 1, "{file}");
    (text, value)
}

/// The variables in a text: `$NAME`.
fn variables(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| {
        rest.split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    text.split('$')
        .skip(1)
        .map(name)
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn each_data_source_is_one_and_has_its_plug_in() {
    let mut uids = BTreeSet::new();
    for (file, plugin) in SOURCES {
        let (_, value) = read(&format!("datasources/{file}"));
        let [source] = value["datasources"].as_array().unwrap().as_slice() else {
            panic!("{file}")
        };
        assert_eq!(source["type"], plugin, "{file}");
        assert!(uids.insert(source["uid"].as_str().unwrap().to_owned()), "{file}");
        // Rates look back over four scrapes: Grafana has to know how long that is.
        if plugin.contains("prometheus") {
            assert_eq!(source["jsonData"]["timeInterval"], "$SCRAPE_INTERVAL", "{file}");
        }
        // CloudWatch is found by its region.
        assert!(
            plugin == "cloudwatch" || source["url"].as_str().unwrap().starts_with('$'),
            "{file}"
        );
    }
}

#[test]
fn the_boards_are_files_that_are_not_changed_in_grafana() {
    let (_, value) = read("dashboards/benchmark.yaml");
    let provider = &value["providers"][0];
    assert_eq!(provider["options"]["path"], "$BOARDS");
    assert_eq!(provider["allowUiUpdates"], false);
}

#[test]
fn every_variable_is_documented() {
    let documented = fs::read_to_string(folder().join("../docs/dashboards.md")).unwrap();
    let files = SOURCES.map(|(file, _)| format!("datasources/{file}"));
    let all: BTreeSet<String> = files
        .iter()
        .map(String::as_str)
        .chain(["dashboards/benchmark.yaml"])
        .flat_map(|file| variables(&read(file).0))
        .collect();
    assert_eq!(all.len(), 6, "{all:?}");
    for variable in all {
        assert!(
            documented.contains(&format!("`{variable}`")),
            "{variable} is not in docs/dashboards.md"
        );
    }
}
