//! What stays open and why; and the killers that only a daemon tells of.

use casefile::Source;
use judge::verdict::{Confidence, Fate, Killer, Level, Role};
use serde_json::{Value, json};

use crate::case::{
    Case, DB, Report, WEB, died, docker, event, exited, kernel_line, running, signalled, time, with,
};

/// In the order in which they are told.
pub(crate) const KERNEL: [Killer; 3] =
    [Killer::HostOutOfMemory, Killer::ContainerMemoryLimit, Killer::AncestorMemoryLimit];
const API: [Killer; 2] = [Killer::StopTimeout, Killer::ApiKill];
pub(crate) const REST: [Killer; 4] =
    [Killer::Process, Killer::NotKilled, Killer::ResourceLimit, Killer::Runtime];

#[test]
fn a_137_without_a_witness_leaves_every_killer_that_nothing_excludes() {
    let answer = Case::of(&exited(60.0, 137)).answer();
    answer
        .says(Killer::Unknown, Confidence::Unknown)
        .by("unknown")
        .in_short("137 fits several ends");
    answer.leaves(&[KERNEL.as_slice(), &API, &REST].concat()).rules_out_only(&[]);
    answer.proves("137", "137 is 128 + SIGKILL, or a status that the program chose");
    answer.proves("false", "OOMKilled=false excludes little");
    assert!(answer.verdict.candidates.iter().all(|it| it.confidence == Confidence::Possible));
    assert_eq!(
        (answer.verdict.limit_at_fault, answer.verdict.main.exit_code_trusted),
        (None, true)
    );
    assert_eq!(answer.verdict.main.fate, Fate::Unknown);
}

#[test]
fn each_witness_takes_its_killers_off_the_list() {
    let silent = Case::of(&exited(60.0, 137)).whole_kernel(&[]).answer();
    silent.leaves(&[API.as_slice(), &REST].concat());
    silent.rules_out_only(&[
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::HostOutOfMemory,
    ]);
    silent.never_says("OOMKilled");
    assert_eq!(silent.verdict.limit_at_fault, Some(false));
    let unused = Case::of(&exited(60.0, 137)).noted(false).answer();
    unused.leaves(&[KERNEL.as_slice(), &REST].concat()).rules_out_only(&API);
    let whole = Case::of(&exited(60.0, 137))
        .all_events(&[event(0.0, "start", &[]), died(60.0, 137)])
        .answer();
    whole
        .leaves(&[KERNEL.as_slice(), &REST].concat())
        .rules_out(Killer::ApiKill, "event history covers this life");
    // Without a limit there is none to reach.
    let unlimited = with(exited(60.0, 137), "/HostConfig/Memory", json!(0));
    let left = Case::of(&unlimited).answer();
    assert!(!left.verdict.candidates.iter().any(|it| it.killer == Killer::ContainerMemoryLimit));
}

#[test]
fn the_words_of_a_candidate_fit_what_is_known() {
    let host = |case: Case| case.answer().candidate(Killer::HostOutOfMemory).because.clone();
    let ended = || Case::of(&exited(60.0, 137));
    assert!(host(ended().machine("cgroup-version: 1\n")).ends_with("when the whole host runs out"));
    assert!(host(ended()).contains("it excludes nothing"));
    assert!(
        host(ended().machine("cgroup-version: 2\n"))
            .contains("can choose a process of any container")
    );
    let own = ended().answer().candidate(Killer::ContainerMemoryLimit).because.clone();
    assert!(own.contains("lost in a race"), "{own}");
    let bare = Case::pasted(&["exit code: 137\n"]).answer();
    assert!(
        bare.candidate(Killer::ContainerMemoryLimit).because.contains("the limit's OOM killer")
    );
    let process =
        |inspect: &Value| Case::of(inspect).answer().candidate(Killer::Process).because.clone();
    assert!(process(&exited(60.0, 137)).contains("from inside, PID 1 cannot be killed"));
    for inside in [
        with(exited(60.0, 137), "/Path", json!("sh")),
        with(exited(60.0, 137), "/HostConfig/Init", json!(true)),
        with(exited(60.0, 137), "/HostConfig/PidMode", json!("host")),
    ] {
        assert!(process(&inside).contains("or inside the container on a child"), "{inside}");
    }
    let chosen = |path: &str| {
        Case::of(&with(exited(60.0, 137), "/Path", json!(path)))
            .answer()
            .candidate(Killer::NotKilled)
            .because
            .clone()
    };
    assert!(chosen("sh").contains("passed on its child's status"));
    assert!(chosen("serve").contains("the program itself returned 137"));
}

#[test]
fn a_daemon_that_started_right_after_the_end_may_have_been_stopped_before() {
    let restarted = |seconds: f64| {
        Case::of(&exited(60.0, 137)).machine(&format!("daemon-started-at: {}\n", time(seconds)))
    };
    let first = |case: Case| case.answer().verdict.candidates[0].killer;
    assert_eq!(first(restarted(62.0)), Killer::Runtime);
    assert!(restarted(62.0).answer().verdict.candidates[0].because.contains("started 2 s later"));
    assert_eq!(
        restarted(62.0)
            .answer()
            .verdict
            .candidates
            .iter()
            .filter(|it| it.killer == Killer::Runtime)
            .count(),
        1
    );
    assert_eq!(first(restarted(60.0)), Killer::Runtime);
    assert_eq!(first(restarted(79.9)), Killer::Runtime);
    for case in [
        restarted(80.0),
        restarted(59.0),
        restarted(62.0).events(&[event(0.0, "start", &[]), signalled(5.0, 10), died(60.0, 137)]),
    ] {
        assert_eq!(first(case), Killer::HostOutOfMemory);
    }
    // Its stop sets no note; a client's kill does.
    restarted(62.0).noted(true).answer().by("api-kill");
    let status = json!({"kind": "Pod", "metadata": {"name": "p"}, "status": {"containerStatuses": [{"name": "web", "containerID": format!("docker://{WEB}"),
        "state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "finishedAt": "2026-11-22T10:01:00Z"}}}]}});
    let noted = restarted(62.0).noted(true).add(Source::Kubernetes, &status.to_string());
    assert_ne!(first(noted), Killer::Runtime);
}

/// A kill whose cgroup the kernel did not print.
fn placeless(at: f64, comm: &str) -> String {
    kernel_line(
        at,
        &format!(
            "Out of memory: Killed process 4711 ({comm}) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0"
        ),
    )
}

#[test]
fn a_kill_of_unknown_place_at_the_end_keeps_memory_on_the_list() {
    let beside = |inspect: &Value, at: f64, comm: &str| {
        Case::of(inspect).whole_kernel(&[placeless(at, comm)]).answer()
    };
    let ended = exited(60.0, 137);
    let open = beside(&ended, 59.8, "serve");
    open.by("unknown").rules_out_only(&[]);
    assert!(
        open.candidate(Killer::HostOutOfMemory)
            .because
            .contains("holds 1 kills at this time whose cgroup it did not print")
    );
    // Not by this name, or not at this time.
    beside(&ended, 59.8, "postgres").rules_out(Killer::HostOutOfMemory, "without a gap");
    beside(&ended, 58.9, "serve").rules_out(Killer::HostOutOfMemory, "without a gap");
    beside(&ended, 60.3, "serve").rules_out(Killer::HostOutOfMemory, "without a gap");
    // A shell passes on the end of a child of any name.
    let shell = with(exited(60.0, 137), "/Path", json!("sh"));
    beside(&shell, 59.8, "postgres").rules_out_only(&[]);
    let init = with(exited(60.0, 137), "/HostConfig/Init", json!(true));
    beside(&init, 59.8, "postgres").rules_out_only(&[]);
    let nameless = with(with(exited(60.0, 137), "/Path", json!("")), "/Args", json!([]));
    beside(&nameless, 59.8, "postgres").rules_out_only(&[]);
}

#[test]
fn what_would_settle_it_is_what_is_missing() {
    let how = |case: Case| case.answer().how_to_settle().join("\n");
    let asked = how(Case::of(&exited(60.0, 137)));
    assert!(
        asked.contains(
            "journalctl -k --since '2026-11-22 10:00:00 UTC' --until '2026-11-22 10:02:00 UTC'"
        ),
        "{asked}"
    );
    assert!(
        asked.contains("auditctl -a always,exit -F arch=b64 -S kill -F a1=9 -k why137")
            && !asked.contains("explain NAME")
    );
    let whole = how(Case::of(&exited(60.0, 137)).whole_kernel(&[]));
    assert!(!whole.contains("journalctl") && whole.contains("auditctl"));
    // The log is at hand, and a kill of another container stands in it.
    let other = Report { full: Some((docker(DB), 65_536)), task: docker(DB), ..Report::own(59.9) };
    assert!(!how(Case::of(&exited(60.0, 137)).kernel(&[other.lines()])).contains("journalctl"));
    // Pasted: the machine itself knows more.
    let text = exited(60.0, 137).to_string();
    assert!(how(Case::pasted(&[&text])).contains("why137 explain NAME"));
    let history = [event(0.0, "start", &[]), died(60.0, 137)].concat();
    assert!(how(Case::pasted(&[&text, &history])).contains("why137 explain NAME"));
    assert!(
        !how(Case::pasted(&[&text]).events(&[event(0.0, "start", &[]), died(60.0, 137)]).whole())
            .contains("explain NAME")
    );
    let signal = event(0.0, "start", &[]) + &signalled(5.0, 10) + &died(60.0, 137);
    assert!(!how(Case::pasted(&[&text, &signal])).contains("why137 explain NAME"));
    // The flag or a kill in sight: the sender is not the question.
    let flagged = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    assert!(!how(Case::of(&flagged).whole_kernel(&[])).contains("auditctl"));
    // The log is closed to this user: how to open it.
    let closed = how(
        Case::of(&exited(60.0, 137)).closed(Source::KernelLog, Some("sudo why137 explain web"))
    );
    assert!(closed.contains("sudo why137 explain web") && !closed.contains("journalctl"));
    let unopenable = how(Case::of(&exited(60.0, 137)).closed(Source::Journal, Some("sudo x")));
    assert!(unopenable.contains("journalctl") && !unopenable.contains("sudo x"));
}

#[test]
fn what_could_not_be_read_is_told_with_the_answer() {
    let answer = Case::of(&exited(60.0, 137)).closed(Source::KernelLog, None).answer();
    assert_eq!(answer.verdict.gaps.len(), 1);
}

#[test]
fn another_signals_code_asks_who_sends_that_signal() {
    let term = Case::of(&exited(60.0, 143)).answer();
    term.by("unknown")
        .leaves(&[Killer::Stopped, Killer::Process, Killer::NotKilled])
        .in_short("143 fits");
    assert!(term.how_to_settle()[0].contains("a1=15"));
    assert!(term.verdict.would_settle_it[0].missing.contains("SIGTERM"));
    term.never_says("OOMKilled");
    let unused = Case::of(&exited(60.0, 143)).noted(false).answer();
    unused.leaves(&[Killer::Process, Killer::NotKilled]).rules_out_only(&[Killer::Stopped]);
    let alarm = Case::of(&exited(60.0, 142)).answer();
    alarm.leaves(&[Killer::Stopped, Killer::Crash, Killer::Process, Killer::NotKilled]);
    // 128 + 32 and more are real-time signals: a status as likely.
    Case::of(&exited(60.0, 159)).answer().by("crash");
    let real_time = Case::of(&exited(60.0, 160)).answer();
    assert_eq!(real_time.verdict.candidates, []);
    let flagged = Case::of(&with(exited(60.0, 143), "/State/OOMKilled", json!(true))).answer();
    flagged.by("unknown").proves("true", "the flag tells of an OOM notification");
}

#[test]
fn a_childs_end_in_the_log_is_a_hint_beside_the_candidates() {
    let log = "[ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?\n";
    let hint = Case::of(&exited(60.0, 137)).log(log).answer();
    hint.by("unknown").proves("Worker (pid:16)", "gunicorn saw a child end by SIGKILL");
    hint.never_says("excludes memory");
    let silent = Case::of(&exited(60.0, 137)).log(log).whole_kernel(&[]).answer();
    silent.proves("Worker (pid:16)", "the kernel's log excludes memory");
}

#[test]
fn the_flag_beside_an_unexplained_end_says_little_either_way() {
    let long_before = [event(0.0, "start", &[]), event(5.0, "oom", &[]), died(60.0, 137)];
    let flagged = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    let answer = Case::of(&flagged).events(&long_before).answer();
    answer.by("unknown").proves("true", "an OOM notification, not of what ended it");
    assert!(answer.contradictions().contains("a neighbour under the same parent limit"));
}

#[test]
fn text_without_a_death_says_so() {
    let nothing = Case::pasted(&["hello\n"]).answer();
    nothing
        .says(Killer::Unknown, Confidence::Unknown)
        .in_short("nothing in this text tells of a death");
    assert_eq!(nothing.how_to_settle(), ["why137 explain NAME", "sudo dmesg | why137 explain -"]);
    let limit =
        Case::pasted(&["268435456\n", "{\"Memory\": 268435456, \"MemorySwap\": 268435456}\n"])
            .answer();
    limit
        .in_short("a memory limit of 256 MiB is set")
        .proves("268435456", "whether it was ever reached is not shown");
    let unlimited = Case::pasted(&["{\"Memory\": 0, \"MemorySwap\": 0}\n"]).answer();
    unlimited.in_short("no memory limit is set");
    let quiet = Case::pasted(&["==> memory.events <==\noom 0\noom_kill 0\n"]).answer();
    quiet.by("unknown").in_short("counted no OOM kill").proves("oom_kill 0", "since it was made");
}

#[test]
fn an_end_without_a_code_is_an_end_without_a_cause() {
    let restarted = with(running(), "/State/FinishedAt", json!(time(-5.0)));
    let answer = Case::of(&restarted).answer();
    answer.by("still-alive");
    assert_eq!(answer.findings(), [Killer::Unknown]);
    assert!(
        answer.verdict.findings[0]
            .detail
            .as_deref()
            .is_some_and(|it| it.contains("docker overwrites its exit code"))
    );
    // 255 at the daemon's own start is the daemon's.
    let lost = Case::of(&exited(60.0, 255))
        .machine(&format!("daemon-started-at: {}\n", time(59.0)))
        .answer();
    lost.by("unknown")
        .in_short("docker was down when it ended")
        .proves("255", "all that is said about the end");
}

#[test]
fn a_health_checks_owner_is_named_by_its_own_line() {
    for (line, by) in [
        (
            "05-02-2024 10:11:12 Container /web (3f9a1c5e7b2d) found to be unhealthy - Restarting container now with 10s timeout\n",
            "autoheal",
        ),
        (
            "Dec 29 13:48:23 pi systemd[1]: robot.service: Watchdog timeout (limit 30s)!\n",
            "systemd",
        ),
    ] {
        let answer = Case::pasted(&[line]).answer();
        answer.says(Killer::FailedProbe, Confidence::Likely);
        assert_eq!(answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()), Some(by));
    }
    let result = "Dec 29 13:48:23 pi systemd[1]: robot.service: Failed with result 'exit-code'.\n";
    assert_ne!(Case::pasted(&[result]).answer().verdict.killer, Killer::FailedProbe);
}

#[test]
fn an_oom_daemon_names_whom_it_killed() {
    let line = |pid: u32, comm: &str| {
        format!(
            "earlyoom[19]: sending SIGKILL to process {pid} uid 1000 \"{comm}\": oom_score 1331, VmRSS 98 MiB\n"
        )
    };
    let low = "earlyoom[19]: low memory! at or below SIGKILL limits: mem 10.00%, swap 10.00%\n";
    let answer = Case::pasted(&[&(low.to_owned() + &line(700, "serve"))]).answer();
    answer.is(Killer::OomDaemon, Level::None, Confidence::Proven).in_short("low memory!");
    answer.proves("sending SIGKILL to process 700", "earlyoom says whom it killed and why");
    assert_eq!(
        answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
        Some("earlyoom")
    );
    let victim = &answer.verdict.victims[0];
    assert_eq!(
        (victim.pid, victim.uid, victim.comm.as_deref(), victim.role),
        (Some(700), Some(1000), Some("serve"), Role::Other)
    );
    // The subject's, by its name and its end only.
    let beside = |code: i64, comm: &str| {
        Case::of(&exited(60.0, code)).add(Source::Journal, &line(4711, comm)).answer()
    };
    let likely = beside(137, "serve");
    likely.says(Killer::OomDaemon, Confidence::Likely).proves("137", "the container's end");
    assert_eq!((likely.verdict.main.fate, likely.verdict.main.signal), (Fate::Killed, Some(9)));
    beside(137, "postgres").by("unknown");
    beside(1, "serve").by("not-killed");
    // The kernel was faster than its SIGTERM.
    let both = Case::pasted(&[&line(700, "serve")]).kernel(&[Report::host(5.0).lines()]).answer();
    both.by("host-memory");
    let other = Case::pasted(&[&line(701, "serve")]).kernel(&[Report::host(5.0).lines()]).answer();
    other.by("oom-daemon");
    Case::of(&running()).add(Source::Journal, &line(700, "serve")).answer().by("still-alive");
}

#[test]
fn an_oom_daemon_that_names_the_containers_unit_is_proof() {
    let line = |id: &str| {
        format!(
            "Sep 25 19:18:11 h systemd-oomd[726]: Killed /system.slice/docker-{id}.scope due to memory used (10) / total (11) and swap used (9) / total (10) being more than 90.00%\n"
        )
    };
    let answer = Case::of(&exited(60.0, 137)).add(Source::Journal, &line(WEB)).answer();
    answer
        .says(Killer::OomDaemon, Confidence::Proven)
        .in_short("was chosen")
        .proves("systemd-oomd", "systemd-oomd says whom");
    Case::of(&exited(60.0, 137)).add(Source::Journal, &line(DB)).answer().by("unknown");
}

#[test]
fn facebooks_oomd_writes_to_the_kernel_log() {
    let line = kernel_line(
        5.0,
        "oomd kill: 58.10 39.42 15.30 system.slice/x.service 123456 ruleset:[r] detectorgroup:[d] killer:kill_by_pressure v2",
    );
    let pasted = Case::pasted(&[]).kernel(std::slice::from_ref(&line)).answer();
    pasted
        .says(Killer::OomDaemon, Confidence::Proven)
        .proves("oomd kill", "oomd says whom it killed");
    Case::of(&exited(60.0, 137)).kernel(&[line]).answer().by("unknown");
}

#[test]
fn a_killed_shim_makes_the_code_its_own() {
    let shim = |at: f64| Report {
        victim: ("containerd-shim", 90),
        task: "/system.slice/containerd.service".to_owned(),
        ..Report::host(at)
    };
    let answer = Case::of(&exited(60.0, 137)).kernel(&[shim(59.9).lines()]).answer();
    answer
        .is(Killer::Runtime, Level::None, Confidence::Likely)
        .in_short("containerd then cleans up and writes 137");
    answer
        .proves("containerd-shim", "the container's shim was killed")
        .proves("137", "the code that was written");
    answer.leaves(&[Killer::NotKilled]);
    assert!(!answer.verdict.main.exit_code_trusted);
    assert_eq!(answer.verdict.main.fate, Fate::Unknown);
    assert_eq!(
        answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
        Some("containerd")
    );
    // Another container's shim, long before or after.
    let by =
        |at: f64| Case::of(&exited(60.0, 137)).kernel(&[shim(at).lines()]).answer().verdict.rule;
    assert_eq!(
        (by(55.1), by(55.0), by(61.0), by(61.1)),
        ("runtime", "unknown", "runtime", "unknown")
    );
    // Another code is the program's own.
    Case::of(&exited(60.0, 1)).kernel(&[shim(59.9).lines()]).answer().by("not-killed");
    Case::of(&running()).kernel(&[shim(59.9).lines()]).answer().by("still-alive");
    let conmon = Report { victim: ("conmon", 90), ..shim(59.9) };
    Case::of(&exited(60.0, 137)).kernel(&[conmon.lines()]).answer().by("runtime");
    let other = Report { victim: ("sshd", 90), ..shim(59.9) };
    Case::of(&exited(60.0, 137)).kernel(&[other.lines()]).answer().by("unknown");
    // The kernel killed the main process as well: that ended it.
    let both = Case::of(&exited(60.0, 137))
        .kernel(&[shim(59.0).lines(), Report::own(59.9).lines()])
        .answer();
    both.by("own-limit");
    let trace = format!(
        "            kill-900    [001] d..1.  {:.6}: signal_generate: sig=9 errno=0 code=0 comm=containerd-shim pid=90 grp=1 res=0\n",
        3659.9
    );
    Case::of(&exited(60.0, 137))
        .add(Source::Trace, &trace)
        .answer()
        .by("runtime")
        .proves("signal_generate", "shim was killed");
}

#[test]
fn a_daemon_that_shuts_down_stops_its_containers() {
    let down = |at: f64, code: i64| {
        let line =
            format!("time=\"{}\" level=info msg=\"Processing signal 'terminated'\"\n", time(at));
        Case::of(&exited(60.0, code)).add(Source::Journal, &line)
    };
    let answer = down(50.0, 137).answer();
    answer
        .is(Killer::Runtime, Level::None, Confidence::Likely)
        .in_short("stops its containers itself");
    answer.proves("Processing signal", "the daemon was shutting down").leaves(&[Killer::NotKilled]);
    assert_eq!(
        (answer.verdict.main.fate, answer.verdict.main.exit_code_trusted),
        (Fate::Killed, true)
    );
    assert_eq!(
        answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
        Some("dockerd")
    );
    down(50.0, 143).answer().by("runtime");
    down(50.0, 1).answer().by("not-killed");
    down(30.1, 137).answer().by("runtime");
    down(30.0, 137).answer().by("unknown");
    let asked =
        down(50.0, 137).events(&[event(0.0, "start", &[]), signalled(5.0, 10), died(60.0, 137)]);
    asked.answer().by("unknown");
}
