//! The processor: its model, the cores that this process may use, and how much of them.

use std::path::Path;

use benchmark_results::schema::Fact;

use super::{Root, cgroup, fact, values};

const CPUINFO: &str = "/proc/cpuinfo";
const STATUS: &str = "/proc/self/status";

/// ARM's implementers and parts as in util-linux's `lscpu-arm.c` and the kernel's `cputype.h`: those of servers that
/// one can rent or buy. Anything else is told by its numbers.
const ARM_PARTS: &[(u32, u32, &str)] = &[
    (0x41, 0xd07, "ARM Cortex-A57"),
    (0x41, 0xd08, "ARM Cortex-A72"),
    (0x41, 0xd0b, "ARM Cortex-A76"),
    (0x41, 0xd0c, "ARM Neoverse-N1"),
    (0x41, 0xd40, "ARM Neoverse-V1"),
    (0x41, 0xd49, "ARM Neoverse-N2"),
    (0x41, 0xd4f, "ARM Neoverse-V2"),
    (0x41, 0xd83, "ARM Neoverse-V3AE"),
    (0x41, 0xd84, "ARM Neoverse-V3"),
    (0x41, 0xd8e, "ARM Neoverse-N3"),
    (0xc0, 0xac3, "Ampere-1"),
    (0xc0, 0xac4, "Ampere-1a"),
];

/// The model's name.
pub(super) fn model(root: &Root) -> Fact<String> {
    fact(root.read(CPUINFO).and_then(|text| model_in(&text)), CPUINFO)
}

fn model_in(cpuinfo: &str) -> Result<String, String> {
    // Neither 64-bit ARM nor every virtual machine has a model's name; `Model` is the board on a Raspberry Pi.
    let first = |key| values(cpuinfo, key, ':').find(|value| !value.is_empty());
    if let Some(name) = first("model name") {
        return Ok(name.to_owned());
    }
    let number = |key| first(key).and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    let (Some(implementer), Some(part)) = (number("CPU implementer"), number("CPU part")) else {
        return Err(format!("{CPUINFO} has neither a model name nor an ARM part number"));
    };
    let known = ARM_PARTS.iter().find(|known| (known.0, known.1) == (implementer, part));
    Ok(match known {
        Some((.., name)) => (*name).to_owned(),
        None => format!("ARM implementer {implementer:#x}, part {part:#x}"),
    })
}

/// Cores that this process may run on.
pub(super) fn cores_below(root: &Root) -> Fact<u32> {
    let allowed = root.read(STATUS).and_then(|status| {
        values(&status, "Cpus_allowed_list", ':')
            .next()
            .and_then(count_list)
            .ok_or_else(|| format!("{STATUS} has no readable Cpus_allowed_list"))
    });
    fact(allowed, "/proc/self/status: Cpus_allowed_list")
}

/// Cores that this process may run on; `root` is `/` outside tests.
pub fn cores(root: &Path) -> Fact<u32> {
    cores_below(&Root::new(root))
}

/// How much CPU time this process may use a second: its cores, or the control group's quota where that is less. None
/// when neither is known.
pub fn capacity(root: &Path) -> Option<f64> {
    let cores = cores(root).value.map(f64::from);
    let quota = cgroup::find(root).cpu_quota().value;
    match (cores, quota) {
        (Some(cores), Some(quota)) => Some(cores.min(quota)),
        (cores, quota) => cores.or(quota),
    }
}

/// The length of a list like `0-3,8`.
fn count_list(list: &str) -> Option<u32> {
    let mut count = 0_u32;
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lists_of_cores() {
        assert_eq!(count_list("0"), Some(1));
        assert_eq!(count_list("0-3"), Some(4));
        assert_eq!(count_list("0-3,8,10-11"), Some(7));
        for bad in ["", "a", "3-1", "1-", "0-4294967295"] {
            assert_eq!(count_list(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_unknown_arm_part_is_told_by_its_numbers() {
        let cpuinfo = "processor\t: 0\nCPU implementer\t: 0x61\nCPU part\t: 0x022\n";
        assert_eq!(model_in(cpuinfo).unwrap(), "ARM implementer 0x61, part 0x22");
    }
}
