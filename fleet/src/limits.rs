//! Limits on a peer: what it may send, how long it may be silent, what is kept of it.

use std::time::Duration;

/// Version of the protocol in `proto/fleet.proto` and of the header of starts, by which workers know what they stamp. A
/// leader takes in no member that speaks another.
pub const PROTOCOL: u32 = 3;

/// A member that was not heard for this long is silent. Members exchange at least twice a second.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);
/// A member that was not heard for this long is lost.
pub const LOST_AFTER: Duration = Duration::from_secs(30);
/// What two clocks may drift apart, parts per million (RFC 5905 reckons with 15 for one clock).
pub const DRIFT_PPM: u64 = 30;

/// Bytes of one message. Members send half of it, unless a single window is larger.
pub const MESSAGE_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of a message that carries a single large window. The leader takes one of these at a time.
pub const LARGE_MESSAGE_BYTES: usize = 13 * 1024 * 1024;
/// Bytes of encoded windows that a member puts into one exchange, unless a single window is larger.
pub const EXCHANGE_BYTES: usize = 1024 * 1024;
/// Windows of one exchange.
pub const EXCHANGE_WINDOWS: usize = 256;
/// Bytes of one window. A larger one is given up by the member, for no exchange could carry it.
pub const WINDOW_BYTES: usize = 12 * 1024 * 1024;
/// Ends of one window, and arrivals of one window of a generator.
pub const WINDOW_ENTRIES: usize = 1 << 20;

/// Bytes of a member's key.
pub const KEY_BYTES: usize = 16;
/// Bytes of a member's name.
pub const NAME_BYTES: usize = 256;
/// Bytes of a program's version.
pub const VERSION_BYTES: usize = 128;
/// Hexadecimal digits of a plan's hash.
pub const HASH_DIGITS: std::ops::RangeInclusive<usize> = 6..=128;
/// Bytes of the facts of a machine, and of the options of workers, as JSON.
pub const FACTS_BYTES: usize = 32 * 1024;
/// Entries of a list of facts that are kept.
pub const FACTS_ENTRIES: usize = 64;
/// Bytes of a text of facts that are kept.
pub const TEXT_BYTES: usize = 1024;
/// Characters of a reason that are kept.
pub const REASON_CHARS: usize = 1024;
/// Bytes of why a workflow did not complete.
pub const END_MESSAGE_BYTES: usize = 1024;

/// Members that one leader remembers, those that left among them.
pub const MEMBERS: usize = 4096;
/// Events of one run that are told; of more, only the number is. Nine values each in a results file, which a reader
/// takes 250,000 of.
pub const EVENTS: usize = 2_000;
/// How many of them may be of strangers, who make as many as they like.
pub const REFUSALS: usize = 200;
/// Samples of a member's usage that are kept.
pub const USAGE_SAMPLES: usize = 3600;

/// Connections of members that the service has open at one time.
pub const CONNECTIONS: usize = 4096;
/// Connections of peers that have not made a call yet that was answered. When there are more, the oldest goes.
pub const STRANGERS: usize = 64;
/// Calls of one connection at one time. A member makes one.
pub const CALLS_OF_A_CONNECTION: u32 = 4;
/// Calls at one time, over all connections: each may hold a message, decoded.
pub const CALLS: usize = 16;
/// How long a peer may be connected without having made a call that was answered.
pub const WELCOME: Duration = Duration::from_secs(10);
/// How long a process waits that is refused because the run is over, before it asks for the next one.
pub const NEXT_RUN: Duration = Duration::from_secs(2);
/// How long a member waits for an answer, unless it is told otherwise.
pub const CALL: Duration = Duration::from_secs(5);
/// How long the service spends on one call, receiving included. More than members wait, so that they decide.
pub const CALL_AT_THE_LEADER: Duration = Duration::from_secs(15);
/// How long a TCP connection and its TLS may take to come about.
pub const CONNECT: Duration = Duration::from_secs(5);
/// How often a connection is probed while nothing is said, and how long the answer may take.
pub const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));
