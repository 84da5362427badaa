//! What has been recorded: the samples as they are shipped, and the slope of their floor.
//!
//! Files are packed and unpacked by `gzip`. The slope is the plainest that stands noise and garbage: the least
//! of each half hour, and the median of the slopes between all pairs of them (Theil and Sen).

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::record::Row;

/// The columns, in order.
pub(super) const COLUMNS: &str =
    "series,t_s,mem_bytes,usage_bytes,anon_bytes,file_bytes,limit_bytes,requests,kills";
/// A floor is the least of half an hour.
const BLOCK: f64 = 1800.0;

/// One series with its limit in bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Saved {
    pub(super) limit: u64,
    pub(super) rows: Vec<Row>,
}

/// All series of one file.
pub(super) fn read(file: &Path) -> Result<BTreeMap<String, Saved>> {
    let done =
        Command::new("gzip").arg("-dc").arg(file).output().context("could not run `gzip`")?;
    if !done.status.success() {
        bail!("could not unpack `{}`: {}", file.display(), String::from_utf8_lossy(&done.stderr));
    }
    parse(&String::from_utf8(done.stdout).context("the samples are not text")?)
}

fn parse(text: &str) -> Result<BTreeMap<String, Saved>> {
    let mut lines = text.lines();
    if lines.next() != Some(COLUMNS) {
        bail!("the columns are not `{COLUMNS}`");
    }
    let mut all: BTreeMap<String, Saved> = BTreeMap::new();
    for line in lines {
        let (name, row, limit) = row(line).with_context(|| format!("not a sample: `{line}`"))?;
        let saved = all.entry(name.to_owned()).or_default();
        saved.limit = limit;
        saved.rows.push(row);
    }
    Ok(all)
}

fn row(line: &str) -> Option<(&str, Row, u64)> {
    let mut fields = line.split(',');
    let name = fields.next()?;
    let at = fields.next()?.parse().ok()?;
    let mut number = || fields.next()?.parse::<u64>().ok();
    let (mem, usage, anon, file) = (number()?, number()?, number()?, number()?);
    let (limit, requests, kills) = (number()?, number()?, number()?);
    Some((name, Row { at, mem, usage, anon, file, requests, kills }, limit))
}

/// Writes them; the same samples give the same file.
pub(super) fn write(file: &Path, all: &BTreeMap<String, Saved>) -> Result<()> {
    let out = std::fs::File::create(file)
        .with_context(|| format!("could not make `{}`", file.display()))?;
    let mut gzip = Command::new("gzip");
    gzip.args(["-9n"]).stdin(Stdio::piped()).stdout(out);
    let mut gzip = gzip.spawn().context("could not run `gzip`")?;
    let mut text = format!("{COLUMNS}\n");
    for (name, saved) in all {
        for one in &saved.rows {
            let Row { at, mem, usage, anon, file, requests, kills } = one;
            let limit = saved.limit;
            text.push_str(&format!(
                "{name},{at:.0},{mem},{usage},{anon},{file},{limit},{requests},{kills}\n"
            ));
        }
    }
    gzip.stdin.take().context("`gzip` has no stdin")?.write_all(text.as_bytes())?;
    if !gzip.wait()?.success() {
        bail!("`gzip` failed");
    }
    Ok(())
}

/// How fast the floor rises from this hour on, in percent of the limit in an hour; `None`: too few half hours.
pub(super) fn floor_rate(saved: &Saved, from: f64) -> Option<f64> {
    let mut floors: Vec<(f64, f64)> = Vec::new();
    let mut block = f64::NEG_INFINITY;
    for row in saved.rows.iter().filter(|row| row.at >= from * 3600.0) {
        let (now, mem) = ((row.at / BLOCK).floor(), row.mem as f64);
        match floors.last_mut() {
            Some((at, least)) if now == block => {
                if mem < *least {
                    (*at, *least) = (row.at, mem);
                }
            }
            _ => floors.push((row.at, mem)),
        }
        block = now;
    }
    let mut slopes: Vec<f64> = Vec::new();
    for (count, (at, least)) in floors.iter().enumerate() {
        slopes
            .extend(floors.iter().skip(count + 1).map(|(then, more)| (more - least) / (then - at)));
    }
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.get(slopes.len() / 2).filter(|_| floors.len() > 2)?;
    Some(middle * 3600.0 * 100.0 / saved.limit.max(1) as f64)
}

/// How far the floor of the last two hours lies above that of the second and third, in percent of the limit in an
/// hour: what is left of a swing when it has come round once.
pub(super) fn day_rate(saved: &Saved) -> Option<f64> {
    let ended = saved.rows.last()?.at / 3600.0;
    let least = |from: f64| {
        let within = |row: &&Row| (from..=from + 2.0).contains(&(row.at / 3600.0));
        saved.rows.iter().filter(within).map(|row| row.mem as f64).reduce(f64::min)
    };
    let risen = least(ended - 2.0)? - least(1.0)?;
    (ended > 20.0).then_some(risen * 100.0 / saved.limit.max(1) as f64 / (ended - 3.0))
}

#[cfg(test)]
mod tests;
