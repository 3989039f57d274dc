//! Builder of a check: what it is before its status is known.

use crate::schema::{Check, CheckStatus};

/// Value and limit of a check; the status makes it a [`Check`].
pub(super) struct CheckBuilder {
    name: &'static str,
    value: String,
    limit: String,
    measured: Option<f64>,
    allowed: Option<f64>,
}

impl CheckBuilder {
    pub(super) fn new(name: &'static str, value: impl Into<String>, limit: impl Into<String>) -> Self {
        CheckBuilder {
            name,
            value: value.into(),
            limit: limit.into(),
            measured: None,
            allowed: None,
        }
    }

    /// Value and limit as numbers; what is no number is left out.
    pub(super) fn numbers(mut self, measured: f64, allowed: f64) -> Self {
        self.measured = Some(measured).filter(|number| number.is_finite());
        self.allowed = Some(allowed).filter(|number| number.is_finite());
        self
    }

    /// By how much there is of what is better not: nothing up to `fine`, worth knowing up to `limit`, INVALID beyond.
    pub(super) fn tiers(self, measured: f64, (fine, limit): (f64, f64), few: &str, many: &str) -> Check {
        let draft = self.numbers(measured, limit);
        if measured > limit {
            draft.invalid(many)
        } else if measured > fine {
            draft.warning(few)
        } else {
            draft.pass()
        }
    }

    pub(super) fn pass(self) -> Check {
        self.into_check(CheckStatus::Pass, "")
    }

    /// The value is the reason.
    pub(super) fn not_applicable(self) -> Check {
        self.into_check(CheckStatus::NotApplicable, "")
    }

    pub(super) fn warning(self, remedy: impl Into<String>) -> Check {
        self.into_check(CheckStatus::Warning, remedy)
    }

    pub(super) fn overloaded(self, remedy: impl Into<String>) -> Check {
        self.into_check(CheckStatus::Overloaded, remedy)
    }

    pub(super) fn invalid(self, remedy: impl Into<String>) -> Check {
        self.into_check(CheckStatus::Invalid, remedy)
    }

    fn into_check(self, status: CheckStatus, remedy: impl Into<String>) -> Check {
        Check {
            name: self.name.into(),
            status,
            value: self.value,
            limit: self.limit,
            measured: self.measured,
            allowed: self.allowed,
            remedy: remedy.into(),
        }
    }
}
