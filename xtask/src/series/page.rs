//! `lab/series`: the samples, one file per runtime, the truth of each series, and the page that explains them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::plans::{Per, Plan, Runtime};
use super::record::{FACTOR, Recorded, Row};
use super::saved::{self, Saved, day_rate, floor_rate};
use crate::repository::Repository;

const HEADER: &str = "series,kind,rate_pct_per_hour,what,runtime,ends,limit_bytes,from_hour,measured_pct_per_hour,load";
/// Told seconds between two samples that are shipped.
const APART: f64 = 60.0;
/// … and times in multiples of this: a sixth of a real second.
const FINE: f64 = 10.0;
/// Bytes are shipped in multiples of this: pages are four times as fine, which nobody needs.
const GRAIN: u64 = 16384;
/// The other columns.
const COARSE: u64 = 65536;
const TEXT: &str = include_str!("page/readme.md");

/// What is known of one series.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Truth {
    pub(super) series: String,
    pub(super) is_leak: bool,
    /// What its program kept for ever, in percent of the limit in an hour.
    pub(super) rate: f64,
    pub(super) what: String,
    pub(super) runtime: String,
    pub(super) was_killed: bool,
    pub(super) limit: u64,
    /// The hour in which it begins to leak.
    pub(super) from: f64,
    /// The rise of the floor as sampled; of what does not leak, that of the second half of the day.
    pub(super) measured: f64,
    pub(super) load: String,
}

impl Truth {
    fn of(plan: &Plan, recorded: &Recorded, saved: &Saved) -> Self {
        let leak = plan.leak();
        let mut truth = Self {
            series: plan.name.clone(),
            is_leak: leak.is_some(),
            rate: leak.map_or(0.0, |leak| leak.rate),
            what: plan.what().to_owned(),
            runtime: plan.runtime.word().to_owned(),
            was_killed: recorded.was_killed,
            limit: saved.limit,
            from: leak.map_or(0.0, |leak| leak.from),
            measured: 0.0,
            load: plan.load().word().to_owned(),
        };
        let ended = saved.rows.last().map_or(0.0, |row| row.at / 3600.0);
        if leak.is_some_and(|leak| leak.per == Per::Request) {
            truth.rate = plan.kept(ended);
        }
        truth.measured = truth.measured(saved).unwrap_or(0.0);
        truth
    }

    /// The rise of its floor once it is warm.
    pub(super) fn measured(&self, saved: &Saved) -> Option<f64> {
        let ended = saved.rows.last()?.at / 3600.0;
        if self.series.contains("-swing") {
            return day_rate(saved);
        }
        let from = match self.is_leak {
            true => (ended * 0.15).min(self.from + 3.0).max(self.from),
            false => 12.0,
        };
        floor_rate(saved, from)
    }

    /// One row of `truth.csv`.
    pub(super) fn line(&self) -> String {
        let kind = if self.is_leak { "leak" } else { "leak-free" };
        let ends = if self.was_killed { "killed" } else { "running" };
        let Self { series, rate, what, runtime, limit, from, measured, load, .. } = self;
        format!(
            "{series},{kind},{rate:.2},\"{what}\",{runtime},{ends},{limit},{from},{measured:.2},{load}\n"
        )
    }
}

/// Reads what [`Truth::line`] wrote.
pub(super) fn truths(text: &str) -> Result<Vec<Truth>> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        bail!("the columns are not `{HEADER}`");
    }
    lines.map(|line| truth(line).with_context(|| format!("not a truth: `{line}`"))).collect()
}

fn truth(line: &str) -> Option<Truth> {
    let (before, rest) = line.split_once('"')?;
    let (what, after) = rest.split_once("\",")?;
    let mut fields = before.split(',');
    let (series, kind, rate) = (fields.next()?, fields.next()?, fields.next()?);
    let mut fields = after.split(',');
    let (runtime, ends, limit) = (fields.next()?, fields.next()?, fields.next()?);
    let (from, measured, load) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Truth {
        series: series.to_owned(),
        is_leak: kind == "leak",
        rate: rate.parse().ok()?,
        what: what.to_owned(),
        runtime: runtime.to_owned(),
        was_killed: ends == "killed",
        limit: limit.parse().ok()?,
        from: from.parse().ok()?,
        measured: measured.parse().ok()?,
        load: load.to_owned(),
    })
}

/// What is shipped of the samples: one a told minute, and the last.
fn thinned(plan: &Plan, recorded: &Recorded) -> Saved {
    let mut next = 0.0;
    let last = recorded.rows.len().saturating_sub(1);
    let round = |bytes: u64, grain: u64| bytes.div_ceil(grain) * grain;
    let rows = recorded.rows.iter().enumerate().filter(|(count, row)| {
        let is_due = row.at >= next || *count == last;
        if is_due {
            next = (row.at / APART).floor() * APART + APART;
        }
        is_due
    });
    let rows = rows.map(|(_, row)| Row {
        at: (row.at / FINE).round() * FINE,
        mem: round(row.mem, GRAIN),
        usage: round(row.usage, COARSE),
        anon: round(row.anon, COARSE),
        file: round(row.file, COARSE),
        ..*row
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.dedup_by(|later, kept| {
        let is_same = later.at == kept.at;
        if is_same {
            *kept = *later;
        }
        is_same
    });
    Saved { limit: plan.limit << 20, rows }
}

/// Keeps every sample, so that `lab/series` can be written otherwise without another day.
pub(super) fn keep(repository: &Repository, recorded: &[(&Plan, Recorded)]) -> Result<()> {
    let folder = repository.target.join("series-samples");
    std::fs::create_dir_all(&folder)?;
    for (plan, one) in recorded {
        let saved = Saved { limit: plan.limit << 20, rows: one.rows.clone() };
        let all = BTreeMap::from([(plan.name.clone(), saved)]);
        saved::write(&folder.join(format!("{}.csv.gz", plan.name)), &all)?;
    }
    Ok(())
}

/// What [`keep`] has kept of them.
pub(super) fn kept<'a>(
    repository: &Repository,
    plans: &'a [Plan],
) -> Result<Vec<(&'a Plan, Recorded)>> {
    let folder = repository.target.join("series-samples");
    let mut found = Vec::new();
    for plan in plans {
        let file = folder.join(format!("{}.csv.gz", plan.name));
        if !file.exists() {
            continue;
        }
        for saved in saved::read(&file)?.into_values() {
            let was_killed = saved.rows.last().is_some_and(|row| row.kills > 0);
            let said = String::new();
            found.push((plan, Recorded { rows: saved.rows, was_killed, leaked: 0, said }));
        }
    }
    Ok(found)
}

/// Writes what was recorded in place of what there was of the same names.
pub(super) fn save(repository: &Repository, recorded: &[(&Plan, Recorded)]) -> Result<()> {
    let folder = repository.root.join("lab/series");
    std::fs::create_dir_all(&folder)?;
    let mut known: BTreeMap<String, Truth> = match std::fs::read_to_string(folder.join("truth.csv"))
    {
        Ok(text) => truths(&text)?.into_iter().map(|one| (one.series.clone(), one)).collect(),
        Err(_) => BTreeMap::new(),
    };
    for runtime in Runtime::ALL {
        let file = folder.join(format!("{}.csv.gz", runtime.word()));
        let mut all = if file.exists() { saved::read(&file)? } else { BTreeMap::new() };
        for (plan, one) in recorded.iter().filter(|(plan, _)| plan.runtime == runtime) {
            let saved = thinned(plan, one);
            known.insert(plan.name.clone(), Truth::of(plan, one, &saved));
            all.insert(plan.name.clone(), saved);
        }
        saved::write(&file, &all)?;
    }
    let lines: String = known.values().map(Truth::line).collect();
    std::fs::write(folder.join("truth.csv"), format!("{HEADER}\n{lines}"))?;
    std::fs::write(folder.join("README.md"), readme(&folder, &known)?)?;
    Ok(())
}

fn readme(folder: &Path, known: &BTreeMap<String, Truth>) -> Result<String> {
    let mut text = TEXT.replace("{factor}", &format!("{FACTOR:.0}"));
    text.push_str("\n| file | KiB | leaks | of them killed | leak-free |\n|---|---|---|---|---|\n");
    for runtime in Runtime::ALL {
        let word = runtime.word();
        let bytes = folder.join(format!("{word}.csv.gz")).metadata()?.len();
        let of = |is_meant: &dyn Fn(&Truth) -> bool| {
            known.values().filter(|one| one.runtime == word && is_meant(one)).count()
        };
        let leaks = of(&|one| one.is_leak);
        let killed = of(&|one| one.was_killed);
        let free = of(&|one| !one.is_leak);
        text.push_str(&format!("| {word} | {} | {leaks} | {killed} | {free} |\n", bytes >> 10));
    }
    text.push_str("\n| kind | what | limit, MiB | kept, %/h | floor, %/h | ends |\n|---|---|---|---|---|---|\n");
    for one in known.values() {
        let Truth { series, what, rate, measured, .. } = one;
        let (limit, ends) = (one.limit >> 20, if one.was_killed { "killed" } else { "running" });
        text.push_str(&format!(
            "| `{series}` | {what} | {limit} | {rate:.2} | {measured:.2} | {ends} |\n"
        ));
    }
    Ok(text)
}
