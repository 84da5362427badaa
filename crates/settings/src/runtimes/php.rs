//! PHP-FPM: `memory_limit` for each of `pm.max_children` requests, and opcache for all.
//!
//! # Recognised by
//! `X-Powered-By: PHP/X.Y.Z` in the executable's constants, beside FPM's own directives. The title of its
//! master names the configuration file: `php-fpm: master process (/etc/php-fpm.conf)`.
//!
//! # Settings, the later the stronger
//! `memory_limit` in php.ini < `-d memory_limit=…` < `php_value[memory_limit]` in the pool < a script's
//! `ini_set` < `php_admin_value[memory_limit]` in the pool. K, M, G are powers of 1024; -1 is no bound.
//! `pm.max_children` of all pools together. `PHP_MEMORY_LIMIT` is read by start scripts of images only.
//!
//! # Its default
//! 128 MiB for a request, 5 children in a packaged pool (built in there is none: it must be said),
//! opcache 128 MiB; nothing follows the limit. Five requests of 120 MiB are killed at 512 MiB.
//!
//! # Outside its ceiling
//! 1.4 MiB of each worker beside what its request counts, 3.4 MiB of the master, opcache as scripts are
//! compiled; what extensions allocate by malloc is not counted by `memory_limit`.
//!
//! # What to set
//! `pm.max_children` = (limit - opcache - 32 MiB) / `memory_limit`, or / the largest worker that was seen.

use casefile::Bytes;

use super::words::option;
use super::{Belief, Count, MIB, Part, Told, Version, View};

/// PHP does not take less than what it has already: its first chunk.
const LEAST: Bytes = Bytes(2 * MIB);
const DEFAULT: Bytes = Bytes(128 * MIB);

pub(super) fn believes(_version: &Version, _view: &View, told: &Told) -> Belief {
    let mut belief = Belief::default();
    match memory_limit(told) {
        Some((text, _)) if text.trim() == "-1" => {
            belief.from = "memory_limit=-1: no bound".to_owned();
        }
        Some((text, name)) => match amount(text) {
            Some(bytes) if bytes >= LEAST => {
                belief.ceiling = Some(bytes);
                belief.from = format!("{name}={text} for a request");
            }
            read => {
                let read = read.map_or("nothing".to_owned(), |bytes| bytes.to_string());
                belief.remarks.push(format!(
                    "{name}={text}: PHP reads {read}, and keeps its default of 128 MiB; a unit is one letter"
                ));
                belief.ceiling = Some(DEFAULT);
                belief.from = "memory_limit's default of 128 MiB for a request".to_owned();
            }
        },
        None => {
            belief.ceiling = Some(DEFAULT);
            belief.from = "memory_limit's default of 128 MiB for a request".to_owned();
        }
    }
    belief.processes = Some(
        match told.setting("pm.max_children").and_then(|text| text.trim().parse::<u64>().ok()) {
            Some(number) => Count::new(number.max(1), format!("pm.max_children = {number}")),
            None => Count::new(5_u64, "pm.max_children = 5, as packages have it"),
        },
    );
    if told.variable("PHP_MEMORY_LIMIT").is_some() {
        belief
            .remarks
            .push("PHP_MEMORY_LIMIT is read by start scripts of images, not by PHP".to_owned());
    }
    let from = "measured: 1.4 MiB beside the request's own; extensions need more";
    belief.outside.push(Part::new("a worker beside its request", 1, 4, from));
    belief.outside.push(Part::shared(
        "the master",
        3,
        6,
        "measured: 3.4 MiB, 2.3 MiB of it shared",
    ));
    let off = ["0", "Off", "off"];
    if !told.setting("opcache.enable").is_some_and(|value| off.contains(&value)) {
        // The setting is a number of MiB.
        let size =
            told.setting("opcache.memory_consumption").and_then(|text| text.trim().parse().ok());
        let from = "opcache.memory_consumption; filled as scripts are compiled";
        belief.outside.push(Part::shared("opcache", 2, size.unwrap_or(128), from));
    }
    belief
}

/// The digits at the beginning, and the last letter as the unit: `1.5G` is 1 GiB, `256MB` is 256 bytes.
fn amount(text: &str) -> Option<Bytes> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let scale = match text.chars().last()? {
        'k' | 'K' => 1 << 10,
        'm' | 'M' => MIB,
        'g' | 'G' => 1 << 30,
        _ => 1,
    };
    number.checked_mul(scale).map(Bytes)
}

/// The strongest `memory_limit`, and where it stands.
fn memory_limit(told: &Told) -> Option<(&str, &'static str)> {
    let pool = ["php_admin_value[memory_limit]", "php_value[memory_limit]"];
    let in_pool = pool.into_iter().find_map(|name| Some((told.setting(name)?, name)));
    let option = || {
        let value = option(&told.arguments, &["-dmemory_limit"])
            .or_else(|| option(&told.arguments, &["-d"])?.strip_prefix("memory_limit="));
        value.map(|value| (value, "-d memory_limit"))
    };
    let in_file = || Some((told.setting("memory_limit")?, "memory_limit"));
    in_pool.or_else(option).or_else(in_file).filter(|(text, _)| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(limit: u64, settings: &[(&str, &str)], words: &[&str]) -> Belief {
        let cpus = Cpus { online: 2, affinity: 2, quota: None };
        let view = View::imagined(Layout::ContainerV1, Some(mib(limit)), mib(24_000), cpus);
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            settings: settings.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
            ..Told::default()
        };
        believes(&Version::parse("8.2.36").unwrap(), &view, &told)
    }

    /// 8.2.36: four requests at 60 of their 64 MiB peaked at 249 to 260 MiB, opcache nearly empty; those that
    /// went on ended with PHP's own error. Five of 120 MiB under the default were killed at 512 MiB.
    #[test]
    fn pools_that_were_measured_are_foretold() {
        let pool = [("php_admin_value[memory_limit]", "64M"), ("pm.max_children", "4")];
        let found = belief(512, &pool, &[]);
        let (least, usual) = found.may_use(1).unwrap();
        assert!(least >= mib(260) && least < mib(270), "{least}");
        assert_eq!((usual, found.fits(Some(mib(512)), 1)), (mib(4 * 68 + 6 + 128), Fits::Fits));
        let default = belief(512, &[], &[]);
        assert_eq!((default.ceiling, default.number()), (Some(mib(128)), 5));
        assert_eq!(default.fits(Some(mib(512)), 1), Fits::CannotFit);
    }

    #[test]
    fn the_pool_beats_the_command_line_and_that_the_file() {
        let ceiling = |settings: &[(&str, &str)], words: &[&str]| {
            belief(512, settings, words).ceiling.map(|bytes| bytes.0 / MIB)
        };
        let file = ("memory_limit", "256M");
        assert_eq!(ceiling(&[file], &[]), Some(256));
        assert_eq!(ceiling(&[file], &["-d", "memory_limit=64M"]), Some(64));
        assert_eq!(ceiling(&[file], &["-dmemory_limit=64M"]), Some(64));
        let pool = ("php_value[memory_limit]", "32M");
        assert_eq!(ceiling(&[file, pool], &["-d", "memory_limit=64M"]), Some(32));
        assert_eq!(ceiling(&[pool, ("php_admin_value[memory_limit]", "1G")], &[]), Some(1024));
        assert_eq!(ceiling(&[("memory_limit", "-1")], &[]), None);
    }

    /// 8.2.36 was given each of these, and warned of the two in the middle.
    #[test]
    fn amounts_are_read_as_was_measured() {
        let of = |text: &str| {
            let found = belief(512, &[("memory_limit", text)], &[]);
            (found.ceiling.map(|bytes| bytes.0 / MIB), found.remarks.len())
        };
        assert_eq!((of("64m"), of(" 64M ")), ((Some(64), 0), (Some(64), 0)));
        assert_eq!((of("1.5G"), of("256MB")), ((Some(1024), 0), (Some(128), 1)));
    }

    #[test]
    fn what_the_manual_page_recommends_fits() {
        let children = ((512 - 128 - 32) / 64).to_string();
        let found = belief(512, &[("memory_limit", "64M"), ("pm.max_children", &children)], &[]);
        assert_eq!(found.fits(Some(mib(512)), 1), Fits::Fits);
    }
}
