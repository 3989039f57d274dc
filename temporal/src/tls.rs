//! TLS material: read from files and checked before anything connects.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject};

use crate::small_file;

/// What a TLS connection needs; all of it empty means the system's authorities and no client certificate.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct TlsMaterial {
    /// PEM of the authorities that may have signed the server's certificate; the system's when absent.
    pub ca: Option<Vec<u8>>,
    /// PEM of the client's certificate chain and of its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name that the server's certificate must carry, when it is not the address's host.
    pub server_name: Option<String>,
}

impl fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsMaterial")
            .field("ca", &self.ca.as_ref().map(|pem| format!("{} bytes", pem.len())))
            .field("identity", &self.identity.as_ref().map(|_| "hidden"))
            .field("server_name", &self.server_name)
            .finish()
    }
}

impl TlsMaterial {
    /// Reads the files behind `--tls-ca`, `--tls-cert` and `--tls-key` and checks that they hold what they should.
    ///
    /// # Errors
    /// Names the flag and the path, and says whether the file is missing, unreadable or not PEM of the right kind.
    pub fn read(
        ca: Option<&Path>,
        cert: Option<&Path>,
        key: Option<&Path>,
        server_name: Option<&str>,
    ) -> Result<TlsMaterial, TlsError> {
        let ca = ca.map(|path| read_certificates("--tls-ca", path)).transpose()?;
        let identity = match (cert, key) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((read_certificates("--tls-cert", cert)?, read_key("--tls-key", key)?)),
            (Some(_), None) => {
                return Err(TlsError::Half {
                    given: "--tls-cert",
                    missing: "--tls-key",
                });
            }
            (None, Some(_)) => {
                return Err(TlsError::Half {
                    given: "--tls-key",
                    missing: "--tls-cert",
                });
            }
        };
        Ok(TlsMaterial {
            ca,
            identity,
            server_name: server_name.map(str::to_owned),
        })
    }
}

/// Checks that PEM text holds at least one certificate, each of which decodes.
pub(crate) fn check_certificates(pem: &[u8]) -> Result<(), String> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(describe)?;
    if found.is_empty() {
        return Err("holds no `BEGIN CERTIFICATE` block".to_owned());
    }
    // A PEM block may decode and still be no certificate: DER begins with a SEQUENCE.
    match found.iter().all(|der| der.first() == Some(&0x30)) {
        true => Ok(()),
        false => Err("holds a `BEGIN CERTIFICATE` block that is no certificate".to_owned()),
    }
}

/// Checks that PEM text holds a private key.
pub(crate) fn check_key(pem: &[u8]) -> Result<(), String> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(_) => Ok(()),
        Err(pem::Error::NoItemsFound) => {
            Err("holds no `BEGIN ... PRIVATE KEY` block (one with a passphrase cannot be used)".to_owned())
        }
        Err(error) => Err(describe(error)),
    }
}

fn describe(error: pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "is cut off: a PEM block has no end".to_owned(),
        other => format!("is not PEM: {other}"),
    }
}

fn read_certificates(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let pem = read_file(flag, path)?;
    match check_certificates(&pem) {
        Ok(()) => Ok(pem),
        Err(problem) => Err(TlsError::NotPem {
            flag,
            path: path.to_owned(),
            problem,
        }),
    }
}

fn read_key(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let pem = read_file(flag, path)?;
    match check_key(&pem) {
        Ok(()) => Ok(pem),
        Err(problem) => Err(TlsError::NotPem {
            flag,
            path: path.to_owned(),
            problem,
        }),
    }
}

fn read_file(flag: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    small_file::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => TlsError::Missing {
            flag,
            path: path.to_owned(),
        },
        _ => TlsError::Unreadable {
            flag,
            path: path.to_owned(),
            source,
        },
    })
}

/// TLS material that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// There is no such file.
    #[error("{flag} {}: there is no such file", path.display())]
    Missing {
        /// The flag that named it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The file is there and cannot be read.
    #[error("{flag} {}: the file cannot be read: {source}", path.display())]
    Unreadable {
        /// The flag that named it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file does not hold PEM of the right kind.
    #[error("{flag} {}: the file {problem}", path.display())]
    NotPem {
        /// The flag that named it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        problem: String,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("{given} is given without {missing}; a client certificate needs both")]
    Half {
        /// The flag that was given.
        given: &'static str,
        /// The flag that it needs.
        missing: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    // The bytes of an empty DER sequence: enough for what is checked here.
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

    #[test]
    fn good_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        fs::write(&cert, CERTIFICATE).unwrap();
        fs::write(&key, KEY).unwrap();
        let material = TlsMaterial::read(Some(&cert), Some(&cert), Some(&key), Some("name")).unwrap();
        assert_eq!(material.ca.as_deref(), Some(CERTIFICATE.as_bytes()));
        assert_eq!(material.server_name.as_deref(), Some("name"));
        assert!(!format!("{material:?}").contains("PRIVATE"));
    }

    #[test]
    fn bad_files_name_flag_path_and_problem() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let cert = write("cert.pem", CERTIFICATE);
        let key = write("key.pem", KEY);
        let text = write("text.pem", "hello");
        let cut = write("cut.pem", "-----BEGIN CERTIFICATE-----\nMAA=\n");
        let junk = write(
            "junk.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        );
        let none = folder.path().join("none.pem");

        let error = |ca: Option<&Path>, cert: Option<&Path>, key: Option<&Path>| {
            TlsMaterial::read(ca, cert, key, None).unwrap_err().to_string()
        };
        let missing = error(Some(&none), None, None);
        assert!(missing.contains("--tls-ca") && missing.contains("none.pem") && missing.contains("no such file"));
        assert!(error(Some(folder.path()), None, None).contains("cannot be read"));
        assert!(error(Some(&text), None, None).contains("BEGIN CERTIFICATE"));
        assert!(error(Some(&cut), None, None).contains("cut off"));
        assert!(error(Some(&junk), None, None).contains("no certificate"));
        assert!(error(None, Some(&cert), Some(&cert)).contains("--tls-key"));
        assert!(error(None, Some(&key), Some(&key)).contains("--tls-cert"));
        assert!(error(None, Some(&cert), None).contains("without --tls-key"));
        assert!(error(None, None, Some(&key)).contains("without --tls-cert"));
    }
}
