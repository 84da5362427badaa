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

/// Lines of systemd in a pasted journal, a second apart.
fn pasted(lines: &[&str]) -> String {
    let line =
        |(at, words): (usize, &&str)| format!("Jul 01 12:00:0{at} srv systemd[1]: {words}\n");
    lines.iter().enumerate().map(line).collect()
}

const DOOR_OOM: &str = "door.service: A process of this unit has been killed by the OOM killer.";

#[test]
fn what_systemd_says_of_one_unit_explains_the_end_of_no_other() {
    let lamp = "lamp.service: Main process exited, code=killed, status=9/KILL";
    let oom = Case::pasted(&[&pasted(&[DOOR_OOM, lamp])]).answer();
    oom.by("unknown");
    assert_eq!(
        oom.verdict.subject.as_ref().and_then(|it| it.name.as_deref()),
        Some("lamp.service")
    );
    assert_eq!(oom.findings(), [Killer::OutOfMemory]);
    for words in [
        "door.service: Failed with result 'oom-kill'.",
        "door.service: Watchdog timeout (limit 30s)!",
        "door.service: State 'stop-sigterm' timed out. Killing.",
    ] {
        Case::pasted(&[&pasted(&[words, lamp])]).answer().by("unknown");
    }
    // The other way round the last end is the one that is told.
    let last = Case::pasted(&[&pasted(&[lamp, DOOR_OOM])]).answer();
    last.says(Killer::OutOfMemory, Confidence::Likely);
    assert_eq!(last.verdict.place.as_ref().map(CgroupPath::name), Some("door.service"));
}

#[test]
fn an_end_of_its_own_is_not_the_death_that_is_asked_for() {
    let ended = |status: &str| {
        let lamp = format!("lamp.service: Main process exited, code=exited, status={status}");
        Case::pasted(&[&pasted(&[DOOR_OOM, &lamp])]).answer()
    };
    ended("1/FAILURE").says(Killer::OutOfMemory, Confidence::Likely);
    // 137 is what a client passes on of what it ran.
    ended("137/n/a").by("unknown").proves("status=137", "");
    // A supervisor's word is more than another unit's own end.
    let child = "[2026-07-01 12:00:40 +0000] [1] [ERROR] Worker (pid:19) was sent SIGKILL! Perhaps out of memory?\n";
    let unit = pasted(&["lamp.service: Main process exited, code=exited, status=1/FAILURE"]);
    let answer = Case::pasted(&[child, &unit]).answer();
    answer.by("unknown").in_short("saw a child end by SIGKILL");
}

#[test]
fn each_units_kernel_kill_is_told_once_and_as_its_own() {
    let oom = |second: u32, unit: &str, pid: u32| {
        format!(
            "Jul 01 12:00:0{second} srv kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,\
             mems_allowed=0,global_oom,task_memcg=/system.slice/{unit},task=x,pid={pid},uid=0\n\
             Jul 01 12:00:0{second} srv kernel: Out of memory: Killed process {pid} (x) total-vm:9kB, anon-rss:8kB, \
             file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n\
             Jul 01 12:00:0{second} srv systemd[1]: {unit}: A process of this unit has been killed by the OOM killer.\n"
        )
    };
    let text = [oom(1, "door.service", 811), oom(5, "lamp.service", 812)].concat();
    let answer = Case::pasted(&[&text]).answer();
    answer.says(Killer::HostOutOfMemory, Confidence::Proven);
    assert_eq!(answer.victims(), [Some(812)]);
    assert_eq!(answer.findings(), [Killer::HostOutOfMemory]);
    assert_eq!(answer.verdict.findings[0].victims[0].pid, Some(811));
}

#[test]
fn a_stop_is_of_the_one_that_was_asked_not_of_one_that_ended_well_beside_it() {
    let (asked, other) = ("a1".repeat(32), "b2".repeat(32));
    let stop = format!(
        "time=\"2026-07-01T12:00:00Z\" level=info msg=\"StopContainer for \\\"{asked}\\\" with timeout 30 (s)\"\n"
    );
    let well = pasted(&[&format!("docker-{other}.scope: Deactivated successfully.")]);
    let answer = Case::pasted(&[&stop, &well]).answer();
    let named = answer.verdict.container_id.as_ref().map(ToString::to_string);
    assert_eq!(named, Some(asked), "{:#?}", answer.verdict);
    let lines =
        pasted(&["Stopping lamp.service - Lamp...", "door.service: Deactivated successfully."]);
    let answer = Case::pasted(&[&lines]).answer();
    assert_eq!(answer.verdict.place.as_ref().map(CgroupPath::name), Some("lamp.service"));
}

#[test]
fn the_kernels_cgroup_is_the_place_whatever_unit_systemd_names_beside_it() {
    let kernel = "Jul 01 12:00:00 srv kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,\
        mems_allowed=0,global_oom,task_memcg=/system.slice/door.service,task=door,pid=811,uid=0\n\
        Jul 01 12:00:00 srv kernel: Out of memory: Killed process 811 (door) total-vm:9kB, anon-rss:8kB, \
        file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n";
    let lamp = pasted(&["lamp.service: Main process exited, code=killed, status=9/KILL"]);
    let answer = Case::pasted(&[&format!("{kernel}{lamp}")]).answer();
    answer.says(Killer::HostOutOfMemory, Confidence::Proven);
    assert_eq!(answer.verdict.place.as_ref().map(CgroupPath::name), Some("door.service"));
    assert_eq!(answer.findings(), [Killer::Unknown], "the other unit's end is told, too");
}

#[test]
fn a_container_that_ended_well_is_not_the_one_that_was_killed() {
    let (killed, other) = ("a1".repeat(32), "b2".repeat(32));
    let oom =
        format!("docker-{killed}.scope: A process of this unit has been killed by the OOM killer.");
    let end = format!("docker-{other}.scope: Deactivated successfully.");
    for lines in [[oom.as_str(), end.as_str()], [end.as_str(), oom.as_str()]] {
        let answer = Case::pasted(&[&pasted(&lines)]).answer();
        answer.says(Killer::OutOfMemory, Confidence::Likely);
        let named = answer.verdict.container_id.as_ref().map(ToString::to_string);
        assert_eq!(named.as_deref(), Some(killed.as_str()));
        assert!(answer.verdict.place.is_some_and(|place| place.name().contains(&killed)));
    }
}

#[test]
fn a_units_line_is_not_about_a_container_that_another_name_runs() {
    let end = "web-1 exited with code 137\n";
    let said = |words: &str| Case::pasted(&[&pasted(&[words]), end]).answer();
    said(DOOR_OOM).by("unknown");
    said("door.service: State 'stop-sigterm' timed out. Killing.").by("unknown");
    // The unit that runs it bears its name.
    for unit in ["web-1.service", "container-web-1.service", "docker.web-1.service"] {
        said(&format!("{unit}: State 'stop-sigterm' timed out. Killing.")).by("stop-timeout");
    }
    said("cobweb-1.service: State 'stop-sigterm' timed out. Killing.").by("unknown");
}

#[test]
fn what_a_daemon_says_of_one_container_explains_the_end_of_no_other() {
    let (one, two) = ("a1".repeat(32), "b2".repeat(32));
    let said = |seconds: u32, words: String| {
        format!("time=\"2026-07-01T12:00:{seconds:02}Z\" level=info msg=\"{words}\"\n")
    };
    let stop = |id: &str| said(0, format!("StopContainer for \\\"{id}\\\" with timeout 30 (s)"));
    let kill = |id: &str| said(40, format!("Kill container \\\"{id}\\\""));
    let oom =
        |seconds: u32, id: &str| said(seconds, format!("TaskOOM event container_id:\\\"{id}\\\""));
    let answer = |lines: &[String]| Case::pasted(&[&lines.concat()]).answer();
    let told = |answer: &Answer| answer.verdict.container_id.as_ref().map(ToString::to_string);
    answer(&[stop(&one), kill(&one)]).by("stop-timeout");
    let other = answer(&[stop(&two), kill(&one)]);
    other.by("api-kill");
    assert_eq!(told(&other), Some(one.clone()));
    let later = answer(&[stop(&one), kill(&one), oom(50, &two)]);
    later.says(Killer::OutOfMemory, Confidence::Likely);
    assert_eq!(told(&later), Some(two.clone()));
    assert_eq!(later.findings(), [Killer::StopTimeout]);
    let before = answer(&[oom(10, &two), stop(&one), kill(&one)]);
    before.by("stop-timeout");
    assert_eq!(told(&before), Some(one));
    assert_eq!(before.findings(), [Killer::OutOfMemory]);
}

#[test]
fn a_unit_that_was_started_again_is_told_by_its_last_end() {
    let end = "lamp.service: Main process exited, code=exited, status=137/n/a";
    let again = "lamp.service: Scheduled restart job, restart counter is at 7.";
    for lines in [
        vec![end],
        vec![end, again, "Starting lamp.service - Lamp...", "Started lamp.service - Lamp."],
    ] {
        let answer = Case::pasted(&[&pasted(&lines)]).answer();
        answer.by("unknown").proves("status=137", "");
        assert_eq!(answer.verdict.main.exit_code, Some(137));
    }
}

#[test]
fn a_daemons_id_is_not_a_nameless_containers_where_another_may_bear_it() {
    let id = "a1".repeat(32);
    let force = format!(
        "time=\"2026-07-01T12:00:20Z\" level=info msg=\"Container failed to exit within 10s of \
                         signal 15 - using the force\" container={id}\n"
    );
    let told = |rows: &str| Case::pasted(&[&force, &format!("NAMES   STATUS\n{rows}")]).answer();
    told("lamp    Exited (137) 2 minutes ago\n").by("stop-timeout");
    told("lamp    Exited (137) 2 minutes ago\ndoor    Exited (0) 2 minutes ago\n").by("unknown");
}

#[test]
fn what_one_service_of_compose_prints_is_not_about_anothers_end() {
    let end = "door-1 exited with code 137\n";
    let said = |before: &str| {
        let log =
            format!("{before}[2026-07-01 12:00:40 +0000] [1] [CRITICAL] WORKER TIMEOUT (pid:19)\n");
        Case::pasted(&[&log, end]).answer()
    };
    said("lamp-1  | ").by("unknown");
    said("\u{1b}[33mlamp-1  |\u{1b}[0m ").by("unknown");
    said("door-1  | ").by("supervisor");
    said("").by("supervisor");
    let later = "door-1  | [2026-07-01 12:00:30 +0000] [1] [INFO] Booting worker with pid: 19\n";
    said(&format!("{later}lamp-1  | ")).by("unknown");
    // What stands before a bar is a service only where Compose would write it so.
    for words in ["lamp1 | ", "lamp | ", "2026-07-01 12:00:39 | ", "lamp-x | ", "lamp-1 |"] {
        said(words).by("supervisor");
    }
}
