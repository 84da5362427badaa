//! What was changed, so that it can be taken back: one line of JSON for each change, the newest last.
//!
//! It lies in `$XDG_STATE_HOME/why137/changes.jsonl`; without that variable root's is in `/var/lib/why137`, another
//! user's in `~/.local/state/why137`. It holds whole contents, so only its owner may read it. A change is
//! written down before it is made: a journal without the change is harmless, a change without a journal is not.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::consent::Consent;
use crate::container::ContainerChange;
use crate::write::{NotWritten, can_be_replaced, real_path, replace};

/// One change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When, as the machine's clock said.
    pub at: String,
    /// Which file, behind its links.
    pub path: PathBuf,
    /// What was set, in a few words.
    pub what: String,
    /// Digest (BLAKE3) of the content before.
    pub before: String,
    /// Digest of the content after.
    pub after: String,
    /// The content before.
    pub old: String,
    /// The content after.
    pub new: String,
}

/// A line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// A container's settings were changed.
    Updated(ContainerChange),
    /// That change was taken back.
    Restored(ContainerChange),
    Changed(Change),
    /// The change of these digests was taken back.
    Undone {
        path: PathBuf,
        before: String,
        after: String,
    },
}

/// The journal of a user.
#[derive(Debug, Clone)]
pub struct Journal {
    file: PathBuf,
}

/// What taking back would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// The file is as it was written: this change can be taken back.
    Possible(Change),
    /// The file is as it was before: there is nothing to take back.
    Done(Change),
    /// Somebody changed the file since: its content now.
    Changed(Change, String),
}

impl Journal {
    /// By the variables of the environment and the user's number.
    #[must_use]
    pub fn of(state_home: Option<&str>, home: Option<&str>, is_root: bool) -> Option<Self> {
        // The specification: a path that is not absolute counts as none.
        let absolute =
            |path: Option<&str>| path.filter(|path| path.starts_with('/')).map(PathBuf::from);
        let folder = match absolute(state_home) {
            Some(folder) => folder.join("why137"),
            None if is_root => PathBuf::from("/var/lib/why137"),
            None => absolute(home)?.join(".local/state/why137"),
        };
        Some(Self { file: folder.join("changes.jsonl") })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// Replaces a file's content, which must still be `old`, and writes that down first.
    ///
    /// # Errors
    /// The file is as it was.
    pub fn apply(
        &self,
        path: &Path,
        (old, new): (&str, &str),
        (what, at): (&str, &str),
        consent: &Consent,
    ) -> Result<(), NotWritten> {
        can_be_replaced(path)?;
        let path = real_path(path)?;
        let (old, new) = (old.to_owned(), new.to_owned());
        let change = Change {
            at: at.to_owned(),
            what: what.to_owned(),
            before: digest(&old),
            after: digest(&new),
            path,
            old,
            new,
        };
        let mut journal = self.open()?;
        self.append(&mut journal, &Line::Changed(change.clone()))?;
        let (old, new) = (change.old.as_bytes(), change.new.as_bytes());
        let written = replace(&change.path, old, new, consent);
        if written.is_err() {
            self.append(&mut journal, &undone(&change))?;
        }
        written
    }

    /// The last change that was not taken back: of this file, or of any.
    ///
    /// # Errors
    /// The journal or the file cannot be read.
    pub fn last(&self, path: Option<&Path>) -> Result<Option<Undo>, NotWritten> {
        let path = path.map(|path| real_path(path).unwrap_or_else(|_| path.to_owned()));
        let mut standing: Vec<Change> = Vec::new();
        for line in self.read()? {
            match line {
                Line::Changed(change) => standing.push(change),
                Line::Updated(_) | Line::Restored(_) => {}
                Line::Undone { path, before, after } => {
                    let same =
                        |it: &Change| it.path == path && it.before == before && it.after == after;
                    if let Some(at) = standing.iter().rposition(same) {
                        standing.remove(at);
                    }
                }
            }
        }
        let wanted = |change: &Change| path.as_ref().is_none_or(|path| change.path == *path);
        let Some(change) = standing.into_iter().rfind(wanted) else { return Ok(None) };
        let now = fs::read(&change.path).map_err(NotWritten::step("read", &change.path))?;
        let now = String::from_utf8_lossy(&now).into_owned();
        Ok(Some(match digest(&now) {
            digest if digest == change.after => Undo::Possible(change),
            digest if digest == change.before => Undo::Done(change),
            _ => Undo::Changed(change, now),
        }))
    }

    /// Takes a change back.
    ///
    /// # Errors
    /// The file is as it was.
    pub fn undo(&self, change: &Change, consent: &Consent) -> Result<(), NotWritten> {
        let mut journal = self.open()?;
        replace(&change.path, change.new.as_bytes(), change.old.as_bytes(), consent)?;
        self.append(&mut journal, &undone(change))
    }

    /// Notes that a change has been taken back by somebody else.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn forget(&self, change: &Change) -> Result<(), NotWritten> {
        let mut journal = self.open()?;
        self.append(&mut journal, &undone(change))
    }

    /// The journal, locked against a second change at the same time.
    pub(crate) fn open(&self) -> Result<File, NotWritten> {
        let folder = self.file.parent().unwrap_or(Path::new("/"));
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(NotWritten::step("make the journal's folder", folder))?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.file)
            .map_err(NotWritten::step("open the journal", &self.file))?;
        file.lock().map_err(NotWritten::step("lock the journal", &self.file))?;
        Ok(file)
    }

    pub(crate) fn append(&self, journal: &mut File, line: &Line) -> Result<(), NotWritten> {
        let failed = || NotWritten::step("write the journal", &self.file);
        let mut text = serde_json::to_string(line).map_err(|error| failed()(error.into()))?;
        text.push('\n');
        // A crash may have left half a line.
        let mut last = [b'\n'];
        if journal.seek(SeekFrom::End(-1)).is_ok() {
            journal.read_exact(&mut last).map_err(failed())?;
        }
        if last != *b"\n" {
            text.insert(0, '\n');
        }
        journal.write_all(text.as_bytes()).map_err(failed())?;
        journal.sync_all().map_err(failed())
    }

    /// Every line that can be read; half a line of a crash cannot.
    pub(crate) fn read(&self) -> Result<Vec<Line>, NotWritten> {
        let bytes = match fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(NotWritten::step("read the journal", &self.file)(error)),
        };
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }
}

fn undone(change: &Change) -> Line {
    Line::Undone {
        path: change.path.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
    }
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn yes() -> Consent {
        Consent::ask(true, || None).unwrap()
    }

    struct Place {
        folder: tempfile::TempDir,
        journal: Journal,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let state = folder.path().join("state");
            let journal = Journal::of(state.to_str(), None, false).unwrap();
            Self { folder, journal }
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        }

        fn apply(&self, path: &Path, old: &str, new: &str) {
            self.journal.apply(path, (old, new), ("x", "now"), &yes()).unwrap();
        }
    }

    #[test]
    fn a_change_is_taken_back_byte_for_byte_and_the_one_before_it_then() {
        let place = Place::new();
        let texts = ["a\r\nb", "a\r\nc", "a\r\nd\n"];
        let file = place.file("f", texts[0]);
        place.apply(&file, texts[0], texts[1]);
        place.apply(&file, texts[1], texts[2]);
        for text in [texts[1], texts[0]] {
            let Some(Undo::Possible(change)) = place.journal.last(Some(&file)).unwrap() else {
                panic!()
            };
            place.journal.undo(&change, &yes()).unwrap();
            assert_eq!(fs::read(&file).unwrap(), text.as_bytes());
        }
        assert_eq!(place.journal.last(Some(&file)).unwrap(), None);
    }

    #[test]
    fn what_was_changed_since_is_told_and_what_was_taken_back_by_hand_too() {
        let place = Place::new();
        let file = place.file("f", "a");
        place.apply(&file, "a", "b");
        fs::write(&file, "c").unwrap();
        assert!(matches!(place.journal.last(None), Ok(Some(Undo::Changed(_, now))) if now == "c"));
        fs::write(&file, "a").unwrap();
        let Ok(Some(Undo::Done(change))) = place.journal.last(None) else { panic!() };
        place.journal.forget(&change).unwrap();
        assert_eq!(place.journal.last(None).unwrap(), None);
    }

    #[test]
    fn without_a_name_the_last_file_is_meant_and_with_one_that_file() {
        let place = Place::new();
        let (one, other) = (place.file("1", "a"), place.file("2", "a"));
        place.apply(&one, "a", "b");
        place.apply(&other, "a", "b");
        let path = |found| match found {
            Ok(Some(Undo::Possible(change))) => change.path,
            other => panic!("{other:?}"),
        };
        assert_eq!(path(place.journal.last(None)), fs::canonicalize(&other).unwrap());
        assert_eq!(path(place.journal.last(Some(&one))), fs::canonicalize(&one).unwrap());
    }

    #[test]
    fn half_a_line_of_a_crash_is_skipped_and_the_next_is_whole() {
        let place = Place::new();
        let file = place.file("f", "a");
        place.apply(&file, "a", "b");
        let mut journal = OpenOptions::new().append(true).open(place.journal.path()).unwrap();
        journal.write_all(b"{\"changed\":{\"at\":").unwrap();
        place.apply(&file, "b", "c");
        let Ok(Some(Undo::Possible(change))) = place.journal.last(None) else { panic!() };
        assert_eq!((change.old.as_str(), change.new.as_str()), ("b", "c"));
        let mode = fs::metadata(place.journal.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_change_that_fails_is_no_change_to_take_back() {
        let place = Place::new();
        let file = place.file("f", "theirs");
        let failed = place.journal.apply(&file, ("a", "b"), ("x", "now"), &yes());
        assert!(matches!(failed, Err(NotWritten::Changed { .. })));
        assert_eq!(fs::read(&file).unwrap(), b"theirs");
        assert_eq!(place.journal.last(None).unwrap(), None);
    }

    #[test]
    fn the_place_follows_the_specification() {
        let place = |state, home, root| {
            Journal::of(state, home, root).map(|it| it.path().display().to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(place(Some("/s"), Some("/h"), true), some("/s/why137/changes.jsonl"));
        assert_eq!(
            place(Some("s"), Some("/h"), false),
            some("/h/.local/state/why137/changes.jsonl")
        );
        assert_eq!(place(None, Some("/h"), true), some("/var/lib/why137/changes.jsonl"));
        assert_eq!(place(None, None, false), None);
    }
}
