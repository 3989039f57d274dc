//! The control groups of this process, in both versions of the interface.
//!
//! A limit may stand on the process's own group or on any group above it, so all of them up to the mount point are read.
//! Sources: `Documentation/admin-guide/cgroup-v2.rst` and `Documentation/scheduler/sched-bwc.rst` of the kernel.

use std::path::{Component, Path, PathBuf};

use benchmark_results::schema::Fact;
use procfs::{FromBufRead, ProcessCGroups, process::MountInfo};

use super::{Root, values};

const MEMBERSHIP: &str = "/proc/self/cgroup";
const MOUNTS: &str = "/proc/self/mountinfo";
/// Limits at or above this are no limits: version 1 writes "none" as the largest number of pages.
const NO_MEMORY_LIMIT: u64 = 1 << 60;

/// The two versions of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// A process's place in one hierarchy: its own group first, then those above it.
#[derive(Clone, Debug)]
struct Hierarchy {
    version: Version,
    groups: Vec<PathBuf>,
}

/// The control groups of this process.
#[derive(Clone, Debug)]
pub struct Cgroups {
    root: Root,
    cpu: Result<Hierarchy, String>,
    memory: Result<Hierarchy, String>,
}

/// How often a group's CPU quota was enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttling {
    /// The group's folder.
    pub group: PathBuf,
    /// Enforcement periods that have gone by.
    pub periods: u64,
    /// Those in which the group had to wait.
    pub throttled: u64,
}

/// Finds the control groups of this process; `root` is `/` outside tests.
pub fn find(root: &Path) -> Cgroups {
    let root = Root::new(root);
    let places = root.read(MEMBERSHIP).and_then(|membership| {
        let membership = ProcessCGroups::from_buf_read(membership.as_bytes())
            .map_err(|error| format!("cannot understand {MEMBERSHIP}: {error}"))?;
        // A mount that is not understood is none of a control group.
        let mounts: Vec<MountInfo> = root
            .read(MOUNTS)?
            .lines()
            .filter_map(|line| MountInfo::from_line(line).ok())
            .collect();
        Ok((membership, mounts))
    });
    let hierarchy = |controller| {
        let (membership, mounts) = places.as_ref().map_err(String::clone)?;
        hierarchy(&root, controller, membership, mounts)
    };
    Cgroups {
        cpu: hierarchy("cpu"),
        memory: hierarchy("memory"),
        root: root.clone(),
    }
}

/// Finds a process's groups in the hierarchy of a controller. One that is mounted as version 1 is not in version 2, even
/// where both are there.
fn hierarchy(
    root: &Root,
    controller: &str,
    membership: &ProcessCGroups,
    mounts: &[MountInfo],
) -> Result<Hierarchy, String> {
    let v1 = || {
        let mount = mounts
            .iter()
            .find(|mount| mount.fs_type == "cgroup" && mount.super_options.contains_key(controller))?;
        let member = membership
            .0
            .iter()
            .find(|member| member.hierarchy != 0 && member.controllers.iter().any(|name| name == controller))?;
        Some((Version::V1, mount, member))
    };
    let v2 = || {
        let mount = mounts.iter().find(|mount| mount.fs_type == "cgroup2")?;
        let member = membership.0.iter().find(|member| member.hierarchy == 0)?;
        Some((Version::V2, mount, member))
    };
    let (version, mount, member) = v1()
        .or_else(v2)
        .ok_or_else(|| format!("no control group with the {controller} controller is mounted"))?;
    Ok(Hierarchy {
        version,
        groups: groups(root, &mount.mount_point, &mount.root, &member.pathname),
    })
}

/// The folders of a group and of those above it, up to the mount point.
fn groups(root: &Root, mount_point: &Path, mount_root: &str, group: &str) -> Vec<PathBuf> {
    // Without a namespace of its own a container sees the host's path, and as its mount only its own part of the tree.
    let below = Path::new(group)
        .strip_prefix(mount_root)
        .unwrap_or(Path::new(group).strip_prefix("/").unwrap_or(Path::new(group)));
    let own: PathBuf = mount_point.join(below).components().collect();
    // A path that is not there, or leads out of the mount, is one seen from elsewhere: the mount point is then the
    // closest group that can be seen.
    let leads_out = below.components().any(|part| part == Component::ParentDir);
    let own = if !leads_out && root.join(&own).is_dir() {
        own
    } else {
        mount_point.to_owned()
    };
    own.ancestors()
        .take_while(|group| group.starts_with(mount_point))
        .map(Path::to_owned)
        .collect()
}

impl Cgroups {
    /// The tightest CPU quota, in cores; missing when there is none.
    pub fn cpu_quota(&self) -> Fact<f64> {
        self.tightest(&self.cpu, "CPU quota", f64::total_cmp, |version, group| match version {
            Version::V2 => {
                let limit = self.root.read(group.join("cpu.max")).ok()?;
                let mut fields = limit.split_whitespace();
                ratio(fields.next()?, fields.next()?)
            }
            Version::V1 => ratio(
                self.root.read(group.join("cpu.cfs_quota_us")).ok()?.trim(),
                self.root.read(group.join("cpu.cfs_period_us")).ok()?.trim(),
            ),
        })
    }

    /// The tightest memory limit, in bytes; missing when there is none.
    pub fn memory_limit(&self) -> Fact<u64> {
        self.tightest(&self.memory, "memory limit", u64::cmp, |version, group| {
            let file = match version {
                Version::V2 => "memory.max",
                Version::V1 => "memory.limit_in_bytes",
            };
            let limit = self.root.read(group.join(file)).ok()?;
            limit.trim().parse().ok().filter(|&limit| limit < NO_MEMORY_LIMIT)
        })
    }

    /// How often the quotas that hold for this process were enforced: one entry for each group that counts it. Empty when
    /// there is no quota.
    ///
    /// # Errors
    /// With the reason, when the groups cannot be found.
    pub fn throttling(&self) -> Result<Vec<Throttling>, String> {
        let hierarchy = self.cpu.as_ref().map_err(String::clone)?;
        Ok(hierarchy
            .groups
            .iter()
            .filter_map(|group| {
                let stat = self.root.read(group.join("cpu.stat")).ok()?;
                let number = |key| values(&stat, key, ' ').next()?.parse().ok();
                Some(Throttling {
                    group: group.clone(),
                    periods: number("nr_periods")?,
                    throttled: number("nr_throttled")?,
                })
            })
            .collect())
    }

    fn tightest<T>(
        &self,
        hierarchy: &Result<Hierarchy, String>,
        what: &str,
        order: impl Fn(&T, &T) -> std::cmp::Ordering,
        read: impl Fn(Version, &Path) -> Option<T>,
    ) -> Fact<T> {
        let hierarchy = match hierarchy {
            Ok(hierarchy) => hierarchy,
            Err(reason) => return Fact::missing(reason),
        };
        let limits = hierarchy
            .groups
            .iter()
            .filter_map(|group| Some((read(hierarchy.version, group)?, group)));
        match limits.min_by(|(one, _), (other, _)| order(one, other)) {
            Some((limit, group)) => Fact::found(limit, group.display().to_string()),
            None => Fact::missing(format!(
                "no {what} on {} or above it",
                hierarchy
                    .groups
                    .first()
                    .map_or(Path::new("/"), PathBuf::as_path)
                    .display()
            )),
        }
    }
}

/// A quota over its period, in cores. "max" and -1 are no quota.
fn ratio(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}
