//! Samples from a CSV file, plain or gzip: many series in one file, one after the other or mixed.
//!
//! A header row names the columns. One tells the time (`t_s` seconds, `k` five-minute steps, `time` or
//! `timestamp` in seconds since 1970 or RFC 3339), one the memory with its unit in its name (`mem_bytes`,
//! `ws_mib`, `mem_pct`, `mem_frac`), and `series`, `container`, `pod`, `vm`, `run` … name whose it is. `limit_*`,
//! `requests`, `kills` and `life` are understood where they stand. An empty field was not known.
//!
//! A file whose series lie one after the other is read once and never held whole. One that mixes them is
//! read in as many passes as keep the samples of a pass below [`HELD`]. Nothing is judged here.

mod columns;
mod rows;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, Read};

use csv::ByteRecord;

pub use columns::Columns;
use rows::Rows;

use crate::series::{Series, Unit};

/// Bytes of samples that are held at once of a file that mixes its series.
const HELD: u64 = 96 << 20;
/// What one sample takes while its series is collected: a row with every column told.
const ROW: u64 = 56;

/// What of a file is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The memory column, where the file has several.
    pub column: Option<String>,
    /// Its unit, where its name does not tell.
    pub unit: Option<(Unit, f64)>,
    /// One series only.
    pub series: Option<String>,
    /// The column that counts requests.
    pub requests: Option<String>,
    /// Nothing after this time, in the file's own seconds.
    pub as_of: Option<f64>,
    /// What a file with one nameless series is called.
    pub name: String,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file itself.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Not a table.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// No header, or a column that is needed is not there.
    #[error("{what}; the columns are: {columns}")]
    Column {
        /// What is missing.
        what: String,
        /// What there is.
        columns: String,
    },
    /// A field that is no number.
    #[error("line {line}, column {column}: `{text}` is not {what}")]
    Field {
        /// Counted from 1, the header is the first.
        line: u64,
        /// Its name.
        column: String,
        /// What stands there.
        text: String,
        /// What should.
        what: &'static str,
    },
    /// A series that was asked for.
    #[error("no series `{name}`; there are: {known}")]
    NoSeries {
        /// As it was asked for.
        name: String,
        /// Some that are there.
        known: String,
    },
    /// Nothing but a header.
    #[error("no samples{0}")]
    Empty(&'static str),
    /// What takes the series has failed.
    #[error("{0}")]
    Taker(String),
}

/// Opens the same input again.
pub type Open<'a> = dyn Fn() -> io::Result<Box<dyn Read>> + 'a;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The memory column that was taken.
    pub column: String,
    /// How many series.
    pub series: usize,
    /// How many rows lay in the file.
    pub rows: u64,
}

/// Hands over each series in the order in which its first row stands.
///
/// # Errors
/// If the input cannot be read, is no such table, or `take` says so.
pub fn read(
    open: &Open<'_>,
    wanted: &Wanted,
    take: &mut dyn FnMut(Series) -> Result<(), String>,
) -> Result<Told, TableError> {
    let plan = Plan::of(open, wanted)?;
    let mut told = Told { column: plan.columns.memory_name.clone(), series: 0, rows: plan.rows };
    let mut hand = |series: Series| -> Result<(), TableError> {
        if series.points.is_empty() {
            return Ok(());
        }
        told.series += 1;
        take(series).map_err(TableError::Taker)
    };
    match plan.passes {
        None => together(open, wanted, &plan.columns, &mut hand)?,
        Some(passes) => {
            for pass in 0..passes {
                mixed(open, wanted, &plan, (pass, passes), &mut hand)?;
            }
        }
    }
    match (told.series, &wanted.series) {
        (0, Some(name)) => {
            Err(TableError::NoSeries { name: name.clone(), known: plan.some.join(", ") })
        }
        (0, None) => Err(TableError::Empty(if plan.rows > 0 && wanted.as_of.is_some() {
            " at or before that time"
        } else {
            ""
        })),
        _ => Ok(told),
    }
}

struct Plan {
    columns: Columns,
    rows: u64,
    /// How many passes a mixed file needs; `None`: each series lies in one piece.
    passes: Option<u64>,
    /// Some names, to tell them.
    some: Vec<String>,
}

impl Plan {
    fn of(open: &Open<'_>, wanted: &Wanted) -> Result<Self, TableError> {
        let mut reader = reader(open)?;
        let columns = Columns::of(&reader.byte_headers()?.clone(), wanted)?;
        let mut record = ByteRecord::new();
        let (mut rows, mut mixed) = (0, false);
        let (mut seen, mut last) = (HashSet::new(), None);
        let mut some = Vec::new();
        while reader.read_byte_record(&mut record)? {
            rows += 1;
            let name = hash(&columns, &record);
            if last == Some(name) {
                continue;
            }
            last = Some(name);
            if !seen.insert(name) {
                mixed = true;
            } else if some.len() < 8 {
                some.push(columns.name(&record, wanted));
            }
        }
        if seen.len() > some.len() {
            some.push(format!("and {} more", seen.len() - some.len()));
        }
        let passes = mixed.then_some((rows * ROW).div_ceil(HELD).max(1));
        Ok(Self { columns, rows, passes, some })
    }
}

fn hash(columns: &Columns, record: &ByteRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    for at in &columns.names {
        record.get(*at).hash(&mut hasher);
    }
    hasher.finish()
}

fn reader(open: &Open<'_>) -> Result<csv::Reader<Box<dyn Read>>, TableError> {
    let mut input = BufReader::with_capacity(1 << 16, open()?);
    let plain: Box<dyn Read> = match input.fill_buf()? {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(input)),
        _ => Box::new(input),
    };
    Ok(csv::ReaderBuilder::new()
        .buffer_capacity(1 << 18)
        .trim(csv::Trim::Headers)
        .from_reader(plain))
}

type Hand<'a> = dyn FnMut(Series) -> Result<(), TableError> + 'a;

fn together(
    open: &Open<'_>,
    wanted: &Wanted,
    columns: &Columns,
    hand: &mut Hand<'_>,
) -> Result<(), TableError> {
    let mut reader = reader(open)?;
    let mut record = ByteRecord::new();
    let mut rows: Option<(u64, Rows)> = None;
    while reader.read_byte_record(&mut record)? {
        let key = hash(columns, &record);
        if rows.as_ref().is_none_or(|(of, _)| *of != key) {
            if let Some((_, full)) = rows.take() {
                hand(full.series(columns))?;
            }
            rows = Some((key, Rows::of(columns.name(&record, wanted), wanted)));
        }
        if let Some((_, rows)) = &mut rows {
            rows.take(columns, &record)?;
        }
    }
    rows.map_or(Ok(()), |(_, rows)| hand(rows.series(columns)))
}

fn mixed(
    open: &Open<'_>,
    wanted: &Wanted,
    plan: &Plan,
    (pass, passes): (u64, u64),
    hand: &mut Hand<'_>,
) -> Result<(), TableError> {
    let columns = &plan.columns;
    let mut reader = reader(open)?;
    let mut record = ByteRecord::new();
    let mut places = std::collections::HashMap::new();
    let mut all: Vec<Rows> = Vec::new();
    while reader.read_byte_record(&mut record)? {
        let key = hash(columns, &record);
        if key % passes != pass {
            continue;
        }
        let at = *places.entry(key).or_insert_with(|| {
            all.push(Rows::of(columns.name(&record, wanted), wanted));
            all.len() - 1
        });
        if let Some(rows) = all.get_mut(at) {
            rows.take(columns, &record)?;
        }
    }
    all.into_iter().try_for_each(|rows| hand(rows.series(columns)))
}

#[cfg(test)]
mod tests;
