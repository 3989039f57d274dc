//! Who executes it: SDK workers, each on its own thread and connection.
