//! Runs in the bucket, newest object first.

use std::collections::BTreeMap;

use benchmark_scenarios::Problem;
use jiff::Timestamp;
use serde_json::json;

use super::FILE;
use crate::{
    bucket::{Bucket, Listed, RUNS, is_run_id},
    session::Session,
    table::table,
};

/// The first bytes of a results file, which say whether it is whole.
const HEAD: u64 = 256;

/// A run in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    id: String,
    newest: Timestamp,
    files: usize,
    bytes: u64,
    has_results: bool,
}

/// Lists them.
///
/// # Errors
/// When AWS refuses.
pub async fn list(session: &Session, bucket: &Bucket, limit: usize) -> Result<(), Problem> {
    let console = &session.console;
    let runs = runs(bucket.list(RUNS).await?);
    if runs.is_empty() {
        let sentence = format!("the bucket {} has no runs", bucket.name());
        console.tell("runs", sentence, json!({ "runs": 0 }));
        return Ok(());
    }
    let going = going(session, bucket).await?;
    let mut rows = Vec::new();
    for run in runs.iter().take(limit) {
        let head = match run.has_results {
            true => bucket.head(&format!("{RUNS}{}/{FILE}", run.id), HEAD).await?,
            false => None,
        };
        let state = match head.and_then(|head| is_complete(&head.bytes)) {
            Some(true) => "complete",
            _ if going.contains(&run.id) => "in progress",
            Some(false) => "INCOMPLETE: a partial result",
            None => "INCOMPLETE: no result",
        };
        let newest = run.newest.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        if console.is_json() {
            let more = json!({
                "run": run.id, "newest": run.newest.to_string(), "files": run.files, "bytes": run.bytes,
                "complete": state == "complete", "state": state,
            });
            console.tell("run", format!("{} {newest} {state}", run.id), more);
        }
        let (files, kilobytes) = (run.files.to_string(), run.bytes.div_ceil(1000).to_string());
        rows.push(vec![run.id.clone(), newest, files, kilobytes, state.to_owned()]);
    }
    if !console.is_json() {
        for line in table(&["RUN", "NEWEST OBJECT", "FILES", "KB", "STATE"], &rows, &[2, 3]) {
            console.print(&line);
        }
        if runs.len() > limit {
            console.print(&format!("and {} older; --limit N shows more", runs.len() - limit));
        }
    }
    Ok(())
}

/// The newest run's id.
///
/// # Errors
/// When there is none, or AWS refuses.
pub async fn newest(bucket: &Bucket) -> Result<String, Problem> {
    let newest = runs(bucket.list(RUNS).await?).into_iter().next();
    newest.map(|run| run.id).ok_or_else(|| {
        Problem::new(format!("the bucket {} has no runs", bucket.name()))
            .remedy("benchmark-cluster run --workers N -- --rate 400")
    })
}

/// Ids of the run in progress.
async fn going(session: &Session, bucket: &Bucket) -> Result<Vec<String>, Problem> {
    let task = session.run_in_progress().await?;
    let Some(token) = task.as_ref().and_then(|task| task.started_by()) else {
        return Ok(Vec::new());
    };
    let attended = bucket.attended(token).await?;
    Ok(attended.map(|attended| attended.runs).unwrap_or_default())
}

/// Objects by run, the run with the newest object first.
fn runs(objects: Vec<Listed>) -> Vec<Run> {
    let mut runs: BTreeMap<String, Run> = BTreeMap::new();
    for object in objects {
        let path = object.key.strip_prefix(RUNS).and_then(|path| path.split_once('/'));
        let Some((id, path)) = path.filter(|(id, _)| is_run_id(id)) else {
            continue;
        };
        let run = runs.entry(id.to_owned()).or_insert_with(|| Run {
            id: id.to_owned(),
            newest: object.modified,
            files: 0,
            bytes: 0,
            has_results: false,
        });
        run.newest = run.newest.max(object.modified);
        run.files += 1;
        run.bytes += object.length;
        run.has_results |= path == FILE;
    }
    let mut runs: Vec<Run> = runs.into_values().collect();
    runs.sort_by(|a, b| b.newest.cmp(&a.newest).then_with(|| a.id.cmp(&b.id)));
    runs
}

/// Whether the head of a results file says that it is whole; none where it says nothing.
fn is_complete(head: &[u8]) -> Option<bool> {
    let head = String::from_utf8_lossy(head);
    let (_, rest) = head.split_once("\"complete\":")?;
    let word: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(key: &str, at: i64) -> Listed {
        Listed {
            key: key.to_owned(),
            length: 700,
            modified: Timestamp::from_second(at).expect("an instant"),
        }
    }

    #[test]
    fn runs_come_by_their_newest_object() {
        let found = runs(vec![
            object("runs/.attendants/abc.json", 99),
            object("runs/a/results.json", 10),
            object("runs/a/cleanup/x", 30),
            object("runs/b/results.json", 20),
            object("runs/c/notes", 40),
            object("runs/stray", 50),
            object("runs/-x/results.json", 60),
        ]);
        let found: Vec<_> = found
            .iter()
            .map(|run| (run.id.as_str(), run.files, run.bytes, run.has_results))
            .collect();
        assert_eq!(found, [("c", 1, 700, false), ("a", 2, 1400, true), ("b", 1, 700, true)]);
    }

    #[test]
    fn the_head_of_a_results_file_says_whether_it_is_whole() {
        let whole = b"{\n  \"schemaVersion\": 1,\n  \"complete\": true,\n";
        assert_eq!(is_complete(whole), Some(true));
        assert_eq!(is_complete(b"{\"complete\":false"), Some(false));
        assert_eq!(is_complete(b"{\"complete\":  maybe"), None);
        assert_eq!(is_complete(b"{}"), None);
    }
}
