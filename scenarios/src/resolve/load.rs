//! The load: its shape, its caps, and the rule that something is left to measure.

use std::{borrow::Cow, fmt, time::Duration};

use serde::Serialize as _;

use super::reader::Reader;
use crate::{
    Arrivals, Load, Plan, Rate, WhenFull,
    asked::Source,
    options::{Key, LONGEST_DURATION, opt},
    problem::Problem,
    units,
};

/// Ramp and warm-up take a tenth of the duration each; in long runs half a minute is enough for caches and pollers.
const LONGEST_LEAD_IN: Duration = Duration::from_secs(30);
/// An overload must not run away: an unanswered start takes about 38 KiB (measured), and a loop without a cap grew until
/// it no longer recovered. All starts of a stall that is as long as a start may wait for its answer have room, so that none
/// is held back before the server has failed it; 5,000 of them take 190 MiB.
const IN_FLIGHT: std::ops::RangeInclusive<u32> = 100..=5_000;

/// The load as asked for, defaults filled in.
pub(crate) fn resolve(reader: &mut Reader) -> Result<Load, Problem> {
    let rate = reader.read(opt::Rate)?;
    let duration = reader.read(opt::Duration)?;
    let (ramp_up, warm_up) = lead_in(reader, duration)?;
    leaves_something_to_measure(reader, rate, duration, ramp_up, warm_up)?;
    let start_timeout = reader.read_ahead(opt::StartTimeout)?;
    Ok(Load {
        rate,
        duration,
        ramp_up,
        warm_up,
        drain: drain(reader, duration)?,
        stop_timeout: reader.read(opt::StopTimeout)?,
        arrivals: reader.read(opt::Arrivals)?,
        seed: reader.read(opt::Seed)?,
        max_in_flight: reader.read_or(opt::MaxInFlight, || {
            (default_in_flight(rate, start_timeout), in_flight_reason())
        })?,
        when_full: reader.read(opt::WhenFull)?,
        max_lag: reader.read(opt::MaxLag)?,
    })
}

/// Ramp-up and warm-up. A default never takes more than half of what the other one leaves, so that no default makes an
/// allowed duration fail.
fn lead_in(reader: &mut Reader, duration: Duration) -> Result<(Duration, Duration), Problem> {
    let asked_warm_up = reader.peek(opt::WarmUp)?.unwrap_or_default();
    let ramp_up = reader.read_or(opt::RampUp, || default_lead_in(duration, asked_warm_up))?;
    let warm_up = reader.read_or(opt::WarmUp, || default_lead_in(duration, ramp_up))?;
    Ok((ramp_up, warm_up))
}

fn default_lead_in(duration: Duration, other: Duration) -> (Duration, Cow<'static, str>) {
    let tenth = (duration / 10).min(LONGEST_LEAD_IN);
    let half_of_rest = duration.saturating_sub(other) / 2;
    if half_of_rest < tenth {
        (whole_millis(half_of_rest), "half of what is left of --duration".into())
    } else {
        (whole_millis(tenth), "a tenth of --duration, at most 30s".into())
    }
}

/// A default is a figure that people read: no microseconds.
fn whole_millis(span: Duration) -> Duration {
    span - Duration::from_nanos((span.as_nanos() % 1_000_000) as u64)
}

fn leaves_something_to_measure(
    reader: &Reader,
    rate: Rate,
    duration: Duration,
    ramp_up: Duration,
    warm_up: Duration,
) -> Result<(), Problem> {
    let lead_in = ramp_up.saturating_add(warm_up);
    let whole = reader.quote(Key::Duration);
    if lead_in >= duration {
        let longest = [(Key::RampUp, ramp_up), (Key::WarmUp, warm_up)];
        let headline = match longest.iter().find(|(_, part)| *part > duration) {
            Some((key, _)) => format!("{whole} is shorter than {}", reader.quote(*key)),
            None if warm_up.is_zero() => format!("{whole} is not longer than {}", reader.quote(Key::RampUp)),
            None if ramp_up.is_zero() => format!("{whole} is not longer than {}", reader.quote(Key::WarmUp)),
            None => {
                let (ramp_up, warm_up) = (reader.quote(Key::RampUp), reader.quote(Key::WarmUp));
                format!("{whole} is not longer than {ramp_up} plus {warm_up}")
            }
        };
        let mut problem =
            Problem::new(headline).explain("the ramp, the warm-up and the measured phase all lie within --duration");
        for (key, part) in longest {
            if reader.given(key).is_some() && part >= duration / 5 {
                problem = problem.remedy(format!("{} {}", key.flag(), units::format(whole_millis(duration / 5))));
            }
        }
        let longer = lead_in.saturating_mul(3);
        if longer <= LONGEST_DURATION {
            problem = problem.remedy(format!("--duration {}", units::format(longer)));
        }
        return Err(problem);
    }
    let measured = duration - lead_in;
    if u128::from(rate.thousandths()) * measured.as_nanos() < 1_000 * 1_000_000_000 {
        let measured = units::format(measured);
        return Err(Problem::new(format!(
            "{} asks for no start in the {measured} that {whole} measures",
            reader.quote(Key::Rate)
        ))
        .explain("at least one start must be due in the measured phase; a figure takes some hundreds"));
    }
    Ok(())
}

/// The replaced runner's rule.
fn drain(reader: &mut Reader, duration: Duration) -> Result<Duration, Problem> {
    let auto = duration.clamp(Duration::from_secs(60), Duration::from_secs(600));
    let asked = reader.peek(opt::Drain)?;
    let source = match reader.given(Key::Drain) {
        Some(given) => given.source.clone(),
        None => Source::Default("as long as --duration, from 1m to 10m".into()),
    };
    let drain = asked.flatten().unwrap_or(auto);
    reader.record(Key::Drain, units::format(drain), source);
    Ok(drain)
}

fn default_in_flight(rate: Rate, start_timeout: Duration) -> u32 {
    let starts = u128::from(rate.thousandths()).saturating_mul(start_timeout.as_millis());
    let starts = u32::try_from(starts.div_ceil(1_000_000)).unwrap_or(u32::MAX);
    starts.clamp(*IN_FLIGHT.start(), *IN_FLIGHT.end())
}

fn in_flight_reason() -> Cow<'static, str> {
    "the starts of --start-timeout, from 100 to 5000; 38 KiB of memory each".into()
}

/// Says what cannot end before the run does.
pub(crate) fn note_ends(reader: &mut Reader, plan: &Plan) {
    if let Some((key, length)) = plan.workload.kind.length()
        && length > plan.load.drain
    {
        reader.note(format!(
            "{} outlives {}: the last workflows will still be open when the run ends",
            reader.quote(key),
            reader.quote(Key::Drain)
        ));
    }
}

/// As a plan has it.
impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// As a plan has it.
impl fmt::Display for WhenFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
