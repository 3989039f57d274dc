//! `RESOURCE_EXHAUSTED`, limits of a server that was asked for too much: which there are, and what sets them.

/// The dynamic configuration that sets a limit, by the service that refused, the cause and the scope; `None` where it is no
/// single one. Of server 1.29.
pub(super) fn key(service: &str, cause: &str, scope: &str) -> Option<String> {
    let of_namespace = scope == "Namespace";
    match (cause, service) {
        ("RpsLimit", "frontend") if of_namespace => Some("frontend.namespaceRPS".to_owned()),
        ("RpsLimit", "history" | "matching" | "frontend") => Some(format!("{service}.rps")),
        ("ConcurrentLimit", _) => Some("frontend.namespaceCount".to_owned()),
        ("PersistenceLimit", "history" | "matching" | "frontend" | "worker") => Some(format!(
            "{service}.{}",
            if of_namespace {
                "persistenceNamespaceMaxQPS"
            } else {
                "persistenceMaxQPS"
            }
        )),
        _ => None,
    }
}

/// What a cause is, in words.
pub(super) fn words(cause: &str) -> &str {
    match cause {
        "RpsLimit" => "requests a second",
        "ConcurrentLimit" => "requests at the same time",
        "PersistenceLimit" => "calls of the database a second",
        "PersistenceStorageLimit" => "the database's own limit",
        "SystemOverloaded" => "the server says that it is overloaded",
        "BusyWorkflow" => "single workflows that were busy",
        "ApsLimit" => "actions a second",
        "OpsLimit" => "operations a second",
        "CircuitBreakerOpen" => "an open circuit breaker",
        "" => "no cause told",
        other => other,
    }
}

/// Requests to one workflow at the same time; not a limit of the cluster.
pub(super) const BUSY_WORKFLOW: &str = "BusyWorkflow";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_the_key_that_sets_it() {
        for (service, cause, scope, expected) in [
            ("frontend", "RpsLimit", "Namespace", Some("frontend.namespaceRPS")),
            ("frontend", "RpsLimit", "System", Some("frontend.rps")),
            ("history", "RpsLimit", "System", Some("history.rps")),
            (
                "frontend",
                "ConcurrentLimit",
                "Namespace",
                Some("frontend.namespaceCount"),
            ),
            (
                "history",
                "PersistenceLimit",
                "System",
                Some("history.persistenceMaxQPS"),
            ),
            (
                "matching",
                "PersistenceLimit",
                "Namespace",
                Some("matching.persistenceNamespaceMaxQPS"),
            ),
            ("history", "BusyWorkflow", "Namespace", None),
            ("frontend", "", "", None),
        ] {
            assert_eq!(key(service, cause, scope).as_deref(), expected);
        }
    }
}
