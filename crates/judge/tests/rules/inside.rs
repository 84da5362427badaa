//! Killed inside, or out of memory by somebody's word: supervisors, platforms, flags and counters.

use casefile::Source;
use judge::verdict::{Confidence, Fate, Killer, Level, Role};
use serde_json::json;

use crate::case::{
    Case, Report, WEB, died, event, exited, kernel_line, moment, running, signalled, with,
};

const TIMEOUT: &str = "[2026-11-22 10:00:30 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:16)\n";
const REAPED: &str = "[2026-11-22 10:00:31 +0000] [7] [ERROR] Worker (pid:16) was sent SIGKILL! Perhaps out of memory?\n";

#[test]
fn a_supervisor_that_says_it_kills_is_believed_while_the_kernel_killed_nothing() {
    let log = format!("{TIMEOUT}{REAPED}");
    let answer = Case::of(&running()).log(&log).whole_kernel(&[]).noted(false).answer();
    answer.is(Killer::Process, Level::None, Confidence::Likely).by("supervisor");
    answer
        .proves("WORKER TIMEOUT", "the supervisor says that it kills")
        .proves("Perhaps out of memory", "is a guess of the text");
    answer
        .rules_out(Killer::HostOutOfMemory, "holds no OOM kill")
        .rules_out(Killer::StopTimeout, "no signal came");
    assert_eq!(
        answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
        Some("gunicorn")
    );
    assert_eq!(
        (answer.verdict.victims[0].role, answer.verdict.victims[0].pid),
        (Role::Child, None),
        "its pid counts inside"
    );
    assert_eq!(
        (answer.verdict.main.fate, answer.verdict.limit_at_fault),
        (Fate::Alive, Some(false))
    );
    // Pasted text may come from the host itself.
    let pasted = Case::pasted(&[&log]).answer();
    assert_eq!(pasted.victims(), [Some(16)]);
    assert_eq!(Case::pasted(&[TIMEOUT]).answer().victims(), [Some(16)]);
    let ended = Case::of(&exited(60.0, 1)).log(TIMEOUT).answer();
    ended.by("supervisor").proves("1", "how the main process ended afterwards");
    assert_eq!(ended.verdict.main.fate, Fate::Exited);
    // The kernel killed: then that is the answer.
    Case::of(&running()).log(&log).kernel(&[Report::child(30.5).lines()]).answer().by("own-limit");
}

#[test]
fn the_guess_about_memory_alone_proves_nothing() {
    let answer = Case::pasted(&[REAPED]).answer();
    answer.says(Killer::Unknown, Confidence::Unknown).in_short("it does not know who sent it");
    answer.leaves(&[Killer::OutOfMemory, Killer::Process, Killer::StopTimeout]);
    answer.proves("Perhaps out of memory", "any guess about memory in it is the text's own");
    assert!(answer.how_to_settle().iter().any(|how| how.starts_with("journalctl -k")));
}

#[test]
fn a_supervisors_kill_is_asked_before_the_main_processs_own_end_and_after_the_api() {
    let history = [event(0.0, "start", &[]), signalled(59.9, 9), died(60.0, 137)];
    Case::of(&exited(60.0, 137)).all_events(&history).log(TIMEOUT).answer().by("api-kill");
    Case::of(&exited(60.0, 139)).log(TIMEOUT).answer().by("supervisor");
}

#[test]
fn a_jvm_that_kills_itself_needs_a_shell_as_pid_1() {
    let log = "java.lang.OutOfMemoryError: Java heap space\n#\n# java.lang.OutOfMemoryError: Java heap space\n# -XX:OnOutOfMemoryError=\"kill -9 %p\"\n#   Executing /bin/sh -c \"kill -9 31\"...\n";
    let ended = |path: &str, code: i64| {
        Case::of(&with(exited(60.0, code), "/Path", json!(path))).log(log).answer()
    };
    let killed = ended("java", 137);
    killed.by("supervisor").in_short("the JVM's own OnOutOfMemoryError command");
    assert_eq!(killed.verdict.victims[0].comm.as_deref(), Some("java"));
    assert_eq!(
        killed.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
        Some("java (OnOutOfMemoryError)")
    );
    ended("sh", 1).by("supervisor");
    assert_ne!(ended("java", 1).verdict.rule, "supervisor");
    assert_ne!(ended("sh", 126).verdict.rule, "supervisor");
    ended("sh", 125).by("supervisor");
}

#[test]
fn a_platform_that_measures_memory_itself_is_the_killer() {
    let yarn = "Container [pid=41,containerID=container_1_0001_01_000002] is running beyond physical memory limits. Current usage: 2.1 GB of 2 GB physical memory used; 4.0 GB of 4.2 GB virtual memory used. Killing container.\n";
    let answer = Case::pasted(&[yarn]).answer();
    answer
        .is(Killer::Process, Level::None, Confidence::Likely)
        .by("supervisor")
        .in_short("yarn watches the memory");
    answer.proves("beyond physical memory limits", "measured the memory and killed it itself");
    assert!(answer.verdict.limit.is_some() && answer.verdict.usage.is_some());
    // Cloud Run's own words are the kernel's limit.
    let run = Case::pasted(&["Memory limit of 512 MiB exceeded with 550 MiB used. Consider increasing the memory limit, see https://cloud.google.com/run/docs/configuring/memory-limits\n"]).answer();
    run.says(Killer::OutOfMemory, Confidence::Likely)
        .by("oom-level-unknown")
        .proves("exceeded", "the memory was full");
    assert_eq!(
        (
            run.verdict.limit.and_then(casefile::Limit::bytes).map(|it| it.0 >> 20),
            run.verdict.usage.map(|it| it.0 >> 20)
        ),
        (Some(512), Some(550))
    );
}

#[test]
fn a_platforms_figures_need_an_end_beside_them() {
    let lambda = |used: u32| {
        format!(
            "REPORT RequestId: 1\tDuration: 5.00 ms\tBilled Duration: 5 ms\tMemory Size: 128 MB\tMax Memory Used: {used} MB\n"
        )
    };
    let killed = "RequestId: 1 Error: Runtime exited with error: signal: killed\n";
    assert_ne!(Case::pasted(&[&lambda(128)]).answer().verdict.killer, Killer::OutOfMemory);
    Case::pasted(&[&lambda(128), killed]).answer().says(Killer::OutOfMemory, Confidence::Likely);
    assert_ne!(Case::pasted(&[&lambda(90), killed]).answer().verdict.killer, Killer::OutOfMemory);
    Case::pasted(&[&lambda(128), "exit code: 137\n"])
        .answer()
        .says(Killer::OutOfMemory, Confidence::Likely);
}

/// `web` with the OOM flag, ended with a code at 60 s.
fn flagged(code: i64) -> Case {
    Case::of(&with(exited(60.0, code), "/State/OOMKilled", json!(true)))
}

#[test]
fn the_flag_alone_is_a_likely_oom_kill_of_an_unknown_level() {
    let answer = flagged(137).noted(false).answer();
    answer.is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely).by("oom-level-unknown");
    answer.leaves(&[
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::Process,
        Killer::NotKilled,
        Killer::HostOutOfMemory,
    ]);
    answer
        .proves("true", "an OOM notification for this container's cgroup")
        .proves("137", "128 + SIGKILL, or a child's");
    answer.rules_out_only(&[Killer::StopTimeout, Killer::ApiKill]);
    assert!(
        answer
            .candidate(Killer::HostOutOfMemory)
            .because
            .contains("on cgroup v2 the flag also counts")
    );
    assert!(
        answer.how_to_settle()[0].contains("--since '2026-11-22 09:59:60 UTC'")
            || answer.how_to_settle()[0].contains("10:00:00 UTC")
    );
    assert_eq!(answer.verdict.at, Some(moment(60.0)));
    // On cgroup v1 a host-wide kill sends no notification.
    let v1 = flagged(137).machine("cgroup-version: 1\n").answer();
    v1.leaves(&[
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::Process,
        Killer::NotKilled,
    ]);
    let v2 = flagged(137).machine("cgroup-version: 2\n").answer();
    assert_eq!(v2.verdict.candidates.len(), 5);
    // The whole history is known: no kill -9 is hidden behind an earlier child's.
    let whole = flagged(137)
        .all_events(&[event(0.0, "start", &[]), event(59.9, "oom", &[]), died(60.0, 137)])
        .answer();
    whole.leaves(&[
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::HostOutOfMemory,
    ]);
}

#[test]
fn the_flag_beside_a_small_status_was_a_childs() {
    let answer = flagged(1).answer();
    answer
        .says(Killer::OutOfMemory, Confidence::Likely)
        .proves("1", "the main process was not killed; it ended with 1");
    assert_eq!(answer.verdict.main.fate, Fate::Exited);
    answer.leaves(&[
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::HostOutOfMemory,
    ]);
    assert!(answer.contradictions().contains("not the main one"));
    flagged(128).answer().by("oom-level-unknown");
    // Another signal's code is another end.
    flagged(139).answer().by("crash");
    flagged(129).answer().by("unknown");
}

#[test]
fn the_flag_is_not_enough_against_a_witness() {
    flagged(137)
        .whole_kernel(&[])
        .answer()
        .by("unknown")
        .rules_out(Killer::HostOutOfMemory, "covers this life");
    flagged(137).noted(true).answer().says(Killer::OutOfMemory, Confidence::Possible);
    // Another signal came through the API, of which nothing is known to have ended it.
    let usr1 = [event(0.0, "start", &[]), signalled(5.0, 10), died(60.0, 137)];
    assert_ne!(flagged(137).events(&usr1).answer().verdict.killer, Killer::OutOfMemory);
    // A child's kill in the log explains the flag.
    flagged(137).kernel(&[Report::child(20.0).lines()]).answer().by("unknown");
}

#[test]
fn an_oom_event_long_before_the_end_was_another_processs() {
    let history = |at: f64| [event(0.0, "start", &[]), event(at, "oom", &[]), died(60.0, 137)];
    flagged(137).events(&history(59.0)).answer().by("oom-level-unknown");
    flagged(137).events(&history(58.9)).answer().by("unknown");
    Case::of(&exited(60.0, 137))
        .events(&history(59.0))
        .answer()
        .by("oom-level-unknown")
        .proves("\"oom\"", "passed on an OOM notification");
    Case::of(&exited(60.0, 137)).events(&history(58.9)).answer().by("unknown");
    // The last one counts.
    let two = [
        event(0.0, "start", &[]),
        event(5.0, "oom", &[]),
        event(59.5, "oom", &[]),
        died(60.0, 137),
    ];
    flagged(137).events(&two).answer().by("oom-level-unknown");
    // Another code is no signal's that follows.
    Case::of(&exited(60.0, 1))
        .events(&[event(0.0, "start", &[]), event(5.0, "oom", &[]), died(60.0, 1)])
        .answer()
        .by("oom-level-unknown");
}

#[test]
fn an_oom_event_of_a_living_container_is_a_word_unless_its_counter_denies_it() {
    let entries = [event(0.0, "start", &[]), event(5.0, "oom", &[])];
    let lives = || Case::of(&running()).events(&entries);
    let answer = lives().answer();
    answer
        .is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely)
        .proves("running", "the main process runs on");
    assert_eq!(answer.verdict.at, Some(moment(5.0)));
    lives().cgroup(&[("memory.events", "oom 0\noom_kill 0")]).answer().by("still-alive");
    lives().whole_kernel(&[]).answer().by("still-alive");
    let stopped = [event(0.0, "start", &[]), event(5.0, "oom", &[]), signalled(6.0, 1)];
    Case::of(&running()).events(&stopped).answer().by("still-alive");
    // Below a shared parent cgroup v1 notifies every container.
    let shared = with(running(), "/HostConfig/CgroupParent", json!("/pool"));
    let shared = |version: &str| Case::of(&shared).events(&entries).machine(version).answer();
    shared("cgroup-version: 1\n").says(Killer::OutOfMemory, Confidence::Possible);
    shared("cgroup-version: 2\n").says(Killer::OutOfMemory, Confidence::Likely);
    lives().machine("cgroup-version: 1\n").answer().says(Killer::OutOfMemory, Confidence::Likely);
}

#[test]
fn the_kernels_counter_tells_of_a_kill_that_no_log_names() {
    let counted = |text: &str| {
        Case::of(&running())
            .cgroup(&[
                ("memory.events", text),
                ("memory.max", "268435456"),
                ("memory.peak", "268435456"),
            ])
            .answer()
    };
    let answer = counted("oom 1\noom_kill 1");
    answer
        .is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely)
        .proves("oom_kill 1", "counts OOM kills");
    assert_eq!(answer.candidate(Killer::ContainerMemoryLimit).confidence, Confidence::Likely);
    assert!(
        answer.candidate(Killer::ContainerMemoryLimit).because.contains("equals its own limit")
    );
    answer.leaves(&[
        Killer::ContainerMemoryLimit,
        Killer::AncestorMemoryLimit,
        Killer::HostOutOfMemory,
    ]);
    // Its own limit was never hit: a limit above it, or the host.
    let above = counted("oom 0\noom_kill 1");
    above
        .rules_out(
            Killer::ContainerMemoryLimit,
            "its own limit was never hit".trim_start_matches("its "),
        )
        .leaves(&[Killer::AncestorMemoryLimit, Killer::HostOutOfMemory]);
    counted("oom 0\noom_kill 0").by("still-alive");
    // A container that ended has left its counters to nobody.
    let ended =
        Case::of(&exited(60.0, 3)).cgroup(&[("memory.events", "oom 1\noom_kill 1")]).answer();
    ended.by("not-killed");
    let low = Case::of(&running())
        .cgroup(&[
            ("memory.events", "oom 1\noom_kill 1"),
            ("memory.max", "268435456"),
            ("memory.peak", "268435455"),
        ])
        .answer();
    // The peak does not show it (a page that does not fit is not counted), `oom` does.
    let own = low.candidate(Killer::ContainerMemoryLimit);
    assert_eq!(own.confidence, Confidence::Likely);
    assert!(own.because.starts_with("`oom` in memory.events"), "{own:?}");
    let killed_only = counted("oom_kill 1");
    let own = killed_only.candidate(Killer::ContainerMemoryLimit);
    assert!(!own.because.contains("`oom`"), "{own:?}");
    Case::pasted(&["==> memory.events <==\noom 1\noom_kill 1\n"]).answer().by("oom-level-unknown");
}

#[test]
fn daemons_words_for_an_oom_kill_are_heard() {
    for (line, says) in [
        (
            "Dec 29 13:48:23 pi systemd[1]: robot.service: A process of this unit has been killed by the OOM killer.\n",
            "systemd counted an OOM kill",
        ),
        (
            "Dec 29 13:48:23 pi systemd[1]: robot.service: Failed with result 'oom-kill'.\n",
            "the unit ended by an OOM kill",
        ),
        (
            "slurmstepd: error: Detected 1 oom_kill event in StepId=4711.batch. Some of the step tasks have been OOM Killed.\n",
            "a counter of OOM kills moved",
        ),
        (
            "docker: Error response from daemon: failed to create task for container: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown.\n",
            "killed for memory before it became the program",
        ),
    ] {
        let answer = Case::pasted(&[line]).answer();
        answer
            .is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely)
            .proves(line.trim_end(), says);
    }
    let unit = "Dec 29 13:48:23 pi systemd[1]: robot.service: Failed with result 'timeout'.\n";
    assert_ne!(Case::pasted(&[unit]).answer().verdict.killer, Killer::OutOfMemory);
    // A whole kernel log, or a signal through the API, speaks against it.
    let oom = format!(
        "time=\"2026-11-22T10:00:59Z\" level=info msg=\"TaskOOM event container_id:\\\"{WEB}\\\"\"\n"
    );
    let told = || Case::of(&exited(60.0, 137)).add(Source::Journal, &oom);
    told().answer().by("oom-level-unknown");
    told().whole_kernel(&[]).answer().by("unknown");
    let usr1 = [event(0.0, "start", &[]), signalled(5.0, 10), died(60.0, 137)];
    told().events(&usr1).answer().by("unknown");
}

#[test]
fn the_nodes_event_names_the_victim_but_not_the_limit() {
    let list = |reason: &str, message: &str| {
        json!({"kind": "List", "items": [{"kind": "Event", "reason": reason, "message": message, "type": "Warning",
            "involvedObject": {"kind": "Node", "name": "n1"}, "count": 1, "lastTimestamp": "2026-11-22T10:00:59Z"}]}).to_string()
    };
    let text = list("SystemOOM", "System OOM encountered, victim process: java, pid: 30112");
    let answer = Case::pasted(&[&text]).answer();
    answer
        .is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely)
        .proves("SystemOOM", "does not say whose limit");
    assert_eq!(answer.victims(), [Some(30112)]);
    assert_eq!(answer.verdict.victims[0].comm.as_deref(), Some("java"));
    let kernel = list(
        "OOMKilling",
        "Memory cgroup out of memory: Killed process 4711 (hog) total-vm:100kB, anon-rss:50kB, file-rss:0kB, shmem-rss:0kB",
    );
    let answer = Case::pasted(&[&kernel]).answer();
    answer.by("oom-level-unknown");
    let victim = &answer.verdict.victims[0];
    assert_eq!(
        (victim.pid, victim.comm.as_deref(), victim.anon_rss_kb, victim.role),
        (Some(4711), Some("hog"), Some(50), Role::Other)
    );
    assert_eq!(
        (victim.total_vm_kb, victim.file_rss_kb, victim.shmem_rss_kb),
        (Some(100), Some(0), Some(0))
    );
}

#[test]
fn an_ecs_task_tells_an_oom_where_its_container_does_not() {
    let task = |reason: &str| {
        json!({"tasks": [{"taskArn": "arn:aws:ecs:eu-central-1:111122223333:task/demo/0123", "lastStatus": "STOPPED", "launchType": "FARGATE",
            "stopCode": "EssentialContainerExited", "stoppedReason": reason, "stoppedAt": "2026-11-22T10:01:00Z",
            "containers": [{"name": "app", "exitCode": 137}]}]}).to_string()
    };
    Case::pasted(&[&task("OutOfMemoryError: Container killed due to memory usage")])
        .answer()
        .says(Killer::OutOfMemory, Confidence::Likely);
    Case::pasted(&[&task("Essential container in task exited")]).answer().by("unknown");
}

#[test]
fn a_cut_report_leaves_the_victim_open() {
    let head = kernel_line(
        5.0,
        "serve invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    );
    let answer = Case::pasted(&[&head]).answer();
    answer
        .says(Killer::Unknown, Confidence::Unknown)
        .in_short("ends before it says who died")
        .leaves(&[Killer::HostOutOfMemory]);
    answer.proves("invoked oom-killer", "who ran out, not who died");
    assert!(answer.how_to_settle()[0].contains("invoked oom-killer"));
    assert_eq!(answer.verdict.at_words.as_deref(), Some("3605.000000 s after boot"));
    let memcg = head.clone()
        + &kernel_line(5.0, "Call Trace:")
        + &kernel_line(5.0, " mem_cgroup_out_of_memory+0xe0/0x110");
    Case::pasted(&[&memcg]).answer().leaves(&[Killer::OutOfMemory]);
    let none = head + &kernel_line(5.0, "Out of memory and no killable processes...");
    let none = Case::pasted(&[&none]).answer();
    none.by("unknown").in_short("found nothing that it may kill").leaves(&[]);
}
