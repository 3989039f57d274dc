use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::limits::MESSAGE_BYTES;

#[test]
fn what_is_small_on_the_wire_and_large_in_memory_is_refused() {
    // Windows, seconds of a generator, and phases of a second, all of them empty.
    let windows = [0x12, 0x00].repeat(MESSAGE_BYTES / 2);
    let seconds = [0x0a, 0x00].repeat(MESSAGE_BYTES / 4);
    let starts = wrap(0x12, &wrap(0x22, &seconds));
    let phases = wrap(0x12, &wrap(0x22, &wrap(0x0a, &[0x52, 0x00].repeat(MESSAGE_BYTES / 4))));
    for bytes in [windows, starts, phases] {
        assert!(bytes.len() <= MESSAGE_BYTES);
        let reason = wire::ExchangeRequest::measure(&bytes).unwrap_err();
        assert!(reason.contains("memory"), "{reason}");
    }
}

/// The deepest place: refused starts by their codes, within phases, seconds, starts and windows.
#[test]
fn messages_count_however_deep_they_stand() {
    let codes = [0x7a, 0x00].repeat(MESSAGE_BYTES / 2 - 16);
    let bytes = wrap(0x12, &wrap(0x22, &wrap(0x0a, &wrap(0x52, &codes))));
    assert!(bytes.len() <= MESSAGE_BYTES);
    let decoded = wire::ExchangeRequest::decode(&*bytes).unwrap();
    let Some(wire::window::Body::Starts(starts)) = &decoded.windows[0].body else {
        panic!("{decoded:?}");
    };
    assert_eq!(starts.seconds[0].phases[0].rejected_by.len(), MESSAGE_BYTES / 2 - 16);
    let reason = wire::ExchangeRequest::measure(&bytes).unwrap_err();
    assert!(reason.contains("memory"), "{reason}");
}

#[test]
fn the_largest_window_passes() {
    let ends = wire::Ends {
        n: vec![1; crate::limits::WINDOW_ENTRIES],
        ended_unix_ns: vec![1; crate::limits::WINDOW_ENTRIES],
        service_ns: vec![100_000_000; crate::limits::WINDOW_ENTRIES],
        others: Vec::new(),
    };
    let request = wire::ExchangeRequest {
        windows: vec![wire::Window {
            sequence: 1,
            run: "r".to_owned(),
            body: Some(wire::window::Body::Ends(ends)),
            ..wire::Window::default()
        }],
        ..Default::default()
    };
    wire::ExchangeRequest::measure(&request.encode_to_vec()).unwrap();
}

#[test]
fn what_a_member_sends_at_most_in_one_message_passes() {
    // The densest columns, those of a generator's starts, up to the size of a message.
    let entries = MESSAGE_BYTES / 2 - 64;
    let starts = wire::Starts {
        ends: Some(wire::StartEnds {
            n: vec![1; entries],
            end: vec![2; entries],
        }),
        ..Default::default()
    };
    // Two minutes of 64 threads in which nothing happened.
    let idle = wire::Starts {
        seconds: (0..120 * 64)
            .map(|n| wire::StartSecond {
                second: 100 + n / 64,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    };
    for starts in [starts, idle] {
        let request = wire::ExchangeRequest {
            windows: vec![wire::Window {
                sequence: 1,
                run: "r".to_owned(),
                body: Some(wire::window::Body::Starts(starts)),
                ..wire::Window::default()
            }],
            ..Default::default()
        };
        let bytes = request.encode_to_vec();
        assert!(bytes.len() <= MESSAGE_BYTES);
        wire::ExchangeRequest::measure(&bytes).unwrap();
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for bytes in [
        &[0x12, 0x05, 0x00][..],
        &[0x0b],
        &[0xff; 11],
        &[0x08],
        &[0x0d, 0x00],
        &[0x09, 0x00],
    ] {
        wire::ExchangeRequest::measure(bytes).unwrap_err();
    }
}

fn wrap(key: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![key];
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_measured(bytes: Vec<u8>) {
        let measured = [
            wire::JoinRequest::measure(&bytes),
            wire::JoinResponse::measure(&bytes),
            wire::ExchangeRequest::measure(&bytes),
            wire::ExchangeResponse::measure(&bytes),
        ];
        // What cannot be measured for being cut off cannot be decoded either.
        if measured[2].as_ref().is_err_and(|reason| reason.contains("cut off")) {
            prop_assert!(wire::ExchangeRequest::decode(&bytes[..]).is_err());
        }
    }
}
