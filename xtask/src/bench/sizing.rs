//! `cargo xtask bench sizing`: how much memory the limits of why137 leave unused, and how often they are hit.
//!
//! Public traces lie beside this checkout and are no part of it; without them their tables are not run. Everything
//! that is compared here sees the same samples, and only those that lie before its answer. `--save` writes
//! docs/reference/sizing.md. Nothing is tuned here.

mod after_kill;
mod calibration;
mod equal;
mod page;
mod scale;
mod sets;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::say;
use crate::summary::Summary;
use page::Page;
use sets::Set;

/// As it is named behind `bench`.
pub(super) const VERB: &str = "sizing";
/// What can be asked for alone.
const PARTS: [&str; 4] = ["equal", "kill", "chances", "scale"];

/// Asks everything and prints it.
pub(super) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let parts = understood(words)?;
    let save = words.contains(&"--save");
    if cfg!(debug_assertions) {
        return optimised(repository, words, summary);
    }
    let mut page = Page::default();
    if parts.iter().any(|part| *part != "scale") {
        match sets::folder(&repository.root) {
            Some(folder) => traces(&folder, &parts, &mut page, summary)?,
            None => summary.not_run("sizing of traces", "no folder `traces` beside this checkout"),
        }
    }
    if parts.contains(&"scale") {
        scale::run(repository, &mut page, summary)?;
    }
    say(&page.text());
    if save {
        let file = repository.root.join("docs/reference/sizing.md");
        std::fs::write(&file, page.whole()?).context("could not write the page")?;
        say(&format!("wrote {}", repository.inside(&file)));
    }
    Ok(())
}

/// The parts that are asked for.
fn understood<'a>(words: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut parts = Vec::new();
    for word in words {
        match *word {
            "--save" => {}
            part if PARTS.contains(&part) => parts.push(part),
            other => bail!("bench sizing knows no `{other}`\n\nhint: cargo xtask --help"),
        }
    }
    match (words.contains(&"--save"), parts.is_empty()) {
        (true, false) => bail!("--save writes the whole page: it does not go with a part of it"),
        (_, true) => Ok(PARTS.to_vec()),
        (false, false) => Ok(parts),
    }
}

/// The same by a program that was built for speed: else the replays take hours.
fn optimised(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let mut again = repository.cargo(&["run", "--quiet", "--release", "--package", "xtask", "--"]);
    again.args(["bench", VERB]).args(words);
    let status = again.status().context("could not run cargo")?;
    match status.code() {
        Some(0) => summary.passed("bench sizing, built for speed"),
        Some(1) => summary.failed("bench sizing, built for speed", "the lines above say what"),
        _ => bail!("`bench sizing`, built for speed, ended with {status}"),
    }
    Ok(())
}

fn traces(folder: &Path, parts: &[&str], page: &mut Page, summary: &mut Summary) -> Result<()> {
    let sets: Vec<Set> = sets::all(folder, summary)?;
    page.sets(&sets);
    if parts.contains(&"equal") {
        for set in &sets {
            equal::run(set, page, summary);
        }
    }
    if parts.contains(&"kill") {
        after_kill::run(&sets, page, summary);
    }
    if parts.contains(&"chances") {
        calibration::run(&sets, page, summary);
    }
    Ok(())
}

/// The part in percent, `-` of nothing.
fn percent(part: f64) -> String {
    if part.is_finite() { format!("{:.1}", 100.0 * part) } else { "-".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_asked_for_alone_but_not_saved() {
        assert_eq!(understood(&[]).unwrap(), PARTS);
        assert_eq!(understood(&["--save"]).unwrap(), PARTS);
        assert_eq!(understood(&["kill", "scale"]).unwrap(), ["kill", "scale"]);
        assert!(understood(&["kill", "--save"]).is_err());
        assert!(understood(&["leaks"]).is_err());
    }
}
