//! PostgreSQL: shared memory that is sized at the start, and backends that nothing bounds.
//!
//! # Recognised by
//! `PostgreSQL X.Y` in the executable's constants, beside `postgresql.auto.conf`. `/proc/PID/cwd` is its data
//! directory.
//!
//! # Settings, the later the stronger
//! `postgresql.conf` and its includes < `postgresql.auto.conf` (`ALTER SYSTEM`) < the command line
//! (`-c NAME=VALUE`, `--name=VALUE`, `-B`, `-N`) < role, database and session (`work_mem`). Units: `kB MB GB TB`, powers
//! of 1024; without one shared_buffers counts 8 KiB pages, work_mem KiB.
//!
//! # Its default
//! shared_buffers 128 MB, work_mem 4 MB (twice that for hashes from 15 on), max_connections 100, three autovacuum workers
//! with maintenance_work_mem 64 MB; nothing follows the limit.
//!
//! # Outside its ceiling
//! Beside shared_buffers: 1/40 of them, WAL buffers, 48 KiB a connection, 3 MiB (all in shared memory). Each
//! backend takes 3 MiB, and one work_mem for every sort or hash in its plan, as often as the plan says, in
//! each parallel worker too.
//!
//! # What to set
//! shared_buffers at 25 % of the limit, and max_connections × work_mem so that all stays below 90 %; a pooler in
//! front rather than more connections.

use casefile::Bytes;

use super::words::option;
use super::{Belief, MIB, Part, Told, Version, View};

const UNITS: [(&str, u64); 5] =
    [("B", 1), ("kB", 1 << 10), ("MB", MIB), ("GB", 1 << 30), ("TB", 1 << 40)];
/// A page.
const PAGE: u64 = 8 << 10;

pub(super) fn believes(version: &Version, _view: &View, told: &Told) -> Belief {
    let mut belief = Belief::default();
    let mut bytes = |name: &str, without: u64, default: u64| match given(told, name) {
        None => Bytes(default),
        Some(text) => amount(text, without).unwrap_or_else(|| {
            belief.refuses = Some(format!("{name} = {text}: PostgreSQL does not start"));
            Bytes(default)
        }),
    };
    let buffers = bytes("shared_buffers", PAGE, 128 * MIB);
    let work = bytes("work_mem", 1 << 10, 4 * MIB);
    let maintenance = bytes("maintenance_work_mem", 1 << 10, 64 * MIB);
    let number = |name: &str, default: u64| {
        given(told, name).and_then(|text| text.trim().parse().ok()).unwrap_or(default)
    };
    let connections = number("max_connections", 100);
    let vacuums = number("autovacuum_max_workers", 3);
    // hash_mem_multiplier: 1.0 in 13 and 14, 2.0 from 15 on; before 13 there was none.
    let default = if version.is_at_least(&[15]) { 2.0 } else { 1.0 };
    let times = given(told, "hash_mem_multiplier").and_then(|text| text.trim().parse().ok());
    let work_and_hash = (work.0 as f64 * times.unwrap_or(default)) as u64;
    belief.ceiling = Some(shared_memory(buffers, connections));
    belief.from = match given(told, "shared_buffers") {
        Some(text) => format!("shared_buffers = {text} and what belongs to it"),
        None => "shared_buffers' default of 128 MB and what belongs to it".to_owned(),
    };
    let backends = connections.saturating_mul(work_and_hash.saturating_add(3 * MIB)) / MIB;
    belief.outside = vec![
        Part::new("its own processes", 8, 16, "measured: six of 1 to 2 MiB each"),
        Part::new(
            &format!("{connections} backends with one sort or hash each"),
            0,
            backends,
            "max_connections × (work_mem × hash_mem_multiplier + 3 MiB); a plan may hold several",
        ),
        Part::new(
            "autovacuum",
            0,
            vacuums.saturating_mul(maintenance.0) / MIB,
            "autovacuum_max_workers × maintenance_work_mem",
        ),
    ];
    belief
}

/// A number, also with a fraction, and perhaps one of the units.
fn amount(text: &str, without: u64) -> Option<Bytes> {
    let text = text.trim().trim_matches('\'');
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let scale = match unit.trim() {
        "" => without,
        unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    let bytes = number.parse::<f64>().ok()? * scale as f64;
    (bytes < 9.2e18).then_some(Bytes(bytes as u64))
}

/// What `postgres -C shared_memory_size` says, but for a hundredth.
fn shared_memory(buffers: Bytes, connections: u64) -> Bytes {
    // wal_buffers: a 32nd of shared_buffers, at most a segment.
    let wal = (buffers.0 / 32).min(16 * MIB);
    let all = [buffers.0 / 40, wal, connections.saturating_mul(48 << 10), 3 * MIB];
    let all = all.into_iter().fold(buffers.0, u64::saturating_add);
    Bytes(all)
}

/// The strongest value.
fn given<'a>(told: &'a Told, name: &str) -> Option<&'a str> {
    let (mut found, mut words) = (None, told.arguments.iter().peekable());
    while let Some(word) = words.next() {
        let value = match word.as_str() {
            "-c" => words.peek().and_then(|next| next.split_once('=')),
            word => word
                .strip_prefix("--")
                .or_else(|| word.strip_prefix("-c"))
                .and_then(|word| word.split_once('=')),
        };
        // In options `-` stands for `_`.
        found = value
            .filter(|(key, _)| key.replace('-', "_") == name)
            .map(|(_, value)| value)
            .or(found);
    }
    let short = match name {
        "shared_buffers" => option(&told.arguments, &["-B"]),
        "max_connections" => option(&told.arguments, &["-N"]),
        _ => None,
    };
    found.or(short).or_else(|| told.setting(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(settings: &[(&str, &str)], words: &[&str]) -> Belief {
        let cpus = Cpus { online: 2, affinity: 2, quota: None };
        let view = View::imagined(Layout::ContainerV1, Some(mib(512)), mib(24_000), cpus);
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            settings: settings.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            ..Told::default()
        };
        believes(&Version::parse("15.18").unwrap(), &view, &told)
    }

    /// `postgres -C shared_memory_size` of 15.18, in MB.
    #[test]
    fn shared_memory_is_what_was_measured_but_for_a_hundredth() {
        for (buffers, connections, measured) in [
            ("128MB", "100", 143),
            ("256MB", "100", 279),
            ("1GB", "100", 1074),
            ("128MB", "400", 157),
            ("4GB", "100", 4213),
            ("16MB", "100", 24),
        ] {
            let found =
                belief(&[("shared_buffers", buffers), ("max_connections", connections)], &[]);
            let found = found.ceiling.unwrap();
            let apart = found.0.abs_diff(mib(measured).0);
            assert!(
                apart <= mib(measured).0 / 100 + MIB,
                "{buffers}: {found}, measured {measured}"
            );
        }
    }

    #[test]
    fn the_default_is_tight_at_half_a_gibibyte_and_what_is_certain_decides() {
        let found = belief(&[], &[]);
        assert_eq!(found.fits(Some(mib(512)), 1), Fits::Tight);
        assert_eq!(found.fits(Some(mib(128)), 1), Fits::CannotFit);
        let small = [("max_connections", "10"), ("maintenance_work_mem", "16MB")];
        assert_eq!(belief(&small, &[]).fits(Some(mib(512)), 1), Fits::Fits);
    }

    #[test]
    fn the_command_line_beats_the_file_in_every_spelling() {
        let file = [("shared_buffers", "16384")];
        let ceiling = |words: &[&str]| belief(&file, words).ceiling;
        assert_eq!(ceiling(&[]), belief(&[], &[]).ceiling);
        let expected = belief(&[("shared_buffers", "1GB")], &[]).ceiling;
        for words in [
            &["-c", "shared_buffers=1GB"][..],
            &["-cshared_buffers=1GB"],
            &["--shared-buffers=1GB"],
            &["-B", "131072"],
        ] {
            assert_eq!(ceiling(words), expected, "{words:?}");
        }
        assert!(belief(&[("shared_buffers", "1gb")], &[]).refuses.is_some());
        let quarter = belief(&[("shared_buffers", "0.25GB")], &[]).ceiling;
        assert_eq!(quarter, belief(&[("shared_buffers", "256MB")], &[]).ceiling);
    }
}
