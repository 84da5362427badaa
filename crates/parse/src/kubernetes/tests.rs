//! Every output of Kubernetes that this room reads, whole, cut and damaged.

use casefile::{Bytes, Limit, Moment};
use proptest::prelude::*;

use super::*;
use crate::record::{ContainerStatus, PodRecord};

fn read(text: &str) -> Vec<Sighting> {
    super::read(&Text::new(text))
}

fn pods(text: &str) -> Vec<PodRecord> {
    read(text)
        .into_iter()
        .filter_map(|sighting| match sighting.record {
            Record::Pod(pod) => Some(*pod),
            _ => None,
        })
        .collect()
}

fn events(text: &str) -> Vec<PodEvent> {
    read(text)
        .into_iter()
        .filter_map(|sighting| match sighting.record {
            Record::PodEvent(event) => Some(event),
            _ => None,
        })
        .collect()
}

fn only(text: &str) -> ContainerStatus {
    let mut pods = pods(text);
    assert_eq!(pods.len(), 1, "{text}: {pods:?}");
    let mut pod = pods.remove(0);
    assert_eq!(pod.containers.len(), 1, "{text}: {pod:?}");
    pod.containers.remove(0)
}

const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

const DESCRIBED: &str = "\
Name:             shop-0
Namespace:        store
Node:             n1/10.0.0.1
Status:           Running
Init Containers:
  setup:
    Container ID:  containerd://0fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014
    State:          Terminated
      Reason:       OOMKilled
      Exit Code:    0
      Started:      Tue, 12 Aug 2025 06:40:07 +0200
      Finished:     Tue, 12 Aug 2025 06:41:07 +0200
Containers:
  web:
    Container ID:  containerd://3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014
    Image:         lab/web
    Command:
      node
      server.js
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Started:      Tue, 12 Aug 2025 06:42:07 +0200
      Finished:     Tue, 12 Aug 2025 06:43:07 +0200
    Ready:          False
    Restart Count:  16
    Limits:
      cpu:     1
      memory:  512Mi
    Requests:
      memory:     256Mi
    Environment:
      NODE_OPTIONS:  --max-old-space-size=400
      TOKEN:         secret
    Mounts:  <none>
Conditions:
  Type   Status
  Ready  False
QoS Class:                   Burstable
Events:
  Type     Reason     Age                    From               Message
  ----     ------     ----                   ----               -------
  Warning  Unhealthy  25s (x3 over 45s)      kubelet            Liveness probe failed:
  Get \"http://10.244.0.19:80/\": connect: connection refused
  Normal   Killing    25s                    kubelet            Container web failed liveness probe, will be restarted
  Warning  BackOff    3m19s (x256 over 58m)  kubelet            Back-off restarting failed container web in pod shop-0_store(8209d63f-aa89-450d-9813-d555ddcaa175)
";

#[test]
fn a_whole_description_is_read_with_every_container() {
    let pod = pods(DESCRIBED).remove(0);
    assert_eq!(pod.name.as_deref(), Some("shop-0"));
    assert_eq!(pod.node.as_deref(), Some("n1"));
    assert_eq!(pod.uid.as_deref(), Some("8209d63f-aa89-450d-9813-d555ddcaa175"));
    assert_eq!(pod.qos.as_deref(), Some("Burstable"));
    let [setup, web] = &pod.containers[..] else { panic!("{pod:?}") };
    assert!(setup.init && setup.ended_now && setup.exit_code == Some(0));
    assert_eq!(web.id.as_ref().unwrap().as_str(), ID);
    assert_eq!((web.reason.as_deref(), web.exit_code), (Some("OOMKilled"), Some(137)));
    assert_eq!(web.waiting.as_deref(), Some("CrashLoopBackOff"));
    assert!(!web.ended_now);
    assert_eq!(web.memory.limit, Some(Limit::At(Bytes(512 << 20))));
    assert_eq!(web.memory.request, Some(Bytes(256 << 20)));
    assert_eq!(web.command, ["node", "server.js"]);
    assert_eq!(web.memory_settings.len(), 1);
    assert_eq!(web.finished_at, Moment::parse("2025-08-12T04:43:07Z"));
    let quoted = web.shown_at.unwrap().of(DESCRIBED).unwrap();
    assert!(
        quoted.trim_start().starts_with("Last State:") && quoted.ends_with("+0200"),
        "{quoted}"
    );
}

#[test]
fn a_description_tells_its_events_with_wrapped_messages_joined() {
    let events = events(DESCRIBED);
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[0].message.ends_with("connection refused"));
    assert_eq!(events[0].count, Some(3));
    assert_eq!(events[1].container.as_deref(), Some("web"));
    assert_eq!(events[1].object.as_deref(), Some("shop-0"));
}

#[test]
fn a_wrapped_message_is_followed_for_two_thousand_bytes() {
    let message = |length: usize| {
        let long = "y".repeat(length - "failed: ".len());
        let text = format!("  Warning  Unhealthy  25s  kubelet  failed:\n{long}\nand more\n");
        events(&text).remove(0).message
    };
    assert!(message(2000).ends_with("y and more"));
    assert!(message(2001).ends_with('y'));
    assert!(message(2002).ends_with('y'));
}

#[test]
fn a_greps_excerpt_is_enough() {
    let excerpt = "Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n    Ready:   True\n    Restart Count:  3\n    Limits:\n      memory:  64Mi\n";
    let container = only(excerpt);
    assert_eq!((container.reason.as_deref(), container.exit_code), (Some("OOMKilled"), Some(137)));
    assert_eq!(container.memory.limit, Some(Limit::At(Bytes(64 << 20))));
    assert_eq!(only("Reason:  OOMKilled\nExit Code:  137\n").exit_code, Some(137));
    let two = format!("{excerpt}--\n{excerpt}");
    assert_eq!(pods(&two)[0].containers.len(), 2);
}

#[test]
fn a_zero_time_is_no_time() {
    let text = "    State:          Terminated\n      Reason:       ContainerStatusUnknown\n      Exit Code:    137\n      Started:      Mon, 01 Jan 0001 00:00:00 +0000\n      Finished:     Mon, 01 Jan 0001 00:00:00 +0000\n";
    let container = only(text);
    assert_eq!(container.reason.as_deref(), Some("ContainerStatusUnknown"));
    assert!(container.ended_now && container.finished_at.is_none());
    let json = r#"{"terminated":{"exitCode":137,"reason":"ContainerStatusUnknown","startedAt":null,"finishedAt":"0001-01-01T00:00:00Z"}}"#;
    assert_eq!(only(json).finished_at, None);
}

#[test]
fn an_evicted_pods_own_reason_is_not_its_containers() {
    let text = "Name: hog\nStatus:  Failed\nReason:  Evicted\nMessage:  The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi.\n";
    let pod = pods(text).remove(0);
    assert_eq!(pod.reason.as_deref(), Some("Evicted"));
    assert!(pod.message.unwrap().starts_with("The node was low"));
    assert_eq!(events(text), []);
}

#[test]
fn json_yaml_and_gos_print_of_one_state_agree() {
    let json = format!(
        r#"{{"terminated":{{"containerID":"containerd://{ID}","exitCode":137,"reason":"OOMKilled"}}}}"#
    );
    let yaml = format!(
        "lastState:\n  terminated:\n    containerID: containerd://{ID}\n    exitCode: 137\n    reason: OOMKilled\n"
    );
    let go =
        format!("map[terminated:map[containerID:containerd://{ID} exitCode:137 reason:OOMKilled]]");
    for text in [json, yaml, go] {
        let container = only(&text);
        assert_eq!(container.id.unwrap().as_str(), ID, "{text}");
        assert_eq!(
            (container.reason.as_deref(), container.exit_code),
            (Some("OOMKilled"), Some(137))
        );
    }
    assert_eq!(only("web 137 OOMKilled").name.as_deref(), Some("web"));
}

#[test]
fn a_row_of_get_pods_tells_the_status() {
    let text = "NAME   READY   STATUS   RESTARTS   AGE\napi-1   0/1   OOMKilled   3 (5m ago)   1h\nold-1   0/1   Evicted   0   3d\nfine-1   1/1   Running   0   3d\nkube-system   i-1   0/1   Init:Error   2   3d\n";
    let pods = pods(text);
    assert_eq!(pods.len(), 3);
    assert_eq!(pods[0].containers[0].reason.as_deref(), Some("OOMKilled"));
    assert_eq!(pods[0].containers[0].restart_count, Some(3));
    assert_eq!(pods[1].reason.as_deref(), Some("Evicted"));
    assert!(pods[2].containers[0].init);
    assert_eq!(pods[2].namespace.as_deref(), Some("kube-system"));
}

#[test]
fn argos_and_sparks_words_tell_the_reason() {
    let seen = only(" └─✖ fit  fit  train-x7-1  3m  OOMKilled (exit code 137)");
    assert_eq!((seen.reason.as_deref(), seen.exit_code), (Some("OOMKilled"), Some(137)));
    let flags = |text: &str| {
        read(text)
            .into_iter()
            .filter(|seen| matches!(seen.record, Record::BareOomFlag(true)))
            .count()
    };
    assert_eq!(flags("     termination reason: OOMKilled"), 1);
    assert_eq!(flags("the termination reason: OOMKilled was seen"), 0);
}

#[test]
fn an_events_namespace_is_read_where_it_is_shown() {
    let namespace = |text: &str| {
        let mut events = events(text);
        assert_eq!(events.len(), 1, "{text}: {events:?}");
        events.remove(0).namespace
    };
    let row = "Warning   Unhealthy   pod/web-1   Liveness probe failed: timeout";
    assert_eq!(namespace(&format!("shop   5m   {row}")).as_deref(), Some("shop"));
    assert_eq!(namespace(&format!("shop-2   5m   {row}")).as_deref(), Some("shop-2"));
    for none in ["5m", "5m   2m", "Shop   5m", "shop   odd"] {
        assert_eq!(namespace(&format!("{none}   {row}")), None, "{none}");
    }
    assert_eq!(namespace(&format!("2m (x3 over 5m)   {row}")), None);
    let object = r#"{"reason":"Killing","message":"Stopping container web","involvedObject":{"kind":"Pod","name":"w","namespace":"shop"}}"#;
    assert_eq!(namespace(object).as_deref(), Some("shop"));
    assert_eq!(namespace("Marking for deletion Pod shop/web-1").as_deref(), Some("shop"));
}

#[test]
fn a_runner_and_lens_repeat_a_containers_end() {
    for (text, name) in [
        (
            "ERROR: Job failed (system failure): Error in container build: exit code: 137, reason: 'OOMKilled'",
            Some("build"),
        ),
        ("Reason: OOMKilled - exit code: 137", None),
        ("Container [w/b@c] terminated [OOMKilled] (exit code 137)", None),
        ("Container [\"\"] terminated [OOMKilled] (exit code 137)", None),
    ] {
        let told = only(text);
        assert_eq!((told.name.as_deref(), told.exit_code), (name, Some(137)), "{text}");
        assert_eq!(told.reason.as_deref(), Some("OOMKilled"), "{text}");
    }
    // Amid other words it is somebody's talk.
    for text in [
        "Container [web] terminated [OOMKilled] is what everybody sees on the first day",
        "Container [web] terminated [OOMKilled] (exit code 137) and nobody here knows why it did that",
        "a row of 4 B2 C3 Container [web] terminated [OOMKilled]",
        "1 2 3 4 Container [web] terminated [OOMKilled]",
    ] {
        assert!(pods(text).is_empty(), "{text}");
    }
    // A number behind READY that nothing follows is no status.
    assert!(pods("web-1 0/1 137").is_empty());
}

#[test]
fn events_are_read_from_every_teller() {
    for (text, reason, object, container) in [
        (
            "5m   Warning   Unhealthy   pod/web-1   Liveness probe failed: timeout",
            "Unhealthy",
            Some("web-1"),
            None,
        ),
        (
            "  Normal  Killing  25s  kubelet, n1  Stopping container web",
            "Killing",
            None,
            Some("web"),
        ),
        ("Warning Evicted 5m kubelet The node was low on resource: memory.", "Evicted", None, None),
        (
            r#"{"reason":"Killing","message":"Stopping container web","involvedObject":{"kind":"Pod","name":"w"}}"#,
            "Killing",
            Some("w"),
            Some("web"),
        ),
        (
            r#"{"Reason":"StoppingContainer","Msg":"Container web failed liveness probe, will be restarted"}"#,
            "StoppingContainer",
            None,
            Some("web"),
        ),
        (
            "{'reason': 'Evicted', 'message': 'The node was low on resource: memory.'}",
            "Evicted",
            None,
            None,
        ),
        (
            "reason: Evicted\nmessage: 'The node was low on resource: memory.'\ninvolvedObject:\n  name: w\n",
            "Evicted",
            Some("w"),
            None,
        ),
        (
            r#"{"jsonPayload":{"reason":"SystemOOM","message":"System OOM encountered, victim process: java, pid: 7","involvedObject":{"name":"n1"}}}"#,
            "SystemOOM",
            Some("n1"),
            None,
        ),
        (r#"[["Killing","Normal",1.0,"Stopping container web"]]"#, "Killing", None, Some("web")),
        (
            r#"I0325 14:22:36.319017    1432 prober.go:107] "Probe failed" probeType="Liveness" pod="d/web-1" containerName="web" probeResult="failure""#,
            "Unhealthy",
            Some("web-1"),
            Some("web"),
        ),
        (
            r#"I0325 14:22:36.319017    1432 eviction_manager.go:588] "Eviction manager: pod is evicted successfully" pod="d/web-1""#,
            "Evicted",
            Some("web-1"),
            None,
        ),
        (
            r#"I0325 14:22:36.319017    1432 eviction_manager.go:344] "Eviction manager: attempting to reclaim" resourceName="memory""#,
            "EvictionThresholdMet",
            None,
            None,
        ),
    ] {
        let events = events(text);
        assert_eq!(events.len(), 1, "{text}: {events:?}");
        assert_eq!(events[0].reason, reason, "{text}");
        assert_eq!(events[0].object.as_deref(), object, "{text}");
        assert_eq!(events[0].container.as_deref(), container, "{text}");
    }
}

#[test]
fn a_sentence_about_an_event_is_not_the_event() {
    for text in [
        "When a liveness probe fails you see: Container web failed liveness probe, will be restarted",
        "The kubelet evicts pods with messages like 'The node was low on resource: memory.'",
    ] {
        assert_eq!(events(text), [], "{text}");
    }
    let told = events("[k8s] prod/web-0: Container web failed liveness probe, will be restarted");
    assert_eq!(told.len(), 1);
}

#[test]
fn the_kubelets_eviction_loop_evicts_nobody() {
    assert_eq!(
        read(
            r#"I0325 14:22:36.3 eviction_manager.go:189] "Eviction manager: starting control loop""#
        ),
        []
    );
}

#[test]
fn memory_pressure_of_a_node_is_told_with_its_status() {
    let row = "  MemoryPressure   False   Tue, 12 Aug 2025 06:42:07 +0200   Tue, 12 Aug 2025 05:42:07 +0200   KubeletHasSufficientMemory   kubelet has sufficient memory available\n";
    let json = r#"{"kind":"Node","metadata":{"name":"n1"},"status":{"conditions":[{"type":"MemoryPressure","status":"False","reason":"KubeletHasSufficientMemory","message":"ok"}]}}"#;
    for text in [row, json] {
        let events = events(text);
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0].reason, "MemoryPressure=False");
        assert_eq!(events[0].kind.as_deref(), Some("Node"));
    }
}

#[test]
fn other_tools_texts_are_not_kubernetes() {
    for text in [
        "Status: active (running)\nReason: none\nName: x\n",
        r#"[{"State":{"Status":"exited","OOMKilled":true,"ExitCode":137},"Name":"/web"}]"#,
        r#"{"containers":[{"containerArn":"a","exitCode":137,"reason":"OutOfMemoryError: x"}]}"#,
        r#"{"kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}]}}"#,
        "The pod was OOMKilled with exit code 137 and Reason: we do not know",
        "Normal people say Killing is bad",
    ] {
        assert_eq!(read(text), [], "{text}");
    }
}

#[test]
fn long_texts_are_read_in_time() {
    for line in [
        "5m   Warning   Evicted   pod/web-1   The node was low on resource: memory.\n",
        "api-1   0/1   OOMKilled   3   1h\n",
        "Name: a\nLast State: Terminated\n  Exit Code: 137\n",
        "- lastState:\n    terminated: {}\n",
        "- - ",
        "Container a failed liveness probe, will be restarted\n",
    ] {
        let text = format!("lastState:\n{}", line.repeat(100_000 / line.len()));
        let began = std::time::Instant::now();
        read(&text);
        assert!(began.elapsed().as_secs() < 8, "{line}");
    }
}

/// The specification keeps the image as it was asked for, with its tag; the status may show a digest.
#[test]
fn the_image_is_the_one_that_was_asked_for_where_that_is_shown() {
    let status = r#""status":{"phase":"Running","containerStatuses":[{"name":"web",
        "image":"sha256:0a1b","restartCount":1,"state":{"running":{}}}]}"#;
    let spec = r#""spec":{"containers":[{"name":"web","image":"demo/web:22"}]},"#;
    let pod = |spec: &str| format!(r#"{{"kind":"Pod","metadata":{{"name":"a"}},{spec}{status}}}"#);
    assert_eq!(only(&pod(spec)).image.as_deref(), Some("demo/web:22"));
    assert_eq!(only(&pod("")).image.as_deref(), Some("sha256:0a1b"));
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,200}") {
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }

    #[test]
    fn damaged_descriptions_keep_their_spans(from in 0usize..2400, cut in 0usize..2400, drop in 0usize..60) {
        let text = crate::damage::damaged(DESCRIBED, drop, from, cut);
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }

    #[test]
    fn random_indentation_never_panics(lines in prop::collection::vec((0usize..12, 0usize..10), 0..40)) {
        const WORDS: [&str; 10] = ["terminated:", "- name: a", "- - b", "reason: OOMKilled", "lastState:",
            "exitCode: 137", "-", "message: |", "'x", "key: {a: [1"];
        let text: String =
            lines.iter().map(|(indent, word)| format!("{:indent$}{}\n", "", WORDS[*word])).collect();
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }
}

#[test]
fn a_pods_status_is_quoted_only_where_reason_and_message_stand_together() {
    let node = "The node was low on resource: memory.";
    for (text, told) in [
        (format!("pod web-0 status is Failed, reason: Evicted, message: {node}"), 1),
        (format!("what we saw on every one of them was this message: {node}"), 0),
        (format!("all of them show as reason: Evicted and then it says {node}"), 0),
    ] {
        assert_eq!(events(&text).len(), told, "{text}");
    }
}
