//! Which export it is: the classic model, plain, for sharing, or wrapped; never the second version of the model.

use serde_json::Value;

/// Why a file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No JSON.
    #[error("no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The second version of the model.
    #[error(
        "this is an export of the v2 model, which Grafana 10 to 12 do not read. In Grafana: Export, \"Export as code\", model \
         \"Classic\" (or \"V1 Resource\"), and save that"
    )]
    SecondVersion,
    /// Something else.
    #[error("this is no board: it has no list of panels")]
    NoBoard,
}

/// The plug-ins of data sources, and the variables by which boards choose one. Amazon's is Prometheus with another log-in.
const SOURCES: [(&str, &str, &str); 4] = [
    ("prometheus", "prometheus", "${datasource}"),
    ("grafana-amazonprometheus-datasource", "prometheus", "${datasource}"),
    ("loki", "loki", "${loki}"),
    ("cloudwatch", "cloudwatch", "${cloudwatch}"),
];

/// The board in an export.
pub(super) fn board(mut export: Value) -> Result<Value, ExportError> {
    let version = export["apiVersion"].as_str().unwrap_or_default().to_owned();
    let is_second = |board: &Value| board["elements"].is_object() || board["layout"].is_object();
    if version.contains("/v2") || is_second(&export) || is_second(&export["spec"]) {
        return Err(ExportError::SecondVersion);
    }
    let name = export["metadata"]["name"].as_str().map(str::to_owned);
    let mut board = match export {
        // As Grafana's own interface answers.
        Value::Object(ref map) if map.contains_key("dashboard") => export["dashboard"].take(),
        // A resource of the first version.
        Value::Object(ref map) if map.contains_key("spec") => export["spec"].take(),
        board => board,
    };
    if !board["panels"].is_array() {
        return Err(ExportError::NoBoard);
    }
    if let Some(name) = name
        && board["uid"].as_str().is_none_or(str::is_empty)
    {
        board["uid"] = Value::String(name);
    }
    // Sharing "externally" puts questions in the place of data sources.
    let inputs: Vec<(String, String)> = board["__inputs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|input| {
            let plugin = input["pluginId"].as_str()?;
            let (_, _, variable) = SOURCES.iter().find(|(known, ..)| *known == plugin)?;
            Some((format!("${{{}}}", input["name"].as_str()?), (*variable).to_owned()))
        })
        .collect();
    answer(&mut board, &inputs);
    Ok(board)
}

fn answer(value: &mut Value, inputs: &[(String, String)]) {
    match value {
        Value::String(text) => {
            if let Some((_, variable)) = inputs.iter().find(|(input, _)| input == text) {
                text.clone_from(variable);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| answer(value, inputs)),
        Value::Object(map) => map.values_mut().for_each(|value| answer(value, inputs)),
        _ => {}
    }
}

/// Names a data source's plug-in as the others do: which one it was depends on where the board was edited.
pub(super) fn settle_source(source: &mut Value) {
    let plugin = source["type"].as_str().unwrap_or_default();
    if let Some((_, kind, variable)) = SOURCES.iter().find(|(known, ..)| *known == plugin)
        && source["uid"] == *variable
    {
        source["type"] = Value::from(*kind);
    }
}
