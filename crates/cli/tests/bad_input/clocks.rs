//! Clocks that stepped, boots that repeat each other's stamps, zones, years that are not written.

use serde_json::{Value, json};

use crate::daemon::{ID, dead_container, engine, event, serve};
use crate::program::run;
use crate::texts::{Kill, dmesg, kills, lines_of, report};

fn explain(texts: &[(&str, String)]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in texts {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let paths: Vec<String> = texts.iter().map(|(name, _)| format!("./{name}")).collect();
    let paths = paths.iter().map(String::as_str);
    let words: Vec<&str> = ["explain", "--format", "json"].into_iter().chain(paths).collect();
    let (code, out, err) = run(folder.path(), "", &words, "");
    assert!([0, 3, 4].contains(&code), "{code} {err}");
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"))
}

fn all(answer: &Value) -> Vec<Value> {
    let findings = answer["findings"].as_array().cloned().unwrap_or_default();
    std::iter::once(answer.clone()).chain(findings).collect()
}

fn victims(answer: &Value) -> Vec<u64> {
    let told = all(answer);
    let victims = told.iter().flat_map(|one| one["victims"].as_array().into_iter().flatten());
    victims.filter_map(|victim| victim["pid"].as_u64()).collect()
}

/// NTP set the clock an hour back between the stop and its end.
#[test]
fn a_clock_set_back_within_a_life_makes_no_negative_time_and_no_other_killer() {
    const HOUR: i64 = 3600;
    for back in [1, HOUR, 400 * 24 * HOUR] {
        for stepped_at in 1..6 {
            let after = [0, 1, 120, 130, 131, 131];
            let moved = |at: usize| after[at] - if at >= stepped_at { back } else { 0 };
            let attributes = [
                json!({}),
                json!({}),
                json!({ "signal": "15" }),
                json!({ "signal": "9" }),
                json!({ "exitCode": "137" }),
                json!({}),
            ];
            let actions = ["create", "start", "kill", "kill", "die", "stop"];
            let events: Vec<Value> = actions
                .iter()
                .zip(attributes)
                .enumerate()
                .map(|(at, (action, more))| event(action, moved(at), more))
                .collect();
            let answer = explain(&[("events", lines_of(&events))]);
            check_stop(&answer, &format!("{back} s back at {stepped_at}"));

            let folder = tempfile::tempdir().unwrap();
            let docker = serve(folder.path(), engine(&dead_container(json!({})), &events, ""));
            let (code, out, err) = run(folder.path(), &docker, &["--format", "json", ID], "");
            assert!(code == 0 || code == 3, "{err}");
            let answer = serde_json::from_str(&out).unwrap();
            check_stop(&answer, &format!("live, {back} s back at {stepped_at}"));
            let (_, page, _) = run(folder.path(), &docker, &["-v", ID], "");
            for wrong in [" -", "after -", "18446744"] {
                let said = page.lines().find(|line| {
                    line.split_once(wrong).is_some_and(|(_, rest)| {
                        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(" s")
                    })
                });
                assert!(said.is_none(), "{said:?}\n{page}");
            }
        }
    }
}

fn check_stop(answer: &Value, what: &str) {
    let killer = answer["killer"].as_str().unwrap();
    let fits = ["stop-timeout", "stopped", "api-kill", "unknown"].contains(&killer);
    assert!(fits, "{what}: {killer}\n{answer}");
    // Asked to stop and then killed: only that may be proven.
    if killer != "stop-timeout" {
        assert_ne!(answer["confidence"], "proven", "{what}: {killer}\n{answer}");
    }
    for one in all(answer) {
        let lived = one["lived_seconds"].as_f64().unwrap_or(0.0);
        assert!(lived >= 0.0, "{what}: lived {lived} s");
    }
}

/// A journal whose wall clock stepped between two lines of one report.
#[test]
fn a_report_over_a_step_of_the_clock_stays_one() {
    let kill = &kills()[0];
    let lines = report(kill);
    for stepped_at in [1, 5, 13, 14] {
        for (before, after) in [("18:42:10", "17:42:10"), ("18:42:10", "23:42:10")] {
            let log: String = lines
                .iter()
                .enumerate()
                .map(|(at, words)| {
                    let time = if at < stepped_at { before } else { after };
                    format!("May 27 {time} host kernel: {words}\n")
                })
                .collect();
            let answer = explain(&[("kern.log", log)]);
            assert_eq!(answer["killer"], "container-memory-limit", "{stepped_at} {after}");
            assert_eq!(victims(&answer), [4101], "{stepped_at} {after}: {answer}");
        }
    }
}

#[test]
fn the_same_pid_in_two_boots_died_twice() {
    let mut kill = kills().remove(0);
    let boot = |kill: &Kill, second: u16| {
        let log = dmesg(kill).replace("[ 8123.", &format!("[ {second}."));
        format!("[    0.000000] Linux version 6.1.0-18-amd64 (x@y) #1 SMP\n{log}")
    };
    let first = boot(&kill, 8123);
    // Nothing but the stamps differs, or nothing but the memory it held.
    let later = boot(&kill, 9456);
    kill.anon_kb -= 4;
    let larger = boot(&kill, 8123);
    for second in [later, larger] {
        let answer = explain(&[("kern.log", format!("{first}{second}"))]);
        assert_eq!(victims(&answer), [4101, 4101], "{answer}");
        let answer = explain(&[("boot-1.log", first.clone()), ("boot-0.log", second)]);
        assert_eq!(victims(&answer), [4101, 4101], "{answer}");
    }
    let syslog = |day: u8| -> String {
        report(&kill)
            .iter()
            .map(|words| format!("May {day} 18:42:10 host kernel: [ 8123.000100] {words}\n"))
            .collect()
    };
    let answer = explain(&[("kern.log", syslog(26) + &syslog(27))]);
    assert_eq!(victims(&answer), [4101, 4101], "{answer}");
}

#[test]
fn the_same_log_given_twice_is_one_death() {
    let log = dmesg(&kills()[0]);
    let answer = explain(&[("kern.log", log.clone()), ("again.log", log.clone())]);
    assert_eq!(victims(&answer), [4101], "{answer}");
    let answer = explain(&[("kern.log", format!("{log}{log}"))]);
    assert_eq!(victims(&answer), [4101], "{answer}");
}

/// `dmesg -T` writes local time and no zone; docker writes UTC.
#[test]
fn local_time_beside_utc_keeps_the_death_together() {
    let mut kill = kills().remove(0);
    kill.id = ID.to_owned();
    for hour in ["18", "20", "07", "23"] {
        let log: String = report(&kill)
            .iter()
            .map(|words| format!("[Wed May 27 {hour}:42:11 2026] {words}\n"))
            .collect();
        let inspect =
            json!([dead_container(json!({ "State": { "OOMKilled": true } }))]).to_string();
        let answer = explain(&[("dmesg", log), ("inspect.json", inspect)]);
        assert_eq!(answer["killer"], "container-memory-limit", "{hour}: {answer}");
        assert_eq!(victims(&answer), [4101], "{hour}: {answer}");
        assert_eq!(answer["container_id"], ID, "{hour}");
        // A time of no known zone is not told as if it were UTC.
        let at = answer["at"].as_str().unwrap_or_default();
        assert!(!at.contains(&format!("T{hour}:42")) || hour == "18", "{hour}: {at}");
    }
}

/// At the end of summer time 02:30 comes twice.
#[test]
fn the_hour_that_comes_twice_is_no_reason_to_count_twice_or_lose_one() {
    let all = kills();
    let log: String = [(0_usize, "02:59:58"), (1, "02:00:03"), (2, "03:00:00")]
        .iter()
        .flat_map(|(who, time)| {
            report(&all[*who])
                .into_iter()
                .map(move |words| format!("[Sun Oct 25 {time} 2026] {words}\n"))
        })
        .collect();
    let mut told = victims(&explain(&[("dmesg", log)]));
    told.sort_unstable();
    assert_eq!(told, [4101, 5202, 6303]);
}

/// Syslog writes no year.
#[test]
fn a_report_over_the_end_of_the_year_stays_one() {
    let lines = report(&kills()[0]);
    for turned_at in [1, 7, 14] {
        let log: String = lines
            .iter()
            .enumerate()
            .map(|(at, words)| {
                let time = if at < turned_at { "Dec 31 23:59:59" } else { "Jan  1 00:00:00" };
                format!("{time} host kernel: [ 8123.{:06}] {words}\n", 100 + at)
            })
            .collect();
        let answer = explain(&[("kern.log", log)]);
        assert_eq!(answer["killer"], "container-memory-limit", "{turned_at}");
        assert_eq!(victims(&answer), [4101], "{turned_at}: {answer}");
    }
    // The later of two kills is the answer, the earlier a finding; which is later, the order says.
    let all = kills();
    let log: String = [(0_usize, "Dec 31 23:59:59"), (1, "Jan  1 00:10:00")]
        .iter()
        .flat_map(|(who, time)| {
            report(&all[*who])
                .into_iter()
                .map(move |words| format!("{time} host kernel: {words}\n"))
        })
        .collect();
    let answer = explain(&[("kern.log", log)]);
    assert_eq!(answer["victims"][0]["pid"], 5202, "{answer}");
    assert_eq!(victims(&answer).len(), 2);
}

#[test]
fn times_of_no_calendar_are_no_times() {
    let kill = &kills()[0];
    for stamp in [
        "[Wed May 27 25:61:61 2026]",
        "[99999999999999999999.999999]",
        "May 32 18:42:10 host kernel:",
        "2026-13-45T99:99:99Z host kernel:",
        "[-1.000000]",
        "[    .     ]",
        "0000-00-00T00:00:00+99:99 host kernel:",
    ] {
        let log: String = report(kill).iter().map(|words| format!("{stamp} {words}\n")).collect();
        let answer = explain(&[("kern.log", log)]);
        assert!(answer["at"].is_null(), "{stamp}: {answer}");
        let killer = answer["killer"].as_str().unwrap();
        assert!(["container-memory-limit", "unknown"].contains(&killer), "{stamp}: {killer}");
    }
}
