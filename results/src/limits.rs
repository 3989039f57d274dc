//! Every limit of this crate, each with the reason for its value.
//!
//! The limits decide between VALID, OVERLOADED and INVALID. They are constants and no options: a verdict that can be
//! tuned until it pleases says nothing. Ratios are shares from 0 to 1 unless the name says otherwise.

use std::time::Duration;

// Histograms

/// Smallest distinguishable latency, microseconds. Clocks and schedulers are coarser than this; what is below is 0.
pub const HISTOGRAM_LOWEST_US: u64 = 1;

/// Largest latency that a histogram holds, microseconds: one hour. Longer ones are recorded as one hour. A start has a
/// deadline of seconds; a workflow of more than an hour is no subject of a load test's percentiles.
pub const HISTOGRAM_HIGHEST_US: u64 = 3_600_000_000;

/// Significant decimal digits of a histogram: 0.1 %, well below what two runs of the same plan differ by.
pub const HISTOGRAM_DIGITS: u8 = 3;

/// Largest text that is decoded as a histogram, bytes. The largest that this crate can write has about 23,500 counts of
/// at most 9 bytes each, and 4/3 of that in base64: under 300 KB even when nothing compresses.
pub const HISTOGRAM_MAX_TEXT: usize = 512 * 1024;

/// Largest inflated histogram, bytes: 40 bytes of header and the counts above. It stops a small text that inflates to
/// gigabytes.
pub const HISTOGRAM_MAX_INFLATED: usize = 256 * 1024;

/// Most samples that a decoded histogram may claim: 50,000/s for over 600 years. It keeps the sums of many histograms
/// far from the end of 64 bits.
pub const HISTOGRAM_MAX_COUNT: u64 = 1_000_000_000_000_000;

/// Samples that must lie beyond a quantile for it to be shown. With fewer, a quantile is the story of a few workflows:
/// with five beyond it, the relative error of their number is already 45 % (1/√5), and no quantile is steadier than the
/// number of samples that it rests on. It makes p99 need 500 samples and p99.9 need 5,000.
pub const SAMPLES_BEYOND_QUANTILE: u64 = 5;

// Names

/// Longest id of a run, characters. Those of today have about 32; it is a part of workflow ids, which servers limit to
/// 1,000, and of file names, which systems limit to 255.
pub const RUN_ID_MAX: usize = 80;

// The shape of the load

/// Largest p99.9 of lag, milliseconds. A pacer on a free core stays below 1 ms; 10 ms is a few time slices of a busy
/// scheduler, and so the mark between a machine that shares its cores (the embedded server does) and one that has no
/// core left. Lag is contained in every response latency, so it makes no latency wrong: the limit is about the
/// load's shape, which beyond it is bunched and no longer the one that was asked for.
pub const LAG_P99_9_MS: f64 = 10.0;

/// Lag that is always too much, milliseconds. At slow rates lag is judged by half the space between two arrivals instead
/// of [`LAG_P99_9_MS`] where that is more: an arrival that is late by less keeps its place among its neighbours, so the
/// shape stands. Beyond a tenth of a second a person would see it in the rate of a single second.
pub const LAG_CEILING_MS: f64 = 100.0;

/// Smallest dispatched ÷ arrivals of the measured phase. The rate is to be reached within 0.1 %; what is missing was
/// dropped.
pub const START_ATTAINMENT: f64 = 0.999;

/// Smallest dispatched ÷ due of a single second. Arrivals that wait over the turn of a second belong to the next one;
/// 10 % of a second is a wait of 100 ms, [`LAG_CEILING_MS`].
pub const WINDOW_ATTAINMENT: f64 = 0.9;

/// Seconds with fewer arrivals due than this are not judged by [`WINDOW_ATTAINMENT`]: one single arrival must not be
/// 10 % of its second.
pub const WINDOW_MIN_DUE: u64 = 20;

/// Share of measured seconds that may miss [`WINDOW_ATTAINMENT`], though one second always may: a single hiccup of the
/// machine is told by the lag, and a load that misses one second in twenty is another load.
pub const SHORT_WINDOW_RATIO: f64 = 0.05;

/// Largest difference of the arrivals from rate × length, as a share. The schedule is exact, so this only leaves room for
/// the phase's edges; [`OFFERED_SLACK`] does so for short runs.
pub const OFFERED_DIFFERENCE: f64 = 0.005;

/// Arrivals by which the offered load may always differ from rate × length: the edges of ramp and phase each round.
pub const OFFERED_SLACK: f64 = 3.0;

/// Standard deviations (√n) by which a Poisson load may differ from rate × length: 5 happen by chance once in two
/// million runs.
pub const POISSON_DEVIATIONS: f64 = 5.0;

/// Share of a second's arrivals that must have waited at the cap on unanswered starts for the cap to count as reached: what
/// makes a second short of [`WINDOW_ATTAINMENT`].
pub const CAP_REACHED: f64 = 0.1;

/// Share of measured seconds in which the cap may be reached. A stall of the server fills the cap for a moment and the
/// response latency tells; more than one second in twenty is a server that does not follow.
pub const CAP_WINDOW_RATIO: f64 = 0.05;

// The generator's machine

/// Largest CPU share of the generator's process, of its cores or quota. Queueing grows as 1/(1 − use): at 70 % work waits
/// about twice its own time, beyond it the generator's own waiting shows in what it measures.
pub const CPU_SHARE: f64 = 0.70;

/// Largest use of one core by a single thread. A thread cannot use two: at 90 % it stalls whatever depends on it, while
/// the process as a whole still looks idle.
pub const BUSIEST_THREAD: f64 = 0.90;

/// Share of the time in which a thread that keeps the schedule waited for a CPU that is worth a warning. It was ready to
/// send or to take an answer and could not: that time is in the latencies, and on one start in twenty it shows in p95.
pub const CPU_WAIT_WARNING: f64 = 0.05;

/// Share of the time in which a thread that keeps the schedule waited for a CPU that is too much: at a tenth, p90
/// describes the queue for the CPU. It also tells a generator that was starved apart from a server that was slow, which
/// look the same from the cap on unanswered starts.
pub const CPU_WAIT: f64 = 0.10;

/// Share of the control group's periods throttled that is worth a warning: p99 rests on 1 % of the time.
pub const THROTTLED_WARNING: f64 = 0.01;

/// Share of the control group's periods throttled that is too much. A throttled period stops all threads for up to 100 ms;
/// when one in ten does, p90 describes the quota.
pub const THROTTLED: f64 = 0.10;

/// Share of CPU time taken by the hypervisor that is worth a warning: shared machines lose this much now and then, and
/// where it hurts the schedule the lag shows it.
pub const STEAL_WARNING: f64 = 0.02;

/// Share of CPU time taken by the hypervisor that is too much: with a tenth of the machine gone, run and rerun are not
/// on the same machine.
pub const STEAL: f64 = 0.10;

/// Share of the machine's CPU time that other programs had from which it is worth a warning: what they do comes in bursts, and
/// in a burst of theirs that takes a core for 5 % of the time, p95 shows it.
pub const OTHERS_WARNING: f64 = 0.05;

/// Share of the machine's CPU time that other programs had which is too much beside an embedded server, where less than
/// [`OTHERS_IDLE`] was left: server, workers and generator then queued for the cores behind strangers.
pub const OTHERS: f64 = 0.20;

/// Share of the machine's CPU time that nobody had from which there was room for everybody.
pub const OTHERS_IDLE: f64 = 0.10;

/// Unanswered starts on one HTTP/2 connection from which some may wait for a free stream. 100 is the number that RFC 9113
/// recommends as the least, what many proxies set, and what clients assume until they are told. Temporal's own server
/// sets no limit, so this is a warning and no verdict: beyond it part of `start_service` may be the client's own queue.
pub const STREAMS_PER_CONNECTION: u64 = 100;

/// Share of the starts that waited in the generator for a connection or a free stream of one, above which part of
/// `start_service` is the generator's own queue: a hundredth of the starts is where a p99 begins to be theirs.
pub const STARTS_WAITED: f64 = 0.01;

/// Share of the host's calibrated ceiling from which a warning is due: the ceiling was found against a frontend that does
/// nothing, while a real run also receives completions and runs workers.
pub const SHARE_OF_CEILING: f64 = 0.70;

// The fleet

/// Mean CPU share of a worker process, of its cores or quota, that is worth a warning: [`CPU_SHARE`], and for the same
/// reason. A worker may be busier than a generator before it is the limit, since others take what it does not poll for.
pub const WORKER_CPU_WARNING: f64 = 0.70;

/// Mean CPU share of a worker process at which it counts as the limit. At 85 % work waits nearly six times its own time
/// (use ÷ (1 − use)), and a process that is at 85 % over minutes is at 100 % in many of their seconds.
pub const WORKER_CPU: f64 = 0.85;

/// Share of the measured seconds in which the workers may have no free slot of a kind, though one second always may: the
/// rule of [`CAP_WINDOW_RATIO`], for the same kind of stall on the other side.
pub const NO_SLOTS_RATIO: f64 = 0.05;

/// Entries of use within the measured phase that a member is judged by at least: one or two may be those in which it
/// connected.
pub const USAGE_MIN_ENTRIES: usize = 3;

/// How long a member's last word on its slots holds at least, seconds; twice the time between its entries where that is
/// more, as in runs of hours. Entries are a second apart otherwise, so a member that says nothing for longer is silent.
pub const USAGE_HOLDS_SECONDS: f64 = 10.0;

/// Ratio of a member's p50 or p99 to that of the member in the middle beyond which it is shown as slow: [`HALVES_RATIO`],
/// between machines instead of between halves.
pub const SLOW_MEMBER: f64 = 1.5;

/// Difference between them, milliseconds, below which no member is slow: [`HALVES_MIN_MS`].
pub const SLOW_MEMBER_MIN_MS: f64 = 5.0;

/// Longest phase that is looked at second by second, seconds: 30 days.
pub const LONGEST_PHASE_SECONDS: f64 = 2_592_000.0;

/// Largest share of the reported e2e p50 that the clocks may be wrong by. Of runs that are compared, 5 % is what one can
/// hope to tell apart; an error of the clocks is the same for every workflow, so repeating does not show it.
pub const CLOCK_SHARE: f64 = 0.05;

/// Share of the measured phase by which the times at which the server says that workflows ended may be off for a rate of
/// them to stand. A phase that is looked for a hundredth beside where it was has at most a hundredth too few or too many,
/// which is within what two runs of one plan differ by.
pub const CLOSE_TIMES_SHIFT: f64 = 0.01;

/// Ends this close to the cut-off may be counted on either side of it: the server writes down the end of a workflow a little
/// after the worker told it, and its clock is known only so well.
pub const CUT_OFF_NEAR: Duration = Duration::from_secs(1);

// Steadiness

/// Growth of the backlog, as a share of the rate, that says that the cluster does not follow. 2 % of the rate not carried
/// is a queue that grows for ever; less cannot be told from the noise of a run of minutes.
pub const BACKLOG_SLOPE: f64 = 0.02;

/// How many times larger than the scatter around the fitted line the fitted growth must be. White noise gives
/// √(12/n) of it (0.7 for 24 seconds), one stall at the end of the phase at most 2, a real ramp more than 5.
pub const BACKLOG_SIGNIFICANCE: f64 = 3.0;

/// Growth of the backlog, in workflows, below which nothing is concluded.
pub const BACKLOG_MIN_GROWTH: f64 = 5.0;

/// Seconds that a fitted line needs at least.
pub const BACKLOG_MIN_WINDOWS: usize = 5;

/// Largest relative difference between the mean backlog and rate × mean time (Little's law). The law is exact; the backlog
/// is seen once a second only, hence the room, besides three standard errors and [`LITTLE_SLACK`].
pub const LITTLE_DIFFERENCE: f64 = 0.20;

/// Difference from Little's law, in workflows, that is always allowed: seen at the same point of every arrival's interval,
/// an even load looks up to one workflow smaller or larger than it is; acknowledgement and end may cross.
pub const LITTLE_SLACK: f64 = 3.0;

/// Smallest backlog that Little's law is tried on: below, [`LITTLE_SLACK`] allows everything.
pub const LITTLE_MIN_BACKLOG: f64 = 10.0;

/// Most that the backlog may change over the phase, as a share of its mean, for Little's law to be tried: it holds for a
/// steady system.
pub const LITTLE_STEADY: f64 = 0.20;

/// Largest mean time in the system as a share of the measured phase for Little's law to be tried: else what is measured
/// and what is waiting are different workflows.
pub const LITTLE_MAX_RESIDENCE: f64 = 0.25;

/// Share of accepted workflows that may have no measured end for Little's law to be tried: their time is not known.
pub const LITTLE_MAX_OPEN: f64 = 0.01;

/// Ratio between the two halves' medians of `e2e_response` beyond which they differ: run-to-run noise of a small server is
/// 10 to 30 %.
pub const HALVES_RATIO: f64 = 1.5;

/// Difference between the two halves' medians, milliseconds, below which nothing is concluded: the noise of fast
/// workflows on a shared machine.
pub const HALVES_MIN_MS: f64 = 5.0;

/// Seconds with a median that each half needs at least.
pub const HALVES_MIN_WINDOWS: usize = 3;

// The account

/// Share of starts refused for lack of resources, or for any cause that load has, beyond which the cluster counts as
/// overloaded: the default of `--max-error-ratio`.
pub const REJECTED_OVERLOAD: f64 = 0.001;

/// Share of starts refused because they were wrong in themselves (no such namespace, not permitted, an id used twice)
/// beyond which the run is no measurement: p99 rests on 1 % of the starts.
pub const REJECTED_WRONG: f64 = 0.01;

/// Share of accepted workflows still open after the drain beyond which the cluster counts as overloaded. The slowest are
/// the ones missing, so quantiles beyond this share are too small: with more than 1 %, p99 is.
pub const OPEN_AFTER_DRAIN: f64 = 0.01;

/// Share of the ends whose instants may be such as cannot be. A clock that was set once is seen in some; more than one in a
/// thousand is in the 99.9th percentile.
pub const IMPLAUSIBLE: f64 = 0.001;

/// Share of the sample's stamps that may be early (they leave out three quarters of the time that the workflow took by the
/// server). A server that stands still for a moment makes a few of these honestly; of one in ten no stall is the reason,
/// and p90 rests on them.
pub const STAMPED_EARLY: f64 = 0.10;

/// Early stamps below which nothing is concluded: a sample of ten workflows has one in ten by a single stall.
pub const STAMPED_EARLY_MIN: u64 = 5;

/// Share of ends that no worker stamped beyond which end-to-end latencies cannot be believed; they miss those workflows,
/// and p99 rests on 1 %.
pub const NOT_STAMPED: f64 = 0.01;

/// Share of ends that were stamped more than once beyond which end-to-end latencies cannot be believed. The server refused
/// the first of these ends, usually since a workflow task had timed out, and the first stamp is what counts: such a latency
/// is too small by the second execution, and p99 rests on 1 %.
pub const STAMPED_TWICE: f64 = 0.01;

/// Share of the sample's ends that may be missing for end-to-end latencies to stand where the sample is what times them. The
/// missing ones are the slow ones, and p99 rests on 1 %.
pub const SAMPLE_MISSING: f64 = 0.01;

// The diagnosis

/// Findings that are told of a run: the strongest is what to do next, and a fourth would be another run's.
pub const FINDINGS: usize = 3;

/// 95th percentile of a task's wait for a worker, milliseconds, above which the wait is one: the mark that Temporal's own
/// guide to scaling aims below.
pub const SCHEDULE_TO_START_MS: f64 = 150.0;

/// Share of tasks handed on without being stored below which pollers were missing when tasks came: Temporal's guide to
/// workers asks for 95 %, better 99.
pub const SYNC_MATCH: f64 = 0.95;

/// Share of polls that came back with a task above which hardly one waited for a task: the tasks waited for polls.
pub const POLLS_BUSY: f64 = 0.95;

/// Share of polls that came back with a task below which, tasks being fetched in time, one poll in five is idle: the same
/// guide asks for more than 90 %, and autoscaled pollers stay between the two.
pub const POLLS_IDLE: f64 = 0.80;

/// Share of the requests that were refused from which a server's limit outweighs what else was found: p99 rests on 1 %.
pub const EXHAUSTED_HEAVY: f64 = 0.01;

/// Fill of the fullest replica's pool of connections at which it is full: its mean over the window, which reaches 95 % only
/// when it hardly ever had one free.
pub const POOL_FULL: f64 = 0.95;

/// Mean fill of all replicas' pools below which a full one stands alone: there is room, in other places.
pub const POOL_ELSEWHERE: f64 = 0.70;

/// 95th percentile of the wait for a shard's lock, milliseconds, above which shards are too few for the rate: Temporal's
/// guide to scaling aims below it, with about 1 ms where there are enough.
pub const SHARD_LOCK_MS: f64 = 5.0;

/// Share of a start's time in the frontend that its write to the database takes above which the database is what there is to
/// be won at, however fast it is: less than half of what is left would come from anything else. A quiet dev server is far
/// below: 1.6 ms of 4.9 at 5 starts a second, 3.5 of 9.1 at 100.
pub const DATABASE_SHARE: f64 = 0.60;

/// Difference between a start as the generator and as the frontend saw it, 95th percentiles in milliseconds, above which
/// something lies between them: a round trip between continents, and more than the server's buckets leave open.
pub const BETWEEN_MS: f64 = 50.0;

/// Share of the generator's figure that the difference must be besides.
pub const BETWEEN_SHARE: f64 = 0.5;

/// Workflows that a cache had no room for, for each workflow task, above which the cache is too small: each costs the
/// replay of its history, and p99 rests on 1 %.
pub const EVICTIONS: f64 = 0.01;

/// Share of a DSQL cluster's transactions that met a conflict above which keys are contended for: each is done again, and
/// what is left to do again grows with itself.
pub const DSQL_CONFLICTS: f64 = 0.05;

// Files

/// Entries of all members' use over time that a file keeps; neighbours become one beyond it. Five minutes of 100 members
/// fit second by second. An entry has about 400 bytes, so these are 16 MB of a file that is written several times a run.
pub const USAGE_ENTRIES: usize = 40_000;

/// Largest results file that is read, bytes: two weeks of one-second windows, at about 420 bytes each. A day is 36 MB.
pub const RESULTS_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Deepest nesting of lists and objects in a results file. The schema's deepest place is 8.
pub const RESULTS_MAX_DEPTH: usize = 32;

/// Longest text in a results file, bytes as they stand in it: twice the longest histogram ([`HISTOGRAM_MAX_TEXT`]).
pub const RESULTS_MAX_TEXT: usize = 2 * HISTOGRAM_MAX_TEXT;

/// Names and values in `windows`: two weeks of seconds at 37 each. Few characters can become many bytes in memory, up to
/// 24 for an empty text of 3, so the size of a file alone does not bound what reading it takes; this and the two limits
/// below hold that under 600 MB besides the file's own text.
pub const WINDOWS_MAX_TOKENS: u64 = 48_000_000;

/// Names and values in `fleet`, `iterations`, `intervals` and `serverFigures`: [`USAGE_ENTRIES`] of 23 each and over a
/// thousand members of 200, or 2,000 iterations of 1,500.
pub const SERIES_MAX_TOKENS: u64 = 4_000_000;

/// Names and values in every other part of a results file. Plans, facts and errors have hundreds.
pub const SECTION_MAX_TOKENS: u64 = 250_000;

/// Largest figure in a results file outside of its plan (whose seed may be any number), and smallest with a minus:
/// [`HISTOGRAM_MAX_COUNT`], so that sums of thousands of them stay within 64 bits.
pub const LARGEST_FIGURE: f64 = HISTOGRAM_MAX_COUNT as f64;

/// Latest second of a run that a results file may speak of, from the run's beginning: 115 days. What lays seconds out in
/// memory can rely on it.
pub const LATEST_SECOND: u64 = 10_000_000;

/// Longest duration in a plan that is read: ten years. Sums of a few of them stay far from the end of a `Duration`.
pub const PLAN_LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Largest relative difference between a quantile that stands in a file and the one that follows from the histogram beside
/// it: two steps of [`HISTOGRAM_DIGITS`].
pub const QUANTILE_DIFFERENCE: f64 = 0.002;

/// [`CLOSE_TIMES_SHIFT`] of a phase of so many seconds, milliseconds.
pub fn close_times_ms(seconds: f64) -> f64 {
    seconds * 1e3 * CLOSE_TIMES_SHIFT
}

/// Limit of lag, milliseconds, for arrivals that are `spacing` apart; see [`LAG_P99_9_MS`] and [`LAG_CEILING_MS`].
pub fn lag_limit_ms(spacing: Duration) -> f64 {
    (spacing.as_secs_f64() * 1000.0 / 2.0).clamp(LAG_P99_9_MS, LAG_CEILING_MS)
}
