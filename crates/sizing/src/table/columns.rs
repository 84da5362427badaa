//! Which column is what, by its name.

use csv::ByteRecord;

use super::{TableError, Wanted};
use crate::series::Unit;

/// Columns that say whose a sample is.
const NAMES: &[&str] = &[
    "series",
    "namespace",
    "pod",
    "container",
    "container_name",
    "vm",
    "name",
    "id",
    "job",
    "instance",
    "scenario",
    "run",
];
/// Columns that tell the time, with the seconds that one step is.
const TIMES: &[(&str, f64)] =
    &[("t_s", 1.0), ("time", 1.0), ("timestamp", 1.0), ("t", 1.0), ("k", 300.0), ("t_ms", 0.001)];
/// What the memory's column is called, the best first: what cannot be taken back, then what is in use.
const MEMORY: &[&str] =
    &["mem", "memory", "ws", "working_set", "wss", "used", "usage", "rss", "anon"];

/// Where each thing stands.
#[derive(Debug, Clone)]
pub struct Columns {
    /// All names.
    pub(super) titles: Vec<String>,
    /// Whose a sample is.
    pub(super) names: Vec<usize>,
    /// The time, and the seconds that one of it is.
    pub(super) time: (usize, f64),
    /// The memory, and the factor to its unit.
    pub(super) memory: (usize, f64),
    /// Its name.
    pub memory_name: String,
    /// What the memory is counted in.
    pub unit: Unit,
    /// The limit, and the factor to the same unit.
    pub(super) limit: Option<(usize, f64)>,
    /// Requests since the start.
    pub(super) requests: Option<usize>,
    /// Kills since the start.
    pub(super) kills: Option<usize>,
    /// Which start of the container.
    pub(super) life: Option<usize>,
}

impl Columns {
    pub(super) fn of(header: &ByteRecord, wanted: &Wanted) -> Result<Self, TableError> {
        let titles: Vec<String> =
            header.iter().map(|title| String::from_utf8_lossy(title).trim().to_owned()).collect();
        let find = |name: &str| titles.iter().position(|title| title.eq_ignore_ascii_case(name));
        let missing = |what: String| TableError::Column { what, columns: titles.join(", ") };
        let time = TIMES.iter().find_map(|(name, factor)| Some((find(name)?, *factor)));
        let time = time.ok_or_else(|| {
            missing("no column tells the time (t_s, k, time, timestamp)".to_owned())
        })?;
        let at = match &wanted.column {
            Some(name) => find(name).ok_or_else(|| missing(format!("no column `{name}`")))?,
            None => memory(&titles).map_err(missing)?,
        };
        let memory_name = titles.get(at).cloned().unwrap_or_default();
        let (unit, factor) = wanted.unit.or_else(|| unit_of(&memory_name)).ok_or_else(|| {
            missing(format!(
                "the name of column `{memory_name}` tells no unit (_bytes, _mib, _pct, _frac …): say --unit"
            ))
        })?;
        let limit = titles.iter().position(|title| words(title).first() == Some(&"limit"));
        let limit = limit.and_then(|at| {
            let (of, factor) = unit_of(titles.get(at)?)?;
            (of == unit).then_some((at, factor))
        });
        let requests = match &wanted.requests {
            Some(name) => Some(find(name).ok_or_else(|| missing(format!("no column `{name}`")))?),
            None => find("requests"),
        };
        let names: Vec<usize> = NAMES.iter().filter_map(|name| find(name)).collect();
        let names = names.into_iter().filter(|name| *name != at && *name != time.0).collect();
        let (kills, life) = (find("kills"), find("life"));
        let memory = (at, factor);
        Ok(Self { names, time, memory, memory_name, unit, limit, requests, kills, life, titles })
    }

    /// Whose a row is: `run/series` where several columns say so.
    pub(super) fn name(&self, record: &ByteRecord, wanted: &Wanted) -> String {
        let parts = self.names.iter().filter_map(|at| record.get(*at));
        let parts: Vec<_> = parts.map(String::from_utf8_lossy).collect();
        if parts.is_empty() { wanted.name.clone() } else { parts.join("/") }
    }
}

fn words(title: &str) -> Vec<&str> {
    title.split(['_', '-', '.', ' ']).collect()
}

fn memory(titles: &[String]) -> Result<usize, String> {
    let stem = |title: &str| {
        let lower = title.to_ascii_lowercase();
        let kept: Vec<&str> = words(&lower)
            .into_iter()
            .filter(|word| factor(word).is_none() && !["max", "avg", "mean"].contains(word))
            .collect();
        kept.join("_")
    };
    let named = |name: &&str| titles.iter().position(|title| stem(title) == **name);
    MEMORY.iter().find_map(named).ok_or_else(|| {
        "no column is known as the memory (mem_…, ws_…, used_…, usage_… with a unit): say --column"
            .to_owned()
    })
}

fn unit_of(title: &str) -> Option<(Unit, f64)> {
    let lower = title.to_ascii_lowercase();
    words(&lower).into_iter().rev().find_map(factor)
}

/// A unit's word, and how many of the series' unit one of it is.
pub(super) fn factor(word: &str) -> Option<(Unit, f64)> {
    Some(match word {
        "b" | "byte" | "bytes" => (Unit::Bytes, 1.0),
        "kib" | "k" => (Unit::Bytes, 1024.0),
        "mib" | "mi" => (Unit::Bytes, 1_048_576.0),
        "gib" | "gi" => (Unit::Bytes, 1_073_741_824.0),
        "kb" => (Unit::Bytes, 1e3),
        "mb" => (Unit::Bytes, 1e6),
        "gb" => (Unit::Bytes, 1e9),
        "pct" | "percent" => (Unit::Percent, 1.0),
        "frac" | "fraction" | "ratio" | "util" => (Unit::Fraction, 1.0),
        _ => return None,
    })
}

impl Wanted {
    /// The unit by its word, as `--unit` takes it.
    #[must_use]
    pub fn unit_named(word: &str) -> Option<(Unit, f64)> {
        factor(&word.to_ascii_lowercase())
    }
}
