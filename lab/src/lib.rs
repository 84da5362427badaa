//! Real deaths on demand: an own Docker daemon, throw-away containers, every answer compared
//! field by field with what really happened.
//!
//! The lab fetches Debian's packages (nothing is installed), starts the daemon from the unpacked
//! files under `target/lab`, lets containers die in every way of the list in [`deaths`], checks
//! the facts Docker shows, asks why137, and compares its JSON answer with the expectation that
//! stands beside the death. It knows nothing of the other rooms: it sees the program as a user
//! does. It never touches the host's own Docker, network or containers, and never lets a process
//! allocate outside a memory cgroup with a limit. What takes a machine of its own (the host's OOM
//! killer, cgroup v2, Docker 26) happens in a virtual one ([`vm`]), by the same code ([`guest`]).

mod answer;
mod cgroup;
mod daemon;
mod deaths;
mod debian;
mod docker;
mod expect;
pub mod guest;
mod host;
mod images;
mod platform;
mod results;
mod rounds;
mod run;
mod script;
mod shell;
mod stage;
pub mod vm;

pub use daemon::{Daemon, Lifetime};
pub use debian::{Release, journal_writer, servers, sources, unpacked_python};
pub use host::{why_it_cannot_run, why_no_machine};
pub use platform::{Cgroup, Machine, Platform};
pub use run::{
    Entry, Lab, NOT_MADE, Outcome, Told, Wish, all_names, bring_up, client, run, take_down,
};
