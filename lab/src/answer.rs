//! Asks the built why137 as a user would, and checks what must hold of every answer: the saved
//! case gives the same answer, every quote stands in its exhibit, the exit code fits the grade.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell;

/// How often it is asked while a source does not answer in time: what is tested is the judgement of
/// the evidence, not the speed of a busy or emulated machine.
const ATTEMPTS: usize = 5;
/// One of these stands in why137's gaps and errors of that kind; the last where every client that was
/// asked after docker was too slow, too.
const TOO_SLOW: [&str; 3] = [" came within ", " in time", "could not ask docker at"];

/// One answer in both forms.
pub(crate) struct Answer {
    pub(crate) json: Value,
    pub(crate) text: String,
    /// What is wrong with it whatever the death was.
    pub(crate) faults: Vec<String>,
}

/// The program under test and where its answers are kept.
pub(crate) struct Asker<'a> {
    pub(crate) program: &'a Path,
    /// `DOCKER_HOST`; empty for none.
    pub(crate) host: String,
    pub(crate) lab: &'a Path,
    /// Whether the saved case must give the same answer here.
    pub(crate) asks_again: bool,
    /// Whether cases are saved and nothing is compared.
    pub(crate) only_records: bool,
}

impl Asker<'_> {
    /// Asks about a container by name; keeps the case, the JSON and the text under `keep_as`.
    pub(crate) fn ask(&self, name: &str, keep_as: &str) -> Result<Answer> {
        self.ask_with(&[name], keep_as)
    }

    /// The same by the words that stand behind `explain`.
    pub(crate) fn ask_with(&self, subject: &[&str], keep_as: &str) -> Result<Answer> {
        let case = self.kept("cases", keep_as, "json")?;
        let json_file = self.kept("answers", keep_as, "json")?;
        let text_file = self.kept("answers", keep_as, "txt")?;
        let case_word = case.display().to_string();
        let words = ["--format", "json", "--save", &case_word, "--with-logs"];
        let words: Vec<&str> = subject.iter().copied().chain(words).collect();
        let (code, first) = self.in_time(&words, &case)?;
        std::fs::write(&json_file, &first)?;
        let json: Value = serde_json::from_str(&first)
            .with_context(|| format!("the answer about `{keep_as}` is not JSON (exit {code})"))?;
        // From the saved case, so that text and JSON speak of the same moment.
        let (_, text) = self.explain(&[&case_word])?;
        std::fs::write(&text_file, &text)?;
        let mut faults = Vec::new();
        if self.asks_again
            && let Some(change) = explained_again(self.program, &case, &json)?
        {
            faults.push(format!("the saved case answers differently: {change}"));
        }
        check_exit_code(&mut faults, &json, code);
        match std::fs::read_to_string(&case) {
            Ok(saved) => {
                let saved: Value = serde_json::from_str(&saved).context("the case is not JSON")?;
                check_quotes(&mut faults, &json, &saved);
            }
            Err(err) => faults.push(format!("the case was not saved: {err}")),
        }
        Ok(Answer { json, text, faults })
    }

    /// Asks again while something did not come in time.
    fn in_time(&self, words: &[&str], case: &Path) -> Result<(i32, String)> {
        for _ in 1..ATTEMPTS {
            if case.exists() {
                std::fs::remove_file(case)?;
            }
            match self.explain(words) {
                Ok(answer) if !was_too_slow(case) => return Ok(answer),
                Err(err) if !says_too_slow(&format!("{err:#}")) => return Err(err),
                Ok(_) | Err(_) => {}
            }
        }
        self.explain(words)
    }

    /// Only saves the case.
    pub(crate) fn record(&self, name: &str, keep_as: &str) -> Result<PathBuf> {
        self.record_with(&[name], keep_as)
    }

    /// The same by the words that stand behind `explain`.
    pub(crate) fn record_with(&self, subject: &[&str], keep_as: &str) -> Result<PathBuf> {
        let case = self.kept("cases", keep_as, "json")?;
        let case_word = case.display().to_string();
        let words = ["--save", &case_word, "--with-logs"];
        self.explain(&subject.iter().copied().chain(words).collect::<Vec<_>>())?;
        if !case.exists() {
            bail!("`why137 explain {} --save` wrote no case", subject.join(" "));
        }
        Ok(case)
    }

    fn kept(&self, folder: &str, name: &str, ending: &str) -> Result<PathBuf> {
        let folder = self.lab.join(folder);
        std::fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{name}.{ending}")))
    }

    fn explain(&self, arguments: &[&str]) -> Result<(i32, String)> {
        explain(self.program, &self.host, arguments)
    }
}

/// Runs `why137 explain …` in a cleared environment; its exit code and stdout.
fn explain(program: &Path, host: &str, arguments: &[&str]) -> Result<(i32, String)> {
    let mut command = Command::new(program);
    command.arg("explain").args(arguments).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/nonexistent");
    command.env("LC_ALL", "C.UTF-8");
    if !host.is_empty() {
        command.env("DOCKER_HOST", host);
    }
    let done = shell::output(&mut command)?;
    let code = done.status.code().unwrap_or(-1);
    // 0 answered, 3 not decided, 4 still alive; everything else is a failure to answer.
    if ![0, 3, 4].contains(&code) {
        let complaint = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        bail!("`{}` ended with {}: {complaint}", shell::words(&command), done.status);
    }
    Ok((code, String::from_utf8_lossy(&done.stdout).into_owned()))
}

/// Asks about a saved case alone, without any daemon: where the answer first differs from one that
/// was given elsewhere; `None` where it is the same.
pub(crate) fn explained_again(
    program: &Path,
    case: &Path,
    first: &Value,
) -> Result<Option<String>> {
    let case = case.display().to_string();
    let (_, again) =
        explain(program, "unix:///nonexistent/docker.sock", &[&case, "--format", "json"])?;
    let again: Value = serde_json::from_str(&again).context("the answer is not JSON")?;
    Ok((again != *first).then(|| first_change(first, &again, "")))
}

fn says_too_slow(text: &str) -> bool {
    TOO_SLOW.iter().any(|words| text.contains(words))
}

/// Whether the case lacks what did not come within why137's patience.
fn was_too_slow(case: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(case) else { return false };
    let case: Value = serde_json::from_str(&text).unwrap_or_default();
    let gaps = case.get("gaps").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    gaps.iter().filter_map(|gap| gap.get("because").and_then(Value::as_str)).any(says_too_slow)
}

fn check_exit_code(faults: &mut Vec<String>, answer: &Value, code: i32) {
    let word = |name| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let wanted = match (word("killer"), word("confidence")) {
        ("still-alive", _) => 4,
        (_, "proven" | "likely") => 0,
        (_, _) => 3,
    };
    if code != wanted {
        faults.push(format!("exit code: expected {wanted}, got {code}"));
    }
}

/// Every `because` of the answer and its findings must stand in the exhibit it names.
fn check_quotes(faults: &mut Vec<String>, answer: &Value, case: &Value) {
    let exhibits = case.get("exhibits").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let items = |name| answer.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for because in items("because") {
        let word = |name| because.get(name).and_then(Value::as_str).unwrap_or_default();
        let text = exhibits
            .iter()
            .find(|exhibit| exhibit.get("id").and_then(Value::as_str) == Some(word("exhibit")))
            .and_then(|exhibit| exhibit.pointer("/body/text").and_then(Value::as_str));
        match text {
            None => faults.push(format!("because: no exhibit `{}` in the case", word("exhibit"))),
            Some(text) if word("quote").is_empty() || !text.contains(word("quote")) => {
                faults.push(format!(
                    "because: the quote `{}` does not stand in exhibit `{}`",
                    word("quote"),
                    word("exhibit")
                ));
            }
            Some(_) => {}
        }
    }
    let decided = ["proven", "likely"]
        .contains(&answer.get("confidence").and_then(Value::as_str).unwrap_or_default());
    if decided && items("because").is_empty() {
        faults.push("because: empty, though the answer is decided".to_owned());
    }
    for finding in items("findings") {
        check_quotes(faults, finding, case);
    }
}

/// The first place where two answers differ.
fn first_change(one: &Value, other: &Value, path: &str) -> String {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            for (key, value) in left {
                let found = right.get(key).unwrap_or(&Value::Null);
                if value != found {
                    return first_change(value, found, &format!("{path}.{key}"));
                }
            }
            format!("{path}: more keys")
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (value, found)) in left.iter().zip(right).enumerate() {
                if value != found {
                    return first_change(value, found, &format!("{path}[{at}]"));
                }
            }
            path.to_owned()
        }
        (_, _) => {
            let short = |value: &Value| value.to_string().chars().take(160).collect::<String>();
            format!("{path}: live {} case {}", short(one), short(other))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_quote_must_stand_in_its_exhibit_also_in_a_finding() {
        let case = json!({"exhibits": [{"id": "kmsg", "body": {"text": "Killed process 7 (a)"}}]});
        let because = |quote: &str| json!([{"exhibit": "kmsg", "quote": quote}]);
        let answer = json!({"confidence": "proven", "because": because("Killed process 7"),
            "findings": [{"because": because("Killed process 8")}]});
        let mut faults = Vec::new();
        check_quotes(&mut faults, &answer, &case);
        assert_eq!(faults.len(), 1, "{faults:?}");
    }

    #[test]
    fn the_first_differing_field_is_named() {
        let one = json!({"a": 1, "b": [{"c": 2}]});
        let other = json!({"a": 1, "b": [{"c": 3}]});
        assert_eq!(first_change(&one, &other, ""), ".b[0].c: live 2 case 3");
    }

    #[test]
    fn the_exit_code_follows_the_grade() {
        let mut faults = Vec::new();
        check_exit_code(&mut faults, &json!({"killer": "still-alive", "confidence": "proven"}), 4);
        check_exit_code(&mut faults, &json!({"killer": "crash", "confidence": "likely"}), 0);
        check_exit_code(&mut faults, &json!({"killer": "unknown", "confidence": "unknown"}), 3);
        assert!(faults.is_empty());
        check_exit_code(&mut faults, &json!({"killer": "unknown", "confidence": "unknown"}), 0);
        assert_eq!(faults.len(), 1);
    }
}
