//! Odd words on the command line: a clear refusal, or an answer, and never a crash.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs with words that need not be UTF-8, no docker, and nothing on standard input.
fn run(folder: &Path, words: &[OsString]) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_why137"))
        .args(words)
        .env_clear()
        .env("WHY137_NOW", crate::program::NOW)
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = done.status.code().unwrap_or_else(|| panic!("{words:?}: {}", done.status));
    (code, text(done.stdout), text(done.stderr))
}

fn raw(bytes: &[u8]) -> OsString {
    OsStr::from_bytes(bytes).to_owned()
}

fn harmless(what: &str, shown: &str) {
    let steers = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!shown.contains(steers), "{what}: {shown:?}");
    assert!(!shown.contains("panicked") && !shown.contains("os error"), "{what}: {shown}");
    let orders = shown.lines().any(|line| line.trim_start().starts_with("::"));
    assert!(!orders, "{what}: {shown}");
}

/// Words that are no option's value and no option.
const REFUSED: [&[&str]; 26] = [
    &["--no-such-option"],
    &["--quiet=yes", "x"],
    &["--format", "yaml", "x"],
    &["--format", "", "x"],
    &["--format=", "x"],
    &["--format"],
    &["--format", "json", "--format", "text", "x"],
    &["--color", "sometimes", "x"],
    &["--width", "wide", "x"],
    &["--width", "-1", "x"],
    &["--width", "99999999999999999999", "x"],
    &["-q", "--verbose", "x"],
    &["-q", "--format", "json", "x"],
    &["-x"],
    &["-qx", "x"],
    &["---"],
    &["--=", "x"],
    &["rule"],
    &["rule", "a", "b"],
    &["rules", "extra"],
    &["completions"],
    &["completions", "tcl"],
    &["explain", "--save"],
    &["-H"],
    &["-c"],
    &[""],
];

#[test]
fn what_cannot_be_followed_ends_with_2_and_says_what() {
    let folder = tempfile::tempdir().unwrap();
    for words in REFUSED {
        let owned: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (code, out, err) = run(folder.path(), &owned);
        assert_eq!((code, out.as_str()), (2, ""), "{words:?}: {err}");
        assert!(err.starts_with("error: ") && err.len() > 20, "{words:?}: {err}");
        harmless(&format!("{words:?}"), &err);
    }
}

#[test]
fn words_that_are_no_text_are_shown_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let broken = raw(b"a\xff\xfeb");
    let lines: [&[OsString]; 9] = [
        std::slice::from_ref(&broken),
        &["explain".into(), broken.clone()],
        &["--format".into(), broken.clone(), "x".into()],
        &["-H".into(), broken.clone(), "x".into()],
        &["-c".into(), broken.clone(), "x".into()],
        &["rule".into(), broken.clone()],
        &[broken.clone(), "other".into()],
        &[raw(b"--\xff")],
        &[raw(b"--format=\xff"), "x".into()],
    ];
    for words in lines {
        let (code, out, err) = run(folder.path(), words);
        assert!(code == 1 || code == 2, "{words:?}: {code} {err}");
        assert_eq!(out, "", "{words:?}");
        assert!(err.starts_with("error: "), "{words:?}: {err}");
        harmless(&format!("{words:?}"), &err);
    }
}

#[test]
fn a_file_whose_name_is_no_text_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let name = raw(b"kern\xff\x1b[2J.log");
    std::fs::write(folder.path().join(&name), "hello\n").unwrap();
    let (code, out, err) = run(folder.path(), &["explain".into(), name]);
    assert_eq!(code, 3, "{err}");
    harmless("page", &out);
    harmless("notes", &err);
}

#[test]
fn long_words_are_refused_in_few() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(100_000);
    let many: Vec<OsString> = (0..10_000).map(|at| format!("f{at}").into()).collect();
    let lines: [Vec<OsString>; 8] = [
        vec![(&long).into()],
        vec![format!("./{long}").into()],
        vec!["rule".into(), (&long).into()],
        vec!["--format".into(), (&long).into(), "x".into()],
        vec!["-H".into(), (&long).into(), "x".into()],
        vec!["-c".into(), (&long).into(), "x".into()],
        vec![format!("--{long}").into()],
        many,
    ];
    for words in lines {
        let (code, out, err) = run(folder.path(), &words);
        let what = format!("{} words, {} bytes", words.len(), words[0].len());
        assert!(code == 1 || code == 2, "{what}: {code}");
        assert_eq!(out, "", "{what}");
        assert!(err.starts_with("error: "), "{what}");
        assert!(err.len() < 2000, "{what}: {} bytes of complaint: {:.300}", err.len(), err);
        harmless(&what, &err);
    }
}

/// Random lines of the grammar's own words, and of words that are not.
#[test]
fn any_line_of_words_is_answered_or_refused() {
    const WORDS: [&str; 34] = [
        "explain",
        "rules",
        "rule",
        "man",
        "schema",
        "completions",
        "bash",
        "own-limit",
        "--format",
        "json",
        "text",
        "markdown",
        "-q",
        "--quiet",
        "-v",
        "--verbose",
        "-H",
        "unix:///no",
        "-c",
        "--save",
        "--with-logs",
        "--color",
        "never",
        "--width",
        "80",
        "--",
        "-",
        "",
        "./none",
        "api",
        "-qv",
        "--format=json",
        "-Hunix:///no",
        "\u{1b}[2J::error::x\u{202e}",
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % bound
    };
    for _ in 0..400 {
        let count = below(6);
        let words: Vec<OsString> = (0..count).map(|_| WORDS[below(WORDS.len())].into()).collect();
        let (code, out, err) = run(folder.path(), &words);
        assert!((0..=4).contains(&code), "{words:?}: {code} {err}");
        harmless(&format!("{words:?}"), &err);
        if code == 2 {
            assert!(out.is_empty() && !err.is_empty(), "{words:?}: {out}");
        }
    }
}
