//! The noise profile as a file and as a judge of runs.

use std::fs;

use super::runs::{base, side, tuned, upgraded};
use crate::compare::{
    Metric, NoiseProfile,
    conditions::Conditions,
    noise::{NoiseError, NoiseKey, ProfileFileError},
};

fn profile() -> NoiseProfile {
    NoiseProfile::of(&side("noise", &base()).runs).unwrap()
}

#[test]
fn it_holds_the_spread_of_every_metric() {
    let profile = profile();
    let values = [52.0_f64, 50.5, 53.0, 51.5, 52.8].map(f64::ln);
    let expected = crate::stats::variance(&values).unwrap().sqrt();
    let found = profile.spreads[&"e2e-response-p99".parse::<Metric>().unwrap()];
    // To the resolution of the histogram.
    assert!((found.spread - expected).abs() < 1e-3, "{found:?} for {expected}");
    assert_eq!((found.freedom, profile.runs), (4.0, 5));
    assert_eq!(profile.measured_at, "2026-11-20T10:40:00Z");
    assert_eq!(profile.spreads.len(), Metric::all().count());
}

#[test]
fn it_survives_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.json");
    let profile = profile();
    profile.store(&path).unwrap();
    assert_eq!(NoiseProfile::load(&path).unwrap(), profile);
    // One of the first version says nothing of seeds.
    let mut old = serde_json::to_value(&profile).unwrap();
    old["profileVersion"] = 1.into();
    old.as_object_mut().unwrap().remove("seeds");
    fs::write(&path, old.to_string()).unwrap();
    assert_eq!(NoiseProfile::load(&path).unwrap().seeds, None);
    assert!(NoiseProfile::load(&folder.path().join("none.json")).is_err());
    // Of what is no file nothing is waited for.
    let pipe = folder.path().join("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert!(matches!(
        NoiseProfile::load(&pipe),
        Err(ProfileFileError::NotAProfile { .. })
    ));
}

#[test]
fn a_wrong_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.json");
    let load = |text: &str| {
        fs::write(&path, text).unwrap();
        NoiseProfile::load(&path).unwrap_err()
    };
    let profile = profile();
    let text = serde_json::to_string(&profile).unwrap();
    assert!(matches!(load(""), ProfileFileError::NotAProfile { .. }));
    assert!(matches!(load("{}"), ProfileFileError::NotAProfile { .. }));
    assert!(matches!(
        load(&text[..text.len() / 2]),
        ProfileFileError::NotAProfile { .. }
    ));
    assert!(matches!(
        load("{\"profileVersion\": 3}"),
        ProfileFileError::Newer { found: 3, .. }
    ));
    assert!(matches!(
        load(&" ".repeat(2 << 20)),
        ProfileFileError::NotAProfile { .. }
    ));
    let mut broken = profile.clone();
    for spread in broken.spreads.values_mut() {
        spread.freedom = 0.0;
    }
    let error = load(&serde_json::to_string(&broken).unwrap()).to_string();
    assert!(error.ends_with("is no spread") && !error.contains('\n'), "{error}");
}

#[test]
fn it_is_refused_for_other_runs_and_found_for_its_own() {
    let profile = profile();
    let mut run = base().remove(0);
    run.run.version = "0.2.0".into();
    assert_eq!(profile.applies_to(&run), Ok(()));
    assert_eq!(NoiseKey::of(&run), profile.key());
    assert_eq!(profile.key().to_string().len(), 25);
    let other = upgraded(base()).remove(0);
    let foreign = profile.applies_to(&other).unwrap_err();
    assert_eq!(foreign.key, "server.version");
    assert_ne!(NoiseKey::of(&other), profile.key());
}

#[test]
fn it_is_made_of_enough_runs_that_are_alike() {
    let runs = base();
    let few = NoiseProfile::of(&side("noise", &runs[..2]).runs).unwrap_err();
    assert!(matches!(few, NoiseError::TooFew { given: 2 }));
    let mut mixed = base();
    mixed.extend(tuned());
    let error = NoiseProfile::of(&side("noise", &mixed).runs).unwrap_err().to_string();
    assert!(
        error.contains("transferProcessorMaxPollRPS differs within the baseline"),
        "{error}"
    );
    let mut partial = base();
    partial[3].complete = false;
    assert!(matches!(
        NoiseProfile::of(&side("noise", &partial).runs),
        Err(NoiseError::Refused(_))
    ));
}

/// Runs of a side, each with another seed.
fn seeded(first: u64) -> Vec<benchmark_results::Results> {
    let mut runs = base();
    for (run, seed) in runs.iter_mut().zip(first..) {
        run.plan.load.seed = seed;
    }
    runs
}

#[test]
fn of_one_seed_it_fits_runs_of_that_and_of_several_any() {
    let mut run = base().remove(0);
    run.plan.load.seed = 99;
    let of_one = profile();
    assert_eq!(of_one.seeds, Some(1));
    assert_eq!(of_one.applies_to(&run).unwrap_err().key, "plan.load.seed");
    let of_several = NoiseProfile::of(&side("noise", &seeded(1)).runs).unwrap();
    assert_eq!(of_several.seeds, Some(5));
    assert_eq!(of_several.applies_to(&run), Ok(()));
    // They are found by the same key, and one that does not say what seed it had is not asked for it.
    assert_eq!(of_several.key(), of_one.key());
    assert_eq!(NoiseKey::of(&run), of_one.key());
    let mut old = of_one;
    old.surroundings.0.remove("plan.load.seed");
    assert_eq!(old.applies_to(&run), Ok(()));
}

#[test]
fn before_a_run_it_is_found_by_plan_and_host() {
    let profile = profile();
    let mut run = base().remove(0);
    run.plan.load.seed = 9;
    let before = |run: &benchmark_results::Results| Conditions::before(&run.plan, &run.environment.host);
    assert!(profile.is_of(&before(&run)));
    run.environment.host.cores.value = Some(99);
    assert!(!profile.is_of(&before(&run)));
    let mut run = base().remove(0);
    run.plan.load.rate = "399".parse().unwrap();
    assert!(!profile.is_of(&before(&run)));
}
