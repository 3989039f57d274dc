//! A leader over the network: one connection, made anew after each failure, and failures in words.

use std::time::Duration;

use parking_lot::Mutex;
use prost::Message;
use tokio::{net::TcpStream, time::timeout};
use tonic::{
    Code, Request, Response, Status,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use super::{JoinError, RemoteLeader, link::Failure};
use crate::{
    address::{Address, AddressError},
    leader::Refusal,
    limits::{CONNECT, KEEP_ALIVE, MESSAGE_BYTES},
    probe::{self, Heard},
    serve::guard,
    text,
    wire::{self, fleet_client::FleetClient},
};

/// The longest that listening to something that is no leader may take.
const LISTEN: Duration = Duration::from_millis(1500);

type Client = FleetClient<Channel>;

#[derive(Debug)]
pub(super) struct Remote {
    address: Address,
    endpoint: Endpoint,
    token: Option<MetadataValue<Ascii>>,
    tls: bool,
    /// How long a call may take.
    call: Duration,
    client: Mutex<Option<Client>>,
}

impl Remote {
    pub(super) fn new(leader: &RemoteLeader, call: Duration) -> Result<Remote, JoinError> {
        let address: Address = leader.address.parse()?;
        let scheme = if leader.tls.is_some() { "https" } else { "http" };
        let (interval, wait) = KEEP_ALIVE;
        let tls_error = |error: tonic::transport::Error| JoinError::Tls(text::chain(&error));
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))
            .map_err(|_| AddressError {
                address: leader.address.clone(),
                reason: "it cannot stand in a URL",
            })?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(wait)
            .keep_alive_while_idle(true);
        if let Some(tls) = &leader.tls {
            let config = match &tls.ca {
                Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
                None => ClientTlsConfig::new().with_native_roots(),
            };
            let name = tls.server_name.as_deref().unwrap_or(&address.host);
            let config = config.domain_name(name.trim_matches(['[', ']'])).timeout(CONNECT);
            endpoint = endpoint.tls_config(config).map_err(tls_error)?;
        }
        let token = leader.token.as_ref().and_then(|token| {
            // A token is visible ASCII, which any header can carry.
            let mut value: MetadataValue<Ascii> = token.header().parse().ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Ok(Remote {
            address,
            endpoint,
            token,
            tls: leader.tls.is_some(),
            call,
            client: Mutex::default(),
        })
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(super) async fn join(&self, request: wire::JoinRequest) -> Result<wire::JoinResponse, Failure> {
        let mut client = self.client().await?;
        let answer = timeout(self.call, client.join(self.request(request))).await;
        match self.answer(answer) {
            // What listens there is found out by a connection of its own, which is worth it while joining only: a leader
            // that is there already and is slow would have one more from each member.
            Err(Failure::Unreachable(words)) => Err(self.listen(words).await),
            answer => answer,
        }
    }

    pub(super) async fn exchange(&self, request: wire::ExchangeRequest) -> Result<wire::ExchangeResponse, Failure> {
        let mut client = self.client().await?;
        let large = request.encoded_len() > MESSAGE_BYTES;
        let key = MetadataValue::from_bytes(&request.key);
        let mut request = self.request(request);
        let metadata = request.metadata_mut();
        metadata.insert_bin(guard::KEY, key);
        if large {
            metadata.insert(guard::LARGE, MetadataValue::from_static("1"));
        }
        self.answer(timeout(self.call, client.exchange(request)).await)
    }

    pub(super) async fn connect(&self) -> Result<(), Failure> {
        self.client().await.map(|_| ())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }

    async fn client(&self) -> Result<Client, Failure> {
        if let Some(client) = &*self.client.lock() {
            return Ok(client.clone());
        }
        let channel = match timeout(CONNECT + Duration::from_secs(1), self.endpoint.connect()).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(error)) => return Err(self.not_connected(text::chain(&error)).await),
            Err(_) => return Err(Failure::Unreachable("connecting takes too long".to_owned())),
        };
        let client = FleetClient::new(channel).max_decoding_message_size(MESSAGE_BYTES);
        *self.client.lock() = Some(client.clone());
        Ok(client)
    }

    /// Why no connection came about.
    async fn not_connected(&self, words: String) -> Failure {
        if words.contains("onnection refused") {
            return Failure::Unreachable("nothing listens there (connection refused)".to_owned());
        }
        if words.contains("dns error") {
            return Failure::Unreachable(format!("the name {} cannot be resolved", self.address.host));
        }
        if let Some(at) = words.find("invalid peer certificate") {
            return Failure::NotALeader(format!(
                "its certificate is not trusted ({}); --fleet-tls-ca names the authority that signed it, \
                 --fleet-tls-server-name the name in it",
                &words[at..]
            ));
        }
        if self.tls {
            return self.listen(words).await;
        }
        Failure::Unreachable(words)
    }

    /// The answer of a call, or what became of it.
    fn answer<T>(
        &self,
        result: Result<Result<Response<T>, Status>, tokio::time::error::Elapsed>,
    ) -> Result<T, Failure> {
        let status = match result {
            Ok(Ok(response)) => return Ok(response.into_inner()),
            Ok(Err(status)) => status,
            Err(_) => Status::deadline_exceeded(format!("no answer in {:.1} s", self.call.as_secs_f64())),
        };
        if let Some(refusal) = Refusal::from_status(&status) {
            return Err(Failure::Refused(refusal));
        }
        // Whatever it is, a new connection has a better chance than this one.
        *self.client.lock() = None;
        if status.code() == Code::Unimplemented {
            return Err(Failure::NotALeader(
                "something else speaks gRPC there; check host and port".to_owned(),
            ));
        }
        Err(Failure::Unreachable(words(&status)))
    }

    /// Finds out by its first words what is there.
    async fn listen(&self, words: String) -> Failure {
        let listen = async {
            // A bracketed IPv6 address is resolved as it stands.
            match TcpStream::connect(self.address.to_string()).await {
                Ok(stream) => probe::greet(stream).await,
                Err(_) => Heard::Nothing,
            }
        };
        let heard = timeout(LISTEN, listen).await.unwrap_or(Heard::Nothing);
        match (heard, self.tls) {
            (Heard::Http1, _) => Failure::NotALeader("a web server is there; check host and port".to_owned()),
            (Heard::Tls, false) => Failure::NotALeader(
                "it speaks TLS; give --fleet-tls-ca with the authority that signed its certificate".to_owned(),
            ),
            (Heard::Http2, true) => Failure::NotALeader("it speaks no TLS; leave --fleet-tls-ca out".to_owned()),
            (Heard::Other, _) => {
                Failure::NotALeader("something is there that does not speak gRPC; check host and port".to_owned())
            }
            (Heard::Nothing, false) => Failure::Unreachable(format!(
                "it accepts no connection, or says nothing ({words}); check host and port"
            )),
            (Heard::Closed, false) => Failure::Unreachable(format!("it closes the connection at once ({words})")),
            _ => Failure::Unreachable(words),
        }
    }
}

/// A status in words: its message, and what caused it.
fn words(status: &Status) -> String {
    match std::error::Error::source(status) {
        Some(cause) => text::chain(cause),
        None if status.message().is_empty() => status.code().description().to_owned(),
        None => status.message().to_owned(),
    }
}
