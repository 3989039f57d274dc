//! The published JSON Schema of the results file, made from the types.

use schemars::{Schema, generate::SchemaSettings};

use crate::schema::{Results, SCHEMA_VERSION};

/// The JSON Schema (draft 2020-12) of the results file.
pub fn json_schema() -> Schema {
    // What is written is described: a key that is always there is required.
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Results>();
    // A name and no address: it identifies the schema, and nothing has to be looked up.
    schema.insert(
        "$id".into(),
        format!("urn:run-benchmark:schema:results:v{SCHEMA_VERSION}").into(),
    );
    schema.insert("title".into(), "Results of run-benchmark".into());
    schema.insert(
        "description".into(),
        "One run, whole: what was to run, where it ran, whether it may be believed, and what came out. Latencies are in \
         milliseconds, lengths and offsets in seconds, instants RFC 3339 in UTC. Keys may be added without a new version."
            .into(),
    );
    schema
}

/// The JSON Schema as the text of `results/schema/results.v1.json`.
pub fn json_schema_text() -> String {
    let mut text = serde_json::to_string_pretty(&json_schema()).expect("a schema is plain JSON");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use serde_json::Value;

    use super::*;
    use crate::testing;

    fn here(path: &str) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "who runs the test asks for it by a variable")]
    fn the_committed_schema_is_the_one_of_the_types() {
        let path = here("schema/results.v1.json");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, json_schema_text()).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == json_schema_text(),
            "results/schema/results.v1.json is stale: UPDATE_SCHEMA=1 cargo test -p benchmark-results json_schema"
        );
    }

    #[test]
    fn every_kind_of_result_validates() {
        let validator = jsonschema::validator_for(json_schema().as_value()).unwrap();
        for results in [
            testing::valid(),
            testing::iterations(),
            testing::interrupted(),
            testing::empty(),
            testing::visibility_only(),
            testing::short(),
            testing::with_figures(),
            testing::fleet::run_of(testing::fleet::worker_lost_iteration()),
        ] {
            let json = serde_json::to_value(results).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&json)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_no_result_does_not_validate() {
        let validator = jsonschema::validator_for(json_schema().as_value()).unwrap();
        let valid = serde_json::to_value(testing::valid()).unwrap();
        for broken in ["ledger", "verdict", "planHash", "windows"] {
            let mut json = valid.clone();
            json.as_object_mut().unwrap().remove(broken);
            assert!(!validator.is_valid(&json), "without {broken}");
        }
        let mut json = valid;
        json["ledger"]["completed"] = Value::from(-1);
        assert!(!validator.is_valid(&json));
    }
}
