//! `cargo xtask mutants`: small changes to the code of `judge` and `parse`, one at a time, and
//! whether a test notices.
//!
//! cargo-mutants changes files in place, so it works in a copy of this checkout under
//! `target/mutants`. What came of it goes to `docs/reference/mutants.md`: the counts of every file
//! that was run, and each change that nothing noticed with the reason why. A run replaces the
//! lines of its own files only, and keeps every reason (page.rs). Thousands of builds take hours:
//! this is no part of the gate.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repository::Repository;
use crate::say;
use crate::summary::Summary;

mod page;

/// A crate whose changes are tried, and what its build is told.
struct Room {
    name: &'static str,
    build: &'static [&'static str],
}

/// A room is built thousands of times, what it depends on once: that may take its time.
const ROOMS: [Room; 2] = [
    Room {
        name: "judge",
        build: &[
            "--config=profile.mutants.package.parse.opt-level=1",
            "--config=profile.mutants.package.casefile.opt-level=1",
            "--tests",
        ],
    },
    Room { name: "parse", build: &["--tests"] },
];

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    rooms: Vec<&'static str>,
    files: Vec<String>,
    /// `1/12`: every twelfth change.
    shard: Option<String>,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    /// Below the checkout.
    file: String,
    /// What was changed and in which function, without its place.
    change: String,
    line: u64,
    end: End,
}

/// How the tests took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Caught,
    /// It hung: noticed, too.
    TimedOut,
    /// It does not compile.
    Unviable,
    Missed,
}

/// Runs what the words ask for.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let wanted = wanted(words)?;
    let folder = repository.target.join("mutants");
    let copy = folder.join("tree");
    copy_tree(&repository.root, &copy)?;
    for room in ROOMS.iter().filter(|room| wanted.rooms.contains(&room.name)) {
        let outcomes = try_room(room, &wanted, &folder, &copy)?;
        let kept = page::write(repository, &outcomes, wanted.shard.as_deref())?;
        let open = kept.iter().filter(|missed| missed.reason.is_empty()).count();
        let result = if open == 0 {
            Ok(())
        } else {
            Err(anyhow::anyhow!("{open} changes that no test noticed, and no reason why"))
        };
        summary.step(&format!("mutants {}", room.name), result);
    }
    Ok(())
}

/// `[judge|parse] [FILE…] [--shard K/N]`
fn wanted(words: &[&str]) -> Result<Wanted> {
    let mut wanted = Wanted { rooms: Vec::new(), files: Vec::new(), shard: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let room = ROOMS.iter().find(|room| room.name == *word);
        match (*word, room) {
            (_, Some(room)) => wanted.rooms.push(room.name),
            ("--shard", None) => {
                let shard = words.next().filter(|shard| shard.contains('/'));
                wanted.shard =
                    Some((*shard.context("`--shard` needs K/N, for instance 0/12")?).to_owned());
            }
            (file, None) => {
                let room = ROOMS.iter().find(|room| file.starts_with(&folder_of(room)));
                let Some(room) = room else {
                    bail!("`{file}` is no file of a room\n\nhint: crates/judge/src/rules.rs");
                };
                wanted.rooms.push(room.name);
                wanted.files.push(file.to_owned());
            }
        }
    }
    if wanted.rooms.is_empty() {
        wanted.rooms = ROOMS.iter().map(|room| room.name).collect();
    }
    Ok(wanted)
}

fn folder_of(room: &Room) -> String {
    format!("crates/{}/", room.name)
}

/// cargo-mutants on one room. Its own exit code tells of missed changes: the outcomes are read.
fn try_room(room: &Room, wanted: &Wanted, folder: &Path, copy: &Path) -> Result<Vec<Outcome>> {
    let out = folder.join(room.name);
    let mut command = Command::new("cargo");
    command.args(["mutants", "--in-place", "--colors", "never", "--package", room.name]);
    command.arg("--output").arg(&out).current_dir(copy);
    for argument in room.build {
        command.arg(format!("--cargo-arg={argument}"));
    }
    for file in wanted.files.iter().filter(|file| file.starts_with(&folder_of(room))) {
        command.args(["--file", file]);
    }
    if let Some(shard) = &wanted.shard {
        command.args(["--sharding", "round-robin", "--shard", shard]);
    }
    // Properties are tried on a few random texts: thousands of runs make up for it.
    command.env("CARGO_TARGET_DIR", folder.join("build")).env("PROPTEST_CASES", "24");
    say(&format!("\n$ {}", crate::repository::words(&command)));
    let status = command
        .status()
        .context("could not run cargo-mutants\n\nhint: cargo install cargo-mutants")?;
    // 2: some were missed; 3: some timed out.
    if !matches!(status.code(), Some(0 | 2 | 3)) {
        bail!("cargo-mutants ended with {status}");
    }
    let told = out.join("mutants.out/outcomes.json");
    let text = std::fs::read_to_string(&told)
        .with_context(|| format!("could not read `{}`", told.display()))?;
    outcomes(&text)
}

/// What `outcomes.json` says of each change.
fn outcomes(text: &str) -> Result<Vec<Outcome>> {
    let told: Value = serde_json::from_str(text).context("`outcomes.json` is not JSON")?;
    let list = told.get("outcomes").and_then(Value::as_array).context("it holds no outcomes")?;
    Ok(list.iter().filter_map(outcome).collect())
}

fn outcome(told: &Value) -> Option<Outcome> {
    let mutant = told.pointer("/scenario/Mutant")?;
    let name = mutant.get("name")?.as_str()?;
    let end = match told.get("summary")?.as_str()? {
        "CaughtMutant" => End::Caught,
        "Timeout" => End::TimedOut,
        "Unviable" => End::Unviable,
        "MissedMutant" => End::Missed,
        _ => return None,
    };
    Some(Outcome {
        file: mutant.get("file")?.as_str()?.to_owned(),
        // `crates/judge/src/rules.rs:163:29: replace > with == in chosen_life`
        change: name.split_once(": ")?.1.to_owned(),
        line: mutant.pointer("/span/start/line")?.as_u64()?,
        end,
    })
}

/// A copy of the checkout as it stands, without what builds left.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)
            .with_context(|| format!("could not clear `{}`", to.display()))?;
    }
    let mut waiting: Vec<(PathBuf, PathBuf)> = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = waiting.pop() {
        std::fs::create_dir_all(&to)?;
        let listing = std::fs::read_dir(&from)
            .with_context(|| format!("could not list `{}`", from.display()))?;
        for entry in listing {
            let entry = entry?;
            let name = entry.file_name();
            if name == "target" || name == ".git" {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                waiting.push((entry.path(), to.join(name)));
            } else if kind.is_file() {
                std::fs::copy(entry.path(), to.join(name))
                    .with_context(|| format!("could not copy `{}`", entry.path().display()))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_its_room() {
        let asked = wanted(&["crates/judge/src/rules.rs", "--shard", "0/12"]).expect("words");
        assert_eq!((asked.rooms, asked.shard.as_deref()), (vec!["judge"], Some("0/12")));
        assert_eq!(wanted(&[]).expect("words").rooms, ["judge", "parse"]);
        assert!(wanted(&["crates/cli/src/main.rs"]).is_err() && wanted(&["--shard"]).is_err());
    }

    #[test]
    fn an_outcome_is_known_without_its_place() {
        let text = r#"{"outcomes": [{"scenario": "Baseline", "summary": "Success"},
            {"scenario": {"Mutant": {"name": "crates/a.rs:16:29: replace > with == in f",
            "file": "crates/a.rs", "span": {"start": {"line": 16, "column": 29}}}}, "summary": "MissedMutant"}]}"#;
        let told = outcomes(text).expect("outcomes");
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].change, "replace > with == in f");
        assert_eq!((told[0].line, told[0].end), (16, End::Missed));
    }
}
