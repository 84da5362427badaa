//! Deaths outside plain Docker: a systemd service's, a Podman container's, a Swarm task's. Each is
//! made by a shell script on the lab's own machine with systemd ([`crate::vm::Flavour::Systemd`]).
//!
//! As in [`crate::deaths`] a death is data: the units and the script that make it, what its manager
//! must show afterwards, what why137 is asked, and what it must answer. The scripts share
//! `lab/guest/scene`.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::answer::Asker;
use crate::expect::{Expect, differences};
use crate::platform::Machine;
use crate::results::{Said, Watch};
use crate::run::{Entry, Outcome, Told};
use crate::shell;

mod containers;
mod nested;
mod swarm;
mod systemd;
mod user_space;

/// Where systemd finds the units of this run.
const UNITS: &str = "/run/systemd/system";
/// Read by every script first.
const SCENE: &str = "/usr/lib/lab/scene";
/// Seconds that a script may take; the host gives up after 300 s of silence.
const PATIENCE: &str = "280";

/// One death.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What is done, in one line for `docs/reference/deaths.md`.
    pub(crate) done: &'static str,
    /// Unit files by name.
    pub(crate) units: &'static [(&'static str, &'static str)],
    /// Makes the death and waits for its end.
    pub(crate) make: &'static str,
    /// Prints what the manager shows of it.
    pub(crate) truth: &'static str,
    /// What that must be, one of; nothing for a death that leaves nothing to show.
    pub(crate) shows: &'static [&'static str],
    /// The words behind `why137 explain`; `{}` is the last line that `make` printed.
    pub(crate) ask: &'static [&'static str],
    /// `DOCKER_HOST` for the question.
    pub(crate) host: &'static str,
    pub(crate) expect: Expect,
    /// Clears up.
    pub(crate) clear: &'static str,
}

/// The daemon that most scripts speak of; where it does not run, its socket is not there.
const DOCKER: &str = "unix:///run/docker.sock";

const BASE: Script = Script {
    name: "",
    done: "",
    units: &[],
    make: "",
    truth: "",
    shows: &[],
    ask: &[],
    host: DOCKER,
    expect: crate::expect::OPEN,
    clear: "",
};

/// Every script, in the order in which they are run.
pub(crate) fn all() -> Vec<Script> {
    [
        systemd::DEATHS,
        user_space::DEATHS,
        nested::DEATHS,
        containers::DEATHS,
        swarm::DEATHS,
        // What a machine without memory loses, the others have behind them.
        systemd::LAST,
    ]
    .concat()
}

/// The scripts of these names; all where none is named.
pub(crate) fn wanted(only: &[String]) -> Result<Vec<Script>> {
    let all = all();
    if let Some(stranger) = only.iter().find(|word| !all.iter().any(|one| one.name == *word)) {
        bail!("the lab has no death `{stranger}` on a machine with systemd");
    }
    let asked = |one: &Script| only.is_empty() || only.iter().any(|word| word == one.name);
    Ok(all.into_iter().filter(asked).collect())
}

/// An entry for each, all with the same outcome.
pub(crate) fn all_alike(scripts: &[Script], outcome: &Outcome) -> Vec<Entry> {
    scripts.iter().map(|one| entry(one, outcome.clone(), Duration::ZERO, json!(null))).collect()
}

fn entry(script: &Script, outcome: Outcome, took: Duration, said: serde_json::Value) -> Entry {
    let title = format!("lab {}", script.name);
    Entry { name: script.name.to_owned(), title, outcome, took, said }
}

/// Makes them one after the other, inside.
pub(crate) fn all_of(
    lab: &Path,
    program: Option<&Path>,
    record: bool,
    scripts: &[Script],
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<()> {
    for (name, text) in scripts.iter().flat_map(|script| script.units) {
        let file = Path::new(UNITS).join(name);
        std::fs::create_dir_all(file.parent().context("a unit without a folder")?)?;
        std::fs::write(&file, text)
            .with_context(|| format!("could not write the unit `{name}`"))?;
    }
    shell::read(Command::new("systemctl").arg("daemon-reload"))?;
    for script in scripts {
        tell(Told::Begins(script.name));
        let begun = Instant::now();
        let mut said = Said::of(script.name, script.done);
        let outcome = match one(lab, program, record, script, &mut said) {
            Ok(wrong) if wrong.is_empty() => Outcome::Passed,
            Ok(wrong) => Outcome::Failed(wrong),
            Err(err) => Outcome::Failed(vec![format!("{err:#}")]),
        };
        if let Outcome::Failed(lines) = &outcome {
            said.wrong(lines);
        }
        drop(bash(script.clear, ""));
        tell(Told::Over(&entry(script, outcome, begun.elapsed(), said.value())));
    }
    Ok(())
}

/// Every difference between the death and the answer about it.
fn one(
    lab: &Path,
    program: Option<&Path>,
    record: bool,
    script: &Script,
    said: &mut Said,
) -> Result<Vec<String>> {
    let mut watch = Watch::begin()?;
    let made = bash(script.make, "").context("the death did not come about")?;
    let subject = made.lines().last().unwrap_or_default().to_owned();
    let shown = bash(script.truth, &subject)?.trim().to_owned();
    said.kernel(watch.kernel_lines(Machine::Own));
    if !script.shows.is_empty() && !script.shows.contains(&shown.as_str()) {
        let wanted = script.shows.join("` or `");
        return Ok(vec![format!("the death did not come about: `{shown}`, not `{wanted}`")]);
    }
    let Some(program) = program else { return Ok(Vec::new()) };
    let words: Vec<String> = script.ask.iter().map(|word| word.replace("{}", &subject)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let asker = Asker {
        program,
        host: script.host.to_owned(),
        lab,
        asks_again: false,
        only_records: record,
    };
    if record {
        asker.record_with(&words, script.name)?;
        return Ok(Vec::new());
    }
    let answer = asker.ask_with(&words, script.name)?;
    said.subject("", json!({"status": shown, "events": []}), &answer);
    let found = differences(&script.expect, &answer.json, &answer.text, None);
    Ok(found.into_iter().chain(answer.faults).collect())
}

/// Runs a script behind the scene; `$1` is the subject. Returns what it printed.
fn bash(text: &str, subject: &str) -> Result<String> {
    let whole = format!(". {SCENE}\n{text}\n");
    let mut command = Command::new("timeout");
    command.args([PATIENCE, "bash", "-c", &whole, "lab", subject]);
    let done = shell::output(&mut command)?;
    if !done.status.success() {
        let complaint = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        bail!("the script ended with {}: {complaint}", done.status);
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_also_beside_dockers_deaths() {
        let mut names: Vec<&str> = all().iter().map(|script| script.name).collect();
        names.extend(crate::deaths::all().iter().map(|death| death.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_script_says_what_is_done_and_expects_an_answer() {
        for script in all() {
            assert!(script.done.len() > 10, "{}", script.name);
            assert!(!script.done.contains('|') && !script.done.ends_with('.'), "{}", script.name);
            assert!(!script.expect.killer.is_empty(), "{}", script.name);
            assert!(!script.expect.confidence.is_empty(), "{}", script.name);
            assert!(!script.ask.is_empty(), "{}", script.name);
        }
    }

    #[test]
    fn a_units_name_stands_for_one_file_only() {
        let mut found: Vec<(&str, &str)> = Vec::new();
        for (name, text) in all().iter().flat_map(|script| script.units) {
            assert!(found.iter().all(|(other, words)| other != name || words == text), "{name}");
            found.push((name, text));
        }
    }
}
