//! Durations as people write them: `30s`, `1m 30s`, `100ms`.

use std::time::Duration;

/// Serialises a [`Duration`] as text such as `1m 30s`; use with `#[serde(with = "units::duration")]`.
pub mod duration {
    use super::{Duration, format, parse};
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the duration as text.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(*value))
    }

    /// Reads the duration from text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A duration as text, exact to the nanosecond: `1m 30s`.
pub fn format(value: Duration) -> String {
    humantime::format_duration(value).to_string()
}

/// Reads `30s`, `1m30s`, `100ms`; a bare number is refused, since its unit would be a guess.
///
/// # Errors
/// A sentence that shows what a duration looks like.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text)
        .map_err(|_| format!("{text:?} is not a duration: write a unit, as in 500ms, 30s, 5m or 1h30m"))
}
