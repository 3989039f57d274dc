//! The server's clock against what rests on its times.

use super::*;
use crate::schema::ServerClock;

fn clock(offset_ms: f64, uncertainty_ms: f64, moved_ms: f64) -> ServerClock {
    ServerClock {
        offset_ms,
        uncertainty_ms,
        corrected: offset_ms.abs() > uncertainty_ms,
        moved_ms,
        samples: 40,
    }
}

fn of(
    clock: Result<ServerClock, &'static str>,
    source: CompletionSource,
) -> impl FnOnce(&mut Plan, &mut IterationParts) {
    move |_, parts| {
        parts.reconciliation.source = source;
        parts.reconciliation.server_clock = Some(match clock {
            Ok(clock) => Fact::found(clock, "asked"),
            Err(reason) => Fact::missing(reason),
        });
    }
}

#[test]
fn a_rate_of_close_times_needs_a_clock_that_is_known_to_a_hundredth_of_the_phase() {
    let visibility = CompletionSource::Visibility;
    // The phase has 240 s.
    for (known, status) in [
        (Ok(clock(0.4, 1.1, 0.0)), Pass),
        // Seconds ahead or behind, and known: instants are translated.
        (Ok(clock(2_000.0, 3.0, 0.0)), Pass),
        (Ok(clock(-20_000.0, 3.0, 0.0)), Pass),
        (Ok(clock(20_000.0, 2_400.0, 0.0)), Pass),
        (Ok(clock(20_000.0, 2_400.5, 0.0)), Warning),
        (Ok(clock(2_000.0, 3.0, 2_398.0)), Warning),
        // Not corrected although it may be true.
        (Ok(clock(1_200.0, 1_201.0, 0.0)), Warning),
        (Ok(clock(f64::NAN, 1.0, 0.0)), Warning),
        (Err("it was forbidden"), Warning),
    ] {
        let verdict = expect(names::SERVER_CLOCK, status, of(known, visibility));
        assert_eq!(verdict.value, VerdictValue::Valid, "{known:?}");
    }
    for (known, said) in [
        (clock(-2_000.0, 3.0, 0.0), "2s behind ± 3ms, corrected"),
        (clock(0.0, 3.0, 0.0), "0ms ahead ± 3ms"),
        (
            clock(2_000.0, 3.0, 7.0),
            "2s ahead ± 3ms, corrected, and moved by 7ms while it was measured",
        ),
    ] {
        let verdict = judged(of(Ok(known), visibility));
        let value = &check(&verdict, names::SERVER_CLOCK).value;
        assert_eq!(*value, format!("the server's clock is {said}"));
    }
}

#[test]
fn where_workers_stamp_it_counts_at_the_cut_off_only() {
    let stamps = CompletionSource::Stamps;
    for known in [Ok(clock(20_000.0, 5_000.0, 0.0)), Err("it was forbidden")] {
        expect(names::SERVER_CLOCK, NotApplicable, of(known, stamps));
    }
    let open = |known| {
        move |plan: &mut Plan, parts: &mut IterationParts| {
            of(known, stamps)(plan, parts);
            parts.ledger.open = 1;
        }
    };
    for (known, status) in [
        (Ok(clock(20_000.0, 1_000.0, 0.0)), Pass),
        (Ok(clock(20_000.0, 1_000.5, 0.0)), Warning),
        (Err("it was forbidden"), Warning),
    ] {
        expect(names::SERVER_CLOCK, status, open(known));
    }
    // Files of programs that did not look.
    expect(names::SERVER_CLOCK, NotApplicable, |_, parts| {
        parts.reconciliation.source = CompletionSource::Visibility;
        parts.reconciliation.server_clock = None;
    });
}
