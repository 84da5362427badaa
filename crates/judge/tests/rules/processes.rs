//! Who sent the signal: the trace, the audit log and its limits.

use casefile::{Asked, CgroupPath, Source};
use judge::verdict::{Confidence, Killer, Role};

use crate::case::{Answer, Case, exited, moment};

/// `pkill`, pid 900, sent SIGKILL to `serve`, pid 700: as the tracefs prints it.
fn traced() -> String {
    format!(
        "            pkill-900    [001] d..1.  {:.6}: signal_generate: sig=9 errno=0 code=0 comm=serve pid=700 grp=1 res=0\n",
        3659.9
    )
}

/// What our probe read of a sender while it lived.
fn sender(pid: u32, uid: u32, command: &str) -> String {
    format!("# sender pid={pid} uid={uid} auid=1001 exe=/usr/bin/pkill cmdline={command}\n")
}

#[test]
fn a_traced_sender_is_described_by_what_was_read_of_its_own_pid() {
    let text = [sender(899, 33, "pkill -9 nginx"), traced(), sender(900, 1000, "pkill -9 serve")];
    let answer = Case::of(&exited(60.0, 137)).add(Source::Trace, &text.concat()).answer();
    let by = answer.verdict.killed_by.clone().expect("a sender");
    assert_eq!(
        (by.uid, by.login_uid, by.command.as_deref()),
        (Some(1000), Some(1001), Some("pkill -9 serve"))
    );
    let gone = Case::of(&exited(60.0, 137))
        .add(Source::Trace, &[sender(899, 33, "pkill -9 nginx"), traced()].concat())
        .answer();
    let by = gone.verdict.killed_by.clone().expect("a sender");
    assert_eq!((by.pid, by.uid, by.command), (Some(900), None, None), "it was gone too soon");
}

#[test]
fn a_traced_kill_is_better_evidence_than_dockers_note() {
    let noted = || Case::of(&exited(60.0, 137)).noted(true);
    noted().answer().by("api-kill");
    noted().add(Source::Trace, &traced()).answer().by("process");
}

/// The audit log: `kill` sent SIGKILL to this process.
fn audited(at: f64, pid: u32, comm: &str) -> String {
    let micros = moment(at).0.as_microsecond();
    let stamp = format!("{}.{:03}", micros / 1_000_000, micros % 1_000_000 / 1000);
    format!(
        "type=SYSCALL msg=audit({stamp}:4711): arch=c000003e syscall=62 success=yes exit=0 a0={pid:x} a1=9 a2=0 a3=0 items=0 ppid=1 pid=4242 auid=1000 uid=0 gid=0 comm=\"kill\" exe=\"/usr/bin/kill\" key=\"why137\"\ntype=OBJ_PID msg=audit({stamp}:4711): opid={pid} oauid=-1 ouid=0 oses=-1 ocomm=\"{comm}\"\n"
    )
}

fn beside(text: &str, code: i64) -> Answer {
    Case::of(&exited(60.0, code)).add(Source::Journal, text).answer()
}

#[test]
fn an_audited_kill_is_the_killer_only_where_the_end_follows_at_once() {
    let rule = |at: f64| beside(&audited(at, 700, "serve"), 137).verdict.rule;
    assert_eq!((rule(59.9), rule(60.5)), ("process", "process"), "clocks differ by a second");
    assert_eq!((rule(57.5), rule(61.5)), ("process", "unknown"), "stamps may be whole seconds");
    assert_eq!((rule(56.9), rule(20.0)), ("unknown", "unknown"), "it lived on");
}

#[test]
fn an_audited_kill_of_another_process_or_beside_another_code_is_not_the_killer() {
    beside(&audited(59.9, 700, "serve"), 137).by("process");
    beside(&audited(59.9, 700, "nginx"), 137).by("unknown");
    beside(&audited(59.9, 700, "serve"), 1).by("not-killed");
    // Of a container that is gone the pid is not known, so the target is no main process for certain.
    let answer = beside(&audited(59.9, 700, "serve"), 137);
    assert_eq!(answer.verdict.victims[0].role, Role::Other);
}

#[test]
fn where_the_main_pid_is_known_an_audited_kill_must_hit_it() {
    let state = "Id=robot.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nExecMainPID=700\n\
         ExecMainStartTimestamp=Sun 2026-11-22 10:00:00.000000 UTC\n\
         ExecMainExitTimestamp=Sun 2026-11-22 10:01:00.000000 UTC\n\
         ExecMainCode=2\nExecMainStatus=9\nResult=signal\nSlice=system.slice\n";
    let killed = |pid: u32| {
        let asked = Asked {
            name: Some("robot.service".to_owned()),
            unit: Some("robot.service".to_owned()),
            cgroup: CgroupPath::parse("/system.slice/robot.service"),
            ..Asked::default()
        };
        Case::asked(asked)
            .add(Source::UnitState, state)
            .add(Source::Journal, &audited(59.9, pid, "serve"))
            .answer()
    };
    let main = killed(700);
    main.says(Killer::Process, Confidence::Likely);
    assert_eq!((main.victims(), main.verdict.victims[0].role), (vec![Some(700)], Role::Main));
    killed(701).by("unknown");
}
