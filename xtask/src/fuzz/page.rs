//! `docs/reference/fuzz.md`: when each target last ran, for how long, and what it found. Only the
//! targets that ran are replaced; the others keep their line.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Outcome, TARGETS};
use crate::repository::Repository;

const HEAD: &str = "\
# What the fuzzer found

Every room that reads strangers' text, and the whole road from text to page, is fed with bytes that
a fuzzer makes: known lines cut, doubled, swapped and interleaved, numbers and times exchanged, and
plain mutations. `fuzz/src/room.rs` and `fuzz/src/road.rs` say what must hold for any input: it
ends in time, it ends without a panic, the same input gives the same answer, every `because` points
at bytes of the case, every page is free of controls, the answer is valid JSON, redacting twice
changes nothing, noise decides nothing. Written by `cargo xtask fuzz`.

| target | fed with | date | version | minutes | inputs | edges | features | findings |
| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
";

/// Writes the page, with the lines of earlier runs for the targets that did not run now.
pub(super) fn write(repository: &Repository, outcomes: &[Outcome]) -> Result<()> {
    let path = repository.root.join("docs/reference/fuzz.md");
    let earlier = std::fs::read_to_string(&path).unwrap_or_default();
    let date = said_by(repository, "date", &["-u", "+%Y-%m-%d"]);
    let version = said_by(repository, "git", &["describe", "--always", "--dirty"]);
    let page = page(&earlier, outcomes, &date, &version);
    std::fs::write(&path, page).with_context(|| format!("could not write `{}`", path.display()))?;
    crate::say(&format!("wrote {}", repository.inside(&path)));
    Ok(())
}

fn page(earlier: &str, outcomes: &[Outcome], date: &str, version: &str) -> String {
    let mut lines: BTreeMap<usize, String> = BTreeMap::new();
    for (place, (target, _)) in TARGETS.iter().enumerate() {
        let start = format!("| {target} |");
        if let Some(line) = earlier.lines().find(|line| line.starts_with(&start)) {
            lines.insert(place, line.to_owned());
        }
    }
    for outcome in outcomes {
        let place = TARGETS.iter().position(|(target, _)| *target == outcome.target);
        let Some((place, (target, fed))) = place.and_then(|at| Some((at, TARGETS.get(at)?))) else {
            continue;
        };
        let line = format!(
            "| {target} | {fed} | {date} | {version} | {:.1} | {} | {} | {} | {} |",
            // Seconds of one run fit a float exactly.
            outcome.seconds as f64 / 60.0,
            outcome.runs,
            outcome.edges,
            outcome.features,
            outcome.findings.len(),
        );
        lines.insert(place, line);
    }
    let lines: Vec<String> = lines.into_values().collect();
    format!("{HEAD}{}\n", lines.join("\n"))
}

/// The first line that a program prints; `unknown` where it does not run.
fn said_by(repository: &Repository, program: &str, words: &[&str]) -> String {
    let done = Command::new(program).args(words).current_dir(&repository.root).output();
    let said = done.ok().filter(|done| done.status.success()).map(|done| done.stdout);
    let said = said.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    said.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_did_not_run_keeps_its_line() {
        let ran = |target: &'static str| super::super::figures(target, "");
        let first = page("", &[ran("json"), ran("case")], "2026-01-01", "a");
        let second = page(&first, &[ran("json")], "2026-02-02", "b");
        let lines = |page: &str, words: &str| page.lines().filter(|l| l.contains(words)).count();
        assert_eq!(lines(&second, "| 2026-01-01 | a |"), 1);
        assert_eq!(lines(&second, "| 2026-02-02 | b |"), 1);
        assert_eq!(lines(&second, "| case |"), 1);
    }
}
