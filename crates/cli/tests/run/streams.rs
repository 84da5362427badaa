//! Exit codes, streams, silence, what CI systems get.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use super::ground::{Ground, answer, ended, program, undisturbed};

#[test]
fn the_exit_code_is_the_commands_own() {
    let ground = Ground::new();
    for (script, code) in [("exit 0", 0), ("exit 1", 1), ("exit 3", 3), ("exit 137", 137)] {
        assert_eq!(ground.run(&["--", "sh", "-c", script]).0, code, "{script}");
    }
    for (signal, code) in [("KILL", 137), ("TERM", 143), ("SEGV", 139), ("PIPE", 141)] {
        assert_eq!(ground.run(&["sh", "-c", &format!("kill -{signal} $$")]).0, code, "{signal}");
    }
}

#[test]
fn what_cannot_be_run_ends_as_env_would() {
    let ground = Ground::new();
    let (code, _, said) = ground.run(&["--", "no-such-program"]);
    assert_eq!(code, 127, "{said}");
    assert_eq!(said, "error: could not run `no-such-program`: there is no such program\n");
    let (code, _, said) = ground.run(&["--", "/etc/passwd"]);
    assert_eq!(code, 126, "{said}");
    fs::write(ground.file("orphan"), "#!/no/such/shell\n").unwrap();
    let mut command = ground.command(&["--", "sh", "-c", "chmod +x orphan"]);
    assert!(command.status().unwrap().success());
    let (code, _, said) = ground.run(&["--", "./orphan"]);
    assert!(code == 127 && said.contains("interpreter"), "{code} {said}");
    // The command's own 126 and 127 are no failures of ours.
    for own in [126, 127] {
        let (code, _, said) = ground.run(&["sh", "-c", &format!("exit {own}")]);
        assert_eq!((code, said.as_str()), (own, ""));
    }
    assert!(ground.records().is_empty());
}

#[test]
fn its_own_failures_end_with_125() {
    let ground = Ground::new();
    for words in [
        &["--no-such-option", "true"][..],
        &["--memory", "much", "true"],
        &["--memory", "12k", "true"],
        &["--swap", "0", "true"],
        &["--record", "/no/such/folder/x", "true"],
        &[],
    ] {
        let (code, out, said) = ground.run(words);
        assert_eq!(code, 125, "{words:?}: {said}");
        assert!(out.is_empty() && said.starts_with("error: "), "{said}");
    }
}

#[test]
fn nothing_is_said_when_there_is_nothing_to_tell() {
    let ground = Ground::new();
    for script in ["true", "exit 1", "sleep 0.3", "yes | head -c 1 >/dev/null", "kill -PIPE $$"] {
        let (_, out, said) = ground.run(&["sh", "-c", script]);
        assert_eq!((out.as_str(), said.as_str()), ("", ""), "{script}");
    }
    assert!(ground.records().is_empty(), "{:?}", ground.records());
}

#[test]
fn what_goes_in_and_out_is_untouched() {
    let ground = Ground::new();
    let every_byte: Vec<u8> = (0..=255_u8).cycle().take(1 << 18).collect();
    let mut command = ground.command(&["sh", "-c", "cat; echo aside >&2"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let sent = every_byte.clone();
    let writer = std::thread::spawn(move || input.write_all(&sent).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.stdout == every_byte, "{} bytes came back", output.stdout.len());
    assert_eq!(output.stderr, b"aside\n");
}

#[test]
fn nothing_of_ours_is_inherited() {
    let ground = Ground::new();
    // Of the signals only the first 32: glibc's posix_spawn ignores one of its own beyond them.
    let script = "ls /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status | grep -o '........$'; env | sort";
    let plain = {
        let mut command = undisturbed("sh");
        command.args(["-c", script]);
        ground.bare(&mut command);
        command.stdin(Stdio::null());
        ended(&command.output().unwrap()).1
    };
    assert_eq!(ground.run(&["sh", "-c", script]).1, plain);
}

#[test]
fn a_closed_input_reads_as_an_empty_one() {
    let ground = Ground::new();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{} run -- cat <&-", program())]);
    ground.bare(&mut shell);
    assert_eq!(ended(&shell.output().unwrap()), (0, String::new(), String::new()));
}

#[test]
fn a_chosen_137_is_not_taken_for_a_kill() {
    let ground = Ground::new();
    let (code, _, said) = ground.run(&["--format", "json", "sh", "-c", "exit 137"]);
    assert_eq!(code, 137);
    let answer = answer(&said);
    assert_eq!(answer["main"]["exit_code"], 137);
    // wait(2) itself tells a status from a signal.
    assert_eq!(answer["killer"], "not-killed", "{answer:#}");
}

#[test]
fn github_gets_one_annotation_and_a_summary() {
    let ground = Ground::new();
    let name = "a%0A::error::b,c:d";
    fs::write(ground.file(name), "#!/bin/sh\nkill -KILL $$\n").unwrap();
    let summary = ground.file("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let mut command = ground.command(&["sh", "-c", &format!("chmod +x '{name}'")]);
    assert!(command.status().unwrap().success());
    let path = format!("./{name}");
    let mut command = ground.command(&["--", &path]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    let (code, out, said) = ended(&command.output().unwrap());
    assert_eq!((code, out.as_str()), (137, ""));
    let orders: Vec<&str> =
        said.lines().filter(|line| line.trim_start().starts_with("::")).collect();
    assert_eq!(orders.len(), 1, "{said}");
    let (head, message) =
        orders[0].strip_prefix("::error title=").unwrap().split_once("::").unwrap();
    assert!(head.starts_with("a%250A%3A%3Aerror%3A%3Ab%2Cc%3Ad"), "{head}");
    assert!(!message.contains("%0A") && message.contains("%250A"), "{message}");
    let summary = fs::read_to_string(&summary).unwrap();
    assert!(summary.starts_with("before\n**") && summary.contains("### Evidence"), "{summary}");
    // Nothing to tell, nothing written.
    let mut command = ground.command(&["true"]);
    command.env("GITHUB_ACTIONS", "true");
    assert_eq!(ended(&command.output().unwrap()), (0, String::new(), String::new()));
}

#[test]
fn gitlab_gets_a_fold_that_opens_and_closes() {
    let ground = Ground::new();
    let mut command = ground.command(&["sh", "-c", "kill -KILL $$"]);
    command.env("GITLAB_CI", "true");
    let (code, out, said) = ended(&command.output().unwrap());
    assert_eq!((code, out.as_str()), (137, ""));
    let marker = |which: &str| {
        let at = said.find(&format!("\u{1b}[0Ksection_{which}:")).unwrap();
        let line = said.get(at..).unwrap().lines().next().unwrap().to_owned();
        (at, line)
    };
    let ((start, first), (end, last)) = (marker("start"), marker("end"));
    assert!(start < end && first.contains("[collapsed=true]\r\u{1b}[0K"), "{first:?}");
    let name = |line: &str| {
        line.split(':').nth(2).map(|it| it.split(['[', '\r']).next().unwrap().to_owned())
    };
    assert_eq!(name(&first), name(&last));
    assert!(said.get(..start).unwrap().contains("\u{1b}[31;1mwhy137: sh"), "{said:?}");
    assert!(said.get(start..end).unwrap().contains("Evidence"));
    // No colours where the reader wants none.
    let mut command = ground.command(&["sh", "-c", "kill -KILL $$"]);
    command.env("GITLAB_CI", "true").env("NO_COLOR", "1");
    let said = ended(&command.output().unwrap()).2;
    assert!(said.contains("section_start") && !said.contains("\u{1b}[31"), "{said:?}");
}
