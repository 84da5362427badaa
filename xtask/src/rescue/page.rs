//! The results, saved as `lab/results/rescue.json` and told in `docs/reference/rescue.md`. The page claims
//! nothing that is not in the data.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::advice::says;
use super::life::Life;
use super::{Expected, Measures, Row};
use crate::repository::Repository;

fn file(repository: &Repository) -> PathBuf {
    repository.root.join("lab/results/rescue.json")
}

impl Row {
    /// For the data.
    pub(super) fn value(&self) -> Value {
        let one = &self.workload;
        json!({
            "name": one.name,
            "story": one.story,
            "origin": one.source.words(),
            "runtime": one.runtime,
            "limit": one.limit << 20,
            "expected": one.expected.word(),
            "right": self.wrong().is_none(),
            "told": told(self),
            "question": self.question,
            "measured": measured(self),
            "died": life(&self.died),
            "printed": printed(&self.answer),
            "then": life(&self.then),
            "own_error": self.own_error(),
            "larger": self.larger.as_ref().map(life),
        })
    }
}

impl Row {
    /// The line of the runtime's own error.
    fn own_error(&self) -> Option<String> {
        let Expected::OwnError(words) = self.workload.expected else { return None };
        let line = self.then.said.lines().find(|line| line.contains(words))?;
        Some(line.trim().chars().take(100).collect())
    }
}

fn told(row: &Row) -> Vec<String> {
    let environment = row.workload.environment.iter();
    let told = row.workload.told.iter().map(|word| match word.strip_suffix(' ') {
        Some(option) => format!("{option} \"\""),
        None => (*word).to_owned(),
    });
    told.chain(environment.map(|(name, value)| format!("{name}={value}"))).collect()
}

fn measured(row: &Row) -> Value {
    let seen = &row.died.seen;
    match row.workload.measures {
        Measures::Nothing => Value::Null,
        Measures::Outside => json!({"outside": seen.outside}),
        Measures::Workers => json!({"worker": seen.worker, "master": seen.master}),
    }
}

fn life(life: &Life) -> Value {
    json!({
        "exit": life.exit,
        "done": life.done,
        "kills": life.counts.kills,
        "victim": life.victim,
        "peak": life.counts.peak,
        "unbacked": life.unbacked,
        "met_limit": life.counts.met,
        "seconds": (life.seconds * 10.0).round() / 10.0,
        "cpu_milliseconds": life.counts.cpu / 1_000_000,
        // Anything else may name paths of this machine.
        "last": life.done.then_some(life.last.as_str()),
    })
}

/// What of an answer is compared and shown: the settings with their places, and what is said beside them.
pub(super) fn printed(answer: &Value) -> Value {
    let settings: Vec<Value> = super::advice::settings(answer)
        .iter()
        .map(|setting| {
            let mut words = vec![says(setting, "place"), says(setting, "word")];
            words.extend(Some(says(setting, "replaces")).filter(|old| !old.is_empty()));
            json!(words)
        })
        .collect();
    let said = |name: &str| answer.get(name).cloned().unwrap_or(Value::Null);
    json!({"settings": settings, "cannot": said("cannot"), "missing": said("missing"),
        "unbounded": said("unbounded")})
}

/// Writes the rows; of workloads that were not run, what is there is kept.
pub(super) fn save(
    repository: &Repository,
    cpus: u32,
    memory: u64,
    mut new: Vec<Value>,
) -> Result<()> {
    let date = crate::truth::said_by("date", &["-u", "+%F"])?;
    let kernel = crate::truth::said_by("uname", &["-r"])?;
    let kernel = kernel.split('.').take(2).collect::<Vec<_>>().join(".");
    let machine = json!({"cpus": cpus, "memory": memory, "kernel": kernel, "date": date});
    for row in &mut new {
        if let Some(fields) = row.as_object_mut() {
            fields.insert("machine".to_owned(), machine.clone());
        }
    }
    let mut all: Vec<Value> = Vec::new();
    let old = rows(repository)?;
    for workload in super::workloads::all(&[]) {
        let is_it = |row: &&Value| says(row, "name") == workload.name;
        all.extend(new.iter().find(is_it).or_else(|| old.iter().find(is_it)).cloned());
    }
    let text = serde_json::to_string_pretty(&json!({"rows": all}))? + "\n";
    let to = file(repository);
    std::fs::write(&to, text).with_context(|| format!("could not write `{}`", to.display()))?;
    crate::say(&format!("wrote {}", repository.inside(&to)));
    Ok(())
}

/// The rows that were saved; none where nothing was.
pub(super) fn rows(repository: &Repository) -> Result<Vec<Value>> {
    let from = file(repository);
    if !from.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&from)
        .with_context(|| format!("could not read `{}`", from.display()))?;
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("`{}` is not JSON", from.display()))?;
    Ok(value.get("rows").and_then(Value::as_array).cloned().unwrap_or_default())
}

/// The page; `None` where nothing was saved.
pub(crate) fn page(repository: &Repository) -> Result<Option<String>> {
    let rows = rows(repository)?;
    Ok((!rows.is_empty()).then(|| text(&rows)))
}

fn text(rows: &[Value]) -> String {
    let of =
        |word: &str| rows.iter().filter(|row| says(row, "expected") == word).collect::<Vec<_>>();
    let (rescued, refused) = (of("rescued"), of("refused"));
    let (own, soft) = (of("own-error"), of("soft-ceiling"));
    let saved = rescued.iter().filter(|row| flag(row, "right")).count();
    let mut dates: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.pointer("/machine/date").and_then(Value::as_str))
        .collect();
    dates.sort_unstable();
    dates.dedup();
    let mut page = format!(
        "# The rescue\n\nReal programs, sized wrongly, in real memory cgroups (version 1) with these limits. Each \
         died at its limit by\nthe kernel's OOM killer, as the kernel itself counted; `why137 align` was asked with \
         what could be measured in\nthat life; its settings were applied as they were printed and nothing else \
         was changed; the same load was run\nagain. {saved} of {} were rescued. Written from \
         `lab/results/rescue.json`, which `cargo xtask rescue --save` writes\n(last: {}). What each program does \
         stands at its head, in `lab/workloads`.\n\n\
         Seconds are of the processors' time: what else the machine did is not in them. *Peak* is all that was charged, file cache included; behind it the part that no file backs. *Room* is \
         what the\nlimit had left above that part. The last column: the wrong settings in a limit twice as large, \
         where that was run.\n",
        rescued.len(),
        dates.last().copied().unwrap_or_default(),
    );
    page += "\n## Rescued\n\n";
    page += &table(&rescued, true);
    page += "\n## No setting helps, and why137 says so before\n\n\
             It was run again with what was printed, if anything was; it died again.\n\n";
    page += &table(&refused, false);
    page += "\n## More is held than the limit\n\n\
             Not counted as rescued: nothing makes live data smaller. With the settings the runtime ends the \
             program by its\nown error, which says what was too large, instead of a kill without a word.\n\n";
    page += &table(&own, false);
    page += "\nA soft ceiling bounds nothing in such a case; why137 says so beside the setting, and it died \
             again.\n\n";
    page += &table(&soft, false);
    page
}

fn table(rows: &[&Value], with_larger: bool) -> String {
    let mut text = String::from(
        "| workload | limit | how it died | what why137 printed | what happened then |",
    );
    text += if with_larger { " twice the limit |\n" } else { "\n" };
    text += "| --- | --- | --- | --- | --- |";
    text += if with_larger { " --- |\n" } else { "\n" };
    for row in rows {
        let (name, story) = (says(row, "name"), says(row, "story"));
        let told: Vec<String> = list(row, "told").iter().map(|word| code(word)).collect();
        let told = if told.is_empty() { "told nothing".to_owned() } else { told.join(" ") };
        let _infallible = write!(
            text,
            "| **{name}**: {story} {}, {told} | {} | {} | {} | {} |",
            says(row, "runtime"),
            mebibytes(row.get("limit")),
            death(row),
            printed_words(row),
            after(row),
        );
        if with_larger {
            let larger = row.get("larger").filter(|life| !life.is_null());
            text += &format!(" {} |", larger.map_or("not run".to_owned(), brief));
        }
        text += "\n";
    }
    text
}

fn death(row: &Value) -> String {
    let died = row.get("died").unwrap_or(&Value::Null);
    let victim = died.get("victim").and_then(Value::as_str).unwrap_or("a process");
    let exit = match died.get("exit").and_then(Value::as_i64) {
        Some(code) => format!("exit {code}"),
        None => "the server went on".to_owned(),
    };
    let times = match number(died, "kills") {
        1 => String::new(),
        kills => format!(" ({kills} kills)"),
    };
    format!(
        "the kernel killed {}{times} after {} s, {exit}; peak {}",
        code(victim),
        seconds(died),
        peak(died)
    )
}

fn printed_words(row: &Value) -> String {
    let mut words = Vec::new();
    if let Some(measured) = row.get("measured").and_then(Value::as_object) {
        let all: Vec<String> =
            measured.iter().map(|(name, value)| format!("{name} {value} MiB")).collect();
        words.push(format!("measured: {};", all.join(", ")));
    }
    let settings = row.pointer("/printed/settings").and_then(Value::as_array);
    for setting in settings.into_iter().flatten() {
        let word = |at: usize| setting.get(at).and_then(Value::as_str).unwrap_or_default();
        let old = Some(word(2)).filter(|old| !old.is_empty());
        let old = old.map_or(String::new(), |old| format!(" for {}", code(old)));
        words.push(format!("{}{old}", code(word(1))));
    }
    let said = |name: &str| row.pointer(&format!("/printed/{name}")).and_then(Value::as_str);
    if let Some(cannot) = said("cannot") {
        words.push(format!("*cannot:* {cannot}"));
    }
    if says(row, "expected") == "soft-ceiling"
        && let Some(unbounded) = said("unbounded")
    {
        words.push(format!("*not bounded:* {unbounded}"));
    }
    words.join(" ")
}

fn after(row: &Value) -> String {
    let then = row.get("then").unwrap_or(&Value::Null);
    let limit = number(row, "limit");
    let room = limit.saturating_sub(number(then, "unbacked")) >> 20;
    match says(row, "expected") {
        "own-error" => {
            format!("its own error, exit {}: {}", exit(then), code(says(row, "own_error")))
        }
        _ if number(then, "kills") > 0 => format!("killed again; peak {}", peak(then)),
        _ => format!("{}; room {room} MiB", brief(then)),
    }
}

fn exit(life: &Value) -> String {
    life.get("exit").and_then(Value::as_i64).map_or("none".to_owned(), |code| code.to_string())
}

fn brief(life: &Value) -> String {
    match (flag(life, "done"), number(life, "kills")) {
        (true, 0) => format!("all done in {} s; peak {}", seconds(life), peak(life)),
        (_, 0) => format!("not done after {} s; peak {}", seconds(life), peak(life)),
        _ => "killed as well".to_owned(),
    }
}

fn peak(life: &Value) -> String {
    format!("{} MiB ({})", number(life, "peak") >> 20, number(life, "unbacked") >> 20)
}

/// Of processor time: how busy the machine was with something else is not in it.
fn seconds(life: &Value) -> String {
    let milliseconds = number(life, "cpu_milliseconds");
    format!("{}.{}", milliseconds / 1000, milliseconds % 1000 / 100)
}

fn mebibytes(bytes: Option<&Value>) -> String {
    format!("{} MiB", bytes.and_then(Value::as_u64).unwrap_or(0) >> 20)
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    let all = value.get(name).and_then(Value::as_array);
    all.map(|words| words.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

/// As code in a cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_counts_only_what_was_rescued() {
        let life = json!({"exit": 0, "done": true, "kills": 0, "peak": 100 << 20, "unbacked": 90 << 20,
            "cpu_milliseconds": 2010, "last": "done 3", "victim": null});
        let died = json!({"exit": 137, "done": false, "kills": 1, "peak": 128 << 20, "unbacked": 126 << 20,
            "cpu_milliseconds": 1590, "last": "", "victim": "node"});
        let row = |name: &str, right: bool| {
            json!({"name": name, "story": "S.", "runtime": "node@22", "limit": 128 << 20, "right": right,
                "expected": "rescued", "told": ["--a"], "died": died, "then": life, "larger": null,
                "measured": {"outside": 7}, "machine": {"date": "2026-01-02"},
                "printed": {"settings": [["environment", "A=b|c", "x"]], "cannot": null}})
        };
        let page = text(&[row("one", true), row("two", false)]);
        assert!(
            page.contains("1 of 2 were rescued") && page.contains("(last: 2026-01-02)"),
            "{page}"
        );
        assert!(
            page.contains("the kernel killed `node` after 1.5 s, exit 137; peak 128 MiB (126)")
        );
        assert!(page.contains("measured: outside 7 MiB; `A=b\\|c` for `x`"), "{page}");
        assert!(page.contains("all done in 2.0 s; peak 100 MiB (90); room 38 MiB"), "{page}");
    }
}
