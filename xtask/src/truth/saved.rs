//! `cargo xtask truth --saved`: the predictions of now beside what the runtimes said when they were asked.
//!
//! A step of the gate: it starts no runtime, only why137, once for every cell of both generations. A cell
//! that no question of now asks for fails too: what was measured is not to be lost unseen. With `--save` the
//! differences in the results become those of now; what the runtimes said stays.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use lab::Cgroup;
use serde_json::Value;

use super::said::Oracle;
use super::{Answers, cells, limit_word, settle, table};
use crate::repository::Repository;
use crate::summary::Summary;
use crate::truth_page;

/// One program's comparison.
struct Compared {
    title: String,
    wrong: Vec<String>,
    /// Its rows with the differences of now, if there was all that is asked for.
    rows: Option<Vec<Value>>,
}

/// Compares all that is saved; a generation without results fails.
pub(super) fn compare(repository: &Repository, save: bool, summary: &mut Summary) -> Result<()> {
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
    let done = all(&why137, &programs)?;
    let was_asked = |one: &&(Cgroup, Value)| one.1.get("not_run").is_none();
    if done.len() < programs.iter().filter(was_asked).count() {
        summary.failed("truth as saved", "not every program was compared");
    }
    for (at, compared) in done {
        settle(&compared.title, &compared.wrong, summary);
        let program = programs.get_mut(at).and_then(|(_, one)| one.as_object_mut());
        if let (Some(program), Some(rows)) = (program, compared.rows) {
            program.insert("rows".to_owned(), Value::Array(rows));
        }
    }
    for cgroup in [Cgroup::V1, Cgroup::V2].into_iter().filter(|_| save) {
        let of = programs.iter().filter(|(one, _)| *one == cgroup).map(|(_, one)| one.clone());
        truth_page::save(repository, cgroup, of.collect(), &[])?;
    }
    Ok(())
}

/// Each program that was asked, by its place.
fn all(why137: &Path, programs: &[(Cgroup, Value)]) -> Result<Vec<(usize, Compared)>> {
    // Side by side: a start of why137 for every cell is what takes the time.
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((cgroup, program)) = programs.get(at) else { return Ok(()) };
            if program.get("not_run").is_some() {
                continue;
            }
            let compared = compared(why137, *cgroup, program)?;
            if let Ok(mut done) = done.lock() {
                done.push((at, compared));
            }
        }
    };
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..hands).map(|_| scope.spawn(work)).collect();
        // Of a thread that panicked there is no comparison: the caller counts.
        all.into_iter().try_for_each(|one| one.join().unwrap_or(Ok(())))
    })?;
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    Ok(done)
}

fn compared(why137: &Path, cgroup: Cgroup, program: &Value) -> Result<Compared> {
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
    let (mut said, mut wrong) = (Vec::new(), Vec::new());
    for question in cells::questions(runtime, cgroup) {
        let row = question.row();
        match truth_page::said(program, &row, question.limit) {
            Some(found) => said.push(found),
            None => {
                wrong.push(format!(
                    "{row}, limit {}: it was never asked",
                    limit_word(question.limit)
                ));
            }
        }
    }
    let (saved, found) = (truth_page::cells_of(program), said.len());
    if saved != found {
        wrong.push(format!("{saved} cells are saved, {found} of them are asked for now"));
    }
    let title = format!("truth: {runtime} {version} on cgroup {} as saved", cgroup.word());
    if !wrong.is_empty() {
        return Ok(Compared { title, wrong, rows: None });
    }
    let answers = Answers { version: version.to_owned(), build, said };
    let table = table(runtime, answers, &oracle)?;
    let title = format!("{title}, {}", table.count());
    Ok(Compared { title, wrong: table.wrong(), rows: Some(table.saved()) })
}
