//! Temporal's own configuration of clients: the profile in `temporal.toml`, with the `TEMPORAL_*` variables on top.
//!
//! The rules are the SDK's (`temporalio_common::envconfig`). Two things differ, so that nobody is misled: a
//! setting that the SDK reads and then ignores is refused here, and what is not configured stays `None` instead of
//! becoming `localhost:7233`.

use std::{collections::HashMap, ffi::OsString, io, path::PathBuf};

use temporalio_common::envconfig::{
    ClientConfigTLS, ConfigError, DataSource, LoadClientConfigProfileOptions, load_client_config_profile,
};

use crate::{
    options::{ApiKey, ApiKeyError, Headers},
    tls::{self, Check, TlsError, TlsMaterial, check_certificates, check_key, identity},
};

/// What the environment says about the server; every part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// `host:port`.
    pub address: Option<String>,
    /// Namespace.
    pub namespace: Option<String>,
    /// TLS material, when TLS is on by itself or because of the API key.
    pub tls: Option<TlsMaterial>,
    /// API key.
    pub api_key: Option<ApiKey>,
    /// Headers of every call.
    pub headers: Headers,
}

/// The profile that `TEMPORAL_CONFIG_FILE` and `TEMPORAL_PROFILE` select in an environment, and its other `TEMPORAL_*`
/// variables. `None` when nothing is configured; a file that is not there counts as empty, as it does for the SDK.
///
/// # Errors
/// When the file or a variable cannot be understood, or material that it names cannot be read.
pub fn profile(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Option<Profile>, EnvironmentError> {
    load(&variables(environment)?)
}

/// Temporal's variables. They are handed to the SDK, which would panic at one that is no text, whoever it is meant for, and
/// show its value.
fn variables(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<HashMap<String, String>, EnvironmentError> {
    let named = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    named
        .filter(|(name, _)| name.starts_with("TEMPORAL_"))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(EnvironmentError::NoText { name }),
        })
        .collect()
}

/// Where [`profile`] finds it, for people. The default place is the SDK's.
pub fn source(variable: &dyn Fn(&str) -> Option<OsString>) -> PathBuf {
    config_file(&|name| variable(name).map(PathBuf::from))
        .filter(|file| file.exists())
        .unwrap_or_else(|| PathBuf::from("the TEMPORAL_* variables"))
}

fn config_file(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let folder = |name| variable(name).filter(|path| path.is_absolute());
    variable("TEMPORAL_CONFIG_FILE")
        .filter(|path| !path.as_os_str().is_empty())
        .or_else(|| {
            let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
            Some(config.join("temporalio").join("temporal.toml"))
        })
}

fn load(variables: &HashMap<String, String>) -> Result<Option<Profile>, EnvironmentError> {
    let found = load_client_config_profile(LoadClientConfigProfileOptions::default(), Some(variables))
        .map_err(|error| EnvironmentError::Config(reason(&error)))?;
    let not_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
    let api_key = not_empty(found.api_key).map(|key| ApiKey::new(&key)).transpose()?;
    let tls = match found.tls {
        Some(tls) if tls.disabled == Some(true) => None,
        Some(tls) => Some(material(tls)?),
        None => api_key.is_some().then(TlsMaterial::default),
    };
    let profile = Profile {
        address: not_empty(found.address),
        namespace: not_empty(found.namespace),
        tls,
        api_key,
        headers: found.grpc_meta.into_iter().collect(),
    };
    Ok((profile != Profile::default()).then_some(profile))
}

fn material(tls: ClientConfigTLS) -> Result<TlsMaterial, EnvironmentError> {
    if tls.disable_host_verification {
        return Err(EnvironmentError::HostVerification);
    }
    let read =
        |name, source: Option<DataSource>, check: Check| source.map(|source| read(name, source, check)).transpose();
    let (cert, key) = ("TEMPORAL_TLS_CLIENT_CERT", "TEMPORAL_TLS_CLIENT_KEY");
    Ok(TlsMaterial {
        ca: read("TEMPORAL_TLS_SERVER_CA_CERT", tls.server_ca_cert, check_certificates)?,
        identity: identity(
            (cert, read(cert, tls.client_cert, check_certificates)?),
            (key, read(key, tls.client_key, check_key)?),
        )?,
        server_name: tls.server_name,
    })
}

/// Reads what a variable names, whose name is told without `_PATH` or `_DATA`: the file has other names for it.
fn read(name: &'static str, source: DataSource, check: Check) -> Result<Vec<u8>, TlsError> {
    let checked = match source {
        DataSource::Path(path) => return tls::read(name, path.as_ref(), check),
        DataSource::Data(pem) => check(&pem).map(|()| pem),
        _ => Err("is of an unknown kind".to_owned()),
    };
    checked.map_err(|problem| TlsError::Unusable {
        what: name.to_owned(),
        problem: format!("the data {problem}"),
    })
}

/// What is wrong with the configuration, without any of its values: the SDK's own words quote the line, which may be the
/// one with the key.
fn reason(error: &ConfigError) -> String {
    match error {
        ConfigError::ProfileNotFound(_) | ConfigError::InvalidConfig(_) => error.to_string(),
        ConfigError::LoadError(source) => match source.downcast_ref::<io::Error>() {
            Some(source) => source.to_string(),
            None => without_values(&source.to_string()),
        },
    }
}

/// The place of an error in TOML, and what is wrong there up to the first thing that is quoted. Its form is: the place, the
/// line with marks in front and below, and then the message.
fn without_values(error: &str) -> String {
    let place = error
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("TOML parse error at "));
    let Some(place) = place.filter(|place| {
        place
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b", ".contains(&byte))
    }) else {
        return "it is not what it should be".to_owned();
    };
    let message = error.lines().rev().take_while(|line| !line.contains('|')).last();
    let words = message.unwrap_or_default().split([':', '`', '"', '\'']).next();
    match words.unwrap_or_default().trim() {
        "" => place.to_owned(),
        words => format!("{place}: {words}"),
    }
}

/// Temporal's configuration in the environment cannot be used. In `temporal.toml` the same settings are called
/// `tls.server_ca_cert_path` and so on.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file or a variable cannot be understood.
    #[error(
        "Temporal's client configuration (temporal.toml, TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE, TEMPORAL_*) cannot be used: {0}"
    )]
    Config(String),
    /// A variable is no text.
    #[error("{name} is no text: its value is not UTF-8")]
    NoText {
        /// The variable.
        name: String,
    },
    /// The API key cannot be sent.
    #[error("TEMPORAL_API_KEY or the profile's api_key: {0}")]
    ApiKey(#[from] ApiKeyError),
    /// The TLS material that it names cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A setting that would be ignored.
    #[error(
        "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported; give the authority with --tls-ca and the name with --tls-server-name"
    )]
    HostVerification,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn with(variables: &[(&str, &str)], file: Option<&str>) -> Result<Option<Profile>, EnvironmentError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("temporal.toml");
        if let Some(text) = file {
            fs::write(&path, text).unwrap();
        }
        let mut map: HashMap<_, _> = variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        map.insert("TEMPORAL_CONFIG_FILE".to_owned(), path.to_string_lossy().into_owned());
        load(&map)
    }

    #[test]
    fn nothing_configured_is_none() {
        assert_eq!(with(&[], None).unwrap(), None);
        assert_eq!(with(&[], Some("")).unwrap(), None);
        assert_eq!(with(&[("TEMPORAL_ADDRESS", "")], None).unwrap(), None);
    }

    #[test]
    fn variables_go_before_the_file() {
        let file =
            "[profile.default]\naddress = \"file:7233\"\nnamespace = \"n\"\n[profile.other]\naddress = \"other:1\"\n";
        let profile = with(&[("TEMPORAL_ADDRESS", "variable:7233")], Some(file))
            .unwrap()
            .unwrap();
        assert_eq!(profile.address.as_deref(), Some("variable:7233"));
        assert_eq!(profile.namespace.as_deref(), Some("n"));
        let profile = with(&[("TEMPORAL_PROFILE", "other")], Some(file)).unwrap().unwrap();
        assert_eq!(profile.address.as_deref(), Some("other:1"));
        assert!(profile.tls.is_none());
    }

    #[test]
    fn a_key_turns_tls_on_and_is_hidden() {
        let profile = with(
            &[("TEMPORAL_API_KEY", "s3cret"), ("TEMPORAL_GRPC_META_MY_KEY", "v")],
            None,
        )
        .unwrap()
        .unwrap();
        assert_eq!(profile.tls, Some(TlsMaterial::default()));
        assert_eq!(
            profile.headers,
            [("my-key".to_owned(), "v".to_owned())].into_iter().collect()
        );
        assert!(!format!("{profile:?}").contains("s3cret"));
        assert!(!format!("{profile:?}").contains("\"v\""), "{profile:?}");
        let off = with(&[("TEMPORAL_API_KEY", "s3cret"), ("TEMPORAL_TLS", "false")], None)
            .unwrap()
            .unwrap();
        assert_eq!(off.tls, None);
    }

    #[test]
    fn broken_configuration_is_an_error() {
        let error = |variables: &[(&str, &str)], file| with(variables, file).unwrap_err().to_string();
        assert!(error(&[], Some("[profile")).contains("temporal.toml"));
        assert!(error(&[("TEMPORAL_PROFILE", "none")], Some("[profile.a]\naddress=\"x\"\n")).contains("none"));
        assert!(error(&[("TEMPORAL_TLS_SERVER_CA_CERT_PATH", "/no/such")], None).contains("no such file"));
        assert!(error(&[("TEMPORAL_TLS_SERVER_CA_CERT_DATA", "text")], None).contains("BEGIN CERTIFICATE"));
        assert!(error(&[("TEMPORAL_TLS_DISABLE_HOST_VERIFICATION", "true")], None).contains("not supported"));
    }

    #[test]
    fn no_error_quotes_a_value_of_the_file() {
        for (file, says) in [
            ("[profile.default]\napi_key = \"tmprl-s3cret\n", "line 2, column "),
            ("[profile.default]\napi_key = s3cret\n", "line 2, column "),
            ("[profile.default]\napi_key = [\"s3cret\"]\n", "line 2, column "),
            ("[profile.default]\ntls = \"s3cret\"\n", "line 2, column "),
            ("[profile.default]\ns3cret\n", "line 2, column "),
            (
                "[profile.default]\napi_key = \"a\"\napi_key = \"s3cret\"\n",
                "line 3, column 1: duplicate key",
            ),
            ("profile = \"s3cret\"\n", "line 1, column "),
        ] {
            let error = with(&[], Some(file)).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(!said.contains("s3cret"), "{said}");
            assert!(said.contains(says), "{said}");
            assert_eq!(error.to_string().lines().count(), 1, "{said}");
        }
        assert_eq!(without_values("s3cret"), "it is not what it should be");
        assert_eq!(
            without_values("TOML parse error at s3cret!"),
            "it is not what it should be"
        );
    }

    #[test]
    fn only_variables_of_temporal_must_be_text() {
        use std::os::unix::ffi::OsStringExt;
        let bytes = || OsString::from_vec(b"s3cret\xff".to_vec());
        let read = variables([("OTHER".into(), bytes()), ("TEMPORAL_ADDRESS".into(), "h:1".into())]).unwrap();
        assert_eq!(
            read.into_iter().collect::<Vec<_>>(),
            [("TEMPORAL_ADDRESS".to_owned(), "h:1".to_owned())]
        );
        let error = variables([("TEMPORAL_API_KEY".into(), bytes())])
            .unwrap_err()
            .to_string();
        assert_eq!(error, "TEMPORAL_API_KEY is no text: its value is not UTF-8");
    }

    #[test]
    fn the_file_is_the_one_that_the_sdk_reads() {
        let file = |variables: &[(&str, &str)]| {
            let variables: HashMap<_, _> = variables.iter().copied().collect();
            config_file(&|name| variables.get(name).map(PathBuf::from))
        };
        let at = |path: &str| Some(PathBuf::from(path));
        assert_eq!(
            file(&[("TEMPORAL_CONFIG_FILE", "my.toml"), ("HOME", "/h")]),
            at("my.toml")
        );
        let default = at("/h/.config/temporalio/temporal.toml");
        for ignored in ["", "relative"] {
            assert_eq!(file(&[("XDG_CONFIG_HOME", ignored), ("HOME", "/h")]), default);
        }
        assert_eq!(file(&[("TEMPORAL_CONFIG_FILE", ""), ("HOME", "/h")]), default);
        assert_eq!(
            file(&[("XDG_CONFIG_HOME", "/c"), ("HOME", "/h")]),
            at("/c/temporalio/temporal.toml")
        );
        assert_eq!(file(&[]), None);
    }
}
