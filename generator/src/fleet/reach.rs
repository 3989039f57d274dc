//! Advertised address, at which others reach this machine, for people to copy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses that stand for the way out of this machine: of documentation (RFC 5737, RFC 3849). Nothing is sent there.
const OUTSIDE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

/// Where a service that listens here is joined. Copied to another machine, an unspecified address would be that machine.
pub fn address(listening: SocketAddr, hostname: Option<&str>) -> String {
    told(listening, outward(listening), hostname)
}

fn told(listening: SocketAddr, outward: Option<IpAddr>, hostname: Option<&str>) -> String {
    if !listening.ip().is_unspecified() {
        return listening.to_string();
    }
    match (outward, hostname) {
        (Some(ip), _) => SocketAddr::new(ip, listening.port()).to_string(),
        (None, Some(hostname)) => format!("{hostname}:{}", listening.port()),
        (None, None) => format!("HOST:{}, HOST being a name of this machine", listening.port()),
    }
}

/// The address that this machine has on its way out, when there is one.
fn outward(listening: SocketAddr) -> Option<IpAddr> {
    let outside = OUTSIDE.into_iter().filter(|ip| ip.is_ipv4() || listening.is_ipv6());
    outside
        .filter_map(|outside| {
            // Connecting such a socket sends nothing: it only looks for the route.
            let socket = UdpSocket::bind(SocketAddr::new(unspecified(outside), 0)).ok()?;
            socket.connect(SocketAddr::new(outside, 9)).ok()?;
            socket.local_addr().ok().map(|address| address.ip())
        })
        .find(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn unspecified(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_is_told_as_one_that_can_be_reached() {
        let told = |listening: &str, outward: Option<&str>, hostname| {
            let outward = outward.map(|ip| ip.parse().unwrap());
            super::told(listening.parse().unwrap(), outward, hostname)
        };
        assert_eq!(told("10.0.0.5:7400", Some("10.0.0.6"), Some("h")), "10.0.0.5:7400");
        assert_eq!(told("127.0.0.1:7400", None, Some("h")), "127.0.0.1:7400");
        assert_eq!(told("0.0.0.0:7400", Some("10.0.0.6"), Some("h")), "10.0.0.6:7400");
        assert_eq!(told("[::]:7400", Some("fd00::6"), Some("h")), "[fd00::6]:7400");
        assert_eq!(told("0.0.0.0:7400", None, Some("h")), "h:7400");
        assert!(told("[::]:7400", None, None).starts_with("HOST:7400"));
    }

    #[test]
    fn what_is_found_here_is_no_address_that_others_cannot_reach() {
        for listening in ["0.0.0.0:1", "[::]:1"] {
            let told = address(listening.parse().unwrap(), Some("h"));
            assert!(
                !told.starts_with("0.0.0.0") && !told.starts_with("[::]") && !told.starts_with("127."),
                "{told}"
            );
        }
    }
}
