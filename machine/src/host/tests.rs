//! Facts from trees of files as they are on real machines.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::*;

const V2_MOUNT: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const V1_MOUNTS: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
";

fn tree(files: &[(&str, &str)]) -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = tree.path().join(path.strip_prefix('/').unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    tree
}

fn facts_of(files: &[(&str, &str)]) -> HostFacts {
    facts(tree(files).path())
}

#[test]
fn an_intel_machine_of_ec2_with_version_2_groups() {
    let facts = facts_of(&[
        (
            "/proc/cpuinfo",
            "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8488C\n\nprocessor\t: 1\n",
        ),
        (
            "/proc/self/status",
            "Name:\trun-benchmark\nCpus_allowed_list:\t0-7\nVmHWM:\t 1024 kB\n",
        ),
        ("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree:        1 kB\n"),
        ("/proc/sys/kernel/osrelease", "6.1.0-40-cloud-amd64\n"),
        ("/proc/sys/kernel/hostname", "loader-1\n"),
        (
            "/etc/os-release",
            "NAME=\"Amazon Linux\"\nPRETTY_NAME=\"Amazon Linux 2023.6\"\n",
        ),
        ("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n"),
        ("/sys/class/dmi/id/product_name", "c7i.2xlarge\n"),
        ("/proc/self/cgroup", "0::/system.slice/bench.service\n"),
        ("/proc/self/mountinfo", V2_MOUNT),
        ("/sys/fs/cgroup/cpu.stat", "usage_usec 1\n"),
        ("/sys/fs/cgroup/system.slice/cpu.max", "150000 100000\n"),
        ("/sys/fs/cgroup/system.slice/bench.service/cpu.max", "max 100000\n"),
        ("/sys/fs/cgroup/system.slice/bench.service/memory.max", "2147483648\n"),
    ]);
    assert_eq!(
        facts.cpu_model.value.as_deref(),
        Some("Intel(R) Xeon(R) Platinum 8488C")
    );
    assert_eq!(facts.cores.value, Some(8));
    assert_eq!(facts.memory_bytes.value, Some(16_384_000 * 1024));
    assert!(
        facts.memory_bytes.source.contains("2147483648"),
        "{}",
        facts.memory_bytes.source
    );
    assert_eq!(facts.kernel.value.as_deref(), Some("6.1.0-40-cloud-amd64"));
    assert_eq!(facts.hostname.value.as_deref(), Some("loader-1"));
    assert_eq!(facts.os.value.as_deref(), Some("Amazon Linux 2023.6"));
    assert_eq!(facts.instance_type.value.as_deref(), Some("c7i.2xlarge"));
    // The limit stands on the group above.
    assert_eq!(facts.cgroup_cpu_quota, Fact::found(1.5, "/sys/fs/cgroup/system.slice"));
}

#[test]
fn the_tightest_of_nested_quotas_holds() {
    let tree = tree(&[
        ("/proc/self/status", "Cpus_allowed_list:\t0-15\n"),
        ("/proc/self/cgroup", "0::/a/b\n"),
        ("/proc/self/mountinfo", V2_MOUNT),
        ("/sys/fs/cgroup/a/cpu.max", "400000 100000\n"),
        ("/sys/fs/cgroup/a/b/cpu.max", "50000 20000\n"),
        (
            "/sys/fs/cgroup/a/b/cpu.stat",
            "usage_usec 5\nnr_periods 40\nnr_throttled 7\nthrottled_usec 9\n",
        ),
    ]);
    assert_eq!(
        facts(tree.path()).cgroup_cpu_quota,
        Fact::found(2.5, "/sys/fs/cgroup/a/b")
    );
    assert_eq!(capacity(tree.path()), Some(2.5));
    let throttling = cgroup::find(tree.path()).throttling().unwrap();
    assert_eq!(throttling.len(), 1);
    assert_eq!((throttling[0].periods, throttling[0].throttled), (40, 7));
}

#[test]
fn a_graviton_in_a_container_with_version_1_groups() {
    let own = "/sys/fs/cgroup/cpu,cpuacct";
    // No namespace of its own: the container is told the host's path, and sees its own group as the mount point.
    let mounts = V1_MOUNTS.replace("0:29 /", "0:29 /ecs/task");
    let files = [
        (
            "/proc/cpuinfo",
            "processor\t: 0\nBogoMIPS\t: 2100.00\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n",
        ),
        ("/proc/self/cgroup", "4:memory:/\n2:cpu,cpuacct:/ecs/task\n0::/\n"),
        ("/proc/self/mountinfo", mounts.as_str()),
        (&format!("{own}/cpu.cfs_quota_us"), "75000\n"),
        (&format!("{own}/cpu.cfs_period_us"), "100000\n"),
        (
            &format!("{own}/cpu.stat"),
            "nr_periods 10\nnr_throttled 2\nthrottled_time 12345\n",
        ),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
    ];
    let tree = tree(&files);
    let facts = facts(tree.path());
    assert_eq!(facts.cpu_model.value.as_deref(), Some("ARM Neoverse-V2"));
    assert_eq!(facts.cgroup_cpu_quota, Fact::found(0.75, own));
    let cgroups = cgroup::find(tree.path());
    assert_eq!(cgroups.memory_limit().value, None);
    assert_eq!(cgroups.throttling().unwrap()[0].throttled, 2);
}

#[test]
fn no_quota_is_missing_with_a_reason() {
    let v1 = facts_of(&[
        ("/proc/self/cgroup", "1:cpu,cpuacct:/\n0::/\n"),
        ("/proc/self/mountinfo", V1_MOUNTS),
        ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
        ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
    ]);
    assert_eq!(
        v1.cgroup_cpu_quota,
        Fact::missing("no CPU quota on /sys/fs/cgroup/cpu,cpuacct or above it")
    );
    // The path is one that only the host can see.
    let v2 = facts_of(&[
        ("/proc/self/cgroup", "0::/../../else\n"),
        ("/proc/self/mountinfo", V2_MOUNT),
        ("/sys/fs/cgroup/cpu.max", "max 100000\n"),
    ]);
    assert_eq!(
        v2.cgroup_cpu_quota,
        Fact::missing("no CPU quota on /sys/fs/cgroup or above it")
    );
}

#[test]
fn an_empty_machine_has_a_reason_for_everything() {
    let facts = facts_of(&[]);
    let reasons = [
        (facts.cpu_model.value.is_none(), facts.cpu_model.source, "/proc/cpuinfo"),
        (facts.cores.value.is_none(), facts.cores.source, "/proc/self/status"),
        (
            facts.cgroup_cpu_quota.value.is_none(),
            facts.cgroup_cpu_quota.source,
            "/proc/self/cgroup",
        ),
        (
            facts.memory_bytes.value.is_none(),
            facts.memory_bytes.source,
            "/proc/meminfo",
        ),
        (facts.kernel.value.is_none(), facts.kernel.source, "osrelease"),
        (facts.os.value.is_none(), facts.os.source, "/usr/lib/os-release"),
        (facts.hostname.value.is_none(), facts.hostname.source, "hostname"),
        (
            facts.instance_type.value.is_none(),
            facts.instance_type.source,
            "sys_vendor",
        ),
    ];
    for (missing, reason, named) in reasons {
        assert!(missing, "{reason}");
        assert!(reason.contains(named), "{reason}");
    }
    let tree = tree(&[]);
    assert_eq!(capacity(tree.path()), None);
    assert!(cgroup::find(tree.path()).throttling().is_err());
}

#[test]
fn the_firmware_of_other_machines_tells_no_instance_type() {
    let facts = facts_of(&[
        ("/sys/class/dmi/id/sys_vendor", "Google\n"),
        ("/sys/class/dmi/id/product_name", "Google Compute Engine\n"),
    ]);
    assert_eq!(facts.instance_type.value, None);
    assert!(facts.instance_type.source.contains("\"Google\""));
}

#[test]
fn this_machine_tells_what_every_linux_does() {
    let facts = facts(Path::new("/"));
    assert!(facts.cores.value.unwrap() > 0);
    assert!(facts.memory_bytes.value.unwrap() > 0);
    assert!(facts.kernel.value.is_some());
    assert!(capacity(Path::new("/")).unwrap() > 0.0);
}
