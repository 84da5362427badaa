//! `why137 rules` and `why137 rule ID`: by which rules a killer is found, those by which `why137 lint` looks
//! at files, and each rule's manual.

use std::process::ExitCode;

use casefile::RuleManual;

use crate::failure::{Failure, USAGE};
use crate::printer::Printer;

/// Lists every rule.
pub(super) fn list(printer: &Printer) -> anyhow::Result<ExitCode> {
    let manuals = manuals();
    let column = manuals.iter().map(|manual| manual.id.chars().count()).max().unwrap_or(0);
    let mut table = String::new();
    for RuleManual { id, title, .. } in manuals {
        table.push_str(&format!("{id:column$}   {title}\n"));
    }
    printer.answer(&table)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows one rule's manual.
pub(super) fn show(printer: &Printer, id: &str) -> anyhow::Result<ExitCode> {
    let manuals = manuals();
    let Some(manual) = manuals.iter().find(|manual| manual.id == id) else {
        let nearest = manuals.iter().min_by_key(|manual| distance(manual.id, id));
        let near = nearest.filter(|manual| distance(manual.id, id) <= id.len().max(3) / 2);
        let hint = match near {
            Some(manual) => format!("did you mean this one?\nwhy137 rule {}", manual.id),
            None => "this lists them all:\nwhy137 rules".to_owned(),
        };
        return Err(Failure::new(USAGE, format!("there is no rule `{id}`")).hint(hint).into());
    };
    printer.answer(&format!("{}\n", manual.text.trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

/// Every rule's: of the killers' first, then of the files'.
fn manuals() -> Vec<&'static RuleManual> {
    judge::manuals().iter().chain(lint::manuals()).collect()
}

/// How many letters must change to make one word the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (cell, candidate) in row.iter_mut().skip(1).zip(&other) {
            let above = *cell;
            let changed = diagonal + usize::from(letter != *candidate);
            *cell = changed.min(above + 1).min(left + 1);
            diagonal = above;
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_word_is_near() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("container-memory-limit", "contaner-memory-limt"), 2);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
