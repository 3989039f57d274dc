//! Name resolution: which addresses a name stands for, and which connection goes to which of them.

use std::{fmt, io, net::SocketAddr, sync::Arc};

/// How a name is looked up: by the system, unless a caller has something else, as tests do.
#[derive(Clone, Default)]
pub struct Resolver(Option<Arc<Lookup>>);

type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl Resolver {
    /// Looks names up with a function of host and port, which is asked anew for each connection.
    pub fn new(lookup: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        Resolver(Some(Arc::new(lookup)))
    }

    /// All addresses of a name, each once.
    pub(crate) async fn addresses(&self, host: &str, port: u16) -> io::Result<Addresses> {
        let found = match &self.0 {
            Some(lookup) => lookup(host, port)?,
            None => tokio::net::lookup_host((host, port)).await?.collect(),
        };
        if found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(Addresses::new(found))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Resolver(given)"
        } else {
            "Resolver(system)"
        })
    }
}

/// The addresses of a name. Those of the family that the system puts first are dealt out; those of the other family are
/// mostly the same machines again, and are tried when the first ones fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    first: Vec<SocketAddr>,
    others: Vec<SocketAddr>,
}

impl Addresses {
    fn new(found: Vec<SocketAddr>) -> Self {
        let v4 = found.first().is_some_and(SocketAddr::is_ipv4);
        let (mut first, mut others): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| address.is_ipv4() == v4);
        // In an order that does not depend on the answer's, which name servers turn: all threads and generators deal alike.
        for addresses in [&mut first, &mut others] {
            addresses.sort_unstable();
            addresses.dedup();
        }
        Addresses { first, others }
    }

    /// How many there are to deal out.
    pub(crate) fn count(&self) -> usize {
        self.first.len()
    }

    /// The addresses that a connection tries, by its number among all connections of the run: its own first.
    pub(crate) fn of_connection(&self, number: u32) -> Vec<SocketAddr> {
        let turn = number as usize % self.first.len().max(1);
        let (before, after) = self.first.split_at(turn);
        [after, before, &self.others].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn connections_are_dealt_out_evenly_whatever_the_order_of_the_answer() {
        let one = Addresses::new(addresses(&["10.0.0.3:1", "10.0.0.1:1", "10.0.0.2:1", "10.0.0.1:1"]));
        let other = Addresses::new(addresses(&["10.0.0.2:1", "10.0.0.3:1", "10.0.0.1:1"]));
        assert_eq!(one, other);
        assert_eq!(one.count(), 3);
        for address in addresses(&["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"]) {
            assert_eq!(
                (0..9).filter(|number| one.of_connection(*number)[0] == address).count(),
                3
            );
        }
        // Each is tried in the end, once.
        assert_eq!(
            one.of_connection(4),
            addresses(&["10.0.0.2:1", "10.0.0.3:1", "10.0.0.1:1"])
        );
    }

    #[test]
    fn the_other_family_comes_last() {
        let both = Addresses::new(addresses(&["[::1]:1", "127.0.0.1:1", "[::2]:1"]));
        assert_eq!(both.count(), 2);
        assert_eq!(both.of_connection(1), addresses(&["[::2]:1", "[::1]:1", "127.0.0.1:1"]));
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_an_error() {
        let nothing = Resolver::new(|_, _| Ok(Vec::new()));
        assert!(nothing.addresses("x", 1).await.is_err());
        let system = Resolver::default().addresses("127.0.0.1", 7).await.unwrap();
        assert_eq!(system.of_connection(5), addresses(&["127.0.0.1:7"]));
    }
}
