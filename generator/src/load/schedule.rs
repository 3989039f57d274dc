//! Schedule, when every start is due: a pure function of its number.
//!
//! The offset of arrival `n` is computed from `n` by inverting the integral of the rate, `offset(n) = Λ⁻¹(n)`, and never
//! accumulated, so that the billionth arrival is as exact as the first and any shard can compute its own arrivals
//! without hearing of the others.
//!
//! The arithmetic is in integers. Rates are thousandths of a start a second and times are nanoseconds, so their product
//! counts arrivals in units of 10⁻¹²: a "pico-arrival". The largest product that can occur (24 h, 50,000/s, in the
//! quadratic of the ramp) needs 120 bits and so fits a `u128`.

use std::{collections::VecDeque, time::Duration};

use benchmark_results::schema::Phase;
use benchmark_scenarios::{Arrivals, Load, Rate};
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// One arrival in pico-arrivals.
const ARRIVAL: u128 = 1_000_000_000_000;

/// Arrivals in one block of the Poisson overlay.
///
/// Within a block the arrival times are independent and uniform, which is what a Poisson process is once its number of
/// arrivals is known. Fixing that number per block keeps `offset(n)` a function of `n` alone and the long-run rate
/// exact; what is lost is the variance of counts over stretches much longer than a block.
const POISSON_BLOCK: u64 = 1024;

/// The pure schedule of one submission window.
#[derive(Clone, Debug)]
pub struct Schedule {
    curve: Curve,
    arrivals: Arrivals,
    seed: u64,
    ramp: u64,
    measure: u64,
    end: u64,
    /// The first arrivals of warm-up, measure and drain.
    firsts: [u64; 3],
}

/// One start that the schedule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number, from 0.
    pub n: u64,
    /// Offset from the beginning of the submission window at which it is due, nanoseconds.
    pub due: u64,
}

/// The part of a schedule that one of several shards sends: arrivals `n` with `n mod of = index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stripe {
    /// This shard, from 0.
    pub index: u64,
    /// Number of shards, at least 1.
    pub of: u64,
}

impl Stripe {
    /// The whole schedule.
    pub const WHOLE: Stripe = Stripe { index: 0, of: 1 };

    /// The part of this stripe that one of several threads takes.
    pub fn split(self, thread: u64, threads: u64) -> Stripe {
        Stripe {
            index: self.index + thread * self.of,
            of: self.of * threads,
        }
    }
}

impl Schedule {
    /// The schedule of a load.
    pub fn new(load: &Load) -> Self {
        let ramp = nanos(load.ramp_up);
        let mut schedule = Schedule {
            curve: Curve::new(load.rate, ramp),
            arrivals: load.arrivals,
            seed: load.seed,
            ramp,
            measure: nanos(load.ramp_up + load.warm_up),
            end: nanos(load.duration),
            firsts: [0; 3],
        };
        schedule.firsts = [schedule.ramp, schedule.measure, schedule.end].map(|offset| schedule.count_before(offset));
        schedule
    }

    /// Offset at which arrival `n` is due, nanoseconds from the beginning.
    pub fn offset(&self, n: u64) -> u64 {
        match self.arrivals {
            Arrivals::Constant => self.curve.invert(u128::from(n) * ARRIVAL),
            Arrivals::Poisson => self
                .curve
                .invert(self.poisson_block(n / POISSON_BLOCK)[(n % POISSON_BLOCK) as usize]),
        }
    }

    /// Number of arrivals due before an offset, by the schedule and not by the clock.
    pub fn count_before(&self, offset: u64) -> u64 {
        let offset = offset.min(self.end);
        if offset == 0 {
            return 0;
        }
        // The smallest time at which n arrivals are due is offset(n), so n is due before `offset` when Λ(offset − 1 ns) ≥ n.
        let target = self.curve.integral_doubled(offset - 1) / 2;
        match self.arrivals {
            Arrivals::Constant => u64::try_from(target / ARRIVAL).unwrap_or(u64::MAX) + 1,
            Arrivals::Poisson => {
                let block = u64::try_from(target / (ARRIVAL * u128::from(POISSON_BLOCK))).unwrap_or(u64::MAX);
                let within = self.poisson_block(block);
                block * POISSON_BLOCK + within.partition_point(|&at| self.curve.invert(at) < offset) as u64
            }
        }
    }

    /// All arrivals of the submission window.
    pub fn total(&self) -> u64 {
        self.count_before(self.end)
    }

    /// Length of the submission window, nanoseconds.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The phase that an offset lies in.
    pub fn phase_at(&self, offset: u64) -> Phase {
        if offset < self.ramp {
            Phase::Ramp
        } else if offset < self.measure {
            Phase::WarmUp
        } else if offset < self.end {
            Phase::Measure
        } else {
            Phase::Drain
        }
    }

    /// The phase in which arrival `n` is due.
    pub fn phase_of(&self, n: u64) -> Phase {
        // Arrivals are due in the order of their numbers, so a phase is a range of numbers.
        let [warm_up, measure, drain] = self.firsts;
        if n < warm_up {
            Phase::Ramp
        } else if n < measure {
            Phase::WarmUp
        } else if n < drain {
            Phase::Measure
        } else {
            Phase::Drain
        }
    }

    /// Beginning and end of a phase, nanoseconds; the drain ends with the run and so has no length here.
    pub fn bounds(&self, phase: Phase) -> (u64, u64) {
        match phase {
            Phase::Ramp => (0, self.ramp),
            Phase::WarmUp => (self.ramp, self.measure),
            Phase::Measure => (self.measure, self.end),
            Phase::Drain => (self.end, self.end),
        }
    }

    /// The rate that is asked for at an offset, starts a second.
    pub fn rate_at(&self, offset: u64) -> f64 {
        if offset < self.end {
            self.curve.rate_at(offset)
        } else {
            0.0
        }
    }

    /// The arrivals of a stripe, one after the other.
    pub fn cursor(&self, stripe: Stripe) -> Cursor {
        Cursor {
            schedule: self.clone(),
            stripe,
            next: stripe.index,
            total: self.total(),
            block: None,
        }
    }

    /// The arrivals of a Poisson block as points on the integral of the rate, ascending, in pico-arrivals.
    fn poisson_block(&self, block: u64) -> Vec<u128> {
        let length = ARRIVAL as u64 * POISSON_BLOCK;
        let start = u128::from(block) * u128::from(length);
        // Golden-ratio stepping keeps the seeds of neighbouring blocks apart; the generator mixes them further.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ block.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut points: Vec<u128> = (0..POISSON_BLOCK)
            .map(|_| start + u128::from(random.random_range(0..length)))
            .collect();
        points.sort_unstable();
        points
    }
}

/// Walks the arrivals of a stripe in order; keeps the current Poisson block, so that a step costs no sorting.
#[derive(Clone, Debug)]
pub struct Cursor {
    schedule: Schedule,
    stripe: Stripe,
    next: u64,
    total: u64,
    block: Option<(u64, Vec<u128>)>,
}

impl Cursor {
    /// How many arrivals that are due until an offset have not been taken.
    pub fn waiting(&self, offset: u64) -> u64 {
        let due = self.schedule.count_before(offset.saturating_add(1));
        due.saturating_sub(self.next).div_ceil(self.stripe.of)
    }

    /// The next arrival, without taking it; `None` when the schedule is done.
    pub fn peek(&mut self) -> Option<Arrival> {
        let n = self.next;
        if n >= self.total {
            return None;
        }
        let due = match self.schedule.arrivals {
            Arrivals::Constant => self.schedule.offset(n),
            Arrivals::Poisson => {
                let wanted = n / POISSON_BLOCK;
                if self.block.as_ref().is_none_or(|(block, _)| *block != wanted) {
                    self.block = Some((wanted, self.schedule.poisson_block(wanted)));
                }
                let (_, points) = self.block.as_ref()?;
                self.schedule.curve.invert(points[(n % POISSON_BLOCK) as usize])
            }
        };
        Some(Arrival { n, due })
    }

    /// Takes the next arrival.
    pub fn take(&mut self) -> Option<Arrival> {
        let arrival = self.peek()?;
        self.next += self.stripe.of;
        Some(arrival)
    }
}

/// Offsets of arrivals that are asked for in almost, but not quite, ascending order, as ends come in. Keeps the Poisson
/// blocks that were used last: making one sorts a thousand points.
#[derive(Clone, Debug)]
pub struct Offsets {
    schedule: Schedule,
    blocks: VecDeque<(u64, Vec<u128>)>,
}

/// Poisson blocks that [`Offsets`] keeps: those of what is open at a time, unless far more than usual is.
const KEPT_BLOCKS: usize = 32;

impl Offsets {
    /// The offsets of a schedule.
    pub fn new(schedule: &Schedule) -> Self {
        Offsets {
            schedule: schedule.clone(),
            blocks: VecDeque::new(),
        }
    }

    /// [`Schedule::offset`].
    pub fn get(&mut self, n: u64) -> u64 {
        if self.schedule.arrivals == Arrivals::Constant {
            return self.schedule.offset(n);
        }
        let (wanted, within) = (n / POISSON_BLOCK, (n % POISSON_BLOCK) as usize);
        if let Some((_, points)) = self.blocks.iter().find(|(block, _)| *block == wanted) {
            return self.schedule.curve.invert(points[within]);
        }
        let points = self.schedule.poisson_block(wanted);
        let offset = self.schedule.curve.invert(points[within]);
        if self.blocks.len() == KEPT_BLOCKS {
            self.blocks.pop_front();
        }
        self.blocks.push_back((wanted, points));
        offset
    }
}

/// The rate over time: a linear rise, then constant. Times in nanoseconds, rates in thousandths a second.
#[derive(Clone, Copy, Debug)]
struct Curve {
    first: u128,
    rate: u128,
    ramp: u128,
}

impl Curve {
    fn new(rate: Rate, ramp: u64) -> Self {
        let rate = u128::from(rate.thousandths());
        // The ramp begins at a tenth of the rate and at no less than 1/s, as in the replaced runner.
        let first = (rate / 10).max(1000).min(rate);
        Curve {
            first,
            rate,
            ramp: u128::from(ramp),
        }
    }

    /// Twice the integral of the rate up to a time, in pico-arrivals: doubled, because the ramp's integral has halves.
    /// Within the ramp it is rounded down.
    fn integral_doubled(&self, time: u64) -> u128 {
        let time = u128::from(time);
        if time < self.ramp {
            2 * self.first * time + (self.rate - self.first) * time * time / self.ramp
        } else {
            self.ramp_arrivals_doubled() + 2 * self.rate * (time - self.ramp)
        }
    }

    fn ramp_arrivals_doubled(&self) -> u128 {
        (self.first + self.rate) * self.ramp
    }

    /// The smallest time at which the integral of the rate reaches a number of pico-arrivals.
    fn invert(&self, target: u128) -> u64 {
        let doubled = 2 * target;
        let time = if doubled < self.ramp_arrivals_doubled() {
            self.invert_ramp(target)
        } else {
            self.ramp + (doubled - self.ramp_arrivals_doubled()).div_ceil(2 * self.rate)
        };
        u64::try_from(time).unwrap_or(u64::MAX)
    }

    /// Solves `first·t + (rate − first)·t²/(2·ramp) = target` for t. The float gives the neighbourhood, integers decide.
    fn invert_ramp(&self, target: u128) -> u128 {
        let (quadratic, linear) = (self.rate - self.first, 2 * self.ramp * self.first);
        let constant = 2 * self.ramp * target;
        let reached = |time: u128| linear * time + quadratic * time * time >= constant;
        let (a, b, c) = (quadratic as f64, linear as f64, constant as f64);
        // The form with the root in the denominator loses no digits when the quadratic term is small.
        smallest((2.0 * c / (b + (b * b + 4.0 * a * c).sqrt())).round() as u128, reached)
    }

    fn rate_at(&self, time: u64) -> f64 {
        let time = u128::from(time);
        if time < self.ramp {
            let share = time as f64 / self.ramp as f64;
            (self.first as f64 + (self.rate - self.first) as f64 * share) / 1000.0
        } else {
            self.rate as f64 / 1000.0
        }
    }
}

/// The smallest time that is reached, found from one nearby on either side.
fn smallest(mut time: u128, reached: impl Fn(u128) -> bool) -> u128 {
    while let Some(before) = time.checked_sub(1).filter(|before| reached(*before)) {
        time = before;
    }
    while !reached(time) {
        time += 1;
    }
    time
}

/// A duration in whole nanoseconds; the longest submission window, 24 h, is far from the end of a `u64`.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
