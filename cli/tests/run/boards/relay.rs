//! Takes scrapes to a page such that they do not count there: a leader waits for one scrape of its last figures, and the test
//! has several who scrape.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// By this header a leader knows who scrapes.
const SCRAPER: &str = "x-prometheus-scrape-timeout-seconds";

/// Where the page can be scraped unnoticed, until the test's process ends.
pub fn before(page: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A page that is gone is a scrape that fails.
            thread::spawn(move || relay(stream, page));
        }
    });
    address
}

/// One request, and its answer to the end of the connection.
fn relay(mut scraper: TcpStream, page: SocketAddr) -> io::Result<u64> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match scraper.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => request.extend_from_slice(&piece[..read]),
        }
    }
    let request: String = String::from_utf8_lossy(&request)
        .split_inclusive("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with(SCRAPER))
        .collect();
    let mut page = TcpStream::connect(page)?;
    page.write_all(request.as_bytes())?;
    io::copy(&mut page, &mut scraper)
}
