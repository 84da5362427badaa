//! MariaDB: a buffer pool of 128 MiB, and whatever its connections ask for.
//!
//! # Recognised by
//! `X.Y.Z-MariaDB` in the constants of the executable.
//!
//! # Settings, the later the stronger
//! `innodb_buffer_pool_size` and `max_connections` in `[mysqld]`, `[server]`, `[mariadb]` of the files < the
//! command line (`--innodb-buffer-pool-size`) < `SET GLOBAL`. `-` and `_` are the same; K, M, G are powers
//! of 1024.
//!
//! # Its default
//! A pool of 128 MiB and 151 connections, whatever limit and machine. Its thread pool takes the processors it
//! may run on, not the quota.
//!
//! # Outside its ceiling
//! The server itself: 88 MiB of anonymous memory beside a full pool, measured on 10.11 without connections to
//! speak of. Of a connection: sort, join and read buffers (2.6 MiB by default, more than once in one
//! statement), temporary tables in memory of 16 MiB each.
//!
//! # What to set
//! `innodb_buffer_pool_size` so that pool, 128 MiB and the connections' buffers stay below 90 % of the limit.

use casefile::Bytes;

use super::words::option;
use super::{Belief, MIB, Part, Told, Version, View};

/// The pool of a server that was told nothing.
const POOL: Bytes = Bytes(128 * MIB);
/// sort_buffer 2 MiB, join_buffer 256 KiB, read_buffer 128 KiB, read_rnd_buffer 256 KiB: as `--help` lists them.
const BUFFERS: u64 = (2048 + 256 + 128 + 256) << 10;

pub(super) fn believes(_version: &Version, view: &View, told: &Told) -> Belief {
    let pool = given(told, "innodb_buffer_pool_size");
    let mut belief = Belief { cpus: Some(view.cpus.affinity), ..Belief::default() };
    match pool.map(|text| (amount(text), text)) {
        Some((None, text)) => {
            belief.refuses =
                Some(format!("innodb_buffer_pool_size={text}: the server does not start"));
            return belief;
        }
        Some((Some(bytes), text)) => {
            belief.ceiling = Some(bytes);
            belief.from = format!("innodb_buffer_pool_size={text}");
        }
        None => {
            belief.ceiling = Some(POOL);
            belief.from = "the default buffer pool, whatever the limit".to_owned();
        }
    }
    let connections: u64 =
        given(told, "max_connections").and_then(|text| text.trim().parse().ok()).unwrap_or(151);
    let buffers = BUFFERS.saturating_mul(connections) / MIB;
    let from = "measured: 88 MiB beside a full pool";
    belief.outside = vec![
        Part::new("the server itself", 88, 128, from),
        Part::new(
            &format!("one set of buffers for each of {connections} connections"),
            0,
            buffers,
            "sort, join and read buffers as they are by default",
        ),
    ];
    belief
}

/// Digits and one letter; what stands behind that letter is not looked at: `1GB` is `1G`.
fn amount(text: &str) -> Option<Bytes> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let power = match unit.chars().next().map(|letter| letter.to_ascii_uppercase()) {
        None => 0,
        Some(letter) => ['K', 'M', 'G', 'T', 'P', 'E'].iter().position(|one| *one == letter)? + 1,
    };
    let scale = 1u64.checked_shl(u32::try_from(power * 10).ok()?)?;
    number.parse::<u64>().ok()?.checked_mul(scale).map(Bytes)
}

fn given<'a>(told: &'a Told, name: &str) -> Option<&'a str> {
    let dashed = format!("--{}", name.replace('_', "-"));
    option(&told.arguments, &[&dashed, &format!("--{name}")])
        .or_else(|| told.setting(name))
        .or_else(|| told.setting(&name.replace('_', "-")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(limit: u64, words: &[&str], settings: &[(&str, &str)]) -> Belief {
        let cpus = Cpus { online: 4, affinity: 2, quota: Some(500) };
        let view = View::imagined(Layout::ContainerV1, Some(mib(limit)), mib(24_000), cpus);
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            settings: settings.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            ..Told::default()
        };
        believes(&Version::parse("10.11.19").unwrap(), &view, &told)
    }

    /// 10.11.19 at 400 MiB and half a processor: pool 128, thread pool 2 of 2, 151 connections; with a table
    /// of 200 MiB read in, 216,072 kB were anonymous.
    #[test]
    fn the_pool_that_was_measured_is_the_default() {
        let found = belief(400, &[], &[]);
        assert_eq!((found.ceiling, found.cpus), (Some(mib(128)), Some(2)));
        let (least, usual) = found.may_use(1).unwrap();
        assert!(least.0.abs_diff(216_072 << 10) < 8 * MIB, "{least}");
        assert_eq!((usual > mib(400), found.fits(Some(mib(400)), 1)), (true, Fits::Tight));
        assert_eq!(found.fits(Some(mib(200)), 1), Fits::CannotFit);
    }

    #[test]
    fn the_command_line_beats_the_file_in_either_spelling() {
        let file = [("innodb-buffer-pool-size", "64M"), ("max_connections", "10")];
        assert_eq!(belief(400, &[], &file).ceiling, Some(mib(64)));
        for word in ["--innodb-buffer-pool-size=1G", "--innodb_buffer_pool_size=1G"] {
            assert_eq!(belief(400, &[word], &file).ceiling, Some(mib(1024)), "{word}");
        }
        assert_eq!(belief(400, &[], &file).fits(Some(mib(400)), 1), Fits::Fits);
    }

    /// 10.11.19 was given each of these.
    #[test]
    fn amounts_are_read_as_was_measured() {
        for (text, expected) in [
            ("1GB", Some(mib(1024))),
            ("1gb", Some(mib(1024))),
            ("64MiB", Some(mib(64))),
            ("64MX", Some(mib(64))),
            ("1T", Some(mib(1 << 20))),
            ("64X", None),
            ("1.5G", None),
        ] {
            assert_eq!(amount(text), expected, "{text}");
            let word = format!("--innodb-buffer-pool-size={text}");
            assert_eq!(belief(400, &[&word], &[]).refuses.is_some(), expected.is_none(), "{text}");
        }
    }
}
