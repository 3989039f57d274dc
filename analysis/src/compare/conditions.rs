//! Conditions of a run: all that must be alike for two runs to be compared, as flat keys: `plan.load.rate`,
//! `server.version`, `host.cores`.
//!
//! Keys come from the file as it is, so that a new setting is compared from the day that it is written. What is left out
//! stands in [`IGNORED`], each with its reason.

use std::collections::{BTreeMap, BTreeSet};

use benchmark_results::schema::{HostFacts, MemberRole, Results};
use benchmark_scenarios::Plan;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::limits::MEMORY_TOLERANCE;

/// What stands for a setting that is not there or is null.
const NONE: &str = "none";
/// What stands for a fact that could not be found out.
const UNKNOWN: &str = "unknown";

/// Keys that may differ, and why.
pub const IGNORED: &[(&str, &str)] = &[
    ("plan.thresholds", "they judge a run and do not change it"),
    ("plan.cleanup", "it begins when everything has been measured"),
    ("plan.target.kind", "server.embedded says it"),
    ("plan.target.binary", "server.version says what runs, wherever it lies"),
    ("plan.target.keep", "it matters after the run"),
    (
        "plan.target.config",
        "server.config has what the server was started with, these among it",
    ),
    (
        "plan.target.tls.ca",
        "whether there is TLS matters, and not where its files lie",
    ),
    ("plan.target.tls.cert", "likewise"),
    ("plan.target.tls.key", "likewise"),
    (
        "server.address",
        "of an embedded server it is drawn; of a cluster plan.target.address says it",
    ),
    ("server.binary", "as plan.target.binary"),
    (
        "server.pollers",
        "an observation at one instant, while pollers come and go",
    ),
    (
        "server.namespace.id",
        "drawn when the namespace is made, as for each embedded server",
    ),
    ("server.namespace.created", "the same namespace, by another hand"),
    (
        "host.hostname",
        "containers and scaled machines are renamed; what they are is compared",
    ),
    ("workers.identities", "they contain process ids"),
];

/// The key of what is drawn. It fixes sleeps, failures and arrivals, so that runs of one seed share whatever is odd about their
/// draw, and the spread between them does not show it. Where each side has several seeds, it does.
pub const SEED: &str = "plan.load.seed";

/// The keys of a run and their values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(pub BTreeMap<String, String>);

impl Conditions {
    /// Everything about a run that must be alike.
    pub fn of(results: &Results) -> Self {
        let mut keys = Keys::default();
        let environment = &results.environment;
        keys.add("plan", &results.plan);
        keys.add("host", &environment.host);
        keys.add("server", &environment.server);
        keys.add("workers", &environment.workers);
        keys.add("cluster", &environment.cluster);
        keys.add("program.version", &results.run.version);
        keys.add("program.gitRevision", &results.run.git_revision);
        keys.add("program.scheduling", &results.generator.scheduling);
        keys.add("measurement.source", &results.reconciliation.source);
        keys.fleet(results);
        keys.that_matter()
    }

    /// What is known of a run before it is made: its plan and its host.
    pub fn before(plan: &Plan, host: &HostFacts) -> Self {
        let mut keys = Keys::default();
        keys.add("plan", plan);
        keys.add("host", host);
        keys.that_matter()
    }

    /// Hash of the keys under the plan but the seed, and of all others but those of the program: what a noise profile belongs
    /// to.
    pub fn fingerprints(&self) -> (String, String) {
        let hash = |chosen: &dyn Fn(&str) -> bool| {
            let mut digest = Sha256::new();
            for (key, value) in self.0.iter().filter(|(key, _)| chosen(key)) {
                // Neither holds a zero byte in JSON's text, so no two sets of keys look alike.
                digest.update(format!("{key}\0{value}\0"));
            }
            let bytes = digest.finalize();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        (
            hash(&|key| covers("plan", key) && key != SEED),
            hash(&|key| !covers("plan", key) && !covers("program", key)),
        )
    }

    /// The value of a key; `none` where it is not there.
    pub fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or(NONE, String::as_str)
    }
}

/// Whether two values of a key say the same. Memory need not be the same to the digit ([`MEMORY_TOLERANCE`]): kernels of
/// equal machines keep back different parts of it. Of several machines, `15.6 GiB | 31.0 GiB`, each must have its like.
pub fn are_alike(key: &str, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let sizes = |text: &str| -> Option<Vec<f64>> {
        let each = text.split(" | ").map(|size| size.strip_suffix(" GiB")?.parse().ok());
        each.collect()
    };
    let have_their_like = |some: &[f64], others: &[f64]| {
        let near = |size: &f64, other: &f64| (size - other).abs() <= MEMORY_TOLERANCE * size.max(*other);
        some.iter().all(|size| others.iter().any(|other| near(size, other)))
    };
    key.ends_with(".memoryBytes")
        && sizes(one)
            .zip(sizes(other))
            .is_some_and(|(some, others)| have_their_like(&some, &others) && have_their_like(&others, &some))
}

/// Whether a key is the named one or lies under it: `plan.load` covers `plan.load.rate`.
pub fn covers(name: &str, key: &str) -> bool {
    key.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[derive(Default)]
struct Keys(BTreeMap<String, String>);

impl Keys {
    fn that_matter(mut self) -> Conditions {
        self.0
            .retain(|key, _| !IGNORED.iter().any(|(ignored, _)| covers(ignored, key)));
        Conditions(self.0)
    }

    fn add(&mut self, key: &str, part: &impl Serialize) {
        // What was read from JSON has a JSON form.
        if let Ok(value) = serde_json::to_value(part) {
            self.flatten(key.to_owned(), &value);
        }
    }

    fn flatten(&mut self, key: String, value: &Value) {
        let text = match value {
            Value::Object(fields) => {
                // A fact: where it was read does not matter.
                if let (2, Some(found), true) = (fields.len(), fields.get("value"), fields.contains_key("source")) {
                    return match found {
                        Value::Null => self.put(key, UNKNOWN.into()),
                        found => self.flatten(key, found),
                    };
                }
                for (name, value) in fields {
                    let name = if name == "dynamicConfig" { "config" } else { name };
                    self.flatten(format!("{key}.{name}"), value);
                }
                return;
            }
            Value::Array(items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| item.as_str().map_or(item.to_string(), str::to_owned))
                    .collect();
                items.join(", ")
            }
            // The same machine tells a few megabytes more or less after each start.
            Value::Number(bytes) if key.ends_with(".memoryBytes") => {
                format!("{:.1} GiB", bytes.as_f64().unwrap_or(0.0) / f64::from(1 << 30))
            }
            Value::String(text) => text.clone(),
            Value::Null => NONE.into(),
            other => other.to_string(),
        };
        self.put(key, text);
    }

    fn put(&mut self, key: String, text: String) {
        self.0.insert(key, text);
    }

    /// The processes apart from the leading one: how many of each role, and what they are. Their names hold process ids; of
    /// each setting all values that occur are told.
    fn fleet(&mut self, results: &Results) {
        for (role, name) in [
            (MemberRole::Generator, "fleet.generator"),
            (MemberRole::Worker, "fleet.worker"),
        ] {
            let members = results
                .fleet
                .members
                .iter()
                .filter(|member| member.role == role && member.is_apart());
            let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            let mut count = 0;
            for member in members {
                count += 1;
                let mut keys = Keys::default();
                keys.add("version", &member.version);
                keys.add("host", &member.host);
                keys.add("tuning", &member.workers);
                keys.0
                    .retain(|key, _| key != "host.hostname" && key != "tuning.identities");
                for (key, value) in keys.0 {
                    values.entry(key).or_default().insert(value);
                }
            }
            if count > 0 {
                self.put(format!("{name}.count"), count.to_string());
            }
            for (key, values) in values {
                let values: Vec<_> = values.into_iter().collect();
                self.put(format!("{name}.{key}"), values.join(" | "));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use benchmark_results::{schema::Fact, testing};

    #[test]
    fn keys_of_a_run() {
        let keys = Conditions::of(&testing::valid());
        let text: String = keys.0.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn keys_of_a_fleet() {
        let keys = Conditions::of(&testing::fleet::run_of(testing::fleet::worker_lost_iteration()));
        let fleet = keys.0.iter().filter(|(key, _)| covers("fleet", key));
        let text: String = fleet.map(|(key, value)| format!("{key} = {value}\n")).collect();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_key_covers_what_lies_under_it() {
        assert!(covers("plan.load", "plan.load.rate") && covers("plan.load.rate", "plan.load.rate"));
        assert!(!covers("plan.load.rate", "plan.load") && !covers("plan.lo", "plan.load"));
    }

    #[test]
    fn memory_need_not_be_the_same_to_the_digit() {
        let alike = |one: &str, other: &str| are_alike("host.memoryBytes", one, other);
        assert!(alike("15.6 GiB", "15.7 GiB") && alike("unknown", "unknown"));
        assert!(!alike("15.6 GiB", "16.0 GiB") && !alike("15.6 GiB", "unknown") && !alike("0.1 GiB", "0.2 GiB"));
        assert!(alike("15.6 GiB | 31.0 GiB", "15.7 GiB | 31.1 GiB"));
        assert!(!alike("15.6 GiB | 31.0 GiB", "15.7 GiB"));
        assert!(!are_alike("host.cores", "15.6 GiB", "15.7 GiB"));
    }

    #[test]
    fn fingerprints_follow_what_they_are_of() {
        let results = testing::valid();
        let (plan, environment) = Conditions::of(&results).fingerprints();
        let mut other = results.clone();
        other.plan.load.seed = 99;
        other.run.version = "9.9.9".into();
        assert_eq!(
            Conditions::of(&other).fingerprints(),
            (plan.clone(), environment.clone())
        );
        other.environment.server.version = Fact::found("1.30.0".into(), "GetSystemInfo");
        assert_eq!(Conditions::of(&other).fingerprints().0, plan);
        assert_ne!(Conditions::of(&other).fingerprints().1, environment);
        other.plan.load.rate = "399".parse().unwrap();
        assert_ne!(Conditions::of(&other).fingerprints().0, plan);
    }
}
