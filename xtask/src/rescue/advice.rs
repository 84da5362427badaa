//! What why137 says before a workload dies, and its settings applied as they are printed.
//!
//! Nothing is understood here that a person could not read off the answer: a variable is set, a word of the
//! command line takes the place of the one that it replaces or stands behind the program's name, a line of a
//! file takes the place of the line with its name.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::life::Seen;
use super::workloads::{Configuration, Measures, Workload};

/// The question, as the words behind `why137 align`.
pub(super) fn question(workload: &Workload, seen: &Seen, cpus: u32, memory: u64) -> Vec<String> {
    let mut words = vec!["--predict".to_owned(), workload.runtime.to_owned()];
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
    add("--limit", format!("{}m", workload.limit));
    add("--cgroup", "v1".to_owned());
    add("--layout", workload.layout.word().to_owned());
    add("--host-cpus", cpus.to_string());
    add("--host-memory", memory.to_string());
    if let Some(quota) = workload.quota {
        add("--cpus", format!("{}", f64::from(quota) / 1000.0));
    }
    for told in workload.told {
        add("--setting", (*told).to_owned());
    }
    for (name, value) in workload.environment {
        add("--setting", format!("{name}={value}"));
    }
    match workload.measures {
        Measures::Nothing => {}
        Measures::Outside => add("--outside", format!("{}m", seen.outside.unwrap_or(0).max(1))),
        Measures::Workers => {
            add("--worker", format!("{}m", seen.worker.max(1)));
            add("--master", format!("{}m", seen.master.max(1)));
        }
    }
    words
}

/// Asks; the answer is why137's own JSON.
pub(super) fn ask(why137: &std::path::Path, question: &[String]) -> Result<Value> {
    let done = Command::new(why137)
        .arg("align")
        .args(question)
        .args(["--format", "json"])
        .env_clear()
        .output()
        .with_context(|| format!("could not run `{}`", why137.display()))?;
    // 1 says that no setting helps.
    if !matches!(done.status.code(), Some(0 | 1)) {
        bail!("`why137 align` complains: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    serde_json::from_slice(&done.stdout).context("`why137 align` printed no JSON")
}

/// What it says in one field; empty where it says nothing.
pub(super) fn says<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The settings as they are printed.
pub(super) fn settings(answer: &Value) -> &[Value] {
    answer.get("settings").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What the program is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) words: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// Files by their names in the workload's folder.
    pub(super) files: Vec<(&'static str, String)>,
}

impl Told {
    /// As it is sized wrongly.
    pub(super) fn wrongly(workload: &Workload) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            words: workload.words.iter().map(|word| (*word).to_owned()).collect(),
            environment: workload.environment.iter().map(owned).collect(),
            files: workload.files.iter().map(|file| (file.name, file.text.to_owned())).collect(),
        }
    }

    /// With the settings as they are printed, and nothing else.
    pub(super) fn with(mut self, files: &[Configuration], answer: &Value) -> Result<Self> {
        for setting in settings(answer) {
            let (name, value) = (says(setting, "name"), says(setting, "value"));
            match says(setting, "place") {
                "environment" => {
                    self.environment.retain(|(known, _)| known != name);
                    self.environment.push((name.to_owned(), value.to_owned()));
                }
                "argument" => {
                    self.replace_words(says(setting, "replaces"), says(setting, "word"))?;
                }
                "file" => {
                    let called = says(setting, "file");
                    let file = files.iter().find(|file| file.called == called);
                    let file = file.with_context(|| format!("there is no {called} here"))?;
                    self.replace_line(file.name, name, says(setting, "word"));
                }
                other => bail!("a setting in the place `{other}`"),
            }
        }
        Ok(self)
    }

    fn replace_words(&mut self, old: &str, new: &str) -> Result<()> {
        let new = new.split(' ').map(str::to_owned);
        if old.is_empty() {
            let program = self.program();
            self.words.splice(program + 1..program + 1, new);
            return Ok(());
        }
        let old: Vec<&str> = old.split(' ').collect();
        let at = self.words.windows(old.len()).position(|words| words == old.as_slice());
        let at = at.with_context(|| format!("`{}` is not in its command line", old.join(" ")))?;
        self.words.splice(at..at + old.len(), new);
        Ok(())
    }

    /// Where the program stands: behind `setpriv` and its options there is another.
    fn program(&self) -> usize {
        self.words.iter().rposition(|word| word.starts_with("/usr/")).unwrap_or(0)
    }

    fn replace_line(&mut self, file: &str, name: &str, new: &str) {
        for (_, text) in self.files.iter_mut().filter(|(known, _)| *known == file) {
            let mut lines: Vec<&str> = text.lines().collect();
            let is_it = |line: &&str| line.split('=').next().is_some_and(|key| key.trim() == name);
            match lines.iter_mut().find(|line| is_it(&&***line)) {
                Some(line) => *line = new,
                None => lines.push(new),
            }
            *text = lines.join("\n") + "\n";
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(words: &[&str]) -> Told {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Told { words, environment: Vec::new(), files: vec![("p", "a = 1\nb = 2\n".to_owned())] }
    }

    #[test]
    fn a_setting_goes_where_the_answer_says() {
        let answer = json!({"settings": [
            {"place": "environment", "name": "N", "value": "a b", "word": "N=a b"},
            {"place": "argument", "name": "-w ", "word": "-w 3", "value": "3", "replaces": "-w 9"},
            {"place": "argument", "name": "--x ", "word": "--x 1", "value": "1", "replaces": null},
            {"place": "file", "file": "the pool's file", "name": "b", "value": "5", "word": "b = 5"},
        ]});
        let files = [Configuration { called: "the pool's file", name: "p", text: "" }];
        let found = told(&["setpriv", "/usr/bin/server", "-w", "9", "app"]).with(&files, &answer);
        let found = found.unwrap();
        assert_eq!(found.words, ["setpriv", "/usr/bin/server", "--x", "1", "-w", "3", "app"]);
        assert_eq!(found.environment, [("N".to_owned(), "a b".to_owned())]);
        assert_eq!(found.files, [("p", "a = 1\nb = 5\n".to_owned())]);
    }

    #[test]
    fn a_word_that_is_not_there_is_not_replaced_by_guess() {
        let answer = json!({"settings": [
            {"place": "argument", "name": "-w ", "word": "-w 3", "value": "3", "replaces": "-w 8"},
        ]});
        assert!(told(&["server", "-w", "9"]).with(&[], &answer).is_err());
    }
}
