//! Redis: `maxmemory` or nothing.
//!
//! # Recognised by
//! `redis_version:` and the version in the executable's constants. Its port and `maxmemory` may be in the
//! file that its command line names.
//!
//! # Settings, the later the stronger
//! `maxmemory` in the configuration file < `--maxmemory` < `CONFIG SET`. Units: `mb` is 1024², `m` is 1000².
//!
//! # Its default
//! `maxmemory 0`: no bound, whatever the limit, and `noeviction`. With a bound and `noeviction` it refuses
//! writes, with another policy it drops keys; neither is killed.
//!
//! # Outside its ceiling
//! What the allocator spends beside the data (measured: 4 to 13 MiB at 100 MiB of small values), and while
//! it saves, a copy of every page that is written to in the meantime: up to as much again (measured: 146 of 153
//! MiB, as a full cache took new keys).
//!
//! # What to set
//! `maxmemory` at 45 % of the limit, 80 % without persistence (`--save ""`, no appendonly).

use casefile::Bytes;

use super::words::{amount, option};
use super::{Belief, MIB, Part, Told, Version, View};

const UNITS: [(&str, u64); 9] = [
    ("b", 1),
    ("k", 1000),
    ("kb", 1 << 10),
    ("m", 1_000_000),
    ("mb", 1 << 20),
    ("g", 1_000_000_000),
    ("gb", 1 << 30),
    ("t", 1_000_000_000_000),
    ("tb", 1 << 40),
];

pub(super) fn believes(_version: &Version, _view: &View, told: &Told) -> Belief {
    let given = option(&told.arguments, &["--maxmemory"])
        .map(|value| (value, format!("--maxmemory {value}")))
        .or_else(|| told.setting("maxmemory").map(|value| (value, format!("maxmemory {value}"))));
    let mut belief = Belief::default();
    match given.map(|(value, from)| (amount(&value.to_ascii_lowercase(), &UNITS, 1), from)) {
        Some((None, from)) => belief.refuses = Some(format!("`{from}`: Redis does not start")),
        Some((Some(bytes), from)) if bytes.0 > 0 => {
            belief.ceiling = Some(bytes);
            belief.from = from;
            belief.outside = outside(bytes, told);
        }
        None if told.arguments.iter().any(|word| is_address(word)) => {
            belief.from = "not known: its title hides its command line".to_owned();
        }
        Some((Some(_), _)) | None => {
            belief.from = "maxmemory is not set: no bound".to_owned();
        }
    }
    belief
}

/// Redis writes its own title: `redis-server *:6379`.
fn is_address(word: &str) -> bool {
    let port = word.rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port.len() > 1 && port.bytes().all(|b| b.is_ascii_digit()))
}

fn outside(bytes: Bytes, told: &Told) -> Vec<Part> {
    let share = |percent: u64| bytes.0 / 100 * percent / MIB;
    let mut parts = vec![Part::new(
        "the allocator and the program",
        4,
        share(13).max(4),
        "measured: 104 to 113 MiB with maxmemory 100mb",
    )];
    let empty = |value: &str| value.trim_matches(['"', '\'']).is_empty();
    let saves = option(&told.arguments, &["--save"]).or_else(|| told.setting("save"));
    let appends = option(&told.arguments, &["--appendonly"]).or_else(|| told.setting("appendonly"));
    // Both off is the only case in which it never forks to write.
    if !(saves.is_some_and(empty) && appends != Some("yes")) {
        let from = "pages that are written to while a fork saves; measured 39 of 100 MiB, and 146 of 153 in a full cache";
        parts.push(Part::new("copies while it saves", 0, share(95), from));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(words: &[&str], settings: &[(&str, &str)]) -> Belief {
        let cpus = Cpus { online: 2, affinity: 2, quota: None };
        let view = View::imagined(Layout::ContainerV1, Some(mib(128)), mib(24_000), cpus);
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            settings: settings.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            ..Told::default()
        };
        believes(&Version::parse("7.0.15").unwrap(), &view, &told)
    }

    /// Redis 7.0.15: 150,000 values of 1000 bytes. Without a bound it was killed at 128 MiB; with
    /// `maxmemory 100mb` its cgroup peaked at 109 (noeviction), 113 (allkeys-lru) and 147 MiB (saving all
    /// the time).
    #[test]
    fn peaks_that_were_measured_lie_between_least_and_usual() {
        let unbounded = belief(&[], &[]);
        assert_eq!((unbounded.ceiling, unbounded.fits(Some(mib(128)), 1)), (None, Fits::Unknown));
        let quiet = belief(&["--maxmemory", "100mb", "--save", ""], &[]);
        let (least, usual) = quiet.may_use(1).unwrap();
        assert_eq!((least, usual), (mib(104), mib(113)));
        assert_eq!(quiet.fits(Some(mib(128)), 1), Fits::Fits);
        let saving = belief(&["--maxmemory", "100mb"], &[("save", "1 1")]);
        let usual = saving.may_use(1).unwrap().1;
        assert!(usual > mib(195) && usual < mib(210), "{usual}");
    }

    #[test]
    fn the_command_line_beats_the_file_and_letters_mean_what_redis_says() {
        let settings = [("maxmemory", "1gb")];
        assert_eq!(belief(&["--maxmemory", "100m"], &settings).ceiling, Some(Bytes(100_000_000)));
        assert_eq!(belief(&[], &settings).ceiling, Some(Bytes(1 << 30)));
        assert_eq!(belief(&[], &[("maxmemory", "0")]).ceiling, None);
        assert!(belief(&["*:6379"], &[]).from.starts_with("not known"));
        assert!(belief(&[], &[("maxmemory", "1.5gb")]).refuses.is_some());
    }
}
