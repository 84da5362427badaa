//! `cargo xtask truth --saved`: the predictions of now beside what the runtimes said when they were asked.
//!
//! A step of the gate: it starts no runtime, only why137, once for every cell of both generations. A cell
//! that no question of now asks for fails too: what was measured is not to be lost unseen.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use lab::Cgroup;
use serde_json::Value;

use super::said::{Oracle, known};
use super::{cells, limit_word};
use crate::repository::Repository;
use crate::summary::Summary;
use crate::truth_page;

/// One program's comparison.
struct Compared {
    title: String,
    cells: usize,
    wrong: Vec<String>,
}

/// Compares all that is saved; a generation without results fails.
pub(super) fn compare(repository: &Repository, summary: &mut Summary) -> Result<()> {
    let why137 = repository.why137()?;
    let mut programs: Vec<(Cgroup, Value)> = Vec::new();
    for cgroup in [Cgroup::V1, Cgroup::V2] {
        match truth_page::programs(repository, cgroup) {
            Ok(of) => programs.extend(of.into_iter().map(|one| (cgroup, one))),
            Err(err) => {
                summary.failed(&format!("truth on cgroup {}", cgroup.word()), &format!("{err:#}"));
            }
        }
    }
    programs.retain(|(_, one)| one.get("not_run").is_none());
    // Side by side: a start of why137 for every cell is what takes the time.
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((cgroup, program)) = programs.get(at) else { return Ok(()) };
            let compared = compared(&why137, *cgroup, program)?;
            if let Ok(mut done) = done.lock() {
                done.push((at, compared));
            }
        }
    };
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..hands).map(|_| scope.spawn(work)).collect();
        all.into_iter().try_for_each(|one| one.join().unwrap_or(Ok(())))
    })?;
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    if done.len() < programs.len() {
        summary.failed("truth as saved", "not every program was compared");
    }
    for (_, Compared { title, cells, wrong }) in done {
        let title = format!("{title}, {cells} cells as saved");
        match wrong.is_empty() {
            true => summary.passed(&title),
            false => summary.failed(&title, &wrong.join("\n")),
        }
    }
    Ok(())
}

fn compared(why137: &std::path::Path, cgroup: Cgroup, program: &Value) -> Result<Compared> {
    let word = |name: &str| program.get(name).and_then(Value::as_str).unwrap_or_default();
    let (runtime, version) = (word("runtime"), word("version"));
    let number = |name: &str| program.pointer(name).and_then(Value::as_u64);
    let cpus = u32::try_from(number("/machine/cpus").context("no processors are saved")?)?;
    let memory = number("/machine/memory").context("no memory is saved")?;
    let oracle = Oracle { program: why137, cgroup, cpus, memory };
    let build = program.get("build").and_then(Value::as_array);
    let build: Vec<String> = build
        .map(|lines| lines.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    let (mut cells, mut wrong) = (0, Vec::new());
    for question in cells::questions(runtime, cgroup) {
        let (row, limit) = (question.row(), limit_word(question.limit));
        let Some(said) = truth_page::said(program, &row, question.limit) else {
            wrong.push(format!("{row}, limit {limit}: it was never asked"));
            continue;
        };
        cells += 1;
        let predicted = oracle.ask(runtime, version, &build, &question)?;
        if !said.agrees(&predicted) && known(cgroup, runtime, version, &question).is_none() {
            let (said, now) = (said.saved(), predicted.saved());
            wrong.push(format!("{row}, limit {limit}: it said {said}, predicted {now}"));
        }
    }
    let saved = truth_page::cells_of(program);
    if saved != cells {
        wrong.push(format!("{saved} cells are saved, {cells} of them are asked for now"));
    }
    let title = format!("truth: {runtime} {version} on cgroup {}", cgroup.word());
    Ok(Compared { title, cells, wrong })
}
