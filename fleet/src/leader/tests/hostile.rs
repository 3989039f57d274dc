//! Bytes of strangers, through everything that reads them: no panic, and no more memory than was found out before.

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::{fixtures::window, scan::Measured};

/// What the service does with bytes that came over the network.
fn receive(leader: &Leader, bytes: &[u8]) {
    if wire::JoinRequest::measure(bytes).is_ok()
        && let Ok(request) = wire::JoinRequest::decode(bytes)
    {
        let _ = leader.join(request, PeerAddress::Remote("10.0.0.1".to_owned()));
    }
    if wire::ExchangeRequest::measure(bytes).is_ok()
        && let Ok(request) = wire::ExchangeRequest::decode(bytes)
    {
        let _ = leader.exchange(request);
    }
}

fn known() -> Leader {
    let (leader, ..) = leader(1);
    leader
        .join(join(1, wire::Role::Worker), PeerAddress::InProcess)
        .unwrap();
    leader
}

fn valid() -> [Vec<u8>; 2] {
    let mut request = exchange(1, vec![window(1, 0..9), window(2, 9..12)]);
    request.status = Some(wire::Status {
        ready: true,
        cpu_cores: 1.5,
        workflow_slots: Some(wire::Slots { used: 1, free: 2 }),
        clock_offset_ns: Some(-5),
        ..Default::default()
    });
    [join(2, wire::Role::Generator).encode_to_vec(), request.encode_to_vec()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        receive(&known(), &bytes);
    }

    #[test]
    fn valid_messages_with_bytes_changed(
        which in 0..2_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        whole: bool,
    ) {
        let mut bytes = valid()[which].clone();
        for (at, byte) in changes {
            *at.get_mut(&mut bytes) = byte;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        receive(&known(), &bytes);
    }

    #[test]
    fn valid_messages_with_columns_changed(
        n: Vec<i64>, ended: Vec<i64>, service: Vec<i64>, sequence in 0..4_u64, index: u32, kind: i32,
    ) {
        let ends = wire::Ends {
            n,
            ended_unix_ns: ended,
            service_ns: service,
            others: vec![wire::OtherEnd { index, kind, message: String::new() }],
        };
        let window = wire::Window { sequence, run: String::new(), body: Some(wire::window::Body::Ends(ends)), ..wire::Window::default() };
        receive(&known(), &exchange(1, vec![window]).encode_to_vec());
    }
}
