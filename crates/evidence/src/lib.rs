//! Reads this machine and the Docker API into a [`CaseFile`]; never judges, never writes.
//!
//! [`gather_container`] is the door for a live machine, [`case_from_texts`] the one for pasted text
//! and saved cases. Gathering is partial by nature: a source that cannot be read becomes a gap that
//! says what it would have told and how to open it. Only what makes the question itself
//! meaningless is an error: no daemon to ask, no such container.
//!
//! Leans on the Docker Engine API (v1.41 to v1.51, asked without a version in the path), on
//! `Documentation/ABI/testing/dev-kmsg`, `Documentation/admin-guide/cgroup-v1/memory.rst`,
//! `Documentation/admin-guide/cgroup-v2.rst` and proc(5) of the Linux manual pages.
//! Every exhibit's text goes through `parse::redact` before it is put into the case.

mod cgroup;
mod config;
mod ctr;
mod deadline;
mod described;
mod docker;
mod error;
mod events;
mod found;
mod gather;
mod host;
mod journal;
mod kmsg;
pub mod live;
mod log;
mod machine;
mod names;
mod pasted;
mod podman;
mod proc;
mod process;
mod reach;
mod remote;
mod roots;
mod run;
mod scan;
mod subject;
mod unit;
pub mod watch;

use std::path::PathBuf;

use casefile::Moment;
pub use casefile::{CaseError, CaseFile};
pub use described::{Described, describe_container};
pub use error::GatherError;
pub use found::exhibit;
pub use gather::{gather_container, known_names};
pub use host::gather_host;
pub use pasted::{Pasted, case_from_texts};
pub use process::gather_process;
pub use reach::{Address, Reached, reach_container};
pub use run::case_of_run;
pub use scan::{Cut, Reading, ScanError, Scanned};
pub use unit::gather_unit;

/// What is asked, and everything about the asker that steers where to look.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// A container's name, its id, or the beginning of its id.
    pub name: String,
    /// `--host`: the daemon to ask, before every other way to name one.
    pub docker_host: Option<String>,
    /// `--context`: a Docker context by its name.
    pub docker_context: Option<String>,
    /// Keep the container's whole log (its last 300 lines), not only the telling lines.
    pub with_logs: bool,
    /// When the question was asked.
    pub now: Moment,
    /// The environment variables that Docker's own client would read.
    pub environment: Environment,
}

/// Environment variables that Docker's own client reads. This room reads none by itself.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `DOCKER_HOST`
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`
    pub docker_context: Option<String>,
    /// `CONTAINER_HOST`: where Podman's own client looks.
    pub container_host: Option<String>,
    /// `DOCKER_CONFIG`: the folder that holds `config.json` and the contexts.
    pub docker_config: Option<PathBuf>,
    /// `HOME`
    pub home: Option<PathBuf>,
    /// `DOCKER_TLS_VERIFY`: any text but an empty one asks for TLS.
    pub docker_tls_verify: Option<String>,
    /// `DOCKER_CERT_PATH`
    pub docker_cert_path: Option<PathBuf>,
    /// `DOCKER_TLS`, `--tls`: TLS without a look at the daemon's certificate.
    pub docker_tls: Option<String>,
    /// `--tlscacert`, `--tlscert`, `--tlskey`.
    pub tls_files: TlsFiles,
}

/// Files of certificates that were named one by one.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// Who signed the daemon's certificate.
    pub ca: Option<PathBuf>,
    /// Our own certificate.
    pub cert: Option<PathBuf>,
    /// The key to it.
    pub key: Option<PathBuf>,
}
