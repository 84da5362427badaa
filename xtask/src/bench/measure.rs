//! One program run once: how long, how much memory, did it succeed.
//!
//! Standard output is read to its end: GNU grep stops at the first match when it writes to
//! `/dev/null`. The peak is `VmHWM` of proc(5), looked at while the program runs.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::repository::words;

/// What one run took.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) took: Duration,
    pub(super) peak_kib: u64,
    pub(super) succeeded: bool,
    /// Lines of its output.
    pub(super) lines: usize,
}

impl Measured {
    /// How many times as long one took as the other.
    pub(super) fn ratio(one: &Self, other: &Self) -> f64 {
        one.took.as_secs_f64() / other.took.as_secs_f64().max(f64::EPSILON)
    }
}

/// Runs a program to its end; `input` goes to its standard input through a pipe.
pub(super) fn run(mut command: Command, input: Option<&Path>) -> Result<Measured> {
    let line = words(&command);
    let doing = || format!("could not run `{line}`");
    let feeder = match input {
        Some(path) => {
            let mut cat = Command::new("cat").arg(path).stdout(Stdio::piped()).spawn()?;
            command.stdin(cat.stdout.take().context("cat has no output")?);
            Some(cat)
        }
        None => {
            command.stdin(Stdio::null());
            None
        }
    };
    let begun = Instant::now();
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().with_context(doing)?;
    drop(command);
    let output = child.stdout.take();
    let drain = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output.map(|mut output| output.read_to_end(&mut bytes)).transpose()?;
        Ok::<_, std::io::Error>(bytes.iter().filter(|byte| **byte == b'\n').count())
    });
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak(child.id()).unwrap_or(peak_kib).max(peak_kib);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = begun.elapsed();
    let drained = drain.join();
    let lines = drained.map_err(|_panic| anyhow::anyhow!("`{line}` was not read to its end"))?;
    let lines = lines.with_context(|| format!("could not read what `{line}` wrote"))?;
    if let Some(mut cat) = feeder {
        cat.wait()?;
    }
    Ok(Measured { took, peak_kib, succeeded: status.success(), lines })
}

/// How long a short program takes from its start to its end.
pub(super) fn start(mut command: Command) -> Result<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    command.status().with_context(|| format!("could not run `{}`", words(&command)))?;
    Ok(begun.elapsed())
}

fn peak(pid: u32) -> Option<u64> {
    let mut status = String::new();
    File::open(format!("/proc/{pid}/status")).ok()?.read_to_string(&mut status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Smallest, median, largest.
pub(super) fn spread(values: &mut [f64]) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(values.len() / 2), at(values.len().saturating_sub(1)))
}

/// All rounds over one input.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) ours: Vec<Measured>,
    pub(super) grep: Vec<Measured>,
    pub(super) rg: Vec<Measured>,
}

impl Figures {
    /// One row of the table.
    pub(super) fn row(&self, what: &str, bytes: u64) -> String {
        let ratios = |others: &[Measured]| {
            let mut found: Vec<f64> = others
                .iter()
                .zip(&self.ours)
                .map(|(other, ours)| Measured::ratio(other, ours))
                .collect();
            if found.is_empty() {
                return "not installed".to_owned();
            }
            let (min, median, max) = spread(&mut found);
            format!("{min:.2} / {median:.2} / {max:.2}")
        };
        let mut times: Vec<f64> =
            self.ours.iter().map(|seen| seen.took.as_nanos() as f64 / bytes as f64).collect();
        let (_, nanos, _) = spread(&mut times);
        let most = self.ours.iter().map(|seen| seen.peak_kib).max().unwrap_or(0);
        format!(
            "| {what} | {} | {} | {nanos:.2} ns, {:.1} MiB |",
            ratios(&self.grep),
            ratios(&self.rg),
            most as f64 / 1024.0
        )
    }
}
