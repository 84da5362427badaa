//! The truth table: saved by `cargo xtask truth --save` as `lab/results/truth-cgroup-v1.json` and `-v2.json`,
//! and told from there in `docs/reference/truth.md`. The page claims nothing that is not in the data.

use std::path::PathBuf;

use anyhow::{Context, Result};
use lab::Cgroup;
use serde_json::Value;

use crate::repository::Repository;
use crate::say;
use crate::truth::Said;

fn file(repository: &Repository, cgroup: Cgroup) -> PathBuf {
    repository.root.join(format!("lab/results/truth-cgroup-{}.json", cgroup.word()))
}

/// Writes what was said; of runtimes that were not asked as a whole, what is there is kept.
pub(crate) fn save(
    repository: &Repository,
    cgroup: Cgroup,
    mut programs: Vec<Value>,
    asked: &[&str],
) -> Result<()> {
    let path = file(repository, cgroup);
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
pub(crate) fn programs(repository: &Repository, cgroup: Cgroup) -> Result<Vec<Value>> {
    let path = file(repository, cgroup);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let data: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(list(&data, "programs").to_vec())
}

/// How many cells a program has.
pub(crate) fn cells_of(program: &Value) -> usize {
    list(program, "rows").iter().map(|row| list(row, "said").len()).sum()
}

/// What a program said in this row at this limit.
pub(crate) fn said(program: &Value, row: &str, limit: Option<u64>) -> Option<Said> {
    let row = list(program, "rows").iter().find(|one| word(one, "row") == row)?;
    let cell = list(row, "said").iter().find(|one| one.get(0).and_then(Value::as_u64) == limit)?;
    cell.get(1).map(Said::read)
}

const ORDER: [(&str, &str); 4] =
    [("node", "Node.js"), ("java", "The JVM"), ("go", "Go"), ("python", "CPython")];

/// Both generations' programs; a file that is not there yet has none.
fn both(repository: &Repository) -> Result<Vec<(Cgroup, Value)>> {
    let mut all = Vec::new();
    for cgroup in [Cgroup::V1, Cgroup::V2] {
        if file(repository, cgroup).exists() {
            all.extend(programs(repository, cgroup)?.into_iter().map(|one| (cgroup, one)));
        }
    }
    // The same program's on both stand together; within one, as they are saved.
    all.sort_by_key(|(_, one)| {
        let place = ORDER.iter().position(|(runtime, _)| *runtime == word(one, "runtime"));
        (place, numbers(word(one, "version")), word(one, "origin").to_owned())
    });
    Ok(all)
}

/// The page; `None` while there are no results.
pub(crate) fn page(repository: &Repository) -> Result<Option<String>> {
    let programs = both(repository)?;
    if programs.is_empty() {
        return Ok(None);
    }
    let mut text = opening(&programs);
    for (runtime, name) in ORDER {
        let mut of = programs.iter().filter(|(_, one)| word(one, "runtime") == runtime).peekable();
        if of.peek().is_none() {
            continue;
        }
        text += &format!("\n## {name}\n\n{}\n", meaning(runtime));
        of.for_each(|(cgroup, one)| text += &program(*cgroup, one));
    }
    Ok(Some(text))
}

const HEAD: &str = "\
# What runtimes believe

Each cell was measured: the real program was started in a real cgroup and asked what it believes it
may use, and `why137 audit --predict` was asked the same. Where both differ, the cell says so. cgroup v1 is
the kernel's own on the machine of the lab, v2 in its virtual machine. Written from
`lab/results/truth-cgroup-v1.json` and `truth-cgroup-v2.json`, by `cargo xtask truth --save` and `cargo xtask gen`.

Layouts: *container*, as Docker makes it: on v1 with the host's cgroup namespace or a private one, on v2
with a private one; *service*, its own limit with the whole hierarchy visible; *parent*, the limit of a level
above that is visible; *hidden parent*, the limit of a level above a container. A soft limit is
`memory.soft_limit_in_bytes` on v1, `memory.high` on v2. Limits, ceilings and soft limits are in MiB.

| runtime | version | from | cgroup | date | kernel | cells | differ, as known | differ |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
";

fn opening(programs: &[(Cgroup, Value)]) -> String {
    let mut text = String::from(HEAD);
    let was_run = |one: &&(Cgroup, Value)| word(&one.1, "not_run").is_empty();
    for (cgroup, one) in programs.iter().filter(was_run) {
        let rows = list(one, "rows");
        let cells = cells_of(one);
        let differ: Vec<&Value> = rows
            .iter()
            .filter_map(|row| row.get("differ")?.as_object())
            .flat_map(|fields| fields.values())
            .collect();
        let known = differ.iter().filter(|one| !word(one, "known").is_empty()).count();
        let machine = one.get("machine").unwrap_or(&Value::Null);
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {cells} | {known} | {} |\n",
            word(one, "runtime"),
            word(one, "version"),
            word(one, "origin"),
            cgroup.word(),
            word(machine, "date"),
            word(machine, "kernel"),
            differ.len() - known,
        );
    }
    for (cgroup, one) in programs.iter().filter(|one| !was_run(one)) {
        let (runtime, origin) = (word(one, "runtime"), word(one, "origin"));
        let (cgroup, why) = (cgroup.word(), plain(word(one, "not_run")));
        text += &format!("\nNOT RUN on cgroup {cgroup}: {runtime} ({origin}), because {why}\n");
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
fn program(cgroup: Cgroup, one: &Value) -> String {
    if !word(one, "not_run").is_empty() {
        return String::new();
    }
    let machine = one.get("machine").unwrap_or(&Value::Null);
    let memory = machine.get("memory").and_then(Value::as_u64).unwrap_or_default() >> 20;
    let cpus = machine.get("cpus").and_then(Value::as_u64).unwrap_or_default();
    let mut text = format!(
        "\n### {} {}, cgroup {}\n\n{}, on a machine with {memory} MiB and {cpus} processors.\n\n\
         | place and settings | limits: what it says |\n| --- | --- |\n",
        word(one, "runtime"),
        word(one, "version"),
        cgroup.word(),
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
    fn both_generations_stand_on_the_page() {
        let one = json!({"runtime": "go", "version": "1.25.5", "origin": "here",
            "machine": {"cpus": 2, "memory": 1024 << 20, "kernel": "6.12", "date": "2026-01-02"},
            "rows": [{"row": "container", "said": [[128, [null, 2]], [512, [null, 3]]],
                "differ": {"512": {"predicted": [null, 2], "known": null}}}]});
        let text = opening(&[(Cgroup::V1, one.clone()), (Cgroup::V2, one.clone())]);
        for cgroup in ["v1", "v2"] {
            let line = format!("| go | 1.25.5 | here | {cgroup} | 2026-01-02 | 6.12 | 2 | 0 | 1 |");
            assert!(text.contains(&line), "{text}");
        }
        assert!(program(Cgroup::V2, &one).contains("### go 1.25.5, cgroup v2"));
        let not_run = json!({"runtime": "go", "origin": "here", "not_run": "of reasons"});
        let text = opening(&[(Cgroup::V2, not_run)]);
        assert!(text.contains("NOT RUN on cgroup v2: go (here), because of reasons"));
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
