//! Limits of histories and comparisons, each with the reason for its value.

/// Levels of folders below the one that is asked for in which results are looked for. `runs/<run-id>/results.json` is 2.
pub const HISTORY_MAX_DEPTH: usize = 8;

/// Entries of folders that are looked at: a home folder given by mistake ends within a second.
pub const HISTORY_MAX_ENTRIES: usize = 100_000;

/// Files that are read: ten a day for nearly three years.
pub const HISTORY_MAX_FILES: usize = 10_000;

/// Values of one figure that it takes to look for a change in it.
pub const CHANGES_MIN_RUNS: usize = 15;

/// Latest values that tell how much runs differ while nothing changes.
pub const CHANGES_WINDOW: usize = 60;

/// Values since the change before that a change needs: fewer have no level to speak of.
pub const CHANGES_MIN_BEFORE: usize = 5;

/// Values after it that a change needs: one odd run is none, nor are two.
pub const CHANGES_MIN_AFTER: usize = 3;

/// Latest values among which a change is found at [`CHANGES_LEVEL`].
pub const CHANGES_LATEST: usize = 7;

/// Probability of a difference as large between two given stretches of runs that do not differ.
pub const CHANGES_LEVEL: f64 = 0.001;

/// The same for a change that lies further back.
pub const CHANGES_LEVEL_AGAIN: f64 = 0.0001;

/// Correlation that each run may have with the run before, 0 to 1: runs over weeks share disks that fill, neighbours and
/// kernels. Where it is less, changes are found later than they could be.
pub const CHANGES_CORRELATION: f64 = 0.5;

/// How much less likely than the likeliest a place may be at which a figure changes and still be told as one of those where
/// it may have: natural logarithm, for runs with [`CHANGES_CORRELATION`].
pub const CHANGES_PLACE: f64 = 2.0;

/// Largest relative difference between the memory of two machines that are alike: kernels keep back different parts of it.
pub const MEMORY_TOLERANCE: f64 = 0.02;

/// Files of a history that are read at the same time at most.
pub const HISTORY_AT_ONCE: usize = 8;
