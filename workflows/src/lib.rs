//! What is executed: the workflow and activity definitions and their names on the wire.
