//! Stale rows of visibility, which stay behind for good: what they show as open has ended.

use std::time::{Duration, SystemTime};

use benchmark_results::format::plural;
use benchmark_temporal::{
    shown_open::{self, ShownOpen},
    visibility,
};

use super::Reconciling;

/// Visibility is written in about the order in which workflows end: where it shows ends of this long before a missing one,
/// or later ones, that one is not just late.
const ABOUT: Duration = Duration::from_secs(5);

/// Ids that are named.
const NAMED: usize = 3;

impl Reconciling<'_> {
    /// The workflows whose ends are missing from the counts, where each has ended in time, is still shown as open, and
    /// others that ended then are counted. Empty where that is not so, or cannot be found out: they may just be late.
    pub(super) async fn stale(&self, missing: u64) -> Vec<String> {
        let prefix = &self.submission.id_prefix;
        let Ok(shown) = shown_open::look_up(self.server, prefix).await else {
            return Vec::new();
        };
        let cut = self.submission.cut_off.as_ref();
        let until = cut.map(|cut| self.time_of(cut.at));
        let Some((ids, first)) = all_stale(shown, missing, until) else {
            return Vec::new();
        };
        let workflow_type = self.plan.workload.kind.definition().workflow_type;
        let (from, to) = (first - ABOUT, SystemTime::now() + ABOUT);
        match visibility::count_completed_between(self.server, prefix, workflow_type, from, to).await {
            Ok(counted) if counted > 0 => ids,
            _ => Vec::new(),
        }
    }
}

/// The ids of the rows, and when the first of them ended, where they are all that is missing.
fn all_stale(shown: ShownOpen, missing: u64, until: Option<SystemTime>) -> Option<(Vec<String>, SystemTime)> {
    let ended: Vec<_> = shown
        .ended
        .into_iter()
        .filter_map(|row| Some((row.workflow_id, row.close_time?)))
        .filter(|(_, closed)| until.is_none_or(|until| *closed <= until))
        .collect();
    let first = ended.iter().map(|(_, closed)| *closed).min()?;
    let whole = !shown.more && ended.len() as u64 == missing;
    whole.then(|| (ended.into_iter().map(|(id, _)| id).collect(), first))
}

/// A sentence on them.
pub(super) fn in_words(stale: &[String]) -> Option<String> {
    let named = stale.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>();
    let more = if stale.len() > NAMED { ", …" } else { "" };
    (!stale.is_empty()).then(|| {
        format!(
            "visibility shows {} as open that have ended, as a look-up of each says ({}{more}): it is behind, not the account",
            plural(stale.len() as u64, "workflow"),
            named.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use benchmark_temporal::{Status, shown_open::Stale};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn row(id: &str, closed: Option<u64>) -> Stale {
        Stale {
            workflow_id: id.to_owned(),
            status: Some(Status::Completed),
            close_time: closed.map(at),
        }
    }

    fn shown(ended: Vec<Stale>) -> ShownOpen {
        ShownOpen {
            open: 4,
            ended,
            more: false,
        }
    }

    #[test]
    fn rows_are_stale_where_they_are_just_what_is_missing() {
        let two = || shown(vec![row("a", Some(9)), row("b", Some(7))]);
        let found = Some((vec!["a".to_owned(), "b".to_owned()], at(7)));
        assert_eq!(all_stale(two(), 2, None), found);
        assert_eq!(all_stale(two(), 2, Some(at(9))), found);
        // What ended after the cut-off is not missing.
        assert_eq!(all_stale(two(), 1, Some(at(8))), Some((vec!["b".to_owned()], at(7))));
        for (shown, missing) in [
            (two(), 1),
            (two(), 3),
            (shown(vec![]), 0),
            (ShownOpen { more: true, ..two() }, 2),
            (shown(vec![row("a", None)]), 1),
        ] {
            assert_eq!(all_stale(shown.clone(), missing, None), None, "{shown:?}: {missing}");
        }
    }

    #[test]
    fn some_of_them_are_named() {
        let ids: Vec<String> = (1..=4).map(|n| format!("run/measure/{n}")).collect();
        assert_eq!(in_words(&[]), None);
        let one = in_words(&ids[..1]).unwrap();
        assert!(one.contains("1 workflow ") && one.contains("(run/measure/1)"), "{one}");
        let three = in_words(&ids[..3]).unwrap();
        assert!(three.contains("run/measure/3)"), "{three}");
        let all = in_words(&ids).unwrap();
        assert!(
            all.contains("4 workflows") && all.contains("run/measure/3, …)"),
            "{all}"
        );
    }
}
