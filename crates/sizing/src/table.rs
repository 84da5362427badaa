//! Samples from a CSV file, plain or gzip: many series in one file, one after the other or mixed.
//!
//! A header row names the columns. One tells the time (`t_s` seconds, `k` five-minute steps, `time` or
//! `timestamp` since 1970 or as dates), one the memory with its unit in its name or its values (`mem_bytes`,
//! `Memory usage [KB]`, `mem_pct`, `12.5MiB / 1GiB`), and `series`, `container`, `pod`, `vm`, `run` … name whose it
//! is. Limits, `requests`, `kills` and `life` are understood where they stand. An empty field was not known.
//!
//! A file whose series lie one after the other is read once and never held whole. One that mixes them is
//! read in as many passes as keep the samples of a pass below [`HELD`]. Nothing is judged here.

mod columns;
mod dialect;
mod fields;
mod rows;
mod titles;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};

use csv::ByteRecord;

pub use columns::Columns;
use rows::Rows;

use crate::series::{Series, Unit};

/// Bytes of samples that are held at once of a file that mixes its series.
const HELD: u64 = 96 << 20;
/// What one sample takes while its series is collected: a row with every column told.
const ROW: u64 = 56;
/// So many rows are looked at to know what a column is.
const FIRST: usize = 50;
/// A time above this is a moment since 1970, one below this much counts from a start of its own.
const SINCE_1970: (f64, f64) = (1e9, 1e8);

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
    /// Not a table, and why.
    #[error("{0}")]
    NoTable(&'static str),
    /// A row that is longer or shorter than the header.
    #[error("line {line}: {found} field{} where the header has {wanted}{hint}", if *found == 1 { "" } else { "s" })]
    Fields {
        /// Counted from 1.
        line: u64,
        /// So many stand there.
        found: usize,
        /// So many should.
        wanted: usize,
        /// What may be the reason.
        hint: &'static str,
    },
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
    /// Nothing but a header, or nothing of what was asked for.
    #[error("no samples{0}")]
    Empty(String),
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
    match &plan.passes {
        None => together(open, wanted, &plan.columns, &mut hand)?,
        Some(passes) => {
            let last = passes.values().max().copied().unwrap_or_default();
            for pass in 0..=last {
                mixed(open, wanted, (&plan.columns, passes), pass, &mut hand)?;
            }
        }
    }
    match (told.series, &wanted.series) {
        (0, Some(name)) if !plan.has_asked => {
            Err(TableError::NoSeries { name: name.clone(), known: plan.some.join(", ") })
        }
        (0, _) => Err(TableError::Empty(why_none(open, wanted, plan.rows))),
        _ => Ok(told),
    }
}

/// Why nothing was found in a table that can be read.
fn why_none(open: &Open<'_>, wanted: &Wanted, rows: u64) -> String {
    if rows == 0 {
        return ": nothing stands below the header".to_owned();
    }
    if wanted.as_of.is_none() {
        return format!(": no row of {rows} tells the memory");
    }
    let mut first = f64::INFINITY;
    let all = Wanted { as_of: None, ..wanted.clone() };
    let read = read(open, &all, &mut |series| {
        first = series.points.first().map_or(first, |point| point.at.min(first));
        Ok(())
    });
    match read {
        Ok(_) => format!(" at or before that time; the first is at {first}"),
        Err(_) => format!(": no row of {rows} tells the memory"),
    }
}

struct Plan {
    columns: Columns,
    rows: u64,
    /// In which pass each series of a mixed file is collected; `None`: each lies in one piece.
    passes: Option<HashMap<u64, u64>>,
    /// Some names, to tell them.
    some: Vec<String>,
    /// Whether the series that was asked for is there.
    has_asked: bool,
}

impl Plan {
    fn of(open: &Open<'_>, wanted: &Wanted) -> Result<Self, TableError> {
        let (mut reader, columns) = begun(open, wanted)?;
        let mut record = ByteRecord::new();
        let (mut rows, mut mixed, mut has_asked) = (0, false, false);
        // When each was seen first, and how many rows it has.
        let mut seen: HashMap<u64, (u64, u64)> = HashMap::new();
        let (mut last, mut run) = (None, 0);
        let mut some = Vec::new();
        while next(&mut reader, &mut record)? {
            rows += 1;
            let key = hash(&columns, &record);
            if last == Some(key) {
                run += 1;
                continue;
            }
            if let Some((_, of)) = last.and_then(|key| seen.get_mut(&key)) {
                *of += run;
            }
            (last, run) = (Some(key), 1);
            if seen.contains_key(&key) {
                mixed = true;
                continue;
            }
            seen.insert(key, (seen.len() as u64, 0));
            let name = columns.name(&record, wanted);
            has_asked |= wanted.series.as_ref().is_some_and(|asked| rows::is_named(&name, asked));
            if some.len() < 8 {
                some.push(name);
            }
        }
        if let Some((_, of)) = last.and_then(|key| seen.get_mut(&key)) {
            *of += run;
        }
        if seen.len() > some.len() {
            some.push(format!("and {} more", seen.len() - some.len()));
        }
        let passes = mixed.then(|| passes(&seen, HELD / ROW));
        Ok(Self { columns, rows, passes, some, has_asked })
    }
}

/// The series in the order in which they were seen, parted into as few passes as leave room for their rows.
fn passes(seen: &HashMap<u64, (u64, u64)>, room: u64) -> HashMap<u64, u64> {
    let all: u64 = seen.values().map(|(_, rows)| rows).sum();
    let share = all.div_ceil(all.div_ceil(room).max(1));
    let mut order: Vec<(&u64, &(u64, u64))> = seen.iter().collect();
    order.sort_by_key(|(_, (number, _))| *number);
    let mut before = 0;
    let placed = order.into_iter().map(|(key, (_, rows))| {
        let pass = before / share.max(1);
        before += rows;
        (*key, pass)
    });
    placed.collect()
}

/// A reader that stands before the first row, and what its columns are.
fn begun(
    open: &Open<'_>,
    wanted: &Wanted,
) -> Result<(csv::Reader<Box<dyn Read>>, Columns), TableError> {
    let (mut reader, _) = dialect::open_table(open)?;
    let mut first = Vec::new();
    let mut record = ByteRecord::new();
    let header = header(&mut reader)?;
    while first.len() < FIRST && next(&mut reader, &mut record)? {
        first.push(record.clone());
    }
    let mut columns = Columns::of(&header, &first, wanted)?;
    let (reader, dialect) = dialect::open_table(open)?;
    columns.decimal_comma = dialect.delimiter != b',';
    columns.skipped = dialect.skipped;
    if let (Some(row), Some(as_of)) = (first.first(), wanted.as_of)
        && as_of >= SINCE_1970.0
        && fields::time(&columns, row).is_ok_and(|at| at < SINCE_1970.1)
    {
        return Err(TableError::Empty(
            " at that time: the file counts its seconds from a start of its own, so --as-of does too"
                .to_owned(),
        ));
    }
    Ok((reader, columns))
}

fn header(reader: &mut csv::Reader<Box<dyn Read>>) -> Result<ByteRecord, TableError> {
    reader.byte_headers().cloned().map_err(plain)
}

/// The next row, or `false`.
fn next(
    reader: &mut csv::Reader<Box<dyn Read>>,
    record: &mut ByteRecord,
) -> Result<bool, TableError> {
    reader.read_byte_record(record).map_err(plain)
}

/// Rows of any length are taken and compared later, so what is left is the input's own fault.
fn plain(error: csv::Error) -> TableError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => TableError::Io(error),
        _ => TableError::NoTable("it is no table"),
    }
}

fn hash(columns: &Columns, record: &ByteRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    for at in &columns.names {
        record.get(*at).hash(&mut hasher);
    }
    hasher.finish()
}

type Hand<'a> = dyn FnMut(Series) -> Result<(), TableError> + 'a;

fn together(
    open: &Open<'_>,
    wanted: &Wanted,
    columns: &Columns,
    hand: &mut Hand<'_>,
) -> Result<(), TableError> {
    let mut reader = dialect::open_table(open)?.0;
    let mut record = ByteRecord::new();
    let mut rows: Option<(u64, Rows)> = None;
    while next(&mut reader, &mut record)? {
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
    (columns, passes): (&Columns, &HashMap<u64, u64>),
    pass: u64,
    hand: &mut Hand<'_>,
) -> Result<(), TableError> {
    let mut reader = dialect::open_table(open)?.0;
    let mut record = ByteRecord::new();
    let mut places = HashMap::new();
    let mut all: Vec<Rows> = Vec::new();
    while next(&mut reader, &mut record)? {
        let key = hash(columns, &record);
        if passes.get(&key) != Some(&pass) {
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
