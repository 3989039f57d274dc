//! What changed in the folder of runs since it was copied last.
//!
//! Results are put in place by a rename, so a file is another one when its inode, its length or its time is. What is
//! hidden is left alone: drafts of such files, and our own mark. So are the inputs, which come from the bucket, and empty
//! files: a run takes its name by one, and gives it back when it is ended before the load.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Folder of the inputs in that of the runs.
pub const INPUTS: &str = "inputs";

/// Which of the files of one name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    inode: u64,
    length: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Version {
    fn of(metadata: &Metadata) -> Version {
        Version {
            inode: metadata.ino(),
            length: metadata.len(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}

/// What was copied.
#[derive(Debug, Default)]
pub struct Copied {
    files: BTreeMap<String, Version>,
    runs: Vec<String>,
}

impl Copied {
    /// Files that are new or others than those that were copied, by their paths below the folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn due(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut found = BTreeMap::new();
        walk(folder, "", &mut found)?;
        found.retain(|path, version| self.files.get(path) != Some(version));
        Ok(found.into_keys().collect())
    }

    /// A file of this version was copied.
    pub fn copied(&mut self, path: &str, version: Version) {
        self.files.insert(path.to_owned(), version);
        if let Some((run, _)) = path.split_once('/')
            && !self.runs.iter().any(|known| known == run)
        {
            self.runs.push(run.to_owned());
        }
    }

    /// The runs that were copied, oldest first.
    pub fn runs(&self) -> &[String] {
        &self.runs
    }
}

/// A file's bytes, and which version they are of.
///
/// # Errors
/// When it cannot be read.
pub fn read(folder: &Path, path: &str) -> io::Result<(Vec<u8>, Version)> {
    let mut file = File::open(folder.join(path))?;
    let version = Version::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, version))
}

fn walk(folder: &Path, above: &str, found: &mut BTreeMap<String, Version>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if name.starts_with('.') || (above.is_empty() && name == INPUTS) {
            continue;
        }
        // Not that of what a link leads to. What is gone by now was a draft, or was replaced: the next time tells.
        let Ok(metadata) = entry.metadata() else { continue };
        let path = format!("{above}{name}");
        if metadata.is_dir() {
            walk(&entry.path(), &format!("{path}/"), found)?;
        } else if metadata.is_file() && metadata.len() > 0 {
            found.insert(path, Version::of(&metadata));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn put(folder: &Path, path: &str, text: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        // As results are written.
        let draft = path.with_file_name(".draft");
        fs::write(&draft, text).expect("a file");
        fs::rename(&draft, &path).expect("a file");
    }

    fn copy(copied: &mut Copied, folder: &Path) -> Vec<String> {
        let due = copied.due(folder).expect("a folder");
        for path in &due {
            let (_, version) = read(folder, path).expect("a file");
            copied.copied(path, version);
        }
        due
    }

    #[test]
    fn what_is_new_or_another_one_is_due_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let mut copied = Copied::default();
        put(folder, "r-2/results.json", "one");
        put(folder, "r-2/more/notes", "n");
        put(folder, "inputs/scenario.yaml", "s");
        put(folder, ".ready", "");
        put(folder, "r-3/results.json", "");
        put(folder, "r-2/.results.json.77.part", "half");
        symlink("/etc/passwd", folder.join("r-2/link")).expect("a link");
        assert_eq!(copy(&mut copied, folder), ["r-2/more/notes", "r-2/results.json"]);
        assert!(copy(&mut copied, folder).is_empty());
        // Of the same length, in the same instant for all that clocks tell.
        put(folder, "r-2/results.json", "two");
        put(folder, "r-1/results.json", "later");
        put(
            folder,
            "r-1/inputs/x",
            "a folder of that name elsewhere is none of ours",
        );
        assert_eq!(
            copy(&mut copied, folder),
            ["r-1/inputs/x", "r-1/results.json", "r-2/results.json"]
        );
        assert_eq!(copied.runs(), ["r-2", "r-1"]);
    }

    #[test]
    fn what_was_replaced_while_it_was_copied_is_due_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let mut copied = Copied::default();
        put(folder, "r/results.json", "one");
        let (bytes, version) = read(folder, "r/results.json").expect("a file");
        put(folder, "r/results.json", "two");
        copied.copied("r/results.json", version);
        assert_eq!(bytes, b"one");
        assert_eq!(copy(&mut copied, folder), ["r/results.json"]);
        assert!(Copied::default().due(&folder.join("none")).is_err());
    }
}
