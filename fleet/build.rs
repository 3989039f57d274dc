//! Generates the messages and the service from `proto/fleet.proto`, without a protoc on the machine, and what `src/scan.rs`
//! measures each message by.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

/// Types of fields, as descriptors number them: texts, messages, bytes.
const TEXT: i32 = 9;
const MESSAGE: i32 = 11;
const BYTES: i32 = 12;
/// The label of a repeated field.
const REPEATED: i32 = 3;

#[expect(clippy::disallowed_methods, reason = "a build script is told by its environment")]
fn main() -> Result<(), Box<dyn Error>> {
    const PROTO: &str = "proto/fleet.proto";
    println!("cargo::rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["proto"])?;
    let mut shapes = String::new();
    for message in descriptors.file.iter().flat_map(|file| &file.message_type) {
        let (mut messages, mut columns) = (Vec::new(), Vec::new());
        for field in &message.field {
            let number = field.number();
            match field.r#type {
                Some(MESSAGE) => {
                    let inner = field.type_name().rsplit('.').next().unwrap_or_default();
                    messages.push(format!("{number} {inner}"));
                }
                Some(TEXT | BYTES) => {}
                _ if field.label == Some(REPEATED) => columns.push(number.to_string()),
                _ => {}
            }
        }
        let (messages, columns) = (messages.join(", "), columns.join(", "));
        writeln!(shapes, "measured!({}, [{messages}], [{columns}]);", message.name())?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("shapes.rs"), shapes)?;
    tonic_prost_build::configure()
        .codec_path("crate::codec::FleetCodec")
        .compile_fds(descriptors)?;
    Ok(())
}
