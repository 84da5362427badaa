//! Strangers' text → typed records. Never panics, never decides, opens no file.
//!
//! [`read`] is the one door: an exhibit's source and text go in, [`Sighting`]s come out, each with
//! the bytes it was read from. What a record *means* is judged elsewhere.

pub mod record;

mod application;
mod cgroupfs;
mod container;
mod daemon;
#[cfg(test)]
mod damage;
mod ecs;
mod json;
mod kernel;
mod kubernetes;
mod machine;
mod own;
mod redact;
mod trace;
mod transport;

use casefile::Source;
pub use record::Sighting;
pub use redact::redact;

/// Everything that can be read from one exhibit's text, in order of appearance.
///
/// A gathered exhibit is read only as what it is: a container's own log that prints a kernel line
/// is not a kernel log. Pasted text is offered to every reader, and each takes only lines whose
/// shape and prefix are its own.
pub fn read(source: Source, text: &str) -> Vec<Sighting> {
    let mut sightings = match source {
        Source::KernelLog => kernel::read(text),
        Source::ContainerInspect => container::read_inspect(text),
        Source::ContainerEvents => container::read_events(text),
        Source::DockerConfig => container::read_config(text),
        Source::Journal => [kernel::read(text), daemon::read(text), own::read_stops(text)].concat(),
        Source::Cgroup => cgroupfs::read(text),
        Source::Proc => [machine::read_proc(text), own::read_wait_statuses(text)].concat(),
        Source::ApplicationLog => application::read(text),
        Source::Kubernetes => kubernetes::read(text),
        Source::Ecs => ecs::read(text),
        Source::Trace => trace::read(text),
        Source::Machine => machine::read(text),
        Source::Pasted => read_pasted(text),
    };
    sightings.sort_by_key(|sighting| (sighting.span.start, sighting.span.end));
    sightings
}

fn read_pasted(text: &str) -> Vec<Sighting> {
    [
        kernel::read(text),
        container::read(text),
        daemon::read(text),
        cgroupfs::read(text),
        kubernetes::read(text),
        ecs::read(text),
        application::read(text),
        trace::read(text),
    ]
    .concat()
}
