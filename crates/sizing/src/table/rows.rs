//! The rows of one series, until it is whole.

use csv::ByteRecord;

use super::{Columns, TableError, Wanted};
use crate::series::{End, Point, Series};

/// One row, as numbers. What was not told is NaN.
#[derive(Debug, Clone, Copy)]
struct Row {
    at: f64,
    used: f64,
    limit: f64,
    requests: f64,
    kills: f64,
    life: f64,
}

/// The rows of one series so far.
pub(super) struct Rows {
    name: String,
    /// Whether it was asked for.
    is_wanted: bool,
    as_of: f64,
    rows: Vec<Row>,
    /// Kills that the newest row counted, also one that told nothing else: a watch that a kill ended.
    newest: (f64, f64),
}

impl Rows {
    pub(super) fn of(name: String, wanted: &Wanted) -> Self {
        let is_wanted = wanted.series.as_ref().is_none_or(|asked| *asked == name);
        Self {
            name,
            is_wanted,
            as_of: wanted.as_of.unwrap_or(f64::INFINITY),
            rows: Vec::new(),
            newest: (f64::NEG_INFINITY, f64::NAN),
        }
    }

    pub(super) fn take(
        &mut self,
        columns: &Columns,
        record: &ByteRecord,
    ) -> Result<(), TableError> {
        if !self.is_wanted {
            return Ok(());
        }
        let field = |at: usize, factor: f64| number(columns, record, at).map(|it| it * factor);
        let (at, step) = columns.time;
        let at = time(columns, record, at)? * step;
        let used = field(columns.memory.0, columns.memory.1)?;
        if at.is_nan() || at > self.as_of {
            return Ok(());
        }
        let other = |at: Option<usize>| at.map_or(Ok(f64::NAN), |at| field(at, 1.0));
        let kills = other(columns.kills)?;
        if kills.is_finite() && at >= self.newest.0 {
            self.newest = (at, kills);
        }
        if used.is_nan() {
            return Ok(());
        }
        let limit = match columns.limit {
            Some((at, factor)) => field(at, factor)?,
            None => f64::NAN,
        };
        let requests = other(columns.requests)?;
        let life = other(columns.life)?;
        self.rows.push(Row { at, used, limit, requests, kills, life });
        Ok(())
    }

    /// In order of time; of two samples of one time the larger.
    pub(super) fn series(mut self, columns: &Columns) -> Series {
        if !self.rows.is_sorted_by(|one, other| one.at < other.at) {
            self.rows.sort_by(|one, other| one.at.total_cmp(&other.at));
            self.rows.dedup_by(|later, kept| {
                let same = later.at == kept.at;
                if same && later.used > kept.used {
                    *kept = *later;
                }
                same
            });
        }
        let mut series = Series::named(&self.name, columns.unit);
        series.points = self.rows.iter().map(|row| Point { at: row.at, used: row.used }).collect();
        if columns.limit.is_some() {
            series.limits = self.rows.iter().map(|row| row.limit).collect();
        }
        if columns.requests.is_some() {
            series.requests = self.rows.iter().map(|row| row.requests).collect();
        }
        series.ends = self.ends();
        series
    }

    /// A new life, or a kill counted inside one.
    fn ends(&self) -> Vec<End> {
        let pairs = self.rows.windows(2).enumerate();
        let ends = pairs.filter_map(|(at, pair)| {
            let [before, now] = pair else { return None };
            let is_new = now.life > before.life;
            let killed = now.kills > before.kills;
            (is_new || killed).then_some(End { after: at + 1, killed })
        });
        let last = self.rows.last().filter(|row| self.newest.1 > row.kills);
        let last = last.map(|_| End { after: self.rows.len(), killed: true });
        ends.chain(last).collect()
    }
}

fn text(record: &ByteRecord, at: usize) -> &str {
    record.get(at).and_then(|field| std::str::from_utf8(field).ok()).map_or("", str::trim)
}

fn wrong(columns: &Columns, record: &ByteRecord, at: usize, what: &'static str) -> TableError {
    let shown = record.get(at).map(String::from_utf8_lossy).unwrap_or_default();
    TableError::Field {
        line: record.position().map_or(0, csv::Position::line),
        column: columns.titles.get(at).cloned().unwrap_or_default(),
        text: shown.chars().take(40).collect(),
        what,
    }
}

fn number(columns: &Columns, record: &ByteRecord, at: usize) -> Result<f64, TableError> {
    let field = text(record, at);
    if field.is_empty() && record.get(at).is_none_or(|raw| raw.iter().all(u8::is_ascii_whitespace))
    {
        return Ok(f64::NAN);
    }
    match field.parse::<f64>() {
        Ok(number) if number.is_nan() => Ok(f64::NAN),
        // What a monitoring system computed may be a rounding below nothing.
        Ok(number) if number.is_finite() && number > -0.001 => Ok(number.max(0.0)),
        _ => Err(wrong(columns, record, at, "a number of 0 or more")),
    }
}

fn time(columns: &Columns, record: &ByteRecord, at: usize) -> Result<f64, TableError> {
    let field = text(record, at);
    if let Ok(number) = field.parse::<f64>() {
        return Ok(number);
    }
    if field.is_empty() {
        return Ok(f64::NAN);
    }
    let moment: Result<jiff::Timestamp, _> = field.parse();
    match moment {
        Ok(moment) => Ok(moment.as_duration().as_secs_f64()),
        Err(_) => Err(wrong(columns, record, at, "a time (seconds, or RFC 3339)")),
    }
}
