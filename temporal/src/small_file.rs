//! Files that hold one secret or a few certificates: read up to a bound, and nothing else, for a pipe or a device may have
//! no end, or nobody at its other end.

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use rustix::fs::OFlags;

/// No key, token or bundle of certificates is longer: all authorities of a system take 200 KiB.
pub const LARGEST: u64 = 1 << 20;

const READABLE_BY_ALL: u32 = 0o004;

/// Reads a file that holds no more than [`LARGEST`] bytes.
///
/// # Errors
/// When it cannot be read, is no file, or holds more.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: opening a pipe waits for a writer, and opening a device may do something.
    refuse_others(fs::metadata(path)?.file_type())?;
    let without_waiting = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(without_waiting).open(path)?;
    // What stood there may have been replaced in between.
    refuse_others(file.metadata()?.file_type())?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let problem = format!("it holds more than {} KiB", LARGEST >> 10);
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(bytes)
}

fn refuse_others(kind: FileType) -> io::Result<()> {
    let problem = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "it is a folder; name a file in it",
        _ => "it is a pipe or a device; save what it holds as a file",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, problem))
}

/// What is wrong with the permissions of a file that holds a secret, for people. `flag` named it.
pub fn exposed(flag: &str, path: &Path) -> Option<String> {
    let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mode = meta.mode() & 0o777;
    let path = path.display();
    (mode & READABLE_BY_ALL != 0)
        .then(|| format!("{flag} {path}: every user of this machine can read it (mode {mode:04o}); chmod 600 {path}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rustix::fs::{CWD, Mode, mknodat};

    use super::*;

    #[test]
    fn no_file_is_read_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![b'x'; LARGEST as usize]).unwrap();
        assert_eq!(read(&path).unwrap().len() as u64, LARGEST);
        fs::write(&path, vec![b'x'; LARGEST as usize + 1]).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it holds more than 1024 KiB");
        assert_eq!(
            read(&folder.path().join("none")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [
            pipe.as_path(),
            link.as_path(),
            Path::new("/dev/zero"),
            Path::new("/dev/null"),
        ] {
            let said = read(path).unwrap_err().to_string();
            assert_eq!(
                said, "it is a pipe or a device; save what it holds as a file",
                "{path:?}"
            );
        }
        let said = read(folder.path()).unwrap_err().to_string();
        assert_eq!(said, "it is a folder; name a file in it");
    }

    #[test]
    fn a_file_that_all_can_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "").unwrap();
        for (mode, told) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let said = exposed("--api-key-file", &path);
            assert_eq!(said.is_some(), told, "{mode:o}");
            if let Some(said) = said {
                assert!(said.starts_with("--api-key-file ") && said.contains(&format!("(mode {mode:04o})")));
            }
        }
        assert_eq!(exposed("--api-key-file", Path::new("/dev/null")), None);
        assert_eq!(exposed("--api-key-file", &folder.path().join("none")), None);
    }
}
