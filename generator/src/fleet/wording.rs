//! Wording of what happens to members: for people, and for the results file.

use benchmark_fleet::{EventKind, FleetEvent, MemberState, Presence};

/// Names of a kind of event, kebab-case, and a sentence on it, for the results file.
pub fn tell(event: &FleetEvent) -> (&'static str, String) {
    let name = &event.name;
    match &event.kind {
        EventKind::Joined => ("member-joined", format!("{name} joined")),
        EventKind::Refused { reason } => ("member-refused", format!("{name} was refused: {reason}")),
        EventKind::Skewed { version, wanted } => (
            "version-skew",
            format!(
                "{name} is of version {version} and the leader of {wanted}: figures of both may mean different things"
            ),
        ),
        EventKind::Ready => ("member-ready", format!("{name} is ready")),
        EventKind::Silent => ("member-silent", format!("{name} was not heard of for some seconds")),
        EventKind::Returned => ("member-returned", format!("{name} is heard of again")),
        EventKind::Lost => ("member-lost", format!("{name} was lost")),
        EventKind::Left { reason } => ("member-left", format!("{name} left: {reason}")),
    }
}

/// Those who were there and went: how many, and why the last one did.
pub(super) fn left(gone: &[&MemberState]) -> String {
    match gone {
        [] => String::new(),
        [one] => format!("; {} left: {}", one.name, departure(one)),
        [.., last] => format!(
            "; {} left, the last of them {}: {}",
            gone.len(),
            last.name,
            departure(last)
        ),
    }
}

/// Who is waited for, and what that one waits for itself.
pub(super) fn waiting(member: &MemberState) -> String {
    if member.status.waiting_for.is_empty() {
        member.name.clone()
    } else {
        format!("{} ({})", member.name, member.status.waiting_for)
    }
}

/// How a member went, in words.
pub fn departure(member: &MemberState) -> String {
    let stopped = match member.status.stopped_at_ns {
        Some(at) => format!("; it stopped sending at {:.1} s", at as f64 / 1e9),
        None => String::new(),
    };
    let went = match &member.presence {
        Presence::Present => "present, and did not tell everything in time".to_owned(),
        Presence::Silent { .. } => "not heard of lately".to_owned(),
        Presence::Lost { .. } => "not heard of any more".to_owned(),
        Presence::Left { reason, .. } => reason.clone(),
    };
    went + &stopped
}
