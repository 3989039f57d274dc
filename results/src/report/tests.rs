//! Reports of whole runs.
