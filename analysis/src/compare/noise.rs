//! The noise profile: how far runs of one plan in one environment differ when nothing is changed.
//!
//! It is what a single run on either side is held against, and where it is asked for, it is pooled into the spread of few runs.
//! It never widens the margin: how well something is known says nothing of how much of it matters.
//! It holds the keys that it was measured under, so that it is refused for other runs by naming what differs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use benchmark_results::{Results, file, text::make_json_harmless};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    comparable,
    conditions::{Conditions, SEED, are_alike, covers},
    evidence::Spread,
    excerpt,
    metric::{self, Metric},
    refusal::{ForeignProfile, Refusal},
    side::RunFile,
};
use crate::stats;

/// Version of the file's form.
pub const PROFILE_VERSION: u32 = 2;

/// Runs that a profile needs: the spread of two is known to a factor of thirty either way, that of three to one of six.
pub const LEAST_RUNS: usize = 3;

/// Largest file that is read as a profile, bytes; one has about 10 KB.
const MAX_BYTES: u64 = 1 << 20;

/// The spread of all metrics, and what it is the spread of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoiseProfile {
    /// Version of this form.
    pub profile_version: u32,
    /// Hash of the plan, as far as it matters for a comparison.
    pub plan: String,
    /// Hash of the environment, likewise.
    pub environment: String,
    /// When the last of its runs began, RFC 3339.
    pub measured_at: String,
    /// How many runs it was made of.
    pub runs: u32,
    /// How many different seeds they had; absent in files of older programs. What differs between draws of one load is in
    /// the spread only as far as seeds differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<u32>,
    /// Spread by metric; metrics that not every run had are missing.
    pub spreads: BTreeMap<Metric, Spread>,
    /// What it was measured under.
    pub surroundings: Conditions,
}

/// A profile and what it is called in a report.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseFile {
    /// Its file.
    pub name: String,
    /// What is in it.
    pub profile: NoiseProfile,
}

/// A noise profile in a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NoiseSummary {
    /// Its file.
    pub file: String,
    /// When it was measured, RFC 3339.
    pub measured_at: String,
    /// How many days before the last of the compared runs that was; `None` when a time cannot be read.
    pub age_days: Option<u32>,
    /// Of how many runs.
    pub runs: u32,
    /// Of how many seeds; `None` of profiles that did not record it.
    pub seeds: Option<u32>,
    /// Spread of the primary metrics.
    pub spreads: BTreeMap<Metric, f64>,
    /// What makes it fit less well than it might, a sentence each.
    pub remarks: Vec<String>,
}

/// Age from which a profile is worth a remark, days.
const OLD_DAYS: u32 = 30;

impl NoiseFile {
    /// What a report says of it beside runs that are compared.
    pub(super) fn summary(&self, runs: &[RunFile], primary: &[Metric]) -> NoiseSummary {
        let profile = &self.profile;
        let instant = |text: &str| text.parse::<Timestamp>().ok();
        let last = runs.iter().filter_map(|run| instant(&run.results.run.started_at)).max();
        let age = last.zip(instant(&profile.measured_at)).map(|(run, measured)| {
            let seconds = run.as_second() - measured.as_second();
            u32::try_from(seconds / 86_400).unwrap_or(0)
        });
        let mut remarks = Vec::new();
        if age.is_some_and(|days| days > OLD_DAYS) {
            remarks.push(format!("it is older than {OLD_DAYS} days: measure it anew"));
        }
        let scheduling = |surroundings: &Conditions| {
            let keys = surroundings
                .0
                .iter()
                .filter(|(key, _)| covers("program.scheduling", key));
            keys.map(|(key, value)| (key.clone(), value.clone()))
                .collect::<Vec<_>>()
        };
        let measured = scheduling(&profile.surroundings);
        if runs
            .iter()
            .any(|run| scheduling(&Conditions::of(run.results)) != measured)
        {
            remarks.push("its runs were scheduled otherwise (real time or not)".into());
        }
        NoiseSummary {
            file: excerpt::shortened(&self.name),
            measured_at: profile.measured_at.clone(),
            age_days: age,
            runs: profile.runs,
            seeds: profile.seeds,
            spreads: profile
                .spreads
                .iter()
                .filter(|(metric, _)| primary.contains(metric))
                .map(|(metric, spread)| (*metric, spread.spread))
                .collect(),
            remarks,
        }
    }
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum NoiseError {
    /// Too few runs.
    #[error(
        "a noise profile needs at least {LEAST_RUNS} runs of one plan, and there are {given}: run-benchmark noise --runs 5"
    )]
    TooFew {
        /// How many there are.
        given: usize,
    },
    /// The runs are no repetitions of one another, or no measurements.
    #[error("these runs make no noise profile\n{}", .0.iter().map(|refusal| format!("  {refusal}")).collect::<Vec<_>>().join("\n"))]
    Refused(Vec<Refusal>),
}

/// Why a profile could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileFileError {
    /// The system refused.
    #[error("cannot read or write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is none.
    #[error("{} is no noise profile: {reason}", path.display())]
    NotAProfile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It is newer than this program.
    #[error("{} has profile version {found}, and this program reads up to {PROFILE_VERSION}: use a newer run-benchmark", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// What a profile is found by: the hashes of plan and environment. As text, a name for its file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NoiseKey {
    /// Hash of the plan.
    pub plan: String,
    /// Hash of the environment.
    pub environment: String,
}

impl NoiseKey {
    /// The key of the profile that fits a run.
    pub fn of(results: &Results) -> Self {
        let (plan, environment) = Conditions::of(results).fingerprints();
        NoiseKey { plan, environment }
    }
}

impl std::fmt::Display for NoiseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = |text: &str| text.chars().take(12).collect::<String>();
        write!(f, "{}-{}", head(&self.plan), head(&self.environment))
    }
}

impl NoiseProfile {
    /// The profile of runs between which nothing was changed.
    ///
    /// # Errors
    /// With fewer than [`LEAST_RUNS`] runs, or when they are not sound or not alike.
    pub fn of(runs: &[RunFile]) -> Result<Self, NoiseError> {
        let Some((first, _)) = runs.split_first().filter(|_| runs.len() >= LEAST_RUNS) else {
            return Err(NoiseError::TooFew { given: runs.len() });
        };
        let mut refusals = comparable::unsound(runs);
        let differences = comparable::differences(runs, runs, &[], &[]);
        refusals.extend(comparable::unlike(&differences, &[]));
        let mut values = Vec::with_capacity(runs.len());
        for run in runs {
            match metric::values(run.results) {
                Ok(of_run) => values.push(of_run),
                Err(source) => refusals.push(Refusal::Damaged {
                    file: run.name.to_owned(),
                    source,
                }),
            }
        }
        if !refusals.is_empty() {
            return Err(NoiseError::Refused(refusals));
        }
        let spreads = Metric::all().filter_map(|metric| {
            let scaled: Option<Vec<_>> = values
                .iter()
                .map(|of_run| metric.to_scale(*of_run.get(&metric)?.as_ref().ok()?))
                .collect();
            let scaled = scaled?;
            let spread = Spread {
                spread: stats::variance(&scaled)?.sqrt(),
                freedom: (scaled.len() - 1) as f64,
            };
            Some((metric, spread))
        });
        let seeds: BTreeSet<u64> = runs.iter().map(|run| run.results.plan.load.seed).collect();
        let mut surroundings = Conditions::of(first.results);
        if seeds.len() > 1 {
            // What differs between draws is in the spread: it fits runs of any.
            surroundings.0.remove(SEED);
        }
        let (plan, environment) = surroundings.fingerprints();
        let last = runs.iter().map(|run| &run.results.run.started_at).max();
        Ok(NoiseProfile {
            profile_version: PROFILE_VERSION,
            plan,
            environment,
            measured_at: last.cloned().unwrap_or_default(),
            runs: runs.len() as u32,
            seeds: Some(seeds.len() as u32),
            spreads: spreads.collect(),
            surroundings,
        })
    }

    /// The key that it is found by.
    pub fn key(&self) -> NoiseKey {
        NoiseKey {
            plan: self.plan.clone(),
            environment: self.environment.clone(),
        }
    }

    /// Whether it tells the noise of this run: all that matters is as it was, but the program's own version, and the seed where
    /// it is of several, or does not say.
    ///
    /// # Errors
    /// The first thing that is not.
    pub fn applies_to(&self, results: &Results) -> Result<(), ForeignProfile> {
        let run = Conditions::of(results);
        let keys = self.surroundings.0.keys().chain(run.0.keys());
        let is_demanded = |key: &str| match key {
            SEED => self.surroundings.0.contains_key(SEED),
            _ => !covers("program", key),
        };
        let mut differing =
            keys.filter(|key| is_demanded(key) && !are_alike(key, self.surroundings.get(key), run.get(key)));
        match differing.next() {
            None => Ok(()),
            Some(key) => Err(ForeignProfile {
                measured_at: excerpt::shortened(&self.measured_at),
                key: excerpt::shortened(key),
                profile: excerpt::shortened(self.surroundings.get(key)),
                run: excerpt::shortened(run.get(key)),
            }),
        }
    }

    /// Whether it was measured of this plan, with whatever seeds, on such a host. What server there will be is not known before
    /// a run, and not asked.
    pub fn is_of(&self, before: &Conditions) -> bool {
        let keys = self.surroundings.0.keys().chain(before.0.keys());
        let mut of_host = keys.filter(|key| covers("host", key));
        self.plan == before.fingerprints().0
            && of_host.all(|key| are_alike(key, self.surroundings.get(key), before.get(key)))
    }

    /// Writes it, over what is there: whole or not at all.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn store(&self, path: &Path) -> Result<(), ProfileFileError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| ProfileFileError::NotAProfile {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let io = |source| ProfileFileError::Io {
            path: path.to_owned(),
            source,
        };
        file::replace(path, &mut |file| writeln!(file, "{text}")).map_err(io)
    }

    /// Reads what [`NoiseProfile::store`] wrote.
    ///
    /// # Errors
    /// When it is missing, too large, none, or newer than this program.
    pub fn load(path: &Path) -> Result<Self, ProfileFileError> {
        let io = |source| ProfileFileError::Io {
            path: path.to_owned(),
            source,
        };
        let none = |reason: String| ProfileFileError::NotAProfile {
            path: path.to_owned(),
            reason,
        };
        // Before it is opened: opening a pipe waits for a writer.
        if !fs::metadata(path).map_err(io)?.is_file() {
            return Err(none("it is no file".to_owned()));
        }
        let mut text = Vec::new();
        File::open(path)
            .map_err(io)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(io)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(none(format!("it has more than {MAX_BYTES} bytes")));
        }
        make_json_harmless(&mut text);
        // The version first: a newer form may well not fit the type.
        let version: Version = serde_json::from_slice(&text).map_err(|error| none(error.to_string()))?;
        if version.profile_version > PROFILE_VERSION {
            return Err(ProfileFileError::Newer {
                path: path.to_owned(),
                found: version.profile_version,
            });
        }
        let profile: NoiseProfile = serde_json::from_slice(&text).map_err(|error| none(error.to_string()))?;
        let sound = |spread: &Spread| spread.spread.is_finite() && spread.spread >= 0.0 && spread.freedom >= 1.0;
        match profile.spreads.iter().find(|(_, spread)| !sound(spread)) {
            Some((metric, _)) => Err(none(format!("its spread of {metric} is no spread"))),
            None => Ok(profile),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    profile_version: u32,
}
