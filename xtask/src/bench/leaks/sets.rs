//! The days that the leak rules are asked about: those recorded in the lab with their truth, and traces of others.
//!
//! Read by the product's own reader of CSV files. The traces of others lie beside this checkout and are not part of
//! it; what a folder does not hold is left out.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sizing::Series;
use sizing::table::{self, Wanted};

/// What is known of a leak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Leak {
    /// Percent of the limit in an hour.
    pub(super) rate: f64,
    /// The hour in which it begins.
    pub(super) from: f64,
}

/// One series, and what counts as full.
#[derive(Debug, Clone)]
pub(super) struct Day {
    pub(super) series: Series,
    pub(super) limit: f64,
    pub(super) leak: Option<Leak>,
    /// What it is, in words.
    pub(super) what: String,
}

impl Day {
    /// What was known so many hours after its first sample.
    pub(super) fn after(&self, hours: f64) -> Self {
        let mut day = self.clone();
        let start = day.series.points.first().map_or(0.0, |point| point.at);
        day.series.cut(start + hours * 3600.0);
        day
    }

    /// How fast the memory itself rose within so many hours since the leak began, in percent of the limit in an hour: the
    /// median of the slopes between the least of each half hour. A heap that has room does not grow by what it loses.
    /// `None` of what does not leak, and of less than two hours.
    pub(super) fn measured(&self, hours: f64) -> Option<f64> {
        let leak = self.leak.filter(|_| hours > 2.0)?;
        let start = self.series.points.first()?.at;
        let mut floors: Vec<(f64, f64, f64)> = Vec::new();
        for point in &self.series.points {
            let hour = (point.at - start) / 3600.0 - leak.from;
            if !(0.5..hours).contains(&hour) {
                continue;
            }
            let block = (hour * 2.0).floor();
            match floors.last_mut().filter(|last| last.0 == block) {
                Some(last) if point.used < last.2 => *last = (block, point.at, point.used),
                Some(_) => {}
                None => floors.push((block, point.at, point.used)),
            }
        }
        let mut slopes: Vec<f64> = Vec::new();
        for (at, one) in floors.iter().enumerate() {
            let later = floors.iter().skip(at + 1);
            slopes.extend(later.map(|two| (two.2 - one.2) / (two.1 - one.1)));
        }
        slopes.sort_by(f64::total_cmp);
        let middle = slopes.get(slopes.len() / 2)?;
        Some(middle * 3600.0 * 100.0 / self.limit)
    }
}

/// A set of others.
pub(super) struct Set {
    pub(super) name: &'static str,
    /// Whether its leaks are known, so that an alarm is a find.
    pub(super) leaks: bool,
    pub(super) days: Vec<Day>,
}

fn series(file: &Path, column: Option<&str>) -> Result<Vec<Series>> {
    let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(File::open(file)?)) };
    let wanted = Wanted { column: column.map(str::to_owned), ..Wanted::default() };
    let mut found = Vec::new();
    let read = table::read(&open, &wanted, &mut |series| {
        found.push(series);
        Ok(())
    });
    read.with_context(|| format!("could not read `{}`", file.display()))?;
    Ok(found)
}

/// The lab's days; `None` before they are recorded.
pub(super) fn labelled(folder: &Path) -> Result<Option<Vec<Day>>> {
    let file = folder.join("truth.csv");
    if !file.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&file).context("could not read lab/series/truth.csv")?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".csv.gz") {
            files.push(path);
        }
    }
    files.sort();
    let mut all = Vec::new();
    for file in files {
        for series in series(&file, Some("mem_bytes"))? {
            let line = text.lines().skip(1).find(|line| first(line) == series.name);
            let line = line.with_context(|| format!("truth.csv knows no `{}`", series.name))?;
            let limit = series.limit().context("a series without a limit")?;
            let (leak, what) = truth(line).with_context(|| format!("not a truth: `{line}`"))?;
            all.push(Day { series, limit, leak, what });
        }
    }
    Ok(Some(all))
}

fn first(line: &str) -> &str {
    line.split(',').next().unwrap_or_default()
}

/// `series,kind,rate,"what",runtime,ends,limit,from,…`
fn truth(line: &str) -> Option<(Option<Leak>, String)> {
    let (before, rest) = line.split_once('"')?;
    let (what, after) = rest.split_once('"')?;
    let mut fields = before.split(',');
    let (kind, rate) = (fields.nth(1)?, fields.next()?.parse().ok()?);
    let from = after.split(',').nth(4)?.parse().ok()?;
    Some(((kind == "leak").then_some(Leak { rate, from }), what.to_owned()))
}

/// The traces of others, where they are.
pub(super) fn traces(root: &Path) -> Option<PathBuf> {
    let folder = root.parent()?.join("shared/traces");
    folder.is_dir().then_some(folder)
}

/// All that the folder holds.
pub(super) fn real(folder: &Path) -> Result<Vec<Set>> {
    let whole = |name, file: &str, column, limit: f64| -> Result<Option<Set>> {
        let file = folder.join(file);
        if !file.exists() {
            return Ok(None);
        }
        let days = series(&file, column)?.into_iter().map(|series| day(series, limit)).collect();
        Ok(Some(Set { name, leaks: false, days }))
    };
    let cut = |set: &Option<Set>, name, hours: f64| {
        set.as_ref().map(|set| Set {
            name,
            leaks: false,
            days: set.days.iter().map(|day| day.after(hours)).collect(),
        })
    };
    let mut edge = whole("KubeEdge node, a leak", "kubeedge-aging.csv.gz", None, 100.0)?;
    if let Some(set) = &mut edge {
        set.leaks = true;
        let hours = [6.0, 12.0, 24.0, 36.0];
        let parts = set.days.iter().flat_map(|day| hours.map(|hours| day.after(hours)));
        set.days = parts.collect();
    }
    let mut pods = whole("GenTD26 pods, 23 h", "alibaba-gentd26-pods.csv.gz", None, 1.0)?;
    if let Some(set) = &mut pods {
        set.days.retain(|day| day.series.points.len() >= 1200);
    }
    let google = "google2011-jobs-multiday.csv.gz";
    let jobs = whole("Google 2011 jobs, days", google, Some("mem_pct"), 100.0)?;
    let alibaba = "alibaba2018-machines-1min.csv.gz";
    let hosts = whole("Alibaba 2018 hosts, 8 days", alibaba, Some("mem_pct_max"), 100.0)?;
    let social = "socialnetwork-normal-pods.csv.gz";
    let mut social = whole("SocialNetwork pods", social, Some("ws_mib"), 0.0)?;
    if let Some(set) = &mut social {
        // Their limits are not told: as much again as they ever used.
        set.days.iter_mut().for_each(|day| day.limit = 2.0 * peak(&day.series));
    }
    let mut sets = vec![edge];
    sets.extend(heaps(folder)?.into_iter().map(Some));
    let pods_two = cut(&pods, "GenTD26 pods, their first 2 h", 2.0);
    let pods_six = cut(&pods, "GenTD26 pods, their first 6 h", 6.0);
    let jobs_day = cut(&jobs, "Google 2011 jobs, their first day", 24.0);
    let hosts_two = cut(&hosts, "Alibaba 2018 hosts, their first 2 h", 2.0);
    sets.extend([pods, pods_six, pods_two, jobs, jobs_day, hosts, hosts_two, social]);
    Ok(sets.into_iter().flatten().collect())
}

fn day(series: Series, limit: f64) -> Day {
    Day { series, limit, leak: None, what: String::new() }
}

fn peak(series: &Series) -> f64 {
    series.peak().map_or(1.0, |peak| peak.used)
}

/// Heaps after each collection; full is the largest that the heap ever was. Three are known to leak.
fn heaps(folder: &Path) -> Result<Vec<Set>> {
    const KNOWN: [&str; 3] = ["718_SERVER", "memoryleak2", "gc_with_overflow"];
    let file = folder.join("jvm-gclogs-heap.csv.gz");
    if !file.exists() {
        return Ok(Vec::new());
    }
    let sizes = series(&file, Some("heap_mib"))?;
    let after = series(&file, Some("after_mib"))?;
    let days = after.into_iter().zip(&sizes).map(|(series, size)| day(series, peak(size)));
    let is_known = |day: &Day| KNOWN.iter().any(|known| day.series.name.contains(known));
    let (leaks, others) = days.partition(is_known);
    Ok(vec![
        Set { name: "JVM heaps after GC, known leaks", leaks: true, days: leaks },
        Set { name: "JVM heaps after GC, others", leaks: false, days: others },
    ])
}

/// A day from numbers, for tests.
#[cfg(test)]
pub(super) fn made(name: &str, points: impl Iterator<Item = (f64, f64)>, limit: f64) -> Day {
    let mut series = Series::named(name, sizing::Unit::Bytes);
    series.points = points.map(|(at, used)| sizing::Point { at, used }).collect();
    day(series, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_memory_grew_by_is_measured_on_its_floor() {
        let saw = |at: i32| (f64::from(at) * 60.0, 200.0 + f64::from(at % 10));
        let mut day = made("made", (0..400).map(saw), 1000.0);
        assert_eq!(day.measured(6.0), None, "it is no leak");
        day.leak = Some(Leak { rate: 1.0, from: 0.0 });
        assert_eq!((day.measured(2.0), day.measured(6.0)), (None, Some(0.0)));
        // One percent of 1,000 an hour.
        day.series.points.iter_mut().for_each(|point| point.used += point.at / 360.0);
        assert!((day.measured(6.0).unwrap() - 1.0).abs() < 0.05, "{:?}", day.measured(6.0));
    }

    #[test]
    fn a_line_of_the_truth_is_read() {
        let line = "go-leak-late,leak,2.00,\"2 % an hour, late\",go,running,1,2,1.98,even";
        let (leak, what) = truth(line).unwrap();
        assert_eq!(leak, Some(Leak { rate: 2.0, from: 2.0 }));
        assert_eq!(what, "2 % an hour, late");
        let line = "go-step,leak-free,0.00,\"a step\",go,running,1,0,0.00,even";
        assert_eq!(truth(line).unwrap().0, None);
    }
}
