//! Real runtimes of this machine in cgroups of their own: what each says it may use is what it was told.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::ground::{Cgroup, Ground, complained, entry, program, said, variable};

/// Three limits each, in MiB.
const LIMITS: [u64; 3] = [128, 256, 512];

fn has(name: &str) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path.split(':').map(|folder| format!("{folder}/{name}"));
    let found = found.into_iter().find(|path| Path::new(path).is_file());
    if found.is_none() {
        println!("NOT RUN: {name}, because it is not installed");
    }
    found
}

/// What `why137 align` says of the same: the settings that are environment variables.
fn aligned(asked: &str, limit: u64) -> Value {
    let limit = format!("{limit}m");
    let words = ["align", "--predict", asked, "--limit", &limit, "--cgroup", "v1"];
    let mut command = Command::new(program());
    command.args(words).args(["--layout", "service", "--format", "json"]);
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|err| panic!("{err}: {}", complained(&output)))
}

fn value_of(answer: &Value, name: &str) -> Option<String> {
    let settings = answer["settings"].as_array().unwrap();
    let found = settings.iter().find(|setting| setting["name"] == name)?;
    found["value"].as_str().map(str::to_owned)
}

#[test]
fn node_has_the_heap_that_it_was_told_and_align_says_the_same() {
    let (Some(cgroup), Some(node)) = (Cgroup::new("node"), has("node")) else { return };
    let script = "const v8 = require('v8'); console.log(process.version, process.env.NODE_OPTIONS, \
        v8.getHeapStatistics().heap_size_limit)";
    for limit in LIMITS {
        cgroup.limit(limit);
        for below in [false, true] {
            let output = cgroup.run(below, &entry(&["--", &node, "-e", script]));
            let text = said(&output);
            let mut words = text.split_whitespace();
            let version = words.next().unwrap_or_else(|| panic!("{}", complained(&output)));
            let heap: u64 = words.next_back().unwrap().parse().unwrap();
            let old: u64 = text
                .split_once("--max-old-space-size=")
                .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok())
                .unwrap();
            // The old space and three semi-spaces, with room for the rest.
            let place = format!("{version} at {limit} MiB, below {below}: {text}");
            assert!(heap >= old << 20 && heap + (32 << 20) <= limit << 20, "{place}");
            if !below {
                let options = value_of(&aligned(&format!("node@{version}"), limit), "NODE_OPTIONS");
                assert!(text.contains(&options.unwrap()), "{place}");
            }
        }
    }
}

#[test]
fn the_jvm_has_the_heap_that_it_was_told_and_align_says_the_same() {
    let (Some(cgroup), Some(java)) = (Cgroup::new("java"), has("java")) else { return };
    for limit in LIMITS {
        cgroup.limit(limit);
        let output = cgroup.run(false, &entry(&[&java, "-XX:+PrintFlagsFinal", "-version"]));
        let number = |name: &str| -> u64 {
            let text = said(&output);
            let line = text.lines().find(|line| line.split_whitespace().any(|word| word == name));
            let line = line.unwrap_or_else(|| panic!("{name}: {}", complained(&output)));
            line.split_whitespace().nth(3).unwrap().parse().unwrap()
        };
        let told = complained(&output);
        let version = told.split_once("version \"").unwrap().1.split('"').next().unwrap();
        let options = value_of(&aligned(&format!("java@{version}"), limit), "JAVA_TOOL_OPTIONS");
        let options = options.unwrap();
        assert!(told.contains(&format!("JAVA_TOOL_OPTIONS: {options}")), "{told} {options}");
        let said = |flag: &str, unit: &str| {
            let (_, rest) = options.split_once(flag).unwrap();
            rest.split(unit).next().unwrap().parse::<u64>().unwrap() << 20
        };
        assert_eq!(number("MaxHeapSize"), said("-Xmx", "m").next_multiple_of(2 << 20));
        assert_eq!(number("MaxDirectMemorySize"), said("MaxDirectMemorySize=", "m"));
    }
}

#[test]
fn go_is_told_by_what_stands_in_the_executable() {
    let (Some(cgroup), Some(go)) = (Cgroup::new("go"), has("go")) else { return };
    for limit in LIMITS {
        cgroup.limit(limit);
        let output = cgroup.run(true, &entry(&[&go, "env", "GOVERSION"]));
        let version = said(&output);
        let shown = cgroup.run(true, &entry(&["--print", &go]));
        let told = value_of(&aligned(&format!("go@{}", version.trim()), limit), "GOMEMLIMIT");
        let line = format!("GOMEMLIMIT={}", told.unwrap());
        assert!(said(&shown).contains(&line), "{line}: {}", said(&shown));
    }
}

#[test]
fn python_servers_are_told_their_workers() {
    let (Some(cgroup), Some(_)) = (Cgroup::new("python"), has("python3")) else { return };
    let ground = Ground::new();
    let python = ground.speaker("python3.12");
    let gunicorn = ground.script("gunicorn", &format!("#!{python}\n"));
    cgroup.write("cpu.cfs_quota_us", "400000");
    for (limit, expected) in [(64, "1"), (128, "3"), (256, "6")] {
        cgroup.limit(limit);
        let words = ["--print", "--worker", "31m", "--master", "12m", &gunicorn];
        let shown = cgroup.run(false, &entry(&words));
        let line = format!("WEB_CONCURRENCY={expected}");
        assert!(said(&shown).contains(&line), "{limit} MiB: {}", said(&shown));
    }
}

#[test]
fn the_limit_of_a_level_above_counts_and_an_absurd_one_does_not() {
    let Some(cgroup) = Cgroup::new("levels") else { return };
    let ground = Ground::new();
    let java = ground.speaker("java");
    let heap = |below: bool| variable(&cgroup.run(below, &entry(&[&java])), "JAVA_TOOL_OPTIONS");
    assert_eq!((heap(false), heap(true)), (None, None));
    cgroup.limit(256);
    assert_eq!(heap(true), heap(false));
    assert!(heap(true).unwrap().starts_with("-Xmx102m "));
    // PAGE_COUNTER_MAX is how the kernel shows none; more than the machine has is none either.
    for none in ["9223372036854771712", "-1", "1125899906842624"] {
        cgroup.write("memory.limit_in_bytes", none);
        assert_eq!((heap(false), heap(true)), (None, None), "{none}");
    }
}
