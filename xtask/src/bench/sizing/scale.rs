//! Bar 5: two weeks of ten thousand containers, sized from one CSV in one run.
//!
//! The table is made here, the same each time: levels, days with a wave, steps, a few leaks. Beside it the largest
//! sample of each container times 1.15, as KRR's rule has it, in plain Python (its `csv`, a dict) over the same
//! file: that is the reading and the sum alone, without a shape, a chance or a step to trace.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::equal::Random;
use super::page::Page;
use crate::bench::built;
use crate::bench::measure::{self, Measured};
use crate::repository::Repository;
use crate::say;
use crate::summary::Summary;

/// Samples of one container: two weeks, one every five minutes.
const SAMPLES: u64 = 14 * 288;
const STEP: u64 = 300;
/// No more of memory than this.
const MOST_KIB: u64 = 256 << 10;
/// Ten times as many containers may take so many times as long.
const MOST_TIMES: f64 = 12.0;
/// KRR's rule: the largest of all samples, 15 % more, at least 100 MiB.
const KRR: &str = "\
import csv, sys
top = {}
rows = csv.reader(open(sys.argv[1], newline=''))
next(rows)
for name, _at, used in rows:
    used = int(used)
    if used > top.get(name, 0):
        top[name] = used
for name, used in top.items():
    print(name, max(-(-used * 115 // 104857600), 100), 'MiB')
";

/// One table, and what reading it took.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) containers: u64,
    pub(super) is_mixed: bool,
    pub(super) bytes: u64,
    pub(super) ours: Measured,
    pub(super) python: Option<Measured>,
}

impl Row {
    /// Seconds of one container, in thousandths.
    pub(super) fn each(&self) -> f64 {
        1000.0 * self.ours.took.as_secs_f64() / self.containers as f64
    }
}

/// Makes the tables, sizes them, takes them away.
pub(super) fn run(repository: &Repository, page: &mut Page, summary: &mut Summary) -> Result<()> {
    let program = built(repository)?;
    let folder = repository.target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let help = Command::new(&program).args(["size", "--help"]).output()?;
    if !help.status.success() {
        summary.not_run("sizing at scale", "the program has no `size`");
        return Ok(());
    }
    let mut rows = Vec::new();
    for (containers, is_mixed) in [(1_000, false), (1_000, true), (10_000, false)] {
        let table = folder.join(format!("containers-{containers}-{is_mixed}.csv"));
        let row = measured(&program, &table, containers, is_mixed);
        // A gigabyte: not left behind, whatever happened.
        std::fs::remove_file(&table).unwrap_or_default();
        rows.push(row?);
    }
    page.scale(&rows);
    judged(&rows, summary);
    Ok(())
}

fn judged(rows: &[Row], summary: &mut Summary) {
    for row in rows {
        let order = if row.is_mixed { "mixed by time" } else { "one after the other" };
        let what = format!(
            "{} containers of two weeks, {order}: {:.1} s, {} MiB at its peak",
            row.containers,
            row.ours.took.as_secs_f64(),
            row.ours.peak_kib >> 10
        );
        if !row.ours.succeeded || row.ours.lines as u64 != row.containers {
            summary.failed(&what, &format!("{} answers", row.ours.lines));
        } else if row.ours.peak_kib > MOST_KIB {
            summary.failed(&what, "more than 256 MiB");
        } else {
            summary.passed(&what);
        }
    }
    let plain = |number| rows.iter().find(|row| row.containers == number && !row.is_mixed);
    if let (Some(few), Some(many)) = (plain(1_000), plain(10_000)) {
        let times = Measured::ratio(&many.ours, &few.ours);
        let what = format!("ten times as many containers take {times:.1} times as long");
        if times <= MOST_TIMES {
            summary.passed(&what);
        } else {
            summary.failed(&what, "that is not linear");
        }
    }
}

fn measured(program: &Path, table: &Path, containers: u64, is_mixed: bool) -> Result<Row> {
    write(table, containers, is_mixed)?;
    let bytes = std::fs::metadata(table)?.len();
    say(&format!("{containers} containers, {} MiB of CSV", bytes >> 20));
    let mut command = Command::new(program);
    command.arg("size").arg(table).args(["--format", "json"]);
    let ours = measure::run(command, None)?;
    let mut python = Command::new("python3");
    python.args(["-c", KRR]).arg(table);
    let python = measure::run(python, None).ok();
    if python.as_ref().is_some_and(|python| python.lines as u64 != containers) {
        bail!("python3 did not answer for each container");
    }
    Ok(Row { containers, is_mixed, bytes, ours, python })
}

fn write(path: &Path, containers: u64, is_mixed: bool) -> Result<()> {
    let doing = || format!("could not write `{}`", path.display());
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).with_context(doing)?);
    out.write_all(b"series,t_s,mem_bytes\n")?;
    let mut all: Vec<Container> = (0..containers).map(Container::of).collect();
    if is_mixed {
        for sample in 0..SAMPLES {
            for container in &mut all {
                container.write(&mut out, sample)?;
            }
        }
    } else {
        for container in &mut all {
            for sample in 0..SAMPLES {
                container.write(&mut out, sample)?;
            }
        }
    }
    out.flush().with_context(doing)
}

/// One container's memory.
struct Container {
    number: u64,
    level: f64,
    wave: f64,
    leak: f64,
    step: f64,
    random: Random,
}

impl Container {
    fn of(number: u64) -> Self {
        let mut random = Random((number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut part = || (random.next() >> 11) as f64 / (1u64 << 53) as f64;
        let level = (24.0 + 1000.0 * part().powi(3)) * 1_048_576.0;
        let wave = 0.3 * part().powi(2);
        let leak = if number.is_multiple_of(50) { 0.5 * part() } else { 0.0 };
        let step = if number.is_multiple_of(7) { part() } else { 0.0 };
        Self { number, level, wave, leak, step, random }
    }

    fn write(&mut self, out: &mut impl Write, sample: u64) -> Result<()> {
        let noise = (self.random.next() >> 11) as f64 / (1u64 << 53) as f64;
        let (now, whole) = (sample as f64, SAMPLES as f64);
        let day = (now / 288.0 * std::f64::consts::TAU).sin();
        let part = 1.0
            + self.wave * day
            + self.leak * now / whole
            + if self.step > 0.0 && now > self.step * whole { 0.25 } else { 0.0 }
            + 0.02 * noise
            + if noise > 0.999 { 0.4 } else { 0.0 };
        let used = (self.level * part) as u64;
        writeln!(out, "c{:05},{},{used}", self.number, sample * STEP)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u64, samples: u64) -> String {
        let (mut container, mut out) = (Container::of(number), Vec::new());
        (0..samples).for_each(|sample| container.write(&mut out, sample).unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_table_is_the_same_each_time_and_no_two_containers_are() {
        assert_eq!(text(3, 500), text(3, 500));
        let used = |line: &str| line.rsplit(',').next().unwrap().parse::<u64>().unwrap();
        let (three, four) = (text(3, 9), text(4, 9));
        assert_ne!(used(three.lines().next().unwrap()), used(four.lines().next().unwrap()));
        assert!(three.lines().all(|line| line.starts_with("c00003,") && used(line) > 10 << 20));
    }
}
