//! Connection options, from what was resolved about a cluster.

use std::path::PathBuf;

use benchmark_fleet::{ClientTls, RemoteLeader, Token};
use benchmark_scenarios::{AtHand, Cluster, Context, Joining, JoiningTls, Problem, TlsFiles};
use benchmark_temporal::{
    ApiKey, ConnectOptions, TlsMaterial, environment::Profile, options::Headers, small_file, tls::TlsError,
};

/// How a cluster is connected to: the files that it names are read, and Temporal's own client configuration fills in the
/// rest. The API key goes only to a cluster that takes one.
///
/// # Errors
/// When a file cannot be read or is not what it should be.
pub fn connect_options(
    cluster: &Cluster,
    namespace: &str,
    api_key: Option<ApiKey>,
    profile: Option<Profile>,
) -> Result<ConnectOptions, TlsError> {
    let profile = profile.unwrap_or_default();
    let mut options = ConnectOptions::new(cluster.address.clone(), namespace);
    options.tls = cluster
        .tls
        .as_ref()
        .map(|files| material(files, profile.tls))
        .transpose()?;
    options.api_key = api_key.filter(|_| cluster.api_key);
    options.headers = match options.api_key {
        // One of the two: the key, which is what was typed or what the plan speaks of.
        Some(_) => profile.headers.without("authorization"),
        None => profile.headers,
    };
    Ok(options)
}

/// The leader that a process joins: the file that it names is read.
///
/// # Errors
/// When that cannot be read.
pub fn remote_leader(joining: &Joining, token: Option<Token>) -> Result<RemoteLeader, Problem> {
    let read = |path: &PathBuf| {
        small_file::read(path).context(format_args!("--fleet-tls-ca {} cannot be read", path.display()))
    };
    let tls = |tls: &JoiningTls| {
        Ok::<_, Problem>(ClientTls {
            ca: tls.ca.as_ref().map(read).transpose()?,
            server_name: tls.server_name.clone(),
        })
    };
    Ok(RemoteLeader {
        address: joining.leader.clone(),
        token,
        tls: joining.tls.as_ref().map(tls).transpose()?,
    })
}

/// What a profile holds that is not among the options.
pub fn at_hand(profile: &Profile) -> AtHand {
    let material = profile.tls.as_ref();
    AtHand {
        headers: !profile.headers.is_empty(),
        tls: material.is_some_and(|tls| tls.ca.is_some() || tls.identity.is_some()),
    }
}

/// A profile, with its headers only where they may be sent.
pub fn sent(profile: Profile, headers: bool) -> Profile {
    match headers {
        true => profile,
        false => Profile {
            headers: Headers::default(),
            ..profile
        },
    }
}

/// The files named by flags, on top of what Temporal's own configuration has.
fn material(files: &TlsFiles, profile: Option<TlsMaterial>) -> Result<TlsMaterial, TlsError> {
    let read = TlsMaterial::read(
        files.ca.as_deref(),
        files.cert.as_deref(),
        files.key.as_deref(),
        files.server_name.as_deref(),
    )?;
    let profile = profile.unwrap_or_default();
    Ok(TlsMaterial {
        ca: read.ca.or(profile.ca),
        identity: read.identity.or(profile.identity),
        server_name: read.server_name.or(profile.server_name),
    })
}
