//! The command is the same process, with everything as it was.

use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::ground::{Ground, complained, entry, program, said, variable};

#[test]
fn the_command_is_the_same_process_with_the_same_input_folder_and_mask() {
    let script = "read line; echo $$ $line $(pwd) $(umask) $0 \"$@\"";
    let mut child = Command::new("sh")
        .args(["-c", "umask 027; exec \"$@\"", "sh", program(), "env", "sh", "-c", script])
        .args(["a name", "--", "-q", ""])
        .current_dir("/usr")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"asked\nmore\n").unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("{} asked /usr 0027 a name -- -q \n", child.id()));
    assert!(child.wait().unwrap().success());
}

/// Signals of the shell: blocked, ignored, and none caught.
#[test]
fn ignored_and_blocked_signals_stay_so_and_no_handler_is_left() {
    let direct = "trap '' HUP INT USR1; exec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status";
    let through = direct.replace("exec grep", &format!("exec {} env -- grep", program()));
    let run = |script: &str| said(&Command::new("sh").args(["-c", script]).output().unwrap());
    let found = run(&through);
    assert_eq!(found, run(direct));
    let ignored = found.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    // HUP, INT and USR1, beside what this test's own parents ignore.
    assert_eq!(u64::from_str_radix(ignored.trim(), 16).unwrap() & 0x203, 0x203, "{found}");
    // SIGPIPE is as it is in any command, though Rust's start-up ignores it.
    let words = ["SigIgn", "/proc/self/status"];
    let direct = said(&Command::new("grep").args(words).output().unwrap());
    assert_eq!(said(&entry(&["grep"]).args(words).output().unwrap()), direct);
}

#[test]
fn a_signal_for_it_reaches_the_command() {
    let script = "trap 'echo told; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = entry(&["sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut ready = [0; 6];
    out.read_exact(&mut ready).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), child.wait().unwrap().code()), ("told\n", Some(7)));
    let ended = entry(&["sh", "-c", "kill -9 $$"]).status().unwrap();
    assert_eq!(ended.signal(), Some(9));
}

#[test]
fn failures_have_the_codes_of_env() {
    let ground = Ground::new();
    let folder = ground.file("folder");
    std::fs::create_dir(&folder).unwrap();
    let no_interpreter = ground.script("lost", "#!/no/such/interpreter\n");
    let ended = |words: &[&str]| {
        let output = entry(words).output().unwrap();
        (output.status.code().unwrap(), complained(&output))
    };
    for (words, code, told) in [
        (&["no-such-program"][..], 127, "there is no such program"),
        (&["/no/such/program"], 127, "there is no such program"),
        (&[&no_interpreter], 127, "the interpreter that it names is not there"),
        (&["/etc/passwd"], 126, "may not be executed"),
        (&[folder.to_str().unwrap()], 126, "may not be executed"),
        (&[], 125, "required"),
        (&["--"], 125, "required"),
        (&["--no-such-option", "true"], 125, "--no-such-option"),
        (&["--limit", "x", "true"], 125, "--limit"),
        (&["--runtime", "cobol", "true"], 125, "known runtimes"),
        (&["--quiet", "sh", "-c", "exit 42"], 42, ""),
    ] {
        let (found, said) = ended(words);
        assert!(found == code && said.contains(told), "{words:?}: {found} {said}");
    }
}

#[test]
fn a_script_without_a_first_line_is_the_shells() {
    let ground = Ground::new();
    let script = ground.script("plain", "echo $1 from a shell\n");
    assert_eq!(said(&entry(&[&script, "hello"]).output().unwrap()), "hello from a shell\n");
}

#[test]
fn what_it_cannot_reckon_it_starts_anyway() {
    let ground = Ground::new();
    // What is called as a runtime is, and is something else; a pipe, which would never end.
    let node = ground.script("node", "#!/bin/sh\necho started\n");
    assert_eq!(said(&entry(&["--limit", "256m", &node]).output().unwrap()), "started\n");
    let without = entry(&["--limit", "256m", "sh", "-c", "echo started"]).env_clear().output();
    assert_eq!(said(&without.unwrap()), "started\n");
    let bytes = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let odd = entry(&["--limit", "256m", "/usr/bin/printf", "%s"]).arg(bytes).output().unwrap();
    assert_eq!(odd.stdout, b"\xff\xfe");
}

#[test]
fn the_rest_of_the_environment_is_as_it_was() {
    let ground = Ground::new();
    let node = ground.speaker("node");
    let mut command = entry(&["--limit", "256m", "--", &node]);
    command.env("A", "1").env("EMPTY", "").env("NODE_OPTIONS", "--no-warnings");
    let output = command.output().unwrap();
    let names: Vec<String> =
        said(&output).lines().map(|line| line.split('=').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["A", "EMPTY", "NODE_OPTIONS", "PATH"]);
    let options = variable(&output, "NODE_OPTIONS").unwrap();
    assert!(options.starts_with("--max-old-space-size=") && options.ends_with(" --no-warnings"));
    assert_eq!(complained(&output), "");
    // Without a limit nothing is told, and nothing said.
    let output = entry(&["--", &node]).output().unwrap();
    assert_eq!((variable(&output, "NODE_OPTIONS"), complained(&output)), (None, String::new()));
}

#[test]
fn what_would_be_exported_is_shown_and_nothing_is_run() {
    let ground = Ground::new();
    let node = ground.speaker("node");
    let output = entry(&["--print", "--limit", "256m", &node]).output().unwrap();
    let page = said(&output);
    assert!(output.status.success() && !page.contains("PATH="), "{page}");
    for part in
        ["256 MiB, as --limit says", "node of any version", "NODE_OPTIONS='--max-old", "left\n"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
    let words = ["--print", "--limit", "256m", &node, "--max-old-space-size=1024", "a.js"];
    let page = said(&entry(&words).output().unwrap());
    assert!(page.contains("Nothing is exported.") && page.contains("  ! Node.js may"), "{page}");
}

#[test]
fn a_warning_is_one_line_and_can_be_silenced() {
    let ground = Ground::new();
    let node = ground.speaker("node");
    let line = ["--limit", "256m", &node, "--max-old-space-size=1024"];
    let told = complained(&entry(&line).output().unwrap());
    let first = told.lines().next().unwrap();
    assert!(first.starts_with("note: why137 env: Node.js may come to use"), "{told}");
    let quiet: Vec<&str> = ["--quiet"].into_iter().chain(line).collect();
    assert!(!complained(&entry(&quiet).output().unwrap()).contains("why137"));
}
