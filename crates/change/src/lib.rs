//! The only room that alters anything on a user's system: edits of the user's own files, shown as a diff, and
//! settings of containers by their daemon; made with consent, journalled, undoable.
//!
//! Files are edited where their parts stand, never written anew, so that comments, anchors, order, quotes and line
//! ends stay. What cannot be edited without touching something else is refused, with the reason. What to set
//! is not decided here.

mod consent;
mod container;
mod diff;
mod document;
mod edit;
mod file;
mod journal;
mod plain;
mod sizes;
mod text;
mod write;

pub use consent::{Consent, NoConsent};
pub use container::{ContainerChange, Daemon, Life, NotChanged, Settings};
pub use diff::unified;
pub use file::{File, Kind, Refused, Stated, Subject, Unreadable, Variable, Wish};
pub use journal::{Change, Journal, Undo};
pub use sizes::{docker_size, kubernetes_size};
pub use text::in_place;
pub use write::{NotWritten, can_be_replaced, real_path};
