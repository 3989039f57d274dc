//! The latest runs of a series, to compare new ones with.

use std::{
    io,
    path::{Path, PathBuf},
};

use benchmark_results::{Results, format::plural, text};

use super::{find, run::RunRow};

/// Fewest runs that are a baseline: one has no spread.
const FEWEST: usize = 2;

/// The latest runs of a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Their results files, the earliest first; two or more.
    pub files: Vec<PathBuf>,
    /// Runs of the series, without those that are compared with it.
    pub of: usize,
}

/// Why there is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The folder cannot be read.
    #[error("{} cannot be read: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The series is too short.
    #[error(
        "{} has {} of the series of {run} ({workload}, plan {plan}) besides those that are compared, and a baseline takes \
         {FEWEST}; {} there are of other plans or environments, INVALID or unfinished",
        folder.display(), plural(*found as u64, "run"), plural(*others as u64, "run")
    )]
    TooFew {
        /// The folder.
        folder: PathBuf,
        /// The first of the runs that are compared.
        run: String,
        /// Its workload.
        workload: String,
        /// The beginning of its plan's hash.
        plan: String,
        /// Runs of its series.
        found: usize,
        /// Runs in the folder that are not.
        others: usize,
    },
}

/// The latest runs in the folder and below, at most so many, of the series that the given runs belong to by the first of
/// them. Runs with the id of one that is given are no part of it: nothing is compared with itself.
///
/// # Errors
/// When the folder cannot be read, or fewer than two runs are left.
pub fn tail(folder: &Path, given: &[&Results], last: usize) -> Result<Tail, TailError> {
    let found = find::find(folder).map_err(|source| TailError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
    let given: Vec<RunRow> = given
        .iter()
        .filter_map(|results| RunRow::new(results, folder))
        .collect();
    let is_given = |run: &RunRow| given.iter().any(|given| given.id == run.id);
    let mut rows: Vec<RunRow> = found.runs.into_iter().filter(|run| !is_given(run)).collect();
    let all = rows.len();
    rows.retain(|run| run.counts() && given.first().is_some_and(|given| given.is_like(run)));
    if rows.len() < FEWEST {
        let first = given.first();
        return Err(TailError::TooFew {
            folder: folder.to_owned(),
            run: first.map_or_else(String::new, |run| text::line(&run.id, 40)),
            workload: first.map_or_else(String::new, |run| run.workload.clone()),
            plan: first.map_or_else(String::new, |run| run.plan_hash.chars().take(6).collect()),
            found: rows.len(),
            others: all - rows.len(),
        });
    }
    rows.sort_by(|a, b| (a.started_at, &a.id).cmp(&(b.started_at, &b.id)));
    let of = rows.len();
    let files = rows.split_off(of.saturating_sub(last.max(FEWEST)));
    Ok(Tail {
        files: files.into_iter().map(|run| run.path).collect(),
        of,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use benchmark_results::{file, schema::VerdictValue, testing};

    #[test]
    fn the_latest_of_the_series_without_what_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let write = |day: usize, change: &dyn Fn(&mut Results)| {
            let mut results = testing::short();
            results.run.id = format!("01k3-run-{day:02}");
            results.run.started_at = format!("2026-11-{day:02}T10:00:00Z");
            change(&mut results);
            file::write_atomically(&folder.path().join(format!("{day:02}.json")), &results).unwrap();
            results
        };
        for day in 1..=6 {
            write(day, &|_| {});
        }
        write(7, &|results| results.verdict.value = VerdictValue::Invalid);
        write(8, &|results| results.plan.load.rate = "40".parse().unwrap());
        let new = write(9, &|results| results.plan.load.seed = 7);
        let files = |given: &[&Results], last| {
            let tail = tail(folder.path(), given, last).unwrap();
            let names = tail
                .files
                .iter()
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
            (names.collect::<Vec<_>>().join(" "), tail.of)
        };
        assert_eq!(files(&[&new], 3), ("04 05 06".to_owned(), 6));
        assert_eq!(files(&[&new], 50), ("01 02 03 04 05 06".to_owned(), 6));
        let sixth = file::read(&folder.path().join("06.json")).unwrap();
        assert_eq!(files(&[&new, &sixth], 2), ("04 05".to_owned(), 5));

        let other = file::read(&folder.path().join("08.json")).unwrap();
        let said = tail(folder.path(), &[&other], 3).unwrap_err().to_string();
        assert!(said.contains("has 0 runs of the series of 01k3-run-08"), "{said}");
        assert!(said.contains("8 runs there are of other plans"), "{said}");
        assert!(matches!(
            tail(Path::new("no/such/folder"), &[&new], 3),
            Err(TailError::Folder { .. })
        ));
    }
}
