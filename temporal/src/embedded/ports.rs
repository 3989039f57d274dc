//! Ports: free ones, several at once, and who listens on one.

use std::{
    collections::BTreeSet,
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

/// `N` ports of the loopback interface that were free a moment ago, all different: they are held together
/// before they are let go. Somebody else may take one in between, so that whoever uses them must be ready to try again.
pub(super) fn free<const N: usize>() -> io::Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Who listens on a port of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    Nobody,
    /// A process of the group.
    Ours,
    Another,
    /// The system does not tell.
    Unknown,
}

/// Who listens on a port, from the point of view of the process group `group`.
pub(super) fn listener(port: u16, group: u32) -> Listener {
    look(Path::new("/proc"), port, group)
}

fn look(proc: &Path, port: u16, group: u32) -> Listener {
    let tables: Vec<String> = ["net/tcp", "net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(proc.join(table)).ok())
        .collect();
    if tables.is_empty() {
        return Listener::Unknown;
    }
    let sockets: BTreeSet<String> = tables.iter().flat_map(|table| listening(table, port)).collect();
    if sockets.is_empty() {
        return Listener::Nobody;
    }
    // The server is the group's first process, unless somebody wrapped it into a script.
    let first = proc.join(group.to_string());
    if holds(&first, &sockets) {
        return Listener::Ours;
    }
    let Ok(processes) = fs::read_dir(proc) else {
        return Listener::Unknown;
    };
    let ours = processes
        .filter_map(|entry| Some(entry.ok()?.path()))
        .any(|process| group_of(&process) == Some(group) && holds(&process, &sockets));
    if ours { Listener::Ours } else { Listener::Another }
}

/// The sockets that listen on a port, as a process shows them among its files. Columns of the table: number, local address,
/// remote address, state (`0A` listens), queues, timer, retransmits, user, timeout, inode.
fn listening(table: &str, port: u16) -> Vec<String> {
    let socket = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, local) = columns.get(1)?.rsplit_once(':')?;
        let listens = columns.get(3) == Some(&"0A") && u16::from_str_radix(local, 16) == Ok(port);
        listens.then_some(format!("socket:[{}]", columns.get(9)?))
    };
    table.lines().skip(1).filter_map(socket).collect()
}

fn holds(process: &Path, sockets: &BTreeSet<String>) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    files
        .filter_map(|file| fs::read_link(file.ok()?.path()).ok())
        .any(|target| target.to_str().is_some_and(|target| sockets.contains(target)))
}

fn group_of(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name may hold anything, brackets included: state, parent and group follow its end.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_told() {
        let listener_of_ours = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener_of_ours.local_addr().unwrap().port();
        let group = u32::try_from(rustix::process::getpgrp().as_raw_nonzero().get()).unwrap();
        assert_eq!(listener(port, group), Listener::Ours);
        assert_eq!(listener(port, 1), Listener::Another);
        drop(listener_of_ours);
        assert_eq!(listener(port, group), Listener::Nobody);
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(look(empty.path(), port, group), Listener::Unknown);
    }

    #[test]
    fn a_connection_is_no_listener() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1C49 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100\n   \
                     1: 0100007F:1C49 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 12 1 0 20\n   \
                     2: 0100007F:1C4A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100\n";
        assert_eq!(listening(table, 7241), ["socket:[11]"]);
        assert_eq!(listening(table, 1), [""; 0]);
        assert_eq!(listening("nonsense\n1 2", 7241), [""; 0]);
    }
}
