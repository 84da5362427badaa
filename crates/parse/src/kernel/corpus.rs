//! Development check against posted reports that are kept outside this repository.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Text, read};
use crate::record::{KernelEvent, OomReport, Record};

fn reports(text: &str) -> Vec<OomReport> {
    let oom = |record| match record {
        Record::Kernel(KernelEvent::Oom(report)) => Some(*report),
        _ => None,
    };
    read(&Text::new(text)).into_iter().filter_map(|sighting| oom(sighting.record)).collect()
}

fn evidence(case: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(case.join("evidence")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with("kernel") || name.starts_with("dmesg") || name.starts_with("journal")
    });
    files
}

/// A victim as the case tells it: pid, name, then the numbers, `null` where it does not judge.
fn victims(report: &OomReport) -> Vec<(u32, Option<String>, [Option<i64>; 6])> {
    let wide = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    if report.killed.is_empty() {
        let named = report.named.as_ref().filter(|named| named.pid.is_some());
        return named
            .map(|named| {
                let pid = named.pid.unwrap();
                let row = report.tasks.iter().find(|row| row.pid == pid);
                let adj = row.and_then(|row| row.oom_score_adj).map(i64::from);
                let uid = named.uid.map(i64::from);
                (pid, named.comm.clone(), [None, None, None, None, adj, uid])
            })
            .into_iter()
            .collect();
    }
    let numbers = |killed: &crate::record::Killed| {
        [
            wide(killed.anon_rss_kb),
            wide(killed.file_rss_kb),
            wide(killed.shmem_rss_kb),
            wide(killed.total_vm_kb),
            killed.oom_score_adj.map(i64::from),
            killed.uid.map(i64::from),
        ]
    };
    report.killed.iter().map(|killed| (killed.pid, killed.comm.clone(), numbers(killed))).collect()
}

fn compare(truth: &Value, found: &[OomReport]) -> Vec<String> {
    const NUMBERS: [&str; 6] =
        ["anon_rss_kb", "file_rss_kb", "shmem_rss_kb", "total_vm_kb", "oom_score_adj", "uid"];
    let mut wrong = Vec::new();
    let seen: Vec<_> = found.iter().flat_map(victims).collect();
    let wanted = truth["victims"].as_array().unwrap();
    for victim in wanted {
        let pid = victim["pid"].as_u64().unwrap();
        let Some((_, comm, numbers)) = seen.iter().find(|(seen, ..)| u64::from(*seen) == pid)
        else {
            wrong.push(format!("victim {pid} not found"));
            continue;
        };
        if comm.as_deref() != victim["comm"].as_str() {
            wrong.push(format!("{pid}: comm {comm:?}"));
        }
        for (name, number) in NUMBERS.iter().zip(numbers) {
            let want = victim[name].as_i64();
            if want.is_some() && want != *number {
                wrong.push(format!("{pid}: {name} {number:?}, want {want:?}"));
            }
        }
    }
    if seen.len() != wanted.len() {
        wrong.push(format!("{} victims, want {}: {seen:?}", seen.len(), wanted.len()));
    }
    if let Some(invoker) = truth["invoker"].as_str() {
        let named = |report: &OomReport| report.invoked_by.as_ref().map(|by| by.comm.clone());
        if !found.iter().any(|report| named(report).as_deref() == Some(invoker)) {
            wrong.push(format!("invoker {invoker} not found"));
        }
    }
    let memory = || found.iter().filter_map(|report| report.memory);
    if let Some(limit) = truth["limit_bytes"].as_u64()
        && !memory()
            .any(|line| line.limit.and_then(|limit| limit.bytes()).map(|b| b.0) == Some(limit))
    {
        wrong.push(format!("limit {limit} not found"));
    }
    if let Some(usage) = truth["usage_bytes"].as_u64()
        && !memory().any(|line| line.usage.map(|usage| usage.0) == Some(usage))
    {
        wrong.push(format!("usage {usage} not found"));
    }
    wrong
}

#[test]
fn posted_reports_are_read_as_a_person_reads_them() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/cases");
    let Ok(folders) = std::fs::read_dir(&cases) else {
        println!("NOT RUN: corpus, because it is not on this machine");
        return;
    };
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut folders: Vec<PathBuf> = folders.map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    for case in folders.into_iter().filter(|case| case.join("case.json").exists()) {
        let about: Value =
            serde_json::from_str(&std::fs::read_to_string(case.join("case.json")).unwrap())
                .unwrap();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let files = evidence(&case);
        if files.is_empty() {
            continue;
        }
        let mut found = Vec::new();
        for file in files {
            found.extend(reports(&std::fs::read_to_string(file).unwrap()));
        }
        count += 1;
        let mut truth = about["truth"].clone();
        if about["evidence"].as_object().unwrap().len() > 1 || about["kind"] != "kernel" {
            // The limit of these cases stands in another exhibit.
            truth["limit_bytes"] = Value::Null;
        }
        if about["kind"] != "kernel" && found.is_empty() {
            truth["victims"] = Value::Array(Vec::new());
        }
        wrong.extend(compare(&truth, &found).into_iter().map(|line| format!("{name}: {line}")));
    }
    println!("{count} cases compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
