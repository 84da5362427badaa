//! What the readers take from a text field by field, through the one door: every action, column,
//! option and column width that a source prints, with the bytes that each record points at.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where a record is not what it must be"
)]

use casefile::{Bytes, Limit, Moment, Source};
use parse::record::{
    ContainerAction, ContainerEvent, ContainerRecord, DaemonLine, EcsTask, Form, Record,
};
use serde_json::json;

const ID: &str = "3f9a1c5e7b2d4f6081a3c5e7092b4d6f8fa1b3c5d7e9f0a2b4c6d8eafc0e1f23";

/// Every record of a text, each with the words it points at.
fn read(source: Source, text: &str) -> Vec<(Record, String)> {
    let quote = |sighting: parse::Sighting| {
        let words = sighting.span.of(text).expect("a span in the text").to_owned();
        (sighting.record, words)
    };
    parse::read(source, text).into_iter().map(quote).collect()
}

fn containers(text: &str) -> Vec<ContainerRecord> {
    let taken = read(Source::Pasted, text).into_iter();
    taken
        .filter_map(|(record, _)| match record {
            Record::Container(container) => Some(*container),
            _ => None,
        })
        .collect()
}

fn task(text: &str) -> EcsTask {
    let found = read(Source::Pasted, text).into_iter().find_map(|(record, _)| match record {
        Record::EcsTask(task) => Some(*task),
        _ => None,
    });
    found.expect("a task")
}

fn line(text: &str) -> Option<DaemonLine> {
    read(Source::Journal, text).into_iter().find_map(|(record, _)| match record {
        Record::Daemon(line) => Some(line),
        _ => None,
    })
}

fn event(action: &str, attributes: serde_json::Value) -> ContainerEvent {
    let mut told = json!({"image": "demo", "name": "web"});
    for (key, value) in attributes.as_object().expect("an object") {
        told[key] = value.clone();
    }
    let text =
        json!({"Type": "container", "Action": action, "Actor": {"ID": ID, "Attributes": told},
        "time": 1_795_341_600, "timeNano": 1_795_341_600_250_000_000_i64})
        .to_string();
    let found = read(Source::ContainerEvents, &text);
    let Some((Record::ContainerEvent(event), quote)) = found.into_iter().next() else {
        panic!("no event: {text}")
    };
    assert_eq!(quote, text);
    event
}

#[test]
fn every_action_of_a_container_is_told_apart() {
    let of = |action: &str| event(action, json!({})).action;
    assert_eq!(of("create"), ContainerAction::Create);
    assert_eq!(of("start"), ContainerAction::Start);
    assert_eq!(of("restart"), ContainerAction::Restart);
    assert_eq!(of("oom"), ContainerAction::Oom);
    assert_eq!(of("stop"), ContainerAction::Stop);
    assert_eq!(of("destroy"), ContainerAction::Destroy);
    assert_eq!(of("remove"), ContainerAction::Destroy);
    assert_eq!(of("pause"), ContainerAction::Pause(true));
    assert_eq!(of("unpause"), ContainerAction::Pause(false));
    assert_eq!(of("kill"), ContainerAction::Kill { signal: None });
    assert_eq!(of("die"), ContainerAction::Die { exit_code: None });
    assert_eq!(of("attach"), ContainerAction::Other("attach".to_owned()));
    assert_eq!(of("health_status: unhealthy"), ContainerAction::Health("unhealthy".to_owned()));
}

#[test]
fn an_events_attributes_name_the_signal_the_code_and_the_health() {
    let killed = event("kill", json!({"signal": "15"}));
    assert_eq!(killed.action, ContainerAction::Kill { signal: Some(15) });
    assert_eq!((killed.name.as_deref(), killed.image.as_deref()), (Some("web"), Some("demo")));
    assert_eq!(killed.id.map(|id| id.to_string()), Some(ID.to_owned()));
    assert_eq!(killed.at, Moment::from_nanos(1_795_341_600_250_000_000));
    for key in ["exitCode", "containerExitCode"] {
        let died = event("died", json!({key: "137"}));
        assert_eq!(died.action, ContainerAction::Die { exit_code: Some(137) });
        let exec = event("exec_died", json!({key: "1"}));
        assert_eq!(exec.action, ContainerAction::ExecDie { exit_code: Some(1) });
    }
    for key in ["health_status", "healthStatus"] {
        let health = event("health_status", json!({key: "healthy"}));
        assert_eq!(health.action, ContainerAction::Health("healthy".to_owned()));
    }
}

#[test]
fn an_event_of_a_network_is_none_of_a_container() {
    let text =
        json!({"Type": "network", "Action": "disconnect", "Actor": {"ID": ID, "Attributes": {}},
        "time": 1_795_341_600})
        .to_string();
    assert_eq!(read(Source::ContainerEvents, &text), []);
}

#[test]
fn a_row_of_docker_ps_is_read_by_its_columns() {
    let table = "CONTAINER ID   IMAGE     COMMAND        CREATED         STATUS                       PORTS     NAMES\n\
        3f9a1c5e7b2d   demo      \"serve --all\"  5 minutes ago   Exited (137) 3 minutes ago             web\n\
        d0b1c2d3e4f5   demo      \"serve\"        5 minutes ago   Up 2 hours (unhealthy)                 db\n\
        e0b1c2d3e4f5   demo      \"serve\"        5 minutes ago   Up 3 weeks (Paused)                    job\n\
        f0b1c2d3e4f5   demo      \"serve\"        5 minutes ago   Restarting (1) 5 seconds ago           loop\n\
        a0b1c2d3e4f5   demo      \"serve\"        5 minutes ago   Created                                new\n";
    let rows = containers(table);
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.name.as_deref().unwrap_or("-"), row.status.as_deref(), row.exit_code))
        .collect();
    assert_eq!(
        told,
        [
            ("web", Some("exited"), Some(137)),
            ("db", Some("running"), None),
            ("job", Some("paused"), None),
            ("loop", Some("restarting"), Some(1)),
            ("new", Some("created"), None)
        ]
    );
    assert_eq!(rows[1].health.as_deref(), Some("unhealthy"));
}

#[test]
fn inspect_fills_every_field_that_a_rule_asks_for() {
    let inspect = json!([{"Id": ID, "Path": "serve", "Args": ["--all"], "Name": "/web", "RestartCount": 3,
        "State": {"Status": "exited", "Running": false, "OOMKilled": true, "Pid": 0, "ExitCode": 137, "Error": "x",
            "StartedAt": "2026-11-22T10:00:00Z", "FinishedAt": "2026-11-22T10:01:00Z", "Health": {"Status": "unhealthy"}},
        "HostConfig": {"Memory": 268_435_456, "MemorySwap": -1, "OomKillDisable": true, "CgroupParent": "/pool", "PidMode": "host",
            "Init": true, "AutoRemove": true, "ShmSize": 67_108_864, "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5},
            "Tmpfs": {"/run": "size=1m"}, "Ulimits": [{"Name": "RLIMIT_CPU", "Soft": 5, "Hard": 10}]},
        "Config": {"Image": "demo", "StopSignal": "SIGUSR2", "StopTimeout": 30, "Env": ["JAVA_TOOL_OPTIONS=-Xmx1g", "TOKEN=x"]}}]);
    let text = serde_json::to_string_pretty(&inspect).expect("JSON");
    let found = read(Source::ContainerInspect, &text);
    let Some((Record::Container(told), _)) = found.into_iter().next() else { panic!("no record") };
    assert_eq!(told.form, Some(Form::Inspect));
    assert_eq!(told.id.as_ref().map(ToString::to_string), Some(ID.to_owned()));
    assert_eq!((told.name.as_deref(), told.image.as_deref()), (Some("web"), Some("demo")));
    assert_eq!(told.command, ["serve", "--all"]);
    assert_eq!(
        (told.status.as_deref(), told.running, told.oom_killed),
        (Some("exited"), Some(false), Some(true))
    );
    assert_eq!((told.exit_code, told.error.as_deref(), told.pid), (Some(137), Some("x"), None));
    assert_eq!(told.started_at, Moment::parse("2026-11-22T10:00:00Z"));
    assert_eq!(told.finished_at, Moment::parse("2026-11-22T10:01:00Z"));
    assert_eq!(
        (told.memory, told.memory_swap),
        (Some(Limit::At(Bytes(268_435_456))), Some(Limit::Unlimited))
    );
    assert_eq!(
        (told.oom_kill_disable, told.init, told.auto_remove),
        (Some(true), Some(true), Some(true))
    );
    assert_eq!(
        (told.cgroup_parent.as_deref(), told.pid_mode.as_deref()),
        (Some("/pool"), Some("host"))
    );
    assert_eq!((told.shm_size, told.restart_count), (Some(Bytes(67_108_864)), Some(3)));
    assert_eq!(told.restart_policy.as_deref(), Some("on-failure:5"));
    assert_eq!(told.tmpfs, [("/run".to_owned(), "size=1m".to_owned())]);
    assert_eq!(
        (told.ulimits[0].name.as_str(), told.ulimits[0].soft, told.ulimits[0].hard),
        ("cpu", Some(5), Some(10))
    );
    assert_eq!((told.stop_signal.as_deref(), told.stop_timeout), (Some("SIGUSR2"), Some(30)));
    assert_eq!(told.health.as_deref(), Some("unhealthy"));
    assert_eq!(told.memory_settings, [("JAVA_TOOL_OPTIONS".to_owned(), "-Xmx1g".to_owned())]);
    for (field, quote) in [
        ("status", "\"exited\""),
        ("oom_killed", "true"),
        ("exit_code", "137"),
        ("memory", "268435456"),
        ("memory_swap", "-1"),
        ("oom_kill_disable", "true"),
        ("cgroup_parent", "\"/pool\""),
        ("error", "\"x\""),
    ] {
        let words = told.span_of(field).and_then(|span| span.of(&text));
        assert!(words.is_some_and(|words| words.contains(quote)), "{field}: {words:?}");
    }
}

#[test]
fn sudo_tells_who_typed_which_signal_at_whom() {
    let typed = |command: &str| {
        let text = format!(
            "Feb 06 00:00:00 h sudo[9]: alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND={command}\n"
        );
        match line(&text) {
            Some(DaemonLine::SignalSentBy { comm, signal, target_pid, .. }) => {
                Some((comm.unwrap_or_default(), signal, target_pid))
            }
            _ => None,
        }
    };
    let told = |comm: &str, signal, pid| Some((comm.to_owned(), Some(signal), pid));
    for nine in ["-9", "-KILL", "-s KILL", "-s 9", "-n 9", "--signal 9", "--signal=KILL"] {
        assert_eq!(
            typed(&format!("/usr/bin/kill {nine} 4711")),
            told("kill", 9, Some(4711)),
            "{nine}"
        );
    }
    assert_eq!(typed("/usr/bin/kill 4711"), told("kill", 15, Some(4711)));
    assert_eq!(typed("/usr/bin/pkill -9 serve"), told("pkill", 9, None));
    assert_eq!(typed("/usr/bin/killall -9 4711"), told("killall", 9, None), "a name, not a pid");
    assert_eq!(typed("/usr/bin/apt update"), None);
}

#[test]
fn an_ecs_task_fills_every_field() {
    let text = json!({"tasks": [{"taskArn": "arn:aws:ecs:eu-central-1:111122223333:task/demo/0123", "launchType": "EC2",
        "stopCode": "TaskFailedToStart", "stoppedReason": "Essential container in task exited", "lastStatus": "STOPPED", "memory": "1024",
        "stoppingAt": "2026-11-22T10:00:00Z", "stoppedAt": "2026-11-22T10:01:00Z",
        "containers": [{"name": "app", "runtimeId": ID, "lastStatus": "STOPPED", "exitCode": 137, "reason": "OutOfMemoryError: x",
            "memory": "512", "memoryReservation": "256"}, {"name": "side", "lastStatus": "RUNNING"}]}]})
    .to_string();
    let told = task(&text);
    assert_eq!(told.task.as_deref(), Some("arn:aws:ecs:eu-central-1:111122223333:task/demo/0123"));
    assert_eq!(
        (told.launch_type.as_deref(), told.stop_code.as_deref()),
        (Some("EC2"), Some("TaskFailedToStart"))
    );
    assert_eq!(told.stopped_reason.as_deref(), Some("Essential container in task exited"));
    assert_eq!(
        (told.last_status.as_deref(), told.memory),
        (Some("STOPPED"), Some(Bytes(1024 << 20)))
    );
    assert_eq!(told.stopping_at, Moment::parse("2026-11-22T10:00:00Z"));
    assert_eq!(told.stopped_at, Moment::parse("2026-11-22T10:01:00Z"));
    assert!(!told.cut);
    let app = &told.containers[0];
    assert_eq!((app.name.as_deref(), app.exit_code), (Some("app"), Some(137)));
    assert_eq!(app.id.as_ref().map(ToString::to_string), Some(ID.to_owned()));
    assert_eq!((app.running, app.ended_now), (Some(false), true));
    assert_eq!(app.reason.as_deref(), Some("OutOfMemoryError: x"));
    assert_eq!(
        (app.memory.limit, app.memory.request),
        (Some(Limit::At(Bytes(512 << 20))), Some(Bytes(256 << 20)))
    );
    assert_eq!((told.containers[1].running, told.containers[1].ended_now), (Some(true), false));
}

#[test]
fn a_batch_job_is_one_task_for_each_attempt() {
    let text = json!({"jobs": [{"jobId": "1", "jobName": "j", "status": "FAILED", "statusReason": "Task failed",
        "attempts": [{"statusReason": "first", "stoppedAt": 1_795_341_600_000_i64, "container": {"exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}},
            {"container": {"exitCode": 1}}],
        "container": {"resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]}}]})
    .to_string();
    let tasks: Vec<EcsTask> = read(Source::Pasted, &text)
        .into_iter()
        .filter_map(|(record, _)| match record {
            Record::EcsTask(task) => Some(*task),
            _ => None,
        })
        .collect();
    let reasons: Vec<_> = tasks.iter().map(|task| task.stopped_reason.as_deref()).collect();
    assert_eq!(reasons, [Some("first"), Some("Task failed")]);
    assert!(tasks.iter().all(|task| task.memory == Some(Bytes(512 << 20))));
    assert_eq!(tasks[0].containers[0].exit_code, Some(137));
    let old = text.replace("\"resourceRequirements\":[{\"type\":\"VCPU\",\"value\":\"1\"},{\"type\":\"MEMORY\",\"value\":\"512\"}]", "\"memory\":768");
    assert_eq!(task(&old).memory, Some(Bytes(768 << 20)));
    let none = text.replace("\"resourceRequirements\":[{\"type\":\"VCPU\",\"value\":\"1\"},{\"type\":\"MEMORY\",\"value\":\"512\"}]", "\"memory\":0");
    assert_eq!(task(&none).memory, None);
}

#[test]
fn an_exit_code_is_a_whole_number_and_nothing_longer() {
    let code = |text: &str| {
        read(Source::Pasted, text).into_iter().find_map(|(record, _)| match record {
            Record::BareExit(code) => Some(code),
            _ => None,
        })
    };
    assert_eq!(code("exit code: 137\n"), Some(137));
    assert_eq!(code("exited with code 137\n"), Some(137));
    assert_eq!(code("exit code: 137.\n"), Some(137));
    for longer in [
        "exit code: 137.5\n",
        "exit code: 137%\n",
        "exit code: 137_1\n",
        "exit code: 13:7\n",
        "exit code: 137-2\n",
        "exit code: 137ms\n",
    ] {
        assert_eq!(code(longer), None, "{longer}");
    }
}
