//! The truth table: what real runtimes say they may use in real cgroups, beside what why137 predicts.
//!
//! `cargo xtask truth [RUNTIME[@VERSION]…] [--save]`: each program is started once for every question
//! (`truth/cells.rs`) in a cgroup of the tool's own, and prints what it believes; `why137 audit --predict` is
//! asked the same. A difference is a failure, unless it stands as known with its reason
//! (`truth/said.rs`). The results are `lab/results/truth-cgroup-v1.json`, told in
//! `docs/reference/truth.md`. `truth --saved` starts no runtime: why137 is asked again and compared with what
//! the runtimes said when they were last asked. Nothing is allocated: this measures beliefs, not deaths.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::repository::Repository;
use crate::summary::Summary;
use crate::truth_page;

mod cells;
mod place;
mod programs;
mod said;

use cells::Question;
use place::Place;
use programs::{Program, Ready};
use said::Oracle;
pub(crate) use said::Said;

const RUNTIMES: [&str; 4] = ["node", "java", "go", "python"];

/// One program's answers.
struct Table {
    version: String,
    build: Vec<String>,
    rows: Vec<(String, Vec<Cell>)>,
}

/// A question's answer.
struct Cell {
    limit: Option<u64>,
    said: Said,
    predicted: Said,
    known: Option<&'static str>,
}

impl Cell {
    fn agrees(&self) -> bool {
        self.said.agrees(&self.predicted)
    }
}

/// Asks.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let save = words.contains(&"--save");
    let options = ["--save", "--saved"];
    let runtimes: Vec<&str> =
        words.iter().copied().filter(|word| !options.contains(word)).collect();
    let runtime_of = |word: &str| word.split('@').next().unwrap_or_default().to_owned();
    let is_known = |word: &&&str| RUNTIMES.contains(&runtime_of(word).as_str());
    if let Some(wrong) = runtimes.iter().find(|word| !is_known(word)) {
        bail!(
            "no such runtime or option: `{wrong}`\n\nhint: cargo xtask truth {}",
            RUNTIMES.join(" ")
        );
    }
    if words == ["--saved"] {
        return saved_again(repository, summary);
    }
    if let Some(why) = place::why_not() {
        summary.not_run("truth", &why);
        return Ok(());
    }
    let program = repository.why137()?;
    let place = Place::make()?;
    let (cpus, memory) = Place::machine()?;
    let oracle = Oracle { program: &program, cpus, memory };
    let mut results = Vec::new();
    for program in programs::all(&runtimes) {
        match table(repository, &program, &place, &oracle) {
            Ok(Some(table)) => {
                tell(&program, &table, summary);
                results.push(saved(&program, &table));
            }
            Ok(None) => {
                let why = format!("why137 predicts nothing for {}", program.runtime);
                summary.not_run(&program.name(), &why);
                results.push(not_run(&program, &why));
            }
            Err(err) => {
                let why = format!("{err:#}");
                summary.not_run(&program.name(), &why);
                results.push(not_run(&program, &why));
            }
        }
    }
    if save {
        let date = said_by("date", &["-u", "+%F"])?;
        let kernel = said_by("uname", &["-r"])?;
        let kernel: String = kernel.split('.').take(2).collect::<Vec<_>>().join(".");
        let machine = json!({"cpus": cpus, "memory": memory, "kernel": kernel, "date": date});
        truth_page::save(repository, machine, results, &runtimes)?;
    }
    Ok(())
}

fn said_by(program: &str, words: &[&str]) -> Result<String> {
    let done = Command::new(program).args(words).output().with_context(|| program.to_owned())?;
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Asks a program everything; `None` where why137 does not know its runtime.
fn table(
    repository: &Repository,
    program: &Program,
    place: &Place,
    oracle: &Oracle<'_>,
) -> Result<Option<Table>> {
    let ready = program.prepare(&repository.target.join("truth"))?;
    let questions = cells::questions(ready.runtime);
    let first = questions.first().context("no questions")?;
    let output = place.run(first, &ready.launch(first))?;
    let Some(version) = Said::by(&output).version else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("it does not start: {}", complaint.trim().lines().next().unwrap_or_default());
    };
    let mut rows: Vec<(String, Vec<Cell>)> = Vec::new();
    for question in &questions {
        let Some(cell) = cell(&ready, &version, question, place, oracle)? else { return Ok(None) };
        let name = question.row();
        match rows.iter_mut().find(|(row, _)| *row == name) {
            Some((_, cells)) => cells.push(cell),
            None => rows.push((name, vec![cell])),
        }
    }
    Ok(Some(Table { version, build: ready.build_settings.clone(), rows }))
}

fn cell(
    ready: &Ready,
    version: &str,
    question: &Question,
    place: &Place,
    oracle: &Oracle<'_>,
) -> Result<Option<Cell>> {
    let asked = oracle.ask(ready.runtime, version, &ready.build_settings, question)?;
    let Some(predicted) = asked else { return Ok(None) };
    let said = Said::by(&place.run(question, &ready.launch(question))?);
    let known = said::known(ready.runtime, version, question);
    Ok(Some(Cell { limit: question.limit, said, predicted, known }))
}

fn tell(program: &Program, table: &Table, summary: &mut Summary) {
    let all = || table.rows.iter().flat_map(|(row, cells)| cells.iter().map(move |one| (row, one)));
    let known = all().filter(|(_, one)| !one.agrees() && one.known.is_some()).count();
    let wrong: Vec<String> = all()
        .filter(|(_, one)| !one.agrees() && one.known.is_none())
        .map(|(row, one)| {
            let (limit, said) = (limit_word(one.limit), one.said.saved());
            format!("{row}, limit {limit}: it says {said}, predicted {}", one.predicted.saved())
        })
        .collect();
    let title = format!("truth: {} ({}), {} cells", program.name(), table.version, all().count());
    let title = if known > 0 { format!("{title}, {known} differ as known") } else { title };
    if wrong.is_empty() {
        summary.passed(&title);
    } else {
        summary.failed(&title, &format!("{} differ:\n{}", wrong.len(), wrong.join("\n")));
    }
}

fn limit_word(limit: Option<u64>) -> String {
    limit.map_or("none".to_owned(), |limit| limit.to_string())
}

/// A program in the results.
fn saved(program: &Program, table: &Table) -> Value {
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|(row, cells)| {
            // In the order of the questions, which a map would lose.
            let said: Vec<Value> =
                cells.iter().map(|one| json!([one.limit, one.said.saved()])).collect();
            let differ: BTreeMap<String, Value> = cells
                .iter()
                .filter(|one| !one.agrees())
                .map(|one| {
                    let value = json!({"predicted": one.predicted.saved(), "known": one.known});
                    (limit_word(one.limit), value)
                })
                .collect();
            match differ.is_empty() {
                true => json!({"row": row, "said": said}),
                false => json!({"row": row, "said": said, "differ": differ}),
            }
        })
        .collect();
    json!({"runtime": program.runtime, "version": table.version, "origin": program.origin(),
        "build": table.build, "rows": rows})
}

/// Compares the predictions of now with what was said when the runtimes were asked.
fn saved_again(repository: &Repository, summary: &mut Summary) -> Result<()> {
    let why137 = repository.why137()?;
    for program in truth_page::programs(repository)? {
        let word = |name: &str| program.get(name).and_then(Value::as_str).unwrap_or_default();
        let (runtime, version) = (word("runtime"), word("version"));
        let number = |name: &str| program.pointer(name).and_then(Value::as_u64).unwrap_or_default();
        let cpus = u32::try_from(number("/machine/cpus"))?;
        let oracle = Oracle { program: &why137, cpus, memory: number("/machine/memory") };
        let build = program.get("build").and_then(Value::as_array);
        let build: Vec<String> = build
            .map(|lines| lines.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        let (mut cells, mut wrong) = (0, Vec::new());
        for question in cells::questions(runtime) {
            let row = question.row();
            let Some(said) = truth_page::said(&program, &row, question.limit) else { continue };
            let Some(predicted) = oracle.ask(runtime, version, &build, &question)? else {
                continue;
            };
            cells += 1;
            if !said.agrees(&predicted) && said::known(runtime, version, &question).is_none() {
                let limit = limit_word(question.limit);
                let (said, now) = (said.saved(), predicted.saved());
                wrong.push(format!("{row}, limit {limit}: it said {said}, predicted {now}"));
            }
        }
        let title = format!("truth: {runtime} {version} as saved, {cells} cells");
        match (cells, wrong.is_empty()) {
            (0, _) => summary.not_run(&title, "nothing is saved for the questions of now"),
            (_, true) => summary.passed(&title),
            (_, false) => summary.failed(&title, &wrong.join("\n")),
        }
    }
    Ok(())
}

fn not_run(program: &Program, why: &str) -> Value {
    json!({"runtime": program.runtime, "origin": program.origin(), "not_run": why})
}
