//! The posted texts beside the checkout, where there are any: every case of an orchestrator or of a
//! program's log yields the record that its truth rests on.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside of test functions here")]

use std::fs;
use std::path::{Path, PathBuf};

use casefile::{Limit, Source};
use parse::record::{Application, Record};
use serde_json::Value;

fn corpus() -> Option<Vec<PathBuf>> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/cases");
    let entries = fs::read_dir(cases).ok()?;
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    Some(found)
}

fn records(case: &Path) -> Vec<Record> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(case.join("evidence")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for sighting in parse::read(Source::Pasted, &text) {
            assert!(sighting.span.of(&text).is_some(), "{}", file.display());
            found.push(sighting.record);
        }
    }
    found
}

fn is_eviction(record: &Record) -> bool {
    match record {
        Record::PodEvent(event) => event.reason == "Evicted",
        Record::Pod(pod) => pod.reason.as_deref() == Some("Evicted"),
        _ => false,
    }
}

fn is_oom_word(record: &Record) -> bool {
    let says = |reason: &Option<String>| {
        reason.as_deref().is_some_and(|reason| {
            reason.starts_with("OOMKilled") || reason.starts_with("OutOfMemory")
        })
    };
    match record {
        Record::Pod(pod) => pod.containers.iter().any(|container| says(&container.reason)),
        Record::EcsTask(task) => task.containers.iter().any(|container| says(&container.reason)),
        _ => false,
    }
}

fn names_limit(record: &Record, bytes: u64) -> bool {
    let is =
        |limit: Option<Limit>| limit.and_then(Limit::bytes).is_some_and(|limit| limit.0 == bytes);
    match record {
        Record::Pod(pod) => pod.containers.iter().any(|container| is(container.memory.limit)),
        Record::Application(Application::Platform { limit, .. }) => is(*limit),
        _ => false,
    }
}

fn needed(truth: &str, victim: Option<u64>, record: &Record) -> bool {
    match (truth, record) {
        ("liveness_probe", Record::PodEvent(event)) => {
            event.message.contains("failed liveness probe")
        }
        ("eviction", record) => is_eviction(record),
        ("not_a_kill", Record::Application(Application::Language { survived, .. })) => !survived,
        ("runtime_kill", Record::Application(Application::SupervisorKills { pid, .. })) => {
            pid.map(u64::from) == victim
        }
        ("cgroup_oom", record) => is_oom_word(record),
        _ => false,
    }
}

#[test]
fn every_orchestrators_case_yields_what_its_truth_rests_on() {
    let Some(cases) = corpus() else {
        println!("NOT RUN: corpus");
        return;
    };
    let mut read = 0;
    for case in cases {
        let text = fs::read_to_string(case.join("case.json")).unwrap();
        let told: Value = serde_json::from_str(&text).unwrap();
        let kind = told["kind"].as_str().unwrap();
        if !["applog", "probe", "eviction", "ecs", "pod"].contains(&kind) {
            continue;
        }
        read += 1;
        let truth = told["truth"]["killer"].as_str().unwrap();
        let victim = told["truth"]["victims"][0]["pid"].as_u64();
        let found = records(&case);
        let id = case.display();
        if truth == "unknown" {
            let claims = ["eviction", "not_a_kill", "cgroup_oom", "liveness_probe"];
            let over = |record: &Record| claims.iter().any(|claim| needed(claim, None, record));
            assert!(!found.iter().any(over), "{id}: {found:?}");
            continue;
        }
        assert!(
            found.iter().any(|record| needed(truth, victim, record)),
            "{id} {truth}: {found:?}"
        );
        if let Some(limit) = told["truth"]["limit_bytes"].as_u64() {
            assert!(
                found.iter().any(|record| names_limit(record, limit)),
                "{id} {limit}: {found:?}"
            );
        }
    }
    assert!(read > 0);
}
