//! Gauges over a window: what becomes of them, in constant memory.

use std::collections::BTreeMap;

use crate::figure::Level;

/// Groups of one figure that are followed. A server has dozens.
const MAX_GROUPS: usize = 1_000;

/// One gauge, or one sum of gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Course {
    number: f64,
    sum: f64,
    least: f64,
    most: f64,
    times: f64,
    squares: f64,
    products: f64,
}

impl Course {
    fn take(&mut self, at: f64, value: f64) {
        if self.number == 0.0 {
            (self.least, self.most) = (value, value);
        }
        self.number += 1.0;
        self.sum += value;
        self.least = self.least.min(value);
        self.most = self.most.max(value);
        self.times += at;
        self.squares += at * at;
        self.products += at * value;
    }

    fn mean(&self) -> f64 {
        self.sum / self.number
    }

    /// Growth a second by least squares; not a number where there are fewer than two instants.
    fn slope(&self) -> f64 {
        let across = self.number * self.squares - self.times * self.times;
        if across <= 0.0 {
            return f64::NAN;
        }
        (self.number * self.products - self.times * self.sum) / across
    }
}

/// The gauges of a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Courses(BTreeMap<Vec<String>, Course>);

impl Courses {
    /// Takes in their values at an instant, seconds from the window's beginning.
    pub(crate) fn take(&mut self, at: f64, values: impl IntoIterator<Item = (Vec<String>, f64)>) {
        for (key, value) in values {
            if !value.is_finite() {
                continue;
            }
            if self.0.len() < MAX_GROUPS || self.0.contains_key(&key) {
                self.0.entry(key).or_default().take(at, value);
            }
        }
    }

    /// What became of each.
    pub(crate) fn level(&self, level: Level) -> Vec<(Vec<String>, f64)> {
        self.map(|course| match level {
            Level::Peak => course.most,
            Level::Least => course.least,
            Level::Slope => course.slope(),
        })
    }

    /// The mean of each.
    pub(crate) fn mean(&self) -> Vec<(Vec<String>, f64)> {
        self.map(Course::mean)
    }

    fn map(&self, of: impl Fn(&Course) -> f64) -> Vec<(Vec<String>, f64)> {
        self.0.iter().map(|(key, course)| (key.clone(), of(course))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_has_a_least_a_most_a_mean_and_a_slope() {
        let mut courses = Courses::default();
        let key = || vec!["a".to_owned()];
        for (at, value) in [(0.0, 10.0), (10.0, 30.0), (20.0, 50.0), (25.0, f64::NAN)] {
            courses.take(at, [(key(), value)]);
        }
        assert_eq!(courses.level(Level::Peak), vec![(key(), 50.0)]);
        assert_eq!(courses.level(Level::Least), vec![(key(), 10.0)]);
        assert_eq!(courses.level(Level::Slope), vec![(key(), 2.0)]);
        assert_eq!(courses.mean(), vec![(key(), 30.0)]);
        let mut once = Courses::default();
        once.take(3.0, [(key(), 1.0)]);
        assert!(once.level(Level::Slope)[0].1.is_nan());
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let mut courses = Courses::default();
        courses.take(0.0, (0..5_000).map(|n| (vec![n.to_string()], 1.0)));
        assert_eq!(courses.mean().len(), MAX_GROUPS);
        courses.take(1.0, [(vec!["1".to_owned()], 3.0), (vec!["new".to_owned()], 3.0)]);
        assert_eq!(courses.mean().len(), MAX_GROUPS);
        assert!(courses.mean().contains(&(vec!["1".to_owned()], 2.0)));
    }
}
