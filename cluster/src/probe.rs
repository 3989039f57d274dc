//! `probe`: does something answer? The images have no shell and no curl, so that health checks call this.

use std::{fmt::Display, io, process::ExitCode, time::Duration};

use benchmark_results::text;
use benchmark_scenarios::Problem;
use tokio::{net::TcpStream, time::timeout};
use url::Url;

use crate::http;

/// How long it may take altogether. Health checks of tasks allow 5 s, start of this process included.
const LIMIT: Duration = Duration::from_secs(2);

/// Connects to a `tcp` address, or asks for an `http` page, which has to be there (status 200 to 399).
///
/// # Errors
/// When the address is none of both, or nothing answers within 2 s.
pub async fn probe(url: &str) -> Result<ExitCode, Problem> {
    let shown = text::line(url, 200);
    let wrong = |why: &str| {
        Problem::new(format!("URL: {shown}: {why}"))
            .remedy("http://HOST:PORT/PATH")
            .remedy("tcp://HOST:PORT")
    };
    let asked = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
    let silent = |error: &dyn Display| Problem::new(format!("{shown}: {error}"));
    match asked.scheme() {
        "tcp" if asked.port().is_some() && asked.has_host() => {
            let addresses = asked.socket_addrs(|| None).map_err(|error| silent(&error))?;
            let connected = timeout(LIMIT, TcpStream::connect(&addresses[..])).await;
            let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            connected.map_err(|error| silent(&error))?;
        }
        "http" => {
            let answer = http::get(&asked, LIMIT).await.map_err(|error| silent(&error))?;
            if !(200..400).contains(&answer.status().as_u16()) {
                return Err(silent(&format!("status {}", answer.status().as_u16())));
            }
        }
        _ => return Err(wrong("neither http nor tcp with host and port")),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
        time::Instant,
    };

    use super::*;

    /// A server that gives one answer; the address, without what comes before it.
    fn answering(answer: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let _ = client.read(&mut request);
            let _ = client.write_all(answer);
        });
        at.to_string()
    }

    async fn said(url: String) -> String {
        match probe(&url).await {
            Ok(_) => "there".to_owned(),
            Err(problem) => problem.headline().replace(&url, "URL"),
        }
    }

    #[tokio::test]
    async fn a_page_that_is_there() {
        let at = answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nok");
        assert_eq!(said(format!("http://{at}/healthz")).await, "there");
    }

    #[tokio::test]
    async fn a_page_that_is_not_ready() {
        let at = answering(b"HTTP/1.1 503 Service Unavailable\r\n\r\n");
        assert_eq!(said(format!("http://{at}/healthz")).await, "URL: status 503");
    }

    #[tokio::test]
    async fn what_is_not_http() {
        let at = answering(b"SSH-2.0\r\n");
        assert_eq!(said(format!("http://{at}/")).await, "URL: invalid HTTP version parsed");
    }

    #[tokio::test]
    async fn a_port_that_takes_connections() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(said(format!("tcp://{}", listener.local_addr().unwrap())).await, "there");
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on() {
        // Nobody else is given the port as long as it is bound, and a socket that does not listen refuses.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let at = socket.local_addr().unwrap();
        assert!(said(format!("tcp://{at}")).await.starts_with("URL: Connection refused"));
    }

    #[tokio::test]
    async fn who_says_nothing_is_waited_for_two_seconds() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let begun = Instant::now();
        let said = said(format!("http://{}/", listener.local_addr().unwrap())).await;
        assert_eq!(said, "URL: no answer within 2 s");
        assert!(begun.elapsed() >= LIMIT, "{said} after {:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn an_address_that_is_none() {
        for url in ["127.0.0.1:7233", "https://127.0.0.1/", "tcp://127.0.0.1", "nothing"] {
            let problem = probe(url).await.unwrap_err();
            assert!(problem.headline().starts_with(&format!("URL: {url}: ")), "{problem}");
            assert!(problem.report().contains("tcp://HOST:PORT"));
        }
    }
}
