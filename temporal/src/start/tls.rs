//! TLS for starts, with the same material as the SDK's connection. Certificates are always verified.

use std::{io, sync::Arc};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::ring},
};

use super::socket::CountedStream;
use crate::{ConnectError, TlsMaterial, options::Endpoint};

const ALPN_HTTP2: &[u8] = b"h2";

/// How TLS is spoken with a server; made once, shared by all connections.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// # Errors
    /// When the material does not hold what it should, or the system has no authorities.
    pub(super) fn new(material: &TlsMaterial, endpoint: &Endpoint) -> Result<Self, ConnectError> {
        let unusable = |reason: String| ConnectError::Settings(format!("TLS for starts: {reason}"));
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(error.to_string()))?
            .with_root_certificates(roots(material).map_err(unusable)?);
        let mut config = match &material.identity {
            Some((chain, key)) => {
                let chain = CertificateDer::pem_slice_iter(chain)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| unusable(format!("the client's certificate: {error}")))?;
                let key = PrivateKeyDer::from_pem_slice(key)
                    .map_err(|error| unusable(format!("the client's key: {error}")))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| unusable(format!("the client's certificate and key: {error}")))?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
        let name = material.server_name.as_deref().unwrap_or(&endpoint.host);
        Ok(Tls {
            connector: TlsConnector::from(Arc::new(config)),
            name: ServerName::try_from(name.to_owned())
                .map_err(|error| unusable(format!("the name {name}: {error}")))?,
        })
    }

    /// Speaks TLS on a connection, and makes sure that the other side speaks HTTP/2 inside.
    pub(super) async fn handshake(&self, stream: CountedStream) -> io::Result<TlsStream<CountedStream>> {
        let stream = self.connector.connect(self.name.clone(), stream).await?;
        match stream.get_ref().1.alpn_protocol() {
            Some(ALPN_HTTP2) => Ok(stream),
            _ => Err(io::Error::other(
                "the server does not offer HTTP/2 on its TLS port (ALPN h2)",
            )),
        }
    }
}

fn roots(material: &TlsMaterial) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &material.ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| format!("the authorities: {error}"))?;
                roots
                    .add(certificate)
                    .map_err(|error| format!("the authorities: {error}"))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _) = roots.add_parsable_certificates(found.certs);
            if added == 0 {
                return Err("this system has no authorities that can be read; give them with --tls-ca".to_owned());
            }
        }
    }
    Ok(roots)
}
