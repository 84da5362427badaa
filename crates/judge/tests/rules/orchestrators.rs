//! What the kubelet, a cluster's events and ECS tell of an end: a pod in each state, a task with each stop code.

use judge::verdict::{Confidence, Fate, Killer, Level};
use serde_json::{Value, json};

use crate::case::{Answer, Case, WEB, died, event, exited, moment, time, with};
use crate::open::{KERNEL, REST};

/// A pod with one container in this state.
fn pod(status: &Value, state: &Value) -> Value {
    let mut told = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "uid": "c26439bf-1be3-4e59-af95-4ea562ffe83f"},
        "spec": {"terminationGracePeriodSeconds": 30}, "status": {"phase": "Running", "containerStatuses": [{"name": "web",
        "containerID": format!("containerd://{WEB}"), "restartCount": 4, "state": state}]}});
    for (key, value) in status.as_object().expect("an object") {
        told["status"][key] = value.clone();
    }
    told
}

/// Its container's end.
fn terminated(code: i64, reason: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": "2026-11-22T10:00:00Z", "finishedAt": "2026-11-22T10:01:00Z"}})
}

/// An event of the cluster.
fn cluster_event(kind: &str, reason: &str, message: &str) -> Value {
    json!({"kind": "Event", "apiVersion": "v1", "reason": reason, "message": message, "type": "Normal",
        "involvedObject": {"kind": kind, "name": "p", "fieldPath": "spec.containers{web}"}, "count": 1,
        "lastTimestamp": "2026-11-22T10:00:58Z"})
}

fn cluster(pod: &Value, events: &[Value]) -> Case {
    let list = json!({"kind": "List", "items": events});
    Case::pasted(&[&pod.to_string(), &list.to_string()])
}

#[test]
fn the_kubelets_constant_is_no_record() {
    let answer =
        cluster(&pod(&json!({}), &terminated(137, "ContainerStatusUnknown")), &[]).answer();
    answer
        .by("unknown")
        .in_short("its 137 is a constant")
        .proves("ContainerStatusUnknown", "not a record");
    assert!(!answer.verdict.main.exit_code_trusted);
    answer.leaves(
        &[KERNEL.as_slice(), &[Killer::StopTimeout, Killer::FailedProbe, Killer::ApiKill], &REST]
            .concat(),
    );
    let error = cluster(&pod(&json!({}), &terminated(137, "Error")), &[]).answer();
    error.by("unknown").in_short("137 fits several ends");
    assert!(error.candidate(Killer::FailedProbe).because.contains("its event lives one hour"));
    error.proves("137", "the runtime was not told of an OOM kill");
    assert!(error.how_to_settle().iter().any(|how| how.contains("kubectl get events")));
    let with_events = cluster(
        &pod(&json!({}), &terminated(137, "Error")),
        &[cluster_event("Pod", "Pulled", "Container image present")],
    );
    assert!(
        !with_events.answer().how_to_settle().iter().any(|how| how.contains("kubectl get events"))
    );
}

#[test]
fn a_pod_that_waits_tells_nothing_of_how_it_ended() {
    let text = "NAME   READY   STATUS             RESTARTS   AGE\np      0/1     CrashLoopBackOff   4          5m\n";
    let answer = Case::pasted(&[text]).answer();
    answer.by("unknown").in_short("the pod waits in CrashLoopBackOff, 4 restarts");
    assert_eq!(answer.how_to_settle(), ["kubectl get pod POD -o json | why137 explain -"]);
}

#[test]
fn a_nodes_condition_is_of_the_moment_it_was_printed() {
    let describe = |status: &str, reason: &str| {
        format!(
            "Name:               n1\nRoles:              <none>\nConditions:\n  Type             Status  LastHeartbeatTime                 LastTransitionTime                Reason                       Message\n  ----             ------  -----------------                 ------------------                ------                       -------\n  MemoryPressure   {status}    Sun, 22 Nov 2026 10:00:00 +0000   Sun, 22 Nov 2026 09:00:00 +0000   {reason}   kubelet has memory available\n"
        )
    };
    let under = Case::pasted(&[&describe("True", "KubeletHasInsufficientMemory")]).answer();
    under.by("unknown").in_short("under memory pressure").leaves(&[Killer::Eviction]);
    let calm = Case::pasted(&[&describe("False", "KubeletHasSufficientMemory")]).answer();
    calm.by("unknown").in_short("no memory pressure when this was printed").leaves(&[]);
}

#[test]
fn an_eviction_is_the_kubelets_own_word() {
    let words =
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 85312Ki.";
    let is_evicted = |case: Case| {
        let answer = case.answer();
        answer
            .is(Killer::Eviction, Level::None, Confidence::Likely)
            .in_short("the node was low on resource");
        answer.proves("", "the kubelet's own reason");
        assert_eq!(
            answer.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
            Some("kubelet")
        );
        assert_eq!((answer.verdict.limit, answer.verdict.limit_at_fault), (None, Some(false)));
        let short = answer.verdict.detail.clone().unwrap_or_default();
        assert!(!short.ends_with('.'), "{short}");
    };
    let ended = terminated(137, "Error");
    is_evicted(cluster(
        &pod(&json!({"phase": "Failed", "reason": "Evicted", "message": words}), &ended),
        &[],
    ));
    let target = json!({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": words}]});
    is_evicted(cluster(&pod(&target, &ended), &[]));
    is_evicted(cluster(&pod(&json!({}), &ended), &[cluster_event("Pod", "Evicted", words)]));
    let another = cluster(
        &pod(&json!({}), &ended),
        &[cluster_event(
            "Pod",
            "Evicted",
            "Container web exceeded its local ephemeral storage limit \"1Gi\".",
        )],
    );
    another.answer().by("eviction").in_short("ephemeral storage limit");
    // Another reason of the pod, or of the disruption, is no eviction.
    cluster(&pod(&json!({"phase": "Failed", "reason": "NodeLost", "message": "x"}), &ended), &[])
        .answer()
        .by("unknown");
    let drained = json!({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}]});
    cluster(&pod(&drained, &ended), &[]).answer().by("api-kill").in_short("EvictionByEvictionAPI");
}

#[test]
fn what_takes_a_pod_away_is_an_api_kill() {
    let ended = terminated(137, "Error");
    for (reason, message) in [
        ("Preempting", "Preempted by q on node n1"),
        ("TaintManagerEviction", "Marking for deletion Pod default/p"),
        ("NodeShutdown", "Shutdown manager detected a node shutdown"),
    ] {
        let answer =
            cluster(&pod(&json!({}), &ended), &[cluster_event("Pod", reason, message)]).answer();
        answer.says(Killer::ApiKill, Confidence::Likely).in_short(reason).proves(message, reason);
        answer.proves("137", "the container's end");
        assert_eq!(answer.verdict.main.signal, None);
    }
    let condition = json!({"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "default-scheduler: preempting"}]});
    cluster(&pod(&condition, &ended), &[])
        .answer()
        .says(Killer::ApiKill, Confidence::Likely)
        .in_short("PreemptionByScheduler");
}

#[test]
fn a_failed_probe_is_the_kubelets_word_and_the_check_is_quoted() {
    let failed =
        cluster_event("Pod", "Killing", "Container web failed liveness probe, will be restarted");
    let check = cluster_event(
        "Pod",
        "Unhealthy",
        "Liveness probe failed: HTTP probe failed with statuscode: 500",
    );
    let answer =
        cluster(&pod(&json!({}), &terminated(137, "Error")), &[check.clone(), failed.clone()])
            .answer();
    answer
        .is(Killer::FailedProbe, Level::None, Confidence::Likely)
        .in_short("container web failed liveness probe");
    answer
        .proves("will be restarted", "who acted on the failed check")
        .proves("statuscode: 500", "the check that failed");
    answer.proves("137", "ended");
    assert_eq!((answer.verdict.main.fate, answer.verdict.main.signal), (Fate::Killed, Some(9)));
    assert_eq!(
        (answer.verdict.at, answer.verdict.limit_at_fault),
        (Some(moment(60.0)), Some(false))
    );
    let term = cluster(&pod(&json!({}), &terminated(143, "Error")), std::slice::from_ref(&failed))
        .answer();
    term.by("failed-probe");
    assert_ne!(term.verdict.main.signal, Some(9));
    // A check that failed ends nothing by itself.
    cluster(&pod(&json!({}), &terminated(137, "Error")), &[check]).answer().by("unknown");
    // The runtime was told of an OOM kill, of whatever process: the end right after the probe's kill is the
    // probe's, one long after it is not.
    let told = terminated(137, "OOMKilled");
    cluster(&pod(&json!({}), &told), std::slice::from_ref(&failed)).answer().by("failed-probe");
    for (at, rule) in
        [("00:20", "oom-level-unknown"), ("01:00", "failed-probe"), ("01:02", "oom-level-unknown")]
    {
        let kill = with(failed.clone(), "/lastTimestamp", json!(format!("2026-11-22T10:{at}Z")));
        cluster(&pod(&json!({}), &told), &[kill]).answer().by(rule);
    }
    let message =
        cluster_event("Pod", "Killing", "Container web definition changed, will be restarted");
    assert_ne!(
        cluster(&pod(&json!({}), &terminated(137, "Error")), &[message]).answer().verdict.rule,
        "failed-probe"
    );
}

/// A pod's description, and a row of `kubectl get events`.
fn described(state: &str, row: &str) -> Answer {
    let pod = format!(
        "Name:         web-0\nNamespace:    shop\nNode:         n9/10.0.0.9\nContainers:\n  web:\n    \
         {state}:     Terminated\n      Reason:       Error\n      Exit Code:    137\n"
    );
    Case::pasted(&[&pod, row]).answer()
}

#[test]
fn the_end_of_a_pod_does_not_explain_an_end_that_the_same_pod_outlived() {
    let row = "LAST SEEN   TYPE     REASON    OBJECT      MESSAGE\n\
               2m          Normal   Killing   pod/web-0   Stopping container web\n";
    described("State", row).by("stop-timeout");
    described("Last State", row).by("unknown");
    // A moment of the event alone tells nothing of which life it was.
    let dated = json!({"kind": "Event", "apiVersion": "v1", "reason": "Killing", "message": "Stopping container web",
        "type": "Normal", "involvedObject": {"kind": "Pod", "name": "web-0"}, "count": 1,
        "lastTimestamp": "2026-11-22T10:00:58Z"});
    described("Last State", &dated.to_string()).by("unknown");
    // A new sandbox starts the containers of the same pod again.
    let anew = format!(
        "{row}2m          Normal   SandboxChanged   pod/web-0   Pod sandbox changed, it will be \
                        killed and re-created.\n"
    );
    described("Last State", &anew).by("stop-timeout");
}

#[test]
fn an_event_of_another_namespace_or_node_is_not_about_this_pod() {
    let probe = |namespace: &str| {
        let row = format!(
            "{namespace}   2m   Normal   Killing   pod/web-0   Container web failed liveness probe, will be restarted\n"
        );
        described("Last State", &row)
    };
    probe("shop").by("failed-probe");
    probe("test").by("unknown");
    let oom = |node: &str| {
        let row = format!(
            "2m   Warning   Evicted   node/{node}   The node was low on resource: memory.\n"
        );
        described("State", &row)
    };
    oom("n9").by("eviction");
    oom("n1").by("unknown");
}

#[test]
fn the_kubelets_stop_is_a_stop_or_a_timeout_by_its_end() {
    let stopping = cluster_event("Pod", "Killing", "Stopping container web");
    let stop = |code: i64, reason: &str| {
        cluster(&pod(&json!({}), &terminated(code, reason)), std::slice::from_ref(&stopping))
            .answer()
    };
    let forced = stop(137, "Error");
    forced
        .says(Killer::StopTimeout, Confidence::Likely)
        .in_short("30.0 s passed")
        .proves("Stopping container", "its pod was deleted or replaced");
    forced.proves("137", "still there when the grace period ran out");
    assert_eq!(
        forced.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
        Some("the kubelet")
    );
    stop(143, "Error")
        .says(Killer::Stopped, Confidence::Likely)
        .in_short("the kubelet stopped the container");
    stop(0, "Completed").by("stopped");
    stop(137, "OOMKilled").by("oom-level-unknown");
    assert_ne!(stop(1, "OOMKilled").verdict.killer, Killer::Stopped);
    let other = cluster_event("Pod", "Started", "Stopping container web");
    cluster(&pod(&json!({}), &terminated(137, "Error")), &[other]).answer().by("unknown");
    // A pod that is being deleted.
    let mut deleting = pod(&json!({}), &terminated(143, "Error"));
    deleting["metadata"]["deletionTimestamp"] = json!("2026-11-22T10:00:50Z");
    cluster(&deleting, &[]).answer().by("stopped").in_short("is being deleted");
}

/// An ECS task that stopped.
fn task(stop_code: &str, reason: &str, code: i64) -> Case {
    let text = json!({"tasks": [{"taskArn": "arn:aws:ecs:eu-central-1:111122223333:task/demo/0123", "lastStatus": "STOPPED",
        "launchType": "FARGATE", "stopCode": stop_code, "stoppedReason": reason, "stoppingAt": "2026-11-22T10:00:30Z",
        "stoppedAt": "2026-11-22T10:01:00Z", "containers": [{"name": "app", "exitCode": code}]}], "failures": []});
    Case::pasted(&[&text.to_string()])
}

#[test]
fn ecs_says_why_it_took_a_task_away() {
    for (code, reason) in [
        ("SpotInterruption", "Your task was interrupted."),
        ("TerminationNotice", "Your task was interrupted."),
        ("InfrastructureHealth", "unhealthy host"),
        ("", "Your Spot Task was interrupted."),
        ("", "Host EC2 (instance i-0123) terminated."),
        ("", "Job attempt duration exceeded timeout"),
    ] {
        let answer = task(code, reason, 137).answer();
        answer
            .says(Killer::ApiKill, Confidence::Likely)
            .in_short("ECS took the task away")
            .in_short(reason);
    }
    task("EssentialContainerExited", "Essential container in task exited", 137)
        .answer()
        .by("unknown");
}

#[test]
fn ecs_says_that_it_stopped_a_task() {
    for (code, reason, end, rule) in [
        ("ServiceSchedulerInitiated", "", 143, "stopped"),
        ("UserInitiated", "Task stopped by user", 0, "stopped"),
        ("", "Scaling activity initiated by (deployment ecs-svc/1)", 143, "stopped"),
        ("", "Task stopped by user", 137, "stop-timeout"),
        (
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by (deployment ecs-svc/1)",
            137,
            "stop-timeout",
        ),
    ] {
        task(code, reason, end).answer().by(rule).in_short(if rule == "stopped" {
            "ECS stopped the task"
        } else {
            "SIGTERM was sent"
        });
    }
    let forced = task("UserInitiated", "Task stopped by user", 137).answer();
    assert_eq!(
        forced.verdict.killed_by.as_ref().and_then(|by| by.name.as_deref()),
        Some("the ECS agent")
    );
    forced
        .in_short("the grace period passed")
        .proves("Task stopped by user", "ECS stopped the task: Task stopped by user");
    task("ServiceSchedulerInitiated", "", 143)
        .answer()
        .in_short("ECS stopped the task: ServiceSchedulerInitiated");
    task("EssentialContainerExited", "Essential container in task exited", 143)
        .answer()
        .by("unknown");
}

#[test]
fn ecs_says_that_a_check_failed_and_whose() {
    let by = |reason: &str| {
        let answer = task("ServiceSchedulerInitiated", reason, 137).answer();
        answer.says(Killer::FailedProbe, Confidence::Likely).in_short(reason);
        answer.verdict.killed_by.as_ref().and_then(|by| by.name.clone()).unwrap_or_default()
    };
    assert_eq!(by("Task failed container health checks"), "ECS");
    assert_eq!(
        by("Task failed ELB health checks in (target-group x)"),
        "ECS, by the load balancer's check"
    );
    assert_eq!(by("container health check failure"), "ECS");
}

#[test]
fn the_answer_says_whose_life_it_is() {
    let entries = [event(-1.0, "create", &[]), event(0.0, "start", &[]), died(60.0, 3)];
    let inspect =
        with(exited(60.0, 3), "/Config/Env", json!(["JAVA_TOOL_OPTIONS=-Xmx1g", "TOKEN=secret"]));
    let answer = Case::of(&inspect).all_events(&entries).answer();
    let subject = answer.verdict.subject.clone().expect("a subject");
    assert_eq!(
        (subject.name.as_deref(), subject.runtime.as_deref(), subject.life),
        (Some("web"), Some("docker"), Some(1))
    );
    assert_eq!(subject.container_id.map(|id| id.to_string()), Some(WEB.to_owned()));
    assert_eq!(answer.verdict.lived_seconds, Some(60.0));
    assert_eq!(answer.verdict.main.command, ["serve", "--all"]);
    assert_eq!(answer.verdict.main.settings, ["JAVA_TOOL_OPTIONS=-Xmx1g"]);
    assert_eq!(answer.verdict.at, Some(moment(60.0)));
    let kube = cluster(&pod(&json!({}), &terminated(3, "Error")), &[]).answer();
    assert_eq!(kube.verdict.subject.and_then(|it| it.runtime).as_deref(), Some("kubernetes"));
    let ecs = task("EssentialContainerExited", "Essential container in task exited", 3).answer();
    assert_eq!(ecs.verdict.subject.and_then(|it| it.runtime).as_deref(), Some("ecs"));
    assert_eq!(Case::pasted(&["exit code: 3\n"]).answer().verdict.subject, None);
    // A daemon's line names a container where no record does.
    let oom = format!(
        "time=\"2026-11-22T10:00:59Z\" level=info msg=\"TaskOOM event container_id:\\\"{WEB}\\\"\"\n"
    );
    let named = Case::pasted(&[&oom]).answer();
    assert_eq!(named.verdict.container_id.map(|id| id.to_string()), Some(WEB.to_owned()));
    // An end before the start is no length.
    let odd = with(exited(60.0, 3), "/State/FinishedAt", json!(time(-0.5)));
    assert_eq!(Case::of(&odd).answer().verdict.lived_seconds, None);
    let at_once = with(exited(60.0, 3), "/State/FinishedAt", json!(time(0.0)));
    assert_eq!(Case::of(&at_once).answer().verdict.lived_seconds, Some(0.0));
}
