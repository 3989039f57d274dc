//! Checks of the server's clock: whether it is known well enough for what rests on the times that it wrote down.

use super::{build::CheckBuilder, context::Context, names};
use crate::{
    format::{ms, percent},
    limits,
    schema::{Check, CompletionSource, ServerClock},
};

pub(super) fn check(context: &Context) -> Check {
    let by_close_times = context.reconciliation.source == CompletionSource::Visibility;
    // Those that ended after the cut-off are told apart by when they did.
    let at_cut_off = context.ledger.open > 0;
    let (allowed, of) = match by_close_times {
        true => (
            limits::close_times_ms(context.measure.seconds),
            format!(" of the measured phase ({})", percent(limits::CLOSE_TIMES_SHIFT)),
        ),
        false => (limits::CUT_OFF_NEAR.as_secs_f64() * 1e3, String::new()),
    };
    let limit = format!("{}{of}", ms(allowed));
    let draft = |value: String| CheckBuilder::new(names::SERVER_CLOCK, value, limit.clone());
    let Some(clock) = &context.reconciliation.server_clock else {
        return draft("the server's clock was not looked at".into()).not_applicable();
    };
    let said = match &clock.value {
        Some(clock) => said(clock),
        None => format!("not compared with the leader's: {}", clock.source),
    };
    if !by_close_times && !at_cut_off {
        return draft(format!("no figure rests on it; {said}")).not_applicable();
    }
    let Some(clock) = clock.value else {
        return draft(said).warning(
            "times that the server wrote down count here, and its clock may differ: see to it that the server can be asked \
             (DescribeWorkflowExecution) and that a sample is taken (--sample)",
        );
    };
    let wrong = clock.wrong_ms();
    let draft = draft(said).numbers(wrong, allowed);
    match (wrong <= allowed, by_close_times) {
        (true, _) => draft.pass(),
        (false, true) => draft.warning(
            "no completion rate is shown, since when workflows ended is not known well enough: synchronise the clocks \
             (chrony), or measure for longer",
        ),
        (false, false) => draft.warning(
            "the server's counts are not compared, since what had ended at the cut-off is not known well enough: \
             synchronise the clocks (chrony)",
        ),
    }
}

fn said(clock: &ServerClock) -> String {
    let side = if clock.offset_ms < 0.0 { "behind" } else { "ahead" };
    let corrected = if clock.corrected { ", corrected" } else { "" };
    let moved = match clock.moved_ms > 0.0 {
        true => format!(", and moved by {} while it was measured", ms(clock.moved_ms)),
        false => String::new(),
    };
    format!(
        "the server's clock is {} {side} ± {}{corrected}{moved}",
        ms(clock.offset_ms.abs()),
        ms(clock.uncertainty_ms.abs())
    )
}
