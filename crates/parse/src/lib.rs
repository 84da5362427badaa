//! Strangers' text → typed records. Never panics, never decides, opens no file.
//!
//! [`read`] is the one door: an exhibit's source and text go in, [`Sighting`]s come out, each with
//! the bytes it was read from. What a record *means* is judged elsewhere.

pub mod record;
pub mod telling;

mod application;
mod cgroupfs;
pub mod collections;
mod container;
mod ctr;
mod daemon;
#[cfg(test)]
mod damage;
mod ecs;
#[cfg(fuzzing)]
pub mod fuzzing;
mod json;
mod kernel;
mod kubernetes;
mod machine;
mod own;
pub mod page;
mod redact;
pub mod run_record;
mod swarm;
mod text;
mod trace;
mod transport;
mod unit;

use casefile::Source;
pub use record::Sighting;
pub use redact::redact;
use text::Text;
pub use unit::systemd_moment;

/// Everything that can be read from one exhibit's text, in order of appearance.
///
/// A gathered exhibit is read only as what it is: a container's own log that prints a kernel line
/// is not a kernel log. Pasted text is offered to every reader, and each takes only lines whose
/// shape and prefix are its own.
pub fn read(source: Source, text: &str) -> Vec<Sighting> {
    let shared = Text::new(text);
    let mut sightings = match source {
        Source::KernelLog => kernel::read(&shared),
        Source::ContainerInspect => [container::read_inspect(text), ctr::read(text)].concat(),
        Source::UnitState => unit::read_show(text),
        Source::Swarm => swarm::read(text),
        Source::ContainerEvents => container::read_events(text),
        Source::DockerConfig => container::read_config(text),
        Source::Journal => {
            [kernel::read(&shared), daemon::read(&shared), own::read_stops(&shared)].concat()
        }
        Source::Cgroup => cgroupfs::read(text),
        Source::Proc => [machine::read_proc(text), own::read_wait_statuses(text)].concat(),
        Source::ApplicationLog => application::read(&shared),
        Source::Kubernetes => kubernetes::read(&shared),
        Source::Ecs => ecs::read(&shared),
        Source::Trace => trace::read(text),
        Source::Machine => machine::read(text),
        Source::Pasted => read_pasted(&shared),
    };
    sightings.sort_by_key(|sighting| (sighting.span.start, sighting.span.end));
    sightings
}

fn read_pasted(text: &Text<'_>) -> Vec<Sighting> {
    // A report with its table of tasks is large: what is found is moved, not copied.
    let found = [
        kernel::read(text),
        container::read(text),
        daemon::read(text),
        cgroupfs::read(text.whole()),
        kubernetes::read(text),
        ecs::read(text),
        application::read(text),
        trace::read(text.whole()),
        unit::read(text.whole()),
        swarm::of_documents(text.documents()),
        ctr::read_pasted(text),
    ];
    found.into_iter().flatten().collect()
}
