//! `cluster.json`: facts of the cluster that a run is made on, as a flat object. It becomes a part of the result.

use std::collections::BTreeMap;

use benchmark_scenarios::Problem;
use serde_json::{Map, Value, json};

use crate::{
    facts::{Facts, WORKERS},
    session::Session,
};

impl Session {
    /// The surroundings as they are now.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn surroundings(&self, workers: u32, generators: u32) -> Result<Value, Problem> {
        let services = self.services(&self.facts.names()).await?.into_iter();
        let replicas = services.filter_map(|service| Some((service.service_name?, service.desired_count)));
        Ok(object(&self.facts, &replicas.collect(), workers, generators))
    }
}

/// The object; `replicas` by name of the service.
fn object(facts: &Facts, replicas: &BTreeMap<String, i32>, workers: u32, generators: u32) -> Value {
    let mut all = Map::new();
    let mut put = |name: String, value: Value| {
        if !value.is_null() {
            all.insert(name, value);
        }
    };
    put("project".to_owned(), json!(facts.project));
    put("environment".to_owned(), json!(facts.environment));
    put("region".to_owned(), json!(facts.region));
    put("history-shards".to_owned(), json!(facts.temporal.shards));
    for service in facts.all() {
        let key = &service.key;
        let replicas = match key.as_str() {
            WORKERS => json!(workers),
            _ => json!(replicas.get(&service.name)),
        };
        put(format!("{key}-replicas"), replicas);
        put(format!("{key}-cpu"), json!(service.cpu));
        put(format!("{key}-memory"), json!(service.memory));
    }
    put("generator-replicas".to_owned(), json!(generators));
    for (name, pool) in &facts.pools {
        put(format!("{name}-instance-type"), json!(pool.instance_type));
        put(format!("{name}-instances-max"), json!(pool.max));
    }
    for (name, image) in &facts.images {
        put(format!("{}-image", name.replace('_', "-")), json!(image));
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surroundings_are_flat_and_have_what_differs_between_clusters() {
        let facts = Facts::parse(include_str!("../../tests/facts/bench.json"), "a test").expect("facts");
        let replicas = facts.services.iter().map(|service| (service.name.clone(), 2)).collect();
        let object = object(&facts, &replicas, 51, 2);
        let flat = |value: &Value| value.is_string() || value.is_number();
        assert!(object.as_object().expect("an object").values().all(flat), "{object}");
        let images = |text: &str| text.contains("-image\"");
        let text = serde_json::to_string_pretty(&object).expect("text");
        let text: Vec<&str> = text.lines().filter(|line| !images(line)).collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        {
          "project": "temporal-bench",
          "environment": "bench",
          "region": "eu-west-1",
          "history-shards": 4096,
          "loki-replicas": 2,
          "loki-cpu": 1024,
          "loki-memory": 2048,
          "history-replicas": 2,
          "history-cpu": 4096,
          "history-memory": 8192,
          "matching-replicas": 2,
          "matching-cpu": 1024,
          "matching-memory": 2048,
          "frontend-replicas": 2,
          "frontend-cpu": 2048,
          "frontend-memory": 4096,
          "worker-replicas": 2,
          "worker-cpu": 512,
          "worker-memory": 1024,
          "ui-replicas": 2,
          "ui-cpu": 512,
          "ui-memory": 1024,
          "grafana-replicas": 2,
          "grafana-cpu": 512,
          "grafana-memory": 1024,
          "benchmark-worker-replicas": 51,
          "benchmark-worker-cpu": 4096,
          "benchmark-worker-memory": 4096,
          "generator-replicas": 2,
          "benchmark-instance-type": "m8g.4xlarge",
          "benchmark-instances-max": 13,
          "generator-instance-type": "m8g.xlarge",
          "generator-instances-max": 4,
          "main-instance-type": "m8g.4xlarge",
          "main-instances-max": 10,
        }
        "#);
        assert!(
            object["benchmark-image"]
                .as_str()
                .is_some_and(|image| image.contains("@sha256:")),
            "{object}"
        );
    }
}
