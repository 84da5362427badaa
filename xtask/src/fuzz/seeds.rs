//! Seeds: every dossier's exhibits as inputs of the targets that read their source, the lines of
//! the dossiers and of the readers' tests for splicing, and the readers' own words as a dictionary.
//!
//! They are made anew for each run and never committed; what the fuzzer found interesting in
//! earlier runs stays beside them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use casefile::{CaseFile, Exhibit, Source};

use super::folder;
use crate::repository::Repository;

/// The longest word of the dictionary that the fuzzer takes.
const LONGEST_WORD: usize = 60;

/// Parts the runs of known lines.
const BETWEEN_RUNS: &str = "\n\u{1e}\n";

/// Where a target's inputs are.
pub(super) fn corpus(repository: &Repository, target: &str) -> PathBuf {
    folder(repository).join("corpus").join(target)
}

/// Writes all seeds and gives the path of the dictionary.
pub(super) fn write(repository: &Repository, targets: &[&str]) -> Result<PathBuf> {
    let top = folder(repository).join("corpus");
    let cases = testkit::read_dossiers(&repository.root.join("cases"))?;
    for target in targets {
        let place = corpus(repository, target);
        std::fs::create_dir_all(&place)?;
        for dossier in &cases {
            let name = dossier.name.replace('/', "-");
            for (number, seed) in seeds(target, &dossier.case).into_iter().enumerate() {
                keep(&place.join(format!("seed-{name}-{number}")), &seed)?;
            }
        }
    }
    if targets.contains(&"lint") {
        of_files(repository)?;
    }
    if targets.contains(&"samples") {
        of_tables(repository)?;
    }
    let sources = source_texts(repository)?;
    let mut runs: Vec<String> = cases
        .iter()
        .flat_map(|dossier| dossier.case.exhibits.iter())
        .map(|exhibit| exhibit.text().trim_end().to_owned())
        .collect();
    runs.extend(sources.iter().flat_map(|text| literals(text)).filter(|text| text.len() > 24));
    keep(&top.join("lines.txt"), &runs.join(BETWEEN_RUNS))?;
    let words: BTreeSet<String> = sources.iter().flat_map(|text| literals(text)).collect();
    let words: Vec<String> = words.iter().filter_map(|word| dictionary_line(word)).collect();
    let dictionary = top.join("words.dict");
    keep(&dictionary, &(words.join("\n") + "\n"))?;
    Ok(dictionary)
}

fn keep(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("could not write `{}`", path.display()))
}

/// The files of the rules about files, under the letter of a name like theirs; see `fuzz/src/files.rs`.
fn of_files(repository: &Repository) -> Result<()> {
    let place = corpus(repository, "lint");
    for (ending, letter) in [("yaml", 'A'), ("Dockerfile", 'B'), ("yaml", 'C'), ("json", 'D')] {
        for path in repository.files("crates/lint/tests/files", ending)? {
            let text = std::fs::read_to_string(&path);
            let text = text.with_context(|| format!("could not read `{}`", path.display()))?;
            let name = repository.inside(&path).replace('/', "-");
            keep(&place.join(format!("seed-{letter}-{name}")), &format!("{letter}{text}"))?;
        }
    }
    Ok(())
}

/// The row of a number.
type Row<'a> = &'a dyn Fn(u64) -> String;

/// A table in each form that is read, small, of memory that rests, that climbs and that reached its limit.
fn of_tables(repository: &Repository) -> Result<()> {
    let place = corpus(repository, "samples");
    let row = |at: u64| (at * 300, 100_000_000 + at % 7 * 1_000_000 + at * at * 9_000);
    let forms: [(&str, &str, Row<'_>); 6] = [
        ("own", "t_s,mem_bytes,limit_bytes,kills,life", &|at| {
            format!(
                "{},{},134217728,{},{}",
                row(at).0,
                row(at).1.min(134_217_728),
                at / 50,
                at / 40
            )
        }),
        ("several", "series,t_s,mem_bytes", &|at| {
            format!("{},{},{}", at % 2, row(at).0, row(at).1)
        }),
        ("dates", "timestamp;memory MiB", &|at| {
            format!("2026-01-{:02}T00:{:02}:00Z;{},5", at / 60 + 1, at % 60, row(at).1 >> 20)
        }),
        ("ms", "time_ms\tusage_bytes", &|at| format!("{}\t{}", row(at).0 * 1000, row(at).1)),
        ("percent", "t_s,mem_percent", &|at| format!("{},{}", row(at).0, at % 90)),
        ("collections", "t_s,mem_bytes", &|at| {
            format!(
                "gc {at} @0.{at}s 0%: 0.1+0.2+0.0 ms clock, 0.1+0.2 ms cpu, 4->4->1 MB, 4 MB goal"
            )
        }),
    ];
    for (name, header, line) in forms {
        let rows: Vec<String> = (0..60).map(line).collect();
        keep(&place.join(format!("seed-{name}")), &format!("{header}\n{}\n", rows.join("\n")))?;
    }
    Ok(())
}

/// The readers and their tests.
fn source_texts(repository: &Repository) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for part in [
        "crates/parse/src",
        "crates/judge/src/facts",
        "crates/settings/src",
        "crates/sizing/src/table",
    ] {
        for path in repository.files(part, "rs")? {
            let text = std::fs::read_to_string(&path);
            texts.push(text.with_context(|| format!("could not read `{}`", path.display()))?);
        }
    }
    Ok(texts)
}

/// What one case gives one target.
fn seeds(target: &str, case: &CaseFile) -> Vec<String> {
    let of = |letters: &[(Source, char)]| -> Vec<String> {
        let lettered = |one: &Exhibit| {
            let found = letters.iter().find(|(source, _)| *source == one.source);
            found.map(|(_, letter)| format!("{letter}{}", one.text()))
        };
        case.exhibits.iter().filter_map(lettered).collect()
    };
    let texts = || case.exhibits.iter().map(|one| one.text().to_owned()).collect::<Vec<_>>();
    match target {
        "transport" | "json" => texts(),
        // The letter chooses the source, in the order of the target's own list.
        "redact" => texts().into_iter().map(|text| format!("A{text}")).collect(),
        "kernel" => of(&[(Source::KernelLog, 'A'), (Source::Pasted, 'A')]),
        "container" => of(&[
            (Source::Pasted, 'A'),
            (Source::ContainerInspect, 'B'),
            (Source::ContainerEvents, 'C'),
            (Source::DockerConfig, 'D'),
            (Source::Swarm, 'E'),
        ]),
        "daemon" => of(&[(Source::Journal, 'A'), (Source::Pasted, 'A')]),
        "kubernetes" => of(&[(Source::Kubernetes, 'A'), (Source::Pasted, 'A')]),
        "ecs" => of(&[(Source::Ecs, 'A'), (Source::Pasted, 'A')]),
        "application" => of(&[(Source::ApplicationLog, 'A'), (Source::Pasted, 'A')]),
        "cgroupfs" => of(&[(Source::Cgroup, 'A'), (Source::Pasted, 'A')]),
        "machine" => of(&[(Source::Machine, 'A'), (Source::Proc, 'B')]),
        "trace" => of(&[(Source::Trace, 'A')]),
        "own" => of(&[(Source::Proc, 'A'), (Source::Journal, 'B'), (Source::UnitState, 'C')]),
        "explain" => vec![texts().join("\u{1d}\n")],
        "case" => {
            let saved = case.to_json().ok();
            std::iter::once(as_text(case)).chain(saved).collect()
        }
        _ => Vec::new(),
    }
}

/// A case in the form that the target `case` reads; see `fuzz/src/road.rs`.
fn as_text(case: &CaseFile) -> String {
    let id = case.asked.container_id.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut out = format!("?{} {id}\n", case.asked.name.clone().unwrap_or_default());
    for exhibit in &case.exhibits {
        let about = exhibit.about.as_ref().map(ToString::to_string).unwrap_or_default();
        let covers = if exhibit.covers { "c" } else { "-" };
        let clock =
            if matches!(exhibit.clock, casefile::Clock::SinceBoot { .. }) { "b" } else { "" };
        out.push_str(&format!(
            "\u{1d}{} {covers}{clock} {about}\n{}",
            letter(exhibit.source),
            exhibit.text()
        ));
    }
    out
}

/// The letters by which a case's text names the sources; the same order as in `fuzz/src/text.rs`.
const LETTERS: [(Source, char); 15] = [
    (Source::Pasted, 'A'),
    (Source::KernelLog, 'B'),
    (Source::ContainerInspect, 'C'),
    (Source::ContainerEvents, 'D'),
    (Source::DockerConfig, 'E'),
    (Source::Journal, 'F'),
    (Source::Cgroup, 'G'),
    (Source::Proc, 'H'),
    (Source::ApplicationLog, 'I'),
    (Source::Kubernetes, 'J'),
    (Source::Ecs, 'K'),
    (Source::Trace, 'L'),
    (Source::Machine, 'M'),
    (Source::UnitState, 'N'),
    (Source::Swarm, 'O'),
];

fn letter(source: Source) -> char {
    LETTERS.iter().find(|(known, _)| *known == source).map_or('A', |(_, letter)| *letter)
}

/// The string literals of a source file, roughly: what stands between quotes, escapes undone.
fn literals(source: &str) -> Vec<String> {
    let code: Vec<&str> =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some((before, after)) = rest.split_once('"') {
        // `'"'` is a character.
        if before.ends_with('\'') {
            rest = after;
            continue;
        }
        let raw = before.ends_with("r#");
        let (text, behind) = if raw {
            after.split_once("\"#").map_or((after.to_owned(), ""), |(text, b)| (text.to_owned(), b))
        } else {
            escaped(after)
        };
        found.push(text);
        rest = behind;
    }
    found
}

/// A literal up to its closing quote, and what stands behind it.
fn escaped(after: &str) -> (String, &str) {
    let mut text = String::new();
    let mut characters = after.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('\n') => {
                    let rest = characters.as_str().trim_start();
                    characters = rest.chars();
                }
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    (text, characters.as_str())
}

/// A word as libFuzzer's dictionaries spell it.
fn dictionary_line(word: &str) -> Option<String> {
    let fits = (2..=LONGEST_WORD).contains(&word.len()) && !word.trim().is_empty();
    fits.then(|| {
        let spelled: String = word
            .bytes()
            .map(|byte| match byte {
                b'"' | b'\\' => format!("\\{}", char::from(byte)),
                b' '..=b'~' => char::from(byte).to_string(),
                other => format!("\\x{other:02x}"),
            })
            .collect();
        format!("\"{spelled}\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_what_stands_between_quotes() {
        let source = "let a = \"one\\n\";\n  // \"no\n/// it's \"no\"\nlet b = r#\"a \"b\" c\"#; '\"'; \"d\"";
        let found = literals(source);
        assert!(found.contains(&"one\n".to_owned()), "{found:?}");
        assert!(found.contains(&"a \"b\" c".to_owned()), "{found:?}");
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn a_word_of_the_dictionary_is_one_line_of_plain_characters() {
        assert_eq!(dictionary_line("a\"\n").as_deref(), Some("\"a\\\"\\x0a\""));
        assert_eq!(dictionary_line("x"), None);
        assert_eq!(dictionary_line(&"x".repeat(90)), None);
    }
}
