//! The address of a leader.

use std::{fmt, str::FromStr};

use url::Host;

/// Host and port of a leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Name, or an IP address; an IPv6 address in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let error = |reason: &'static str| AddressError {
            address: text.to_owned(),
            reason,
        };
        let trimmed = text.trim();
        if trimmed.contains("://") {
            return Err(error("no scheme stands in front of it"));
        }
        let (host, port) = trimmed.rsplit_once(':').ok_or(error("it has no port"))?;
        if host.contains(':') && !host.starts_with('[') {
            return Err(error("an IPv6 address stands in brackets"));
        }
        let host = Host::parse(host).map_err(|_| error("the host is no name and no IP address"))?;
        match port.parse() {
            Ok(0) => Err(error("port 0 cannot be connected to")),
            Ok(port) => Ok(Address {
                host: host.to_string(),
                port,
            }),
            Err(_) => Err(error("the port is not a number from 1 to 65535")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// An address that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address:?} is not the address of a leader: {reason}; it must be HOST:PORT, for example 10.0.0.7:7300")]
pub struct AddressError {
    /// What was given.
    pub address: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_and_port() {
        for (text, shown) in [
            ("leader:7300", "leader:7300"),
            (" 10.0.0.7:1 ", "10.0.0.7:1"),
            ("[::1]:65535", "[::1]:65535"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "leader",
            ":7300",
            "leader:0",
            "leader:70000",
            "::1:7300",
            "http://leader:7300",
            "a b:1",
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("HOST:PORT"), "{error}");
        }
    }
}
