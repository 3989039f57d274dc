//! Generates the messages and the service from `proto/fleet.proto`, without a protoc on the machine.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    const PROTO: &str = "proto/fleet.proto";
    println!("cargo::rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["proto"])?;
    tonic_prost_build::configure()
        .codec_path("crate::codec::FleetCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
