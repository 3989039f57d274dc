//! As much of an HTTP client as Prometheus' own interface needs: one request a connection, to this machine.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Longer than any answer takes on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(60);

/// Asks for a page, and returns the status with the body.
pub(crate) fn get(to: SocketAddr, path: &str) -> io::Result<(u16, Vec<u8>)> {
    request(to, "GET", path, &[])
}

/// Sends a form, or nothing, and returns the status with the body.
pub(crate) fn post(to: SocketAddr, path: &str, form: &[(&str, &str)]) -> io::Result<(u16, Vec<u8>)> {
    request(to, "POST", path, form)
}

fn request(to: SocketAddr, method: &str, path: &str, form: &[(&str, &str)]) -> io::Result<(u16, Vec<u8>)> {
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    let body = pairs.join("&");
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    // The older version: its answers are not cut into chunks, and end with the connection.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {to}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no answer of HTTP");
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or_else(invalid)?;
    let status = std::str::from_utf8(&answer[..end])
        .ok()
        .and_then(|head| head.split(' ').nth(1)?.parse().ok());
    let body = answer.split_off(end + 4);
    Ok((status.ok_or_else(invalid)?, body))
}

fn escaped(value: &str) -> String {
    value.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_comes_through_the_form() {
        assert_eq!(
            escaped("a{b=\"c\"}[1m] + é"),
            "a%7Bb%3D%22c%22%7D%5B1m%5D%20%2B%20%C3%A9"
        );
    }
}
