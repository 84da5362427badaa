//! Signals and the terminal: passed on once, stopped and continued with the shell's own job control.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::ground::{
    Ground, Guarded, answer, can_confine, ended, pid_in, program, signal, undisturbed, wait_for,
};

/// Starts a command that says that it is ready, and waits for that. It ends by itself, so that what
/// it waits for in vain is a failure and no hanging test.
fn started(ground: &Ground, words: &[&str], script: &str) -> Guarded {
    let script = format!(
        "{script}\necho $$ >pid.part; mv pid.part pid; i=0; while [ $((i += 1)) -lt 3000 ]; do sleep 0.02; done; exit 9"
    );
    let mut command = ground.command(&[words, &["--", "sh", "-c", &script]].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own with its parent outside: in an orphaned one, as a build server may start
    // us in, the kernel does not stop anybody for SIGTSTP (kernel/signal.c, get_signal).
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let guarded = Guarded::start(&mut command);
    pid_in(&ground.file("pid"));
    guarded
}

#[test]
fn every_signal_is_passed_on_once() {
    for (number, name) in [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::QUIT, "QUIT"),
        (Signal::TERM, "TERM"),
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::WINCH, "WINCH"),
    ] {
        let ground = Ground::new();
        let script =
            format!("trap 'echo {name} | tee -a got; n=x$n; [ \"$n\" = xx ] && exit 7' {name}");
        let running = started(&ground, &[], &script);
        signal(running.pid(), number);
        // Two of a kind that wait at once are one: the second is sent when the first was taken.
        wait_for(&format!("the first {name} to be taken"), || {
            fs::read_to_string(ground.file("got")).ok()
        });
        signal(running.pid(), number);
        let (code, out, said) = running.output();
        assert_eq!((code, out.as_str()), (7, format!("{name}\n{name}\n").as_str()), "{said}");
    }
}

#[test]
fn a_stop_that_was_passed_on_names_who_asked() {
    let ground = Ground::new();
    let running = started(&ground, &["--format", "json"], ":");
    signal(running.pid(), Signal::TERM);
    let (code, _, said) = running.output();
    assert_eq!(code, 143);
    let told = answer(&said);
    assert_eq!(
        (&told["killer"], &told["confidence"]),
        (&"stopped".into(), &"proven".into()),
        "{told:#}"
    );
    assert_eq!(told["killed_by"]["pid"], std::process::id());
}

#[test]
fn a_command_that_ignores_a_stop_is_waited_for() {
    let ground = Ground::new();
    let mut running = started(&ground, &["-q"], "trap '' TERM INT");
    let inner = pid_in(&ground.file("pid"));
    for _ in 0..3 {
        signal(running.pid(), Signal::TERM);
        signal(running.pid(), Signal::INT);
        std::thread::sleep(Duration::from_millis(60));
    }
    assert!(running.child().try_wait().unwrap().is_none());
    signal(inner, Signal::KILL);
    assert_eq!(running.output().0, 137);
}

/// A shell passes on that its child was killed, and by the time the trace tells of it the child is gone.
#[test]
fn a_childs_kill_that_is_passed_on_is_told_with_its_sender() {
    if !can_confine() {
        return;
    }
    let ground = Ground::new();
    // The trace begins a moment after the command.
    let script = "sleep 30 & sleep 0.4; kill -9 $!; wait $!";
    let (code, _, said) = ground.run(&["--format", "json", "--", "sh", "-c", script]);
    assert_eq!(code, 137, "{said}");
    let told = answer(&said);
    assert_eq!(told["main"]["fate"], "exited", "{told:#}");
    let gaps = told["gaps"].as_array().unwrap();
    if gaps.iter().any(|gap| gap["source"] == "trace" || gap["tried"] == "tracefs") {
        println!("NOT RUN: the sender of a SIGKILL, because the trace is closed here");
        return;
    }
    assert_eq!(told["killer"], "process", "{told:#}");
    assert_eq!(told["killed_by"]["name"], "sh");
    let victim = &told["victims"][0];
    assert_eq!((victim["role"].as_str(), victim["comm"].as_str()), (Some("child"), Some("sleep")));
}

/// Over before the trace begins: its parent still knows a signal from a status, and docker has no part in it.
#[test]
fn a_sudden_sigkill_is_nobodys_and_no_containers() {
    let ground = Ground::new();
    let folder = ground.file("my tools");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("/bin/sh", folder.join("my sh")).unwrap();
    let shell = folder.join("my sh").display().to_string();
    let (code, _, said) = ground.run(&["--format", "json", "--", &shell, "-c", "kill -9 $$"]);
    assert_eq!(code, 137, "{said}");
    let told = answer(&said);
    assert_eq!(told["subject"]["name"], "my sh", "{told:#}");
    let left = told["candidates"].as_array().unwrap();
    for never in ["not-killed", "api-kill", "stop-timeout", "runtime"] {
        assert!(left.iter().all(|it| it["killer"] != never), "{never}: {told:#}");
    }
    // What cannot be read again is no record to point at.
    let words = ["--record", "/dev/null", "--", "sh", "-c", "exit 140"];
    let (code, _, said) = ground.run(&words);
    assert!(code == 140 && !said.contains("/dev/null"), "{said}");
}

#[test]
fn who_sent_sigkill_is_seen_where_the_trace_is_open() {
    let ground = Ground::new();
    let running = started(&ground, &["--format", "json"], ":");
    let inner = pid_in(&ground.file("pid"));
    // The trace begins a moment after the command.
    std::thread::sleep(Duration::from_millis(600));
    signal(inner, Signal::KILL);
    let (code, _, said) = running.output();
    assert_eq!(code, 137);
    let told = answer(&said);
    let gaps = told["gaps"].as_array().unwrap();
    if gaps.iter().any(|gap| gap["source"] == "trace" || gap["tried"] == "tracefs") {
        println!("NOT RUN: the sender of a SIGKILL, because the trace is closed here");
        assert_eq!(told["killer"], "unknown", "{told:#}");
        return;
    }
    assert_eq!(
        (&told["killer"], &told["confidence"]),
        (&"process".into(), &"proven".into()),
        "{told:#}"
    );
    assert_eq!(told["main"]["pid"], inner);
    assert!(told["killed_by"]["pid"].is_u64(), "{told:#}");
}

#[test]
fn a_stopped_command_stops_us_and_goes_on_with_us() {
    let ground = Ground::new();
    let running = started(&ground, &[], "trap 'echo on; exit 4' USR1");
    let state = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };
    let (outer, inner) = (running.pid(), pid_in(&ground.file("pid")));
    signal(outer, Signal::TSTP);
    wait_for("both to stop", || (state(outer) == 'T' && state(inner) == 'T').then_some(()));
    signal(outer, Signal::CONT);
    wait_for("both to go on", || (state(outer) != 'T' && state(inner) != 'T').then_some(()));
    signal(outer, Signal::USR1);
    let (code, out, _) = running.output();
    assert_eq!((code, out.as_str()), (4, "on\n"));
}

/// A terminal of its own: `script` of util-linux, or why not.
fn on_a_terminal(ground: &Ground, line: &str) -> Option<Guarded> {
    let is_there = Command::new("script").arg("--version").output().is_ok();
    if !is_there {
        println!("NOT RUN: job control on a terminal, because `script` is not installed");
        return None;
    }
    let mut command = undisturbed("script");
    command.args(["-qec", line, "/dev/null"]);
    ground.bare(&mut command);
    command.env("TERM", "dumb").env("PS1", "$ ");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(Guarded::start(&mut command))
}

#[test]
fn control_c_reaches_the_command_once_and_nothing_is_explained() {
    let ground = Ground::new();
    let script = "trap 'echo caught; n=x$n; [ $n = xx ] && { trap - INT; kill -INT $$; }' INT; echo $$ >pid; while :; do sleep 0.02; done";
    fs::write(ground.file("script.sh"), script).unwrap();
    // The shell in between gets the key too, and is to live on.
    let line = format!("trap : INT; {} run -- sh script.sh; echo code=$?", program());
    let Some(mut terminal) = on_a_terminal(&ground, &line) else { return };
    pid_in(&ground.file("pid"));
    let mut keys = terminal.child().stdin.take().unwrap();
    let mut press = || {
        std::thread::sleep(Duration::from_millis(300));
        keys.write_all(b"\x03").and_then(|()| keys.flush()).unwrap();
    };
    press();
    press();
    std::thread::sleep(Duration::from_millis(300));
    drop(keys);
    let (_, out, said) = terminal.output();
    assert_eq!(out.matches("caught").count(), 2, "{out}{said}");
    assert!(out.contains("code=130"), "{out}");
    assert!(!out.contains("proven") && !out.contains("unknown"), "{out}");
}

#[test]
fn control_z_stops_the_job_and_fg_goes_on_with_it() {
    let ground = Ground::new();
    let Some(mut terminal) = on_a_terminal(&ground, "bash --norc --noprofile -i") else { return };
    let mut keys = terminal.child().stdin.take().unwrap();
    let mut screen = terminal.child().stdout.take().unwrap();
    let (send, seen) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut bytes = [0_u8; 4096];
        while let Ok(length @ 1..) = screen.read(&mut bytes) {
            send.send(String::from_utf8_lossy(&bytes[..length]).into_owned()).unwrap_or_default();
        }
    });
    let mut shown = String::new();
    let mut until = |what: &str| {
        wait_for(what, || {
            shown.extend(seen.try_iter());
            let at = shown.find(what)?;
            shown = shown.split_off(at + what.len());
            Some(())
        });
    };
    let mut type_in =
        |text: &str| keys.write_all(text.as_bytes()).and_then(|()| keys.flush()).unwrap();
    type_in(&format!("{} run -- sh -c 'echo be\"\"gun; cat; echo co\"\"de'\n", program()));
    until("begun");
    std::thread::sleep(Duration::from_millis(200));
    type_in("\x1a");
    until("Stopped");
    type_in("jobs -s | wc -l | sed s/^/jobs=/\n");
    until("jobs=1");
    type_in("fg\n");
    std::thread::sleep(Duration::from_millis(300));
    type_in("ec\"ho\n");
    until("ec\"ho");
    until("ec\"ho");
    type_in("\x04");
    until("code");
    type_in("sleep 0.2 | cat & wait\necho all=$?\n");
    until("all=0");
    type_in(&format!("{} run -- sh -c 'sleep 0.1; exit 6' & wait $!; echo back=$?\n", program()));
    until("back=6");
    type_in("exit\n");
    drop(terminal);
    reader.join().unwrap();
}

#[test]
fn a_command_on_a_terminal_has_it_to_itself() {
    let ground = Ground::new();
    let line = format!(
        "{} run -- sh -c 'test -t 0 && test -t 1 && test -t 2 && [ $(ps -o tpgid= -p $$) = $(ps -o pgid= -p $$) ] && echo mine'",
        program()
    );
    let Some(terminal) = on_a_terminal(&ground, &line) else { return };
    let (code, out, said) = terminal.output();
    assert!(code == 0 && out.contains("mine"), "{code} {out}{said}");
}

#[test]
fn hangups_are_ignored_as_whoever_started_us_wishes() {
    let ground = Ground::new();
    let mut command = Command::new("nohup");
    command.args([
        program(),
        "run",
        "--",
        "sh",
        "-c",
        "kill -HUP $PPID; sleep 0.1; kill -HUP $$; echo alive",
    ]);
    ground.bare(&mut command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (code, out, said) = ended(&command.output().unwrap());
    assert_eq!((code, out.as_str()), (0, "alive\n"), "{said}");
}
