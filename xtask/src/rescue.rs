//! The rescue: real programs that are sized wrongly die at their limit, and live with what why137 prints.
//!
//! `cargo xtask rescue [NAME…] [--save]`: each workload (`rescue/workloads.rs`) is run until the kernel kills it
//! at its limit; why137 is asked (`align --predict`, with what was measured in that life and nothing else); its
//! settings are applied as they are printed; the same load is run again in the same limit. Where it says
//! that no setting helps it is run again all the same, and has to die. The results are
//! `lab/results/rescue.json`, told in `docs/reference/rescue.md`. `rescue --saved` starts no workload: what
//! why137 answers today is compared with what was proven.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

mod advice;
mod life;
mod page;
pub(crate) mod place;
pub(crate) mod programs;
pub(crate) mod workloads;

use advice::Told;
use life::{Life, Run};
pub(crate) use page::page;
use place::Launch;
use programs::Ready;
use workloads::{Expected, Measures, Workload};

use crate::repository::Repository;
use crate::summary::Summary;

/// A workload and all that came of it.
struct Row {
    workload: Workload,
    question: Vec<String>,
    answer: Value,
    died: Life,
    then: Life,
    /// The wrong settings in a limit twice as large, where that is allowed.
    larger: Option<Life>,
}

/// Runs them.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    if words == ["--saved"] {
        return saved(repository, summary);
    }
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != "--save").collect();
    let all = workloads::all(&names);
    if all.is_empty() {
        let known: Vec<&str> = workloads::all(&[]).iter().map(|one| one.name).collect();
        bail!("no such workload: `{}`\n\nhint: one of {}", names.join(" "), known.join(", "));
    }
    if let Some(why) = place::why_not() {
        summary.not_run("rescue", &why);
        return Ok(());
    }
    let why137 = repository.why137()?;
    let (cpus, memory) = crate::truth::place::Place::machine()?;
    let mut rows = Vec::new();
    for (at, workload) in all.iter().enumerate() {
        let bench = Bench { repository, why137: &why137, cpus, memory, number: at * 3 };
        match bench.row(workload) {
            Ok(row) => {
                tell(&row, summary);
                rows.push(row.value());
            }
            Err(err) => summary.failed(&title(workload), &format!("{err:#}")),
        }
    }
    if words.contains(&"--save") {
        page::save(repository, cpus, memory, rows)?;
    }
    Ok(())
}

fn title(workload: &Workload) -> String {
    format!("rescue: {} ({}, {} MiB)", workload.name, workload.runtime, workload.limit)
}

/// Where a workload is tried.
struct Bench<'a> {
    repository: &'a Repository,
    why137: &'a Path,
    cpus: u32,
    memory: u64,
    number: usize,
}

impl Bench<'_> {
    fn row(&self, workload: &Workload) -> Result<Row> {
        let ready = programs::ready(self.repository, workload.source)?;
        let wrongly = Told::wrongly(workload);
        programs::remember(&ready)?;
        let died = self.live(0, workload, &ready, &wrongly, workload.limit)?;
        let question = advice::question(workload, &died.seen, self.cpus, self.memory);
        let answer = advice::ask(self.why137, &question)?;
        let rightly = wrongly.clone().with(workload.files, &answer)?;
        if workload.expected == Expected::Rescued {
            programs::forget(&ready);
        }
        let then = self.live(1, workload, &ready, &rightly, workload.limit)?;
        let larger = match workload.limit * 2 {
            limit if limit <= 512 && workload.expected == Expected::Rescued => {
                Some(self.live(2, workload, &ready, &wrongly, limit)?)
            }
            _ => None,
        };
        Ok(Row { workload: *workload, question, answer, died, then, larger })
    }

    /// One life, with everything it writes in a folder that is new.
    fn live(
        &self,
        turn: usize,
        workload: &Workload,
        ready: &Ready,
        told: &Told,
        limit: u64,
    ) -> Result<Life> {
        let folder = self.repository.target.join("rescue/now");
        let scratch = Scratch::make(&folder, &self.repository.root.join("lab/workloads"))?;
        let here = if ready.root.is_some() { "/mnt".to_owned() } else { shown(&scratch.0) };
        let words = |words: &[String]| -> Vec<String> {
            let fill =
                |word: &String| word.replace("{here}", &here).replace("{program}", &ready.program);
            words.iter().map(fill).collect()
        };
        for (name, text) in &told.files {
            std::fs::write(scratch.0.join(name), text)?;
        }
        let launch = |list: &[String], environment: &[(String, String)]| Launch {
            root: ready.root.clone(),
            scratch: scratch.0.clone(),
            words: words(list),
            environment: environment.to_vec(),
        };
        let owned = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for step in workload.prepare {
            let mut command = launch(&owned(step), &[]).outside();
            let done = command.output().with_context(|| format!("could not run {step:?}"))?;
            if !done.status.success() {
                bail!("{step:?}: {}", String::from_utf8_lossy(&done.stderr).trim());
            }
        }
        let client = launch(&owned(workload.client), &[]);
        let run = Run {
            layout: workload.layout,
            limit,
            quota: workload.quota,
            launch: &launch(&told.words, &told.environment),
            client: (!workload.client.is_empty()).then_some(&client),
            done: workload.done,
        };
        life::live(self.number + turn, &run)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A folder for one life, removed after it.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn make(folder: &Path, workloads: &Path) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir_all(folder)
            .with_context(|| format!("could not make `{}`", folder.display()))?;
        for entry in std::fs::read_dir(workloads)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
            }
        }
        Ok(Self(folder.to_owned()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(err) = std::fs::remove_dir_all(&self.0) {
            crate::complain(&format!("could not remove `{}`: {err}", self.0.display()));
        }
    }
}

impl Row {
    /// What is wrong with the row; nothing: it went as it has to.
    fn wrong(&self) -> Option<String> {
        let (died, then) = (&self.died, &self.then);
        let said = |field: &str| !advice::says(&self.answer, field).is_empty();
        if died.counts.kills == 0 || died.done {
            return Some(format!("it does not die at its limit: {}", died.brief()));
        }
        let settings = advice::settings(&self.answer).len();
        match self.workload.expected {
            Expected::Rescued if settings == 0 || said("cannot") || said("missing") => {
                Some(format!("why137 does not save it: {}", self.answer))
            }
            Expected::Rescued if !then.done || then.counts.kills > 0 => {
                Some(format!("what why137 printed does not save it: {}", then.brief()))
            }
            Expected::Refused if !said("cannot") => {
                Some(format!("why137 does not say that nothing helps: {}", self.answer))
            }
            Expected::Refused if then.done => {
                Some(format!("why137 said that nothing helps, and it lives: {}", then.brief()))
            }
            Expected::OwnError(words) if then.counts.kills > 0 || !then.said.contains(words) => {
                Some(format!("it does not end by its own error: {}", then.brief()))
            }
            Expected::SoftCeiling if !said("unbounded") || then.done => {
                Some(format!("it was to die, and why137 to warn of it: {}", then.brief()))
            }
            _ => None,
        }
    }
}

fn tell(row: &Row, summary: &mut Summary) {
    let title = title(&row.workload);
    match row.wrong() {
        None => {
            let word = row.workload.expected.word();
            summary.passed(&format!("{title}: {word}; {}", row.then.brief()));
        }
        Some(why) => {
            let measured = match row.workload.measures {
                Measures::Nothing => String::new(),
                _ => format!(", measured {:?}", row.died.seen),
            };
            let settings: Vec<&str> = advice::settings(&row.answer)
                .iter()
                .map(|setting| advice::says(setting, "word"))
                .collect();
            let died = row.died.brief();
            summary.failed(&title, &format!("{why}\nbefore: {died}{measured}\ntold: {settings:?}"));
        }
    }
}

impl Life {
    fn brief(&self) -> String {
        format!(
            "exit {}, {} killed, done: {}, peak {} MiB, {} of it without a file, {:.1} s ({} ms of CPU), `{}`",
            self.exit.map_or("none".to_owned(), |code| code.to_string()),
            self.counts.kills,
            self.done,
            self.counts.peak >> 20,
            self.unbacked >> 20,
            self.seconds,
            self.counts.cpu / 1_000_000,
            self.last
        )
    }
}

/// Asks again what was asked when the workloads were run.
fn saved(repository: &Repository, summary: &mut Summary) -> Result<()> {
    let why137 = repository.why137()?;
    for row in page::rows(repository)? {
        let name = advice::says(&row, "name");
        let title = format!("rescue: {name} as saved");
        let question: Vec<String> = row
            .get("question")
            .and_then(Value::as_array)
            .map(|words| words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        let answer = advice::ask(&why137, &question)?;
        let then = page::printed(&answer);
        match row.get("printed") == Some(&then) {
            true => summary.passed(&title),
            false => summary.failed(
                &title,
                &format!(
                    "why137 now prints {then}, which nobody has tried\nhint: cargo xtask rescue {name} --save"
                ),
            ),
        }
    }
    Ok(())
}
