//! Orders: what members are told to do.

use super::Command;
use crate::{text, wire};

/// The order of the moment, the same for all but for a generator's stripe.
#[derive(Debug)]
pub(super) struct Orders {
    order: wire::Order,
    /// Whether a run has begun ever: from then on no generator can be taken in.
    pub(super) begun: bool,
}

impl Orders {
    pub(super) fn new(generators: u32) -> Orders {
        let order = wire::Order {
            stage: wire::Stage::Wait.into(),
            stripes: generators.saturating_add(1),
            ..Default::default()
        };
        Orders { order, begun: false }
    }

    pub(super) fn command(&mut self, command: Command) {
        let order = &mut self.order;
        match command {
            Command::Wait => order.set_stage(wire::Stage::Wait),
            Command::Prepare { iteration, id_prefix } => {
                order.set_stage(wire::Stage::Prepare);
                order.iteration = iteration;
                order.id_prefix = id_prefix;
                order.start_unix_ns = 0;
                order.stop_at_ns = None;
            }
            Command::Run { start_unix_ns } => {
                order.set_stage(wire::Stage::Run);
                order.start_unix_ns = start_unix_ns;
                self.begun = true;
            }
            Command::StopAt { offset_ns } => order.stop_at_ns = Some(offset_ns),
            Command::End { reason } => {
                order.set_stage(wire::Stage::End);
                order.reason = text::shown(&reason);
            }
        }
    }

    /// Why the run is over, when it is.
    pub(super) fn over(&self) -> Option<&str> {
        (self.order.stage() == wire::Stage::End).then_some(self.order.reason.as_str())
    }

    pub(super) fn of(&self, stripe: Option<u32>) -> wire::Order {
        wire::Order {
            stripe: stripe.unwrap_or(0),
            ..self.order.clone()
        }
    }
}
