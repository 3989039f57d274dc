//! TLS material: read from files and checked before anything connects.

use std::{fmt, io, path::Path};

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
        let read = |flag, path: Option<&Path>, check: Check| path.map(|path| read(flag, path, check)).transpose();
        let cert = ("--tls-cert", read("--tls-cert", cert, check_certificates)?);
        let key = ("--tls-key", read("--tls-key", key, check_key)?);
        Ok(TlsMaterial {
            ca: read("--tls-ca", ca, check_certificates)?,
            identity: identity(cert, key)?,
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

/// Reads the file that a flag or a variable names, and checks its content.
pub(crate) fn read(named_by: &str, path: &Path, check: Check) -> Result<Vec<u8>, TlsError> {
    let read = small_file::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    });
    let checked = read.and_then(|pem| match check(&pem) {
        Ok(()) => Ok(pem),
        Err(problem) => Err(format!("the file {problem}")),
    });
    checked.map_err(|problem| TlsError::Unusable {
        what: format!("{named_by} {}", path.display()),
        problem,
    })
}

/// Says what is wrong with the content of a file.
pub(crate) type Check = fn(&[u8]) -> Result<(), String>;

/// A client's certificate and its key, each with what named it: both or none.
pub(crate) fn identity<T>(
    cert: (&'static str, Option<T>),
    key: (&'static str, Option<T>),
) -> Result<Option<(T, T)>, TlsError> {
    match (cert, key) {
        ((_, None), (_, None)) => Ok(None),
        ((_, Some(cert)), (_, Some(key))) => Ok(Some((cert, key))),
        ((given, Some(_)), (missing, None)) | ((missing, None), (given, Some(_))) => {
            Err(TlsError::Half { given, missing })
        }
    }
}

/// TLS material that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file, or what was given in its place, is missing, unreadable, or no PEM of the right kind.
    #[error("{what}: {problem}")]
    Unusable {
        /// The flag or variable, and the file that it names.
        what: String,
        /// What is wrong.
        problem: String,
    },
    /// A certificate without its key, or a key without its certificate.
    #[error("{given} is given without {missing}; a client certificate needs both")]
    Half {
        /// The flag or variable that was given.
        given: &'static str,
        /// The one that it needs.
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
