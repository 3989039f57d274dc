//! Announcements of a run's course: a sentence for what is new since it was said last.

use std::collections::HashSet;

/// What was said.
#[derive(Debug, Default)]
pub struct Announcements {
    task: &'static str,
    workers: String,
    once: HashSet<String>,
}

impl Announcements {
    /// How far the generator's task is, when that has changed: its status, and the one that it is to have.
    pub fn task(&mut self, status: &str, wanted: &str, pool: &str) -> Option<String> {
        let stage = match (status, wanted) {
            ("STOPPED", _) => "has stopped",
            (_, "STOPPED") => "ends; its results are copied for the last time",
            ("PROVISIONING", _) => "waits for an instance",
            ("RUNNING", _) => "runs",
            _ => "begins on its instance",
        };
        if stage == std::mem::replace(&mut self.task, stage) {
            return None;
        }
        Some(match stage {
            "waits for an instance" => format!("generator: {stage} of the pool {pool}"),
            stage => format!("generator: {stage}"),
        })
    }

    /// How far the workers are, when that has changed: how many are desired, run and begin.
    pub fn workers(&mut self, (desired, running, pending): (i32, i32, i32)) -> Option<String> {
        let mut sentence = format!("workers: {running} of {desired} run");
        if pending > 0 {
            sentence += &format!(", {pending} begin");
        }
        if self.workers == sentence {
            return None;
        }
        self.workers.clone_from(&sentence);
        Some(sentence)
    }

    /// A sentence that is said once however often it is true.
    pub fn once(&mut self, sentence: &str) -> Option<String> {
        self.once.insert(sentence.to_owned()).then(|| sentence.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_told_by_its_stages_each_once() {
        let mut announcements = Announcements::default();
        let told: Vec<String> = [
            ("PROVISIONING", "RUNNING"),
            ("PROVISIONING", "RUNNING"),
            ("PENDING", "RUNNING"),
            ("ACTIVATING", "RUNNING"),
            ("RUNNING", "RUNNING"),
            ("RUNNING", "STOPPED"),
            ("DEACTIVATING", "STOPPED"),
            ("DEPROVISIONING", "STOPPED"),
            ("STOPPED", "STOPPED"),
        ]
        .into_iter()
        .filter_map(|(status, wanted)| announcements.task(status, wanted, "generator"))
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        generator: waits for an instance of the pool generator
        generator: begins on its instance
        generator: runs
        generator: ends; its results are copied for the last time
        generator: has stopped
        ");
    }

    #[test]
    fn what_has_not_changed_is_not_told() {
        let mut announcements = Announcements::default();
        let begun = announcements.workers((51, 0, 12));
        assert_eq!(begun.as_deref(), Some("workers: 0 of 51 run, 12 begin"));
        assert_eq!(announcements.workers((51, 0, 12)), None);
        assert_eq!(
            announcements.workers((51, 51, 0)).as_deref(),
            Some("workers: 51 of 51 run")
        );
        assert!(announcements.once("quota").is_some() && announcements.once("quota").is_none());
    }
}
