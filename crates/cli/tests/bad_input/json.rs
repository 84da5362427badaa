//! JSON that is not what it should be, and saved cases that are not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{ID, dead_container};
use crate::program::run;

fn ask(text: &str) -> (i32, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let (code, out, err) = run(folder.path(), "", &["--format", "json", "-"], text);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(!err.contains("panicked"), "{err}");
    let answer = if out.is_empty() { Value::Null } else { serde_json::from_str(&out).unwrap() };
    (code, answer, err)
}

/// Nothing of it may be believed.
fn decides_nothing(text: &str) {
    let (code, answer, err) = ask(text);
    let shown: String = text.chars().take(300).collect();
    assert_eq!(code, 3, "{err}\n{shown}");
    assert_eq!(answer["killer"], "unknown", "{shown}");
}

#[test]
fn values_of_another_type_are_not_read_as_what_they_are_not() {
    let state = |state: Value| json!([{ "Id": ID, "State": state }]).to_string();
    for text in [
        state(json!({ "OOMKilled": "perhaps", "ExitCode": { "a": 1 } })),
        state(json!({ "OOMKilled": 1, "ExitCode": [137] })),
        state(json!({ "OOMKilled": null, "ExitCode": null })),
        state(json!([true, 137])),
        state(json!("OOMKilled")),
        json!({ "Id": 7, "State": 7 }).to_string(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "[[[[{}]]]]".to_owned(),
        "\"OOM\"".to_owned(),
    ] {
        decides_nothing(&text);
    }
}

#[test]
fn numbers_that_no_machine_holds_are_not_rounded_into_a_code() {
    for code in [
        "1e999",
        "-1e999",
        "NaN",
        "Infinity",
        "1e2",
        "137.5",
        "0x89",
        "137e0e",
        "1_37",
        "٣",
        "999999999999999999999999",
        "-9223372036854775809",
        "+",
        "-",
    ] {
        let text = format!(
            "[{{\"Id\": \"{ID}\", \"State\": {{\"ExitCode\": {code}, \"OOMKilled\": false}}}}]"
        );
        let (status, answer, err) = ask(&text);
        assert!(status == 3 || status == 0, "{code}: {err}");
        assert_ne!(answer["confidence"], "proven", "{code}: {answer}");
        assert_ne!(answer["main"]["exit_code"], 137, "{code}: {answer}");
        let memory = format!(
            "[{{\"Id\": \"{ID}\", \"HostConfig\": {{\"Memory\": {code}}}, \"State\": {{\"ExitCode\": 137, \"OOMKilled\": false}}}}]"
        );
        let (_, answer, _) = ask(&memory);
        assert_eq!(answer["killer"], "unknown", "{code}: {answer}");
        assert!(answer["limit_bytes"].is_null(), "{code}: {answer}");
    }
}

#[test]
fn nesting_without_end_is_answered() {
    const DEEP: usize = 100_000;
    for (open, close) in
        [("[", "]"), ("{\"State\":", "}"), ("{\"a\":[", "]}"), ("[{\"Id\":\"", "\"}]")]
    {
        decides_nothing(&open.repeat(DEEP));
        decides_nothing(&(open.repeat(DEEP) + &close.repeat(DEEP)));
        decides_nothing(&close.repeat(DEEP));
    }
    let inner = dead_container(json!({ "State": { "OOMKilled": true } })).to_string();
    // Deep inside: found or not, but never more than it says.
    let (code, answer, err) = ask(&("[".repeat(DEEP) + &inner + &"]".repeat(DEEP)));
    assert!(code == 0 || code == 3, "{err}");
    assert_ne!(answer["confidence"], "proven");
}

#[test]
fn keys_that_stand_twice_prove_nothing() {
    let twice = format!(
        "[{{\"Id\":\"{ID}\",\"State\":{{\"Status\":\"exited\",\"ExitCode\":137,\"ExitCode\":0,\"OOMKilled\":true,\"OOMKilled\":false}}}}]"
    );
    let (_, answer, _) = ask(&twice);
    assert_ne!(answer["confidence"], "proven", "{answer}");
    let ids = format!(
        "[{{\"Id\":\"{ID}\",\"Id\":\"{}\",\"State\":{{\"ExitCode\":137}}}}]",
        "e".repeat(64)
    );
    let (_, answer, _) = ask(&ids);
    assert_eq!(answer["killer"], "unknown", "{answer}");
}

#[test]
fn what_stands_around_a_document_does_not_hide_it() {
    let flagged = json!([dead_container(json!({ "State": { "OOMKilled": true } }))]);
    let pretty = serde_json::to_string_pretty(&flagged).unwrap();
    let (_, plain, _) = ask(&pretty);
    assert_eq!(plain["killer"], "out-of-memory");
    for text in [
        format!("$ docker inspect shop-api-1\n{pretty}"),
        format!("{pretty}\n]]]}}}}\ntrailing words"),
        format!("{pretty}{pretty}"),
        format!("﻿{pretty}"),
        format!("```json\n{pretty}\n```\n"),
        pretty.replace('\n', "\n> "),
        pretty.replace(",\n", ",\n\n"),
        pretty.replace("\": ", "\" :\t"),
    ] {
        let (_, answer, err) = ask(&text);
        assert_eq!(answer["killer"], plain["killer"], "{err}\n{text}");
        assert_eq!(answer["confidence"], plain["confidence"], "{text}");
        assert_eq!(answer["container_id"], plain["container_id"], "{text}");
    }
}

fn refused(text: &str, says: &str) {
    let (code, answer, err) = ask(text);
    assert_eq!((code, &answer), (1, &Value::Null), "{err}");
    assert!(err.contains(says) && err.contains("\n\nhint: "), "`{says}` is missing: {err}");
}

/// A saved case as this program writes it.
fn saved() -> Value {
    json!({ "why137_case": 1, "asked": {}, "gathered_at": "2026-05-27T19:00:00Z",
        "exhibits": [{ "id": "kmsg", "source": "kernel-log", "label": "/dev/kmsg",
            "body": { "text": "6,1,1,-;Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n" } }],
        "gaps": [] })
}

#[test]
fn a_case_of_a_later_format_says_so_whatever_its_shape() {
    assert_eq!(ask(&saved().to_string()).0, 0);
    let mut later = saved();
    later["why137_case"] = json!(2);
    refused(&later.to_string(), "this case has format 2; this program reads format 1");
    refused("{\"why137_case\": 9, \"evidence\": {\"a\": []}}", "format 9");
}

#[test]
fn a_case_that_is_damaged_says_where() {
    let whole = saved().to_string();
    for at in (30..whole.len() - 1).step_by(17) {
        refused(&whole[..at], "this is not a why137 case: line 1, column ");
    }
    refused(&(whole.clone() + "]"), "line 1, column ");
    for (key, value) in [
        ("why137_case", json!("1")),
        ("why137_case", json!(-1)),
        ("why137_case", json!(1e300)),
        ("gathered_at", json!("yesterday")),
        ("exhibits", json!({})),
        ("exhibits", json!([{ "id": "a" }])),
        ("gaps", json!([7])),
    ] {
        let mut broken = saved();
        broken[key] = value;
        refused(&broken.to_string(), "this is not a why137 case");
    }
    let deep = format!("{{\"why137_case\": 1, \"exhibits\": {}", "[".repeat(100_000));
    refused(&deep, "this is not a why137 case");
    let deep =
        format!("{{\"why137_case\": 1, \"x\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    refused(&deep, "this is not a why137 case");
}

/// Whoever changed a case by hand may have pointed its exhibits anywhere.
#[test]
fn a_case_with_odd_exhibits_is_answered() {
    for (key, value) in [
        ("id", json!("")),
        ("id", json!("kmsg\u{1b}[2J")),
        ("label", json!("\u{202e}")),
        ("about", json!("not an id")),
        ("covers", json!(true)),
        ("clock", json!({ "SinceBoot": { "zero_at": "9999-12-30T22:00:00Z" } })),
        ("clock", json!({ "SinceBoot": { "zero_at": "-009999-01-02T01:59:59Z" } })),
        ("cut_from", json!({ "bytes": 0, "digest": "", "kept": [{ "start": 9, "end": 1 }] })),
    ] {
        let mut odd = saved();
        odd["exhibits"][0][key] = value.clone();
        odd["exhibits"].as_array_mut().unwrap().push(saved()["exhibits"][0].clone());
        let (code, answer, err) = ask(&odd.to_string());
        assert!([0, 3].contains(&code), "{key} {value}: {err}");
        assert!(answer["killer"].is_string(), "{key} {value}");
    }
}
