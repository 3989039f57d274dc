//! This host's calibrated ceiling: the highest rate at which its generator stayed valid, kept between runs.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use benchmark_results::schema::{Fact, HostFacts};
use benchmark_scenarios::Plan;
use serde::{Deserialize, Serialize};

/// The version of the file that this program writes.
const FORMAT: u32 = 1;
const FILE: &str = "run-benchmark/calibration.json";
/// Largest file that is read as a calibration, bytes; one has some 300.
const MAX_BYTES: u64 = 64 * 1024;
const REMEDY: &str = "`run-benchmark calibrate` finds it";

/// What a calibration found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ceiling {
    /// Starts a second.
    pub rate: f64,
    /// When it was found, RFC 3339.
    pub calibrated_at: String,
    /// The program's version that found it.
    pub version: String,
    /// The host that it was found on.
    pub host: CalibratedHost,
}

/// What must be the same for a ceiling to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CalibratedHost {
    /// CPU model; null where the system does not tell it.
    pub cpu_model: Option<String>,
    /// Cores that the process could run on.
    pub cores: Option<u32>,
    /// CPU quota of the control group, in cores; null when there was none.
    pub cgroup_cpu_quota: Option<f64>,
}

/// Why a ceiling could not be stored.
#[derive(Debug, thiserror::Error)]
#[error("cannot store the calibration in {}: {source}; point XDG_DATA_HOME to a folder that can be written", path.display())]
pub struct CeilingError {
    /// The file.
    path: PathBuf,
    /// What the system said.
    source: io::Error,
}

/// The file as it is on disk.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stored<C> {
    format: u32,
    ceiling: C,
}

impl Ceiling {
    /// What each generator of a plan is asked for, as a share of it.
    pub fn share_of(&self, plan: &Plan) -> f64 {
        plan.load.rate.per_second() / f64::from(plan.fleet.generators.max(1)) / self.rate
    }
}

impl CalibratedHost {
    /// What matters of these facts.
    pub fn of(facts: &HostFacts) -> Self {
        CalibratedHost {
            cpu_model: facts.cpu_model.value.clone(),
            cores: facts.cores.value,
            cgroup_cpu_quota: facts.cgroup_cpu_quota.value,
        }
    }

    /// What differs on this host, in words; none when nothing does.
    fn difference(&self, now: &CalibratedHost) -> Option<String> {
        let mut differences = Vec::new();
        let mut compare = |what: &str, then: Option<String>, now: Option<String>| {
            if then != now {
                let told = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
                differences.push(format!("{what} was {} and is {}", told(then), told(now)));
            }
        };
        compare("the CPU model", self.cpu_model.clone(), now.cpu_model.clone());
        let text = |number: Option<u32>| number.map(|number| number.to_string());
        compare("the number of cores", text(self.cores), text(now.cores));
        let text = |number: Option<f64>| number.map(|number| number.to_string());
        compare("the CPU quota", text(self.cgroup_cpu_quota), text(now.cgroup_cpu_quota));
        (!differences.is_empty()).then(|| differences.join(", "))
    }
}

/// Where the ceiling is kept, from the values of `XDG_DATA_HOME` and `HOME`. None when neither is of use.
pub fn file(xdg_data_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    // The XDG base directory specification has relative paths ignored.
    let absolute = |path: &OsStr| Path::new(path).is_absolute().then(|| PathBuf::from(path));
    xdg_data_home
        .and_then(absolute)
        .or_else(|| Some(home.and_then(absolute)?.join(".local/share")))
        .map(|folder| folder.join(FILE))
}

/// Stores a ceiling in place of the one before. A crash leaves either of them whole.
///
/// # Errors
/// When the file or its folder cannot be written.
pub fn store(path: &Path, ceiling: &Ceiling) -> Result<(), CeilingError> {
    let write = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let stored = Stored {
            format: FORMAT,
            ceiling,
        };
        let mut text = serde_json::to_vec_pretty(&stored)?;
        text.push(b'\n');
        benchmark_results::file::replace(path, &mut |file| file.write_all(&text))
    };
    write().map_err(|source| CeilingError {
        path: path.to_owned(),
        source,
    })
}

/// The stored ceiling, if it is one of this host; missing with the reason otherwise.
pub fn load(path: &Path, facts: &HostFacts) -> Fact<Ceiling> {
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Fact::missing(format!("this host is not calibrated; {REMEDY}"));
        }
        Err(error) => return Fact::missing(format!("cannot read {}: {error}", path.display())),
    };
    let ceiling = match serde_json::from_slice::<Stored<Ceiling>>(&text) {
        Ok(stored) if stored.format == FORMAT && stored.ceiling.rate.is_finite() && stored.ceiling.rate > 0.0 => {
            stored.ceiling
        }
        Ok(_) => return Fact::missing(format!("{} is of no use to this version; {REMEDY}", path.display())),
        Err(error) => {
            return Fact::missing(format!("cannot understand {}: {error}; {REMEDY}", path.display()));
        }
    };
    match ceiling.host.difference(&CalibratedHost::of(facts)) {
        Some(difference) => Fact::missing(format!(
            "calibrated on another host: {difference}; {REMEDY} for this one"
        )),
        None => {
            let source = format!("calibrated {} with version {}", ceiling.calibrated_at, ceiling.version);
            Fact::found(ceiling, source)
        }
    }
}

/// The bytes of a file; of no pipe, which would wait for a writer, and no more than a calibration has.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut text = Vec::new();
    fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let words = format!("it has more than {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use benchmark_machine::host;

    fn facts(cores: &str) -> HostFacts {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("proc/self")).unwrap();
        fs::write(tree.path().join("proc/cpuinfo"), "model name\t: Some CPU\n").unwrap();
        fs::write(
            tree.path().join("proc/self/status"),
            format!("Cpus_allowed_list:\t{cores}\n"),
        )
        .unwrap();
        host::facts(tree.path())
    }

    fn ceiling(facts: &HostFacts) -> Ceiling {
        Ceiling {
            rate: 20_000.0,
            calibrated_at: "2026-01-02T03:04:05Z".to_owned(),
            version: "0.1.0".to_owned(),
            host: CalibratedHost::of(facts),
        }
    }

    #[test]
    fn what_is_stored_is_loaded_on_the_same_host() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(Some(folder.path().as_os_str()), None).unwrap();
        let facts = facts("0-1");
        let mut stored = ceiling(&facts);
        store(&path, &stored).unwrap();
        stored.rate = 21_400.0;
        store(&path, &stored).unwrap();
        let loaded = load(&path, &facts);
        assert_eq!(loaded.value, Some(stored));
        assert_eq!(loaded.source, "calibrated 2026-01-02T03:04:05Z with version 0.1.0");
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn another_host_has_no_ceiling() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        store(&path, &ceiling(&facts("0-1"))).unwrap();
        let loaded = load(&path, &facts("0-7"));
        assert_eq!(loaded.value, None);
        assert_eq!(
            loaded.source,
            "calibrated on another host: the number of cores was 2 and is 8; `run-benchmark calibrate` finds it for this one"
        );
    }

    #[test]
    fn a_file_that_is_absent_or_broken_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calibration.json");
        let facts = facts("0-1");
        assert!(load(&path, &facts).source.contains("not calibrated"));
        for broken in ["", "{}", "{\"format\": 1, \"ceiling\": 3}"] {
            fs::write(&path, broken).unwrap();
            assert!(load(&path, &facts).source.starts_with("cannot understand"), "{broken}");
        }
        for useless in [f64::NAN, 0.0, -1.0] {
            let mut stored = ceiling(&facts);
            stored.rate = useless;
            store(&path, &stored).unwrap();
            assert_eq!(load(&path, &facts).value, None, "{useless}");
        }
    }

    #[test]
    fn what_is_no_file_or_has_no_end_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, large) = (folder.path().join("pipe"), folder.path().join("large"));
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
        for (path, said) in [(&pipe, "no file"), (&large, "more than")] {
            let loaded = load(path, &facts("0-1"));
            assert!(
                loaded.value.is_none() && loaded.source.contains(said),
                "{}",
                loaded.source
            );
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let error = store(&blocked.join("calibration.json"), &ceiling(&facts("0"))).unwrap_err();
        assert!(error.to_string().contains("XDG_DATA_HOME"), "{error}");
    }

    #[test]
    fn the_folder_follows_the_xdg_specification() {
        let of = |xdg: Option<&str>, home: Option<&str>| file(xdg.map(OsStr::new), home.map(OsStr::new));
        assert_eq!(
            of(Some("/x"), Some("/h")),
            Some("/x/run-benchmark/calibration.json".into())
        );
        let at_home = Some(PathBuf::from("/h/.local/share/run-benchmark/calibration.json"));
        assert_eq!(of(None, Some("/h")), at_home);
        assert_eq!(of(Some("relative"), Some("/h")), at_home);
        assert_eq!(of(Some(""), None), None);
    }
}
