//! TLS for real: a proxy that ends TLS in front of the dev server, which speaks none itself.
//!
//! The certificates in `tests/tls/` are for these tests alone and are valid until the year 2126. The authority's key was
//! thrown away.

use std::{path::PathBuf, sync::Arc, time::Duration};

use benchmark_temporal::{
    ApiKey, ConnectError, ConnectOptions, TlsMaterial,
    connection::{Cause, Unreachable},
    namespace,
    start::{Dialer, StartClient},
    testing,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::LocalSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier},
};

/// The name in the proxy's certificate.
const NAME: &str = "temporal.test";

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "tls", name].iter().collect()
}

/// Starts the proxy; it asks for a client certificate when `mutual`.
async fn proxy(mutual: bool) -> String {
    proxy_offering(mutual, &["h2"]).await
}

/// The same, offering these protocols.
async fn proxy_offering(mutual: bool, protocols: &[&str]) -> String {
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = if mutual {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(file("ca.pem")).unwrap())
            .unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        config.with_client_cert_verifier(verifier)
    } else {
        config.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_file(file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let mut config = config.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let server = testing::server().address();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, server) = (acceptor.clone(), server.clone());
            tokio::spawn(async move {
                let mut client = acceptor.accept(stream).await?;
                let mut server = TcpStream::connect(server).await?;
                copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    address
}

fn options(address: &str, tls: TlsMaterial) -> ConnectOptions {
    let mut options = ConnectOptions::new(address, "default");
    options.tls = Some(tls);
    options.connect_timeout = Duration::from_secs(5);
    options
}

fn material(ca: bool, identity: bool, name: Option<&str>) -> TlsMaterial {
    let (ca, cert, key) = (
        ca.then(|| file("ca.pem")),
        identity.then(|| file("client.pem")),
        identity.then(|| file("client.key")),
    );
    TlsMaterial::read(ca.as_deref(), cert.as_deref(), key.as_deref(), name).unwrap()
}

/// Opens a connection for starts, and says why it could not.
async fn for_starts(options: &ConnectOptions) -> Result<(), String> {
    let dialer = Dialer::new(options, Duration::from_secs(10)).map_err(|error| error.to_string())?;
    let connect = StartClient::connect(Arc::new(dialer), 0, 1);
    let connected = LocalSet::new().run_until(connect).await;
    connected.map(drop).map_err(|error| error.to_string())
}

async fn failure(options: &ConnectOptions) -> Unreachable {
    match benchmark_temporal::connect(options).await {
        Err(ConnectError::Unreachable(error)) => *error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it connected"),
    }
}

#[tokio::test]
async fn an_authority_of_our_own() {
    let address = proxy(false).await;
    let mut options = options(&address, material(true, false, Some(NAME)));
    options.api_key = Some(ApiKey::new("a-key").unwrap());
    let server = benchmark_temporal::connect(&options).await.unwrap();
    assert_eq!(namespace::ensure(&server, None).await.unwrap().name, "default");
    benchmark_temporal::connect_sdk(&options, None).await.unwrap();
    for_starts(&options).await.unwrap();
}

#[tokio::test]
async fn a_client_certificate() {
    let address = proxy(true).await;
    let options = options(&address, material(true, true, Some(NAME)));
    let server = benchmark_temporal::connect(&options).await.unwrap();
    for_starts(&options).await.unwrap();
    assert_eq!(namespace::ensure(&server, None).await.unwrap().name, "default");
}

#[tokio::test]
async fn certificates_that_do_not_fit() {
    let open = proxy(false).await;
    let mutual = proxy(true).await;
    for (what, options) in [
        (
            "an unknown authority",
            options(&open, material(false, false, Some(NAME))),
        ),
        (
            "another name",
            options(&open, material(true, false, Some("other.test"))),
        ),
        (
            "no client certificate",
            options(&mutual, material(true, false, Some(NAME))),
        ),
    ] {
        let error = failure(&options).await;
        assert!(matches!(error.cause, Cause::Certificate(_)), "{what}: {error}");
        assert!(error.to_string().contains("--tls-ca"), "{what}: {error}");
        let error = for_starts(&options).await.unwrap_err();
        assert!(
            error.contains("a connection for starts") || error.contains("TLS for starts"),
            "{what}: {error}"
        );
    }
}

#[tokio::test]
async fn a_server_that_offers_no_http2_is_told() {
    let address = proxy_offering(false, &[]).await;
    let error = for_starts(&options(&address, material(true, false, Some(NAME))))
        .await
        .unwrap_err();
    assert!(error.contains("ALPN h2"), "{error}");
}

#[tokio::test]
async fn tls_is_missed_when_it_is_off() {
    let mut options = options(&proxy(false).await, TlsMaterial::default());
    options.tls = None;
    let error = failure(&options).await;
    assert_eq!(error.cause, Cause::WantsTls, "{error}");
}
