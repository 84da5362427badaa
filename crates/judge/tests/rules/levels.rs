//! Whose limit it was, and whose word: what a kill explains of an end, what a counter or a node's event
//! is about, whom an OOM daemon's line concerns.

use casefile::{Asked, CgroupPath, Source};
use judge::verdict::{Confidence, Fate, Killer, Role};
use serde_json::{Value, json};

use crate::case::{Answer, Case, DB, Report, died, docker, event, exited, kernel_line, time, with};
use crate::stops::{journal, main_exited, systemd};

const UNIT: &str = "/system.slice/robot.service";

/// The kernel killed a child of the unit's main process (pid 700) at the unit's own limit.
fn unit_kill(at: f64) -> String {
    let place = UNIT.to_owned();
    Report { task: place.clone(), full: Some((place, 262_144)), ..Report::child(at) }.lines()
}

/// What systemd wrote of a unit that it ended for that kill.
fn by_policy(end: &str, more: &[String]) -> Answer {
    let lines = [
        systemd(59.0, "robot.service: A process of this unit has been killed by the OOM killer."),
        more.concat(),
        main_exited(end),
        systemd(60.0, "robot.service: Failed with result 'oom-kill'."),
    ];
    journal(&lines).kernel(&[unit_kill(59.0)]).answer()
}

#[test]
fn systemd_stops_a_unit_for_one_killed_process() {
    let answer = by_policy("killed, status=15/TERM", &[]);
    answer.by("own-limit").in_short("systemd then stopped the rest of the unit (OOMPolicy=)");
    answer.proves("status=15/TERM", "systemd ended the main process after it (OOMPolicy=)");
    assert_eq!((answer.verdict.main.fate, answer.verdict.main.signal), (Fate::Killed, Some(15)));
    assert_eq!(answer.verdict.victims[0].role, Role::Child);
}

#[test]
fn systemds_own_sigkill_after_an_oom_kill_stands_in_its_journal() {
    let killing = "robot.service: Killing process 700 (serve) with signal SIGKILL.";
    let forced = by_policy("killed, status=9/KILL", &[systemd(59.9, killing)]);
    assert_eq!((forced.verdict.main.fate, forced.verdict.main.signal), (Fate::Killed, Some(9)));
    forced.in_short("OOMPolicy=");
    // Without that line nothing shows that the SIGKILL was systemd's.
    let silent = by_policy("killed, status=9/KILL", &[]);
    let detail = silent.verdict.detail.clone().unwrap_or_default();
    assert!(!detail.contains("OOMPolicy"), "{:#?}", silent.verdict);
}

#[test]
fn a_units_end_long_after_a_childs_kill_is_systemds_only_by_its_result() {
    let lines = [
        main_exited("killed, status=15/TERM"),
        systemd(60.0, "robot.service: Failed with result 'signal'."),
    ];
    let answer = journal(&lines).kernel(&[unit_kill(59.9)]).answer();
    let detail = answer.verdict.detail.clone().unwrap_or_default();
    assert!(!detail.contains("OOMPolicy"), "{:#?}", answer.verdict);
    // wait(2) saw a signal: it did not end by itself, and whose signal it was is not shown.
    answer.by("own-limit").never_says("ended by itself");
    assert_eq!(answer.verdict.main.fate, Fate::Unknown);
    // The main process itself was the kernel's victim: nothing is left to stop.
    let main = Report {
        task: UNIT.to_owned(),
        full: Some((UNIT.to_owned(), 262_144)),
        table: vec![(700, "serve", 1000)],
        ..Report::own(59.9)
    };
    let lines = [
        main_exited("killed, status=9/KILL"),
        systemd(60.0, "robot.service: Failed with result 'oom-kill'."),
    ];
    let killed = journal(&lines).kernel(&[main.lines()]).answer();
    killed.by("own-limit");
    let detail = killed.verdict.detail.clone().unwrap_or_default();
    assert!(!detail.contains("OOMPolicy"), "{:#?}", killed.verdict);
}

#[test]
fn a_machine_that_is_slow_to_tell_is_slow_to_end_it_too() {
    // The child died at 57 s; docker heard of it after the delay, and the shell passed on its 137.
    let slow = |heard: f64, gap: f64| {
        let inspect = with(exited(60.0, 137), "/Path", json!("/bin/sh"));
        let entries =
            [event(0.0, "start", &[]), event(60.0 - gap + heard, "oom", &[]), died(60.0, 137)];
        Case::of(&inspect).events(&entries).kernel(&[Report::child(60.0 - gap).lines()]).answer()
    };
    slow(0.1, 0.3).by("own-limit");
    slow(2.5, 2.8).by("own-limit");
    assert_ne!(slow(0.1, 2.8).verdict.rule, "own-limit");
}

/// A group was killed in which two processes bear names like the main process's.
fn group(chosen: (&'static str, u32), more: (&'static str, u32), task: &str) -> Answer {
    let kill =
        Report { victim: chosen, invoker: chosen, task: task.to_owned(), ..Report::own(59.9) };
    let group =
        kernel_line(59.9, "Tasks in /docker are going to be killed due to memory.oom.group set");
    let second = kernel_line(59.9, &also_killed(more));
    Case::of(&exited(60.0, 137)).kernel(&[kill.lines() + &group + &second]).answer()
}

fn also_killed((comm, pid): (&str, u32)) -> String {
    format!(
        "Memory cgroup out of memory: Killed process {pid} ({comm}) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0"
    )
}

/// The pids that are called the main process.
fn mains(answer: &Answer) -> Vec<Option<u32>> {
    let main = |it: &&judge::verdict::Victim| it.role == Role::Main;
    answer.verdict.victims.iter().filter(main).map(|it| it.pid).collect()
}

#[test]
fn of_a_group_the_one_that_bears_the_programs_name_is_the_main_process() {
    let own = docker(crate::case::WEB);
    assert_eq!(mains(&group(("serve", 700), ("work", 712), &own)), [Some(700)]);
}

/// The same, at the limit of a parent that `web` shares with `db`.
fn shared_group(chosen: (&'static str, u32), more: (&str, u32), task: &str) -> Answer {
    let kill = Report {
        victim: chosen,
        invoker: chosen,
        full: Some(("/docker".to_owned(), 500_000)),
        task: task.to_owned(),
        ..Report::own(59.9)
    };
    let group =
        kernel_line(59.9, "Tasks in /docker are going to be killed due to memory.oom.group set");
    let second = kernel_line(59.9, &also_killed(more));
    let inspect = with(exited(60.0, 137), "/HostConfig/CgroupParent", json!("/docker"));
    Case::of(&inspect).kernel(&[kill.lines() + &group + &second]).answer()
}

#[test]
fn of_a_group_above_the_container_the_kernel_names_one_victims_cgroup() {
    let own = docker(crate::case::WEB);
    // The chosen process was this container's, and of its program's name.
    assert_eq!(mains(&shared_group(("serve", 700), ("work", 712), &own)), [Some(700)]);
    // A second one of that name is another's: the chosen one's cgroup is this container's.
    assert_eq!(mains(&shared_group(("serve", 700), ("serve", 712), &own)), [Some(700)]);
    // The chosen process was another container's: the main process is among the others.
    assert_eq!(mains(&shared_group(("serve", 90), ("serve", 700), &docker(DB))), [Some(700)]);
    assert_eq!(mains(&shared_group(("postgres", 90), ("serve", 700), &docker(DB))), [Some(700)]);
    // Nobody else bears its name.
    assert_eq!(mains(&shared_group(("serve", 90), ("work", 712), &docker(DB))), []);
}

#[test]
fn a_parents_counter_is_its_childs_only_where_the_cgroup_is_known() {
    let wait = |place: Option<&str>, counter: &str| {
        let wait = format!(
            "==> wait status of pid 123 <==\ncomm hog\nstarted {}\nended {}\nsignal 9\n",
            time(0.0),
            time(60.0)
        );
        let asked = Asked {
            name: Some("hog".to_owned()),
            cgroup: place.and_then(CgroupPath::parse),
            ..Asked::default()
        };
        Case::asked(asked)
            .add(Source::Proc, &wait)
            .cgroup_at("/sys/fs/cgroup/job", &[("memory.events", counter)])
            .answer()
    };
    let kills = "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1";
    wait(Some("/job"), kills)
        .says(Killer::OutOfMemory, Confidence::Likely)
        .proves("oom_kill 1", "");
    wait(Some("/job"), "low 0\nhigh 0\nmax 9\noom 0\noom_kill 0").by("unknown");
    // Not known to be its cgroup: somebody's kills.
    assert_ne!(wait(None, kills).verdict.killer, Killer::OutOfMemory);
}

#[test]
fn a_units_cgroup_counts_from_before_this_life_too() {
    // systemd keeps a unit's cgroup over restarts: a kill that it counts may be an earlier run's.
    let answer = journal(&[main_exited("killed, status=9/KILL")])
        .cgroup_at(
            "/sys/fs/cgroup/system.slice/robot.service",
            &[("memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1")],
        )
        .answer();
    answer.by("unknown");
}

/// A pod of which `web` ended after 60 s.
fn pod(code: i64) -> Value {
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}, "status": {"phase": "Failed",
        "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": code, "reason": "Error",
        "startedAt": time(0.0), "finishedAt": time(60.0)}}}]}})
}

fn node_event(at: Option<f64>) -> Value {
    let mut told = json!({"kind": "Event", "apiVersion": "v1", "reason": "OOMKilling", "type": "Warning",
        "message": "Memory cgroup out of memory: Killed process 700 (serve) total-vm:4kB, anon-rss:4kB, file-rss:0kB",
        "involvedObject": {"kind": "Node", "name": "n1"}, "count": 1});
    if let Some(at) = at {
        told["lastTimestamp"] = json!(time(at));
    }
    told
}

#[test]
fn a_nodes_oom_event_is_about_an_end_that_it_falls_together_with() {
    let at = |seconds: Option<f64>| {
        Case::pasted(&[&pod(137).to_string(), &node_event(seconds).to_string()]).answer()
    };
    for seconds in [51.0, 60.0, 69.0] {
        at(Some(seconds)).says(Killer::OutOfMemory, Confidence::Likely);
    }
    for seconds in [Some(20.0), Some(49.0), Some(71.0), None] {
        at(seconds).by("unknown");
    }
    // Alone it tells of a kill, whenever that was.
    let alone = Case::pasted(&[&node_event(Some(20.0)).to_string()]).answer();
    alone.says(Killer::OutOfMemory, Confidence::Likely);
    // Docker's word for an end is no pod's: the node's event is all that is told of memory.
    let dockers =
        Case::of(&exited(60.0, 137)).add(Source::Pasted, &node_event(Some(20.0)).to_string());
    dockers.answer().says(Killer::OutOfMemory, Confidence::Likely);
}

fn oomd(words: &str, at: f64) -> String {
    let micros = crate::case::moment(at).0.as_microsecond().to_string();
    let entry = json!({"MESSAGE": words, "SYSLOG_IDENTIFIER": "systemd-oomd", "_PID": "604", "__REALTIME_TIMESTAMP": micros});
    format!("{entry}\n")
}

fn earlyoom(pid: u32, comm: &str, at: f64) -> String {
    let micros = crate::case::moment(at).0.as_microsecond().to_string();
    let words = format!(
        "sending SIGKILL to process {pid} uid 991 \"{comm}\": oom_score 1331, VmRSS 4102 MiB, cmdline \"{comm}\""
    );
    let entry = json!({"MESSAGE": words, "SYSLOG_IDENTIFIER": "earlyoom", "_PID": "812", "__REALTIME_TIMESTAMP": micros});
    format!("{entry}\n")
}

#[test]
fn an_oom_daemon_that_names_the_unit_is_proof_and_one_that_names_a_pid_is_not() {
    let killed = |line: String| {
        let state = "Id=robot.service\nLoadState=loaded\nActiveState=failed\nSubState=failed\nExecMainPID=700\n\
            ExecMainCode=2\nExecMainStatus=9\nSlice=system.slice\n";
        journal(&[line, main_exited("killed, status=9/KILL")])
            .add(Source::UnitState, state)
            .answer()
    };
    let words = format!(
        "Killed {UNIT} due to memory pressure for /system.slice being 71.20% > 50.00% for > 20s with reclaim activity"
    );
    killed(oomd(&words, 59.9)).says(Killer::OomDaemon, Confidence::Proven);
    killed(earlyoom(700, "serve", 59.9)).says(Killer::OomDaemon, Confidence::Likely);
    killed(earlyoom(701, "serve", 59.9)).by("unknown");
}

#[test]
fn an_oom_daemons_line_about_another_process_is_not_about_the_container() {
    let list = |line: String| {
        let gone = json!({"ID": crate::case::WEB, "Image": "", "Runtime": {"Name": "io.containerd.runc.v2"},
            "Spec": {"process": {"args": ["/bin/hog"]}, "linux": {"cgroupsPath": docker(crate::case::WEB)}}});
        let text = format!(
            "{gone}\nTASK      PID      STATUS    \n{}    10165    STOPPED\n",
            crate::case::WEB
        );
        Case::web().add(Source::ContainerInspect, &text).add(Source::Journal, &line).answer()
    };
    list(earlyoom(10_165, "hog", 59.9)).by("oom-daemon");
    list(earlyoom(10_166, "cat", 59.9)).by("unknown");
    // Its pid is not known any more: a process of another name is another's.
    let other = Case::of(&exited(60.0, 137)).add(Source::Journal, &earlyoom(5, "cat", 59.9));
    other.answer().by("unknown");
    let own = Case::of(&exited(60.0, 137)).add(Source::Journal, &earlyoom(5, "serve", 59.9));
    own.answer().says(Killer::OomDaemon, Confidence::Likely);
}

#[test]
fn an_oom_daemons_line_is_about_a_command_only_by_its_pid_or_its_cgroup() {
    let run = |place: &str, line: &str| {
        let wait = format!(
            "==> wait status of pid 123 <==\ncomm hog\nstarted {}\nended {}\nsignal 9\n",
            time(0.0),
            time(60.0)
        );
        let asked = Asked {
            name: Some("hog".to_owned()),
            cgroup: CgroupPath::parse(place),
            ..Asked::default()
        };
        Case::asked(asked).add(Source::Proc, &wait).add(Source::Journal, line).answer()
    };
    run("/ci/job-1", &earlyoom(123, "hog", 59.9)).says(Killer::OomDaemon, Confidence::Likely);
    run("/ci/job-1", &earlyoom(999, "java", 59.9)).by("unknown");
    let killed = |path: &str| {
        let words = format!(
            "Killed {path} due to memory pressure for /ci being 71.20% > 50.00% for > 20s with reclaim activity"
        );
        oomd(&words, 59.9)
    };
    run("/ci/job-1", &killed("/ci/job-1")).says(Killer::OomDaemon, Confidence::Proven);
    run("/ci/job-1/main", &killed("/ci/job-1")).says(Killer::OomDaemon, Confidence::Proven);
    run("/ci/job-1", &killed("/ci/job-2")).by("unknown");
    run("/ci/job-1", &killed("/ci/job-1/main")).by("unknown");
}

#[test]
fn a_sandboxs_own_kernel_kills_unseen_by_the_hosts_log() {
    for runtime in ["kata-runtime", "runsc", "io.containerd.kata.v2", "Runhcs"] {
        let inspect = with(exited(60.0, 137), "/HostConfig/Runtime", json!(runtime));
        let answer = Case::of(&inspect).whole_kernel(&[]).answer();
        answer.by("unknown").candidate(Killer::ContainerMemoryLimit);
        answer.rules_out_only(&[]);
    }
    let plain = with(exited(60.0, 137), "/HostConfig/Runtime", json!("runc"));
    Case::of(&plain).whole_kernel(&[]).answer().rules_out(Killer::ContainerMemoryLimit, "covers");
}

#[test]
fn a_flag_that_says_what_the_answer_says_is_no_contradiction() {
    // false beside an end that was no kill for memory.
    assert_eq!(Case::of(&exited(60.0, 3)).answer().contradictions(), "");
    // true beside the kernel's kill of the main process at its own limit.
    let flagged = with(exited(60.0, 137), "/State/OOMKilled", json!(true));
    let killed = Case::of(&flagged).kernel(&[Report::own(59.9).lines()]).answer();
    killed.by("own-limit");
    assert_eq!(killed.contradictions(), "");
}

#[test]
fn a_kill_of_nobodys_process_is_a_line_of_the_whole_machine() {
    let place = "/mine/job".to_owned();
    let nobodys = Report {
        task: place.clone(),
        full: Some((place, 262_144)),
        victim: ("sort", 4711),
        ..Report::own(30.0)
    };
    let told = Case::pasted(&[]).kernel(&[nobodys.lines()]).survey();
    let told: Vec<_> = told.iter().map(|it| (it.killer, it.victims[0].pid)).collect();
    assert_eq!(told, [(Killer::ContainerMemoryLimit, Some(4711))]);
}
