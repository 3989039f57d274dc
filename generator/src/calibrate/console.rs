//! Console of a calibration, which shows it while it goes on: a row for each rate, and below them, on a terminal, how
//! far the current one is.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use benchmark_scenarios::Rate;

use super::{Calibration, CalibrationStep, Witness, table};
use crate::run::submission::Submission;

/// How often the line about the current rate changes: people cannot read faster.
const RENEWED: Duration = Duration::from_millis(500);

/// Clears the line that the cursor is in, and returns to its beginning (ECMA-48: EL).
const CLEAR: &str = "\r\u{1b}[2K";

/// Where a calibration is shown.
pub struct Console<'a> {
    rows: &'a mut dyn Write,
    progress: Option<&'a mut dyn Write>,
    begun: bool,
    renewed: Option<Instant>,
    failed: io::Result<()>,
}

impl<'a> Console<'a> {
    /// Writes rows to one place and, where there is a terminal for it, the line about the current rate to another.
    pub fn new(rows: &'a mut dyn Write, progress: Option<&'a mut dyn Write>) -> Self {
        Console {
            rows,
            progress,
            begun: false,
            renewed: None,
            failed: Ok(()),
        }
    }

    /// The sentence at the end. `given` says that only given rates were measured.
    pub fn conclude(&mut self, calibration: &Calibration, given: bool) {
        self.clear();
        self.write(&table::conclusion(calibration, given));
    }

    fn write(&mut self, text: &str) {
        let written = self.rows.write_all(text.as_bytes()).and_then(|()| self.rows.flush());
        // A calibration goes on without a reader; the first error is the one to tell.
        if self.failed.is_ok() {
            self.failed = written;
        }
    }

    /// Whether all rows could be written.
    ///
    /// # Errors
    /// The first time that the system refused.
    pub fn written(self) -> io::Result<()> {
        self.failed
    }

    /// Removes the line about the current rate.
    pub fn clear(&mut self) {
        if let (Some(progress), Some(_)) = (&mut self.progress, self.renewed.take()) {
            let _ = progress.write_all(CLEAR.as_bytes()).and_then(|()| progress.flush());
        }
    }
}

impl Witness for Console<'_> {
    fn progress(&mut self, rate: Rate, submission: &Submission) {
        if let Some(progress) = &mut self.progress
            && self.renewed.is_none_or(|renewed| renewed.elapsed() >= RENEWED)
        {
            let line = format!("{CLEAR}{}", table::progress(rate, submission));
            let _ = progress.write_all(line.as_bytes()).and_then(|()| progress.flush());
            self.renewed = Some(Instant::now());
        }
    }

    fn tried(&mut self, step: &CalibrationStep) {
        self.clear();
        let head = if std::mem::replace(&mut self.begun, true) {
            ""
        } else {
            table::HEAD
        };
        self.write(&format!("{head}{}", table::row(step)));
    }
}
