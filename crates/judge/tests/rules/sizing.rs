//! What the runtime of the dead believed, as the evidence shows it, and what it should be told.

use casefile::Source;
use judge::verdict::Remedy;
use serde_json::{Value, json};

use crate::case::{Answer, Case, LIMIT, Report, exited, kernel_line, with};

const MIB: u64 = 1 << 20;

/// `web` that ran this in a container of 256 MiB and was killed there, with so many MiB of its own.
fn killed(command: &[&str], environment: &[&str], image: &str, anonymous: u64) -> Answer {
    answered(command, environment, image, anonymous, vec![(700, "main", 60_000)])
}

fn answered(
    command: &[&str],
    environment: &[&str],
    image: &str,
    anonymous: u64,
    table: Vec<(u32, &'static str, u64)>,
) -> Answer {
    let stat = kernel_line(59.9, &format!("anon {}", anonymous * MIB));
    let report = Report { table, ..Report::own(59.9) }.lines();
    let head = kernel_line(
        59.9,
        &format!("Memory cgroup stats for {}:", crate::case::docker(crate::case::WEB)),
    );
    let mut text = String::new();
    for line in report.lines() {
        if line.contains("Tasks state") {
            text = text + &head + &stat;
        }
        text = text + line + "\n";
    }
    let machine = "cgroup-version: 2\nmem-total-bytes: 25276219392\n";
    Case::of(&told(137, command, environment, image))
        .kernel(&[text])
        .add(Source::Machine, machine)
        .answer()
}

fn told(code: i64, command: &[&str], environment: &[&str], image: &str) -> Value {
    let (path, arguments) = command.split_first().expect("a program");
    let inspect = with(exited(60.0, code), "/Path", json!(path));
    let inspect = with(inspect, "/Args", json!(arguments));
    with(inspect, "/Config", json!({"Image": image, "Env": environment}))
}

fn first(answer: &Answer) -> &Remedy {
    answer.verdict.remedies.first().expect("a remedy")
}

fn belief(answer: &Answer) -> Option<&str> {
    let found = answer.verdict.because.iter().find(|one| one.says.contains("may use"));
    found.map(|one| one.says.as_str())
}

#[test]
fn a_heap_that_was_told_to_be_larger_than_the_limit_is_told_a_smaller_one() {
    let words = ["node", "--max-old-space-size=1024", "a.js"];
    let node = killed(&words, &["NODE_VERSION=22.12.0"], "demo", 250);
    assert!(belief(&node).is_some_and(|says| says.contains("--max-old-space-size=1024")));
    let change = &first(&node).change;
    assert!(
        change.starts_with(
            "write `--max-old-space-size=179` in place of `--max-old-space-size=1024`"
        ),
        "{change}"
    );
    assert!(change.contains("256 MiB (the limit) - 77 MiB"), "{change}");
    assert!(first(&node).effect.contains("raising the limit alone would only move the end"));
}

#[test]
fn the_default_is_known_where_the_image_tells_the_version() {
    let by_variable = killed(&["node", "a.js"], &["NODE_VERSION=22.12.0"], "demo", 250);
    let by_tag = killed(&["docker-entrypoint.sh", "node", "a.js"], &[], "node:22.12-alpine", 250);
    for answer in [&by_variable, &by_tag] {
        let change = &first(answer).change;
        assert!(change.starts_with("set NODE_OPTIONS=--max-old-space-size=179"), "{change}");
        assert!(first(answer).effect.contains("V8's floor of 256 MiB"));
    }
    // Versions differ: of one that nobody names only what holds for all is said.
    let unknown = killed(&["node", "a.js"], &[], "demo", 250);
    let says = belief(&unknown).unwrap_or_default();
    assert!(says.contains("259 MiB or more") && says.contains("in every version"), "{says}");
}

#[test]
fn memory_outside_a_heap_that_has_room_is_told_apart() {
    let words = ["node", "--max-old-space-size=64", "a.js"];
    let node = killed(&words, &["NODE_VERSION=22.12.0"], "demo", 250);
    let change = &first(&node).change;
    assert!(change.contains("at most 67 MiB of the 250 MiB"), "{change}");
    assert!(change.contains("no heap flag can help alone"), "{change}");
    // A heap that may have filled the limit by itself is not excused.
    let full = killed(&words, &["NODE_VERSION=22.12.0"], "demo", 70);
    assert!(!first(&full).change.contains("no heap flag"), "{:?}", first(&full));
}

#[test]
fn direct_buffers_are_a_term_of_the_sum() {
    let words = ["java", "-Xmx96m", "-XX:MaxDirectMemorySize=1g", "-jar", "a.jar"];
    let java = killed(&words, &["JAVA_VERSION=jdk-17.0.9+9"], "demo", 250);
    let Remedy { change, effect, .. } = first(&java);
    assert!(effect.contains("96 MiB (-Xmx96m)"), "{effect}");
    assert!(effect.contains("1 GiB (direct buffers, -XX:MaxDirectMemorySize)"), "{effect}");
    assert!(change.contains("in place of `-XX:MaxDirectMemorySize=1g`"), "{change}");
    assert!(!change.contains("JAVA_TOOL_OPTIONS"), "{change}");
}

#[test]
fn workers_are_counted_and_as_many_as_fit_are_told() {
    let pages = |mib: u64| mib * MIB / 4096;
    let mut table = vec![(700, "master", pages(12))];
    table.extend((0..6).map(|at| (710 + at, "worker", pages(46))));
    let answer = answered(&["serve"], &[], "demo", 250, table);
    let change = &first(&answer).change;
    assert!(change.contains("6 × 46 MiB + 12 MiB of the others is 288 MiB"), "{change}");
    assert!(change.contains("5 of that size fit"), "{change}");
    // Two small helpers are no pool that fills a limit.
    let small = vec![(700, "serve", pages(240)), (701, "cat", pages(1)), (702, "cat", pages(1))];
    let answer = answered(&["serve"], &[], "demo", 250, small);
    assert!(!answer.verdict.remedies.iter().any(|it| it.change.contains("run fewer")));
}

#[test]
fn two_that_hold_more_than_the_limit_share_pages_since_a_fork() {
    let pages = |mib: u64| mib * MIB / 4096;
    let table = vec![(700, "serve", pages(180)), (701, "serve", pages(170))];
    let answer = answered(&["serve"], &[], "demo", 250, table);
    let change = &first(&answer).change;
    assert!(change.contains("share pages") && change.contains("room for the copies"), "{change}");
    assert!(!change.contains("run fewer"), "{change}");
}

#[test]
fn a_name_that_says_nothing_brings_no_sum() {
    for command in [&["/app/server"][..], &["sh", "-c", "./run"], &["nodemon", "a.js"]] {
        let answer = killed(command, &["NODE_VERSION=22.12.0"], "demo", 250);
        assert_eq!(belief(&answer), None, "{command:?}");
        assert!(!answer.verdict.remedies.iter().any(|it| it.change.contains("NODE_OPTIONS")));
    }
    assert_eq!(LIMIT, 256 * MIB);
}

#[test]
fn a_store_without_a_bound_is_given_one_and_a_server_without_a_measured_worker_none() {
    let redis = killed(&["redis-server"], &[], "redis:7.2", 250);
    assert!(first(&redis).change.starts_with("add `--maxmemory "), "{:?}", first(&redis));
    let web = killed(&["uvicorn", "app:app", "--workers", "4"], &[], "python:3.12", 250);
    let says = |word: &str| web.verdict.remedies.iter().any(|it| it.change.contains(word));
    assert!(!says("MALLOC_ARENA_MAX") && !says("WORKERS"), "{:?}", web.verdict.remedies);
}

/// A death tells nothing of threads, and one thread has one arena.
#[test]
fn fewer_arenas_are_advised_for_programs_with_threads_only() {
    let answer = killed(&["python3", "-c", "x"], &[], "python:3.12", 250);
    let remedy = first(&answer);
    assert!(
        remedy.change.starts_with("where it runs eight threads or more: set MALLOC_ARENA_MAX=2")
    );
    assert!(remedy.effect.contains("only a limit above it, or less to hold"), "{}", remedy.effect);
}

#[test]
fn a_pods_manifest_tells_command_and_image_too() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "a"},
        "spec": {"containers": [{"name": "web", "image": "node:22.12-alpine", "command": ["node", "a.js"],
            "resources": {"limits": {"memory": "256Mi"}}}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 1,
            "state": {"running": {"startedAt": "2026-11-22T10:05:00Z"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                "startedAt": "2026-11-22T10:00:00Z", "finishedAt": "2026-11-22T10:04:00Z"}}}]}});
    let answer = Case::pasted(&[&pod.to_string()]).answer();
    let change = &first(&answer).change;
    assert!(change.starts_with("set NODE_OPTIONS=--max-old-space-size="), "{change}");
    assert!(first(&answer).effect.contains("V8's floor of 256 MiB"));
}
