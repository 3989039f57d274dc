//! Probe of an address: what it is that listens there, which its first words tell. A leader is told from what is none
//! by this, and so is a Temporal frontend.

use std::io;

use futures::{FutureExt, future::BoxFuture};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a client of HTTP/2 says first: the preface and empty settings (RFC 9113, 3.4).
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// What a peer said first to a plain greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Settings: a server of HTTP/2.
    Http2,
    /// A status line.
    Http1,
    /// An alert: a server of TLS.
    Tls,
    /// The end of the connection.
    Closed,
    /// Something else.
    Other,
    /// Nothing in time, for callers that have a limit.
    Nothing,
}

/// Greets whoever is at the other end, and waits for its first words.
pub fn greet(mut stream: TcpStream) -> BoxFuture<'static, Heard> {
    async move {
        let mut said = [0; 9];
        let mut got = 0;
        let talk = async {
            stream.write_all(GREETING).await?;
            // An alert of TLS is only seven bytes long, so each piece is looked at as it comes.
            while got < said.len() && recognise(&said[..got]).is_none() {
                match stream.read(&mut said[got..]).await? {
                    0 => break,
                    more => got += more,
                }
            }
            io::Result::Ok(())
        };
        match talk.await {
            Ok(()) | Err(_) if got == 0 => Heard::Closed,
            _ => recognise(&said[..got]).unwrap_or(Heard::Other),
        }
    }
    .boxed()
}

fn recognise(said: &[u8]) -> Option<Heard> {
    if said.starts_with(b"HTTP/1") {
        Some(Heard::Http1)
    } else if said.starts_with(&[21, 3]) {
        // A record of kind 21 (alert), version 3.x (RFC 8446, 5.1).
        Some(Heard::Tls)
    } else if said.len() == 9 && said[3] == 4 && said[5..] == [0; 4] {
        // A frame of kind 4 (settings) on stream 0 (RFC 9113, 6.5).
        Some(Heard::Http2)
    } else {
        None
    }
}
