//! The checks that did not pass, each with its limit and its remedy.

use super::{Out, WIDTH};
use crate::{
    format::wrap,
    schema::{CheckStatus, Results},
    text,
};

/// Column at which a check's value begins.
const VALUE: usize = 22;

/// Prints the checks of one status, remedies shared by neighbours only once.
pub(super) fn at(out: &mut Out, results: &Results, status: CheckStatus) {
    let checks: Vec<_> = results
        .verdict
        .checks
        .iter()
        .filter(|check| check.status == status)
        .collect();
    if checks.is_empty() {
        return;
    }
    if status == CheckStatus::Warning {
        out.line(&out.style.dim("  worth knowing"));
    }
    for (index, check) in checks.iter().enumerate() {
        let name = check.name.replace('-', " ");
        let name = format!("  {name:<width$}", width = VALUE - 2);
        let value = format!(
            "{}; limit {}",
            text::line(&check.value, super::account::MESSAGE),
            check.limit
        );
        out.line(&wrap(&name, VALUE, &value, WIDTH));
        let said_next = checks.get(index + 1).is_some_and(|next| next.remedy == check.remedy);
        if !check.remedy.is_empty() && !said_next {
            let margin = format!("{:VALUE$}-> ", "");
            out.line(&wrap(&margin, VALUE + 3, &check.remedy, WIDTH));
        }
    }
    out.blank();
}
