//! Memory, kernel, operating system, name and kind of the machine.

use benchmark_results::schema::Fact;

use super::{Root, cgroup::Cgroups, fact, kilobytes, values};

const MEMINFO: &str = "/proc/meminfo";
const KERNEL: &str = "/proc/sys/kernel/osrelease";
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
/// Where `os-release(5)` says the file is, in this order.
const OS_RELEASE: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];
const VENDOR: &str = "/sys/class/dmi/id/sys_vendor";
const PRODUCT: &str = "/sys/class/dmi/id/product_name";

/// Memory of the machine; a control group's limit is named beside it.
pub(super) fn memory(root: &Root, cgroups: &Cgroups) -> Fact<u64> {
    let total = root
        .read(MEMINFO)
        .and_then(|text| kilobytes(&text, "MemTotal").ok_or_else(|| format!("{MEMINFO} has no readable MemTotal")));
    let source = match cgroups.memory_limit().value {
        Some(limit) => format!("{MEMINFO}; the control group may use {limit} bytes"),
        None => MEMINFO.to_owned(),
    };
    fact(total, &source)
}

/// Kernel release, as `uname -r` tells it.
pub(super) fn kernel(root: &Root) -> Fact<String> {
    fact(root.read_line(KERNEL), KERNEL)
}

/// Host name, as `hostname` tells it.
pub(super) fn hostname(root: &Root) -> Fact<String> {
    fact(root.read_line(HOSTNAME), HOSTNAME)
}

/// Operating system, under the name that it has for people.
pub(super) fn os(root: &Root) -> Fact<String> {
    let mut reasons = Vec::new();
    for path in OS_RELEASE {
        match root.read(path) {
            Ok(text) => {
                let named = ["PRETTY_NAME", "NAME"]
                    .iter()
                    .find_map(|key| values(&text, key, '=').map(unquote).find(|name| !name.is_empty()));
                match named {
                    Some(name) => return Fact::found(name, path),
                    None => reasons.push(format!("{path} names no system")),
                }
            }
            Err(reason) => reasons.push(reason),
        }
    }
    Fact::missing(reasons.join("; "))
}

/// A value of `os-release`, whose quotes and escapes are a shell's.
fn unquote(value: &str) -> String {
    let inner = ['"', '\'']
        .iter()
        .find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value);
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' {
            characters.next()
        } else {
            Some(character)
        });
    }
    plain
}

/// Cloud instance type, where the firmware tells it: of the large clouds EC2 alone does.
pub(super) fn instance_type(root: &Root) -> Fact<String> {
    let vendor = match root.read_line(VENDOR) {
        Ok(vendor) => vendor,
        Err(reason) => return Fact::missing(format!("the firmware does not tell: {reason}")),
    };
    if vendor != "Amazon EC2" {
        return Fact::missing(format!("the firmware of \"{vendor}\" does not tell an instance type"));
    }
    fact(root.read_line(PRODUCT), PRODUCT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_values_are_unquoted_as_a_shell_would() {
        assert_eq!(unquote("plain"), "plain");
        assert_eq!(unquote("\"Debian GNU/Linux 12\""), "Debian GNU/Linux 12");
        assert_eq!(unquote("'Alpine'"), "Alpine");
        assert_eq!(unquote(r#""a \"b\" \$c""#), "a \"b\" $c");
        assert_eq!(unquote("\""), "\"");
    }
}
