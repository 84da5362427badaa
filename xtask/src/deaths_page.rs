//! What everybody said about each death: saved by the lab's runs as `lab/results/PLATFORM.json`, and
//! told from there in `docs/reference/deaths.md`. The page claims nothing that is not in the data.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use lab::{Cgroup, Entry, Machine, Outcome, Platform};
use serde_json::{Value, json};

use crate::repository::Repository;
use crate::say;

/// Writes what was said; with `all` false only these deaths' parts are replaced.
pub(crate) fn save(
    repository: &Repository,
    platform: &str,
    entries: &[Entry],
    all: bool,
) -> Result<()> {
    let path = file_of(repository, platform);
    let before = std::fs::read_to_string(&path).unwrap_or_else(|_none_yet| "[]".to_owned());
    let mut deaths: Vec<Value> = if all {
        Vec::new()
    } else {
        serde_json::from_str(&before).with_context(|| format!("`{}`", path.display()))?
    };
    for entry in entries {
        let said = match &entry.outcome {
            Outcome::NotRun(why) => json!({"name": entry.name, "not_run": why}),
            // The machine broke down before: nobody said anything.
            Outcome::Failed(_) if entry.said.is_null() => continue,
            Outcome::Passed | Outcome::Failed(_) => entry.said.clone(),
        };
        let name = |one: &Value| one.get("name").cloned();
        match deaths.iter_mut().find(|one| name(one) == name(&said)) {
            Some(slot) => *slot = said,
            None => deaths.push(said),
        }
    }
    // In the list's order; a death that is no longer in it is forgotten.
    let names = lab::all_names();
    let place = |one: &Value| names.iter().position(|(name, _)| *name == word(one, "/name"));
    deaths.retain(|one| place(one).is_some());
    deaths.sort_by_key(place);
    std::fs::create_dir_all(path.parent().context("no folder")?)?;
    std::fs::write(&path, serde_json::to_string_pretty(&deaths)? + "\n")
        .with_context(|| format!("could not write `{}`", path.display()))?;
    say(&format!("wrote {}", repository.inside(&path)));
    Ok(())
}

fn file_of(repository: &Repository, platform: &str) -> PathBuf {
    repository.root.join("lab/results").join(format!("{platform}.json"))
}

/// One platform's deaths.
struct Told {
    name: String,
    deaths: Vec<Value>,
}

impl Told {
    fn death(&self, name: &str) -> Option<&Value> {
        self.deaths.iter().find(|death| word(death, "/name") == name)
    }
}

/// Platforms in the order in which the page has them.
fn platforms() -> [String; 4] {
    let own = |docker, cgroup| Platform { docker, cgroup, machine: Machine::Own }.name();
    let systemd = "systemd-257-cgroup-v2".to_owned();
    [own("26.1", Cgroup::V2), own("26.1", Cgroup::V1), own("20.10", Cgroup::V1), systemd]
}

/// The whole page; `None` while there are no results.
pub(crate) fn page(repository: &Repository) -> Result<Option<String>> {
    let mut told = Vec::new();
    for platform in platforms() {
        let path = file_of(repository, &platform);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let deaths =
            serde_json::from_str(&text).with_context(|| format!("`{}`", path.display()))?;
        told.push(Told { name: platform, deaths });
    }
    if told.is_empty() {
        return Ok(None);
    }
    Ok(Some([opening(&told), article(&told), by_sight(&told), all(&told)].concat()))
}

fn opening(told: &[Told]) -> String {
    let mut text = String::from(
        "# The deaths\n\n\
         Each of these was made for real, on a throw-away container, and each answer was compared field\n\
         by field with what was done. This page is written from the runs (`lab/results`), by\n\
         `cargo xtask lab --save`, `cargo xtask lab vm --save` and `cargo xtask gen`.\n\n\
         | platform | deaths | answers right | not there |\n| --- | --- | --- | --- |\n",
    );
    for one in told {
        let not_there = one.deaths.iter().filter(|death| !word(death, "/not_run").is_empty());
        let made: Vec<&Value> =
            one.deaths.iter().filter(|death| word(death, "/not_run").is_empty()).collect();
        let right = made.iter().filter(|death| list(death, "/wrong").is_empty()).count();
        let line = format!(
            "| {} | {} | {right} | {} |\n",
            one.name.replace('-', " "),
            made.len(),
            not_there.count()
        );
        text.push_str(&line);
    }
    text
}

/// The case with the opposite flags, before everything else.
fn article(told: &[Told]) -> String {
    let rows: String = told
        .iter()
        .filter_map(|one| Some((one, one.death("host-memory")?)))
        .filter(|(_, death)| word(death, "/not_run").is_empty())
        .map(|(one, death)| row(&one.name, death))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "\n## No limit set, and the host's OOM killer strikes\n\n\
         A container without a memory limit asks for more than the machine has, and the kernel kills its\n\
         main process. The same death, and Docker's flag is the opposite:\n\n{HEAD}{rows}\n\
         - **cgroup v1: `OOMKilled: false`.** Docker waits for a notification of the container's own memory\n\
         \x20 cgroup. That cgroup was never short of memory, the machine was, so nobody is notified: no `oom`\n\
         \x20 event, no flag. *The flag does not exclude the OOM killer.*\n\
         - **cgroup v2: `OOMKilled: true`.** The kernel counts every OOM kill of a member in the cgroup's\n\
         \x20 `memory.events` (`oom_kill`), whoever ran out of memory, and Docker watches that file. *The flag\n\
         \x20 does not say that a limit was hit.* There was none.\n\
         - What tells is the kernel's report: `CONSTRAINT_NONE` and `global_oom` mean the machine,\n\
         \x20 `CONSTRAINT_MEMCG` with `oom_memcg=` names the cgroup whose limit was full.\n{}",
        kernel(told, "host-memory")
    )
}

const HEAD: &str = "| platform | Docker | events | why137 |\n| --- | --- | --- | --- |\n";

/// Status, exit code and flag, and every death that leaves them.
fn by_sight(told: &[Told]) -> String {
    let mut seen: BTreeMap<(String, String), BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for one in told {
        for death in &one.deaths {
            let Some(first) = list(death, "/about").first() else { continue };
            let flag = match first.pointer("/docker/oom_killed").and_then(Value::as_bool) {
                Some(flag) => flag.to_string(),
                None => "–".to_owned(),
            };
            let names = seen.entry((shown(first), flag)).or_default();
            let platforms = names.entry(word(death, "/name").to_owned()).or_default();
            platforms.push(one.name.clone());
        }
    }
    let mut text = String::from(
        "\n## By what Docker shows\n\n\
         | `docker inspect` | OOMKilled | deaths that leave this |\n| --- | --- | --- |\n",
    );
    for ((shown, flag), names) in seen {
        let names: Vec<String> = names
            .iter()
            .map(|(name, platforms)| {
                let where_made = told.iter().filter(|one| was_made(one, name)).count();
                let only = if platforms.len() == where_made {
                    String::new()
                } else {
                    let short: Vec<String> =
                        platforms.iter().map(|one| one.replace("docker-", "")).collect();
                    format!(" ({})", short.join(", "))
                };
                format!("[{name}](#{name}){only}")
            })
            .collect();
        text.push_str(&format!("| {shown} | {flag} | {} |\n", names.join(", ")));
    }
    text
}

fn was_made(one: &Told, name: &str) -> bool {
    one.death(name).is_some_and(|death| !list(death, "/about").is_empty())
}

/// Every death with a row for each platform.
fn all(told: &[Told]) -> String {
    let mut text = String::from("\n## Every death\n");
    let mut names: Vec<&str> = Vec::new();
    for name in told.iter().flat_map(|one| one.deaths.iter()).map(|death| word(death, "/name")) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let deaths: Vec<(&Told, &Value)> =
            told.iter().filter_map(|one| Some((one, one.death(name)?))).collect();
        let done =
            deaths.iter().map(|(_, death)| word(death, "/done")).find(|done| !done.is_empty());
        let mut letters = done.unwrap_or_default().chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        text.push_str(&format!("\n### {name}\n\n{first}{}.\n\n{HEAD}", letters.as_str()));
        for (one, death) in &deaths {
            text.push_str(&row(&one.name, death));
        }
        text.push_str(&kernel(told, name));
    }
    text
}

/// One platform's line, or one for each container that was asked about.
fn row(platform: &str, death: &Value) -> String {
    let platform = platform.replace("docker-", "").replace('-', " ");
    let why = word(death, "/not_run");
    if !why.is_empty() {
        return format!("| {platform} | not there | | {} |\n", plain(why));
    }
    let mut text = String::new();
    for about in list(death, "/about") {
        let of = |path: &str| word(about, path);
        let suffix = of("/container");
        let which = if suffix.is_empty() { String::new() } else { format!(", container {suffix}") };
        let flag = match about.pointer("/docker/oom_killed").and_then(Value::as_bool) {
            Some(flag) => format!(", OOMKilled {flag}"),
            None => String::new(),
        };
        let right = if list(death, "/wrong").is_empty() { "" } else { " **(wrong)**" };
        text.push_str(&format!(
            "| {platform}{which} | {}{flag} | {} | {}{right} |\n",
            shown(about),
            strings(about, "/docker/events").join(", "),
            answer(about),
        ));
    }
    if text.is_empty() {
        let wrong = strings(death, "/wrong").join("; ");
        return format!("| {platform} | | | **nobody was asked**: {} |\n", plain(&wrong));
    }
    text
}

/// `exited 137`, or the status alone of what has not ended.
fn shown(about: &Value) -> String {
    let status = word(about, "/docker/status");
    match about.pointer("/docker/exit_code").and_then(Value::as_i64) {
        Some(code) if !["running", "paused"].contains(&status) => format!("{status} {code}"),
        Some(_) | None => status.to_owned(),
    }
}

/// The answer's fields and its opening sentence.
fn answer(about: &Value) -> String {
    let of = |path: &str| word(about, path);
    let victims = strings(about, "/why137/victims").join(", ");
    let victims = if victims.is_empty() { String::new() } else { format!("; victims: {victims}") };
    let by = of("/why137/killed_by");
    let by = if by.is_empty() { String::new() } else { format!(" by {by}") };
    let says = plain(of("/why137/says"));
    format!("`{}`{by}, {}{victims}<br>{says}", of("/why137/killer"), of("/why137/confidence"))
}

/// The kernel's lines from the first platform on which it said any.
fn kernel(told: &[Told], name: &str) -> String {
    let found = told.iter().find_map(|one| {
        let lines = strings(one.death(name)?, "/kernel");
        (!lines.is_empty()).then(|| (one.name.replace('-', " "), lines.join("\n")))
    });
    match found {
        Some((platform, lines)) => format!("\nThe kernel, on {platform}:\n\n```\n{lines}\n```\n"),
        None => String::new(),
    }
}

fn word<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn strings<'a>(value: &'a Value, path: &str) -> Vec<&'a str> {
    list(value, path).iter().filter_map(Value::as_str).collect()
}

/// Text of a cell: nothing in it is taken for Markdown's or HTML's own signs.
fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, flag: bool, events: &[&str]) -> Told {
        let death = json!({"name": "host-memory", "done": "a container", "kernel": ["oom-kill:x"],
            "wrong": [], "about": [{"container": "", "docker": {"status": "exited",
            "exit_code": 137, "oom_killed": flag, "events": events},
            "why137": {"killer": "host-out-of-memory", "confidence": "proven",
            "victims": ["main python3"], "says": "a|b"}}]});
        Told { name: name.to_owned(), deaths: vec![death] }
    }

    #[test]
    fn the_same_death_stands_under_both_flags() {
        let both = [
            told("docker-26.1-cgroup-v2", true, &["oom"]),
            told("docker-20.10-cgroup-v1", false, &[]),
        ];
        let text = by_sight(&both);
        assert!(
            text.contains("| exited 137 | false | [host-memory](#host-memory) (20.10-cgroup-v1) |"),
            "{text}"
        );
        assert!(
            text.contains("| exited 137 | true | [host-memory](#host-memory) (26.1-cgroup-v2) |"),
            "{text}"
        );
        let text = article(&both);
        assert!(text.contains("exited 137, OOMKilled false"), "{text}");
        assert!(text.contains("exited 137, OOMKilled true"), "{text}");
    }

    #[test]
    fn a_strangers_text_does_not_break_the_table() {
        assert!(
            row("docker-26.1-cgroup-v2", told("x", true, &[]).death("host-memory").unwrap())
                .contains("a\\|b")
        );
    }

    #[test]
    fn a_death_that_is_not_there_says_why() {
        let line =
            row("docker-20.10-cgroup-v1", &json!({"not_run": "it needs a machine of its own"}));
        assert_eq!(line, "| 20.10 cgroup v1 | not there | | it needs a machine of its own |\n");
    }
}
