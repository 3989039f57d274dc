//! A rate in thousandths of a start a second.
//!
//! An integer, because the schedule computes the billionth arrival from the rate and a float would have to be read back
//! as the number that was typed: 333.3/s is exactly 333,300 thousandths and nothing near it.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Starts a second, exact to one thousandth, from 0.1 to 50,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    thousandths: u64,
}

/// Why a text or a number is not a [`Rate`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given} is not a rate: a number from 0.1 to 50000 starts a second, with at most three decimals")]
pub struct RateError {
    given: String,
}

impl Rate {
    /// The smallest rate, 0.1/s: one start every ten seconds.
    pub const MIN: Rate = Rate { thousandths: 100 };
    /// The largest rate of one schedule, 50,000/s.
    pub const MAX: Rate = Rate {
        thousandths: 50_000_000,
    };

    /// A rate from thousandths of a start a second.
    ///
    /// # Errors
    /// When it lies outside [`Rate::MIN`] to [`Rate::MAX`].
    pub fn from_thousandths(thousandths: u64) -> Result<Self, RateError> {
        let rate = Rate { thousandths };
        if (Self::MIN..=Self::MAX).contains(&rate) {
            Ok(rate)
        } else {
            Err(RateError {
                given: rate.to_string(),
            })
        }
    }

    /// The rate in thousandths of a start a second: exact.
    pub fn thousandths(self) -> u64 {
        self.thousandths
    }

    /// The rate in starts a second, for figures and texts; the schedule uses [`Rate::thousandths`].
    pub fn per_second(self) -> f64 {
        self.thousandths as f64 / 1000.0
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let refuse = || RateError { given: text.to_owned() };
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return Err(refuse());
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 3 || whole.len() > 9 {
            return Err(refuse());
        }
        let number = |part: &str| if part.is_empty() { Ok(0) } else { part.parse::<u64>() };
        let whole = number(whole).map_err(|_| refuse())?;
        let fraction = number(&format!("{fraction:0<3}")).map_err(|_| refuse())?;
        Rate::from_thousandths(whole * 1000 + fraction).map_err(|_| refuse())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.thousandths / 1000, self.thousandths % 1000);
        if fraction == 0 {
            write!(f, "{whole}")
        } else {
            write!(f, "{whole}.{}", format!("{fraction:03}").trim_end_matches('0'))
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.per_second())
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        number.to_string().parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number", "minimum": 0.1, "maximum": 50_000,
            "description": "Starts a second, exact to one thousandth."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        for (text, thousandths) in [
            ("400", 400_000),
            ("0.1", 100),
            ("333.3", 333_300),
            (" 25.0 ", 25_000),
            ("50000", 50_000_000),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().thousandths(), thousandths, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_rate() {
        for text in [
            "0",
            "-1",
            "NaN",
            "inf",
            "1e12",
            "",
            ".",
            "0.05",
            "50000.001",
            "0.1234",
            "1_000",
            "99999999999999999999",
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(error.contains("0.1 to 50000"), "{text}: {error}");
        }
    }

    #[test]
    fn survives_a_round_trip_through_json() {
        for thousandths in [100, 333_300, 333_333, 25_000, 49_999_999] {
            let rate = Rate::from_thousandths(thousandths).unwrap();
            let json = serde_json::to_string(&rate).unwrap();
            assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate, "{json}");
        }
    }
}
