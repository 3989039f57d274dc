//! The note beside a binary that was downloaded or built: its SHA-256, compared before the binary is executed.
//!
//! It says that the file is still the one that was made. That this was the right one, Go's checksum database says of a build,
//! and the digest of the published archive of a download.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256};

const CHUNK: usize = 1 << 20;

/// No note is longer.
const LONGEST: u64 = 4096;

/// A SHA-256 in the making.
pub(super) struct Hash(Context);

impl Hash {
    pub(super) fn new() -> Hash {
        Hash(Context::new(&SHA256))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// In hexadecimal digits.
    pub(super) fn finish(self) -> String {
        let digest = self.0.finish();
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A binary as it was when its SHA-256 was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    path: PathBuf,
    identity: Identity,
}

/// What changes when a file does: the system alone sets the last one, at each change of the content.
type Identity = (u64, u64, u64, i64, i64);

/// Why a binary is not executed.
#[derive(Debug)]
pub(super) enum Unsealed {
    /// There is none.
    Missing,
    /// Nothing was noted of it.
    NoNote,
    /// It is another file than the one that was noted.
    Changed {
        /// The SHA-256 that was noted.
        noted: String,
        /// What it is now.
        found: String,
    },
    /// It cannot be read.
    Unreadable(io::Error),
}

/// Writes the note for `made`, a binary that is about to be moved to `target`.
pub(super) fn write(made: &Path, target: &Path) -> io::Result<()> {
    let (digest, _) = sha256(made)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let (note, draft) = (beside(target, "sha256"), beside(target, "sha256.part"));
    let _ = fs::remove_file(&draft);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&draft)?;
    // As `sha256sum --check` reads it.
    writeln!(file, "{digest}  {name}")?;
    file.sync_all()?;
    fs::rename(draft, note)
}

/// Compares a binary with its note.
pub(super) fn check(binary: &Path) -> Result<Seal, Unsealed> {
    let (found, identity) = match sha256(binary) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unsealed::Missing),
        Err(error) => return Err(Unsealed::Unreadable(error)),
    };
    let mut note = String::new();
    match File::open(beside(binary, "sha256")) {
        Ok(file) => file
            .take(LONGEST)
            .read_to_string(&mut note)
            .map_err(Unsealed::Unreadable)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unsealed::NoNote),
        Err(error) => return Err(Unsealed::Unreadable(error)),
    };
    let noted = note.split_whitespace().next().unwrap_or_default();
    if noted != found {
        let noted = noted.to_owned();
        return Err(Unsealed::Changed { noted, found });
    }
    Ok(Seal {
        path: binary.to_owned(),
        identity,
    })
}

impl Seal {
    /// Makes sure that the file is still the one that was compared, without reading it again.
    pub(super) fn holds(&self) -> io::Result<()> {
        match identity(&fs::metadata(&self.path)?) == self.identity {
            true => Ok(()),
            false => Err(io::Error::other("the file was changed after its SHA-256 was compared")),
        }
    }
}

fn sha256(path: &Path) -> io::Result<(String, Identity)> {
    let mut file = File::open(path)?;
    let before = identity(&file.metadata()?);
    let mut hash = Hash::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => hash.update(&chunk[..read]),
        }
    }
    if identity(&file.metadata()?) != before {
        return Err(io::Error::other("the file was changed while it was read"));
    }
    Ok((hash.finish(), before))
}

fn identity(meta: &Metadata) -> Identity {
    (meta.dev(), meta.ino(), meta.len(), meta.ctime(), meta.ctime_nsec())
}

fn beside(binary: &Path, suffix: &str) -> PathBuf {
    let mut name = binary.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A binary that was made and noted.
    fn made(folder: &Path) -> PathBuf {
        let target = folder.join("temporal");
        let made = folder.join("made");
        fs::write(&made, "abc").unwrap();
        write(&made, &target).unwrap();
        fs::rename(made, &target).unwrap();
        target
    }

    #[test]
    fn the_note_is_the_sha256_of_what_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let target = made(folder.path());
        // The test vector of FIPS 180-2.
        assert_eq!(
            fs::read_to_string(folder.path().join("temporal.sha256")).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  temporal\n"
        );
        check(&target).unwrap().holds().unwrap();
        // Once more over what lies there.
        made(folder.path());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_changed_is_not_the_one_that_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let target = made(folder.path());
        let seal = check(&target).unwrap();
        fs::write(&target, "abd").unwrap();
        match check(&target) {
            Err(Unsealed::Changed { noted, found }) => {
                assert!(
                    noted.starts_with("ba7816bf") && !found.starts_with("ba7816bf"),
                    "{found}"
                );
            }
            other => panic!("{other:?}"),
        }
        assert!(seal.holds().is_err());
    }

    #[test]
    fn what_was_not_noted_is_told_from_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("temporal");
        assert!(matches!(check(&path), Err(Unsealed::Missing)));
        fs::write(&path, "abc").unwrap();
        assert!(matches!(check(&path), Err(Unsealed::NoNote)));
        fs::write(beside(&path, "sha256"), "").unwrap();
        assert!(matches!(check(&path), Err(Unsealed::Changed { .. })));
        assert!(matches!(check(folder.path()), Err(Unsealed::Unreadable(_))));
    }
}
