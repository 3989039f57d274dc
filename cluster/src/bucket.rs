//! The bucket of results: what lies where in it, and the calls that put, get and list it.
//!
//! `inputs/TOKEN/` has what a run needs and `index.json`, the list of it: the attendant may not list the bucket.
//! `runs/RUN-ID/` has what a run wrote, `runs/.attendants/TOKEN.json` what its attendant says of it.

use std::time::SystemTime;

use aws_sdk_s3::primitives::ByteStream;
use benchmark_results::limits::RUN_ID_MAX;
use benchmark_scenarios::Problem;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::aws::{Answer, Aws};

/// Where runs are.
pub const RUNS: &str = "runs/";

/// Name of the list of inputs beside them.
pub const INDEX: &str = "index.json";

/// Codes of S3 where there is no such object. One of no bytes has no first ones.
const MISSING: [&str; 3] = ["NoSuchKey", "NotFound", "InvalidRange"];

/// The key of an input.
pub fn input_key(token: &str, name: &str) -> String {
    format!("inputs/{token}/{name}")
}

/// The key of what an attendant says.
pub fn attended_key(token: &str) -> String {
    format!("runs/.attendants/{token}.json")
}

/// What an attendant says of its run, in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attended {
    /// ARN of the task.
    pub task: String,
    /// Ids of the runs that were copied, oldest first.
    pub runs: Vec<String>,
    /// When this was written, RFC 3339.
    pub copied: String,
    /// Whether all was copied after the generator had ended.
    pub ended: bool,
}

/// Whether a name is one of a file in a folder and nothing else: no path, nothing hidden, nothing that a shell would see
/// as more.
pub fn is_plain(name: &str) -> bool {
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    (1..=200).contains(&name.len()) && !name.starts_with(['.', '-']) && name.bytes().all(is_safe)
}

/// Whether a name can be a run's id.
pub fn is_run_id(name: &str) -> bool {
    is_plain(name) && name.len() <= RUN_ID_MAX
}

/// One bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: aws_sdk_s3::Client,
    name: String,
}

/// An object that was got.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When it was put.
    pub modified: Option<SystemTime>,
}

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// Its length, bytes.
    pub length: u64,
    /// When it was put.
    pub modified: Timestamp,
}

impl Bucket {
    /// The bucket of this name.
    pub fn new(aws: &Aws, name: &str) -> Bucket {
        Bucket {
            client: aws.s3.clone(),
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts an object, whole or not at all.
    ///
    /// # Errors
    /// When S3 refuses or is away.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Problem> {
        let asked = self.client.put_object().bucket(&self.name).key(key);
        let put = asked.body(ByteStream::from(bytes)).send().await;
        put.map(drop).or_refused(self.call("PutObject", key))
    }

    /// Gets an object; none where there is none.
    ///
    /// # Errors
    /// When S3 refuses or is away.
    pub async fn get(&self, key: &str) -> Result<Option<Object>, Problem> {
        self.fetch(key, None).await
    }

    /// The first bytes of an object; none where there is none, or it is empty.
    ///
    /// # Errors
    /// When S3 refuses or is away.
    pub async fn head(&self, key: &str, length: u64) -> Result<Option<Object>, Problem> {
        let last = length.saturating_sub(1);
        self.fetch(key, Some(format!("bytes=0-{last}"))).await
    }

    async fn fetch(&self, key: &str, range: Option<String>) -> Result<Option<Object>, Problem> {
        let asked = self.client.get_object().bucket(&self.name).key(key);
        let given = asked.set_range(range).send().await;
        let Some(given) = given.unless(&MISSING, self.call("GetObject", key))? else {
            return Ok(None);
        };
        let modified = given.last_modified().and_then(|at| SystemTime::try_from(*at).ok());
        let bytes = given.body.collect().await;
        let bytes = bytes.map_err(|error| Problem::new(format!("{}: {error}", self.call("GetObject", key))))?;
        Ok(Some(Object {
            bytes: bytes.to_vec(),
            modified,
        }))
    }

    /// What an attendant says of its run; none as long as it has said nothing.
    ///
    /// # Errors
    /// When S3 refuses or is away.
    pub async fn attended(&self, token: &str) -> Result<Option<Attended>, Problem> {
        let object = self.get(&attended_key(token)).await?;
        Ok(object.and_then(|object| serde_json::from_slice(&object.bytes).ok()))
    }

    /// All objects whose keys begin so.
    ///
    /// # Errors
    /// When S3 refuses or is away.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Problem> {
        let pages = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
        let pages: Result<Vec<_>, _> = pages.into_paginator().send().collect().await;
        let pages = pages.or_refused(self.call("ListObjectsV2", prefix))?;
        let listed = |object: aws_sdk_s3::types::Object| {
            let at = object.last_modified()?;
            Some(Listed {
                length: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
                modified: Timestamp::new(at.secs(), at.subsec_nanos().try_into().ok()?).ok()?,
                key: object.key?,
            })
        };
        let objects = pages.into_iter().flat_map(|page| page.contents.unwrap_or_default());
        Ok(objects.filter_map(listed).collect())
    }

    fn call(&self, action: &str, key: &str) -> String {
        format!("s3:{action} {}/{key}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_leads_nowhere_else() {
        for good in ["results.json", "r-20261126-101112-ab12", "a", "A_b+c.1"] {
            assert!(is_plain(good), "{good}");
        }
        let long = "a".repeat(201);
        for bad in [
            "", ".", "..", ".ready", "a/b", "../a", "-rf", "a b", "a\n", "ä", "$x", &long,
        ] {
            assert!(!is_plain(bad), "{bad}");
        }
        assert!(is_run_id(&"a".repeat(RUN_ID_MAX)) && !is_run_id(&"a".repeat(RUN_ID_MAX + 1)));
    }
}
