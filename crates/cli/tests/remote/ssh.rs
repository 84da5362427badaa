//! ssh is a shell script here: it answers HTTP from files, and says the kernel's log.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::daemon::{ID, answer, dead_container, event};

/// Writes down how it was called, then is the other machine: docker's dial-stdio, or a shell.
const SSH: &str = r#"#!/bin/sh
dir=$(dirname "$0")
echo "$*" >> "$dir/calls"
case "$*" in
*dial-stdio*)
  cr=$(printf '\r')
  while read -r method path rest; do
    while read -r line && [ "$line" != "$cr" ]; do :; done
    case "$path" in
    /info) file=info ;; /version) file=version ;; /containers/json*) file=list ;;
    */logs*) file=logs ;; /events*) file=events ;; */json) file=inspect ;; *) file=nothing ;;
    esac
    cat "$dir/$file"
  done ;;
*) cat "$dir/kernel" ;;
esac
"#;

fn machine(kernel: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let events: String = [
        event("create", 0, json!({})),
        event("start", 1, json!({})),
        event("die", 131, json!({ "exitCode": "137" })),
    ]
    .iter()
    .map(|event| format!("{event}\n"))
    .collect();
    let list = json!([{ "Id": ID, "Names": ["/shop-api-1"] }]).to_string();
    let info = r#"{"Name":"far","KernelVersion":"6.1.0","CgroupVersion":"2",
        "SystemTime":"2026-05-27T18:50:00Z"}"#;
    let inspect = dead_container(json!({})).to_string();
    for (name, body) in [
        ("info", info),
        ("version", r#"{"Version":"28.5.2","KernelVersion":"6.1.0"}"#),
        ("list", &list),
        ("inspect", &inspect),
        ("events", &events),
        ("logs", ""),
    ] {
        fs::write(folder.path().join(name), answer(200, body.as_bytes()).bytes).unwrap();
    }
    fs::write(folder.path().join("nothing"), answer(404, b"{}").bytes).unwrap();
    fs::write(folder.path().join("kernel"), kernel).unwrap();
    ssh(folder.path(), SSH);
    folder
}

fn ssh(folder: &Path, script: &str) {
    fs::write(folder.join("ssh"), script).unwrap();
    fs::set_permissions(folder.join("ssh"), Permissions::from_mode(0o755)).unwrap();
}

fn why137(folder: &Path, path: &str, words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_why137"))
        .args(words)
        .env_clear()
        .env("WHY137_NOW", "2026-05-28T00:00:00Z")
        .env("PATH", path)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn asked(folder: &Path, words: &[&str]) -> (i32, String, String) {
    why137(folder, &format!("{}:/usr/bin:/bin", folder.display()), words)
}

/// Clocks as the other machine's shell says them: it booted at 18:00:00, and it is 18:50:00.
fn kernel_log() -> String {
    let path = format!("/system.slice/docker-{ID}.scope");
    format!(
        "1779907800.000000000\n3000.00 9.9\n6.1.0\n:kmsg\n6,0,0,-;Linux version 6.1.0\n\
         6,1,2531000000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,\
         mems_allowed=0,oom_memcg={path},task_memcg={path},task=python3,pid=295,uid=0\n\
         3,2,2531000100,-;Memory cgroup out of memory: Killed process 295 (python3) \
         total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 \
         pgtables:180kB oom_score_adj:0\n"
    )
}

#[test]
fn the_other_machines_docker_and_kernel_log_are_read_over_ssh() {
    let folder = machine(&kernel_log());
    let host = "ssh://me@far.example.com:2222";
    let (code, out, err) =
        asked(folder.path(), &["--host", host, "--format", "json", "shop-api-1"]);
    assert_eq!(code, 0, "{err}");
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(verdict["killer"], "container-memory-limit", "{out}");
    assert_eq!(
        (&verdict["confidence"], &verdict["victims"][0]["pid"]),
        (&json!("proven"), &json!(295))
    );
    // What is on this machine is not read, and is said.
    let gaps = verdict["gaps"].to_string();
    assert!(gaps.contains("behind ssh://me@far.example.com:2222"), "{gaps}");
    assert!(!gaps.contains("kernel-log"), "{gaps}");
    let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
    let calls: Vec<&str> = calls.lines().collect();
    let login = |seconds: u8| {
        format!("-o ConnectTimeout={seconds} -o BatchMode=yes -T -l me -p 2222 -- far.example.com")
    };
    // One login carries every question to docker, a second one the kernel's log.
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[0], format!("{} docker system dial-stdio", login(30)));
    assert!(calls[1].starts_with(&format!("{} sh -c '", login(5))), "{calls:?}");
}

#[test]
fn a_closed_kernel_log_over_there_is_a_gap_with_the_command_that_opens_it() {
    let folder =
        machine("1779907800.0\n3000.00 9.9\n6.1.0\n:closed\ndmesg: Operation not permitted\n");
    let (code, out, err) = asked(folder.path(), &["-H", "ssh://far", "--verbose", "shop-api-1"]);
    assert_eq!(code, 3, "{err}");
    assert!(out.contains("Operation not permitted"), "{out}");
    assert!(out.contains("ssh far sudo dmesg | why137 explain -"), "{out}");
}

#[test]
fn the_list_comes_over_ssh_too() {
    let folder = machine(&kernel_log());
    let (code, out, err) = asked(folder.path(), &["list", "-H", "ssh://far"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("shop-api-1 killed by its own memory limit (64 MiB)"), "{out}");
    assert!(out.contains("why137 --host ssh://far shop-api-1"), "{out}");
}

#[test]
fn what_ssh_says_is_the_reason() {
    let folder = machine("");
    ssh(folder.path(), "#!/bin/sh\necho 'me@far: Permission denied (publickey).' >&2\nexit 255\n");
    let (code, _, err) = asked(folder.path(), &["-H", "ssh://me@far", "api"]);
    assert_eq!(code, 1);
    assert!(err.contains("ssh says: me@far: Permission denied (publickey)."), "{err}");
    ssh(folder.path(), "#!/bin/sh\nexit 7\n");
    let (_, _, err) = asked(folder.path(), &["-H", "ssh://far", "api"]);
    assert!(err.contains("ssh ended with exit status: 7"), "{err}");
    fs::remove_file(folder.path().join("ssh")).unwrap();
    let (_, _, err) =
        why137(folder.path(), &folder.path().display().to_string(), &["-H", "ssh://far", "api"]);
    assert!(err.contains("there is no `ssh` program on this machine"), "{err}");
    for host in ["ssh://me:secret@far", "ssh://", "ssh://-oProxyCommand=x"] {
        let (code, _, err) = asked(folder.path(), &["-H", host, "api"]);
        assert!(code == 1 && !err.contains("secret"), "{host}: {err}");
    }
}
