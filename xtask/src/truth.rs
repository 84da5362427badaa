//! The truth table: what real runtimes say they may use in real cgroups, beside what why137 predicts.
//!
//! `cargo xtask truth [RUNTIME[@VERSION]…] [--cgroup v1|v2] [--save]`: each program is started once for every
//! question (`truth/cells.rs`) in a cgroup of the tool's own, and prints what it believes; `why137 audit
//! --predict` is asked the same. A difference is a failure, unless it stands as known with its reason
//! (`truth/said.rs`). cgroup v1 is this machine's, v2 the lab's virtual one's (`truth/machine.rs`, and
//! `truth/inside.rs` within). The results are `lab/results/truth-cgroup-v1.json` and `-v2.json`, told in
//! `docs/reference/truth.md`. `truth --saved` starts no runtime: why137 is asked again and compared with
//! what the runtimes said when they were last asked. Nothing is allocated: this measures beliefs, not deaths.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lab::Cgroup;
use serde_json::{Value, json};

use crate::repository::Repository;
use crate::summary::Summary;
use crate::truth_page;

mod cells;
pub(crate) mod inside;
mod machine;
pub(crate) mod place;
pub(crate) mod programs;
mod said;
mod saved;

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

/// What is wanted.
struct Asked<'a> {
    cgroup: Cgroup,
    save: bool,
    /// `node`, `java@17`; all, if there is none.
    runtimes: Vec<&'a str>,
}

impl<'a> Asked<'a> {
    fn understood(words: &[&'a str]) -> Result<Self> {
        let mut asked = Self { cgroup: Cgroup::V1, save: false, runtimes: Vec::new() };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match *word {
                "--save" => asked.save = true,
                "--cgroup" => match rest.next().copied().and_then(Cgroup::named) {
                    Some(cgroup) => asked.cgroup = cgroup,
                    None => bail!("--cgroup takes v1 or v2"),
                },
                word if RUNTIMES.contains(&word.split('@').next().unwrap_or_default()) => {
                    asked.runtimes.push(word);
                }
                wrong => bail!(
                    "no such runtime or option: `{wrong}`\n\nhint: cargo xtask truth {}",
                    RUNTIMES.join(" ")
                ),
            }
        }
        Ok(asked)
    }
}

/// Where the programs were asked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Machine {
    cpus: u32,
    /// Bytes.
    memory: u64,
    /// `6.12`
    kernel: String,
}

impl Machine {
    /// This one.
    fn here() -> Result<Self> {
        let (cpus, memory) = Place::machine()?;
        let kernel = said_by("uname", &["-r"])?;
        let kernel = kernel.split('.').take(2).collect::<Vec<_>>().join(".");
        Ok(Self { cpus, memory, kernel })
    }
}

/// What a program said to every question of its runtime, in their order.
struct Answers {
    version: String,
    build: Vec<String>,
    said: Vec<Said>,
}

/// What became of a program.
enum Outcome {
    /// It answered.
    Said(Answers),
    /// It is not to be had here.
    NotRun(String),
    /// It was there, and could not be asked.
    Failed(String),
}

/// Takes what became of each program, as it comes.
type Hear<'a> = &'a mut dyn FnMut(&Machine, &Program, Outcome) -> Result<()>;

/// Asks.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    match words {
        ["--saved"] => return saved::compare(repository, false, summary),
        ["--saved", "--save"] => return saved::compare(repository, true, summary),
        _ => {}
    }
    let asked = Asked::understood(words)?;
    let why_not = match asked.cgroup {
        Cgroup::V1 => place::why_not(),
        Cgroup::V2 => lab::why_no_machine().map(str::to_owned),
    };
    if let Some(why) = why_not {
        summary.not_run(&format!("truth on cgroup {}", asked.cgroup.word()), &why);
        return Ok(());
    }
    let begun = Instant::now();
    let why137 = repository.why137()?;
    let date = said_by("date", &["-u", "+%F"])?;
    let mut results = Vec::new();
    let mut hear = |machine: &Machine, program: &Program, outcome: Outcome| {
        let oracle = Oracle {
            program: &why137,
            cgroup: asked.cgroup,
            cpus: machine.cpus,
            memory: machine.memory,
        };
        let about = json!({"cpus": machine.cpus, "memory": machine.memory,
            "kernel": machine.kernel, "date": date});
        let mut result = match outcome {
            Outcome::Said(answers) => {
                let table = table(program.runtime, answers, &oracle)?;
                tell(program, &table, summary);
                saved(program, &table)
            }
            Outcome::NotRun(why) => {
                summary.not_run(&program.name(), &why);
                not_run(program, &why)
            }
            Outcome::Failed(why) => {
                summary.failed(&format!("truth: {}", program.name()), &why);
                not_run(program, &why)
            }
        };
        if let Some(fields) = result.as_object_mut() {
            fields.insert("machine".to_owned(), about);
        }
        results.push(result);
        Ok(())
    };
    match asked.cgroup {
        Cgroup::V1 => here(repository, &programs::all(&asked.runtimes), &mut hear)?,
        Cgroup::V2 => machine::ask(repository, &asked.runtimes, &mut hear)?,
    }
    let cells: usize = results.iter().map(truth_page::cells_of).sum();
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    crate::say(&format!("{} programs, {cells} cells, {minutes:.1} minutes", results.len()));
    if asked.save {
        truth_page::save(repository, asked.cgroup, results, &asked.runtimes)?;
    }
    Ok(())
}

/// Asks on this machine, which has cgroup v1.
fn here(repository: &Repository, programs: &[Program], hear: Hear<'_>) -> Result<()> {
    let place = Place::make(Cgroup::V1, 0)?;
    let machine = Machine::here()?;
    for program in programs {
        let outcome = match program.prepare(&repository.target.join("truth")) {
            Ok(ready) => match answers(&ready, &place, Cgroup::V1, &mut |_count| {}) {
                Ok(answers) => Outcome::Said(answers),
                Err(err) => Outcome::Failed(format!("{err:#}")),
            },
            Err(err) => Outcome::NotRun(format!("{err:#}")),
        };
        hear(&machine, program, outcome)?;
    }
    Ok(())
}

/// What a program prints.
pub(crate) fn said_by(program: &str, words: &[&str]) -> Result<String> {
    let done = Command::new(program).args(words).output().with_context(|| program.to_owned())?;
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

/// Asks a program everything; how many answers there are is told after each.
fn answers(
    ready: &Ready,
    place: &Place,
    cgroup: Cgroup,
    tell: &mut dyn FnMut(usize),
) -> Result<Answers> {
    let mut version = None;
    let mut all = Vec::new();
    for question in cells::questions(ready.runtime, cgroup) {
        let output = place.run(&question, &ready.launch(&question))?;
        let said = Said::by(&output);
        if all.is_empty() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            let complaint = complaint.trim().lines().next().unwrap_or_default().to_owned();
            let found = said.version.clone();
            version = Some(found.with_context(|| format!("it does not start: {complaint}"))?);
        }
        all.push(said);
        tell(all.len());
    }
    let version = version.context("no questions")?;
    Ok(Answers { version, build: ready.build_settings.clone(), said: all })
}

/// Puts the predictions beside the answers.
fn table(runtime: &str, answers: Answers, oracle: &Oracle<'_>) -> Result<Table> {
    let Answers { version, build, said } = answers;
    let mut rows: Vec<(String, Vec<Cell>)> = Vec::new();
    for (question, said) in cells::questions(runtime, oracle.cgroup).iter().zip(said) {
        let predicted = oracle.ask(runtime, &version, &build, question)?;
        let known = said::known(oracle.cgroup, runtime, &version, question);
        let cell = Cell { limit: question.limit, said, predicted, known };
        let name = question.row();
        match rows.iter_mut().find(|(row, _)| *row == name) {
            Some((_, cells)) => cells.push(cell),
            None => rows.push((name, vec![cell])),
        }
    }
    Ok(Table { version, build, rows })
}

impl Table {
    fn cells(&self) -> impl Iterator<Item = (&str, &Cell)> {
        self.rows.iter().flat_map(|(row, cells)| cells.iter().map(move |one| (row.as_str(), one)))
    }

    /// The disagreements that are not known, each in a line.
    fn wrong(&self) -> Vec<String> {
        self.cells()
            .filter(|(_, one)| !one.agrees() && one.known.is_none())
            .map(|(row, one)| {
                let (limit, said) = (limit_word(one.limit), one.said.saved());
                format!("{row}, limit {limit}: it says {said}, predicted {}", one.predicted.saved())
            })
            .collect()
    }

    /// `205 cells, 2 differ as known`
    fn count(&self) -> String {
        let known = self.cells().filter(|(_, one)| !one.agrees() && one.known.is_some()).count();
        let all = self.cells().count();
        if known > 0 {
            format!("{all} cells, {known} differ as known")
        } else {
            format!("{all} cells")
        }
    }

    /// Its rows in the results.
    fn saved(&self) -> Vec<Value> {
        self.rows.iter().map(saved_row).collect()
    }
}

fn tell(program: &Program, table: &Table, summary: &mut Summary) {
    let (name, version, count) = (program.name(), &table.version, table.count());
    settle(&format!("truth: {name} ({version}), {count}"), &table.wrong(), summary);
}

fn settle(title: &str, wrong: &[String], summary: &mut Summary) {
    if wrong.is_empty() {
        summary.passed(title);
    } else {
        summary.failed(title, &format!("{} differ:\n{}", wrong.len(), wrong.join("\n")));
    }
}

fn limit_word(limit: Option<u64>) -> String {
    limit.map_or("none".to_owned(), |limit| limit.to_string())
}

fn saved_row((row, cells): &(String, Vec<Cell>)) -> Value {
    // In the order of the questions, which a map would lose.
    let said: Vec<Value> = cells.iter().map(|one| json!([one.limit, one.said.saved()])).collect();
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
}

/// A program in the results.
fn saved(program: &Program, table: &Table) -> Value {
    json!({"runtime": program.runtime, "version": table.version, "origin": program.origin(),
        "build": table.build, "rows": table.saved()})
}

fn not_run(program: &Program, why: &str) -> Value {
    json!({"runtime": program.runtime, "origin": program.origin(), "not_run": why})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runtimes_and_options() {
        let asked = Asked::understood(&["node@12", "--cgroup", "v2", "go"]).unwrap();
        assert_eq!((asked.cgroup, asked.save), (Cgroup::V2, false));
        assert_eq!(asked.runtimes, ["node@12", "go"]);
        for wrong in [&["ruby"][..], &["--cgroup"], &["--cgroup", "v3"], &["--fast"]] {
            assert!(Asked::understood(wrong).is_err(), "{wrong:?}");
        }
    }
}
