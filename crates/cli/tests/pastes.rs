//! What people paste, as they paste it, with the truth beside it: whole, cut, quoted, wrapped, exported.
//!
//! The pastes stand in `pastes/*.txt`: `=== NAME` begins one, lines `= …` say what must be answered (first
//! `= KILLER CONFIDENCE`, then `= key: value`), `---` ends them, and what follows is the text for standard
//! input. A line `@@@ FILE` in it begins a file: then the files are given by name.
//!
//! Keys: `exit_code`, `trusted`, `fate`, `level`, `victims` (pids), `limit_bytes`, `usage_bytes`,
//! `limit_at_fault`, `by` (who killed), `subject`, `findings`, `candidate` and `first_candidate`, and `says`:
//! words of the page that a person reads.

#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    use crate::program::run;

    struct Paste {
        name: String,
        killer: String,
        confidence: String,
        wanted: Vec<(String, String)>,
        text: String,
    }

    fn pastes(file: &str) -> Vec<Paste> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pastes");
        let whole = fs::read_to_string(folder.join(file)).unwrap();
        let found: Vec<Paste> = whole.split("\n=== ").skip(1).map(paste).collect();
        assert!(found.len() > 20, "{file} holds {}", found.len());
        found
    }

    fn paste(block: &str) -> Paste {
        let (head, text) = block.split_once("\n---\n").unwrap();
        let mut lines = head.lines();
        let name = lines.next().unwrap().to_owned();
        let answer = lines.next().and_then(|line| line.strip_prefix("= ")).unwrap();
        let (killer, confidence) = answer.split_once(' ').unwrap();
        let pair = |line: &str| {
            let (key, value) = line.strip_prefix("= ").unwrap().split_once(": ").unwrap();
            (key.to_owned(), value.to_owned())
        };
        Paste {
            killer: killer.to_owned(),
            confidence: confidence.to_owned(),
            wanted: lines.map(pair).collect(),
            text: text.to_owned(),
            name,
        }
    }

    /// The words of the command line, and what stands on standard input.
    fn given(paste: &Paste, folder: &Path) -> (Vec<String>, String) {
        let mut parts = paste.text.split("@@@ ");
        let first = parts.next().unwrap();
        if first == paste.text {
            return (vec!["-".to_owned()], paste.text.clone());
        }
        let file = |part: &str| {
            let (name, body) = part.split_once('\n').unwrap();
            let path: PathBuf = folder.join(name.trim());
            fs::write(&path, body).unwrap();
            path.to_str().unwrap().to_owned()
        };
        (parts.map(file).collect(), String::new())
    }

    fn answered(paste: &Paste, format: &str) -> String {
        let folder = std::env::temp_dir().join(format!("why137-pastes-{}", std::process::id()));
        let folder = folder.join(paste.name.replace([' ', ':', '+', '='], "-"));
        fs::create_dir_all(&folder).unwrap();
        let (words, input) = given(paste, &folder);
        let nowhere = "unix:///nonexistent/why137-tests.sock";
        let mut all = vec!["explain", "--format", format];
        all.extend(words.iter().map(String::as_str));
        let (code, out, err) = run(&folder, nowhere, &all, &input);
        fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(code, 0 | 3 | 4), "{}: {code}: {err}", paste.name);
        out
    }

    fn shown(value: &Value) -> String {
        match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn list(answer: &Value, key: &str, field: &str) -> Vec<String> {
        let items = answer[key].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| shown(&item[field])).collect()
    }

    fn got(answer: &Value, page: &str, key: &str, wanted: &str) -> String {
        let held = |holds: bool| if holds { wanted.to_owned() } else { "not there".to_owned() };
        match key {
            "exit_code" => shown(&answer["main"]["exit_code"]),
            "trusted" => shown(&answer["main"]["exit_code_trusted"]),
            "fate" => shown(&answer["main"]["fate"]),
            "by" => shown(&answer["killed_by"]["name"]),
            "subject" => shown(&answer["subject"]["name"]),
            "victims" => list(answer, "victims", "pid").join(","),
            "findings" => list(answer, "findings", "killer").join(","),
            "candidate" => held(list(answer, "candidates", "killer").iter().any(|it| it == wanted)),
            "first_candidate" => shown(&answer["candidates"][0]["killer"]),
            "says" => held(page.to_lowercase().contains(&wanted.to_lowercase())),
            "level" | "limit_bytes" | "usage_bytes" | "limit_at_fault" => shown(&answer[key]),
            other => format!("no such key: {other}"),
        }
    }

    fn faults(paste: &Paste) -> Vec<String> {
        let answer: Value = serde_json::from_str(&answered(paste, "json")).unwrap();
        let says = paste.wanted.iter().any(|(key, _)| key == "says");
        let page = if says { answered(paste, "text") } else { String::new() };
        // The page is laid out in columns: the grade stands at the end of the first line.
        let page: Vec<&str> =
            page.split_whitespace().filter(|word| *word != paste.confidence).collect();
        let page = page.join(" ");
        let mut found = Vec::new();
        for (key, wanted) in [("killer", &paste.killer), ("confidence", &paste.confidence)] {
            let got = shown(&answer[key]);
            if got != *wanted {
                found.push(format!("{}: {key} is {got}, not {wanted}", paste.name));
            }
        }
        for (key, wanted) in &paste.wanted {
            let got = got(&answer, &page, key, wanted);
            if got != *wanted {
                found.push(format!("{}: {key} is {got}, not {wanted}", paste.name));
            }
        }
        found
    }

    fn every_paste_is_answered(file: &str) {
        let found: Vec<String> = pastes(file).iter().flat_map(faults).collect();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn what_kubernetes_prints_is_answered() {
        every_paste_is_answered("kubernetes.txt");
    }

    #[test]
    fn what_ecs_prints_is_answered() {
        every_paste_is_answered("ecs.txt");
    }

    #[test]
    fn transcripts_counters_and_last_words_are_answered() {
        every_paste_is_answered("transcripts.txt");
    }

    #[test]
    fn posts_and_exports_are_answered() {
        every_paste_is_answered("exports.txt");
    }

    #[test]
    fn evidence_that_only_seems_to_belong_together_is_told_apart() {
        every_paste_is_answered("together.txt");
    }
}
