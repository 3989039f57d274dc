//! Opening one connection for starts: name, TCP, TLS, HTTP/2.

use std::{
    cell::Cell, future::Future, future::poll_fn, io, net::SocketAddr, pin::Pin, rc::Rc, task::Poll, time::Duration,
};

use benchmark_results::text::chain;
use bytes::Bytes;
use h2::{
    Ping, PingPong,
    client::{Builder, Connection, SendRequest},
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    head::Head,
    socket::{CountedStream, Socket, Traffic},
    tls::Tls,
};
use crate::{
    ConnectError,
    addresses::{Addresses, Resolver},
    options::{ConnectOptions, Endpoint},
};

/// How much a server may send ahead of us on a connection. `h2` lets as many unread small answers come as fit in it
/// with some padding, and ends the connection beyond: after a stall they all come at once.
const CONNECTION_WINDOW: u32 = 64 << 20;

/// Starts that were given up and whose late answer is still known as theirs: after a stall that is longer than a start's
/// deadline their answers come in masses, and each that is not known any more costs a frame.
const RESETS_KEPT: usize = 10_000;

/// How a server is reached, made once for all threads and connections. It shows nothing: some of it is secret.
pub struct Dialer {
    endpoint: Endpoint,
    tls: Option<Tls>,
    resolver: Resolver,
    connect_timeout: Duration,
    pub(super) start_timeout: Duration,
    pub(super) head: Head,
}

/// A connection that stands: the other side has answered on it.
pub(super) struct Dialed {
    pub(super) sender: SendRequest<Bytes>,
    pub(super) connection: Connection<Socket, Bytes>,
    pub(super) pings: PingPong,
    pub(super) traffic: Rc<Traffic>,
    pub(super) address: SocketAddr,
}

impl Dialer {
    /// Checks everything that can be checked without the server.
    ///
    /// # Errors
    /// When the address is none, a header cannot be sent, or the TLS material cannot be used.
    pub fn new(options: &ConnectOptions, start_timeout: Duration) -> Result<Self, ConnectError> {
        let endpoint = options.endpoint()?;
        // With TLS on and nothing given, the system's authorities.
        let material = endpoint.tls.then(|| options.tls.clone().unwrap_or_default());
        let tls = material.map(|material| Tls::new(&material, &endpoint)).transpose()?;
        Ok(Dialer {
            head: Head::new(options, &endpoint, start_timeout)?,
            tls,
            resolver: options.resolver.clone(),
            connect_timeout: options.connect_timeout,
            start_timeout,
            endpoint,
        })
    }

    /// How many addresses connections are dealt out over.
    ///
    /// # Errors
    /// When the name stands for none, or is not answered in time.
    pub async fn addresses(&self) -> Result<usize, ConnectError> {
        let found = timeout(self.connect_timeout, self.resolve()).await;
        let error =
            |reason: String| ConnectError::Settings(format!("a connection for starts: {}: {reason}", self.endpoint));
        match found {
            Ok(Ok(addresses)) => Ok(addresses.count()),
            Ok(Err(reason)) => Err(error(reason)),
            Err(_) => Err(error(format!(
                "the name was not answered within {:?}",
                self.connect_timeout
            ))),
        }
    }

    async fn resolve(&self) -> Result<Addresses, String> {
        let found = self.resolver.addresses(&self.endpoint.host, self.endpoint.port).await;
        found.map_err(|error| chain(&error))
    }

    /// Opens a connection: to its own address, by its number among all of the run, or to another one when that fails.
    ///
    /// # Errors
    /// Says what failed at each address.
    pub(super) async fn dial(&self, number: u32, writes: &Rc<Cell<u64>>) -> Result<Dialed, String> {
        let end = Instant::now() + self.connect_timeout;
        let late = || format!("{}: no connection within {:?}", self.endpoint, self.connect_timeout);
        let addresses = tokio::time::timeout_at(end, self.resolve())
            .await
            .map_err(|_| late())??
            .of_connection(number);
        let mut failures = Vec::new();
        for (tried, address) in addresses.iter().enumerate() {
            // One that does not answer leaves time for the others.
            let left = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            let share = end.saturating_duration_since(Instant::now()) / left;
            match timeout(share, self.open(*address, writes)).await {
                Ok(Ok(dialed)) => return Ok(dialed),
                Ok(Err(error)) => failures.push(format!("{address}: {}", chain(&error))),
                Err(_) => failures.push(format!("{address}: no answer within {:.1} s", share.as_secs_f64())),
            }
        }
        Err(failures.join("; "))
    }

    async fn open(&self, address: SocketAddr, writes: &Rc<Cell<u64>>) -> io::Result<Dialed> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let traffic = Rc::new(Traffic {
            writes: Rc::clone(writes),
            reads: Cell::default(),
        });
        let counted = CountedStream::new(stream, Rc::clone(&traffic));
        let socket = match &self.tls {
            Some(tls) => Socket::Tls(Box::new(tls.handshake(counted).await?)),
            None => Socket::Plain(counted),
        };
        let (sender, mut connection) = Builder::new()
            .initial_connection_window_size(CONNECTION_WINDOW)
            .enable_push(false)
            .max_concurrent_reset_streams(RESETS_KEPT)
            // Late answers to starts that were given up are no attack.
            .max_local_error_reset_streams(None)
            .handshake::<_, Bytes>(socket)
            .await
            .map_err(io::Error::other)?;
        let mut pings = connection
            .ping_pong()
            .ok_or_else(|| io::Error::other("the connection cannot be pinged"))?;
        pings.send_ping(Ping::opaque()).map_err(io::Error::other)?;
        // The answer says that HTTP/2 is spoken there, and comes after the settings, so that its limits are known.
        poll_fn(|cx| {
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(cx) {
                let error = ended
                    .err()
                    .map_or_else(|| "it was closed at once".to_owned(), |error| chain(&error));
                return Poll::Ready(Err(io::Error::other(format!("HTTP/2 is not spoken there: {error}"))));
            }
            pings.poll_pong(cx).map(|pong| pong.map(drop).map_err(io::Error::other))
        })
        .await?;
        Ok(Dialed {
            sender,
            connection,
            pings,
            traffic,
            address,
        })
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer")
            .field("endpoint", &self.endpoint)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
