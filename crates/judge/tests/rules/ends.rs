//! Ends that no killer made or that nothing explains: a unit's success, the program's last word, an
//! end without a cause.

use casefile::{Asked, CgroupPath, Source};
use judge::verdict::{Confidence, Fate, Killer};
use serde_json::json;

use crate::case::{Case, Report, exited, running, time, with};
use crate::stops::{journal, main_exited, robot, systemd};

const DEACTIVATED: &str = "robot.service: Deactivated successfully.";

/// A kill of a child in the unit's cgroup.
fn unit_kill(at: f64) -> String {
    let place = "/system.slice/robot.service".to_owned();
    Report { task: place.clone(), full: Some((place, 262_144)), ..Report::child(at) }.lines()
}

#[test]
fn a_unit_that_systemd_counts_as_a_success_ended_by_itself_or_by_a_mild_signal() {
    let answer = journal(&[systemd(60.0, DEACTIVATED)]).answer();
    answer.says(Killer::NotKilled, Confidence::Likely).leaves(&[Killer::Process]);
    answer.in_short("systemd counts its end as a success");
    answer.proves("Deactivated successfully", "status 0, or a signal that it lets pass");
    assert!(answer.candidate(Killer::Process).because.contains("SIGTERM, SIGINT or SIGHUP"));
    assert_eq!(answer.verdict.main.fate, Fate::Exited);
}

#[test]
fn a_success_hides_neither_a_status_nor_a_kill_inside() {
    // The status is told: then it is the answer, and certain.
    let status =
        journal(&[main_exited("exited, status=3/NOTIMPLEMENTED"), systemd(60.0, DEACTIVATED)]);
    status.answer().says(Killer::NotKilled, Confidence::Proven).in_short("it ended with 3");
    let signal = journal(&[main_exited("killed, status=9/KILL"), systemd(60.0, DEACTIVATED)]);
    signal.answer().by("unknown");
    let kill = journal(&[systemd(60.0, DEACTIVATED)]).kernel(&[unit_kill(30.0)]).answer();
    kill.by("own-limit");
    // No line of a success: how it ended is not told.
    let state = "Id=robot.service\nLoadState=loaded\nActiveState=inactive\nSubState=dead\n\
        ExecMainExitTimestamp=Sun 2026-11-22 10:01:00.000000 UTC\n";
    robot().add(Source::UnitState, state).answer().by("unknown");
    // A unit that has not ended.
    journal(&[]).answer().by("unknown");
    // Another unit's success is no pod's.
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Failed",
        "containerStatuses": [{"name": "web", "state": {"terminated": {"reason": "Error", "finishedAt": time(60.0)}}}]}});
    Case::pasted(&[&pod.to_string()])
        .add(Source::Journal, &systemd(60.0, DEACTIVATED))
        .answer()
        .by("unknown");
    // Nor a container's.
    let line = systemd(60.0, DEACTIVATED);
    Case::of(&with(exited(60.0, 0), "/State/ExitCode", json!(null)))
        .add(Source::Journal, &line)
        .answer()
        .by("unknown");
}

#[test]
fn one_line_of_a_panic_is_a_loggers_word_and_two_are_the_runtimes() {
    let once = "panic: boom\n";
    assert_ne!(Case::pasted(&[once]).answer().verdict.killer, Killer::NotKilled);
    let whole = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n";
    Case::pasted(&[whole]).answer().by("not-killed");
    let more = format!("panic: boom\n{whole}");
    Case::pasted(&[&more]).answer().by("not-killed");
}

#[test]
fn a_bare_log_that_was_told_to_stop_leaves_how_it_ended_open() {
    let answer = Case::pasted(&["2026-11-22T10:00:58Z received SIGTERM, shutting down\n"]).answer();
    answer.says(Killer::Unknown, Confidence::Unknown);
    answer.in_short("it was told to stop; how it ended then is not shown");
    answer.proves("received SIGTERM", "who asked is not in it");
    answer.leaves(&[Killer::Stopped, Killer::StopTimeout, Killer::FailedProbe]);
    assert_eq!(answer.how_to_settle(), ["docker inspect NAME | why137 explain -"]);
    // An end that is told is the answer instead.
    let ended = Case::of(&exited(60.0, 137)).log("received SIGTERM, shutting down\n").answer();
    assert!(!ended.verdict.detail.clone().unwrap_or_default().contains("is not shown"));
}

#[test]
fn what_is_not_known_of_an_end_is_said_by_who_could_have_known_it() {
    // containerd forgets code and time.
    let gone = json!({"ID": "greedy", "Image": "", "Runtime": {"Name": "io.containerd.runc.v2"},
        "Spec": {"process": {"args": ["/bin/hog"]}, "linux": {"cgroupsPath": "/default/greedy"}}});
    let list = format!("{gone}\nTASK      PID      STATUS    \ngreedy    10165    STOPPED\n");
    let asked = |place: Option<&str>| Asked {
        name: Some("greedy".to_owned()),
        cgroup: place.and_then(CgroupPath::parse),
        ..Asked::default()
    };
    Case::asked(asked(Some("/default/greedy")))
        .add(Source::ContainerInspect, &list)
        .answer()
        .says(Killer::Unknown, Confidence::Unknown)
        .in_short("containerd keeps neither its exit code nor the time of its end");
    // A process that is gone, a unit that is not known.
    let pid = Asked { pid: Some(4711), ..Asked::default() };
    Case::asked(pid).answer().in_short("no process has this pid now");
    robot().answer().in_short("neither systemd nor its journal holds an end of this unit");
    Case::web().answer().in_short("nothing that this machine still keeps tells of its death");
    Case::pasted(&["hello\n"]).answer().in_short("nothing in this text tells of a death");
}

#[test]
fn an_end_without_a_code_is_dockers_only_where_docker_tells_of_it() {
    // A pod whose end has a reason and no code.
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Failed",
        "containerStatuses": [{"name": "web", "state": {"terminated": {"reason": "Error", "finishedAt": time(60.0)}}}]}});
    let answer = Case::pasted(&[&pod.to_string()]).answer();
    answer.says(Killer::Unknown, Confidence::Unknown);
    answer.in_short("the evidence shows an end without its cause");
}

#[test]
fn a_pasted_status_beside_a_killed_child_leaves_the_main_processs_fate_open() {
    let log = "[ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?\nexit 1\n";
    let answer = Case::pasted(&[log]).answer();
    answer.by("unknown");
    assert_eq!((answer.verdict.main.exit_code, answer.verdict.main.fate), (Some(1), Fate::Unknown));
}

#[test]
fn a_policys_kill_in_a_running_container_leaves_its_main_process_alive() {
    let policy = Report::child(30.0)
        .lines()
        .replace("CONSTRAINT_MEMCG", "CONSTRAINT_BPF")
        .replace("Memory cgroup out of memory", "BPF");
    let answer = Case::of(&running()).kernel(&[policy]).answer();
    assert_eq!(answer.verdict.main.fate, Fate::Alive, "{:#?}", answer.verdict);
}

#[test]
fn what_was_asked_on_the_machine_itself_is_not_asked_for_again() {
    let again = "why137 explain NAME";
    let pasted = Case::pasted(&["hello\n"]).answer();
    assert!(pasted.how_to_settle().contains(&again));
    let unit = Asked { unit: Some("robot.service".to_owned()), ..Asked::default() };
    let pid = Asked { pid: Some(4711), ..Asked::default() };
    let cgroup = Asked { cgroup: CgroupPath::parse("/job"), ..Asked::default() };
    for asked in [unit, pid, cgroup] {
        let answer = Case::asked(asked).answer();
        assert_eq!(answer.how_to_settle(), ["sudo dmesg | why137 explain -"]);
    }
}

/// `systemctl show` of a unit that ended by SIGKILL, or runs; with this result.
fn state(result: &str, active: &str) -> String {
    format!(
        "Result={result}\nId=robot.service\nLoadState=loaded\nActiveState={active}\nSubState=x\n\
         ExecMainPID=700\nExecMainCode=2\nExecMainStatus=9\nSlice=system.slice\n"
    )
}

#[test]
fn a_units_result_stands_in_its_state_too() {
    let shown = |text: &str| robot().add(Source::UnitState, text).answer();
    shown(&state("timeout", "failed"))
        .says(Killer::StopTimeout, Confidence::Likely)
        .proves("Result=timeout", "systemd gave up waiting");
    shown(&state("signal", "failed")).by("unknown");
    // A unit that runs again shows the result of the run before.
    let up = state("oom-kill", "active").replace("ExecMainCode=2\nExecMainStatus=9\n", "");
    shown(&up).by("still-alive");
    // `systemctl reset-failed` leaves `success`: the journal knows better.
    let text = state("success", "inactive").replace("ExecMainStatus=9", "ExecMainStatus=15");
    let failed = systemd(60.0, "robot.service: Failed with result 'oom-kill'.");
    let lines =
        systemd(0.0, crate::stops::STARTED) + &main_exited("killed, status=15/TERM") + &failed;
    let answer = robot()
        .add(Source::UnitState, &text)
        .add(Source::Journal, &lines)
        .kernel(&[unit_kill(59.9)])
        .answer();
    answer.by("own-limit").in_short("OOMPolicy=");
}

#[test]
fn a_command_that_why137_ran_is_called_by_the_name_that_was_asked_for() {
    let wait = "==> wait status of pid 123 <==\ncomm sh\nexited 3\n";
    let name = |asked: Option<&str>| {
        let asked = Asked { name: asked.map(str::to_owned), ..Asked::default() };
        let answer = Case::asked(asked).add(Source::Proc, wait).answer();
        answer.by("not-killed");
        answer.verdict.subject.and_then(|subject| subject.name)
    };
    assert_eq!(name(Some("nightly-build")).as_deref(), Some("nightly-build"));
    assert_eq!(name(None).as_deref(), Some("sh"));
}
