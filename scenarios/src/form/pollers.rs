//! Pollers as typed, how many polls a worker keeps open: `32`, `auto`, `auto:8-100`, `auto:8-100:16`.

use super::Form;
use crate::Pollers;

const MAX_POLLERS: u32 = 1_000;

/// What `auto` stands for: twice the partitions of a server that was not told otherwise, at the least.
const AUTO: Pollers = Pollers::between(8, 100);

impl Form<Pollers> {
    /// A fixed number, or a range for the server's hints. That the numbers of a range are in order is checked later, in
    /// words of its own.
    pub fn pollers(least: u32) -> Self {
        let allowed = format!(
            "a fixed number from {least} to {MAX_POLLERS}, auto, auto:MIN-MAX or auto:MIN-MAX:INITIAL, with numbers from 1 to \
             {MAX_POLLERS}"
        );
        Form::new(allowed, move |text| parse_pollers(text, least), Pollers::to_string)
    }
}

fn parse_pollers(text: &str, least: u32) -> Option<Pollers> {
    let number = |text: &str, least: u32| {
        let whole = Form::whole(least..=MAX_POLLERS, "polls");
        (whole.parse)(text)
    };
    let text = text.trim();
    if text == "auto" {
        return Some(AUTO);
    }
    let Some(range) = text.strip_prefix("auto:") else {
        return number(text, least).map(|count| Pollers::Fixed { count });
    };
    let (range, initial) = match range.split_once(':') {
        Some((range, initial)) => (range, Some(number(initial, 1)?)),
        None => (range, None),
    };
    let (minimum, maximum) = range.split_once('-')?;
    let (minimum, maximum) = (number(minimum, 1)?, number(maximum, 1)?);
    Some(Pollers::Autoscaling {
        initial: initial.unwrap_or(minimum),
        minimum,
        maximum,
    })
}
