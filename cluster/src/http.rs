//! The little HTTP that is needed inside of tasks: one GET without TLS, with a limit in time. ECS answers so, and so do the
//! pages that are probed; a client for the rest of the world would have to be set up with roots and a provider first.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use url::Url;

/// Longest status line or header, and most headers.
const LONGEST: (u64, usize) = (8 << 10, 100);

/// A connection that ends at an instant, however slowly the other side talks.
#[derive(Debug)]
struct Limited {
    stream: TcpStream,
    until: Instant,
}

impl Read for Limited {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        self.stream.read(into)
    }
}

/// Time that is left, which is never nothing.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(io::ErrorKind::TimedOut.into()),
        false => Ok(left),
    }
}

/// Connects to the host and the port of an address, to whichever of its IP addresses takes the connection first.
///
/// # Errors
/// When none does in time.
pub fn connect(url: &Url, until: Instant) -> io::Result<TcpStream> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// An answer: its status, and its body as far as it is read.
#[derive(Debug)]
pub struct Answer {
    /// Status, such as 200.
    pub status: u16,
    rest: BufReader<Limited>,
}

impl Answer {
    /// The body, which ends with the connection.
    ///
    /// # Errors
    /// When it is longer than `longest` bytes, or does not come in time.
    pub fn body(self, longest: u64) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        self.rest.take(longest + 1).read_to_end(&mut body)?;
        match body.len() as u64 > longest {
            true => Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long")),
            false => Ok(body),
        }
    }
}

/// Asks for a page. The request is one of HTTP/1.0, so that the body comes as it is and ends with the connection.
///
/// # Errors
/// When nobody answers within `limit`, or not in HTTP.
pub fn get(url: &Url, limit: Duration) -> io::Result<Answer> {
    let until = Instant::now() + limit;
    let mut stream = connect(url, until)?;
    stream.set_write_timeout(Some(left(until)?))?;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    // In one piece: who has read a part of it may answer and close, and the rest would then fail before the answer is read.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut rest = BufReader::new(Limited { stream, until });
    let status = line(&mut rest)?;
    let status = status
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split_ascii_whitespace().nth(1)?.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))?;
    for _ in 0..LONGEST.1 {
        if line(&mut rest)?.is_empty() {
            return Ok(Answer { status, rest });
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "too many headers"))
}

/// A line of the head, without its end.
fn line(from: &mut BufReader<Limited>) -> io::Result<String> {
    let mut line = Vec::new();
    from.by_ref().take(LONGEST.0).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()),
        None => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the answer ends in its head",
        )),
    }
}
