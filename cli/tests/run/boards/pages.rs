//! The pages in `dashboards/series`, served such that their counters rise, and pages of programs as they are.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Instant,
};

use benchmark_dashboards::folder;

/// What a program shows at an address, as `curl` gets it.
pub fn of(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    // The older version: its answers are not cut into chunks, and end with the connection.
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{head}");
    page.to_owned()
}

/// Serves some of them as one page until the test's process ends.
pub fn serve(files: &[&str]) -> SocketAddr {
    let read = |file: &str| fs::read_to_string(folder().join("series").join(file)).unwrap();
    let pages: String = files.iter().map(|file| read(file)).collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let begun = Instant::now();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            // The request is of no interest, but must have come.
            let _ = stream.read(&mut [0; 4096]);
            let page = page(&pages, begun.elapsed().as_secs_f64());
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
            let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
        }
    });
    address
}

/// The pages after some seconds: counters rise by one a second, histograms by one within 1 ms and one within 100 ms.
fn page(pages: &str, seconds: f64) -> String {
    let mut kind = "";
    let mut page = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for line in pages.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            kind = described.split(' ').nth(1).unwrap_or_default();
            if seen.insert(described.to_owned()) {
                page.push_str(&format!("{line}\n"));
            }
            continue;
        }
        let Some((series, _)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        if !seen.insert(series.to_owned()) {
            continue;
        }
        match kind {
            "histogram" => {
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                // A few are recorded with their edges.
                let Some(name) = name.strip_suffix("_count") else {
                    continue;
                };
                let labels = labels.trim_end_matches('}');
                let comma = if labels.is_empty() { "" } else { "," };
                for (le, each) in [("0.001", 1.0), ("0.1", 2.0), ("+Inf", 2.0)] {
                    page.push_str(&format!(
                        "{name}_bucket{{{labels}{comma}le=\"{le}\"}} {}\n",
                        (seconds * each).floor()
                    ));
                }
                page.push_str(&format!("{series} {}\n", (seconds * 2.0).floor()));
            }
            "counter" => page.push_str(&format!("{series} {}\n", seconds.floor())),
            _ => page.push_str(&format!("{series} 1\n")),
        }
    }
    page
}
