//! A download of the Temporal CLI: an archive of its release, whose SHA-256 is known beforehand.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use benchmark_results::text::chain;
use flate2::read::GzDecoder;
use temporalio_common::telemetry::ensure_default_crypto_provider;
use tokio::time::{Instant, timeout};

use crate::embedded::{
    cache::CLI_VERSION,
    note::Hash,
    progress::{OnProgress, Progress},
};

/// How long the download may stand still before it is given up.
const STALL: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(20);
const TELL: Duration = Duration::from_millis(250);

/// No archive and no binary is larger: today's have some 80 and 250 MB.
const LARGEST: u64 = 1 << 30;

/// What is looked for in the archive.
const BINARY: &str = "temporal";

/// An archive, and its SHA-256 as it was published.
#[derive(Clone, Copy, Debug)]
struct Archive<'a> {
    url: &'a str,
    sha256: &'a str,
}

/// The archive for this machine. The digests are those that package managers pin for this release (Hermit's list of the
/// Temporal CLI); a new [`CLI_VERSION`] needs new ones.
fn archive() -> Option<Archive<'static>> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some(Archive {
            url: "https://github.com/temporalio/cli/releases/download/v1.5.1/temporal_cli_1.5.1_linux_amd64.tar.gz",
            sha256: "ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d",
        }),
        ("linux", "aarch64") => Some(Archive {
            url: "https://github.com/temporalio/cli/releases/download/v1.5.1/temporal_cli_1.5.1_linux_arm64.tar.gz",
            sha256: "bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5",
        }),
        _ => None,
    }
}

/// Downloads into an empty folder, and says where the binary is.
pub(super) async fn download(folder: &Path, told: &OnProgress) -> Result<PathBuf, String> {
    match archive() {
        Some(archive) => fetch(archive, folder, told).await,
        None => Err("there is none for this kind of machine".to_owned()),
    }
}

async fn fetch(archive: Archive<'_>, folder: &Path, told: &OnProgress) -> Result<PathBuf, String> {
    let packed = folder.join("archive.tar.gz");
    let found = receive(archive.url, &packed, told).await?;
    if found != archive.sha256 {
        return Err(format!(
            "the SHA-256 of {} is {found}, and {} was published",
            archive.url, archive.sha256
        ));
    }
    let target = folder.join(BINARY);
    let unpacked = target.clone();
    let done = tokio::task::spawn_blocking(move || unpack(&packed, &unpacked)).await;
    done.map_err(io::Error::other)
        .flatten()
        .map_err(|error| format!("{} cannot be unpacked: {error}", archive.url))?;
    Ok(target)
}

/// Downloads to a file, and returns the SHA-256 of what came.
async fn receive(url: &str, path: &Path, told: &OnProgress) -> Result<String, String> {
    // The client takes the process's own; workers and connections may not have been made yet.
    ensure_default_crypto_provider();
    let client = reqwest::Client::builder().connect_timeout(CONNECT).build();
    let client = client.map_err(|error| chain(&error))?;
    let stalled = |_| format!("nothing arrived for {} s", STALL.as_secs());
    let answer = timeout(STALL, client.get(url).send()).await.map_err(stalled)?;
    let mut answer = answer
        .and_then(reqwest::Response::error_for_status)
        .map_err(|error| chain(&error))?;
    let words = |error: io::Error| format!("{}: {error}", path.display());
    let mut file = File::create_new(path).map_err(words)?;
    let (mut hash, mut size) = (Hash::new(), 0);
    let begun = Instant::now();
    let mut last = begun;
    while let Some(chunk) = timeout(STALL, answer.chunk())
        .await
        .map_err(stalled)?
        .map_err(|error| chain(&error))?
    {
        size += chunk.len() as u64;
        if size > LARGEST {
            return Err(format!("{url} is larger than {} MiB", LARGEST >> 20));
        }
        hash.update(&chunk);
        file.write_all(&chunk).map_err(words)?;
        if last.elapsed() >= TELL {
            last = Instant::now();
            told(Progress {
                doing: format!("downloading the Temporal dev server (CLI {CLI_VERSION})"),
                elapsed: begun.elapsed(),
                detail: Some(format!("{} MiB", size >> 20)),
            });
        }
    }
    Ok(hash.finish())
}

/// Takes the binary out of an archive.
fn unpack(packed: &Path, target: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(packed)?));
    for entry in archive.entries()? {
        let entry = entry?;
        if !entry.header().entry_type().is_file() || entry.path()?.file_name() != Some(BINARY.as_ref()) {
            continue;
        }
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o700).open(target)?;
        if io::copy(&mut entry.take(LARGEST), &mut file)? == LARGEST {
            return Err(io::Error::other(format!(
                "{BINARY} is larger than {} MiB",
                LARGEST >> 20
            )));
        }
        file.sync_all()?;
        return fs::remove_file(packed);
    }
    Err(io::Error::other(format!("it holds no {BINARY}")))
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, os::unix::fs::PermissionsExt, thread};

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::embedded::progress;

    /// An archive with some files, as a release has them.
    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    /// Answers one request, and says where.
    fn server(status: &'static str, body: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/cli.tar.gz", listener.local_addr().unwrap());
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        });
        url
    }

    fn sha256(bytes: &[u8]) -> String {
        let mut hash = Hash::new();
        hash.update(bytes);
        hash.finish()
    }

    #[tokio::test]
    async fn the_binary_of_the_published_archive_is_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let body = packed(&[("LICENSE", "free"), ("temporal", "binary"), ("README.md", "")]);
        let archive = Archive {
            sha256: &sha256(&body),
            url: &server("200 OK", body),
        };
        let target = fetch(archive, folder.path(), &progress::silent()).await.unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "binary");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn another_archive_than_the_published_one_is_not_unpacked() {
        let good = packed(&[("temporal", "binary")]);
        let other = packed(&[("temporal", "evil")]);
        let empty = packed(&[("LICENSE", "free")]);
        for (status, body, expected, says) in [
            ("200 OK", other.clone(), sha256(&good), "was published"),
            ("200 OK", empty.clone(), sha256(&empty), "it holds no temporal"),
            (
                "200 OK",
                b"no archive".to_vec(),
                sha256(b"no archive"),
                "cannot be unpacked",
            ),
            ("404 Not Found", good.clone(), sha256(&good), "404"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let archive = Archive {
                sha256: &expected,
                url: &server(status, body),
            };
            let error = fetch(archive, folder.path(), &progress::silent()).await.unwrap_err();
            assert!(error.contains(says), "{error}");
            assert!(!folder.path().join(BINARY).exists(), "{error}");
        }
    }

    #[tokio::test]
    async fn who_speaks_no_tls_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/cli.tar.gz", listener.local_addr().unwrap());
        thread::spawn(move || listener.accept().unwrap().0.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        let error = receive(&url, &folder.path().join("archive"), &progress::silent())
            .await
            .unwrap_err();
        assert!(error.contains(&url), "{error}");
    }

    #[test]
    fn what_is_pinned_is_of_the_version_that_is_built_too() {
        let archive = archive().unwrap();
        assert!(archive.url.contains(&format!("/{CLI_VERSION}/")), "{archive:?}");
        assert!(archive.sha256.len() == 64 && archive.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
