//! `cluster.json`: what a run on this cluster stands in, as a flat object. It becomes a part of the result.

use std::collections::BTreeMap;

use benchmark_scenarios::Problem;
use serde_json::{Map, Value, json};

use crate::{facts::Facts, session::Session};

impl Session {
    /// The surroundings as they are now.
    ///
    /// # Errors
    /// When ECS refuses.
    pub async fn surroundings(&self, workers: u32, generators: u32) -> Result<Value, Problem> {
        let names: Vec<&str> = self
            .facts
            .services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        let replicas = self.services(&names).await?.into_iter().filter_map(|service| {
            let desired = service.desired_count;
            Some((service.service_name?, desired))
        });
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
    for service in &facts.services {
        let key = &service.key;
        put(format!("{key}-replicas"), json!(replicas.get(&service.name)));
        put(format!("{key}-cpu"), json!(service.cpu));
        put(format!("{key}-memory"), json!(service.memory));
    }
    if let Some(of) = &facts.workers {
        put("benchmark-worker-replicas".to_owned(), json!(workers));
        put("benchmark-worker-cpu".to_owned(), json!(of.cpu));
        put("benchmark-worker-memory".to_owned(), json!(of.memory));
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
