//! Atomic writing of files: whole or not at all, and never in the place of somebody else's.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata},
    hash::{BuildHasher as _, RandomState},
    io::{self, BufWriter, Write},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

/// Device and inode: which file it is, whatever its name.
type Identity = (u64, u64);

/// Tries to put a file in its place, while somebody else puts others there and takes them away.
const TRIES: u32 = 8;

/// What fills a file.
type Fill<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Writes a file so that a reader, or a crash, finds the old one or the new one and never a part: into a draft beside it,
/// forced to disk, then renamed over it. A process that is killed may leave `.NAME.….part` behind. What is no file, as a
/// pipe or `/dev/null`, is written into as it is; a link's target is replaced and not the link.
///
/// # Errors
/// When the path names no file or the system refuses; the old file is then as it was.
pub fn replace(path: &Path, fill: Fill) -> io::Result<()> {
    let target = match fs::metadata(path) {
        Ok(metadata) if is_special(&metadata) => return pour(path, fill),
        Ok(_) => fs::canonicalize(path)?,
        Err(_) => path.to_owned(),
    };
    let draft = Draft::write(&target, fill)?;
    draft.put(&target)
}

/// Writes a file over an earlier one that `is_ours` knows by its content, or where nothing is. Otherwise as [`replace`].
///
/// # Errors
/// Of the kind [`io::ErrorKind::AlreadyExists`] when something else is there, also when it was put there since it was looked
/// at, or whatever else the system says. What is there is then as it was.
pub fn replace_if(path: &Path, is_ours: &mut dyn FnMut(&mut File) -> io::Result<bool>, fill: Fill) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if is_special(&metadata) => return pour(path, fill),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return create(path, fill),
        Err(error) => return Err(error),
    }
    let target = fs::canonicalize(path)?;
    let mut found = File::open(&target)?;
    if !is_ours(&mut found)? {
        return Err(not_ours());
    }
    let ours = identity(&found.metadata()?);
    Draft::write(&target, fill)?.put_over(&target, ours)
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// Of the kind [`io::ErrorKind::AlreadyExists`] when something is there, or whatever else the system says.
pub fn create(path: &Path, fill: Fill) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| is_special(&metadata)) {
        return pour(path, fill);
    }
    Claim::take(path)?.write(fill)
}

/// A name on disk that is ours from the moment at which it is taken: two that ask for one name do not both get it, and what
/// somebody else puts there afterwards is not overwritten.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// What we put there last.
    ours: Identity,
    written: bool,
}

impl Claim {
    /// Takes the name by an empty file.
    ///
    /// # Errors
    /// Of the kind [`io::ErrorKind::AlreadyExists`] when something is there, or whatever else the system says.
    pub fn take(path: &Path) -> io::Result<Self> {
        let file = File::create_new(path)?;
        Ok(Claim {
            path: path.to_owned(),
            ours: identity(&file.metadata()?),
            written: false,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether something was written.
    pub fn is_written(&self) -> bool {
        self.written
    }

    /// Writes the file, whole or not at all, in place of what we wrote before. One that was removed is made again.
    ///
    /// # Errors
    /// Of the kind [`io::ErrorKind::AlreadyExists`] when what is there is not ours, or whatever else the system says. What
    /// is there is then as it was.
    pub fn write(&mut self, fill: Fill) -> io::Result<()> {
        let draft = Draft::write(&self.path, fill)?;
        let new = draft.identity;
        draft.put_over(&self.path, self.ours)?;
        self.ours = new;
        self.written = true;
        Ok(())
    }
}

impl Drop for Claim {
    /// A name that nothing was written under is given back.
    fn drop(&mut self) {
        let is_ours = || fs::symlink_metadata(&self.path).is_ok_and(|metadata| identity(&metadata) == self.ours);
        if !self.written && is_ours() {
            // Nothing to add when this fails: an empty file stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A file beside the one that it is to become; removed when it does not.
struct Draft {
    path: PathBuf,
    identity: Identity,
    placed: bool,
}

impl Draft {
    fn write(target: &Path, fill: Fill) -> io::Result<Draft> {
        let name = target
            .file_name()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))?;
        let mut draft = OsString::from(".");
        draft.push(name);
        // Keyed by the system's random numbers: processes of one number on a shared volume do not meet.
        draft.push(format!(
            ".{:016x}.part",
            RandomState::new().hash_one(std::process::id())
        ));
        let path = target.with_file_name(draft);
        // Never through a link that somebody put there.
        let file = File::create_new(&path)?;
        let mut draft = Draft {
            path,
            identity: (0, 0),
            placed: false,
        };
        draft.identity = identity(&file.metadata()?);
        let mut writer = BufWriter::new(file);
        fill(&mut writer)?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(draft)
    }

    /// Puts it in the place of whatever is there.
    fn put(self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.settle(target);
        Ok(())
    }

    /// Puts it in the place of what is `ours`, or where nothing is. The two are exchanged, and only then is it looked at
    /// what was there: what somebody else put there in the last instant goes back, and nothing of his is ever removed.
    fn put_over(self, target: &Path, ours: Identity) -> io::Result<()> {
        for _ in 0..TRIES {
            match rename(&self.path, target, RenameFlags::EXCHANGE) {
                Ok(()) if found(&self.path)? == Some(ours) => {
                    // It was ours, and is the old one.
                    fs::remove_file(&self.path)?;
                    self.settle(target);
                    return Ok(());
                }
                Ok(()) => {
                    rename(&self.path, target, RenameFlags::EXCHANGE)?;
                    return Err(not_ours());
                }
                Err(Errno::NOENT) => match rename(&self.path, target, RenameFlags::NOREPLACE) {
                    Ok(()) => {
                        self.settle(target);
                        return Ok(());
                    }
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                },
                // Not every file system can do that (NFS): then it is looked at first.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    return match found(target)? {
                        Some(found) if found != ours => Err(not_ours()),
                        _ => self.put(target),
                    };
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(not_ours())
    }

    fn settle(mut self, target: &Path) {
        self.placed = true;
        // The rename is on disk when the folder is. Not every file system can do it, and the file itself is safe.
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Under its name may be what was exchanged with it.
        if !self.placed && found(&self.path).is_ok_and(|found| found == Some(self.identity)) {
            // Nothing to add when this fails as well: the cause is being reported.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// What is there under a name, if anything is; a link is itself.
fn found(path: &Path) -> io::Result<Option<Identity>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(identity(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn rename(from: &Path, to: &Path, flags: RenameFlags) -> rustix::io::Result<()> {
    renameat_with(CWD, from, CWD, to, flags)
}

fn not_ours() -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        "something else was put there in the meantime, and it is not overwritten",
    )
}

/// Whether it is something that is written into and not replaced: a pipe, a terminal, `/dev/null`.
pub fn is_special(metadata: &Metadata) -> bool {
    !metadata.is_file() && !metadata.is_dir()
}

/// Writes into what is there.
fn pour(path: &Path, fill: Fill) -> io::Result<()> {
    let mut writer = BufWriter::new(File::options().write(true).open(path)?);
    fill(&mut writer)?;
    writer.flush()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn text(text: &str) -> impl FnMut(&mut dyn Write) -> io::Result<()> {
        move |file| file.write_all(text.as_bytes())
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_is_had_by_one_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let mut first = Claim::take(&path).unwrap();
        assert_eq!(Claim::take(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        first.write(&mut text("one")).unwrap();
        first.write(&mut text("two")).unwrap();
        drop(first);
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(
            create(&path, &mut text("three")).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(names(folder.path()), ["r.json"]);
    }

    #[test]
    fn what_somebody_else_puts_there_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        for before in [false, true] {
            let mut claim = Claim::take(&path).unwrap();
            if before {
                claim.write(&mut text("ours")).unwrap();
            }
            fs::remove_file(&path).unwrap();
            // A folder of its own, so that the system does not give the number of the one before again.
            let theirs = folder.path().join("theirs");
            fs::write(&theirs, "theirs").unwrap();
            fs::write(folder.path().join("taken"), "").unwrap();
            fs::rename(&theirs, &path).unwrap();
            let found = identity(&fs::metadata(&path).unwrap());
            if found == claim.ours {
                // The system gave the number again: then there is nothing to tell them apart by.
                claim.ours.1 += 1;
            }
            let error = claim.write(&mut text("again")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
            drop(claim);
            assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
            fs::remove_file(&path).unwrap();
        }
        assert_eq!(names(folder.path()), ["taken"], "no draft is left");
    }

    #[test]
    fn what_is_put_there_in_the_last_instant_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let theirs = |text: &str| {
            let beside = folder.path().join("theirs");
            fs::write(&beside, text).unwrap();
            // By rename, as we do it ourselves: at one instant the old file, at the next theirs.
            fs::rename(beside, &path).unwrap();
        };
        let mut claim = Claim::take(&path).unwrap();
        claim.write(&mut text("ours")).unwrap();
        // Between the look and the exchange there is no instant any more; before it there is: while the draft is filled.
        let late = claim.write(&mut |file| {
            theirs("theirs");
            file.write_all(b"ours again")
        });
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        drop(claim);
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        let late = replace_if(&path, &mut |_| Ok(true), &mut |file| {
            theirs("theirs, too");
            file.write_all(b"ours")
        });
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs, too");
        fs::remove_file(&path).unwrap();
        // A folder and a link are somebody else's as well.
        fs::create_dir(&path).unwrap();
        let draft = Draft::write(&path, &mut text("ours")).unwrap();
        assert!(draft.put_over(&path, (0, 0)).is_err());
        fs::remove_dir(&path).unwrap();
        symlink("/dev/null", &path).unwrap();
        let draft = Draft::write(&path, &mut text("ours")).unwrap();
        assert!(draft.put_over(&path, (0, 0)).is_err());
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["r.json"], "no draft is left");
    }

    /// Somebody who renames a file over ours at any instant: it stays, however often we write.
    #[test]
    fn whenever_it_comes_what_is_theirs_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("r.json"), folder.path().join("theirs"));
        for round in 0..200 {
            fs::write(&beside, "theirs").unwrap();
            let mut claim = Claim::take(&path).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(std::time::Duration::from_micros(round * 7));
                    fs::rename(&beside, &path).unwrap();
                });
                while claim.write(&mut text("ours")).is_ok() && beside.exists() {}
            });
            assert!(claim.write(&mut text("ours")).is_err());
            drop(claim);
            assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
            fs::remove_file(&path).unwrap();
        }
        assert_eq!(names(folder.path()), Vec::<String>::new(), "no draft is left");
    }

    #[test]
    fn a_name_that_was_not_used_is_given_back_and_one_that_was_removed_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        drop(Claim::take(&path).unwrap());
        assert!(!path.exists());
        let mut claim = Claim::take(&path).unwrap();
        fs::remove_file(&path).unwrap();
        claim.write(&mut text("still")).unwrap();
        drop(claim);
        assert_eq!(fs::read_to_string(&path).unwrap(), "still");
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there_and_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let full = |file: &mut dyn Write| {
            file.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        replace(&path, &mut text("old")).unwrap();
        assert_eq!(
            replace(&path, &mut { full }).unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let new = folder.path().join("new.json");
        assert!(create(&new, &mut { full }).is_err());
        assert_eq!(names(folder.path()), ["r.json"]);
    }

    #[test]
    fn links_and_what_is_no_file_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "old").unwrap();
        symlink(&real, &link).unwrap();
        replace(&link, &mut text("new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(
            create(&link, &mut text("x")).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        let (null, void) = (Path::new("/dev/null"), folder.path().join("void"));
        symlink(null, &void).unwrap();
        for path in [null, &void] {
            replace(path, &mut text("x")).unwrap();
            create(path, &mut text("x")).unwrap();
            assert!(is_special(&fs::metadata(path).unwrap()));
        }
        assert!(fs::symlink_metadata(&void).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["link", "real", "void"]);
    }
}
