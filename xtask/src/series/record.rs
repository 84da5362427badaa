//! One recording: a program in a cgroup of its own, told its load tick by tick, and sampled until its day is over
//! or the kernel has ended it.
//!
//! Time is compressed: one real second is one told minute, so a tick (a quarter of a second) stands for 15
//! seconds. Collectors and allocators live in real time all the same. Nothing is judged here.
//! Reference: Linux `Documentation/admin-guide/cgroup-v1/memory.rst`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::plans::Plan;
use crate::rescue::place::{Launch, Layout, Place, number};

/// A told minute is a real second.
pub(super) const FACTOR: f64 = 60.0;
/// How long a tick takes.
const TICK: Duration = Duration::from_millis(250);
/// Every other tick is sampled: two samples a second.
const SAMPLED: usize = 2;

/// One sample, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Row {
    /// Told seconds since the start.
    pub(super) at: f64,
    /// What the kernel cannot take back: anonymous, shared and kernel memory, and hot file pages.
    pub(super) mem: u64,
    pub(super) usage: u64,
    pub(super) anon: u64,
    /// All file pages, shared memory left out.
    pub(super) file: u64,
    pub(super) requests: u64,
    pub(super) kills: u64,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) rows: Vec<Row>,
    /// The kernel ended it at its limit.
    pub(super) was_killed: bool,
    /// What was kept for ever until the end.
    pub(super) leaked: u64,
    /// What it printed to stderr.
    pub(super) said: String,
}

/// Records it; `ticks` of its day.
pub(super) fn record(count: usize, plan: &Plan, launch: &Launch, ticks: usize) -> Result<Recorded> {
    let place = Place::make(count, plan.limit, None)?;
    let log = launch.scratch.join("stderr");
    let said = File::create(&log).with_context(|| format!("could not make `{}`", log.display()))?;
    let mut command = place.command(Layout::Container, launch);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(said);
    let mut program =
        command.spawn().with_context(|| format!("could not start `{}`", plan.name))?;
    let first = program.id();
    let done = AtomicU64::new(0);
    let recorded = std::thread::scope(|scope| {
        if let Some(out) = program.stdout.take() {
            scope.spawn(|| count_requests(out, &done));
        }
        let recorded = watch(&place, &mut program, plan, &done, ticks);
        // Its stdin is closed: it ends by itself, or is ended.
        drop(program.stdin.take());
        place.end(first);
        recorded
    });
    program.wait()?;
    let mut recorded = recorded?;
    recorded.said = std::fs::read_to_string(&log).unwrap_or_default();
    Ok(recorded)
}

fn count_requests(out: impl std::io::Read, done: &AtomicU64) {
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        if let Ok(count) = line.trim().parse() {
            done.store(count, Ordering::Relaxed);
        }
    }
}

fn watch(
    place: &Place,
    program: &mut Child,
    plan: &Plan,
    done: &AtomicU64,
    ticks: usize,
) -> Result<Recorded> {
    let begun = Instant::now();
    let mut recorded =
        Recorded { rows: Vec::new(), was_killed: false, leaked: 0, said: String::new() };
    for (tick, told) in plan.day(ticks).into_iter().enumerate() {
        let due = TICK * u32::try_from(tick)?;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let sent = program
            .stdin
            .as_mut()
            .is_some_and(|stdin| stdin.write_all(told.line().as_bytes()).is_ok());
        let is_over = !sent || program.try_wait()?.is_some();
        if tick % SAMPLED == 0 || is_over {
            let mut row = sample(place, begun.elapsed().as_secs_f64() * FACTOR);
            row.requests = done.load(Ordering::Relaxed);
            recorded.was_killed = row.kills > 0;
            if is_over || recorded.was_killed {
                // Its pages are going or gone: the last sample that was whole stands for the moment of death.
                let last = recorded.rows.last().copied().unwrap_or_default();
                recorded.rows.push(Row { at: row.at, kills: row.kills, ..last });
                return Ok(recorded);
            }
            recorded.rows.push(row);
        }
        recorded.leaked += told.leak + told.off_heap;
    }
    Ok(recorded)
}

fn sample(place: &Place, at: f64) -> Row {
    let read = |file: &str| std::fs::read_to_string(place.file("memory", file)).unwrap_or_default();
    let one = |file: &str| read(file).trim().parse::<u64>().unwrap_or(0);
    let stat = read("memory.stat");
    let of = |key: &str| number(&stat, key).unwrap_or(0);
    let (anon, shmem) = (of("total_rss"), of("total_shmem"));
    let kernel = one("memory.kmem.usage_in_bytes");
    Row {
        at,
        mem: anon + shmem + kernel + of("total_active_file"),
        usage: one("memory.usage_in_bytes"),
        anon,
        file: of("total_cache").saturating_sub(shmem),
        requests: 0,
        kills: number(&read("memory.oom_control"), "oom_kill").unwrap_or(0),
    }
}
