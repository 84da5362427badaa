//! A fresh memory cgroup for one command, on either version: made, joined, read, removed.
//!
//! It is made below the cgroup this program itself is in, so that every limit that holds for us
//! holds for the command too; never beside a limit, which would be a way out of it. Deliberately
//! kills nothing and moves no process but its own; it judges nothing and keeps no history.
//!
//! Leans on Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst ("No Internal Process
//! Constraint", "Delegation Containment"), cgroups(7), systemd.resource-control(5).

mod cgroup;
mod place;
mod sample;
mod scope;

use std::path::PathBuf;

use casefile::{Bytes, Limit};
pub use cgroup::{Cgroup, Leftover, inner_of, join};
pub use place::version;
pub use sample::Sample;
pub use scope::{scope_command, slice_commands, slice_of};

/// What is wanted of the cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name: one that nobody else gives, and that the kernel's log will show.
    pub name: String,
    /// Its memory limit; `None`: none of its own.
    pub limit: Option<Bytes>,
    /// How much swap beside the limit; `None`: as the kernel has it.
    pub swap: Option<Limit>,
}

/// Why there is no cgroup.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// Nothing is mounted.
    #[error("no cgroup hierarchy with the memory controller is mounted here")]
    NoHierarchy,
    /// This program's own cgroup is not shown by the mount (a container without its own view).
    #[error("this program's own cgroup `{path}` is not shown by the mounts here")]
    OwnNotShown {
        /// What `/proc/self/cgroup` says.
        path: String,
    },
    /// cgroup v2 gives a controller only to cgroups whose parent hands it down.
    #[error("`{path}` does not hand the memory controller down")]
    NotHandedDown {
        /// The file that would say so.
        path: PathBuf,
    },
    /// A file or directory refused.
    #[error("could not {doing} `{path}`")]
    File {
        /// `create`, `write`, `read`.
        doing: &'static str,
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The kernel took the number and keeps another.
    #[error("`{path}` says {found}, not {wanted}")]
    NotInForce {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What was written.
        wanted: String,
    },
}

impl ConfineError {
    /// The reason in one line, the system's in words without its number.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::File { source, .. } => format!("{self}: {}", source.kind()),
            Self::NoHierarchy
            | Self::OwnNotShown { .. }
            | Self::NotHandedDown { .. }
            | Self::NotInForce { .. } => self.to_string(),
        }
    }
}
