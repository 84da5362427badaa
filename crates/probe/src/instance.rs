//! One tracefs instance: made, set up, removed.
//!
//! Asks for files, never for a kernel version. Leans on Documentation/trace/ftrace.rst,
//! "Instances".

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ProbeError;
use crate::tracefs::Tracefs;

/// An instance; its directory lives in the tracefs it was made in.
#[derive(Debug)]
pub(crate) struct Instance {
    directory: PathBuf,
    is_there: bool,
    /// Dropped last: the mount must outlive the instance.
    _tracefs: Tracefs,
}

impl Instance {
    /// Makes `instances/why137-PID`; with a number behind it if a dead run left that name.
    pub(crate) fn create(tracefs: Tracefs) -> Result<Self, ProbeError> {
        let parent = tracefs.root().join("instances");
        let name = format!("why137-{}", std::process::id());
        let names = std::iter::once(name.clone()).chain((2..10).map(|n| format!("{name}-{n}")));
        let mut refused = None;
        for directory in names.map(|name| parent.join(name)) {
            match std::fs::create_dir(&directory) {
                Ok(()) => return Ok(Self { directory, is_there: true, _tracefs: tracefs }),
                Err(error) => {
                    let is_taken = error.kind() == std::io::ErrorKind::AlreadyExists;
                    refused = Some((directory, error));
                    if !is_taken {
                        break;
                    }
                }
            }
        }
        let (path, source) =
            refused.unwrap_or_else(|| (parent, std::io::ErrorKind::AlreadyExists.into()));
        Err(ProbeError::File { doing: "create", path, source })
    }

    /// A file of the instance.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// Whether this kernel has the event.
    pub(crate) fn offers(&self, event: &str) -> bool {
        self.path(&format!("events/{event}/format")).is_file()
    }

    /// The event's own fields, in the kernel's order.
    pub(crate) fn fields(&self, event: &str) -> Vec<String> {
        let format = self.path(&format!("events/{event}/format"));
        fields_of(&std::fs::read_to_string(format).unwrap_or_default())
    }

    /// Writes one setting.
    pub(crate) fn write(&self, file: &str, value: &str) -> Result<(), ProbeError> {
        let path = self.path(file);
        std::fs::write(&path, value).map_err(|source| ProbeError::File {
            doing: "write",
            path,
            source,
        })
    }

    /// 64 KiB per CPU hold about 700 signals; the default of 1.4 MiB is taken for no use.
    pub(crate) fn shrink_buffers(&self) {
        // A kernel that refuses keeps its default: more memory, the same lines.
        self.write("buffer_size_kb", "64").unwrap_or_default();
    }

    /// A reader that waits is woken by the first line, not by a half-full buffer. Older kernels than
    /// 5.0 always do.
    pub(crate) fn wake_at_once(&self) {
        self.write("buffer_percent", "0").unwrap_or_default();
    }

    /// Opens `trace_pipe` so that reading it never waits.
    pub(crate) fn open_pipe(&self) -> Result<File, ProbeError> {
        let path = self.path("trace_pipe");
        let flags = rustix::fs::OFlags::NONBLOCK.bits();
        OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(flags).unwrap_or_default())
            .open(&path)
            .map_err(|source| ProbeError::File { doing: "open", path, source })
    }

    /// Switches everything off and removes the directory.
    pub(crate) fn remove(&mut self) {
        if !std::mem::replace(&mut self.is_there, false) {
            return;
        }
        for (file, value) in [("tracing_on", "0"), ("events/enable", "0")] {
            self.write(file, value).unwrap_or_default();
        }
        // The kernel answers EBUSY while a reader is on its way out.
        for _ in 0..50 {
            if std::fs::remove_dir(&self.directory).is_ok() || !Path::exists(&self.directory) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The names of a `format` file's fields, without those common to all events.
fn fields_of(format: &str) -> Vec<String> {
    let fields = format.lines().filter_map(|line| {
        let declared = line.trim().strip_prefix("field:")?.split(';').next()?;
        let name = declared.rsplit([' ', '*']).next()?;
        let name = name.split('[').next()?;
        (!name.is_empty() && !name.starts_with("common_")).then(|| name.to_owned())
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_read_from_the_kernels_own_description() {
        let format = "name: mark_victim\nID: 609\nformat:\n\
            \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n\
            \tfield:int pid;\toffset:8;\tsize:4;\tsigned:1;\n\
            \tfield:__data_loc char[] comm;\toffset:12;\tsize:4;\tsigned:0;\n\
            \tfield:char name[16];\toffset:20;\tsize:16;\tsigned:0;\n";
        assert_eq!(fields_of(format), ["pid", "comm", "name"]);
        assert!(fields_of("").is_empty());
    }
}
