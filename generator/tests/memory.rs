//! A hostile message costs bounded memory: 200 kB of whatever a stranger writes, from its bytes to the account, at most
//! 20 MB. Counted by an allocator of this test.

#[expect(unsafe_code, reason = "an allocator is one by these functions")]
#[path = "../../results/tests/counting/mod.rs"]
mod counting;
mod crew;
#[path = "../src/testing.rs"]
mod testing;

use std::time::Duration;

use benchmark_fleet::wire;
use benchmark_generator::load::sample::HashedSample;
use benchmark_machine::host;
use benchmark_results::Histogram;
use counting::most_of;
use prost::Message as _;

const MESSAGE: usize = 200_000;
const MOST_BYTES: usize = 20_000_000;
const KEYS: [[u8; 16]; 2] = [[1; 16], [2; 16]];

/// A field with content, by its number.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

/// An exchange of a member with one window, whose body is that field.
fn exchange(key: [u8; 16], body: &[u8]) -> Vec<u8> {
    let mut window = vec![1 << 3, 1];
    window.extend(field(2, b"run"));
    window.extend_from_slice(body);
    [field(1, &key), field(2, &window)].concat()
}

/// One piece as often as it fits.
fn many(piece: &[u8]) -> Vec<u8> {
    piece.repeat((MESSAGE - 200) / piece.len())
}

/// Seconds with a histogram in each place, of the shape that inflates most.
fn dense_seconds() -> Vec<u8> {
    let mut histogram = Histogram::new();
    for micros in (0..2_000_000).step_by(997) {
        histogram.record(Duration::from_micros(micros));
    }
    let (count, bytes) = (histogram.count(), histogram.to_bytes());
    let pair = || {
        Some(wire::Pair {
            service: bytes.clone(),
            response: bytes.clone(),
        })
    };
    let seconds = |second| wire::StartSecond {
        second,
        phases: (1..=3)
            .map(|phase| wire::PhaseSamples {
                phase,
                arrivals: 3 * count,
                dispatched: count,
                accepted: count,
                rejected: count,
                unknown: count,
                lag: bytes.clone(),
                accepted_latency: pair(),
                rejected_latency: pair(),
                unanswered_latency: pair(),
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    let mut message = wire::Starts::default();
    while message.encoded_len() < MESSAGE - 40_000 {
        message.seconds.push(seconds(message.seconds.len() as u64 % 50));
    }
    field(4, &message.encode_to_vec())
}

// One test: the counters are of the whole process.
#[test]
fn a_hostile_message_costs_bounded_memory() {
    let plan = crew::plan("20000", "10m");
    let host = serde_json::to_string(&host::facts(std::path::Path::new("/"))).unwrap();

    let (worker, generator) = (KEYS[0], KEYS[1]);
    let ends = MESSAGE / 3 - 100;
    let columns_of_ends = wire::Ends {
        n: vec![1; ends],
        ended_unix_ns: vec![1; ends],
        service_ns: vec![0; ends],
        others: Vec::new(),
    };
    let starts = MESSAGE / 2 - 100;
    let columns_of_starts = wire::StartEnds {
        n: vec![0; starts],
        end: vec![2; starts],
    };
    let poll = wire::Poll {
        n: 1,
        end: 1,
        ..Default::default()
    }
    .encode_to_vec();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("windows", many(&field(2, &[]))),
        ("seconds", exchange(generator, &field(4, &many(&field(1, &[]))))),
        (
            "phases",
            exchange(generator, &field(4, &field(1, &many(&field(10, &[0x08, 0x03]))))),
        ),
        (
            "phases of seconds",
            exchange(generator, &field(4, &many(&field(1, &field(10, &[0x08, 0x03]))))),
        ),
        ("histograms", exchange(generator, &dense_seconds())),
        ("ends", exchange(worker, &field(3, &columns_of_ends.encode_to_vec()))),
        (
            "starts",
            exchange(generator, &field(4, &field(2, &columns_of_starts.encode_to_vec()))),
        ),
        ("polls", exchange(generator, &field(4, &many(&field(4, &poll))))),
        ("errors", exchange(generator, &field(4, &many(&field(3, &[]))))),
        ("health", exchange(generator, &field(4, &field(5, &many(b"["))))),
        (
            "a long text",
            exchange(generator, &field(4, &field(3, &field(1, &many(b"x"))))),
        ),
    ];
    let mut taken = Vec::new();
    for (what, bytes) in cases {
        assert!(bytes.len() <= MESSAGE, "{what}: {}", bytes.len());
        let sample = HashedSample::new(1, 0.02);
        // As it is in a run: the seconds that are long over are closed.
        let led = crew::Led::since(&plan, Duration::from_secs(100), sample, |accounts| {
            accounts.advance(100_000_000_000);
        });
        for (key, role) in KEYS.into_iter().zip([wire::Role::Worker, wire::Role::Generator]) {
            crew::join(led.fleet.leader(), crew::join_request(role, key, &host)).unwrap();
        }
        let (most, answer) = most_of(|| {
            let request = benchmark_fleet::read::<wire::ExchangeRequest>(bytes.into());
            let answer = request.and_then(|request| {
                let answer = led.fleet.leader().exchange(request);
                answer.map_err(|refusal| refusal.reason)
            });
            drop(led.fleet);
            // All that was taken is written down.
            drop(led.accountant.finish());
            answer
        });
        assert!(most <= MOST_BYTES, "{what}: {most} bytes; {answer:?}");
        if answer.is_ok_and(|answer| answer.acked == 1) {
            taken.push(what);
        }
    }
    // What is possible is taken, and is written down within the bound.
    assert!(taken.contains(&"histograms") && taken.contains(&"ends"), "{taken:?}");
}
