//! Whole texts and the lines they are taken apart into: stamp, writer, words and bytes of each, compared
//! with `tests/readings/lines/*.told`. `UPDATE_READINGS=1 cargo test -p parse --lib` writes them anew; a
//! changed list is reviewed as code is.
//!
//! `=== NAME` begins a text; `\e`, `\r` and `\t` stand for the characters.

use std::fs;
use std::path::Path;

use super::*;

fn shown(line: &Line) -> String {
    let at = match line.at {
        Some(Stamp::Wall(moment)) => format!("{}", moment.0),
        Some(Stamp::Local(moment)) => format!("local {}", moment.0),
        Some(Stamp::SinceBoot(micros)) => format!("boot {micros}"),
        None => "-".to_owned(),
    };
    let writer = match &line.writer {
        Writer::Kernel => "kernel".to_owned(),
        Writer::Program { name, pid: Some(pid) } => format!("{name:?}[{pid}]"),
        Writer::Program { name, pid: None } => format!("{name:?}"),
        Writer::Unsaid => "-".to_owned(),
    };
    format!("{}..{} {at} {writer} {:?}\n", line.span.start, line.span.end, line.text)
}

#[test]
fn the_lines_of_texts_are_as_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readings/lines");
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "txt"));
    assert!(paths.len() >= 2, "{paths:?}");
    for path in paths {
        let whole = fs::read_to_string(&path).unwrap();
        let mut told = String::new();
        for block in format!("\n{whole}").split("\n=== ").skip(1) {
            let (name, text) = block.split_once('\n').unwrap();
            let text = text.replace("\\e", "\u{1b}").replace("\\r", "\r").replace("\\t", "\t");
            told.push_str(&format!("=== {name}\n"));
            lines(&text).iter().for_each(|line| told.push_str(&shown(line)));
        }
        let list = path.with_extension("told");
        if std::env::var_os("UPDATE_READINGS").is_some() {
            fs::write(&list, &told).unwrap();
        }
        let wanted = fs::read_to_string(&list).unwrap();
        for (was, is) in wanted.lines().zip(told.lines()) {
            assert_eq!(was, is, "{}", path.display());
        }
        assert_eq!(wanted.lines().count(), told.lines().count(), "{}", path.display());
    }
}
