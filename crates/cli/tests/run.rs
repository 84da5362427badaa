//! `why137 run` on the machine this runs on: real processes, real cgroups, real deaths.
//!
//! Out of memory happens only inside a cgroup of at most 64 MiB, and the hog makes sure that a
//! limit is in force before it takes anything. What this machine cannot run says `NOT RUN`.

#[cfg(test)]
#[path = "run/ground.rs"]
mod ground;
#[cfg(test)]
#[path = "run/jobs.rs"]
mod jobs;
#[cfg(test)]
#[path = "run/memory.rs"]
mod memory;
#[cfg(test)]
#[path = "run/streams.rs"]
mod streams;
