//! The pages written by hand, served such that their counters rise.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::Instant,
};

use benchmark_dashboards::folder;

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
                let (name, labels) = series.split_once("_count").unwrap();
                let labels = labels.trim_matches(['{', '}']);
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
