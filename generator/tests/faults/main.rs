//! Faults between the program and its server.

mod proxy;
