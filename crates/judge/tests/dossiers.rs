//! Every dossier under `cases/` gives the verdict that it names; every rule has one for and one
//! against; and no part of a case says more than the whole.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops where a file or an index is not what it must be"
)]

use std::collections::BTreeSet;
use std::path::Path;

use casefile::{Body, CaseFile, Exhibit};
use judge::Verdict;
use judge::verdict::{Confidence, Killer};
use serde_json::{Value, json};
use testkit::{Dossier, fixed_now, read_dossiers};

fn dossiers() -> Vec<Dossier> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases");
    read_dossiers(&folder).expect("dossiers are readable")
}

fn explain(case: &CaseFile) -> Verdict {
    judge::explain(case, fixed_now())
}

/// The parts of a verdict that a dossier may name.
fn summary(verdict: &Verdict) -> Value {
    json!({
        "rule": verdict.rule,
        "killer": verdict.killer,
        "level": verdict.level,
        "confidence": verdict.confidence,
        "killed_by": verdict.killed_by.as_ref().and_then(|by| by.name.clone()),
        "container_id": verdict.container_id,
        "fate": verdict.main.fate,
        "exit_code": verdict.main.exit_code,
        "exit_code_trusted": verdict.main.exit_code_trusted,
        "signal": verdict.main.signal,
        "victims": verdict.victims.iter().map(|v| json!({"pid": v.pid, "comm": v.comm, "role": v.role})).collect::<Vec<_>>(),
        "limit_at_fault": verdict.limit_at_fault,
        "limit_bytes": verdict.limit.and_then(|limit| limit.bytes()).map(|bytes| bytes.0),
        "usage_bytes": verdict.usage.map(|bytes| bytes.0),
        "limit_cgroup": verdict.limit_cgroup,
        "candidates": verdict.candidates.iter().map(|c| json!(c.killer)).collect::<Vec<_>>(),
        "findings": verdict.findings.iter().map(|f| json!(f.killer)).collect::<Vec<_>>(),
        "contradictions": verdict.contradictions.len(),
    })
}

#[test]
fn every_dossier_gives_its_verdict() {
    let mut wrong = Vec::new();
    for dossier in dossiers() {
        let verdict = explain(&dossier.case);
        let got = summary(&verdict);
        for (key, expected) in dossier.verdict.as_object().expect("verdict is an object") {
            if got.get(key) != Some(expected) {
                wrong.push(format!("{}: {key} is {}, expected {expected}", dossier.name, got[key]));
            }
        }
        if verdict.rule != dossier.speaks_for {
            wrong.push(format!(
                "{}: rule {} spoke, not {}",
                dossier.name, verdict.rule, dossier.speaks_for
            ));
        }
        if dossier.speaks_against.iter().any(|rule| rule == verdict.rule) {
            wrong.push(format!("{}: rule {} must not speak", dossier.name, verdict.rule));
        }
        let documented = dossier.provenance.starts_with("documented");
        if documented && verdict.confidence == Confidence::Proven {
            wrong.push(format!("{}: proven by a documented shape", dossier.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_dossier_for_and_one_against() {
    let dossiers = dossiers();
    let told: BTreeSet<&str> = dossiers.iter().map(|d| d.speaks_for.as_str()).collect();
    let denied: BTreeSet<&str> =
        dossiers.iter().flat_map(|d| d.speaks_against.iter().map(String::as_str)).collect();
    for rule in judge::manuals() {
        assert!(told.contains(rule.id), "rule {} has no dossier for it", rule.id);
        assert!(denied.contains(rule.id), "rule {} has no dossier against it", rule.id);
    }
}

#[test]
fn every_word_of_the_vocabulary_is_reached_by_a_dossier() {
    let reached: BTreeSet<Killer> =
        dossiers().iter().map(|dossier| explain(&dossier.case).killer).collect();
    for killer in Killer::ALL {
        assert!(reached.contains(&killer), "no dossier reaches `{}`", killer.word());
    }
}

#[test]
fn every_because_points_at_bytes_in_the_case() {
    for dossier in dossiers() {
        let verdict = explain(&dossier.case);
        for told in std::iter::once(&verdict).chain(&verdict.findings) {
            for because in &told.because {
                let quote = dossier.case.quote(&because.cite);
                assert!(
                    quote.is_some_and(|quote| !quote.is_empty()),
                    "{}: {because:?}",
                    dossier.name
                );
            }
        }
    }
}

#[test]
fn a_saved_case_gives_the_same_answer() {
    for dossier in dossiers() {
        let saved = dossier.case.to_json().expect("case is written");
        let read = CaseFile::from_json(&saved).expect("case is read");
        assert_eq!(explain(&read), explain(&dossier.case), "{}", dossier.name);
    }
}

/// An unrelated container's kernel lines, events and log.
fn unrelated() -> Vec<Exhibit> {
    let id = "e".repeat(64);
    let kernel = format!(
        "[99999.000001] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={id},mems_allowed=0,oom_memcg=/docker/{id},task_memcg=/docker/{id},task=other,pid=99999,uid=0\n\
         [99999.000002] Memory cgroup out of memory: Killed process 99999 (other) total-vm:1000kB, anon-rss:500kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:40kB oom_score_adj:0\n"
    );
    let events = format!(
        "{{\"Type\":\"container\",\"Action\":\"kill\",\"Actor\":{{\"ID\":\"{id}\",\"Attributes\":{{\"name\":\"other\",\"signal\":\"9\"}}}},\"time\":1795305600,\"timeNano\":1795305600000000000}}\n"
    );
    let about = casefile::ContainerId::parse(&id);
    let exhibit =
        |name: &str, source, text: String, about: Option<casefile::ContainerId>| Exhibit {
            id: name.to_owned(),
            source,
            label: name.to_owned(),
            check: None,
            about,
            clock: casefile::Clock::Unknown,
            covers: false,
            cut_from: None,
            body: Body::Text(text),
        };
    vec![
        exhibit("other-kernel", casefile::Source::KernelLog, kernel, None),
        exhibit("other-events", casefile::Source::ContainerEvents, events, None),
        exhibit(
            "other-log",
            casefile::Source::ApplicationLog,
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n"
                .to_owned(),
            about,
        ),
    ]
}

#[test]
fn an_unrelated_container_changes_nothing() {
    for dossier in dossiers().into_iter().filter(|d| d.case.asked.container_id.is_some()) {
        let alone = summary(&explain(&dossier.case));
        let mut crowded = dossier.case.clone();
        crowded.exhibits.extend(unrelated());
        assert_eq!(summary(&explain(&crowded)), alone, "{}", dossier.name);
        let mut before = dossier.case.clone();
        before.exhibits.splice(0..0, unrelated());
        assert_eq!(summary(&explain(&before)), alone, "{} (put first)", dossier.name);
    }
}

/// A part of a case must not be surer of another killer than the whole case is of its own.
fn assert_no_surer(name: &str, whole: &Verdict, part: &Verdict) {
    let other = part.killer != whole.killer && part.killer != Killer::Unknown;
    // The whole case knows of a policy or a contradiction that a single line cannot show: then the
    // line alone may be read as what it says.
    let undecided = whole.killer == Killer::Unknown;
    assert!(
        !other || undecided || part.confidence <= whole.confidence,
        "{name}: {:?} {:?} became {:?} {:?}",
        whole.killer,
        whole.confidence,
        part.killer,
        part.confidence
    );
}

fn with_text(case: &CaseFile, at: usize, text: String) -> CaseFile {
    let mut changed = case.clone();
    changed.exhibits[at].body = Body::Text(text);
    changed
}

#[test]
fn no_deleted_line_makes_a_case_surer_of_another_killer() {
    for dossier in dossiers() {
        let whole = explain(&dossier.case);
        for (at, exhibit) in dossier.case.exhibits.iter().enumerate() {
            let lines: Vec<&str> = exhibit.text().split_inclusive('\n').collect();
            let step = 1 + lines.len() / 80;
            for gone in (0..lines.len()).step_by(step) {
                let left: String =
                    lines.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, l)| *l).collect();
                let part = explain(&with_text(&dossier.case, at, left));
                assert_no_surer(
                    &format!("{} without {}:{gone}", dossier.name, exhibit.id),
                    &whole,
                    &part,
                );
            }
        }
    }
}

#[test]
fn no_prefix_or_suffix_makes_a_case_surer_of_another_killer() {
    for dossier in dossiers() {
        let whole = explain(&dossier.case);
        for (at, exhibit) in dossier.case.exhibits.iter().enumerate() {
            let text = exhibit.text();
            let step = 1 + text.len() / 60;
            for cut in (0..text.len()).step_by(step).filter(|cut| text.is_char_boundary(*cut)) {
                for (half, kept) in [("prefix", &text[..cut]), ("suffix", &text[cut..])] {
                    let part = explain(&with_text(&dossier.case, at, kept.to_owned()));
                    let name = format!("{} {half} {} at {cut}", dossier.name, exhibit.id);
                    assert_no_surer(&name, &whole, &part);
                }
            }
        }
        for at in 0..dossier.case.exhibits.len() {
            let mut fewer = dossier.case.clone();
            let gone = fewer.exhibits.remove(at);
            let part = explain(&fewer);
            assert_no_surer(&format!("{} without {}", dossier.name, gone.id), &whole, &part);
        }
    }
}

/// The measuring corpus lies beside the checkout on some machines; it may not be republished, so it
/// is read where it stands and never copied.
fn corpus() -> Option<Vec<(String, CaseFile)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/cases");
    let entries = std::fs::read_dir(folder).ok()?;
    let mut cases = Vec::new();
    for entry in entries.flatten() {
        let Ok(files) = std::fs::read_dir(entry.path().join("evidence")) else { continue };
        let mut case = CaseFile::new(casefile::Asked::default(), fixed_now());
        let mut paths: Vec<_> = files.flatten().map(|file| file.path()).collect();
        paths.sort();
        for (at, path) in paths.iter().enumerate() {
            let bytes = std::fs::read(path).expect("corpus file is readable");
            case.exhibits.push(Exhibit {
                id: format!("file-{at}"),
                source: casefile::Source::Pasted,
                label: path.display().to_string(),
                check: None,
                about: None,
                clock: casefile::Clock::Unknown,
                covers: false,
                cut_from: None,
                body: Body::Text(String::from_utf8_lossy(&bytes).into_owned()),
            });
        }
        cases.push((entry.file_name().to_string_lossy().into_owned(), case));
    }
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    Some(cases)
}

#[test]
fn parts_of_the_corpus_are_never_surer_of_another_killer() {
    let Some(cases) = corpus() else {
        println!("NOT RUN: corpus, because ../shared is not beside this checkout");
        return;
    };
    for (name, case) in cases {
        let whole = explain(&case);
        for (at, exhibit) in case.exhibits.iter().enumerate() {
            let lines: Vec<&str> = exhibit.text().split_inclusive('\n').collect();
            let step = 1 + lines.len() / 24;
            for gone in (0..lines.len()).step_by(step) {
                let left: String =
                    lines.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, l)| *l).collect();
                let part = explain(&with_text(&case, at, left));
                assert_no_surer(&format!("{name} without line {gone}"), &whole, &part);
            }
            let text = exhibit.text();
            let step = 1 + text.len() / 24;
            for cut in (0..text.len()).step_by(step).filter(|cut| text.is_char_boundary(*cut)) {
                for kept in [&text[..cut], &text[cut..]] {
                    let part = explain(&with_text(&case, at, kept.to_owned()));
                    assert_no_surer(&format!("{name} cut at {cut}"), &whole, &part);
                }
            }
        }
    }
}
