//! Which column is what: by its title, by its first rows where the title does not tell.

use csv::ByteRecord;

use super::fields::{amount_with_unit, text};
use super::titles::{self, factor};
use super::{TableError, Wanted};
use crate::series::Unit;

/// Columns that say whose a sample is.
const NAMES: &[&str] = &[
    "series",
    "namespace",
    "pod",
    "pod_name",
    "container",
    "container_name",
    "container_id",
    "service",
    "vm",
    "name",
    "id",
    "job",
    "task",
    "host",
    "hostname",
    "instance",
    "scenario",
    "run",
    "phase",
];
/// Columns that count kills since the start.
const KILLS: &[&str] = &["kills", "oom_kill", "oom_kills", "oom_events"];
/// Columns that count the starts of the container.
const LIVES: &[&str] = &["life", "restarts", "restart_count"];
/// The kernel counts memory in pages of so many bytes.
const PAGE: f64 = 4096.0;
/// So many columns are told, where one is missing.
const TOLD: usize = 40;

/// Where each thing stands.
#[derive(Debug, Clone)]
pub struct Columns {
    /// All names.
    pub(super) titles: Vec<String>,
    /// Whose a sample is.
    pub(super) names: Vec<usize>,
    /// The time, and the seconds that one of it is; `None`: its size or form tells.
    pub(super) time: (usize, Option<f64>),
    /// The memory, and the factor to its unit.
    pub(super) memory: (usize, f64),
    /// Its name.
    pub memory_name: String,
    /// What the memory is counted in.
    pub unit: Unit,
    /// The limit, and the factor to the same unit.
    pub(super) limit: Option<(usize, f64)>,
    /// Whether a limit stands beside the memory in one field.
    pub(super) limit_beside: bool,
    /// Requests since the start.
    pub(super) requests: Option<usize>,
    /// Kills since the start.
    pub(super) kills: Option<usize>,
    /// Which start of the container.
    pub(super) life: Option<usize>,
    /// Whether `1,5` is one and a half.
    pub(super) decimal_comma: bool,
    /// Lines before the header.
    pub(super) skipped: u64,
}

impl Columns {
    /// By the header and the first rows.
    pub(super) fn of(
        header: &ByteRecord,
        first: &[ByteRecord],
        wanted: &Wanted,
    ) -> Result<Self, TableError> {
        let titles: Vec<String> =
            header.iter().map(|title| String::from_utf8_lossy(title).trim().to_owned()).collect();
        let find = |name: &str| titles.iter().position(|title| title.eq_ignore_ascii_case(name));
        let missing = |what: String| TableError::Column { what, columns: told(&titles) };
        if titles.iter().all(|title| title.parse::<f64>().is_ok()) {
            return Err(missing("line 1 holds numbers and names no columns".to_owned()));
        }
        let time = time(&titles).ok_or_else(|| {
            missing("no column tells the time (t_s, k, time, timestamp)".to_owned())
        })?;
        let at = match &wanted.column {
            Some(name) => find(name).ok_or_else(|| missing(format!("no column `{name}`")))?,
            None => memory(&titles, first, time.0).map_err(missing)?,
        };
        let memory_name = titles.get(at).cloned().unwrap_or_default();
        let (unit, factor) = unit(&memory_name, at, first, wanted).ok_or_else(|| {
            missing(format!(
                "neither the name of column `{memory_name}` (_bytes, _mib, _pct, _frac …) nor its values tell a unit: say --column {memory_name} --unit mib, if it is MiB"
            ))
        })?;
        let limit = titles.iter().position(|title| titles::is_limit(title)).filter(|of| *of != at);
        let limit = limit.and_then(|at| {
            let (of, factor) = match titles::unit(titles.get(at)?) {
                Some(told) => told,
                None => by_values(at, first)?,
            };
            (of == unit).then_some((at, factor))
        });
        let requests = match &wanted.requests {
            Some(name) => Some(find(name).ok_or_else(|| missing(format!("no column `{name}`")))?),
            None => find("requests"),
        };
        let named = |known: &[&str]| {
            titles.iter().position(|title| known.contains(&titles::name(title).as_str()))
        };
        Ok(Self {
            names: names(&titles, &[at, time.0]),
            time,
            memory: (at, factor),
            memory_name,
            unit,
            limit,
            limit_beside: first.iter().any(|row| text(row, at).contains('/')),
            requests,
            kills: named(KILLS),
            life: named(LIVES),
            decimal_comma: false,
            skipped: 0,
            titles,
        })
    }

    /// Whose a row is: `pod/container` where several columns say so.
    pub(super) fn name(&self, record: &ByteRecord, wanted: &Wanted) -> String {
        let parts = self.names.iter().filter_map(|at| record.get(*at));
        let parts = parts.map(|part| part.trim_ascii()).filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.map(String::from_utf8_lossy).collect();
        if parts.is_empty() { wanted.name.clone() } else { parts.join("/") }
    }

    /// Counted from 1 in the file as it stands.
    pub(super) fn line(&self, record: &ByteRecord) -> u64 {
        record.position().map_or(0, csv::Position::line) + self.skipped
    }

    /// Whether a row is the header once more, as in files that were put together.
    pub(super) fn is_header(&self, record: &ByteRecord) -> bool {
        record.iter().map(<[u8]>::trim_ascii).eq(self.titles.iter().map(String::as_bytes))
    }
}

/// What there is, so that a reader can choose.
fn told(titles: &[String]) -> String {
    let short = |title: &String| title.chars().take(60).collect::<String>();
    let mut all: Vec<String> = titles.iter().take(TOLD).map(short).collect();
    if titles.len() > TOLD {
        all.push(format!("and {} more", titles.len() - TOLD));
    }
    all.join(", ")
}

/// `t_s` before all others, then a column with its unit, then the first.
fn time(titles: &[String]) -> Option<(usize, Option<f64>)> {
    let known = titles.iter().enumerate();
    let known = known.filter_map(|(at, title)| Some((at, titles::time(title)?)));
    let order = |at: usize| match titles.get(at).map(String::as_str) {
        Some("t_s") => 0,
        Some(title) if !title.contains(['_', ' ']) => 1,
        _ => 2,
    };
    known.min_by_key(|(at, _)| (order(*at), *at))
}

fn names(titles: &[String], taken: &[usize]) -> Vec<usize> {
    let at = |name: &&str| titles.iter().position(|title| titles::name(title) == **name);
    let found: Vec<(&str, usize)> =
        NAMES.iter().filter_map(|name| Some((*name, at(name)?))).collect();
    let found = found.iter().filter(|(_, at)| !taken.contains(at));
    // A bare `id` beside a name is often the number of the row.
    let several = found.clone().count() > 1;
    found.filter(|(name, _)| !(several && *name == "id")).map(|(_, at)| *at).collect()
}

/// The best column that tells the memory: one in bytes before one in parts, then by its name.
fn memory(titles: &[String], first: &[ByteRecord], time: usize) -> Result<usize, String> {
    let known = titles.iter().enumerate().filter(|(at, _)| *at != time);
    let known = known.filter_map(|(at, title)| {
        let unit = by_values(at, first).or_else(|| titles::unit(title));
        let order = match unit {
            Some((Unit::Bytes, _)) => 0,
            Some(_) => 1,
            None => 2,
        };
        Some(((order, titles::memory(title)?), at))
    });
    let best = known.clone().min().ok_or_else(|| {
        "no column is known as the memory (mem_…, ws_…, used_…, usage_… with a unit): say --column"
            .to_owned()
    })?;
    let has_labels = |at: usize| titles.get(at).is_some_and(|title| title.contains('{'));
    let rivals = known.filter(|(order, at)| *order == best.0 && has_labels(*at)).count();
    if rivals > 1 {
        return Err(format!("{rivals} columns tell a memory, each of another: say --column"));
    }
    Ok(best.1)
}

/// `--unit`, else the title, else the values, else the name of the file.
fn unit(title: &str, at: usize, first: &[ByteRecord], wanted: &Wanted) -> Option<(Unit, f64)> {
    let told = wanted.unit.or_else(|| titles::unit(title).map(|told| parts(told, at, first)));
    let told = told.or_else(|| by_values(at, first));
    told.or_else(|| titles::unit_of_file(&wanted.name))
}

/// What is called a part of one and lies far above one is percent.
fn parts(told: (Unit, f64), at: usize, first: &[ByteRecord]) -> (Unit, f64) {
    let is_above = |row: &ByteRecord| text(row, at).parse::<f64>().is_ok_and(|part| part > 2.0);
    match told {
        (Unit::Fraction, _) if first.iter().any(is_above) => (Unit::Percent, 1.0),
        told => told,
    }
}

/// The unit that the values tell: each with its own, or whole pages as only bytes are.
fn by_values(at: usize, first: &[ByteRecord]) -> Option<(Unit, f64)> {
    let fields = first.iter().map(|row| text(row, at));
    let of = |field: &str| amount_with_unit(field.split('/').next().unwrap_or_default().trim());
    if let Some((_, unit)) = fields.clone().find_map(of) {
        return Some((unit, 1.0));
    }
    let mut numbers: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    let is_pages = numbers.iter().all(|number| number % PAGE == 0.0);
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let large = numbers.last().is_some_and(|most| *most >= 256.0 * PAGE);
    (is_pages && large && numbers.len() > 2).then_some((Unit::Bytes, 1.0))
}

impl Wanted {
    /// The unit by its word, as `--unit` takes it.
    #[must_use]
    pub fn unit_named(word: &str) -> Option<(Unit, f64)> {
        factor(&word.to_ascii_lowercase())
    }
}
