//! Options of a connection, how a server is reached: what the caller asks for, and what follows from it.

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
    time::Duration,
};

use url::Url;

use crate::{addresses::Resolver, tls::TlsMaterial};

/// The port of a Temporal frontend when the address names none.
const DEFAULT_PORT: u16 = 7233;

/// How a server is reached.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// `host:port`; `http://` and `https://` in front are understood, and `https://` turns TLS on.
    pub address: String,
    /// The namespace that all calls are about.
    pub namespace: String,
    /// TLS material; with `None` the connection is plain, unless the address asks for TLS.
    pub tls: Option<TlsMaterial>,
    /// Sent as bearer token with every call, with or without TLS: whoever sets it decides.
    pub api_key: Option<ApiKey>,
    /// Further headers of every call.
    pub headers: Headers,
    /// How long connecting may take, name look-up and every try included.
    pub connect_timeout: Duration,
    /// Who we say we are: shown by the server beside what we did.
    pub identity: String,
    /// How the name in the address is looked up for starts.
    pub resolver: Resolver,
}

impl ConnectOptions {
    /// A plain connection, 10 s to connect.
    pub fn new(address: impl Into<String>, namespace: impl Into<String>) -> Self {
        ConnectOptions {
            address: address.into(),
            namespace: namespace.into(),
            tls: None,
            api_key: None,
            headers: Headers::default(),
            connect_timeout: Duration::from_secs(10),
            identity: format!("run-benchmark@{}", std::process::id()),
            resolver: Resolver::default(),
        }
    }

    /// The address, taken apart and checked, with the scheme that says whether TLS is on.
    ///
    /// # Errors
    /// When the address is not `host:port`.
    pub fn endpoint(&self) -> Result<Endpoint, AddressError> {
        let error = |reason: &str| AddressError {
            address: self.address.clone(),
            reason: reason.to_owned(),
        };
        let given = self.address.trim();
        let (scheme, rest) = match given.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, given),
        };
        if rest.is_empty() {
            return Err(error("it is empty"));
        }
        let tls = match scheme.as_deref() {
            Some("http") if self.tls.is_some() => return Err(error("it says http:// but TLS is asked for")),
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(error("only http:// and https:// may stand in front")),
            None => self.tls.is_some(),
        };
        let scheme = if tls { "https" } else { "http" };
        let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|source| error(&source.to_string()))?;
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(error("nothing may follow the port"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(error("it must not carry a user name"));
        }
        let host = match url.host() {
            Some(url::Host::Domain(name)) => name.to_owned(),
            Some(url::Host::Ipv4(ip)) => ip.to_string(),
            Some(url::Host::Ipv6(ip)) => ip.to_string(),
            None => return Err(error("it names no host")),
        };
        // `Url` leaves out a port that is its scheme's own, so the text decides whether one was given.
        let port = match url.port() {
            Some(0) => return Err(error("port 0 cannot be connected to")),
            Some(port) => port,
            None if rest.trim_end_matches('/').ends_with(if tls { ":443" } else { ":80" }) => {
                if tls {
                    443
                } else {
                    80
                }
            }
            None => DEFAULT_PORT,
        };
        url.set_port(Some(port)).map_err(|()| error("it can have no port"))?;
        Ok(Endpoint { url, host, port, tls })
    }
}

/// An address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://host:port/` or `https://host:port/`.
    pub url: Url,
    /// Name or IP address; an IPv6 address without brackets.
    pub host: String,
    /// Port, 1 to 65535.
    pub port: u16,
    /// Whether TLS is on.
    pub tls: bool,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// An address that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--address {address:?} is not an address: {reason}; it must be HOST:PORT, for example 127.0.0.1:7233")]
pub struct AddressError {
    /// What was given.
    pub address: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Headers of every call, by name. Their values may be secrets: they are sent and never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each, for requests and nothing else.
    pub fn iter(&self) -> btree_map::Iter<'_, String, String> {
        self.0.iter()
    }

    /// The same without those of one name, in whatever case.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|other, _| !other.eq_ignore_ascii_case(name));
        self
    }
}

impl FromIterator<(String, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(headers: I) -> Self {
        Headers(headers.into_iter().collect())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.keys().map(|name| (name, "hidden")))
            .finish()
    }
}

/// A secret that is sent and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps the key; white space around it, such as the newline at the end of a file, is not part of it.
    ///
    /// # Errors
    /// When it is empty or holds a character that no header may carry.
    pub fn new(key: &str) -> Result<Self, ApiKeyError> {
        let key = key.trim();
        if key.is_empty() {
            return Err(ApiKeyError::Empty);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiKeyError::NotPrintable);
        }
        Ok(ApiKey(key.to_owned()))
    }

    /// The key itself, for the header and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hidden")
    }
}

/// An API key that cannot be sent. The message does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Nothing but white space.
    #[error("the API key is empty; leave out --api-key, or give the whole key")]
    Empty,
    /// Something that a header cannot carry.
    #[error("the API key holds a space, a line break or a character outside ASCII; check what was copied")]
    NotPrintable,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: &str) -> Result<Endpoint, AddressError> {
        ConnectOptions::new(address, "default").endpoint()
    }

    #[test]
    fn addresses_are_understood() {
        for (address, url, tls) in [
            ("127.0.0.1:7233", "http://127.0.0.1:7233/", false),
            ("temporal.internal", "http://temporal.internal:7233/", false),
            ("http://localhost:7000", "http://localhost:7000/", false),
            ("https://x.tmprl.cloud:7233", "https://x.tmprl.cloud:7233/", true),
            ("[::1]:7233", "http://[::1]:7233/", false),
        ] {
            let endpoint = endpoint(address).unwrap();
            assert_eq!(endpoint.url.as_str(), url, "{address}");
            assert_eq!(endpoint.tls, tls, "{address}");
        }
        assert_eq!(endpoint("[::1]:7233").unwrap().to_string(), "[::1]:7233");
        assert_eq!(endpoint("https://x:443").unwrap().port, 443);
        assert_eq!(endpoint("https://x").unwrap().port, DEFAULT_PORT);
    }

    #[test]
    fn wrong_addresses_say_what_is_wrong() {
        for address in [
            "",
            "ftp://x:1",
            "x:99999",
            "x:0",
            "x:7233/path",
            "me@x:7233",
            "a b:7233",
            "http://",
        ] {
            let error = endpoint(address).unwrap_err().to_string();
            assert!(error.contains("--address"), "{error}");
            assert!(error.contains("HOST:PORT"), "{error}");
        }
    }

    #[test]
    fn tls_is_what_was_asked_for_whether_there_is_a_key_or_not() {
        let mut options = ConnectOptions::new("x:7233", "default");
        options.api_key = Some(ApiKey::new("key").unwrap());
        assert!(!options.endpoint().unwrap().tls);
        options.tls = Some(TlsMaterial::default());
        assert!(options.endpoint().unwrap().tls);
        options.address = "http://x:7233".to_owned();
        assert!(options.endpoint().is_err());
    }

    #[test]
    fn headers_show_their_names_alone() {
        let mut options = ConnectOptions::new("x:7233", "default");
        options.headers = [("Authorization", "Bearer s3cret"), ("x-team", "s3cret")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let shown = format!("{options:?}");
        assert!(shown.contains("x-team") && !shown.contains("s3cret"), "{shown}");
        let rest = options.headers.without("authorization");
        assert_eq!(
            rest.iter().collect::<Vec<_>>(),
            [(&"x-team".to_owned(), &"s3cret".to_owned())]
        );
        assert!(!rest.is_empty() && rest.without("x-team").is_empty());
    }

    #[test]
    fn a_key_is_never_shown() {
        let mut options = ConnectOptions::new("x:7233", "default");
        options.api_key = Some(ApiKey::new(" s3cret\n").unwrap());
        assert_eq!(options.api_key.as_ref().unwrap().reveal(), "s3cret");
        let shown = format!("{options:?} {}", options.api_key.as_ref().unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(ApiKey::new(" \n"), Err(ApiKeyError::Empty));
        assert_eq!(ApiKey::new("a b"), Err(ApiKeyError::NotPrintable));
    }
}
