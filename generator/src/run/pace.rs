//! Pace of the refreshes: how often the results so far are written down.
//!
//! A refresh costs what is measured: its copies and encodings take CPU from the machine of the generator, its file the disk.
//! Both grow with the run, so the time between two refreshes grows with them.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The shortest time between two refreshes.
pub const SHORTEST: Duration = Duration::from_secs(5);

/// A refresh may take this share of a core, 1 %. Time that it waits, for the disk or for a core, takes nothing from anybody.
const SHARE: u32 = 100;

/// Bytes a second that refreshes may write in the mean.
const BYTES_A_SECOND: u64 = 1_000_000;

/// How long to wait after a refresh that took this much CPU time and left this many bytes.
pub fn pause(cpu: Duration, bytes: u64) -> Duration {
    let for_disk = Duration::from_millis(bytes.saturating_mul(1_000) / BYTES_A_SECOND);
    SHORTEST.max(cpu.saturating_mul(SHARE)).max(for_disk)
}

/// CPU time that this thread has used.
pub fn thread_cpu() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_are_refreshed_every_few_seconds() {
        assert_eq!(pause(Duration::from_millis(20), 300_000), SHORTEST);
        assert_eq!(pause(Duration::from_millis(50), 5_000_000), SHORTEST);
    }

    #[test]
    fn a_refresh_takes_a_hundredth_of_a_core() {
        assert_eq!(pause(Duration::from_millis(700), 0), Duration::from_secs(70));
        assert_eq!(pause(Duration::MAX, 0), Duration::MAX);
    }

    #[test]
    fn the_disk_gets_a_megabyte_a_second() {
        assert_eq!(pause(Duration::from_millis(60), 50_000_000), Duration::from_secs(50));
        assert!(pause(Duration::ZERO, u64::MAX) > Duration::from_secs(1_000_000));
    }

    /// A day at a growing file: what is written stays within the mean, with the file at its largest from the beginning.
    #[test]
    fn a_day_writes_less_than_a_tenth_of_a_terabyte() {
        let (mut at, mut written) = (Duration::ZERO, 0_u64);
        while at < Duration::from_secs(86_400) {
            let bytes = 60_000_000 * at.as_secs() / 86_400;
            written += bytes;
            at += pause(Duration::from_millis(20 + bytes / 100_000), bytes);
        }
        assert!(written < 100_000_000_000, "{written}");
    }
}
