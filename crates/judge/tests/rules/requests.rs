//! Commands in a pasted transcript: a command made the end only where it named this container or
//! process and stands before the words that show the end.

use judge::verdict::{Confidence, Fate, Killer};
use serde_json::json;

use crate::case::{Answer, Case, Report, WEB, exited, running};

/// A row of `docker ps -a` of a container that ended with this code.
fn row(id: &str, code: u32, name: &str) -> String {
    format!(
        "root@n1:~# docker ps -a\n\
         CONTAINER ID   IMAGE     COMMAND       CREATED          STATUS                       PORTS     NAMES\n\
         {id}   app:1     \"python x\"    10 minutes ago   Exited ({code}) 2 seconds ago             {name}\n"
    )
}

fn typed(command: &str, answer: &str) -> String {
    format!("root@n1:~# {command}\n{answer}\n")
}

fn transcript(parts: &[String]) -> Answer {
    Case::pasted(&[&parts.concat()]).answer()
}

const ID: &str = "1c02f3d4a5b6";
/// `web`'s id as docker's tables cut it.
const SHORT: &str = "3f9a1c5e7b2d";
const OTHER: &str = "9d0b1c2d3e4f";

#[test]
fn a_typed_kill_ended_the_container_that_it_names_and_no_other() {
    let killed = |target: &str| {
        let command = typed(&format!("docker kill {target}"), target);
        transcript(&[command, row(ID, 137, "web")]).verdict.rule
    };
    assert_eq!(killed("web"), "api-kill");
    assert_eq!(killed(ID), "api-kill", "by its id");
    assert_eq!(killed("db"), "unknown");
    assert_eq!(killed(OTHER), "unknown");
}

#[test]
fn a_container_without_a_name_is_known_by_its_id_alone() {
    let part = json!({"Id": WEB, "State": {"Status": "exited", "Running": false, "OOMKilled": false, "ExitCode": 137}});
    let killed = |target: &str| {
        let command = typed(&format!("docker kill {target}"), target);
        transcript(&[command, part.to_string()]).verdict.rule
    };
    assert_eq!((killed(SHORT), killed(OTHER), killed("db")), ("api-kill", "unknown", "unknown"));
}

#[test]
fn a_container_without_an_id_is_known_by_its_name_alone() {
    let killed = |target: &str| {
        let command = typed(&format!("docker kill {target}"), target);
        let row = "web\tExited (137) 3 minutes ago\n".to_owned();
        transcript(&[command, row]).verdict.rule
    };
    assert_eq!((killed("web"), killed("db")), ("api-kill", "unknown"));
}

#[test]
fn a_bare_exit_code_belongs_to_the_only_container_that_was_killed() {
    let code = "exit code: 137\n".to_owned();
    let one = transcript(&[typed("docker kill web", "web"), code.clone()]);
    one.says(Killer::ApiKill, Confidence::Likely).proves("docker kill web", "and it was answered");
    let two = transcript(&[typed("docker kill web", "web"), typed("docker kill db", "db"), code]);
    two.by("unknown");
}

#[test]
fn a_pod_was_deleted_by_the_command_that_names_it() {
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "api-1"}, "status": {"phase": "Failed",
        "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}]}});
    let deleted = |name: &str| {
        let command =
            typed(&format!("kubectl delete pod {name}"), &format!("pod \"{name}\" deleted"));
        transcript(&[command, pod.to_string()]).verdict.rule
    };
    assert_eq!((deleted("api-1"), deleted("api-2")), ("stop-timeout", "unknown"));
}

#[test]
fn a_command_behind_the_end_did_not_make_it() {
    let command = || typed("docker kill web", "web");
    transcript(&[command(), row(ID, 137, "web")]).by("api-kill");
    transcript(&[row(ID, 137, "web"), command()]).by("unknown");
    // Which of two files was written first is not shown.
    let two = Case::pasted(&[&command(), &row(ID, 137, "web")]).answer();
    two.by("unknown");
}

/// `docker inspect` of `web` while it ran as pid 700.
fn ran() -> String {
    running().to_string() + "\n"
}

#[test]
fn a_typed_kill_of_the_pid_that_docker_showed_is_the_killer() {
    let killed = |command: &str, code: u32| {
        transcript(&[ran(), typed(command, ""), row(SHORT, code, "web")])
    };
    let answer = killed("kill -9 700", 137);
    answer
        .says(Killer::Process, Confidence::Likely)
        .in_short("typed `kill` with SIGKILL")
        .proves("kill -9 700", "send SIGKILL to pid 700")
        .proves("137", "the end that followed");
    assert_eq!(answer.victims(), [Some(700)]);
    assert_eq!((answer.verdict.main.fate, answer.verdict.main.signal), (Fate::Killed, Some(9)));
    let by = answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref());
    assert_eq!(by, Some("kill"));
    killed("kill -9 701", 137).by("unknown");
    // The code tells which signal ended it.
    let term = killed("kill 700", 143);
    term.by("process").in_short("SIGTERM");
    killed("kill 700", 137).by("unknown");
    killed("kill -9 700", 1).by("not-killed");
}

#[test]
fn a_typed_kill_beside_memorys_own_witness_is_not_believed() {
    let kill = || typed("kill -9 700", "");
    let flagged = crate::case::with(exited(60.0, 137), "/State/OOMKilled", json!(true)).to_string();
    let answer = transcript(&[ran(), kill(), flagged]);
    assert_ne!(answer.verdict.rule, "process", "docker was told of an OOM kill");
    // The kernel says that it killed that very process; another victim is no alibi.
    let lone = |pid: u32| {
        let shell = typed("kill -9 4711", "[1]+  Killed                  ./x");
        let report = Report { victim: ("x", pid), ..Report::host(59.9) };
        Case::pasted(&[&shell]).kernel(&[report.lines()]).answer().verdict.rule
    };
    assert_eq!((lone(4711), lone(4712)), ("host-memory", "process"));
}

#[test]
fn a_typed_kill_of_a_units_main_process_is_the_killer() {
    let state = "Id=robot.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nExecMainPID=700\n\
         ExecMainStartTimestamp=Sun 2026-11-22 10:00:00.000000 UTC\n\
         ExecMainExitTimestamp=Sun 2026-11-22 10:01:00.000000 UTC\n\
         ExecMainCode=2\nExecMainStatus=9\nResult=signal\nSlice=system.slice\n";
    let killed = |pid: u32| {
        transcript(&[
            typed(&format!("kill -9 {pid}"), ""),
            typed("systemctl show robot.service", state),
        ])
    };
    killed(700).says(Killer::Process, Confidence::Likely).proves("kill -9 700", "to pid 700");
    killed(701).by("unknown");
}

#[test]
fn a_typed_kill_of_the_child_that_its_shell_saw_die_is_the_killer() {
    let shell = "./run.sh: line 3:  4711 Killed                  python x.py";
    let killed = |pid: u32, after: &str| {
        transcript(&[typed(&format!("kill -9 {pid}"), shell), after.to_owned()]).verdict.rule
    };
    assert_eq!(killed(4711, "exit code: 137\n"), "process");
    assert_eq!(killed(4712, "exit code: 137\n"), "unknown");
    // A container counts pids for itself: its log's 4711 is not the host's.
    assert_eq!(killed(4711, &row(ID, 137, "web")), "unknown");
    // An exit code alone ties no pid to it.
    let alone = [typed("kill -9 4711", ""), "exit code: 137\n".to_owned()];
    transcript(&alone).by("unknown");
}

#[test]
fn a_shells_word_right_behind_the_kill_is_about_it_though_it_names_no_pid() {
    let job = "[1]+  Killed                  ./x\n";
    let kill = |command: &str, behind: &str| transcript(&[typed(command, ""), behind.to_owned()]);
    kill("kill -9 4711", job)
        .says(Killer::Process, Confidence::Likely)
        .proves("kill -9 4711", "to pid 4711");
    // SIGTERM is told as `Terminated`; this SIGKILL was somebody else's.
    kill("kill 4711", job).by("unknown");
    // A supervisor's word is about its own child.
    let worker = "[2026-11-22 10:00:31 +0000] [7] [ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?\n";
    kill("kill -9 4711", worker).by("unknown");
    // Not right behind it, before it, or in another file.
    let between = "root@n1:~# uptime\n 10:00:00 up 3 days\n".repeat(12);
    kill("kill -9 4711", &(between + job)).by("unknown");
    transcript(&[job.to_owned(), typed("kill -9 4711", "")]).by("unknown");
    let padding = "-".repeat(40) + "\n";
    Case::pasted(&[&typed("kill -9 4711", ""), &(padding + job)]).answer().by("unknown");
    // Beside an exit code the shell's word alone does not say whose end that was.
    kill("kill -9 4711", &(job.to_owned() + "exit code: 137\n")).by("unknown");
}
