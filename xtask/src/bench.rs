//! `cargo xtask bench`: how fast why137 is, as ratios to well-known programs in one run.
//!
//! Absolute times say more about the machine than about the program, so every figure is a ratio to
//! a program that does a part of the same work on the same warm file, started alternately. Not part
//! of the gate: a machine that does other work besides shows noise. `--save` writes
//! docs/reference/bench.md.

mod inputs;
mod leaks;
mod live;
mod measure;
mod sizing;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::say;
use crate::summary::Summary;
use measure::Figures;

/// The words that the others look for.
const PATTERN: &str = "killed process|out of memory";
/// No more of memory than this, whatever the size of the text.
const LARGEST_KIB: u64 = 64 << 10;

/// What stands behind `bench`.
struct Words {
    save: bool,
    rounds: usize,
    container: Option<String>,
    only_live: bool,
}

/// Measures every row and prints it.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    if let Some((&live::IN_PLACE, words)) = words.split_first() {
        return live::in_place(words);
    }
    if let Some((&leaks::VERB, words)) = words.split_first() {
        return leaks::run(repository, words, summary);
    }
    if let Some((&sizing::VERB, words)) = words.split_first() {
        return sizing::run(repository, words, summary);
    }
    let words = understood(words)?;
    let program = built(repository)?;
    let folder = repository.target.join("bench");
    std::fs::create_dir_all(&folder)?;
    let mut rows = Vec::new();
    for input in inputs::all().into_iter().filter(|_| !words.only_live) {
        let path = input.write(&folder)?;
        for by_pipe in [false, true].into_iter().take(if input.also_by_pipe { 2 } else { 1 }) {
            rows.push(scan(&program, &path, input.name, by_pipe, words.rounds, summary)?);
        }
    }
    if !words.only_live {
        rows.extend(run_row(&program, words.rounds, summary)?);
        rows.push(entry_row(&program, words.rounds, summary)?);
    }
    rows.extend(container_row(&program, repository, &words, summary)?);
    for row in &rows {
        say(row);
    }
    if words.save {
        if words.only_live {
            bail!("--save writes the whole page: it does not go with --live");
        }
        let page = repository.root.join("docs/reference/bench.md");
        std::fs::write(&page, page_of(&rows)?).context("could not write the page")?;
        say(&format!("wrote {}", repository.inside(&page)));
    }
    Ok(())
}

fn understood(words: &[&str]) -> Result<Words> {
    let mut found = Words { save: false, rounds: 7, container: None, only_live: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--save" => found.save = true,
            "--live" => found.only_live = true,
            "--rounds" => {
                let number = words.next().context("--rounds takes a number")?;
                found.rounds = number.parse().context("--rounds takes a number")?;
            }
            "--container" => {
                found.container =
                    Some((*words.next().context("--container takes a name")?).to_owned());
            }
            other => bail!("bench knows no `{other}`\n\nhint: cargo xtask --help"),
        }
    }
    Ok(found)
}

fn built(repository: &Repository) -> Result<std::path::PathBuf> {
    if let Some(given) = std::env::var_os("WHY137") {
        return Ok(given.into());
    }
    repository.succeed(&mut repository.cargo(&[
        "build",
        "--quiet",
        "--release",
        "--package",
        "cli",
    ]))?;
    Ok(repository.target.join("release/why137"))
}

/// why137, grep and rg over one file.
fn scan(
    program: &Path,
    path: &Path,
    name: &str,
    by_pipe: bool,
    rounds: usize,
    summary: &mut Summary,
) -> Result<String> {
    let ours = || {
        let mut command = Command::new(program);
        command.args(["explain", "--quiet"]);
        if by_pipe {
            command.arg("-")
        } else {
            command.arg(path)
        };
        command
    };
    let other = |words: &[&str]| {
        let mut command = Command::new(words.first().copied().unwrap_or("grep"));
        command.args(words.iter().skip(1)).env("LC_ALL", "C");
        if !by_pipe {
            command.arg(path);
        }
        command
    };
    let input = by_pipe.then_some(path);
    let mut figures = Figures::default();
    // Once for nothing: whoever is first would read from the disk.
    measure::run(other(&["grep", "-iE", PATTERN]), input)?;
    for _round in 0..rounds {
        figures.ours.push(measure::run(ours(), input)?);
        figures.grep.push(measure::run(other(&["grep", "-iE", PATTERN]), input)?);
        figures.rg.extend(measure::run(other(&["rg", "-i", PATTERN]), input).ok());
    }
    let bytes = std::fs::metadata(path)?.len();
    let what = format!("{name}{}", if by_pipe { ", by a pipe" } else { "" });
    let most = figures.ours.iter().map(|seen| seen.peak_kib).max().unwrap_or(0);
    if most > LARGEST_KIB {
        summary.failed(&what, &format!("{} MiB of memory at its peak", most >> 10));
    } else {
        summary.passed(&format!("{what}: peak memory {} MiB", most >> 10));
    }
    Ok(figures.row(&what, bytes))
}

/// What `why137 run` adds to the start of a program.
fn run_row(program: &Path, rounds: usize, summary: &mut Summary) -> Result<Option<String>> {
    let ours = || {
        let mut command = Command::new(program);
        command.args(["run", "--", "true"]);
        command
    };
    if !measure::run(ours(), None)?.succeeded {
        summary.not_run("run -- true", "`why137 run -- true` does not succeed here");
        return Ok(None);
    }
    let mut differences = Vec::new();
    for _round in 0..rounds * 5 {
        let mut shell = Command::new("sh");
        shell.args(["-c", "true"]);
        let (ours, shell) = (measure::start(ours())?, measure::start(shell)?);
        differences.push(ours.saturating_sub(shell).as_secs_f64() * 1000.0);
    }
    let (min, median, max) = measure::spread(&mut differences);
    Ok(Some(format!(
        "| `why137 run -- true` over `sh -c true` | {min:.1} / {median:.1} / {max:.1} ms more | | |"
    )))
}

/// A start of a container may take this much longer, in milliseconds.
const MOST_AT_A_START: f64 = 5.0;

/// What `why137 env` adds to the start of a program, with a limit and a runtime to look at.
fn entry_row(program: &Path, rounds: usize, summary: &mut Summary) -> Result<String> {
    let mut rows = Vec::new();
    for words in [&["true"][..], &["node", "--version"]] {
        let Some((first, rest)) = words.split_first() else { continue };
        let mut differences = Vec::new();
        for _round in 0..rounds * 5 {
            let (mut ours, mut alone) = (Command::new(program), Command::new(first));
            ours.args(["env", "--"]).args(words);
            alone.args(rest);
            let Ok(alone) = measure::start(alone) else { break };
            let ours = measure::start(ours)?;
            differences.push((ours.as_secs_f64() - alone.as_secs_f64()) * 1000.0);
        }
        let line = words.join(" ");
        if differences.is_empty() {
            summary.not_run(&format!("env -- {line}"), &format!("`{first}` is not installed"));
            continue;
        }
        let (min, median, max) = measure::spread(&mut differences);
        if median > MOST_AT_A_START {
            summary.failed(&format!("env -- {line}"), &format!("{median:.1} ms more at the start"));
        } else {
            summary.passed(&format!("env -- {line}: {median:.1} ms more at the start"));
        }
        rows.push(format!(
            "| `why137 env -- {line}` over `{line}` | {min:.1} / {median:.1} / {max:.1} ms more | | |"
        ));
    }
    Ok(rows.join("\n"))
}

/// A container's question beside what Docker's own client needs to show it: the container that is
/// named, else one of the lab's.
fn container_row(
    program: &Path,
    repository: &Repository,
    words: &Words,
    summary: &mut Summary,
) -> Result<Option<String>> {
    let Some(name) = &words.container else {
        return live::row(program, repository, words.rounds, summary);
    };
    let mut ratios = Vec::new();
    for _round in 0..words.rounds * 5 {
        let mut ours = Command::new(program);
        ours.arg(name);
        let mut docker = Command::new("docker");
        docker.args(["inspect", name]);
        if !docker.output()?.status.success() {
            bail!("`docker inspect {name}` does not succeed");
        }
        let (ours, docker) = (measure::start(ours)?, measure::start(docker)?);
        ratios.push(ours.as_secs_f64() / docker.as_secs_f64());
    }
    let (min, median, max) = measure::spread(&mut ratios);
    Ok(Some(format!(
        "| `why137 {name}` to `docker inspect {name}` (wall time) | {min:.2} / {median:.2} / {max:.2} | | |"
    )))
}

fn page_of(rows: &[String]) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let date = Command::new("date").args(["-u", "+%F"]).output()?.stdout;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split_whitespace().next().unwrap_or("?").to_owned();
    Ok(format!(
        "# Speed\n\n\
         Written by `cargo xtask bench --save` on {}, {cores} cores, kernel {}, load {load} at the end.\n\n\
         A ratio above 1 means that why137 was that many times as fast as `LC_ALL=C grep -iE '{PATTERN}'`\n\
         (or `rg -i`) on the same warm file; smallest, median and largest of the rounds, started alternately.\n\
         why137 reads, searches, takes the digest, redacts, judges and answers in that time.\n\n\
         | input | to grep | to rg | ns/byte, peak memory |\n| --- | --- | --- | --- |\n{}\n",
        String::from_utf8_lossy(&date).trim(),
        release.trim(),
        rows.join("\n").replace(&format!("'{PATTERN}'"), "'killed process\\|out of memory'"),
    ))
}
