//! Witnesses against each other: whose word counts first, and which words are about something else.

use casefile::{Asked, CgroupPath, Source};
use judge::verdict::{Confidence, Fate, Killer, Level};
use serde_json::{Value, json};

use crate::case::{
    Answer, Case, DB, Report, WEB, died, event, exited, kernel_line, running, signalled, time,
};

const TIMEOUT: &str = "[2026-11-22 10:00:30 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:16)\n";

#[test]
fn a_kill_that_the_kernel_counted_is_asked_before_a_supervisors_word() {
    let counted = |kills: u32| {
        let events = format!("low 0\nhigh 0\nmax 9\noom {kills}\noom_kill {kills}");
        Case::of(&running())
            .log(TIMEOUT)
            .cgroup(&[("memory.events", &events)])
            .answer()
            .verdict
            .rule
    };
    assert_eq!((counted(0), counted(1)), ("supervisor", "oom-level-unknown"));
}

#[test]
fn a_supervisors_word_alone_does_not_say_how_the_main_process_ended() {
    assert_eq!(Case::pasted(&[TIMEOUT]).answer().verdict.main.fate, Fate::Unknown);
}

#[test]
fn a_platform_that_only_warns_has_not_killed() {
    let dyno = |error: &str| {
        let line = format!("2026-11-22T10:00:30.000000+00:00 heroku[web.1]: {error}\n");
        Case::pasted(&[&line]).answer().verdict.rule
    };
    assert_eq!(dyno("Error R15 (Memory quota vastly exceeded)"), "supervisor");
    assert_ne!(dyno("Error R14 (Memory quota exceeded)"), "supervisor");
}

/// The Swarm manager's word about the task of `web`.
fn swarm(inspect: &Value, error: &str) -> Answer {
    let task = json!({"ID": "x0", "ServiceID": "s0", "Slot": 1, "DesiredState": "shutdown",
        "Status": {"Timestamp": time(60.1), "State": "failed", "Message": "started", "Err": error,
            "ContainerStatus": {"ContainerID": WEB, "PID": 0, "ExitCode": 137}}});
    Case::of(inspect).add(Source::Swarm, &task.to_string()).answer()
}

#[test]
fn swarms_word_about_an_unhealthy_container_is_believed_of_one_that_ended() {
    let error = "task: non-zero exit (137): dockerexec: unhealthy container";
    let answer = swarm(&exited(60.0, 137), error);
    answer.says(Killer::FailedProbe, Confidence::Likely).in_short("unhealthy container");
    answer.proves("unhealthy", "who acted on the failed check says so");
    let by = answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref());
    assert_eq!(by, Some("swarm"));
    swarm(&exited(60.0, 137), "task: non-zero exit (137)").by("unknown");
    swarm(&running(), error).by("still-alive");
}

#[test]
fn a_machine_that_panicked_ended_what_was_being_stopped() {
    let panic = kernel_line(59.5, "Kernel panic - not syncing: System is deadlocked on memory");
    let stopping = [event(0.0, "start", &[]), signalled(59.0, 15), died(60.0, 255)];
    let case = || Case::of(&exited(60.0, 255)).events(&stopping);
    case().answer().by("stopped");
    case().kernel(&[panic]).answer().by("host-memory");
}

#[test]
fn a_dead_shims_code_is_no_proof_of_a_kill_through_the_api() {
    let shim = Report {
        victim: ("containerd-shim", 90),
        task: "/system.slice/containerd.service".to_owned(),
        ..Report::host(59.9)
    };
    let noted = || Case::of(&exited(60.0, 137)).noted(true);
    noted().answer().by("api-kill");
    noted().kernel(&[shim.lines()]).answer().by("runtime");
}

/// A stopped Fargate task whose container died for memory.
fn task(memory: &str, stop_code: &str, launch: &str) -> Answer {
    let task = json!({"tasks": [{"taskArn": "arn:aws:ecs:eu-central-1:111122223333:task/demo/0123", "launchType": launch,
        "memory": memory, "lastStatus": "STOPPED", "stopCode": stop_code, "stoppedReason": "why",
        "containers": [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}]}]});
    Case::pasted(&[&task.to_string()]).answer()
}

#[test]
fn a_fargate_task_that_was_taken_away_did_not_end_by_its_limit() {
    task("1024", "EssentialContainerExited", "FARGATE").by("ancestor-limit");
    task("1024", "SpotInterruption", "FARGATE").by("api-kill");
}

#[test]
fn a_task_whose_memory_is_0_has_no_limit() {
    let candidate = |memory: &str, launch: &str| {
        let answer = task(memory, "EssentialContainerExited", launch);
        answer.by("oom-level-unknown");
        answer.verdict.candidates[0].killer
    };
    assert_eq!(candidate("0", "FARGATE"), Killer::ContainerMemoryLimit);
    assert_eq!(candidate("0", "EC2"), Killer::ContainerMemoryLimit);
    assert_eq!(candidate("1024", "EC2"), Killer::AncestorMemoryLimit);
}

/// A file of a cgroup as it is pasted.
fn file(folder: &str, name: &str, text: &str) -> String {
    format!("==> /sys/fs/cgroup{folder}/{name} <==\n{text}\n\n")
}

fn control(kills: u32) -> String {
    format!("oom_kill_disable 0\nunder_oom 0\noom_kill {kills}")
}

/// `web` runs, on cgroup v1; kills as its own cgroup counts them, and those inside it.
fn nested(own: u32, inside: &[(&str, u32)]) -> Answer {
    let folder = format!("/sys/fs/cgroup/memory/docker/{WEB}");
    let own = control(own);
    let mut case = Case::of(&running()).cgroup_at(&folder, &[("memory.oom_control", &own)]);
    for (name, kills) in inside {
        let folder = name.strip_prefix('^').map_or_else(
            || format!("{folder}/{name}"),
            |name| format!("/sys/fs/cgroup/memory/docker/{name}"),
        );
        case = case.cgroup_at(&folder, &[("memory.oom_control", &control(*kills))]);
    }
    case.answer()
}

#[test]
fn on_cgroup_v1_a_kill_inside_counts_where_the_containers_own_count_is_0() {
    let quiet = nested(0, &[("build", 0)]);
    quiet.says(Killer::StillAlive, Confidence::Proven);
    let inside = nested(0, &[("idle", 0), ("build", 3)]);
    inside.is(Killer::OutOfMemory, Level::Unknown, Confidence::Likely).proves("oom_kill 3", "");
    nested(0, &[("build", 1)]).by("oom-level-unknown").proves("oom_kill 1", "");
    // Its own kill is nearer.
    nested(2, &[("build", 3)]).by("oom-level-unknown").proves("oom_kill 2", "");
    // Inside another container, or above both.
    let neighbour = format!("^{DB}/build");
    nested(0, &[(&neighbour, 3)]).says(Killer::StillAlive, Confidence::Proven);
    nested(0, &[(&format!("^{DB}"), 3)]).says(Killer::StillAlive, Confidence::Proven);
    nested(0, &[("^", 3)]).says(Killer::StillAlive, Confidence::Proven);
}

#[test]
fn other_numbers_of_a_cgroup_inside_are_no_kills() {
    let folder = format!("/sys/fs/cgroup/memory/docker/{WEB}");
    let busy = "oom_kill_disable 1\nunder_oom 1\noom_kill 0";
    let own = control(0);
    let case = Case::of(&running()).cgroup_at(&folder, &[("memory.oom_control", &own)]).cgroup_at(
        &format!("{folder}/build"),
        &[("memory.oom_control", busy), ("memory.failcnt", "9"), ("memory.events", "oom_kill 5")],
    );
    case.answer().by("still-alive");
}

/// A service that runs, with the counters of these cgroups (v1).
fn service(counters: &[(&str, u32)]) -> Answer {
    let asked = Asked {
        name: Some("robot.service".to_owned()),
        unit: Some("robot.service".to_owned()),
        cgroup: CgroupPath::parse("/system.slice/robot.service"),
        ..Asked::default()
    };
    let state = "Id=robot.service\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=700\nExecMainPID=700\n\
         ExecMainStartTimestamp=Sun 2026-11-22 10:00:00.000000 UTC\nSlice=system.slice\n";
    let mut case = Case::asked(asked).add(Source::UnitState, state);
    for (folder, kills) in counters {
        let folder = format!("/sys/fs/cgroup/memory{folder}");
        case = case.cgroup_at(&folder, &[("memory.oom_control", &control(*kills))]);
    }
    case.answer()
}

#[test]
fn a_services_counters_are_those_of_its_own_cgroup_and_of_what_is_inside() {
    let own = "/system.slice/robot.service";
    service(&[("/system.slice", 4), (own, 0)]).by("still-alive");
    service(&[("/system.slice", 4), (own, 2)]).by("oom-level-unknown").proves("oom_kill 2", "");
    service(&[("/system.slice/other.service", 4), (own, 0), (&format!("{own}/job"), 3)])
        .by("oom-level-unknown")
        .proves("oom_kill 3", "");
    service(&[("/system.slice/other.service/job", 4), (own, 0)]).by("still-alive");
}

#[test]
fn of_pasted_cgroups_only_a_kill_makes_one_the_question() {
    let events = |kills: u32, more: &str| format!("low 0\n{more}\nmax 9\noom 1\noom_kill {kills}");
    let text = [
        file("/pool", "memory.events", &events(1, "high 0")),
        file("/pool/job", "memory.events", &events(0, "high 900")),
        file("/pool/job/part", "memory.current", "4096"),
        file("/pool/job/part", "memory.stat", "anon 4096\noom_kill 7"),
    ];
    let answer = Case::pasted(&[&text.concat()]).answer();
    answer.says(Killer::OutOfMemory, Confidence::Likely).proves("oom_kill 1", "");
}

#[test]
fn a_parent_is_named_only_where_its_own_limit_was_hit() {
    let above = |parent: u32| {
        let events = |oom: u32| format!("low 0\nhigh 0\nmax 0\noom {oom}\noom_kill 1");
        let text = [
            file("/pool", "memory.events", &events(parent)),
            file("/pool/job", "memory.events", &events(0)),
        ];
        let answer = Case::pasted(&[&text.concat()]).answer();
        let above = answer.candidate(Killer::AncestorMemoryLimit);
        (above.confidence, above.because.clone())
    };
    for hits in [1, 7] {
        assert_eq!(
            above(hits),
            (Confidence::Likely, "the limit of /pool, above it, was hit".to_owned())
        );
    }
    assert_eq!(above(0).0, Confidence::Possible);
}
