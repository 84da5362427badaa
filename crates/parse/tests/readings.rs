//! What is read from whole texts: every record of the pastes, of the dossiers' exhibits and of the texts
//! beside this file, with its stamp and the lines it points at, compared with `readings/*.txt`.
//!
//! The lists are reviewed as code is: `UPDATE_READINGS=1 cargo test -p parse --test readings` writes them
//! anew, and a line that changed is a reading that changed. What a record means is no question here.
//!
//! Texts of this folder stand in `readings/texts/*.txt`: `=== SOURCE: NAME` begins one, the next line begins
//! its words. `\e` stands for the escape character, `\r` for a carriage return, `\t` for a tabulator.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops where a list is not what it must be"
)]

#[path = "readings/shown.rs"]
mod shown;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use casefile::Source;
use shown::shown;

/// Records of one kind in one exhibit of a dossier that are shown: its cgroup files hold dozens.
const OF_A_KIND: usize = 6;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readings")
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The text files of a folder by their name without `.txt`.
fn texts(folder: &Path) -> BTreeMap<String, String> {
    let paths = fs::read_dir(folder).expect("a folder of texts").map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).expect("a text"))
    };
    paths.filter(|path| path.extension().is_some_and(|end| end == "txt")).map(text).collect()
}

/// Compares with the list of that name, or writes it.
fn compare(name: &str, told: &str) {
    let path = here().join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_READINGS").is_some() {
        fs::write(&path, told).expect("the list is written");
        return;
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    let mut title = "";
    let mut old = wanted.lines();
    for line in told.lines() {
        if line.starts_with("=== ") {
            title = line;
        }
        let before = old.next();
        assert!(
            before == Some(line),
            "{name}: {title}\n was {}\n is  {line}",
            before.unwrap_or("-")
        );
    }
    assert_eq!(old.next(), None, "{name}: a reading is gone");
}

#[test]
fn the_pastes_are_read_as_listed() {
    for (file, whole) in texts(&workspace().join("crates/cli/tests/pastes")) {
        let mut told = String::new();
        for block in whole.split("\n=== ").skip(1) {
            let (head, text) = block.split_once("\n---\n").expect("a paste");
            let name = head.lines().next().unwrap();
            let parts: Vec<(String, &str)> = match text.strip_prefix("@@@ ") {
                None => vec![(name.to_owned(), text)],
                Some(files) => {
                    let file = |part| str::split_once(part, '\n').expect("a file");
                    let named = |(file, body)| (format!("{name}: {file}"), body);
                    files.split("\n@@@ ").map(file).map(named).collect()
                }
            };
            for (name, text) in parts {
                told.push_str(&shown(&name, Source::Pasted, text, usize::MAX));
            }
        }
        compare(&format!("pastes-{file}"), &told);
    }
}

#[test]
fn the_dossiers_are_read_as_listed() {
    let dossiers = testkit::read_dossiers(&workspace().join("cases")).expect("dossiers");
    let mut told: BTreeMap<&str, String> = BTreeMap::new();
    for dossier in &dossiers {
        let (cause, name) = dossier.name.split_once('/').expect("a cause");
        let list = told.entry(cause).or_default();
        for exhibit in &dossier.case.exhibits {
            let name = format!("{name}: {}", exhibit.id);
            list.push_str(&shown(&name, exhibit.source, exhibit.text(), OF_A_KIND));
        }
    }
    for (cause, list) in told {
        compare(&format!("cases-{cause}"), &list);
    }
}

#[test]
fn the_texts_beside_this_file_are_read_as_listed() {
    for (file, whole) in texts(&here().join("texts")) {
        let mut told = String::new();
        for block in format!("\n{whole}").split("\n=== ").skip(1) {
            let (name, text) = block.split_once('\n').unwrap_or((block, ""));
            let (source, _) = name.split_once(": ").expect("SOURCE: NAME");
            let source: Source = serde_json::from_value(source.into()).expect("a source");
            let text = text.replace("\\e", "\u{1b}").replace("\\r", "\r").replace("\\t", "\t");
            told.push_str(&shown(name, source, &text, usize::MAX));
        }
        compare(&file, &told);
    }
}

#[test]
fn every_list_belongs_to_a_text() {
    let causes = fs::read_dir(workspace().join("cases")).unwrap();
    let causes: Vec<String> =
        causes.map(|entry| format!("cases-{}", entry.unwrap().file_name().display())).collect();
    let pastes = texts(&workspace().join("crates/cli/tests/pastes"));
    let own = texts(&here().join("texts"));
    for list in texts(&here()).keys() {
        let known = causes.contains(list)
            || own.contains_key(list)
            || list.strip_prefix("pastes-").is_some_and(|name| pastes.contains_key(name));
        assert!(known, "{list}.txt lists no text");
    }
}
