//! A results file in the forms that other tools read: windows for a spreadsheet, an interval log for the tools of
//! HdrHistogram, headline figures for a metrics store.

mod csv;
mod hlog;
mod prometheus;
#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

pub use self::hlog::HlogError;
use self::prometheus::Form;
use benchmark_results::schema::Results;

/// The forms in which a results file can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The one-second windows: comma-separated values with a line of names (RFC 4180, lines end in `\n`).
    Csv,
    /// `start_response` and `e2e_response` over time: HdrHistogram interval log, version 1.3.
    Hlog,
    /// The headline figures: Prometheus' text format, version 0.0.4.
    Prom,
    /// The same at the instant of the run's end: OpenMetrics, version 1.0.
    OpenMetrics,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Csv, Format::Hlog, Format::Prom, Format::OpenMetrics];

    /// The name as typed after `--format`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Hlog => "hlog",
            Format::Prom => "prom",
            Format::OpenMetrics => "openmetrics",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Format::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// A name that no format has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no format to export: csv, hlog, prom or openmetrics")]
pub struct UnknownFormat(String);

/// The results in one of the forms, as a text with a line break at its end.
///
/// # Errors
/// For [`Format::Hlog`], when a histogram or an instant in the file cannot be read; the other forms always can be made.
pub fn export(results: &Results, format: Format) -> Result<String, HlogError> {
    match format {
        Format::Csv => Ok(csv::windows(results)),
        Format::Hlog => hlog::log(results),
        Format::Prom => Ok(prometheus::text(results, Form::Plain)),
        Format::OpenMetrics => Ok(prometheus::text(results, Form::OpenMetrics)),
    }
}
