//! Resource usage of a member over time: at most one sample a second, and a bounded number of them.

use std::{sync::Arc, time::Duration};

use super::UsageSample;
use crate::{limits::USAGE_SAMPLES, wire};

/// A series that gets coarser as it gets longer.
#[derive(Debug)]
pub(super) struct Usage {
    samples: Arc<Vec<UsageSample>>,
    step: Duration,
    /// When the sample that is being made began, and what is in it: CPU weighted by seconds, and the seconds.
    begun: Duration,
    before: Duration,
    cores: f64,
    share: f64,
    worst: Option<wire::Status>,
}

impl Usage {
    pub(super) fn new(now: Duration) -> Usage {
        Usage {
            samples: Arc::default(),
            step: Duration::from_secs(1),
            begun: now,
            before: now,
            cores: 0.0,
            share: 0.0,
            worst: None,
        }
    }

    /// Takes what a member says of the time since it last did.
    pub(super) fn note(&mut self, now: Duration, status: &wire::Status) {
        let seconds = now.saturating_sub(self.before).as_secs_f64();
        self.before = now;
        self.cores += status.cpu_cores * seconds;
        self.share += status.cpu_share * seconds;
        match &mut self.worst {
            Some(worst) => worsen(worst, status),
            None => self.worst = Some(status.clone()),
        }
        let whole = now.saturating_sub(self.begun);
        // Exchanges come a little early or late; a sample need not wait for the next one because of that.
        if whole < self.step - self.step / 10 {
            return;
        }
        let Some(worst) = self.worst.take() else { return };
        let whole = whole.as_secs_f64();
        let samples = Arc::make_mut(&mut self.samples);
        if samples.len() == USAGE_SAMPLES {
            let mut odd = false;
            samples.retain(|_| {
                odd = !odd;
                !odd
            });
            self.step *= 2;
        }
        samples.push(UsageSample {
            at: now,
            cpu_cores: self.cores / whole,
            cpu_share: self.share / whole,
            memory_bytes: worst.memory_bytes,
            workflow_slots: worst.workflow_slots,
            activity_slots: worst.activity_slots,
            local_activity_slots: worst.local_activity_slots,
            polls: worst.polls,
        });
        self.begun = now;
        (self.cores, self.share) = (0.0, 0.0);
    }

    pub(super) fn samples(&self) -> Arc<Vec<UsageSample>> {
        self.samples.clone()
    }
}

/// Keeps of both what was worse.
fn worsen(worst: &mut wire::Status, status: &wire::Status) {
    fn fewest(worst: &mut Option<wire::Slots>, slots: &Option<wire::Slots>) {
        if let Some(slots) = slots
            && worst.as_ref().is_none_or(|worst| slots.free <= worst.free)
        {
            *worst = Some(*slots);
        }
    }
    worst.memory_bytes = worst.memory_bytes.max(status.memory_bytes);
    fewest(&mut worst.workflow_slots, &status.workflow_slots);
    fewest(&mut worst.activity_slots, &status.activity_slots);
    fewest(&mut worst.local_activity_slots, &status.local_activity_slots);
    worst.polls = match (worst.polls, status.polls) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(cores: f64, free: u32) -> wire::Status {
        wire::Status {
            cpu_cores: cores,
            cpu_share: cores / 4.0,
            memory_bytes: u64::from(free),
            workflow_slots: Some(wire::Slots { used: 1, free }),
            ..Default::default()
        }
    }

    #[test]
    fn a_sample_is_a_second_with_the_mean_of_cpu_and_the_fewest_slots() {
        let mut usage = Usage::new(Duration::ZERO);
        usage.note(Duration::from_millis(250), &status(4.0, 3));
        usage.note(Duration::from_millis(1000), &status(0.0, 7));
        usage.note(Duration::from_millis(1500), &status(1.0, 9));
        let samples = usage.samples();
        assert_eq!(samples.len(), 1);
        assert_eq!(samples[0].at, Duration::from_secs(1));
        assert_eq!(samples[0].cpu_cores, 1.0);
        assert_eq!(samples[0].cpu_share, 0.25);
        assert_eq!(samples[0].memory_bytes, 7);
        assert_eq!(samples[0].workflow_slots.as_ref().unwrap().free, 3);
    }

    #[test]
    fn a_long_series_gets_coarser_and_stays_bounded() {
        let mut usage = Usage::new(Duration::ZERO);
        for second in 1..=20_000 {
            usage.note(Duration::from_secs(second), &status(1.0, 1));
        }
        let samples = usage.samples();
        assert!(samples.len() <= USAGE_SAMPLES && samples.len() > USAGE_SAMPLES / 2);
        assert!(samples.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(samples.last().unwrap().at > Duration::from_secs(19_990));
        assert!(samples.iter().all(|sample| sample.cpu_cores == 1.0));
    }
}
