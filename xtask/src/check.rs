//! Everything that is checked without running the product: format, lints, layers, lengths,
//! generated files, licences.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::repository::Repository;
use crate::summary::Summary;
use crate::{generate, layers};

/// Lines of a source file without its tests.
const LONGEST_FILE: usize = 800;

/// Runs all checks.
pub(crate) fn run(repository: &Repository, summary: &mut Summary) {
    component(repository, summary, "format", "rustfmt", &["fmt", "--all", "--check"]);
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    component(repository, summary, "clippy", "clippy", &lints);
    summary.step("layers", layers::check(&repository.metadata));
    summary.step("file lengths", lengths(repository));
    summary.step("open ends have a number", open_ends(repository));
    generate::check(repository, summary);
    deny(repository, summary);
}

/// A cargo command of a part that not every toolchain has: rustup's minimal profile and the
/// packages of distributions come without rustfmt and clippy.
fn component(
    repository: &Repository,
    summary: &mut Summary,
    what: &str,
    part: &str,
    arguments: &[&str],
) {
    let verb = arguments.first().copied().unwrap_or_default();
    // rustup's stand-in for a missing part is there and fails; without rustup cargo itself does.
    if answers(&mut repository.cargo(&[verb, "--version"])) {
        summary.step(what, repository.succeed(&mut repository.cargo(arguments)));
    } else {
        let why = format!("this toolchain has no {part}; `rustup component add {part}` adds it");
        summary.not_run(what, &why);
    }
}

/// Whether a program is there and ends well; what it prints is not wanted.
fn answers(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn lengths(repository: &Repository) -> Result<()> {
    let mut long = Vec::new();
    for (path, text) in sources(repository)? {
        let lines = lines_without_tests(&text);
        if lines > LONGEST_FILE && !path.ends_with("tests.rs") {
            long.push(format!("{path} has {lines} lines, {LONGEST_FILE} are allowed"));
        }
    }
    none(&long)
}

/// Lines before the test module, which by habit closes a file.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .position(|pair| {
            matches!(pair, [first, second]
                if first.starts_with("#[cfg(test)]") && second.starts_with("mod ")
                    && second.ends_with('{'))
        })
        .unwrap_or(lines.len())
}

/// Notes to come back to something must carry the number of an issue.
fn open_ends(repository: &Repository) -> Result<()> {
    // Written in two pieces, so that this file does not find itself.
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut open = Vec::new();
    for (path, text) in sources(repository)? {
        for (number, line) in text.lines().enumerate() {
            if words.iter().any(|word| lacks_a_number(line, word)) {
                open.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    none(&open)
}

fn lacks_a_number(line: &str, word: &str) -> bool {
    line.split_once(word).is_some_and(|(_, rest)| {
        let rest = rest.trim_start_matches(['(', ' ']);
        !rest.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

fn sources(repository: &Repository) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for folder in ["crates", "lab", "xtask"] {
        for path in repository.files(folder, "rs")? {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("could not read `{}`", path.display()))?;
            all.push((repository.inside(&path), text));
        }
    }
    Ok(all)
}

fn none(wrong: &[String]) -> Result<()> {
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}

/// Licences, advisories and duplicate crates, where cargo-deny is installed.
fn deny(repository: &Repository, summary: &mut Summary) {
    let installed = answers(Command::new("cargo-deny").arg("--version"));
    if installed {
        let result = repository.succeed(&mut repository.cargo(&["deny", "check"]));
        summary.step("cargo-deny", result);
    } else {
        summary.not_run("cargo-deny", "it is not installed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_do_not_count_as_length() {
        assert_eq!(lines_without_tests("a\nb\n#[cfg(test)]\nmod tests {\nc\n}\n"), 2);
        assert_eq!(lines_without_tests("a\n#[cfg(test)]\nmod tests;\nb\n"), 4);
    }

    #[test]
    fn an_open_end_needs_a_number() {
        assert!(lacks_a_number("// LATER: more", "LATER"));
        assert!(!lacks_a_number("// LATER(#12): more", "LATER"));
        assert!(!lacks_a_number("// LATER #12", "LATER"));
        assert!(!lacks_a_number("// nothing", "LATER"));
    }
}
