//! The record's file: each line written whole and at once, so that it survives our own SIGKILL.
//!
//! With `--record` it is there from the first moment and is kept. Else it appears with the first
//! sample, under `$XDG_STATE_HOME/why137` or the temporary directory, and goes again when there is
//! nothing to tell. A file that cannot be written costs the record, never the command.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use parse::run_record::{RunHeader, RunLine, RunRecord};

use crate::failure::{Failure, RUN};

/// The record, on its way to the file and in memory as far as the case needs it.
#[derive(Debug)]
pub(super) struct Recorder {
    path: PathBuf,
    file: Option<File>,
    /// Asked for by name.
    is_wanted: bool,
    /// It could not be written; said once, at the end.
    failed: Option<String>,
    record: Option<RunRecord>,
}

impl Recorder {
    /// Opens the file that was asked for; another one waits until there is something to write.
    pub(super) fn new(wanted: Option<&Path>) -> Result<Self, Failure> {
        let mut new = Self {
            path: wanted.map_or_else(usual_path, Path::to_owned),
            file: None,
            is_wanted: wanted.is_some(),
            failed: None,
            record: None,
        };
        if new.is_wanted {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new.path)
                .map_err(|error| {
                    let shown = new.path.display();
                    Failure::new(
                        RUN,
                        format!("could not write the record `{shown}`: {}", error.kind()),
                    )
                })?;
            new.file = Some(file);
        }
        Ok(new)
    }

    /// The first line.
    pub(super) fn begin(&mut self, header: RunHeader) {
        if self.file.is_some() {
            self.write(serde_json::to_string(&header));
        }
        self.record = Some(RunRecord::new(header));
    }

    /// One more line.
    pub(super) fn line(&mut self, line: RunLine) {
        if self.file.is_none() && self.failed.is_none() {
            self.open();
        }
        self.write(serde_json::to_string(&line));
        if let Some(record) = &mut self.record {
            record.take(line);
        }
    }

    fn open(&mut self) {
        if let Some(folder) = self.path.parent() {
            // The open below says what is wrong, if something is.
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).unwrap_or_default();
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path) {
            Ok(file) => {
                self.file = Some(file);
                if let Some(header) = self.record.as_ref().map(|record| record.header.clone()) {
                    self.write(serde_json::to_string(&header));
                }
            }
            Err(error) => self.failed = Some(error.kind().to_string()),
        }
    }

    fn write(&mut self, line: serde_json::Result<String>) {
        let Some(file) = &mut self.file else { return };
        let written = line
            .map_err(std::io::Error::other)
            .and_then(|json| file.write_all((json + "\n").as_bytes()));
        if let Err(error) = written {
            // A full disk: what stands there stays readable, a line more would not.
            self.failed = Some(error.kind().to_string());
            self.file = None;
        }
    }

    /// What the record holds.
    pub(super) fn record(&self) -> Option<&RunRecord> {
        self.record.as_ref()
    }

    /// The file, if it holds the whole record and can be read again: no device, no pipe.
    pub(super) fn kept(&self) -> Option<&Path> {
        let file = self.file.as_ref()?;
        let is_kept = file.metadata().is_ok_and(|told| told.is_file());
        is_kept.then_some(self.path.as_path())
    }

    /// Why the record is not whole.
    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Nothing to tell: a file that nobody asked for goes.
    pub(super) fn forget(&self) {
        if !self.is_wanted && self.file.is_some() {
            // Somebody took it away: so much the better.
            fs::remove_file(&self.path).unwrap_or_default();
        }
    }
}

fn usual_path() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty());
    let folder = state.map_or_else(std::env::temp_dir, |state| PathBuf::from(state).join("why137"));
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S");
    folder.join(format!("why137-run-{now}-{}.record", std::process::id()))
}
