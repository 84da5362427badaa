//! The scoreboard: why137's answers to real texts that people posted, scored against their known
//! truth. The texts are not part of this repository; without them the score is not run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::repository::Repository;
use crate::summary::Summary;

/// The share of killers that must be exactly right.
const STRICT: f64 = 0.97;

/// Answers every case and compares the figures with what is demanded.
pub(crate) fn run(repository: &Repository, summary: &mut Summary) {
    let corpus = repository.root.join("../shared/corpus");
    if !corpus.join("cases").is_dir() {
        summary.not_run("corpus", "../shared is not here");
        return;
    }
    let Some(python) = python(&repository.lab()) else {
        summary.not_run("corpus", "there is no python3, neither installed nor fetched by the lab");
        return;
    };
    summary.step("corpus", score(repository, &corpus, python));
}

/// The machine's Python, or the one the lab unpacked.
fn python(lab: &Path) -> Option<Command> {
    let works = Command::new("python3").arg("--version").output();
    if works.is_ok_and(|done| done.status.success()) {
        return Some(Command::new("python3"));
    }
    lab::unpacked_python(lab)
}

fn score(repository: &Repository, corpus: &Path, mut python: Command) -> Result<()> {
    let program = repository.why137()?;
    let answers = repository.lab().join("corpus");
    if answers.exists() {
        std::fs::remove_dir_all(&answers)?;
    }
    std::fs::create_dir_all(&answers)?;
    let unanswered = answer_all(&program, &corpus.join("cases"), &answers)?;
    let done = python
        .arg(corpus.join("score.py"))
        .arg(&answers)
        .arg("--json")
        .output()
        .context("could not run the scorer")?;
    if !done.status.success() {
        bail!("the scorer ended with {}", done.status);
    }
    let figures: Value = serde_json::from_slice(&done.stdout).context("the score is not JSON")?;
    crate::say(&format!("corpus: {}", in_short(&figures)));
    let mut wrong = shortfalls(&figures);
    wrong.extend(unanswered);
    if !wrong.is_empty() {
        bail!("{}\nanswers: {}", wrong.join("\n"), answers.display());
    }
    Ok(())
}

/// Writes one answer per case; returns those for which the program gave none.
fn answer_all(program: &Path, cases: &Path, answers: &Path) -> Result<Vec<String>> {
    let mut unanswered = Vec::new();
    for case in sorted(cases)? {
        let evidence = case.join("evidence");
        if !evidence.is_dir() {
            continue;
        }
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let done = Command::new(program)
            .arg("explain")
            .args(sorted(&evidence)?)
            .args(["--format", "json"])
            .env_clear()
            .output()
            .with_context(|| format!("could not run `{}`", program.display()))?;
        if done.stdout.is_empty() || ![Some(0), Some(3), Some(4)].contains(&done.status.code()) {
            let complaint = String::from_utf8_lossy(&done.stderr);
            let first = complaint.lines().next().unwrap_or_default();
            unanswered.push(format!("{name}: {} {first}", done.status));
        }
        std::fs::write(answers.join(format!("{name}.json")), done.stdout)?;
    }
    Ok(unanswered)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)
        .with_context(|| format!("could not list `{}`", folder.display()))?
    {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}

fn figure(figures: &Value, path: &str) -> f64 {
    figures.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

fn entries(figures: &Value, name: &str) -> Vec<String> {
    let all = figures.get(name).and_then(Value::as_array);
    all.map(|all| all.iter().map(Value::to_string).collect()).unwrap_or_default()
}

fn in_short(figures: &Value) -> String {
    format!(
        "strict {} of {}, over-claims {}, misses {}, wrong {}, victims {} right {} missed {} too many",
        figure(figures, "/strict"),
        figure(figures, "/cases"),
        entries(figures, "over_claims").len(),
        entries(figures, "misses").len(),
        entries(figures, "wrong").len(),
        figure(figures, "/victims/tp"),
        figure(figures, "/victims/fn"),
        figure(figures, "/victims/fp"),
    )
}

/// Everything that is below what is demanded, with the cases concerned.
fn shortfalls(figures: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let strict = figure(figures, "/strict") / figure(figures, "/cases");
    // A missing figure is not a number, and must fail.
    if strict.is_nan() || strict < STRICT {
        wrong.push(format!(
            "strict {:.1} %, at least {:.0} % wanted",
            strict * 100.0,
            STRICT * 100.0
        ));
        for name in ["misses", "wrong"] {
            wrong.extend(entries(figures, name).into_iter().map(|one| format!("{name}: {one}")));
        }
    }
    let over = entries(figures, "over_claims");
    wrong.extend(over.into_iter().map(|one| format!("over-claim: {one}")));
    for name in ["fn", "fp"] {
        let count = figure(figures, &format!("/victims/{name}"));
        if count != 0.0 {
            wrong.push(format!("victims {name}: {count}, none allowed"));
        }
    }
    for name in ["limit_bytes", "container_id"] {
        let of = |part: &str| figure(figures, &format!("/case_fields/{name}/{part}"));
        if !(of("ok") == of("given") && of("ok") == of("known")) {
            wrong.push(format!(
                "{name}: {} right of {} given and {} known",
                of("ok"),
                of("given"),
                of("known")
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn perfect() -> Value {
        let all = json!({"ok": 5, "given": 5, "known": 5});
        json!({"cases": 77, "strict": 77, "over_claims": [], "misses": [], "wrong": [],
            "victims": {"tp": 9, "fn": 0, "fp": 0},
            "case_fields": {"limit_bytes": all.clone(), "container_id": all}})
    }

    #[test]
    fn a_perfect_score_has_no_shortfall() {
        assert_eq!(shortfalls(&perfect()), [""; 0]);
    }

    #[test]
    fn an_over_claim_a_missed_victim_and_a_wrong_limit_fail() {
        let mut figures = perfect();
        figures["over_claims"] = json!([{"id": "c001", "said": "process"}]);
        figures["victims"]["fn"] = json!(1);
        figures["case_fields"]["limit_bytes"]["given"] = json!(6);
        assert_eq!(shortfalls(&figures).len(), 3);
    }

    #[test]
    fn figures_that_are_missing_fail() {
        assert!(!shortfalls(&json!({})).is_empty());
    }
}
