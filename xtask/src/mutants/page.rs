//! `docs/reference/mutants.md`: counts per file, and each change that no test noticed with its reason.
//!
//! The page is its own store: a run reads it, replaces what is told of the files that it ran, and
//! keeps the rest. A reason is written by hand behind the dash of a line, and stays with the change
//! (what was changed, in which function) wherever that moves in its file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::{End, Outcome};
use crate::repository::Repository;

const PAGE: &str = "docs/reference/mutants.md";

const HEAD: &str = "\
# Mutants

What `cargo xtask mutants` found: small changes to the code, one at a time, and whether a test of the
same crate noticed. *Hung* is noticed, too; *unviable* does not compile. A run that tried every n-th
change says so. *Switched* was measured without the verb: all changes of cargo-mutants' list were
compiled into one program and switched on one at a time, which takes minutes instead of hours; the
few that cannot be written as a switch count as unviable there. A line without a reason is open work.

| file | date | run | caught | hung | unviable | missed |
| --- | --- | --- | --- | --- | --- | --- |
";

const SURVIVORS: &str = "
## Changes that no test noticed

Behind the dash stands why: the changed code says the same, or no input reaches it.

";

/// A change that no test noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missed {
    file: String,
    change: String,
    /// Written by hand; empty until somebody looked.
    pub(super) reason: String,
}

/// What the page tells.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    /// File → the rest of its row.
    rows: BTreeMap<String, String>,
    missed: Vec<Missed>,
}

/// Writes the page anew; gives the missed changes of the files that were run.
pub(super) fn write(
    repository: &Repository,
    outcomes: &[Outcome],
    shard: Option<&str>,
) -> Result<Vec<Missed>> {
    let path = repository.root.join(PAGE);
    let earlier = std::fs::read_to_string(&path).unwrap_or_default();
    let date = std::process::Command::new("date").args(["-u", "+%F"]).output()?.stdout;
    let date = String::from_utf8_lossy(&date).trim().to_owned();
    let page = updated(read(&earlier), outcomes, &date, shard);
    std::fs::write(&path, print(&page)).with_context(|| format!("could not write `{PAGE}`"))?;
    let ran: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.file.as_str()).collect();
    Ok(page.missed.into_iter().filter(|missed| ran.contains(missed.file.as_str())).collect())
}

fn read(text: &str) -> Page {
    let mut page = Page::default();
    for line in text.lines() {
        if let Some(row) = line.strip_prefix("| crates/") {
            let Some((file, rest)) = row.split_once(" | ") else { continue };
            page.rows.insert(format!("crates/{file}"), rest.trim_end_matches(" |").to_owned());
        }
        let item = line.strip_prefix("- `").and_then(|item| item.split_once('`'));
        let Some((name, reason)) = item else { continue };
        let Some((file, change)) = name.split_once(": ") else { continue };
        page.missed.push(Missed {
            file: file.to_owned(),
            change: change.to_owned(),
            reason: reason.trim_start_matches(" —").trim().to_owned(),
        });
    }
    page
}

fn updated(mut page: Page, outcomes: &[Outcome], date: &str, shard: Option<&str>) -> Page {
    let files: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.file.as_str()).collect();
    let (known, others): (Vec<Missed>, Vec<Missed>) =
        page.missed.into_iter().partition(|missed| files.contains(missed.file.as_str()));
    page.missed = others;
    let run = shard.map_or_else(|| "whole".to_owned(), |shard| format!("part {shard}"));
    for file in files {
        let of = |end: End| outcomes.iter().filter(|it| it.file == file && it.end == end).count();
        let counts = [End::Caught, End::TimedOut, End::Unviable, End::Missed].map(of);
        let [caught, hung, unviable, missed] = counts;
        let row = format!("{date} | {run} | {caught} | {hung} | {unviable} | {missed}");
        page.rows.insert(file.to_owned(), row);
    }
    let mut missed: Vec<&Outcome> = outcomes.iter().filter(|it| it.end == End::Missed).collect();
    missed.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    for Outcome { file, change, .. } in missed {
        let same = |it: &&Missed| it.file == *file && it.change == *change;
        let reason = known.iter().find(same).map(|it| it.reason.clone()).unwrap_or_default();
        let missed = Missed { file: file.clone(), change: change.clone(), reason };
        // The same change twice in a function is one line.
        if !page.missed.contains(&missed) {
            page.missed.push(missed);
        }
    }
    page.missed.sort_by(|a, b| a.file.cmp(&b.file));
    page
}

fn print(page: &Page) -> String {
    let mut text = HEAD.to_owned();
    for (file, row) in &page.rows {
        text.push_str(&format!("| {file} | {row} |\n"));
    }
    text.push_str(SURVIVORS);
    for Missed { file, change, reason } in &page.missed {
        text.push_str(format!("- `{file}: {change}` — {reason}").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(file: &str, change: &str, line: u64, end: End) -> Outcome {
        Outcome { file: file.to_owned(), change: change.to_owned(), line, end }
    }

    #[test]
    fn a_later_run_keeps_reasons_and_other_files() {
        let first = [
            outcome("crates/a.rs", "replace > with >= in f", 16, End::Missed),
            outcome("crates/a.rs", "delete ! in f", 17, End::Caught),
            outcome("crates/b.rs", "delete ! in g", 3, End::Missed),
        ];
        let page = print(&updated(Page::default(), &first, "2026-11-22", Some("0/12")));
        assert!(
            page.contains("| crates/a.rs | 2026-11-22 | part 0/12 | 1 | 0 | 0 | 1 |"),
            "{page}"
        );
        let explained = page
            .replace("with >= in f` —", "with >= in f` — never equal")
            .replace("delete ! in g` —", "delete ! in g` — not reached");
        let again = [outcome("crates/a.rs", "replace > with >= in f", 99, End::Missed)];
        let later = print(&updated(read(&explained), &again, "2026-12-01", None));
        assert!(
            later.contains("- `crates/a.rs: replace > with >= in f` — never equal\n"),
            "{later}"
        );
        assert!(later.contains("- `crates/b.rs: delete ! in g` — not reached\n"), "{later}");
        assert!(later.contains("| crates/a.rs | 2026-12-01 | whole | 0 | 0 | 0 | 1 |"), "{later}");
        assert!(later.contains("| crates/b.rs | 2026-11-22 | part 0/12 |"), "{later}");
    }

    #[test]
    fn a_change_that_is_caught_now_is_gone_from_the_list() {
        let missed = [outcome("crates/a.rs", "delete ! in f", 1, End::Missed)];
        let page = print(&updated(Page::default(), &missed, "2026-11-22", None));
        let caught = [outcome("crates/a.rs", "delete ! in f", 1, End::Caught)];
        let later = updated(read(&page), &caught, "2026-11-23", None);
        assert_eq!(later.missed, []);
    }
}
