//! How the benchmark speaks to a Temporal server: connections, namespaces, counts, clean-up, an embedded server.
