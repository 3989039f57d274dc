use serde_json::{Value, json};

use super::*;

fn plain() -> Value {
    json!({
        "uid": "b", "title": "B", "schemaVersion": 39,
        "templating": { "list": [{ "name": "datasource", "type": "datasource", "query": "prometheus" }] },
        "panels": [
            { "id": 3, "type": "timeseries", "title": "A", "gridPos": { "x": 0, "y": 0, "w": 12, "h": 8 },
              "datasource": { "type": "prometheus", "uid": "${datasource}" },
              "targets": [{ "refId": "A", "expr": "up", "legendFormat": "{{job}}", "datasource": { "type": "prometheus", "uid": "${datasource}" } }],
              "fieldConfig": { "defaults": { "unit": "s" } } },
        ],
    })
}

/// The same board as Grafana exports it, with all that it adds.
fn exported() -> Value {
    let mut board = plain();
    board["version"] = json!(17);
    board["id"] = json!(4);
    board["editable"] = json!(true);
    board["weekStart"] = json!("");
    board["annotations"] = json!({ "list": [{ "builtIn": 1, "name": "Annotations & Alerts", "type": "dashboard" }] });
    board["templating"]["list"][0]["current"] = json!({ "text": "mine", "value": "uid" });
    board["templating"]["list"][0]["hide"] = json!(0);
    let panel = &mut board["panels"][0];
    panel["pluginVersion"] = json!("13.0.1");
    panel["fieldConfig"]["defaults"]["custom"] =
        json!({ "lineWidth": 1, "hideFrom": { "legend": false, "tooltip": false, "viz": false } });
    panel["fieldConfig"]["defaults"]["mappings"] = json!([]);
    panel["fieldConfig"]["defaults"]["thresholds"] =
        json!({ "mode": "absolute", "steps": [{ "color": "green", "value": null }, { "color": "red", "value": 80 }] });
    panel["fieldConfig"]["overrides"] = json!([]);
    panel["options"] =
        json!({ "legend": { "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": true } });
    panel["targets"][0]["editorMode"] = json!("code");
    panel["targets"][0]["range"] = json!(true);
    board
}

fn tidied(board: &Value) -> String {
    tidy(&board.to_string()).unwrap()
}

#[test]
fn every_classic_export_gives_the_same_board() {
    let wanted = tidied(&plain());
    assert_eq!(tidied(&exported()), wanted);
    // Shared externally: its data sources are questions.
    let shared = exported().to_string().replace("${datasource}", "${DS_PROMETHEUS}");
    let mut shared: Value = serde_json::from_str(&shared).unwrap();
    shared["__inputs"] = json!([{ "name": "DS_PROMETHEUS", "type": "datasource", "pluginId": "prometheus" }]);
    shared["__requires"] = json!([]);
    shared["__elements"] = json!({});
    assert_eq!(tidied(&shared), wanted);
    // From Grafana's interface, and as a resource of the first version.
    assert_eq!(tidied(&json!({ "dashboard": exported(), "meta": {} })), wanted);
    let mut spec = exported();
    spec.as_object_mut().unwrap().remove("uid");
    let resource = json!({ "apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": { "name": "b" }, "spec": spec });
    assert_eq!(tidied(&resource), wanted);
    // Edited where the data source is Amazon's.
    let amazon = exported().to_string().replace(
        "\"type\":\"prometheus\"",
        "\"type\":\"grafana-amazonprometheus-datasource\"",
    );
    assert_eq!(tidy(&amazon).unwrap(), wanted);
    // And what is tidy stays.
    assert_eq!(tidy(&wanted).unwrap(), wanted);
}

#[test]
fn what_was_changed_is_what_differs() {
    let mut board = exported();
    board["panels"][0]["fieldConfig"]["defaults"]["custom"]["lineWidth"] = json!(3);
    let before = tidied(&exported());
    let after = tidied(&board);
    let new: Vec<&str> = after
        .lines()
        .filter(|line| {
            !before
                .lines()
                .any(|old| old.trim_end_matches(',') == line.trim_end_matches(','))
        })
        .collect();
    assert!(
        new.iter()
            .all(|line| line.contains("custom") || line.contains("lineWidth")),
        "{new:?}"
    );
    assert!(after.contains("\"lineWidth\": 3"));
}

#[test]
fn panels_keep_their_numbers_and_new_ones_get_free_ones() {
    let mut board = plain();
    let mut copy = board["panels"][0].clone();
    copy["gridPos"]["y"] = json!(8);
    let mut without = copy.clone();
    without["gridPos"]["y"] = json!(16);
    without["id"] = Value::Null;
    board["panels"].as_array_mut().unwrap().splice(0..0, [without, copy]);
    let tidied: Value = serde_json::from_str(&tidied(&board)).unwrap();
    let of = |key: &str| -> Vec<u64> {
        let panels = tidied["panels"].as_array().unwrap();
        panels
            .iter()
            .map(|panel| panel[key].as_u64().or_else(|| panel["gridPos"][key].as_u64()).unwrap())
            .collect()
    };
    assert_eq!(of("y"), [0, 8, 16]);
    assert_eq!(of("id"), [3, 4, 5]);
}

#[test]
fn the_second_model_is_refused_with_how_to_export_the_first() {
    for second in [
        json!({ "apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {}, "spec": { "elements": {} } }),
        json!({ "elements": { "panel-1": {} }, "layout": { "kind": "GridLayout" }, "title": "B" }),
    ] {
        let error = tidy(&second.to_string()).unwrap_err();
        assert!(matches!(error, ExportError::SecondVersion));
        assert!(error.to_string().contains("Classic"), "{error}");
    }
    assert!(matches!(tidy("{}"), Err(ExportError::NoBoard)));
    assert!(matches!(tidy("{"), Err(ExportError::Json(_))));
}
