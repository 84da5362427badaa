//! Orchestrators and service managers: the task's limit, the kubelet's order, systemd, a typed command.

use casefile::Source;
use judge::verdict::{Confidence, Killer, Level};
use serde_json::{Value, json};

use crate::case::{
    Answer, Case, DB, Report, died, docker, event, exited, kernel_line, signalled, with,
};

/// A stopped Fargate task of 1024 MiB whose first container died for memory; the containers as
/// name, hard limit and reservation in MiB.
fn fargate(launch: &str, containers: &[(&str, Option<u32>, Option<u32>)]) -> Answer {
    let told: Vec<Value> = containers
        .iter()
        .enumerate()
        .map(|(at, (name, hard, soft))| {
            let mut told = json!({"name": name, "exitCode": if at == 0 { 137 } else { 0 }});
            if at == 0 {
                told["reason"] = json!("OutOfMemoryError: Container killed due to memory usage");
            }
            if let Some(hard) = hard {
                told["memory"] = json!(hard.to_string());
            }
            if let Some(soft) = soft {
                told["memoryReservation"] = json!(soft.to_string());
            }
            told
        })
        .collect();
    let task = json!({"tasks": [{"taskArn": "arn:aws:ecs:eu-central-1:111122223333:task/demo/0123", "launchType": launch,
        "memory": "1024", "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited", "containers": told}]});
    Case::pasted(&[&task.to_string()]).answer()
}

#[test]
fn on_fargate_only_the_tasks_limit_can_have_filled_where_the_container_has_none() {
    let alone = fargate("FARGATE", &[("app", None, None)]);
    alone.is(Killer::AncestorMemoryLimit, Level::Ancestor, Confidence::Likely).leaves(&[]);
    assert_eq!(
        alone.verdict.limit_at_fault,
        Some(true),
        "its own work filled it: nobody else is there"
    );
    let shared = fargate("FARGATE", &[("app", None, None), ("envoy", None, None)]);
    shared.says(Killer::AncestorMemoryLimit, Confidence::Likely);
    assert_eq!(shared.verdict.limit_at_fault, Some(false));
    // A limit as large as the task's is none of its own.
    fargate("FARGATE", &[("app", Some(1024), None)]).by("ancestor-limit");
}

#[test]
fn on_fargate_limits_that_fit_into_the_tasks_point_at_the_containers_own() {
    let fits = [("app", Some(512), None), ("envoy", Some(512), None)];
    assert_ne!(fargate("FARGATE", &fits).verdict.rule, "ancestor-limit");
    let over = fargate("FARGATE", &[("app", Some(513), None), ("envoy", Some(512), None)]);
    over.by("ancestor-limit").leaves(&[Killer::AncestorMemoryLimit, Killer::ContainerMemoryLimit]);
    over.in_short("may use 1025 MiB together (app 513, envoy 512), the task has 1024 MiB");
    assert_eq!(over.verdict.limit_at_fault, None, "which of the two is not shown");
    let soft = fargate("FARGATE", &[("app", Some(768), None), ("envoy", None, Some(512))]);
    soft.by("ancestor-limit").in_short("(app 768, envoy 512)");
    // On EC2 the host may be full as well.
    assert_ne!(fargate("EC2", &[("app", None, None)]).verdict.killer, Killer::AncestorMemoryLimit);
}

/// A pod evicted with this message and of this class.
fn evicted(message: &str, qos: &str) -> Answer {
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Failed", "reason": "Evicted",
        "message": message, "qosClass": qos, "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}]}});
    Case::pasted(&[&pod.to_string()]).answer()
}

#[test]
fn an_eviction_for_memory_names_use_over_request_and_never_the_class_as_the_reason() {
    let low =
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 85312Ki. ";
    let over = evicted(
        &format!(
            "{low}Container web was using 300Mi, request is 100Mi, has larger consumption of memory. "
        ),
        "Burstable",
    );
    over.by("eviction").proves("", "it used 300 MiB, 200 MiB over its request of 100 MiB");
    over.proves("", "then by priority").proves("", "that it is Burstable was not asked");
    assert_eq!(over.verdict.usage.map(|it| it.0 >> 20), Some(300));
    let within =
        evicted(&format!("{low}Container web was using 100Mi, request is 100Mi. "), "Guaranteed");
    within.proves("", "within its request of 100 MiB");
    let bare = evicted(low, "BestEffort");
    bare.proves("", "takes pods over their memory request first");
    assert_eq!(bare.verdict.usage, None);
    let disk = evicted("The node was low on resource: ephemeral-storage. ", "BestEffort");
    disk.by("eviction").never_says("memory request");
}

#[test]
fn an_eviction_is_known_by_its_words_under_any_reason() {
    let told = |message: &str| {
        let event = json!({"kind": "Event", "apiVersion": "v1", "reason": "Warning", "message": message, "type": "Warning",
            "involvedObject": {"kind": "Pod", "name": "p"}, "count": 1, "lastTimestamp": "2026-11-22T10:00:58Z"});
        Case::pasted(&[&event.to_string()]).answer().verdict.rule
    };
    assert_eq!(told("The node was low on resource: memory."), "eviction");
    assert_eq!(
        told("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."),
        "eviction"
    );
    assert_eq!(
        told("Container web exceeded its local ephemeral storage limit \"1Gi\"."),
        "eviction"
    );
    assert_ne!(told("Pulled image"), "eviction");
}

#[test]
fn an_eviction_is_asked_before_what_died_inside() {
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
        "containerStatuses": [{"name": "web", "containerID": format!("containerd://{}", crate::case::WEB), "state": {"terminated": {"exitCode": 137, "reason": "Error",
        "startedAt": "2026-11-22T10:00:00Z", "finishedAt": "2026-11-22T10:01:00Z"}}}]}});
    let case = Case::web()
        .add(Source::Kubernetes, &pod.to_string())
        .kernel(&[Report::child(59.9).lines()]);
    case.answer().by("eviction");
}

#[test]
fn a_load_balancers_check_is_told_by_its_target_group() {
    let task = json!({"tasks": [{"taskArn": "arn:aws:ecs:eu-central-1:111122223333:task/demo/0123", "launchType": "EC2", "lastStatus": "STOPPED",
        "stopCode": "ServiceSchedulerInitiated", "stoppedReason": "(service web) (port 8080) is unhealthy in (target-group arn:x) due to (reason Health checks failed)",
        "containers": [{"name": "app", "exitCode": 137}]}]});
    let answer = Case::pasted(&[&task.to_string()]).answer();
    answer.by("failed-probe");
    let by = answer.verdict.killed_by.as_ref().and_then(|by| by.name.clone());
    assert_eq!(by.as_deref(), Some("ECS, by the load balancer's check"));
}

/// Lines of systemd about `robot.service`.
fn systemd(lines: &[&str]) -> Answer {
    let text: String = lines
        .iter()
        .map(|line| format!("Dec 29 13:48:23 pi systemd[1]: robot.service: {line}\n"))
        .collect();
    Case::pasted(&[&text]).answer()
}

#[test]
fn a_service_that_was_not_ready_in_time_was_stopped_for_it() {
    let start = "start operation timed out. Terminating.";
    let answer = systemd(&[start]);
    answer
        .says(Killer::FailedProbe, Confidence::Likely)
        .in_short("did not become ready within its start timeout");
    // Where that stop had to be forced, the force is what ended it.
    systemd(&[start, "State 'stop-sigterm' timed out. Killing."])
        .says(Killer::StopTimeout, Confidence::Proven);
}

#[test]
fn a_panic_for_want_of_memory_takes_every_process_with_the_machine() {
    let panic = |words: &str| kernel_line(5.0, &format!("Kernel panic - not syncing: {words}"));
    let system =
        Case::pasted(&[&panic("Out of memory: system-wide panic_on_oom is enabled")]).answer();
    system
        .is(Killer::HostOutOfMemory, Level::Host, Confidence::Likely)
        .in_short("vm.panic_on_oom is set");
    system.proves("Kernel panic", "the kernel's last words");
    let deadlock = Case::pasted(&[&panic("System is deadlocked on memory")]).answer();
    deadlock
        .says(Killer::HostOutOfMemory, Confidence::Likely)
        .in_short("found nothing that it may kill");
    assert_ne!(
        Case::pasted(&[&panic("Fatal exception in interrupt")]).answer().verdict.killer,
        Killer::HostOutOfMemory
    );
    // It answers a cgroup's limit, too: no level is shown.
    assert_ne!(
        Case::pasted(&[&panic("Out of memory: compulsory panic_on_oom is enabled")])
            .answer()
            .verdict
            .level,
        Level::Host
    );
    // Docker writes 255 for what it finds gone; another code was written before.
    let line = panic("System is deadlocked on memory").replace("3605.", "3659.");
    let found = |code: i64| {
        Case::of(&exited(60.0, code)).kernel(std::slice::from_ref(&line)).answer().verdict.rule
    };
    assert_eq!((found(255), found(1)), ("host-memory", "not-killed"));
    Case::of(&crate::case::running()).kernel(&[line]).answer().by("still-alive");
}

#[test]
fn fatal_signals_are_told_by_what_they_mean() {
    for (signal, words) in [
        (4, "an instruction that this CPU does not have"),
        (5, "a trap"),
        (6, "aborted itself"),
        (7, "/dev/shm"),
        (8, "divided by zero"),
        (11, "memory was touched"),
        (13, "a pipe or socket that nobody reads"),
        (25, "RLIMIT_FSIZE"),
        (31, "seccomp"),
        (16, "of the program's own making"),
    ] {
        Case::of(&exited(60.0, 128 + signal)).answer().by("crash").in_short(words);
    }
}

#[test]
fn an_abort_without_a_signals_code_names_no_victim() {
    let v8 = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n";
    let answer = Case::of(&exited(60.0, 126)).log(v8).answer();
    answer.by("crash");
    assert_eq!((answer.victims(), answer.verdict.main.signal), (Vec::new(), None));
}

#[test]
fn a_stop_signal_of_the_containers_own_choice_asks_and_is_obeyed() {
    let stopped = |stop: &str, signal: i32, code: i64| {
        let inspect = with(exited(60.0, code), "/Config/StopSignal", json!(stop));
        let entries = [event(0.0, "start", &[]), signalled(59.0, signal), died(60.0, code)];
        Case::of(&inspect).all_events(&entries).answer().verdict.rule
    };
    assert_eq!(stopped("SIGUSR2", 12, 0), "stopped");
    assert_eq!(stopped("SIGUSR2", 10, 0), "not-killed");
    assert_eq!(stopped("SIGRTMIN+3", 37, 0), "stopped");
    assert_eq!(stopped("SIGRTMIN+3", 38, 0), "not-killed");
    assert_eq!(stopped("SIGRTMIN", 34, 0), "stopped");
    assert_eq!(stopped("SIGRTMAX-1", 63, 0), "stopped");
    // A `stop` may bring its own.
    let entries =
        [event(0.0, "start", &[]), signalled(59.0, 10), died(60.0, 0), event(60.1, "stop", &[])];
    Case::of(&exited(60.0, 0)).all_events(&entries).answer().by("stopped");
}

#[test]
fn a_signal_that_came_with_a_stop_is_no_kill_for_certain() {
    // The stop's own signal is cut off: whether the grace ran out is not shown.
    let entries =
        [event(0.0, "start", &[]), signalled(59.9, 9), died(60.0, 137), event(60.1, "stop", &[])];
    let answer = Case::of(&exited(60.0, 137)).events(&entries).answer();
    answer
        .says(Killer::ApiKill, Confidence::Likely)
        .leaves(&[Killer::StopTimeout])
        .rules_out_only(&[]);
}

#[test]
fn a_failed_health_check_before_a_kill_is_a_hint_at_the_client() {
    let entries = |at: f64| {
        [
            event(0.0, "start", &[]),
            event(at, "health_status: unhealthy", &[]),
            signalled(59.9, 9),
            died(60.0, 137),
        ]
    };
    let answer = Case::of(&exited(60.0, 137)).all_events(&entries(50.0)).answer();
    answer
        .says(Killer::ApiKill, Confidence::Proven)
        .proves("unhealthy", "its health check had failed before");
    Case::of(&exited(60.0, 137))
        .all_events(&entries(59.95))
        .answer()
        .by("api-kill")
        .never_says("health check had failed");
}

#[test]
fn a_group_kill_tells_the_chosen_one_from_those_that_shared_its_cgroup() {
    let group =
        kernel_line(59.9, "Tasks in /docker/x are going to be killed due to memory.oom.group set");
    let second = kernel_line(
        59.9,
        "Memory cgroup out of memory: Killed process 712 (work) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0",
    );
    let both = Case::of(&exited(60.0, 137))
        .kernel(&[Report::own(59.9).lines() + &group + &second])
        .answer();
    both.proves("memory.oom.group", "serve, pid 700, was chosen, 1 more died");
    let alone = Case::of(&exited(60.0, 137)).kernel(&[Report::own(59.9).lines() + &group]).answer();
    alone.proves("memory.oom.group", "takes every process").never_says("was chosen");
}

#[test]
fn a_killed_process_of_another_container_is_a_neighbour() {
    let neighbour = Report {
        full: Some(("/docker".to_owned(), 500_000)),
        task: docker(DB),
        victim: ("postgres", 90),
        table: vec![(90, "postgres", 9000), (700, "serve", 1000)],
        ..Report::own(30.0)
    };
    let own = Report {
        full: Some(("/docker".to_owned(), 500_000)),
        table: vec![(90, "postgres", 9000), (700, "serve", 1000), (712, "work", 10)],
        ..Report::own(59.9)
    };
    let answer = Case::of(&exited(60.0, 137)).kernel(&[neighbour.lines(), own.lines()]).answer();
    answer.by("ancestor-limit");
    let known: Vec<_> =
        answer.verdict.memory.holders.iter().map(|it| (it.pid, it.killed, it.neighbour)).collect();
    assert_eq!(known, [(90, false, true), (700, true, false), (712, false, false)]);
}

/// `systemctl show robot.service` of a unit whose main process ended by itself with a status.
fn unit_that_ended(status: i64) -> Answer {
    unit(1, status)
}

/// The same by wait(2)'s word: 1 is a status, 2 a signal.
fn unit(how: u32, status: i64) -> Answer {
    unit_with("", how, status)
}

fn unit_with(start: &str, how: u32, status: i64) -> Answer {
    let state = format!(
        "{start}Result=exit-code\nExecMainStartTimestamp=Sun 2026-11-22 10:00:00.000000 UTC\n\
         ExecMainExitTimestamp=Sun 2026-11-22 10:01:00.000000 UTC\nExecMainPID=101\nExecMainCode={how}\n\
         ExecMainStatus={status}\nSlice=system.slice\nMemoryMax=infinity\nId=robot.service\n\
         LoadState=loaded\nActiveState=failed\nSubState=failed\n"
    );
    Case::pasted(&[]).add(Source::UnitState, &state).answer()
}

#[test]
fn systemds_codes_say_what_of_the_unit_could_not_be_had() {
    for (code, words) in [
        (200, "(CHDIR)"),
        (202, "(FDS)"),
        (203, "(EXEC)"),
        (205, "(LIMITS)"),
        (216, "(GROUP)"),
        (217, "(USER)"),
        (219, "(CGROUP)"),
        (226, "(NAMESPACE)"),
        (204, "one of its settings"),
        (245, "one of its settings"),
    ] {
        let answer = unit_that_ended(code);
        answer.says(Killer::NotKilled, Confidence::Likely).in_short("it could not start");
        answer.in_short(words);
    }
    for chosen in [3, 199, 246] {
        let answer = unit_that_ended(chosen);
        answer.says(Killer::NotKilled, Confidence::Proven).in_short(&format!("with {chosen}"));
    }
    // In a container the same numbers are the program's.
    Case::of(&exited(60.0, 203)).answer().in_short("it ended with 203");
}

#[test]
fn a_status_above_128_is_a_containers_where_the_unit_runs_its_client() {
    let ran = |path: &str, status: i64| {
        let start = format!(
            "ExecStart={{ path={path} ; argv[]={path} run web ; ignore_errors=no ; pid=101 ; code=exited ; status={status} }}\n"
        );
        unit_with(&start, 1, status)
    };
    for client in ["/usr/bin/docker", "/usr/bin/podman"] {
        let answer = ran(client, 137);
        answer.by("unknown").in_short("a container's client");
        answer.proves("ExecMainStatus=137", "137 is 128 + SIGKILL");
        answer.leaves(&[
            Killer::HostOutOfMemory,
            Killer::ContainerMemoryLimit,
            Killer::StopTimeout,
            Killer::ApiKill,
            Killer::Process,
            Killer::NotKilled,
        ]);
    }
    ran("/usr/bin/docker", 143).by("unknown").candidate(Killer::Stopped);
    // A program that is not known can be a client.
    unit_that_ended(137).by("unknown");
    // A status that no signal has, and a program that waits for nobody, are the program's own.
    ran("/usr/bin/docker", 125).says(Killer::NotKilled, Confidence::Proven);
    ran("/usr/bin/docker", 128).says(Killer::NotKilled, Confidence::Proven);
    ran("/usr/bin/docker", 193).says(Killer::NotKilled, Confidence::Proven);
    ran("/usr/bin/serve", 137).says(Killer::NotKilled, Confidence::Proven);
}

#[test]
fn a_panics_words_explain_the_code_that_its_runtime_gives() {
    let go = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n";
    let fatal = "fatal error: all goroutines are asleep - deadlock!\n";
    let rust = "thread 'main' panicked at src/main.rs:4:5:\n";
    let missing = "sh: 1: serve: not found\n";
    let refused = "exec /app/run: exec format error\n";
    let large = "write /data/x: file too large\n";
    let told = |log: &str, code: i64| Case::of(&exited(60.0, code)).log(log).answer();
    for (log, code, words) in [
        (go, 2, "a Go panic that nothing recovered; it ended with 2"),
        (fatal, 2, "a fatal error of the Go runtime; it ended with 2"),
        (rust, 101, "a Rust panic of the main thread; it ended with 101"),
        (missing, 1, "a command was not found; it ended with 1"),
        (refused, 1, "a program could not be run; it ended with 1"),
        (large, 3, "a file grew beyond its size limit (RLIMIT_FSIZE); it ended with 3"),
        (refused, 126, "found and could not be run"),
        (missing, 126, "126: the command was not found in the container"),
    ] {
        let answer = told(log, code);
        answer.by("not-killed").in_short(words);
        if code < 126 {
            answer.proves("", "own words");
        }
    }
    // Of another code they are no explanation.
    for (log, code) in [(go, 1), (fatal, 1), (rust, 2), (missing, 3), (refused, 3)] {
        let answer = told(log, code);
        answer.by("not-killed").never_says("own words");
        assert_eq!(answer.verdict.detail, Some(format!("it ended with {code}")));
    }
}

#[test]
fn a_panic_in_a_bare_log_ends_the_program_and_a_complaint_does_not() {
    let go = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n";
    Case::pasted(&[go]).answer().says(Killer::NotKilled, Confidence::Likely).in_short("a Go panic");
    let rust = "thread 'main' panicked at src/main.rs:4:5:\n";
    Case::pasted(&[rust]).answer().by("not-killed").in_short("a Rust panic");
    let fatal = "fatal error: all goroutines are asleep - deadlock!\n";
    Case::pasted(&[fatal]).answer().by("not-killed").in_short("a fatal error of the Go runtime");
    Case::pasted(&["sh: 1: serve: not found\n"]).answer().by("unknown");
    // A kill in the text is the answer; a report that is cut may be about this program.
    let cut = kernel_line(
        5.0,
        "serve invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    );
    assert_ne!(Case::pasted(&[rust, &cut]).answer().verdict.killer, Killer::NotKilled);
    Case::pasted(&[rust, &Report::own(5.0).lines()]).answer().by("own-limit");
}

#[test]
fn of_pasted_cgroups_the_deepest_with_a_kill_is_asked_about_and_its_full_parent_is_named() {
    let file = |folder: &str, name: &str, text: &str| {
        format!("==> /sys/fs/cgroup{folder}/{name} <==\n{text}\n\n")
    };
    let kills = |own_oom: u32, parent_oom: u32| {
        let text = [
            file(
                "/pool",
                "memory.events",
                &format!("low 0\nhigh 0\nmax 9\noom {parent_oom}\noom_kill 1"),
            ),
            file(
                "/pool/job",
                "memory.events",
                &format!("low 0\nhigh 0\nmax 0\noom {own_oom}\noom_kill 1"),
            ),
            file("/pool/idle", "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0"),
        ];
        Case::pasted(&[&text.concat()]).answer()
    };
    let own = kills(1, 1);
    own.says(Killer::OutOfMemory, Confidence::Likely);
    let above = kills(0, 1);
    above.rules_out(Killer::ContainerMemoryLimit, "own limit was never hit");
    assert_eq!(above.verdict.candidates[0].killer, Killer::AncestorMemoryLimit);
    let neither = kills(0, 0);
    neither.rules_out(Killer::ContainerMemoryLimit, "own limit was never hit");
    assert_ne!(
        above.verdict.candidates[0].because, neither.verdict.candidates[0].because,
        "a parent whose limit was hit is named"
    );
}

#[test]
fn an_oom_event_on_cgroup_v1_excludes_the_host() {
    let entries = [event(0.0, "start", &[]), event(59.9, "oom", &[]), died(60.0, 137)];
    let left = |version: &str| {
        let answer = Case::of(&exited(60.0, 137)).events(&entries).machine(version).answer();
        answer.says(Killer::OutOfMemory, Confidence::Likely);
        answer.verdict.candidates.iter().any(|it| it.killer == Killer::HostOutOfMemory)
    };
    assert!(!left("cgroup-version: 1\n") && left("cgroup-version: 2\n"));
}

#[test]
fn of_a_group_without_a_table_nobody_is_called_the_main_process_twice() {
    let second = kernel_line(
        59.9,
        "Memory cgroup out of memory: Killed process 712 (work) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0",
    );
    let group =
        kernel_line(59.9, "Tasks in /docker/x are going to be killed due to memory.oom.group set");
    let both = Case::of(&exited(60.0, 137))
        .kernel(&[Report::own(59.9).lines() + &group + &second])
        .answer();
    let mains = both.verdict.victims.iter().filter(|it| it.role == judge::verdict::Role::Main);
    assert!(mains.count() < 2, "{:#?}", both.verdict.victims);
}

#[test]
fn a_traced_kill_is_asked_before_what_died_inside() {
    let trace = "            pkill-900    [001] d..1.  3659.950000: signal_generate: sig=9 errno=0 code=0 comm=serve pid=700 grp=1 res=0\n";
    let case = Case::of(&exited(60.0, 137))
        .add(Source::Trace, trace)
        .kernel(&[Report::child(59.9).lines()]);
    case.answer().by("process");
}

#[test]
fn a_part_of_inspect_without_its_status_makes_nothing_certain() {
    let part = json!({"State": {"Running": false, "OOMKilled": false, "ExitCode": 3}});
    Case::pasted(&[&part.to_string()]).answer().says(Killer::NotKilled, Confidence::Likely);
}

#[test]
fn a_units_signal_is_known_from_the_parents_own_wait() {
    let fault = unit(2, 11);
    fault.by("crash").proves("", "SIGSEGV, by the word of the parent's own wait");
    let limit = unit(2, 24);
    limit.by("resource-limit");
    assert_eq!(limit.victims(), [Some(101)]);
    let lines = systemd(&["A process of this unit has been killed by the OOM killer."]);
    assert_eq!(lines.verdict.place.map(|it| it.to_string()).as_deref(), Some("/robot.service"));
    let line = "Dec 29 13:48:23 pi systemd[1]: robot.service: Failed with result 'timeout'.\n";
    let beside = Case::of(&exited(60.0, 3)).add(Source::Journal, line).answer();
    assert_eq!(beside.verdict.place, None, "a container's verdict is not about that unit");
}

#[test]
fn one_containers_limit_is_no_sum() {
    assert_eq!(fargate("FARGATE", &[("app", Some(1024), None)]).verdict.detail, None);
}

#[test]
fn a_pods_own_reason_tells_who_ended_it_as_a_whole() {
    let told = |reason: &str, message: &str, ended: &str| {
        let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Failed", "reason": reason,
            "message": message, "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 137, "reason": ended}}}]}});
        Case::pasted(&[&pod.to_string()]).answer()
    };
    for reason in ["Preempting", "NodeShutdown", "Shutdown", "DeadlineExceeded"] {
        told(reason, "why", "Error").says(Killer::ApiKill, Confidence::Likely).in_short(reason);
    }
    let words = "Pod was terminated in response to imminent node shutdown.";
    told("Terminated", words, "Error").says(Killer::ApiKill, Confidence::Likely).in_short(words);
    told("Terminated", "why", "Error").by("unknown");
    // The kubelet's constant is no record, whoever ended the pod.
    let lost = told("Evicted", "The node was low on resource: memory.", "ContainerStatusUnknown");
    lost.by("eviction");
    assert!(!lost.verdict.main.exit_code_trusted);
}

/// `kubectl get pods` names the pod, a part of `kubectl describe` tells of its end without the name.
#[test]
fn one_death_told_with_and_without_a_name_is_told_once() {
    let rows = "NAME                     READY   STATUS             RESTARTS         AGE\n\
                ingest-7d9f8c6b5-q2x8k   0/1     CrashLoopBackOff   17 (2m3s ago)    6h\n";
    let part = "    Last State:     Terminated\n      Reason:       Error\n      Exit Code:    137\n      \
                Started:      Mon, 10 Nov 2025 09:12:01 +0000\n      \
                Finished:     Mon, 10 Nov 2025 09:31:44 +0000\n";
    let event = "Events:\n  Type    Reason   Age                  From     Message\n  \
                 Normal  Killing  4m (x17 over 5h57m)  kubelet  Container ingest failed liveness probe, will be restarted\n";
    let answer = Case::pasted(&[&format!("{rows}\n{part}\n{event}")]).answer();
    answer.says(Killer::FailedProbe, Confidence::Likely);
    assert!(answer.verdict.findings.is_empty(), "{:#?}", answer.verdict.findings);
    // Beside another pod's death, too, and that one is told as well.
    let rows =
        format!("{rows}worker-0                 0/1     OOMKilled          3                6h\n");
    let answer = Case::pasted(&[&format!("{rows}\n{part}\n{event}")]).answer();
    answer.says(Killer::OutOfMemory, Confidence::Likely);
    assert_eq!(answer.findings(), [Killer::FailedProbe], "{:#?}", answer.verdict.findings);
}
