//! systemd's units and bare processes: why systemd stopped one, and what its wait and journal exclude.

use casefile::{Asked, CgroupPath, Source};
use judge::verdict::{Confidence, Killer, Level};
use serde_json::json;

use crate::case::{Answer, Case, Report, moment};

/// systemd's line about `robot.service`, so many seconds after its start.
fn said(seconds: f64, words: &str) -> String {
    let micros = moment(seconds).0.as_microsecond().to_string();
    let entry = json!({"MESSAGE": words, "SYSLOG_IDENTIFIER": "systemd", "_PID": "1", "UNIT": "robot.service",
        "__REALTIME_TIMESTAMP": micros});
    format!("{entry}\n")
}

fn started() -> String {
    said(0.0, "Started robot.service - Robot control.")
}

fn stopping(seconds: f64) -> String {
    said(seconds, "Stopping robot.service - Robot control...")
}

/// The main process ended after 60 s: `killed, status=9/KILL`.
fn ended(how: &str) -> String {
    said(60.0, &format!("robot.service: Main process exited, code={how}"))
}

fn failed(result: &str) -> String {
    said(60.0, &format!("robot.service: Failed with result '{result}'."))
}

/// Asked about `robot.service` on the machine that ran it, with systemd's journal.
fn robot(lines: &[String]) -> Case {
    let asked = Asked {
        name: Some("robot.service".to_owned()),
        unit: Some("robot.service".to_owned()),
        cgroup: CgroupPath::parse("/system.slice/robot.service"),
        ..Asked::default()
    };
    Case::asked(asked).add(Source::Journal, &lines.concat())
}

/// `systemctl show` of the unit: it ended after 60 s, killed by SIGKILL; with more of its lines.
fn state(how: u32, status: u32, more: &str) -> String {
    format!(
        "Id=robot.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nExecMainPID=700\n\
         ExecMainStartTimestamp=Sun 2026-11-22 10:00:00.000000 UTC\n\
         ExecMainExitTimestamp=Sun 2026-11-22 10:01:00.000000 UTC\n\
         ExecMainCode={how}\nExecMainStatus={status}\nSlice=system.slice\n{more}"
    )
}

/// The same without a journal.
fn shown(how: u32, status: u32, more: &str) -> Answer {
    robot(&[]).add(Source::UnitState, &state(how, status, more)).answer()
}

const KILLED: &str = "killed, status=9/KILL";

#[test]
fn a_units_sigkill_without_a_sender_leaves_what_systemd_does_not_see() {
    let answer = robot(&[started(), ended(KILLED), failed("signal")]).answer();
    answer.says(Killer::Unknown, Confidence::Unknown).leaves(&[
        Killer::HostOutOfMemory,
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::OomDaemon,
        Killer::Process,
        Killer::ResourceLimit,
    ]);
    answer
        .rules_out(Killer::NotKilled, "systemd's wait saw SIGKILL, not a status")
        .rules_out(Killer::StopTimeout, "holds this life from start to end")
        .rules_out_only(&[Killer::NotKilled, Killer::StopTimeout]);
    // A kernel log without a gap takes memory off the list.
    let quiet = robot(&[started(), ended(KILLED)]).whole_kernel(&[]).answer();
    quiet.leaves(&[Killer::OomDaemon, Killer::Process, Killer::ResourceLimit]);
}

#[test]
fn a_stop_is_excluded_only_by_a_journal_that_holds_start_and_end_and_no_act_of_systemds() {
    let open = |case: Case| {
        let answer = case.answer();
        answer.by("unknown");
        let out = answer.verdict.ruled_out.iter().any(|it| it.killer == Killer::StopTimeout);
        let left = answer.verdict.candidates.iter().any(|it| it.killer == Killer::StopTimeout);
        assert_ne!(out, left, "{:#?}", answer.verdict);
        left
    };
    assert!(!open(robot(&[started(), ended(KILLED)])));
    assert!(open(robot(&[ended(KILLED)])), "its start has rolled out of the journal");
    let no_end = robot(&[started()]).add(Source::UnitState, &state(2, 9, "Result=signal\n"));
    assert!(open(no_end), "its end is not in the journal");
    assert!(
        open(robot(&[started(), stopping(30.0), ended(KILLED)])),
        "it was being stopped when it died"
    );
    let killing = said(59.9, "robot.service: Killing process 712 (work) with signal SIGKILL.");
    assert!(open(robot(&[started(), killing, ended(KILLED)])), "systemd was sending SIGKILL");
}

#[test]
fn a_unit_that_was_stopped_after_its_end_was_not_ended_by_the_stop() {
    let rule = |at: f64| {
        let term = "killed, status=15/TERM";
        robot(&[started(), ended(term), stopping(at)]).answer().verdict.rule
    };
    assert_eq!((rule(59.0), rule(60.9)), ("stopped", "stopped"), "stamps may be whole seconds");
    assert_ne!(rule(61.0), "stopped");
}

#[test]
fn a_forced_stop_tells_the_units_own_stop_signal_and_time() {
    let line = said(60.0, "robot.service: State 'stop-sigterm' timed out. Killing.");
    let forced = |settings: &str| {
        let journal = [started(), stopping(53.0), line.clone(), ended(KILLED), failed("timeout")];
        let answer = robot(&journal).add(Source::UnitState, &state(2, 9, settings)).answer();
        answer.says(Killer::StopTimeout, Confidence::Proven);
        answer.verdict.detail.unwrap_or_default()
    };
    assert_eq!(
        forced("KillSignal=2\nTimeoutStopUSec=7s\n"),
        "SIGINT was sent, 7.0 s passed, then SIGKILL"
    );
    assert_eq!(forced(""), "SIGTERM was sent, the grace period passed, then SIGKILL");
}

#[test]
fn systemds_result_timeout_is_a_forced_stop_only_beside_a_sigkill() {
    let forced = shown(2, 9, "Result=timeout\n");
    forced.says(Killer::StopTimeout, Confidence::Likely).proves("timeout", "gave up waiting");
    shown(2, 9, "Result=signal\n").by("unknown");
    assert_ne!(
        shown(1, 137, "Result=timeout\n").verdict.killer,
        Killer::StopTimeout,
        "it chose 137"
    );
    // What `why137 run` started is none of systemd's units.
    let own = "==> wait status of pid 700 <==\ncomm serve\nsignal 9\n";
    let beside = Case::asked(Asked::default())
        .add(Source::Proc, own)
        .add(Source::Journal, &failed("timeout"))
        .answer();
    beside.by("unknown");
}

#[test]
fn systemds_word_signal_is_no_contradiction_where_it_is_not_told_of_oom_kills() {
    let place = "/system.slice/robot.service";
    let own = Report {
        full: Some((place.to_owned(), 65_536)),
        task: place.to_owned(),
        ..Report::own(59.9)
    };
    let told = |machine: &str, result: &str| {
        let case = robot(&[started(), ended(KILLED), failed(result)]);
        let answer = case.kernel(&[own.lines()]).machine(machine).answer();
        answer.is(Killer::ContainerMemoryLimit, Level::Own, Confidence::Proven);
        answer.contradictions()
    };
    assert!(told("cgroup-version: 1\n", "signal").contains("systemd is not told of OOM kills"));
    assert!(told("", "signal").contains("on cgroup v1"), "v1 is not excluded");
    assert_eq!(told("cgroup-version: 2\n", "signal"), "");
    assert_eq!(told("cgroup-version: 2\n", "oom-kill"), "");
}

#[test]
fn systemds_word_oom_kill_beside_another_end_is_explained() {
    let kill =
        said(50.0, "robot.service: A process of this unit has been killed by the OOM killer.");
    let stopped = robot(&[
        started(),
        kill,
        stopping(59.0),
        ended("exited, status=0/SUCCESS"),
        failed("oom-kill"),
    ])
    .answer();
    stopped.says(Killer::Stopped, Confidence::Proven);
    assert!(stopped.contradictions().contains("not what ended the main one"));
    let oomd = said(59.9, "robot.service: systemd-oomd killed 2 process(es) in this unit.");
    let struck = robot(&[started(), oomd, ended(KILLED), failed("oom-kill")]).answer();
    struck.says(Killer::OomDaemon, Confidence::Proven);
    assert!(struck.contradictions().contains("a kill by systemd-oomd counts as one"));
    // earlyoom's kill is none of those that systemd counts: the word tells of another one.
    let micros = moment(59.9).0.as_microsecond().to_string();
    let earlyoom = json!({"MESSAGE": "sending SIGKILL to process 700 uid 0 \"robot\": oom_score 1331, VmRSS 98 MiB",
        "SYSLOG_IDENTIFIER": "earlyoom", "_PID": "19", "__REALTIME_TIMESTAMP": micros});
    let other = robot(&[started(), format!("{earlyoom}\n"), ended(KILLED), failed("oom-kill")])
        .add(Source::UnitState, &state(2, 9, "Result=oom-kill\n"))
        .answer();
    other.by("oom-daemon");
    assert!(other.contradictions().contains("not what ended the main one"));
    let plain = robot(&[started(), stopping(59.0), ended("exited, status=0/SUCCESS")]).answer();
    assert_eq!(plain.contradictions(), "");
}
