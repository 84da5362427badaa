//! Who ordered an end, and what a word that only looks like an order must not be taken for.

use casefile::Source;
use judge::verdict::{Confidence, Killer, Role};
use serde_json::{Value, json};

use crate::case::{
    Answer, Case, LIMIT, Report, WEB, died, event, exited, kernel_line, signalled, time, with,
};

fn start() -> String {
    event(0.0, "start", &[])
}

/// A pod whose container ended with 137 at 60 s; parts of its status as told.
fn pod(status: &Value, reason: &str) -> Value {
    let mut told = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running", "containerStatuses": [{"name": "web", "containerID": format!("containerd://{WEB}"),
            "state": {"terminated": {"exitCode": 137, "reason": reason, "startedAt": time(0.0), "finishedAt": time(60.0)}}}]}});
    for (key, value) in status.as_object().expect("an object") {
        told["status"][key] = value.clone();
    }
    told
}

/// An event about that pod.
fn pods_event(seconds: f64, reason: &str, message: &str) -> Value {
    json!({"kind": "Event", "apiVersion": "v1", "reason": reason, "message": message, "type": "Normal", "count": 1,
        "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{web}"}, "lastTimestamp": time(seconds)})
}

fn cluster(pod: &Value, events: &[Value]) -> Answer {
    let list = json!({"kind": "List", "items": events});
    Case::pasted(&[&pod.to_string(), &list.to_string()]).answer()
}

#[test]
fn a_controllers_own_reason_tells_who_took_the_pod_away() {
    let told =
        |reason, message| cluster(&pod(&json!({}), "Error"), &[pods_event(58.0, reason, message)]);
    for (reason, message) in [
        ("EvictedByVPA", "Pod was evicted by VPA Updater to apply resource recommendation."),
        ("Descheduled", "pod evicted from n1 node by sigs.k8s.io/descheduler"),
        ("ScaleDown", "deleting pod for node scale down"),
        ("Evicted", "Evicted pod: Underutilized"),
    ] {
        told(reason, message).says(Killer::ApiKill, Confidence::Likely).in_short(message);
    }
    // An autoscaler speaks of other things under the same reason, and the kubelet of its own evictions.
    told("ScaleDown", "marked the node as toBeDeleted/unschedulable").by("unknown");
    told("Evicted", "The node had condition: [DiskPressure].").by("eviction");
}

#[test]
fn a_pod_that_a_node_which_shuts_down_did_not_admit_was_not_ended_by_the_shutdown() {
    let refused = "Pod was rejected: node is shutting down, not admitting any new pods";
    let by_event =
        |words| cluster(&pod(&json!({}), "Error"), &[pods_event(58.0, "NodeShutdown", words)]);
    by_event("Pod was ended for the node's shutdown").by("api-kill");
    by_event(refused).by("unknown");
    let by_status = |words: &str| {
        let status = json!({"phase": "Failed", "reason": "NodeShutdown", "message": words});
        cluster(&pod(&status, "Error"), &[])
    };
    by_status("Pod was terminated in response to imminent node shutdown.").by("api-kill");
    by_status(refused).by("unknown");
}

#[test]
fn a_probe_kill_that_came_too_early_for_the_end_is_left_beside_the_flag() {
    let words = "Container web failed liveness probe, will be restarted";
    let killed =
        |seconds| cluster(&pod(&json!({}), "OOMKilled"), &[pods_event(seconds, "Killing", words)]);
    // The end has to come within the grace period of 30 s.
    killed(40.0).by("failed-probe");
    let early = killed(10.0);
    early.by("oom-level-unknown");
    let left = &early.candidate(Killer::FailedProbe).because;
    assert!(left.contains("failed liveness probe") && left.contains("be a child's"), "{left}");
}

#[test]
fn a_kill_of_a_container_whose_stop_signal_is_sigkill_is_a_stop_only_with_a_stops_entry() {
    let told = with(exited(60.0, 137), "/Config/StopSignal", json!("SIGKILL"));
    let history = [start(), signalled(59.9, 9), died(60.0, 137)];
    let answer = Case::of(&told).all_events(&history).answer();
    answer.says(Killer::ApiKill, Confidence::Proven).in_short("do not name the client");
    // With a stop's entry and another stop signal, that one's entry is missing.
    let stopped = [start(), signalled(59.9, 9), died(60.0, 137), event(60.1, "stop", &[])];
    let answer = Case::of(&exited(60.0, 137)).all_events(&stopped).answer();
    answer.says(Killer::ApiKill, Confidence::Likely).in_short("do not name the client");
    answer.candidate(Killer::StopTimeout);
}

#[test]
fn a_sigkill_that_came_long_before_the_end_is_not_said_not_to_have_been_sent() {
    let history = [start(), signalled(20.0, 9), died(60.0, 137)];
    let answer = Case::of(&exited(60.0, 137)).all_events(&history).answer();
    answer.by("unknown").rules_out_only(&[]);
    answer.candidate(Killer::ApiKill);
    // Nor is one whose entry names no signal.
    let unnamed = [start(), event(20.0, "kill", &[]), died(60.0, 137)];
    let answer = Case::of(&exited(60.0, 137)).all_events(&unnamed).answer();
    answer.by("unknown").rules_out_only(&[]);
}

#[test]
fn a_childs_kill_takes_memory_off_the_list_only_with_the_whole_log_of_the_only_kernel() {
    let child = || [Report::child(20.0).lines()];
    let plain = exited(60.0, 137);
    let whole = Case::of(&plain).whole_kernel(&child()).answer();
    whole.by("unknown").rules_out(Killer::HostOutOfMemory, "40.0 s before the end");
    let cut = Case::of(&plain).kernel(&child()).answer();
    cut.by("unknown").candidate(Killer::HostOutOfMemory);
    let sandbox = with(plain.clone(), "/HostConfig/Runtime", json!("runsc"));
    let inside = Case::of(&sandbox).whole_kernel(&child()).answer();
    inside.by("unknown").candidate(Killer::ContainerMemoryLimit);
    // A kill at the end whose place the kernel did not print can be the one.
    let words = "Memory cgroup out of memory: Killed process 700 (serve) total-vm:4kB, anon-rss:4kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:104kB oom_score_adj:0";
    let lines = [Report::child(20.0).lines(), kernel_line(59.9, words)];
    Case::of(&plain).whole_kernel(&lines).answer().candidate(Killer::ContainerMemoryLimit);
}

#[test]
fn composes_own_word_tells_a_kill_from_a_stop() {
    let told = |verb: &str| {
        let row = "CONTAINER ID   IMAGE     COMMAND       CREATED          STATUS                       PORTS     NAMES\n\
            1c02f3d4a5b6   app:1     \"python x\"    10 minutes ago   Exited (137) 2 seconds ago             app-web-1\n";
        Case::pasted(&[&format!(" Container app-web-1  {verb}\n{row}")]).answer()
    };
    let killed = told("Killed");
    killed.by("api-kill").in_short("Compose killed it");
    killed.proves("app-web-1", "Compose's own word: it killed the container");
    let stopped = told("Stopped");
    stopped.by("stop-timeout");
    stopped.proves("app-web-1", "Compose's own word: it stopped the container");
}

#[test]
fn kills_are_one_storm_only_under_one_limit_of_one_cgroup() {
    let child = |at: f64, pid, limit: u64| Report {
        victim: ("work", pid),
        invoker: ("work", pid),
        full: Some((crate::case::docker(WEB), limit / 1024)),
        ..Report::child(at)
    };
    let inner = |name: &str, at, pid| {
        let path = format!("{}/{name}", crate::case::docker(WEB));
        Report { full: Some((path.clone(), 65_536)), task: path, ..child(at, pid, LIMIT) }
    };
    let findings = |one: &Report, other: &Report| {
        let kernel = [one.lines(), other.lines()];
        let history = [start(), signalled(599.9, 9), died(600.0, 137)];
        let case = Case::of(&exited(600.0, 137)).all_events(&history).kernel(&kernel);
        let answer = case.answer();
        answer.by("api-kill");
        answer.findings().len()
    };
    assert_eq!(findings(&child(5.0, 712, LIMIT), &child(30.0, 713, LIMIT)), 1);
    // The limit was raised between the two (`docker update --memory`), or each filled its own.
    assert_eq!(findings(&child(5.0, 712, LIMIT / 2), &child(30.0, 713, LIMIT)), 2);
    assert_eq!(findings(&inner("a", 5.0, 712), &inner("b", 30.0, 713)), 2);
}

#[test]
fn an_execs_end_may_be_as_late_as_the_machine_is_slow_to_tell() {
    let role = |told: f64, ended: f64| {
        let history = [
            start(),
            event(20.0 + told, "oom", &[]),
            event(20.0 + ended, "exec_die", &[("exitCode", "137")]),
            died(60.0, 1),
        ];
        let case = Case::of(&exited(60.0, 1)).all_events(&history);
        case.kernel(&[Report::child(20.0).lines()]).answer().verdict.victims[0].role
    };
    // A second, and as long as docker took to hear of the kill.
    assert_eq!((role(0.5, 1.4), role(0.5, 1.6)), (Role::Exec, Role::Child));
    assert_eq!(role(0.0, 1.4), Role::Child);
}

#[test]
fn the_marked_words_name_the_victim_and_not_its_neighbour_in_the_table() {
    let answer = Case::of(&exited(60.0, 1)).kernel(&[Report::child(59.9).lines()]).answer();
    let marked = answer.verdict.because[0].decisive.as_deref();
    assert_eq!(marked, Some("Killed process 712"));
}

#[test]
fn a_kill_by_hand_says_nothing_of_a_machine_without_memory() {
    let by_hand = Report::host(59.9).lines().replace("order=0", "order=-1");
    let answer = Case::of(&exited(60.0, 137)).kernel(&[by_hand]).answer();
    answer.proves("global_oom", "no cgroup's limit was named").never_says("out of memory");
}

#[test]
fn a_report_that_names_a_container_speaks_of_the_containers_own_cgroup() {
    let pasted = |report: Report| Case::pasted(&[&report.lines()]).answer();
    pasted(Report::host(5.0)).rules_out(Killer::ContainerMemoryLimit, "the container's own cgroup");
    let service = Report { task: "/system.slice/a.service".to_owned(), ..Report::host(5.0) };
    pasted(service).rules_out(Killer::ContainerMemoryLimit, "the victim's own cgroup");
}

#[test]
fn a_units_own_limit_stands_beside_the_report_that_names_another() {
    let state = format!(
        "Id=robot.service\nLoadState=loaded\nActiveState=failed\nExecMainPID=700\nExecMainCode=2\nExecMainStatus=9\nResult=oom-kill\nControlGroup=/system.slice/robot.service\nMemoryMax={LIMIT}\n"
    );
    let task = "/system.slice/robot.service".to_owned();
    let report = Report { task, ..Report::host(59.9) }.lines();
    let answer = Case::pasted(&[&state]).add(Source::Pasted, &report).answer();
    answer.rules_out(Killer::ContainerMemoryLimit, "its own limit of 256 MiB is not the one");
}
