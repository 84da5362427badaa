//! `cargo xtask fuzz`: hostile bytes for every parser room and for the whole road, from seeds that
//! are made here out of the dossiers and of the examples in the readers' own tests.
//!
//! The targets and what they hold the program to are in `fuzz/`. This room builds them (a nightly
//! toolchain and cargo-fuzz are needed), runs some at a time, and writes what came of it to
//! `docs/reference/fuzz.md`. A finding stays under `fuzz/artifacts`; it becomes a test by hand.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::say;
use crate::summary::Summary;

mod page;
mod seeds;

/// Every target, in the order in which they are run, and what it is fed.
const TARGETS: [(&str, &str); 17] = [
    ("explain", "pasted files, from bytes to every page"),
    ("case", "gathered and saved cases, to every page"),
    ("transport", "lines and what logs put before them"),
    ("json", "JSON that is cut or damaged"),
    ("redact", "redaction of secrets"),
    ("kernel", "kernel logs"),
    ("container", "inspect, events, tables, state files"),
    ("daemon", "journals of dockerd, containerd, systemd and others"),
    ("kubernetes", "kubectl's output"),
    ("ecs", "ECS and Batch"),
    ("application", "a program's own log"),
    ("cgroupfs", "files of a cgroup"),
    ("machine", "facts about a machine, files of a process"),
    ("trace", "trace events"),
    ("own", "what this program recorded"),
    ("lint", "deployment files, alone and beside a container"),
    ("samples", "tables of memory over time, lines of collectors"),
];

/// One input may take this long, in seconds, on a busy machine; usual is a millisecond.
const LONGEST: u32 = 20;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    targets: Vec<&'static str>,
    minutes: u32,
    at_once: usize,
}

/// What became of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    target: &'static str,
    /// Inputs tried.
    runs: u64,
    /// Edges of the program that some input reached.
    edges: u64,
    /// The fuzzer's finer count: edges by how often they were passed.
    features: u64,
    seconds: u64,
    /// Files that broke a promise.
    findings: Vec<String>,
    /// How the fuzzer ended, where not by its time.
    ended: Option<String>,
}

/// Runs what the words ask for.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let wanted = wanted(words)?;
    build(repository)?;
    let outcomes = Mutex::new(Vec::new());
    let waiting = Mutex::new(wanted.targets.iter().copied().collect::<VecDeque<_>>());
    let dictionary = seeds::write(repository, &wanted.targets)?;
    std::thread::scope(|scope| {
        for _ in 0..wanted.at_once {
            scope.spawn(|| {
                while let Some(target) = next(&waiting) {
                    let outcome = fuzz(repository, target, &dictionary, wanted.minutes * 60);
                    say(&told(target, &outcome));
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push((target, outcome));
                    }
                }
            });
        }
    });
    let mut done = Vec::new();
    for (target, outcome) in outcomes.into_inner().unwrap_or_default() {
        let result = outcome.and_then(|outcome| {
            done.push(outcome.clone());
            fault(&outcome)
        });
        summary.step(&format!("fuzz {target}"), result);
    }
    done.sort_by_key(|outcome| TARGETS.iter().position(|(name, _)| *name == outcome.target));
    page::write(repository, &done)
}

fn next(waiting: &Mutex<VecDeque<&'static str>>) -> Option<&'static str> {
    waiting.lock().ok()?.pop_front()
}

fn told(target: &str, outcome: &Result<Outcome>) -> String {
    match outcome {
        Ok(done) => format!(
            "{target}: {} inputs in {} s, {} edges, {} features, {} findings",
            done.runs,
            done.seconds,
            done.edges,
            done.features,
            done.findings.len()
        ),
        Err(error) => format!("{target}: {error:#}"),
    }
}

fn fault(outcome: &Outcome) -> Result<()> {
    if !outcome.findings.is_empty() {
        bail!("a promise was broken; the input: {}", outcome.findings.join(", "));
    }
    if let Some(ended) = &outcome.ended {
        bail!("the fuzzer ended with {ended}");
    }
    Ok(())
}

/// `[TARGET…] [--minutes N] [--at-once N]`
fn wanted(words: &[&str]) -> Result<Wanted> {
    let mut wanted = Wanted { targets: Vec::new(), minutes: 10, at_once: 2 };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().and_then(|value| value.parse::<u32>().ok());
            value.filter(|value| *value > 0).with_context(|| format!("`{word}` needs a number"))
        };
        match *word {
            "--minutes" => wanted.minutes = number()?,
            "--at-once" => wanted.at_once = usize::try_from(number()?)?,
            name => {
                let known = TARGETS.iter().find(|(known, _)| *known == name);
                let names: Vec<&str> = TARGETS.iter().map(|(known, _)| *known).collect();
                let (known, _) = known.with_context(|| {
                    format!("no such target: `{name}`\n\nhint: {}", names.join(", "))
                })?;
                wanted.targets.push(known);
            }
        }
    }
    if wanted.targets.is_empty() {
        wanted.targets = TARGETS.iter().map(|(name, _)| *name).collect();
    }
    Ok(wanted)
}

fn folder(repository: &Repository) -> PathBuf {
    repository.root.join("fuzz")
}

fn built_in(repository: &Repository) -> PathBuf {
    repository.target.join("fuzz")
}

/// Builds all targets. No `unsafe` is ours, so the address sanitizer has nothing to find and would
/// halve the number of inputs; overflow checks and debug assertions are on.
fn build(repository: &Repository) -> Result<()> {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "fuzz", "build", "-O", "--sanitizer", "none"])
        .arg("--target-dir")
        .arg(built_in(repository))
        // The toolchain of this very run must not be the one that builds.
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .current_dir(folder(repository));
    repository
        .succeed(&mut command)
        .context("the targets could not be built\n\nhint: rustup toolchain install nightly; cargo install cargo-fuzz")
}

/// The built program of a target: below the folder of the one platform it was built for.
fn program(repository: &Repository, target: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir(built_in(repository))? {
        let path = entry?.path().join("release").join(target);
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!("the build left no program `{target}`")
}

fn fuzz(
    repository: &Repository,
    target: &'static str,
    dictionary: &Path,
    seconds: u32,
) -> Result<Outcome> {
    let artifacts = folder(repository).join("artifacts").join(target);
    std::fs::create_dir_all(&artifacts)?;
    let before = names(&artifacts)?;
    let began = std::time::Instant::now();
    // The least urgent work of the machine.
    let done = Command::new("nice")
        .args(["-n", "19"])
        .arg(program(repository, target)?)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={LONGEST}"))
        .args(["-max_len=16384", "-rss_limit_mb=2048", "-print_final_stats=1", "-reload=0"])
        .arg(format!("-dict={}", dictionary.display()))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(seeds::corpus(repository, target))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not run the target `{target}`"))?;
    let log = String::from_utf8_lossy(&done.stderr);
    std::fs::write(artifacts.with_extension("log"), log.as_bytes())?;
    let findings = names(&artifacts)?
        .into_iter()
        .filter(|name| !before.contains(name))
        .map(|name| repository.inside(&artifacts.join(name)))
        .collect();
    let ended = (!done.status.success()).then(|| done.status.to_string());
    let seconds = began.elapsed().as_secs();
    Ok(Outcome { seconds, findings, ended, ..figures(target, &log) })
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Reads libFuzzer's own lines: `#8192 pulse  cov: 1200 ft: 3400 corp: …` and
/// `stat::number_of_executed_units: 12345`.
fn figures(target: &'static str, log: &str) -> Outcome {
    let mut found = Outcome {
        target,
        runs: 0,
        edges: 0,
        features: 0,
        seconds: 0,
        findings: Vec::new(),
        ended: None,
    };
    for line in log.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            let [name, value] = pair else { continue };
            let Ok(value) = value.parse::<u64>() else { continue };
            match *name {
                "cov:" => found.edges = value,
                "ft:" => found.features = value,
                "stat::number_of_executed_units:" => found.runs = value,
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_of_the_fuzz_crate() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).expect("the manifest");
        let mut built: Vec<&str> =
            manifest.split("[[bin]]").skip(1).filter_map(|part| part.split('"').nth(1)).collect();
        let mut run = TARGETS.map(|(name, _)| name).to_vec();
        built.sort_unstable();
        run.sort_unstable();
        assert_eq!(built, run);
    }

    #[test]
    fn all_targets_are_run_unless_some_are_named() {
        assert_eq!(wanted(&[]).expect("fine").targets.len(), TARGETS.len());
        let some = wanted(&["json", "--minutes", "3", "case"]).expect("fine");
        assert_eq!((some.targets, some.minutes), (vec!["json", "case"], 3));
        assert!(wanted(&["jason"]).is_err());
        assert!(wanted(&["--minutes", "0"]).is_err());
    }

    #[test]
    fn figures_are_the_last_that_the_fuzzer_printed() {
        let log = "#2\tINITED cov: 10 ft: 11 corp: 1/1b\n\
                   #9\tDONE   cov: 120 ft: 340 corp: 17/19Kb\n\
                   stat::number_of_executed_units: 4711\n";
        let found = figures("json", log);
        assert_eq!((found.runs, found.edges, found.features), (4711, 120, 340));
    }

    #[test]
    fn a_fuzzer_that_did_not_end_by_its_time_is_a_failure() {
        let quiet = figures("json", "");
        assert!(fault(&quiet).is_ok());
        assert!(fault(&Outcome { ended: Some("exit 77".into()), ..quiet.clone() }).is_err());
        assert!(fault(&Outcome { findings: vec!["x".into()], ..quiet }).is_err());
    }
}
