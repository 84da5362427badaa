//! The lab's verbs: run, list, up, down, record.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lab::{Lab, Outcome, Release, Wish};

use crate::repository::Repository;
use crate::say;
use crate::summary::Summary;

/// What stands behind `lab`.
struct Words {
    only: Vec<String>,
    facts: bool,
}

/// Lets the deaths happen and compares the answers.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let Some(words) = understood(words, summary)? else { return Ok(()) };
    let program = if words.facts || lab::why_it_cannot_run().is_some() {
        None
    } else {
        Some(repository.why137()?)
    };
    let wish = Wish { only: words.only, record: false };
    all(repository, program, &wish, summary)
}

/// Lets the deaths happen and saves their cases.
pub(crate) fn record(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let Some(words) = understood(words, summary)? else { return Ok(()) };
    let wish = Wish { only: words.only, record: true };
    all(repository, Some(repository.why137()?), &wish, summary)?;
    say(&format!("cases: {}", repository.lab().join("cases").display()));
    Ok(())
}

/// `None` where the wish names a daemon that the lab does not bring.
fn understood(words: &[&str], summary: &mut Summary) -> Result<Option<Words>> {
    let mut found = Words { only: Vec::new(), facts: false };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--facts" => found.facts = true,
            "--docker" => match rest.next().copied() {
                Some("20.10") => {}
                Some("26") => {
                    summary.not_run("lab on Docker 26", "the lab fetches only Debian 12's daemon");
                    return Ok(None);
                }
                other => bail!("--docker takes 20.10 or 26, not `{}`", other.unwrap_or_default()),
            },
            option if option.starts_with('-') => {
                bail!("no such option: `{option}`\n\nhint: cargo xtask --help")
            }
            name => {
                if !lab::all_names().iter().any(|(one, number)| *one == name || *number == name) {
                    bail!(
                        "the lab has no death or scenario `{name}`\n\nhint: cargo xtask lab --list"
                    );
                }
                found.only.push(name.to_owned());
            }
        }
    }
    Ok(Some(found))
}

fn all(
    repository: &Repository,
    program: Option<std::path::PathBuf>,
    wish: &Wish,
    summary: &mut Summary,
) -> Result<()> {
    let begun = Instant::now();
    let lab = lab(repository);
    lab::run(&lab, program.as_deref(), wish, &mut |entry| {
        let title = format!("{} ({})", entry.title, seconds(entry.took));
        match &entry.outcome {
            Outcome::Passed => summary.passed(&title),
            Outcome::Failed(lines) => summary.failed(&title, &lines.join("\n")),
            Outcome::NotRun(why) => summary.not_run(&entry.title, why),
        }
    })?;
    if wish.only.is_empty() {
        for (what, why) in lab::NOT_MADE {
            summary.not_run(what, why);
        }
    }
    say(&format!("the lab took {}", seconds(begun.elapsed())));
    Ok(())
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn lab(repository: &Repository) -> Lab {
    Lab { folder: repository.lab(), release: Release::Bookworm }
}

/// Starts a daemon for a person to play with.
pub(crate) fn up(repository: &Repository) -> Result<bool> {
    let host = lab::bring_up(&lab(repository))?;
    say(&format!(
        "export DOCKER_HOST={host}\n# images: lab/base lab/node lab/java; use --network none --pull never\n# stop it: cargo xtask lab down"
    ));
    Ok(true)
}

/// Stops that daemon.
pub(crate) fn down(repository: &Repository) -> Result<bool> {
    let found = lab::take_down(&lab(repository))?;
    say(if found { "the lab's daemon is stopped" } else { "the lab's daemon was not running" });
    Ok(true)
}

/// The deaths' names and scenario numbers.
pub(crate) fn list() -> bool {
    for (name, scenario) in lab::all_names() {
        say(&format!("{scenario:>3}  {name}"));
    }
    true
}
