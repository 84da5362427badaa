use casefile::{Bytes, ContainerId};
use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Vec<Sighting> {
    super::read(&Text::new(text))
}

const ID: &str = "9f1c2b7de0a4438fa1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718";

fn id() -> Option<ContainerId> {
    ContainerId::parse(ID)
}

fn all(text: &str) -> Vec<DaemonLine> {
    read(text)
        .into_iter()
        .map(|sighting| match sighting.record {
            Record::Daemon(line) => line,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn one(text: &str) -> DaemonLine {
    let mut found = all(text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    found.remove(0)
}

#[test]
fn docker_gave_up_waiting() {
    let escalated = |container, grace_seconds| DaemonLine::StopEscalated {
        container,
        grace_seconds,
        by: "dockerd".to_owned(),
    };
    let line = format!(
        "time=\"2024-02-06T00:00:00.000000000+09:00\" level=info msg=\"Container failed to exit within 10s of signal 15 - using the force\" container={ID}"
    );
    for text in [
        line.clone(),
        format!("Feb 06 00:00:00 host dockerd[814]: {line}"),
        format!("Container {ID} failed to exit within 10 seconds of signal 15 - using the force"),
        format!(
            "{{\"container\":\"{ID}\",\"level\":\"info\",\"msg\":\"Container failed to exit within 10s of signal 15 - using the force\",\"time\":\"2024-02-06T00:00:00Z\"}}"
        ),
    ] {
        assert_eq!(one(&text), escalated(id(), Some(10)), "{text}");
    }
    let text =
        "Oct 21 00:34:09 - Container failed to exit within 10s of signal 15 - using the force";
    assert_eq!(one(text), escalated(None, Some(10)));
    let text = "level=warning msg=\"Container failed to stop after sending signal 15 to the process, force killing\" time=x";
    assert_eq!(one(text), escalated(None, None));
    let at = read(&line)[0].at;
    assert_eq!(at, Moment::parse("2024-02-05T15:00:00Z").map(Stamp::Wall));
}

#[test]
fn docker_shuts_down_and_shims_go() {
    for text in [
        "time=\"2024-02-06T00:00:00Z\" level=info msg=\"Processing signal 'terminated'\"",
        "Feb 06 00:00:00 host dockerd[814]: time=\"2024-02-06T00:00:00Z\" level=info msg=\"Daemon shutdown complete\"",
        "Feb 06 00:00:00 host systemd[1]: Stopping docker.service - Docker Application Container Engine...",
    ] {
        assert_eq!(one(text), DaemonLine::DaemonShutdown { by: "dockerd".to_owned() }, "{text}");
    }
    let gone = format!(
        "time=\"2024-02-06T00:00:00Z\" level=info msg=\"shim disconnected\" id={ID} namespace=moby"
    );
    assert_eq!(one(&gone), DaemonLine::ShimGone { container: id() });
    let quiet = format!(
        "time=\"2024-02-06T00:00:00Z\" level=info msg=\"ignoring event\" container={ID} module=libcontainerd namespace=moby topic=/tasks/delete type=\"*events.TaskDelete\""
    );
    assert_eq!(all(&quiet), []);
}

#[test]
fn containerd_and_crio_tell_of_requests() {
    let containerd = |words: String| {
        one(&format!(
            "Feb 06 00:00:00 n containerd[9]: time=\"2024-02-06T00:00:00Z\" level=info msg=\"{words}\""
        ))
    };
    assert_eq!(
        containerd(format!("StopContainer for \\\"{ID}\\\" with timeout 30 (s)")),
        DaemonLine::StopRequested {
            container: id(),
            grace_seconds: Some(30),
            by: "containerd".to_owned()
        }
    );
    assert_eq!(
        containerd(format!("Stop container \\\"{ID}\\\" with signal terminated")),
        DaemonLine::StopRequested {
            container: id(),
            grace_seconds: None,
            by: "containerd".to_owned()
        }
    );
    assert_eq!(
        containerd(format!("Kill container \\\"{ID}\\\"")),
        DaemonLine::KillRequested { container: id(), by: "containerd".to_owned(), reason: None }
    );
    let debug = |signal: i32| {
        format!("time=\"x\" level=debug msg=\"Sending kill signal {signal} to container {ID}\"")
    };
    let by = || "dockerd".to_owned();
    let kill = DaemonLine::KillRequested { container: id(), by: by(), reason: None };
    assert_eq!(one(&debug(9)), kill);
    let stop = DaemonLine::StopRequested { container: id(), grace_seconds: None, by: by() };
    assert_eq!(one(&debug(15)), stop);
    let oom = DaemonLine::RuntimeOom { container: id(), at_start: false };
    assert_eq!(
        containerd(format!("TaskOOM event &TaskOOM{{ContainerID:{ID},XXX_unrecognized:[],}}")),
        oom
    );
    assert_eq!(containerd(format!("TaskOOM event container_id:\\\"{ID}\\\"")), oom);
    let stop = format!(
        "time=\"2024-02-06 00:00:00.1Z\" level=info msg=\"Stopping container: {ID} (timeout: 30s)\" file=\"server/container_stop.go:21\""
    );
    assert_eq!(
        one(&stop),
        DaemonLine::StopRequested {
            container: id(),
            grace_seconds: Some(30),
            by: "cri-o".to_owned()
        }
    );
    let timeout = format!(
        "time=\"x\" level=warning msg=\"Stopping container {ID} with stop signal timed out. Killing\" file=\"x.go:1\""
    );
    assert_eq!(
        one(&timeout),
        DaemonLine::StopEscalated { container: id(), grace_seconds: None, by: "cri-o".to_owned() }
    );
}

#[test]
fn a_start_that_the_limit_ended_is_told_apart() {
    let text = "docker: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown.";
    assert_eq!(one(text), DaemonLine::RuntimeOom { container: None, at_start: true });
    let logged = format!(
        "time=\"2024-02-06T00:00:00Z\" level=error msg=\"Handler for POST /start returned error\" container={ID} error=\"container init was OOM-killed (memory limit too low?)\""
    );
    assert_eq!(one(&logged), DaemonLine::RuntimeOom { container: id(), at_start: true });
}

#[test]
fn podman_conmon_and_the_kubelet_kill() {
    let text = "time=\"2024-02-06T00:00:00Z\" level=warning msg=\"StopSignal SIGTERM failed to stop container web in 10 seconds, resorting to SIGKILL\"";
    assert_eq!(
        one(text),
        DaemonLine::StopEscalated {
            container: None,
            grace_seconds: Some(10),
            by: "podman".to_owned()
        }
    );
    let oom = "Feb 06 00:00:00 h conmon[5]: conmon 9f1c2b7de0a4438fa1b2 <ninfo>: OOM received";
    assert_eq!(
        one(oom),
        DaemonLine::RuntimeOom {
            container: ContainerId::parse("9f1c2b7de0a4438fa1b2"),
            at_start: false
        }
    );
    let by = || "kubelet".to_owned();
    let stopped = DaemonLine::StopRequested { container: id(), grace_seconds: Some(30), by: by() };
    let structured = format!(
        "Feb 06 00:00:00 n kubelet[7]: I0206 00:00:00.123456    1234 kuberuntime_container.go:779] \"Killing container with a grace period\" pod=\"a/b\" podUID=\"x\" containerName=\"c\" containerID=\"containerd://{ID}\" gracePeriod=30"
    );
    assert_eq!(one(&structured), stopped);
    let at_once = structured.replace("gracePeriod=30", "gracePeriod=0");
    let killed = DaemonLine::KillRequested { container: id(), by: by(), reason: None };
    assert_eq!(one(&at_once), killed);
    let plain = format!(
        "I0206 00:00:00.123456    1234 kuberuntime_container.go:553] Killing container \"docker://{ID}\" with a 30 second grace period"
    );
    assert_eq!(one(&plain), stopped);
    assert_eq!(all("\"Container failed liveness probe, will be restarted\" pod=\"a/b\""), []);
}

#[test]
fn nomad_tells_how_long_it_waits() {
    let line = "2026-05-04T10:00:00Z  Killing  Sent interrupt. Waiting 5s before force killing";
    let by = "nomad".to_owned();
    let asked = DaemonLine::StopRequested { container: None, grace_seconds: Some(5), by };
    assert_eq!(one(line), asked);
    assert_eq!(all("2026-05-04T10:00:06Z  Killed  Task successfully killed"), []);
    assert_eq!(all("2026-05-04T10:00:00Z  Killing  Sent interrupt. Waiting 5s for the next"), []);
}

#[test]
fn systemd_tells_how_a_unit_ended() {
    let unit = || "robot.service".to_owned();
    let journal =
        |words: &str| one(&format!("Dec 29 13:48:23 pi systemd[1]: robot.service: {words}"));
    for words in [
        "State 'stop-sigterm' timed out. Killing.",
        "State 'stop-final-sigterm' timed out. Killing.",
        "stop-sigterm timed out. Killing.",
        "Stopping timed out. Killing.",
    ] {
        assert_eq!(journal(words), DaemonLine::UnitStopTimeout { unit: unit() }, "{words}");
    }
    assert_eq!(
        journal("Killing process 410 (a (b) c) with signal SIGKILL."),
        DaemonLine::UnitKilling { unit: unit(), pid: 410, comm: Some("a (b) c".to_owned()) }
    );
    assert_eq!(
        journal("Main process exited, code=killed, status=9/KILL"),
        DaemonLine::UnitMainExited { unit: unit(), code: "killed".to_owned(), status: Some(9) }
    );
    assert_eq!(
        journal("Failed with result 'oom-kill'."),
        DaemonLine::UnitResult { unit: unit(), result: "oom-kill".to_owned() }
    );
    assert_eq!(
        journal("Watchdog timeout (limit 30s)!"),
        DaemonLine::UnitResult { unit: unit(), result: "watchdog".to_owned() }
    );
    assert_eq!(
        journal("A process of this unit has been killed by the OOM killer."),
        DaemonLine::UnitOomKill { unit: unit() }
    );
    assert_eq!(
        journal("Killed unit cgroup with SIGKILL on client request."),
        DaemonLine::UnitKilledByClient { unit: unit() }
    );
    assert_eq!(
        one("Dec 29 13:48:23 pi systemd[1]: Stopping Robot control..."),
        DaemonLine::UnitStopping { unit: "Robot control".to_owned() }
    );
    for words in [
        "Consumed 2.001s CPU time, 123.8M memory peak",
        "State 'stop-sigterm' timed out. Skipping SIGKILL.",
    ] {
        assert_eq!(all(&format!("robot.service: {words}")), [], "{words}");
    }
}

#[test]
fn lines_without_a_prefix_are_read_each() {
    let text = "worker.service: State 'stop-sigterm' timed out. Killing.\nworker.service: Killing process 12 (worker) with signal SIGKILL.\nworker.service: Failed with result 'timeout'.\n";
    let found = read(text);
    assert_eq!(found.len(), 3, "{found:#?}");
    for (sighting, line) in found.iter().zip(text.lines()) {
        assert_eq!(sighting.span.of(text), Some(line));
    }
}

#[test]
fn oom_daemons_name_what_they_killed() {
    let pressure = one(
        "Killed /user.slice/user-1000.slice/app.scope due to memory pressure for /user.slice being 55.27% > 50.00% for > 20s with reclaim activity",
    );
    assert!(
        matches!(&pressure, DaemonLine::OomDaemonKill { daemon: OomDaemon::SystemdOomd, unit: Some(unit), reason: Some(_), .. } if unit.ends_with("app.scope")),
        "{pressure:?}"
    );
    for text in [
        "Sep 25 19:18:11 h systemd-oomd[726]: Killed /a.slice/b.scope due to memory used (10) / total (11) and swap used (9) / total (10) being more than 90.00%",
        "19:46:58 systemd-oomd[726]: Marked /a/b.scope for killing due to memory used (10) / total (11) and swap used (9) / total (10) being more than 90.00%",
        "Sep 25 19:18:11 h systemd[999]: app-x\\x2dy-1.scope: systemd-oomd killed 17 process(es) in this unit.",
    ] {
        assert!(
            matches!(
                one(text),
                DaemonLine::OomDaemonKill { daemon: OomDaemon::SystemdOomd, unit: Some(_), .. }
            ),
            "{text}"
        );
    }
    let early = one(
        "earlyoom[19]: low memory! at or below SIGTERM limits: mem 10.00%, swap 10.00%\nearlyoom[19]: sending SIGTERM to process 1639 uid 991 \"a \"b\": c\": oom_score 1331, oom_score_adj 500, VmRSS 3287 MiB, cmdline \"x\"\n",
    );
    assert!(
        matches!(&early, DaemonLine::OomDaemonKill { daemon: OomDaemon::Earlyoom, pid: Some(1639), uid: Some(991), signal: Some(15), rss: Some(Bytes(rss)), reason: Some(reason), .. } if *rss == 3287 << 20 && reason.starts_with("low memory!")),
        "{early:?}"
    );
    let older = one("sending SIGKILL to process 1639 \"rustc\": badness 950, VmRSS 3287 MiB");
    assert!(
        matches!(&older, DaemonLine::OomDaemonKill { comm: Some(comm), signal: Some(9), rss: Some(_), .. } if comm == "rustc")
    );
    let oldest = one("Feb 06 00:00:00 h earlyoom[3]: Killing process 4711 (chrome)");
    assert!(
        matches!(&oldest, DaemonLine::OomDaemonKill { pid: Some(4711), comm: Some(comm), .. } if comm == "chrome")
    );
}

#[test]
fn lesser_oom_daemons_are_read_and_measurements_are_not_kills() {
    let oomd = one(
        "oomd kill: 58.10 39.42 15.30 system.slice/x.service 123456 ruleset:[r] detectorgroup:[d] killer:kill_by_pressure v2",
    );
    assert!(
        matches!(&oomd, DaemonLine::OomDaemonKill { daemon: OomDaemon::Oomd, unit: Some(unit), rss: Some(Bytes(123_456)), .. } if unit == "system.slice/x.service")
    );
    let nohang = one(
        "Found a process with highest badness:\n  PID: 4711, Name: stress, badness: 950\n\nImplementing a corrective action:\n\n  Sending SIGTERM to the victim\n",
    );
    assert!(
        matches!(
            &nohang,
            DaemonLine::OomDaemonKill {
                daemon: OomDaemon::Nohang,
                pid: Some(4711),
                signal: Some(15),
                ..
            }
        ),
        "{nohang:?}"
    );
    assert!(matches!(
        one("[ OK ] Sending SIGKILL to stress, pid 4711"),
        DaemonLine::OomDaemonKill {
            daemon: OomDaemon::Nohang,
            pid: Some(4711),
            signal: Some(9),
            ..
        }
    ));
    for text in [
        "systemd-oomd[726]: Considered 21 cgroups for killing, top candidates were:",
        "earlyoom[19]: low memory! at or below SIGTERM limits: mem 10.00%, swap 10.00%",
        "earlyoom[19]: process 1639069 exited after 0.100 seconds",
        "Killed process 4711 (x) total-vm:1kB, anon-rss:1kB due to memory",
        "Killing process 4711 (chrome)",
    ] {
        assert_eq!(all(text), [], "{text}");
    }
}

#[test]
fn counters_controllers_and_senders() {
    let slurm = |count| DaemonLine::OomCounted { by: "slurm".to_owned(), count };
    assert_eq!(
        one(
            "slurmstepd: error: Detected 1 oom_kill event in StepId=4711.batch. Some of the step tasks have been OOM Killed."
        ),
        slurm(Some(1))
    );
    assert_eq!(
        one("slurmstepd: error: Detected 3 oom-kill event(s) in step 4711.batch cgroup."),
        slurm(Some(3))
    );
    assert!(
        matches!(one("web.1  image  node  Shutdown  Failed 2 minutes ago  \"task: non-zero exit (137): dockerexec: unhealthy container\""), DaemonLine::UnhealthyKill { by, .. } if by == "swarm")
    );
    let heal = one(
        "05-02-2024 10:11:12 Container /web (9f1c2b7de0a4) found to be unhealthy - Restarting container now with 10s timeout",
    );
    assert_eq!(
        heal,
        DaemonLine::UnhealthyKill {
            container: ContainerId::parse("9f1c2b7de0a4"),
            by: "autoheal".to_owned()
        }
    );
    let audit = "type=SYSCALL msg=audit(1707174000.123:4711): arch=c000003e syscall=62 success=yes exit=0 a0=1f5 a1=9 a2=0 a3=0 items=0 ppid=1 pid=4242 auid=1000 uid=0 gid=0 comm=\"kill\" exe=\"/usr/bin/kill\" key=\"k\"\ntype=OBJ_PID msg=audit(1707174000.123:4711): opid=501 oauid=-1 ouid=0 oses=-1 ocomm=\"sleep\"\n";
    assert_eq!(
        one(audit),
        DaemonLine::SignalSentBy {
            comm: Some("kill".to_owned()),
            pid: Some(4242),
            uid: Some(0),
            login_uid: Some(1000),
            signal: Some(9),
            target_pid: Some(501),
            target_comm: Some("sleep".to_owned()),
        }
    );
    assert_eq!(read(audit)[0].at, Moment::from_micros(1_707_174_000_123_000).map(Stamp::Wall));
    assert_eq!(
        all("type=SYSCALL msg=audit(1.1:1): arch=c000003e syscall=59 success=yes a0=1 a1=9 pid=1"),
        []
    );
    assert!(matches!(
        one(
            "Feb 06 00:00:00 h sudo[9]: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/kill -9 4711"
        ),
        DaemonLine::SignalSentBy { signal: Some(9), target_pid: Some(4711), .. }
    ));
}

#[test]
fn another_programs_words_do_not_count() {
    for text in [
        "Feb 06 00:00:00 h myapp[5]: Container failed to exit within 10s of signal 15 - using the force",
        "Feb 06 00:00:00 h myapp[5]: robot.service: State 'stop-sigterm' timed out. Killing.",
        "Feb 06 00:00:00 h kernel: robot.service: State 'stop-sigterm' timed out. Killing.",
        "[   12.500000] sending SIGKILL to process 1639 \"rustc\": badness 950, VmRSS 3287 MiB",
        "Stopping server...",
        "app | Killing container",
        "Killed 3 rows due to age",
        "Feb 06 00:00:00 h nginx[5]: Processing signal 'terminated'",
    ] {
        assert_eq!(all(text), [], "{text}");
    }
}

fn valid(text: &str) {
    for sighting in read(text) {
        assert!(sighting.span.of(text).is_some(), "{sighting:?}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,120}") {
        valid(&text);
    }

    #[test]
    fn words_in_any_order_do_not_panic(words in proptest::collection::vec(
        proptest::sample::select(vec!["msg=\"", "level=", "time=", "\\", "\"", "a.service:", "Killing", "process", "Sending SIGKILL to",
            "Marked", "due to", "type=SYSCALL", "audit(", "1.2:3)", "syscall=62", "a1=9", "COMMAND=", "kill", "\n", "é", "VmRSS", "(", ")", "{", "}"]), 0..40)) {
        valid(&words.join(" "));
    }
}

#[test]
fn containerds_kill_behind_a_stop_with_a_timeout_is_the_end_of_its_wait() {
    let line = |words: &str| {
        format!("time=\"2026-05-04T10:00:00Z\" level=info msg=\"{words}\"\n").replace("ID", ID)
    };
    let asked =
        |seconds: u64| line(&format!("StopContainer for \\\"ID\\\" with timeout {seconds} (s)"));
    let signalled = line("Stop container \\\"ID\\\" with signal terminated");
    let killed = line("Kill container \\\"ID\\\"");
    let escalated = |grace_seconds| DaemonLine::StopEscalated {
        container: id(),
        grace_seconds,
        by: "containerd".to_owned(),
    };
    let waited = all(&[asked(30), signalled.clone(), killed.clone()].concat());
    assert_eq!(waited.last(), Some(&escalated(Some(30))));
    assert_eq!(all(&[signalled, killed.clone()].concat()).last(), Some(&escalated(None)));
    let at_once = all(&[asked(0), killed.clone()].concat());
    assert!(matches!(at_once.last(), Some(DaemonLine::KillRequested { .. })), "{at_once:?}");
    assert!(matches!(one(&killed), DaemonLine::KillRequested { .. }));
}

#[test]
fn an_escalation_is_read_in_older_and_newer_words() {
    let unit = |unit: &str| DaemonLine::UnitStopTimeout { unit: unit.to_owned() };
    assert_eq!(
        one("Nov 02 08:12:31 h systemd[1]: ora.service stop-sigterm timed out. Killing."),
        unit("ora.service")
    );
    assert_eq!(one("ora.service: State 'final-sigterm' timed out. Killing."), unit("ora.service"));
    assert!(all("the ora.service stop-sigterm timed out. Killing.").is_empty());
    let crio = format!(
        "level=warning msg=\"Stopping container {ID} with stop signal timed out: timeout reached after 30 seconds waiting for container process to exit\""
    );
    let escalated = |container, by: &str| DaemonLine::StopEscalated {
        container,
        grace_seconds: Some(30),
        by: by.to_owned(),
    };
    assert_eq!(one(&crio), escalated(id(), "cri-o"));
    assert_eq!(
        one(
            "2026-05-04T10:00:30.1+00:00 heroku[web.1]: Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM"
        ),
        escalated(None, "heroku")
    );
}

#[test]
fn nomad_acts_on_a_check_and_the_plain_check_is_no_act() {
    let by = "nomad".to_owned();
    assert_eq!(
        one("2026-05-04T09:59:58Z  Restart Signaled  healthcheck: check \"alive\" unhealthy"),
        DaemonLine::UnhealthyKill { container: None, by }
    );
    assert!(all("healthcheck: check \"alive\" unhealthy").is_empty());
}

#[test]
fn an_oom_daemons_kill_is_read_behind_its_own_place_and_in_lower_case() {
    let oomd = one(
        "Apr 12 20:40:03 h oomd[14]: [../src/oomd/Log.cpp:119] oomd kill: 7.09 2.07 0.46 user.slice/x.scope 691 ruleset:[a] detectorgroup:[b]",
    );
    let DaemonLine::OomDaemonKill { daemon: OomDaemon::Oomd, unit, .. } = oomd else {
        panic!("{oomd:?}")
    };
    assert_eq!(unit.as_deref(), Some("user.slice/x.scope"));
    let nohang = one("PID: 90, name: mysqld, badness: 849\nSending SIGKILL to the victim");
    let DaemonLine::OomDaemonKill { daemon: OomDaemon::Nohang, pid, comm, .. } = nohang else {
        panic!("{nohang:?}")
    };
    assert_eq!((pid, comm.as_deref()), (Some(90), Some("mysqld")));
}

#[test]
fn slurms_accounting_counts_an_oom_kill() {
    let counted = DaemonLine::OomCounted { by: "slurm".to_owned(), count: None };
    for row in ["88123.batch     batch  OUT_OF_ME+    0:125", "88123 train OUT_OF_MEMORY 0:125"] {
        assert_eq!(one(row), counted, "{row}");
    }
    assert!(all("the job was OUT_OF_MEMORY").is_empty());
    assert!(all("88123 train OUT_OF_STOCK").is_empty());
}

#[test]
fn a_dry_run_kills_nobody() {
    let announced = "Jun 12 06:39:16 h earlyoom[7]: sending SIGTERM to process 696 uid 1001 \"ipfs\": badness 757, VmRSS 637 MiB\n";
    let dry = "Jun 12 06:39:16 h earlyoom[7]: dryrun, not actually sending any signal\n";
    assert_eq!(all(announced).len(), 1);
    assert!(all(&[announced, dry].concat()).is_empty());
    assert_eq!(all(&[announced, dry, announced].concat()).len(), 1);
}

#[test]
fn a_manual_is_not_podmans_word() {
    for text in [
        "After that time podman tries the StopSignal, resorting to SIGKILL",
        "--time  seconds to wait before resorting to SIGKILL",
    ] {
        assert!(all(text).is_empty(), "{text}");
    }
    let old = one(
        "time=\"x\" level=warning msg=\"Timed out stopping container web with SIGTERM, resorting to SIGKILL\"",
    );
    assert!(matches!(old, DaemonLine::StopEscalated { .. }), "{old:?}");
}

#[test]
fn systemds_lines_mark_where_a_run_begins_and_which_time_ran_out() {
    let journal = |message: &str| one(&format!("Nov 22 17:46:38 h systemd[1]: {message}"));
    let unit = || "watch.service".to_owned();
    assert_eq!(
        journal("Starting watch.service - Lab watch..."),
        DaemonLine::UnitStarted { unit: unit(), ready: false }
    );
    assert_eq!(
        journal("Started watch.service - Lab watch."),
        DaemonLine::UnitStarted { unit: unit(), ready: true }
    );
    assert_eq!(
        journal("watch.service: Service reached runtime time limit. Stopping."),
        DaemonLine::UnitTimeLimit { unit: unit(), at_start: false }
    );
    assert_eq!(
        journal("watch.service: start operation timed out. Terminating."),
        DaemonLine::UnitTimeLimit { unit: unit(), at_start: true }
    );
    assert_eq!(
        journal("watch.service: Deactivated successfully."),
        DaemonLine::UnitDeactivated { unit: unit() }
    );
    // A description alone names no unit, and a program may say the same words.
    assert!(all("Nov 22 17:46:38 h systemd[1]: Started Lab watch.").is_empty());
    assert!(all("Nov 22 17:46:38 h app[7]: Started watch.service.").is_empty());
}

#[test]
fn the_journals_own_field_names_the_unit_of_a_description() {
    let entry = |pid: &str| {
        format!(
            r#"{{"MESSAGE":"Stopping Lab watch...","UNIT":"watch.service","_PID":"{pid}","_COMM":"x","SYSLOG_IDENTIFIER":"systemd","__REALTIME_TIMESTAMP":"1795369598291873"}}"#
        )
    };
    let unit = "watch.service".to_owned();
    assert_eq!(one(&entry("1")), DaemonLine::UnitStopping { unit });
    // Any program may set the field.
    assert_eq!(all(&entry("7")), [DaemonLine::UnitStopping { unit: "Lab watch".to_owned() }]);
}
