//! The messages and the service as `proto/fleet.proto` defines them, generated while building.

#![allow(missing_docs, clippy::all, clippy::pedantic)]

tonic::include_proto!("benchmark.fleet.v1");
