//! The truth table: saved by `cargo xtask truth --save` as `lab/results/truth-cgroup-v1.json`, and told from
//! there in `docs/reference/truth.md`. The page claims nothing that is not in the data.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repository::Repository;
use crate::say;
use crate::truth::Said;

fn file(repository: &Repository) -> PathBuf {
    repository.root.join("lab/results/truth-cgroup-v1.json")
}

/// Writes what was said; of runtimes that were not asked as a whole, what is there is kept.
pub(crate) fn save(
    repository: &Repository,
    machine: Value,
    mut programs: Vec<Value>,
    asked: &[&str],
) -> Result<()> {
    let path = file(repository);
    let before: Value = match std::fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| path.display().to_string())?,
        Err(_none_yet) => Value::Null,
    };
    if !asked.is_empty() {
        let is_same = |one: &Value, other: &Value| {
            ["runtime", "version", "origin"].iter().all(|name| word(one, name) == word(other, name))
        };
        let kept: Vec<Value> = list(&before, "programs")
            .iter()
            .filter(|one| !asked.contains(&word(one, "runtime")))
            .filter(|one| !programs.iter().any(|new| is_same(one, new)))
            .cloned()
            .collect();
        programs.extend(kept);
    }
    for one in &mut programs {
        if let Some(fields) = one.as_object_mut() {
            fields.entry("machine").or_insert_with(|| machine.clone());
        }
    }
    programs.sort_by_key(|one| {
        let place = ORDER.iter().position(|(runtime, _)| *runtime == word(one, "runtime"));
        (place, numbers(word(one, "version")), word(one, "origin").to_owned())
    });
    std::fs::write(&path, printed(&programs)?)
        .with_context(|| format!("could not write `{}`", path.display()))?;
    say(&format!("wrote {}", repository.inside(&path)));
    Ok(())
}

/// A row a line: short, and a change shows where it is.
fn printed(programs: &[Value]) -> Result<String> {
    let mut text = String::from("{\"programs\": [\n");
    for (at, one) in programs.iter().enumerate() {
        let mut head = one.clone();
        if let Some(fields) = head.as_object_mut() {
            fields.remove("rows");
        }
        let head = serde_json::to_string(&head)?;
        let rows: Result<Vec<String>, serde_json::Error> =
            list(one, "rows").iter().map(serde_json::to_string).collect();
        let end = if at + 1 < programs.len() { "," } else { "" };
        let head = head.strip_suffix('}').unwrap_or(&head);
        text += &format!("{head},\"rows\":[\n{}\n]}}{end}\n", rows?.join(",\n"));
    }
    Ok(text + "]}\n")
}

/// The programs of the results.
pub(crate) fn programs(repository: &Repository) -> Result<Vec<Value>> {
    let path = file(repository);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let data: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(list(&data, "programs").to_vec())
}

/// What a program said in this row at this limit.
pub(crate) fn said(program: &Value, row: &str, limit: Option<u64>) -> Option<Said> {
    let row = list(program, "rows").iter().find(|one| word(one, "row") == row)?;
    let cell = list(row, "said").iter().find(|one| one.get(0).and_then(Value::as_u64) == limit)?;
    cell.get(1).map(Said::read)
}

const ORDER: [(&str, &str); 4] =
    [("node", "Node.js"), ("java", "The JVM"), ("go", "Go"), ("python", "CPython")];

/// The page; `None` while there are no results.
pub(crate) fn page(repository: &Repository) -> Result<Option<String>> {
    let path = file(repository);
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let data: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let programs = list(&data, "programs");
    let mut text = opening(programs);
    for (runtime, name) in ORDER {
        let of: Vec<&Value> =
            programs.iter().filter(|one| word(one, "runtime") == runtime).collect();
        if of.is_empty() {
            continue;
        }
        text += &format!("\n## {name}\n\n{}\n", meaning(runtime));
        of.iter().for_each(|one| text += &program(one));
    }
    Ok(Some(text))
}

fn opening(programs: &[Value]) -> String {
    let mut text = String::from(
        "# What runtimes believe\n\n\
         Each cell was measured: the real program was started in a real cgroup (version 1) and asked what\n\
         it believes it may use, and `why137 audit --predict` was asked the same. Where both differ, the cell\n\
         says so. Written from `lab/results/truth-cgroup-v1.json`, by `cargo xtask truth --save` and\n\
         `cargo xtask gen`.\n\n\
         Layouts: *container*, as Docker makes it on cgroup v1, with the host's cgroup namespace or a private\n\
         one; *service*, its own limit with the whole hierarchy visible; *parent*, the limit of a level above\n\
         that is visible; *hidden parent*, the limit of a level above a container. Limits, ceilings and soft\n\
         limits are in MiB.\n\n\
         | runtime | version | from | date | kernel | cells | differ, as known | differ |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for one in programs.iter().filter(|one| word(one, "not_run").is_empty()) {
        let rows = list(one, "rows");
        let cells: usize = rows.iter().map(|row| list(row, "said").len()).sum();
        let differ: Vec<&Value> = rows
            .iter()
            .filter_map(|row| row.get("differ")?.as_object())
            .flat_map(|fields| fields.values())
            .collect();
        let known = differ.iter().filter(|one| !word(one, "known").is_empty()).count();
        let machine = one.get("machine").unwrap_or(&Value::Null);
        text += &format!(
            "| {} | {} | {} | {} | {} | {cells} | {known} | {} |\n",
            word(one, "runtime"),
            word(one, "version"),
            word(one, "origin"),
            word(machine, "date"),
            word(machine, "kernel"),
            differ.len() - known,
        );
    }
    for one in programs.iter().filter(|one| !word(one, "not_run").is_empty()) {
        let (runtime, origin) = (word(one, "runtime"), word(one, "origin"));
        let why = plain(word(one, "not_run"));
        text += &format!("\nNOT RUN: {runtime} ({origin}), because {why}\n");
    }
    text
}

fn meaning(runtime: &str) -> &'static str {
    match runtime {
        "node" => {
            "The number is `v8.getHeapStatistics().heap_size_limit`, in MiB; the processors are \
             `os.availableParallelism()`, where the version has it."
        }
        "java" => {
            "The number is `MaxHeapSize` of `-XX:+PrintFlagsFinal`, in MiB; the processors are \
             `Runtime.availableProcessors()`."
        }
        "go" => {
            "The number is `debug.SetMemoryLimit(-1)`, in MiB; the processors are `runtime.GOMAXPROCS(0)`."
        }
        _ => {
            "CPython has no ceiling; the processors are `os.cpu_count()`, by which its pools and its servers' workers are counted."
        }
    }
}

/// A program's rows.
fn program(one: &Value) -> String {
    if !word(one, "not_run").is_empty() {
        return String::new();
    }
    let machine = one.get("machine").unwrap_or(&Value::Null);
    let memory = machine.get("memory").and_then(Value::as_u64).unwrap_or_default() >> 20;
    let cpus = machine.get("cpus").and_then(Value::as_u64).unwrap_or_default();
    let mut text = format!(
        "\n### {} {}\n\n{}, on a machine with {memory} MiB and {cpus} processors.\n\n\
         | place and settings | limits: what it says |\n| --- | --- |\n",
        word(one, "runtime"),
        word(one, "version"),
        word(one, "origin"),
    );
    for row in list(one, "rows") {
        text += &format!("| {} | {} |\n", plain(word(row, "row")), cells(row));
    }
    text
}

/// Neighbours that say the same stand together: `128, 200, 256: 259; 600: 312`.
fn cells(row: &Value) -> String {
    let mut groups: Vec<(Vec<String>, String)> = Vec::new();
    for cell in list(row, "said") {
        let limit = cell.get(0).and_then(Value::as_u64);
        let limit = limit.map_or("none".to_owned(), |limit| limit.to_string());
        let mut told = shown(cell.get(1).unwrap_or(&Value::Null));
        if let Some(differ) = row.get("differ").and_then(|differ| differ.get(&limit)) {
            let predicted = shown(differ.get("predicted").unwrap_or(&Value::Null));
            let known = word(differ, "known");
            let known = if known.is_empty() { "**differs**".to_owned() } else { plain(known) };
            told += &format!(" (predicted: {predicted}; {known})");
        }
        match groups.last_mut() {
            Some((limits, same)) if *same == told => limits.push(limit),
            _ => groups.push((vec![limit], told)),
        }
    }
    let words: Vec<String> =
        groups.iter().map(|(limits, told)| format!("{}: {told}", limits.join(", "))).collect();
    words.join("; ")
}

fn shown(said: &Value) -> String {
    if said.is_string() {
        return "does not start".to_owned();
    }
    let mut text = match said.get(0).and_then(Value::as_u64) {
        Some(bytes) => {
            let mebibytes = format!("{:.2}", bytes as f64 / (1u64 << 20) as f64);
            mebibytes.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        None => "no ceiling".to_owned(),
    };
    match said.get(1).and_then(Value::as_u64) {
        Some(1) => text += ", 1 CPU",
        Some(cpus) => text += &format!(", {cpus} CPUs"),
        None => {}
    }
    if let Some(collector) = said.get(2).and_then(Value::as_str) {
        text += &format!(", {collector}");
    }
    text
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A version's numbers, for sorting.
fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '_']).filter_map(|part| part.parse().ok()).collect()
}

/// Text of a cell.
fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn neighbours_that_say_the_same_stand_together() {
        let heap = |amount: u64| json!([amount << 20, 2, "G1"]);
        let row = json!({"said": [[128, heap(64)], [200, heap(64)], [null, "refuses"]]});
        assert_eq!(cells(&row), "128, 200: 64, 2 CPUs, G1; none: does not start");
    }

    #[test]
    fn a_difference_is_shown_with_its_reason() {
        let row = json!({"said": [[128, [1_572_864, null]]],
            "differ": {"128": {"predicted": [null, 2], "known": "an old bug"}}});
        assert_eq!(cells(&row), "128: 1.5 (predicted: no ceiling, 2 CPUs; an old bug)");
        let row = json!({"said": [[128, [1_572_864, null]]],
            "differ": {"128": {"predicted": [null, 2], "known": null}}});
        assert!(cells(&row).contains("**differs**"));
    }

    #[test]
    fn what_is_printed_is_json_with_a_row_a_line() {
        let programs = [json!({"runtime": "go", "rows": [{"row": "a"}, {"row": "b"}]})];
        let text = printed(&programs).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, json!({"programs": programs}));
        assert_eq!(text.lines().count(), 6);
    }
}
