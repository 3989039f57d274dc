//! The server's log: a file without a name, so that nothing of it stays behind however this program ends, unless somebody
//! is to read it afterwards.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Lines that are shown of it.
const LINES: usize = 12;

/// Of these, lines before a panic: what went wrong is often said there, and the panic is but what followed.
const BEFORE_PANIC: usize = 4;

/// As much of its end as is looked at.
const TAIL: u64 = 1 << 20;

/// Names that are tried in the temporary folder.
const TRIES: u32 = 16;

pub(super) struct Log {
    file: File,
    path: Option<PathBuf>,
    /// The folder that it is in where it goes with the server.
    temporary: Option<PathBuf>,
}

impl Log {
    /// A log at a path that somebody named; it stays.
    pub(super) fn at(path: &Path) -> io::Result<Log> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).read(true);
        Ok(Log {
            file: options.open(path)?,
            path: Some(path.to_owned()),
            temporary: None,
        })
    }

    /// A log that nobody asked for, in the folder of temporary files. It has a name only where the server may outlive us.
    pub(super) fn temporary(folder: &Path, named: bool) -> io::Result<Log> {
        let (file, path) = create(folder)?;
        if !named {
            fs::remove_file(&path)?;
        }
        Ok(Log {
            file,
            path: named.then_some(path),
            temporary: Some(folder.to_owned()),
        })
    }

    /// Where the server writes.
    pub(super) fn writer(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Where it is, if it has a name.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Its last words.
    pub(super) fn tail(&self) -> String {
        last_words(&self.text())
    }

    /// As much of its end as is looked at.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.end().unwrap_or_default()).into_owned()
    }

    /// Makes it stay, and says where. One without a name is copied to a file that has one.
    pub(super) fn keep(&mut self) -> Option<&Path> {
        if let (Some(folder), None) = (self.temporary.take(), &self.path) {
            self.path = self.copy(&folder).ok();
        }
        self.path()
    }

    fn copy(&self, folder: &Path) -> io::Result<PathBuf> {
        let (mut copy, path) = create(folder)?;
        copy.write_all(&self.end()?)?;
        Ok(path)
    }

    fn end(&self) -> io::Result<Vec<u8>> {
        let length = self.file.metadata()?.len();
        let begin = length.saturating_sub(TAIL);
        let mut bytes = vec![0; usize::try_from(length - begin).unwrap_or_default()];
        self.file.read_exact_at(&mut bytes, begin)?;
        Ok(bytes)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let (Some(_), Some(path)) = (&self.temporary, &self.path) {
            let _ = fs::remove_file(path);
        }
    }
}

/// A new file that nobody else can read, under a name that was not there, not even as a link.
fn create(folder: &Path) -> io::Result<(File, PathBuf)> {
    let mut tried = 0;
    loop {
        let nanos = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let path = folder.join(format!("run-benchmark-server-{}-{nanos:x}.log", std::process::id()));
        let mut options = OpenOptions::new();
        options.create_new(true).append(true).read(true).mode(0o600);
        tried += 1;
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < TRIES => {}
            outcome => return outcome.map(|file| (file, path)),
        }
    }
}

/// The end of a log; where the server panicked, from shortly before the line that says so, since the stack is longer than the
/// end.
fn last_words(log: &str) -> String {
    let lines: Vec<_> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let panicked = lines
        .iter()
        .position(|line| line.starts_with("panic: ") || line.starts_with("fatal error: "));
    let begin = panicked.map_or(lines.len().saturating_sub(LINES), |line| {
        line.saturating_sub(BEFORE_PANIC)
    });
    lines[begin..]
        .iter()
        .take(LINES)
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_reason_of_a_panic_is_kept_though_its_stack_is_long() {
        let stack: String = (0..60)
            .map(|frame| format!("main.f{frame}()\n\t/f.go:{frame}\n"))
            .collect();
        let before: String = (0..9).map(|line| format!("error {line}\n")).collect();
        let log = format!("{before}panic: failed assigning ephemeral port: address already in use\n\n{stack}");
        let words = last_words(&log);
        assert!(words.starts_with("error 5\n"), "{words}");
        assert!(words.contains("\npanic: failed assigning ephemeral port"), "{words}");
        assert_eq!(words.lines().count(), LINES);
    }

    #[test]
    fn otherwise_the_end_of_the_log_is_what_counts() {
        let log: String = (0..40).map(|line| format!("line {line}\n\n")).collect();
        let words = last_words(&log);
        assert!(words.starts_with("line 28\n") && words.ends_with("line 39"), "{words}");
        assert_eq!(last_words(""), "");
    }

    #[test]
    fn a_log_has_no_name_until_it_is_to_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::temporary(folder.path(), false).unwrap();
        assert_eq!(log.path(), None);
        writeln!(log.writer().unwrap(), "first").unwrap();
        writeln!(log.writer().unwrap(), "last").unwrap();
        assert_eq!(log.tail(), "first\nlast");
        let path = log.keep().unwrap().to_owned();
        drop(log);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\nlast\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_named_log_goes_with_the_server_unless_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::temporary(folder.path(), true).unwrap();
        let path = log.path().unwrap().to_owned();
        assert!(path.exists());
        drop(log);
        assert!(!path.exists());
        let mut log = Log::temporary(folder.path(), true).unwrap();
        let path = log.keep().unwrap().to_owned();
        drop(log);
        assert!(path.exists());
    }

    #[test]
    fn only_the_end_of_a_huge_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::at(&folder.path().join("log")).unwrap();
        let mut writer = log.writer().unwrap();
        writer.write_all(&vec![b'x'; 2 * TAIL as usize]).unwrap();
        writer.write_all(b"\nthe end\n").unwrap();
        assert_eq!(log.end().unwrap().len() as u64, TAIL);
        assert!(log.tail().ends_with("\nthe end"));
    }

    #[test]
    fn nothing_that_is_there_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (_, first) = create(folder.path()).unwrap();
        let (_, second) = create(folder.path()).unwrap();
        assert_ne!(first, second);
        assert!(create(&folder.path().join("none")).is_err());
    }
}
