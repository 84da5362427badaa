//! glibc's and musl's malloc: how many arenas the threads of a process may spread over.
//!
//! # Recognised by
//! A mapped `libc.so.6` (glibc) or `ld-musl-ARCH.so.1` (musl). Arenas in use can be counted in
//! `/proc/PID/maps`: mappings of 64 MiB on a 64 MiB boundary, and the main one.
//!
//! # Settings, the later the stronger
//! `MALLOC_ARENA_MAX` < `GLIBC_TUNABLES=glibc.malloc.arena_max=N`. musl, jemalloc and the like read neither.
//!
//! # Its default
//! Eight arenas per processor that is online: a quota and an affinity do not count. musl has none.
//!
//! # Outside its ceiling
//! It has no ceiling. An arena holds what its threads freed: measured 15 to 21 % of the memory of programs
//! with 40 to 64 threads on 2 and 4 processors. A process with one thread has one arena.
//!
//! # What to set
//! `MALLOC_ARENA_MAX=2` for processes with eight threads or more on glibc.

use super::{Manual, Told, View};

/// What the head of this file says, as a manual page.
#[must_use]
pub fn manual() -> Manual {
    Manual::of(include_str!("malloc.rs"))
}

/// How many arenas a process with enough threads comes to have under glibc.
#[must_use]
pub fn most_arenas(view: &View, told: &Told) -> u32 {
    set(told).unwrap_or(view.cpus.online.saturating_mul(8))
}

/// A remark on a program with many threads, where nothing bounds its arenas.
pub(super) fn remark(view: &View, told: &Told) -> Option<String> {
    let preloads = told.variable("LD_PRELOAD").is_some_and(|text| text.contains("alloc"));
    if set(told).is_some() || preloads {
        return None;
    }
    Some(format!(
        "with glibc its threads may spread over {} malloc arenas, 8 per processor of the machine, whatever \
         the quota; MALLOC_ARENA_MAX=2 bounds them",
        most_arenas(view, told)
    ))
}

/// `0` is the default.
fn set(told: &Told) -> Option<u32> {
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|number| *number > 0);
    let tunables = told.variable("GLIBC_TUNABLES").unwrap_or_default();
    let tunable =
        tunables.split(':').rev().find_map(|word| word.strip_prefix("glibc.malloc.arena_max="));
    tunable.and_then(number).or_else(|| told.variable("MALLOC_ARENA_MAX").and_then(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Layout, mib};

    fn most(online: u32, variables: &[(&str, &str)]) -> u32 {
        let cpus = Cpus { online, affinity: 1, quota: Some(500) };
        let view = View::imagined(Layout::ContainerV1, Some(mib(128)), mib(24_000), cpus);
        let environment = variables.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        let told = Told { environment: environment.collect(), ..Told::default() };
        assert_eq!(remark(&view, &told).is_none(), set(&told).is_some());
        most_arenas(&view, &told)
    }

    /// Counted in the maps of a process with 40 threads, pinned to one processor, half of one as its quota;
    /// glibc 2.36.
    #[test]
    fn arenas_are_those_that_were_measured() {
        assert_eq!(most(2, &[]), 16);
        assert_eq!(most(4, &[]), 32);
        assert_eq!(most(2, &[("MALLOC_ARENA_MAX", "2")]), 2);
        let tunable = ("GLIBC_TUNABLES", "glibc.malloc.arena_max=3");
        assert_eq!(most(2, &[tunable]), 3);
        assert_eq!(most(2, &[tunable, ("MALLOC_ARENA_MAX", "5")]), 3);
    }
}
