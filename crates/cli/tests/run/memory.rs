//! Deaths by memory: own limits, nested ones, kills that stay invisible, the record.

use std::fs;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use super::ground::{
    Ground, Guarded, HOG, answer, can_confine, can_read_kernel_log, ended, fresh_reports, pid_in,
    program, signal, wait_for,
};

#[test]
fn its_own_limit_is_proven_by_the_kernels_log() {
    if !can_confine() {
        return;
    }
    let _alone = fresh_reports();
    let ground = Ground::new();
    for (size, bytes) in [("32m", 32 << 20), ("64m", 64 << 20)] {
        let (code, out, said) =
            ground.run(&["-m", size, "--format", "json", "--", "sh", "-c", HOG]);
        assert_eq!((code, out.as_str()), (137, ""), "{said}");
        let answer = answer(&said);
        if can_read_kernel_log() {
            assert_eq!(answer["killer"], "container-memory-limit", "{answer:#}");
            assert_eq!(answer["confidence"], "proven");
            assert_eq!(answer["limit_bytes"], bytes);
            assert_eq!(answer["victims"][0]["comm"], "dd");
            assert_eq!(answer["victims"][0]["role"], "main");
        } else {
            assert_eq!(answer["killer"], "out-of-memory", "{answer:#}");
        }
        assert_eq!(answer["main"]["fate"], "killed");
    }
}

#[test]
fn a_child_that_was_killed_is_told_even_if_all_ends_well() {
    if !can_confine() {
        return;
    }
    let _alone = fresh_reports();
    let ground = Ground::new();
    fs::write(ground.file("hog.sh"), HOG).unwrap();
    let script = "sh hog.sh 2>/dev/null; echo went on";
    let (code, out, said) = ground.run(&["-m", "48m", "--", "sh", "-c", script]);
    assert_eq!((code, out.as_str()), (0, "went on\n"), "{said}");
    let told: Vec<&str> = said.lines().filter(|line| line.starts_with("why137: ")).collect();
    assert_eq!(told.len(), 1, "{said}");
    assert!(told[0].contains("ended with 0, yet inside it: "), "{said}");
    if can_read_kernel_log() {
        assert!(told[0].contains("dd") && told[0].contains("48 MiB"), "{said}");
    }
    // Nobody asked for the record.
    assert!(ground.records().is_empty());
}

#[test]
fn a_limit_inside_a_limit_names_the_one_that_filled() {
    if !can_confine() || !can_read_kernel_log() {
        return;
    }
    let _alone = fresh_reports();
    let ground = Ground::new();
    // The inner one has no limit: the outer's is an ancestor's.
    let inner = [program(), "run", "--format", "json", "--", "sh", "-c", HOG];
    let outer = [&["-m", "64m", "-q", "--"][..], &inner].concat();
    let (code, _, said) = ground.run(&outer);
    assert_eq!(code, 137, "{said}");
    let told = answer(&said);
    assert_eq!(told["killer"], "ancestor-memory-limit", "{told:#}");
    assert_eq!(told["limit_bytes"], 64 << 20);
    let limited = told["limit_cgroup"].as_str().unwrap();
    assert!(limited.contains("why137-run-"), "{limited}");
    // The inner limit is the smaller: its own.
    let inner = [program(), "run", "-m", "32m", "--format", "json", "--", "sh", "-c", HOG];
    let outer = [&["-m", "64m", "-q", "--"][..], &inner].concat();
    let (code, _, said) = ground.run(&outer);
    assert_eq!(code, 137, "{said}");
    let told = answer(&said);
    assert_eq!(
        (&told["killer"], &told["limit_bytes"]),
        (&"container-memory-limit".into(), &(32 << 20).into())
    );
}

/// Without `at` fields of the asking, which differ by nothing here: the record keeps its moment.
fn explained(ground: &Ground, record: &std::path::Path) -> (i32, Value) {
    let mut command = Command::new(program());
    ground.bare(&mut command);
    command.args(["explain", "--format", "json"]).arg(record);
    let (code, out, said) = ended(&command.output().unwrap());
    assert!(!out.is_empty(), "{said}");
    (code, answer(&out))
}

#[test]
fn the_record_gives_the_very_answer_that_was_given() {
    let ground = Ground::new();
    let record = ground.file("kept");
    let shown = record.to_str().unwrap().to_owned();
    let words = ["--record", &shown, "--format", "json"];
    let (code, said) = if can_confine() {
        let all = [&words[..], &["-m", "32m", "--", "sh", "-c", HOG]].concat();
        let (code, _, said) = ground.run(&all);
        (code, said)
    } else {
        let all = [&words[..], &["--", "sh", "-c", "kill -9 $$"]].concat();
        let (code, _, said) = ground.run(&all);
        (code, said)
    };
    assert_eq!(code, 137, "{said}");
    assert_eq!(explained(&ground, &record).1, answer(&said));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_record_is_kept_after_an_abnormal_end_and_when_it_was_asked_for() {
    let ground = Ground::new();
    let (_, _, said) = ground.run(&["sh", "-c", "sleep 0.1; kill -9 $$"]);
    let records = ground.records();
    assert_eq!(records.len(), 1, "{said}");
    let name = records[0].to_str().unwrap();
    assert!(said.contains(&format!("why137 explain {name}")), "{said}");
    let state = ground.file("state");
    let mut command = ground.command(&["sh", "-c", "kill -9 $$"]);
    command.env("XDG_STATE_HOME", &state);
    assert_eq!(command.status().unwrap().code(), Some(137));
    assert_eq!(fs::read_dir(state.join("why137")).unwrap().count(), 1);
    let kept = ground.file("kept");
    assert_eq!(
        ground.run(&["--record", kept.to_str().unwrap(), "true"]),
        (0, String::new(), String::new())
    );
    assert!(fs::read_to_string(&kept).unwrap().contains("\"end\""));
}

#[test]
fn the_record_survives_the_death_of_its_writer() {
    let ground = Ground::new();
    let record = ground.file("kept");
    let mut command = ground.command(&[
        "--record",
        record.to_str().unwrap(),
        "--",
        "sh",
        "-c",
        "echo $$ >pid; exec sleep 60",
    ]);
    let mut writer = Guarded::start(&mut command);
    let sleeper = pid_in(&ground.file("pid"));
    wait_for("two samples", || {
        let text = fs::read_to_string(&record).ok()?;
        (!can_confine() || text.matches("\"sample\"").count() >= 2).then_some(())
    });
    let cgroup = fs::read_to_string(format!("/proc/{sleeper}/cgroup")).unwrap();
    signal(writer.pid(), Signal::KILL);
    writer.child().wait().unwrap();
    // The command lives on, as under env(1); what was seen of it can be read.
    let (code, told) = explained(&ground, &record);
    signal(sleeper, Signal::KILL);
    assert_ne!(code, 0, "{told:#}");
    let gaps = told["gaps"].as_array().unwrap();
    let broken = |gap: &&Value| gap["because"].as_str().unwrap().contains("the record breaks off");
    assert!(gaps.iter().any(|gap| broken(&gap)), "{told:#}");
    // Nobody is left to remove the cgroup but this test.
    let path = cgroup.lines().find(|line| line.contains("why137-run-"));
    if let Some(path) = path.and_then(|line| line.rsplit(':').next()) {
        let v1 = format!("/sys/fs/cgroup/memory{path}");
        let directory = if fs::exists(&v1).unwrap() { v1 } else { format!("/sys/fs/cgroup{path}") };
        wait_for("the cgroup to be empty", || fs::remove_dir(&directory).ok());
    }
}

#[test]
fn processes_that_are_left_are_named_and_left_alone() {
    if !can_confine() {
        return;
    }
    let ground = Ground::new();
    let script = "sleep 60 >/dev/null 2>&1 & echo $! >pid; exit 0";
    let (code, _, said) = ground.run(&["-m", "64m", "--", "sh", "-c", script]);
    let left = pid_in(&ground.file("pid"));
    assert_eq!(code, 0);
    assert!(said.contains(&format!("left a process running, {left} (sleep)")), "{said}");
    let directory = said.trim().rsplit(' ').next().unwrap().to_owned();
    assert!(fs::exists(&directory).unwrap(), "{directory}");
    signal(left, Signal::KILL);
    wait_for("the cgroup to be empty", || fs::remove_dir(&directory).ok());
}

#[test]
fn its_cgroup_goes_with_it() {
    if !can_confine() {
        return;
    }
    let ground = Ground::new();
    let (_, out, _) = ground.run(&["-m", "64m", "cat", "/proc/self/cgroup"]);
    let line =
        out.lines().find(|line| line.contains("/why137-run-")).unwrap_or_else(|| panic!("{out}"));
    let path = line.rsplit(':').next().unwrap();
    for point in ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"] {
        assert!(!fs::exists(format!("{point}{path}")).unwrap());
    }
}

#[test]
fn without_rights_the_command_runs_and_what_is_missing_is_said() {
    if !can_confine() {
        println!("NOT RUN: another user, because only root can become one");
        return;
    }
    let ground = Ground::new();
    let copy = ground.file("why137");
    fs::copy(program(), &copy).unwrap();
    let as_nobody = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]);
        command.arg(&copy).arg("run").args(words);
        ground.bare(&mut command);
        ended(&command.output().unwrap())
    };
    assert_eq!(as_nobody(&["true"]), (0, String::new(), String::new()));
    assert_eq!(as_nobody(&["sh", "-c", "exit 5"]), (5, String::new(), String::new()));
    let (code, _, said) = as_nobody(&["-m", "64m", "true"]);
    assert_eq!((code, said.lines().count()), (0, 1), "{said}");
    assert!(said.starts_with("note: no memory limit is in force: "), "{said}");
    let (code, _, said) = as_nobody(&["--format", "json", "sh", "-c", "kill -9 $$"]);
    assert_eq!(code, 137);
    let told = answer(&said);
    assert_eq!(told["killer"], "unknown", "{told:#}");
    assert_eq!(told["main"]["exit_code"], 137);
    let says = told["because"][0]["says"].as_str().unwrap();
    assert!(says.contains("SIGKILL"), "{told:#}");
    let gaps = told["gaps"].as_array().unwrap();
    for tried in ["/dev/kmsg", "a cgroup of its own"] {
        assert!(gaps.iter().any(|gap| gap["tried"] == tried), "{tried}: {told:#}");
    }
}
