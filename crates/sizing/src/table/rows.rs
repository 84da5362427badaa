//! The rows of one series, until it is whole.

use csv::ByteRecord;

use super::fields::{limit, memory, number, time, wrong};
use super::{Columns, TableError, Wanted};
use crate::series::{AT_LIMIT, End, Point, Series};

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
        let is_wanted = wanted.series.as_ref().is_none_or(|asked| is_named(&name, asked));
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
        fits(columns, record)?;
        let at = match time(columns, record) {
            Err(_) if columns.is_header(record) => return Ok(()),
            at => at?,
        };
        let (used, beside) = memory(columns, record)?;
        if at.is_nan() && !used.is_nan() {
            return Err(wrong(columns, record, columns.time.0, "a time"));
        }
        if at.is_nan() || at > self.as_of {
            return Ok(());
        }
        let other = |at: Option<usize>| at.map_or(Ok(f64::NAN), |at| number(columns, record, at));
        let kills = other(columns.kills)?;
        if kills.is_finite() && at >= self.newest.0 {
            self.newest = (at, kills);
        }
        if used.is_nan() {
            return Ok(());
        }
        let limit = if beside.is_nan() { limit(columns, record)? } else { beside };
        let requests = other(columns.requests)?;
        let life = other(columns.life)?;
        self.rows.push(Row { at, used, limit, requests, kills, life });
        Ok(())
    }

    /// In order of time; of two samples of one time the larger.
    pub(super) fn series(mut self, columns: &Columns) -> Series {
        self.one_clock();
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
        if columns.limit.is_some() || columns.limit_beside {
            series.limits = self.rows.iter().map(|row| row.limit).collect();
        }
        if columns.requests.is_some() {
            series.requests = self.rows.iter().map(|row| row.requests).collect();
        }
        series.ends = self.ends(columns);
        series
    }

    /// Where each life counts its seconds anew, they are put one after the other.
    fn one_clock(&mut self) {
        let (mut before, mut offset) = (None::<Row>, 0.0);
        for row in &mut self.rows {
            if let Some(before) = before
                && row.life > before.life
                && row.at + offset < before.at
            {
                offset = before.at + 1.0 - row.at;
            }
            row.at += offset;
            before = Some(*row);
        }
        if self.newest.0.is_finite() {
            self.newest.0 += offset;
        }
    }

    /// A new life, or a kill counted inside one. Where nobody counts kills, a life that was about to fill its
    /// limit was ended by it; where nobody counts lives either, a larger limit and less than half of the memory
    /// after that are a new life.
    fn ends(&self, columns: &Columns) -> Vec<End> {
        let (no_kills, no_lives) = (columns.kills.is_none(), columns.life.is_none());
        let ends = (1..self.rows.len()).filter_map(|at| {
            let (before, now) = (self.rows.get(at - 1)?, self.rows.get(at)?);
            let was_full = no_kills && self.is_full(at - 1);
            let is_raised = now.limit > before.limit && now.used < 0.5 * before.used;
            let is_new = now.life > before.life || (no_lives && was_full && is_raised);
            let killed = now.kills > before.kills || (is_new && was_full);
            (is_new || killed).then_some(End { after: at, killed })
        });
        let last = self.rows.last().filter(|row| self.newest.1 > row.kills);
        let last = last.map(|_| End { after: self.rows.len(), killed: true });
        ends.chain(last).collect()
    }

    /// Whether a sample lies at its limit, or would have at the next one.
    fn is_full(&self, at: usize) -> bool {
        let Some(row) = self.rows.get(at) else { return false };
        let before = at.checked_sub(1).and_then(|at| self.rows.get(at));
        let grew = before.map_or(0.0, |before| (row.used - before.used).max(0.0));
        row.used >= AT_LIMIT * row.limit
            || (row.used >= 0.9 * row.limit && row.used + 1.5 * grew >= row.limit)
    }
}

/// By its whole name, or by one of the parts that it is put together from.
pub(super) fn is_named(name: &str, asked: &str) -> bool {
    let in_parts = || {
        let (name, asked) = (format!("/{name}/"), format!("/{asked}/"));
        name.contains(&asked)
    };
    name == asked || (!asked.is_empty() && in_parts())
}

/// As many fields as the header; what is empty at the end of a row does not count.
fn fits(columns: &Columns, record: &ByteRecord) -> Result<(), TableError> {
    let wanted = columns.titles.len();
    if record.len() == wanted {
        return Ok(());
    }
    let is_more = record.iter().skip(wanted).any(|field| !field.is_empty());
    if record.len() < wanted || is_more {
        let unclosed = record.iter().any(|field| field.contains(&b'\n'));
        return Err(TableError::Fields {
            line: columns.line(record),
            found: record.len(),
            wanted,
            hint: if unclosed { "; is a quote not closed?" } else { "" },
        });
    }
    Ok(())
}
