//! Admission: whether a process fits into a run, apart from who is in it already.

use std::sync::Arc;

use benchmark_results::schema::{HostFacts, WorkerFacts};

use super::{LeaderOptions, Refusal, Role};
use crate::{
    bounded,
    limits::{FACTS_BYTES, HASH_DIGITS, KEY_BYTES, NAME_BYTES, PROTOCOL, VERSION_BYTES},
    wire,
};

/// A process that fits.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) key: [u8; KEY_BYTES],
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) version: String,
    /// The version that it should have, when that is another one.
    pub(super) skewed: Option<String>,
    pub(super) host: Arc<HostFacts>,
    pub(super) workers: Option<Arc<WorkerFacts>>,
}

/// Checks what a process says of itself against the run.
pub(super) fn admit(request: wire::JoinRequest, options: &LeaderOptions) -> Result<Candidate, Refusal> {
    // The protocol first: of another one, the rest may mean something else.
    if request.protocol != PROTOCOL {
        return Err(Refusal::precondition(format!(
            "it speaks version {} of the fleet's protocol and the leader version {PROTOCOL}; run the same program on \
             both ({} on the leader)",
            request.protocol, options.version
        )));
    }
    let key = key(&request.key)?;
    let role = match request.role() {
        wire::Role::Worker => Role::Worker,
        wire::Role::Generator => Role::Generator,
        wire::Role::Unspecified => {
            return Err(Refusal::malformed(format!("role {} is not known", request.role)));
        }
    };
    let name = line("name", request.name, NAME_BYTES)?;
    let version = line("version", request.version, VERSION_BYTES)?;
    let wanted = match role {
        Role::Worker => &options.workers_version,
        Role::Generator => &options.version,
    };
    let skewed = (version != *wanted).then(|| wanted.clone());
    if skewed.is_some() && !options.allow_version_skew {
        return Err(Refusal::precondition(format!(
            "its version is {version} and the leader's {wanted}; run the same build on both, or give the leader \
             --allow-version-skew"
        )));
    }
    plan(&request.plan_hash, &options.plan_hash)?;
    let host = Arc::new(facts("machine", &request.host_json)?);
    let workers = match request.workers_json.as_str() {
        "" => None,
        json => Some(Arc::new(facts("workers", json)?)),
    };
    Ok(Candidate {
        key,
        role,
        name,
        version,
        skewed,
        host,
        workers,
    })
}

/// Reads a member's key.
pub(super) fn key(bytes: &[u8]) -> Result<[u8; KEY_BYTES], Refusal> {
    bytes
        .try_into()
        .map_err(|_| Refusal::malformed(format!("a key has {KEY_BYTES} bytes, this one {}", bytes.len())))
}

fn line(what: &str, text: String, most: usize) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::malformed(format!("the {what} is empty")));
    }
    if text.len() > most {
        return Err(Refusal::malformed(format!(
            "the {what} has {} bytes; at most {most} are taken",
            text.len()
        )));
    }
    Ok(bounded::line(&text))
}

/// Checks the plan that a process insists on: the beginning of the hash, or nothing.
fn plan(wanted: &str, ours: &str) -> Result<(), Refusal> {
    if wanted.is_empty() {
        return Ok(());
    }
    if !HASH_DIGITS.contains(&wanted.len()) || !wanted.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Refusal::malformed(format!(
            "the plan's hash is {} to {} hexadecimal digits",
            HASH_DIGITS.start(),
            HASH_DIGITS.end()
        )));
    }
    let begins = ours
        .get(..wanted.len())
        .is_some_and(|ours| ours.eq_ignore_ascii_case(wanted));
    if begins {
        return Ok(());
    }
    Err(Refusal::precondition(format!(
        "it insists on plan {} and the leader runs {}; start the leader with that plan, or leave --expect-plan out",
        wanted.to_ascii_lowercase(),
        ours.get(..12).unwrap_or(ours),
    )))
}

fn facts<T: serde::de::DeserializeOwned>(of: &str, json: &str) -> Result<T, Refusal> {
    if json.len() > FACTS_BYTES {
        return Err(Refusal::malformed(format!(
            "the facts of its {of} have {} bytes; at most {FACTS_BYTES} are taken",
            json.len()
        )));
    }
    bounded::facts(json).map_err(|error| Refusal::malformed(format!("the facts of its {of} cannot be read: {error}")))
}
