use benchmark_results::WorkflowEnd;
use proptest::prelude::*;

use super::*;

fn record() -> impl Strategy<Value = EndRecord> {
    let end = prop_oneof![
        Just(WorkflowEnd::Completed),
        Just(WorkflowEnd::Failed),
        Just(WorkflowEnd::Cancelled)
    ];
    let instant = 0..=columns::HIGHEST;
    (instant.clone(), instant.clone(), instant, end, ".{0,20}").prop_map(|(n, ended, sent, end, message)| EndRecord {
        n,
        ended_unix_ns: ended,
        sent_unix_ns: sent,
        end,
        message: (end != WorkflowEnd::Completed && !message.is_empty()).then_some(message),
    })
}

fn build(records: &[EndRecord]) -> wire::Ends {
    let mut builder = EndsBuilder::new();
    for record in records {
        builder.push(record.clone());
    }
    builder.finish()
}

proptest! {
    #[test]
    fn what_was_pushed_is_read(records in prop::collection::vec(record(), 0..50)) {
        prop_assert_eq!(read_ends(&build(&records)).unwrap(), records);
    }

    #[test]
    fn any_columns_are_read_or_refused(
        n: Vec<i64>, ended: Vec<i64>, service: Vec<i64>, others in prop::collection::vec((0u32..9, -1i32..5), 0..5),
    ) {
        let others = others.into_iter().map(|(index, kind)| wire::OtherEnd { index, kind, message: String::new() });
        let _ = read_ends(&wire::Ends { n, ended_unix_ns: ended, service_ns: service, others: others.collect() });
    }
}

#[test]
fn what_is_malformed_is_named() {
    let good = build(&[EndRecord {
        n: 7,
        ended_unix_ns: 1_000,
        sent_unix_ns: 400,
        end: WorkflowEnd::Failed,
        message: Some("no".to_owned()),
    }]);
    let bad = |change: &dyn Fn(&mut wire::Ends)| {
        let mut ends = good.clone();
        change(&mut ends);
        read_ends(&ends).unwrap_err()
    };
    assert!(bad(&|ends| ends.service_ns.clear()).contains("different length"));
    assert!(bad(&|ends| ends.n[0] = -1).contains("arrival numbers"));
    assert!(bad(&|ends| ends.ended_unix_ns[0] = -1).contains("instants"));
    assert!(bad(&|ends| ends.service_ns[0] = 1_001).contains("no instant"));
    assert!(bad(&|ends| ends.others[0].index = 1).contains("not there"));
    assert!(bad(&|ends| ends.others[0].kind = 9).contains("unknown kind"));
    assert!(bad(&|ends| ends.others.push(ends.others[0].clone())).contains("did not complete"));
    assert!(bad(&|ends| ends.others[0].message = "x".repeat(END_MESSAGE_BYTES + 1)).contains("bytes"));
}

#[test]
fn a_long_message_is_cut_at_a_character() {
    let ends = build(&[EndRecord {
        n: 0,
        ended_unix_ns: 0,
        sent_unix_ns: 0,
        end: WorkflowEnd::Cancelled,
        message: Some("ä".repeat(END_MESSAGE_BYTES)),
    }]);
    let message = read_ends(&ends).unwrap().remove(0).message.unwrap();
    assert_eq!(message.len(), END_MESSAGE_BYTES);
}

#[test]
fn an_end_that_no_worker_can_see_is_refused() {
    for end in [WorkflowEnd::TimedOut, WorkflowEnd::Terminated] {
        let mut builder = EndsBuilder::new();
        builder.push(EndRecord {
            n: 4,
            ended_unix_ns: 2,
            sent_unix_ns: 1,
            end,
            message: None,
        });
        let error = read_ends(&builder.finish()).unwrap_err();
        assert_eq!(error, "arrival 4: unknown kind of end 0");
    }
}
