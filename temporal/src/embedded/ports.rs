//! Free ports, several at once.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
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
