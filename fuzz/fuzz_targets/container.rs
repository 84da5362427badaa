#![no_main]
//! One room: `parse::read` of what a runtime shows of a container.

use casefile::Source;

why137_fuzz::target!(|bytes| why137_fuzz::room::check(
    &[
        Source::Pasted,
        Source::ContainerInspect,
        Source::ContainerEvents,
        Source::DockerConfig,
        Source::Swarm
    ],
    bytes
));
