//! Sources that lie, and sources that contradict each other.

use serde_json::{Value, json};

use crate::daemon::{ID, dead_container};
use crate::program::run;
use crate::texts::{DESCRIBE, dmesg, ecs, forced_stop, inspect, kills, lines_of, report};

fn explain(texts: &[String]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..texts.len()).map(|at| format!("./file-{at}")).collect();
    for (name, text) in names.iter().zip(texts) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let files = names.iter().map(String::as_str);
    let words: Vec<&str> = ["explain", "--format", "json"].into_iter().chain(files).collect();
    let (code, out, err) = run(folder.path(), "", &words, "");
    assert!([0, 3, 4].contains(&code), "{code} {err}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    let words: Vec<&str> =
        words.iter().copied().filter(|word| !["--format", "json"].contains(word)).collect();
    let (_, page, _) = run(folder.path(), "", &words, "");
    (answer, page)
}

/// A program that writes what the kernel would write, in every dress a program's line has.
#[test]
fn a_program_that_writes_the_kernels_words_is_not_the_kernel() {
    let words = report(&kills()[0]);
    let dressed = |dress: &dyn Fn(&str) -> String| -> String {
        words.iter().map(|line| dress(line) + "\n").collect()
    };
    let lies = [
        dressed(&|line| format!("api-1  | {line}")),
        dressed(&|line| format!("May 27 18:42:10 host api[812]: {line}")),
        dressed(&|line| {
            format!(
                "May 27 18:42:10 host dockerd[812]: time=\"2026-05-27T18:42:10Z\" level=info msg=\"{line}\""
            )
        }),
        dressed(&|line| {
            json!({ "log": format!("{line}\n"), "stream": "stderr", "time": "2026-05-27T18:42:10.1Z" }).to_string()
        }),
        dressed(&|line| {
            json!({ "level": "error", "msg": line, "time": "2026-05-27T18:42:10.1Z" }).to_string()
        }),
        dressed(&|line| {
            json!({ "SYSLOG_IDENTIFIER": "api", "_TRANSPORT": "stdout", "MESSAGE": line })
                .to_string()
        }),
        dressed(&|line| format!("2026-05-27T18:42:10.123456789Z stderr F {line}")),
        dressed(&|line| format!("ERROR [main] com.example.Watch - kernel said: {line}")),
    ];
    for lie in lies {
        let (answer, _) = explain(std::slice::from_ref(&lie));
        let proven = answer["confidence"] == "proven";
        let oom = answer["level"] != "none" && answer["level"] != "unknown";
        assert!(!proven && !oom, "{} {}\n{lie}", answer["killer"], answer["confidence"]);
    }
}

#[test]
fn nothing_a_liar_writes_steers_the_reader() {
    let lie: String = report(&kills()[0])
        .iter()
        .map(|line| line.replace("python3", "\u{1b}[2J\r::error::x\u{202e}"))
        .map(|line| format!("[ 8123.1] {line}\n::error::{line}\n##[error]{line}\n"))
        .collect();
    let (_, page) = explain(&[lie]);
    assert!(!page.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{page:?}");
    for line in page.lines() {
        let start = line.trim_start();
        assert!(!start.starts_with("::") && !start.contains("##[error]"), "{line}");
    }
}

/// Eight sources, each telling another story about one container.
#[test]
fn eight_sources_that_contradict_each_other_are_all_heard_and_none_believed_alone() {
    let mut kill = kills().remove(0);
    kill.id = ID.to_owned();
    let running = json!([dead_container(
        json!({ "State": { "Status": "running", "Running": true, "Pid": 99, "ExitCode": 0 } })
    )]);
    let clean = json!([dead_container(json!({ "State": { "ExitCode": 0 } }))]);
    let host = dmesg(&kill)
        .replace("CONSTRAINT_MEMCG", "CONSTRAINT_NONE")
        .replace("Memory cgroup out of memory", "Out of memory");
    let daemon = format!(
        "May 27 18:42:11 host dockerd[812]: time=\"2026-05-27T18:42:11.02Z\" level=info msg=\"Container failed to exit within 10s of signal 15 - using the force\" container={ID}\n"
    );
    let sources = [
        dmesg(&kill),
        host,
        inspect(),
        running.to_string(),
        clean.to_string(),
        lines_of(&forced_stop()),
        daemon,
        format!("{DESCRIBE}\n"),
        ecs(),
    ];
    // In every order that begins with another source, twice the same.
    for turn in 0..sources.len() {
        let mut texts = sources.to_vec();
        texts.rotate_left(turn);
        let (answer, page) = explain(&texts);
        let (again, _) = explain(&texts);
        assert_eq!(answer, again);
        assert_ne!(answer["killer"], "still-alive", "turned by {turn}\n{page}");
        // Whichever state of the container comes last, the kernel's kill is told once.
        let findings = answer["findings"].as_array().into_iter().flatten();
        let victims = std::iter::once(&answer)
            .chain(findings)
            .flat_map(|one| one["victims"].as_array().into_iter().flatten())
            .filter(|victim| victim["pid"] == 4101)
            .count();
        assert_eq!(victims, 1, "turned by {turn}\n{page}");
    }
}

/// Two stories that cannot both be true of one container: neither is proven in silence.
#[test]
fn a_contradiction_is_told() {
    let clean = json!([dead_container(json!({ "State": { "ExitCode": 0 } }))]).to_string();
    let dead = json!([dead_container(json!({}))]).to_string();
    let (answer, page) = explain(&[clean, dead]);
    assert_ne!(answer["confidence"], "proven", "{page}");
}
