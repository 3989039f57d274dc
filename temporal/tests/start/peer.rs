//! The other side of a connection, frame by frame: what a server or a proxy may say at any time, and no library of a
//! server will say on request (RFC 9113, sections 4 and 6).

use std::{collections::VecDeque, time::Duration};

use futures::FutureExt as _;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

pub const NO_ERROR: u32 = 0;
pub const INTERNAL_ERROR: u32 = 2;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// How long anything may take before a test gives up on it: far more than it needs on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Waits for something that must come.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(LIMIT, future).await.expect("it came in time")
}

/// What the client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A start was sent to its end on this stream.
    Start(u32),
    /// A stream was given up, with this reason.
    Reset(u32, u32),
}

pub struct Peer {
    listener: TcpListener,
}

impl Peer {
    pub async fn new() -> Self {
        Peer {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    /// Whether a connection waits to be taken; one that does is not there afterwards.
    pub fn is_called(&self) -> bool {
        self.listener.accept().now_or_never().is_some()
    }

    /// Takes a connection, without a limit on streams.
    pub async fn accept(&self) -> Connection {
        self.accept_with(&[]).await
    }

    /// Takes a connection, and answers the question that a client begins with.
    pub async fn accept_answered(&self) -> Connection {
        let mut connection = self.accept().await;
        connection.pinged().await;
        connection
    }

    /// Takes a connection, and says these settings: number and value.
    pub async fn accept_with(&self, settings: &[(u16, u32)]) -> Connection {
        let (mut stream, _) = soon(self.listener.accept()).await.unwrap();
        let mut preface = [0; PREFACE];
        soon(stream.read_exact(&mut preface)).await.unwrap();
        let mut connection = Connection {
            stream,
            seen: VecDeque::new(),
            answers_pings: true,
            pings: 0,
            pongs: 0,
        };
        connection.settings(settings).await;
        connection
    }
}

pub struct Connection {
    stream: TcpStream,
    seen: VecDeque<Seen>,
    answers_pings: bool,
    /// Questions of the client whether this side is still there, and its answers to the same, that nobody waited for yet.
    pings: u32,
    pongs: u32,
}

impl Connection {
    /// Says settings, also in the middle.
    pub async fn settings(&mut self, settings: &[(u16, u32)]) {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(number, value)| [number.to_be_bytes().as_slice(), &value.to_be_bytes()].concat())
            .collect();
        self.send(SETTINGS, 0, 0, &payload).await;
    }

    /// The next thing that the client does; `None` when it has gone.
    pub async fn next(&mut self) -> Option<Seen> {
        loop {
            if let Some(seen) = self.seen.pop_front() {
                return Some(seen);
            }
            self.read().await?;
        }
    }

    /// The stream of the next start.
    pub async fn start(&mut self) -> u32 {
        loop {
            match soon(self.next()).await.expect("the client is there") {
                Seen::Start(stream) => return stream,
                Seen::Reset(..) => {}
            }
        }
    }

    /// Whether pings are answered from now on.
    pub fn answers_pings(&mut self, answers: bool) {
        self.answers_pings = answers;
    }

    /// Waits for the client to ask whether this side is still there.
    pub async fn pinged(&mut self) {
        while self.pings == 0 {
            self.read().await.expect("the client is there");
        }
        self.pings -= 1;
    }

    /// Asks whether the client is still there, and hears that it is: it has read all that was sent before.
    pub async fn roundtrip(&mut self) {
        self.send(PING, 0, 0, &[7; 8]).await;
        while self.pongs == 0 {
            soon(self.read()).await.expect("the client is there");
        }
        self.pongs -= 1;
    }

    /// Reads until the client goes.
    pub async fn idle(&mut self) {
        while self.next().await.is_some() {}
    }

    async fn read(&mut self) -> Option<()> {
        let mut head = [0; 9];
        self.stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.ok()?;
        match kind {
            SETTINGS if flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]).await,
            PING if flags & ACK == 0 => {
                self.pings += 1;
                if self.answers_pings {
                    self.send(PING, ACK, 0, &payload).await;
                }
            }
            PING => self.pongs += 1,
            DATA if flags & END_STREAM != 0 => self.seen.push_back(Seen::Start(stream)),
            RST_STREAM => {
                let reason = u32::from_be_bytes(payload.try_into().unwrap());
                self.seen.push_back(Seen::Reset(stream, reason));
            }
            _ => {}
        }
        Some(())
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        // A client that has gone meanwhile hears nothing.
        let _ = self.stream.write_all(&frame).await;
    }

    /// Headers: a status, unless they are trailers, and fields (RFC 7541, 6.1 and 6.2.2).
    pub async fn headers(&mut self, stream: u32, status: Option<&str>, fields: &[(&str, &str)], end: bool) {
        let literal = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let mut payload = match status {
            // Its name is the eighth of the static table.
            Some(status) => [vec![0x08], literal(status)].concat(),
            None => Vec::new(),
        };
        for (name, value) in fields {
            payload.push(0);
            payload.extend(literal(name));
            payload.extend(literal(value));
        }
        let flags = END_HEADERS | if end { END_STREAM } else { 0 };
        self.send(HEADERS, flags, stream, &payload).await;
    }

    pub async fn data(&mut self, stream: u32, bytes: &[u8]) {
        self.send(DATA, 0, stream, bytes).await;
    }

    /// The whole answer to a start that was taken: an empty message.
    pub async fn accept_start(&mut self, stream: u32) {
        self.headers(stream, Some("200"), &[("content-type", "application/grpc")], false)
            .await;
        self.data(stream, &[0; 5]).await;
        self.headers(stream, None, &[("grpc-status", "0")], true).await;
    }

    pub async fn reset(&mut self, stream: u32, reason: u32) {
        self.send(RST_STREAM, 0, stream, &reason.to_be_bytes()).await;
    }

    /// Says that no stream after `last` was or will be looked at.
    pub async fn go_away(&mut self, last: u32, reason: u32) {
        let payload = [last.to_be_bytes(), reason.to_be_bytes()].concat();
        self.send(GO_AWAY, 0, 0, &payload).await;
    }
}
