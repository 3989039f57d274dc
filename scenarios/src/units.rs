//! Quantities as people write them: durations (`30s`, `1m 30s`, `100ms`), shares (`2%`) and sizes (`64KiB`).

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

/// Reads `30s`, `1m30s`, `100ms`, and decimals as Go writes them (`1.5h`); a bare number is refused, since its unit would
/// be a guess.
///
/// # Errors
/// A sentence that shows what a duration looks like.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text)
        .ok()
        .or_else(|| decimal_duration(text))
        .ok_or_else(|| format!("{text:?} is not a duration: write a unit, as in 500ms, 30s, 5m or 1h30m"))
}

/// A duration in Go's notation: decimals, each with a unit, one after the other.
fn decimal_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut nanos = 0u128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(unit_at);
        let unit_ends = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, next) = tail.split_at(unit_ends);
        let unit = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        nanos = nanos.checked_add(scale(number, unit)?)?;
        rest = next;
    }
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

/// A plain decimal times a whole unit, what is smaller than one cut off; exact, since no float is involved.
fn scale(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = plain_decimal(number)?;
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Thirteen decimals of an hour are less than a nanosecond.
    let fraction = fraction.get(..13).unwrap_or(fraction);
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let ten = 10u128.pow(fraction.len() as u32);
    whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)? / ten)
}

/// The digits before and after the point of a number without sign, exponent or anything else.
fn plain_decimal(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let present = !(whole.is_empty() && fraction.is_empty());
    (present && digits(whole) && digits(fraction)).then_some((whole, fraction))
}

/// Reads a plain decimal number: no sign, no exponent, no `NaN` or `inf`.
pub fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    plain_decimal(text)?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Reads a share: `2%` or `0.02`.
pub fn parse_ratio(text: &str) -> Option<f64> {
    let text = text.trim();
    let ratio = match text.strip_suffix('%') {
        // Shifting the point in the text gives the float nearest to the share, which dividing by 100 may miss.
        Some(percent) => {
            let percent = percent.trim_end();
            plain_decimal(percent)?;
            format!("{percent}e-2").parse().ok()?
        }
        None => parse_number(text)?,
    };
    (0.0..=1.0).contains(&ratio).then_some(ratio)
}

/// A share as people read it: `2%`, `0.1%`.
pub fn format_ratio(ratio: f64) -> String {
    let percent = format!("{ratio}e2").parse::<f64>().unwrap_or(ratio * 100.0);
    format!("{percent}%")
}

/// Units of sizes, largest first.
const SIZES: [(&str, u64); 4] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("MB", 1_000_000), ("kB", 1_000)];

/// Reads a number of bytes: `512`, `64KiB`, `1MiB`, `10kB`.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = SIZES
        .iter()
        .find_map(|(name, unit)| Some((text.strip_suffix(name)?, *unit)))
        .unwrap_or((text.strip_suffix('B').unwrap_or(text), 1));
    let number = number.trim_end();
    let whole = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    whole.then(|| number.parse::<u64>().ok()?.checked_mul(unit)).flatten()
}

/// A number of bytes as people read it: exact, in the largest binary unit that divides it.
pub fn format_bytes(bytes: u64) -> String {
    match SIZES
        .iter()
        .take(2)
        .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit))
    {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_of_people_and_of_go() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("1m 30s", 90_000),
            ("5m0s", 300_000),
            ("1.5h", 5_400_000),
            ("0.25s", 250),
            (".5s", 500),
            ("1h0m0.5s", 3_600_500),
        ] {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(millis), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in [
            "",
            "5",
            "-5s",
            "NaN",
            "inf",
            "1e12",
            "1e12s",
            "s",
            ".s",
            "5 parsecs",
            "99999999999999999999h",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_shares_exactly() {
        for (text, ratio) in [
            ("2%", 0.02),
            ("0.02", 0.02),
            ("0.1%", 0.001),
            ("100%", 1.0),
            ("0", 0.0),
            ("7 %", 0.07),
        ] {
            assert_eq!(parse_ratio(text), Some(ratio), "{text}");
        }
        for text in ["", "%", "-1%", "101%", "2", "NaN", "1e-2", "inf%", "+1%"] {
            assert_eq!(parse_ratio(text), None, "{text}");
        }
        for text in ["2%", "0.1%", "7%", "100%", "0%"] {
            assert_eq!(format_ratio(parse_ratio(text).unwrap()), text);
        }
    }

    #[test]
    fn reads_sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("64KiB", 65_536),
            ("1MiB", 1 << 20),
            ("10kB", 10_000),
            ("5 B", 5),
        ] {
            assert_eq!(parse_bytes(text), Some(bytes), "{text}");
        }
        for text in ["", "B", "-1", "1.5KiB", "1GiB", "1e3", "99999999999999999999"] {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
        assert_eq!(format_bytes(65_536), "64KiB");
        assert_eq!(format_bytes(0), "0B");
        assert_eq!(format_bytes(1000), "1000B");
    }
}
