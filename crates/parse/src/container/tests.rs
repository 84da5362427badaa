use casefile::{Bytes, ContainerId, Limit, Moment};
use proptest::prelude::*;

use super::*;
use crate::record::{ContainerAction, ContainerEvent, ContainerRecord, Form};

fn read(text: &str) -> Vec<Sighting> {
    super::read(&Text::new(text))
}

const ID: &str = "9f1c2b7de0a4438fa1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718";

fn records(found: &[Sighting]) -> Vec<ContainerRecord> {
    found
        .iter()
        .filter_map(|sighting| match &sighting.record {
            Record::Container(record) => Some((**record).clone()),
            _ => None,
        })
        .collect()
}

fn one(text: &str) -> ContainerRecord {
    let found = read(text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    records(&found).pop().unwrap_or_else(|| panic!("{text}\n{found:#?}"))
}

fn bare(text: &str) -> Vec<Record> {
    read(text).into_iter().map(|sighting| sighting.record).collect()
}

fn event(text: &str) -> ContainerEvent {
    let found = read_events(text);
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    match found.into_iter().next().unwrap().record {
        Record::ContainerEvent(event) => event,
        other => panic!("{other:?}"),
    }
}

fn inspect() -> String {
    format!(
        r#"[
    {{
        "Id": "{ID}",
        "Path": "python3",
        "Args": ["-u", "app.py"],
        "State": {{
            "Status": "exited",
            "Running": false,
            "OOMKilled": true,
            "Pid": 0,
            "ExitCode": 137,
            "Error": "",
            "StartedAt": "2026-05-27T18:42:06.1Z",
            "FinishedAt": "2026-05-27T18:42:10.301Z",
            "Health": {{ "Status": "unhealthy", "FailingStreak": 3 }}
        }},
        "Image": "sha256:0011",
        "Name": "/api",
        "RestartCount": 2,
        "HostConfig": {{
            "Memory": 67108864,
            "MemorySwap": -1,
            "CgroupParent": "",
            "PidMode": "",
            "RestartPolicy": {{ "Name": "on-failure", "MaximumRetryCount": 5 }},
            "OomKillDisable": null,
            "Init": null,
            "ShmSize": 67108864,
            "Tmpfs": {{ "/scratch": "size=32m" }},
            "Ulimits": [ {{ "Name": "cpu", "Soft": 3, "Hard": -1 }} ]
        }},
        "Config": {{
            "Image": "registry/api:1",
            "Env": ["NODE_OPTIONS=--max-old-space-size=400", "PASSWORD=x"],
            "StopSignal": "SIGTERM",
            "StopTimeout": 30
        }}
    }}
]"#
    )
}

#[test]
fn an_inspect_document_fills_every_field() {
    let text = inspect();
    let found = read_inspect(&text);
    let record = records(&found).remove(0);
    assert_eq!(record.id, ContainerId::parse(ID));
    assert_eq!(record.name.as_deref(), Some("api"));
    assert_eq!(record.image.as_deref(), Some("registry/api:1"));
    assert_eq!(record.command, ["python3", "-u", "app.py"]);
    assert_eq!((record.pid, record.exit_code, record.oom_killed), (None, Some(137), Some(true)));
    assert_eq!((record.running, record.error.clone()), (Some(false), None));
    assert_eq!(record.finished_at, Moment::parse("2026-05-27T18:42:10.301Z"));
    assert_eq!(record.health.as_deref(), Some("unhealthy"));
    assert_eq!(record.restart_policy.as_deref(), Some("on-failure:5"));
    assert_eq!(record.memory, Some(Limit::At(Bytes(64 << 20))));
    assert_eq!(record.memory_swap, Some(Limit::Unlimited));
    assert_eq!((record.cgroup_parent.clone(), record.init), (None, None));
    assert_eq!(record.tmpfs, [("/scratch".to_owned(), "size=32m".to_owned())]);
    assert_eq!((record.ulimits[0].soft, record.ulimits[0].hard), (Some(3), None));
    assert_eq!(record.memory_settings.len(), 1);
    assert_eq!(record.stop_timeout, Some(30));
    assert_eq!(record.span_of("oom_killed").unwrap().of(&text), Some("\"OOMKilled\": true"));
    assert!(found[0].span.of(&text).unwrap().starts_with("\"State\""));
    assert_eq!(one(&text), record);
}

#[test]
fn an_inspect_document_that_lost_any_line_still_tells_the_code() {
    let text = inspect();
    for (number, gone) in text.lines().enumerate() {
        let kept: Vec<&str> = text
            .lines()
            .enumerate()
            .filter(|(at, _)| *at != number)
            .map(|(_, line)| line)
            .collect();
        let found = records(&read_inspect(&kept.join("\n")));
        assert_eq!(found.len(), 1, "without {gone}");
        if !gone.contains("ExitCode") {
            assert_eq!(found[0].exit_code, Some(137), "without {gone}");
        }
        if !gone.contains("\"Memory\"") {
            assert_eq!(found[0].memory, Some(Limit::At(Bytes(64 << 20))), "without {gone}");
        }
        if !gone.contains("\"Name\": \"/api\"") {
            assert_eq!(found[0].name.as_deref(), Some("api"), "without {gone}");
        }
    }
}

#[test]
fn a_running_or_created_container_has_no_exit_code() {
    let text = inspect().replace("\"exited\"", "\"running\"").replace("\"Pid\": 0", "\"Pid\": 4");
    let record = one(&text);
    assert_eq!((record.exit_code, record.pid), (None, Some(4)));
    let created = r#"{"Status":"created","Running":false,"OOMKilled":false,"ExitCode":0,"Pid":0}"#;
    assert_eq!(one(created).exit_code, None);
    let unlimited = one(r#"{"HostConfig":{"Memory":0,"MemorySwap":0}}"#);
    assert_eq!((unlimited.memory, unlimited.memory_swap), (Some(Limit::Unlimited), None));
}

#[test]
fn a_state_object_or_a_few_grepped_lines_are_enough() {
    let state = r#"{"Status":"exited","Running":false,"OOMKilled":false,"ExitCode":137}"#;
    assert_eq!(one(state).exit_code, Some(137));
    assert_eq!(one("            \"OOMKilled\": false,\n").oom_killed, Some(false));
    let grepped = "$ docker inspect web | grep -i memory\n            \"Memory\": 67108864,\n            \"MemoryReservation\": 0,\n            \"MemorySwap\": 134217728,\n";
    assert_eq!(one(grepped).memory, Some(Limit::At(Bytes(64 << 20))));
    assert_eq!(bare("            \"ExitCode\": 137,\n"), [Record::BareExit(137)]);
}

#[test]
fn events_are_read_in_every_form() {
    let text = event(&format!(
        "2024-02-06T00:00:00.100000000+01:00 container die {ID} (com.x=a, b=c, exitCode=137, image=web:1, name=web)"
    ));
    assert_eq!(text.action, ContainerAction::Die { exit_code: Some(137) });
    assert_eq!((text.name.as_deref(), text.image.as_deref()), (Some("web"), Some("web:1")));
    assert_eq!(text.at, Moment::parse("2024-02-05T23:00:00.1Z"));
    let json = event(&format!(
        r#"{{"status":"kill","id":"{ID}","from":"web:1","Type":"container","Action":"kill","Actor":{{"ID":"{ID}","Attributes":{{"image":"web:1","name":"web","signal":"9"}}}},"scope":"local","time":1700000000,"timeNano":1700000000500000000}}"#
    ));
    assert_eq!(json.action, ContainerAction::Kill { signal: Some(9) });
    assert_eq!(json.at, Moment::from_micros(1_700_000_000_500_000));
    let old = event(&format!(r#"{{"status":"die","id":"{ID}","from":"web:1","time":1440000000}}"#));
    assert_eq!(old.action, ContainerAction::Die { exit_code: None });
    assert_eq!(old.image.as_deref(), Some("web:1"));
    let older = event(&format!("2015-08-31T18:23:18.000000000Z {ID}: (from web:1) oom"));
    assert_eq!(older.action, ContainerAction::Oom);
    let podman = event(&format!(
        "2024-05-06 01:02:03.5 +0200 CEST container died {ID} (image=localhost/web:1, name=web, containerExitCode=137)"
    ));
    assert_eq!(podman.action, ContainerAction::Die { exit_code: Some(137) });
    assert_eq!(podman.at, Moment::parse("2024-05-05T23:02:03.5Z"));
    let podman_json = event(&format!(
        r#"{{"ID":"{ID}","Image":"localhost/web:1","Name":"web","Status":"died","ContainerExitCode":137,"Time":"2024-05-06T01:02:03+02:00","Type":"container","Attributes":null}}"#
    ));
    assert_eq!(podman_json.action, ContainerAction::Die { exit_code: Some(137) });
    assert_eq!(podman_json.name.as_deref(), Some("web"));
}

#[test]
fn actions_with_arguments_are_told_apart() {
    let line = |action: &str| {
        event(&format!(
            "2024-02-06T00:00:00Z container {action} {ID} (execID=1, exitCode=126, name=w)"
        ))
        .action
    };
    assert_eq!(line("health_status: unhealthy"), ContainerAction::Health("unhealthy".to_owned()));
    assert_eq!(line("exec_die"), ContainerAction::ExecDie { exit_code: Some(126) });
    assert!(matches!(line("exec_start: sh -c \"(true)\""), ContainerAction::Other(_)));
    assert_eq!(line("unpause"), ContainerAction::Pause(false));
    assert!(
        read_events("2024-02-06T00:00:00Z network connect abc (container=x, name=bridge)")
            .is_empty()
    );
    let health = format!(
        "2024-05-06 01:02:03 +0000 UTC container health_status {ID} (image=w, name=w, health_status=unhealthy)"
    );
    assert_eq!(event(&health).action, ContainerAction::Health("unhealthy".to_owned()));
}

#[test]
fn a_state_file_tells_only_whether_the_api_was_used() {
    let text = format!(r#"{{"ID":"{ID}","HasBeenManuallyStopped":true}}"#);
    let found = read_config(&text);
    assert_eq!(found.len(), 1);
    let Record::ManuallyStopped(stopped) = &found[0].record else { panic!() };
    assert!(stopped.value);
    assert_eq!(found[0].span.of(&text), Some("\"HasBeenManuallyStopped\":true"));
    assert_eq!(read(&text).len(), 1);
}

#[test]
fn bare_values_are_read_by_shape() {
    let record = one("137 false 2026-05-27T18:42:11.5Z\n");
    assert_eq!((record.exit_code, record.oom_killed), (Some(137), Some(false)));
    assert_eq!(record.finished_at, Moment::parse("2026-05-27T18:42:11.5Z"));
    assert_eq!(record.form, Some(Form::Format));
    let record = one("'exited|137|true'");
    assert_eq!((record.status.as_deref(), record.exit_code), (Some("exited"), Some(137)));
    let record = one("/web true 137");
    assert_eq!((record.name.as_deref(), record.oom_killed), (Some("web"), Some(true)));
    let record = one("2026-05-27T18:42:11Z 2026-05-27T18:40:11Z 137 false 67108864");
    assert_eq!(record.memory, Some(Limit::At(Bytes(64 << 20))));
    assert!(record.started_at < record.finished_at);
    let record = one(
        "{exited false false false true false 0 137  2026-05-27T18:42:10Z 2026-05-27T18:42:11Z <nil>}",
    );
    assert_eq!((record.oom_killed, record.exit_code), (Some(true), Some(137)));
    let record = one(
        "map[Dead:false Error: ExitCode:137 FinishedAt:2026-05-27T18:42:11Z OOMKilled:false Paused:false Pid:0 Restarting:false Running:false StartedAt:2026-05-27T18:42:10Z Status:exited]",
    );
    assert_eq!((record.oom_killed, record.exit_code), (Some(false), Some(137)));
}

#[test]
fn labels_are_read_in_any_spelling() {
    for text in [
        "ExitCode=137 OOMKilled=True",
        "ExitCode=137  OOMKilled=true",
        "exit=137, oom=true",
        "Exit Code: 137\nOOM Killed: true\n",
        "State.ExitCode: 137 | State.OOMKilled: true",
        "some words before\n\nExitCode: 137\n\nOOMKilled: true",
    ] {
        let record = one(text);
        assert_eq!((record.exit_code, record.oom_killed), (Some(137), Some(true)), "{text}");
    }
    let record = one("/web ExitCode=1 Error=no such file OOMKilled=false Status=exited");
    assert_eq!(record.error.as_deref(), Some("no such file"));
    assert_eq!(record.name.as_deref(), Some("web"));
    assert_eq!(bare("OOMKilled: true"), [Record::BareOomFlag(true)]);
    assert_eq!(bare("Exit Code: 137"), [Record::BareExit(137)]);
    assert_eq!(bare("it failed with error code 137"), [Record::BareExit(137)]);
    assert_eq!(bare("Server terminated abruptly (error code: 14, error message: 'x')"), []);
    let running = one("Status: running OOMKilled: true");
    assert_eq!(running.status.as_deref(), Some("running"));
}

#[test]
fn the_commands_template_says_what_the_values_are() {
    let record =
        one("$ docker inspect --format '{{.State.Running}} {{.State.ExitCode}}' web\nfalse 137\n");
    assert_eq!(
        (record.running, record.exit_code, record.oom_killed),
        (Some(false), Some(137), None)
    );
    let record = one("docker inspect -f '{{.State.OOMKilled}}' web\ntrue\n");
    assert_eq!(record.oom_killed, Some(true));
    let record = one(
        "root@h:~# docker inspect web --format='code={{.State.ExitCode}} err={{.State.Error}}'\ncode=137 err=some words\n",
    );
    assert_eq!((record.exit_code, record.error.as_deref()), (Some(137), Some("some words")));
    let record = one("docker inspect -f '{{.State.OOMKilled}}' web\n# true\n");
    assert_eq!(record.oom_killed, Some(true));
    assert_eq!(one("{{.State.Status}}: exited").status.as_deref(), Some("exited"));
    let text = "$ docker inspect --format '{{.HostConfig.Memory}}' web\n67108864\n";
    assert_eq!(bare(text), [Record::BareLimit(Limit::At(Bytes(64 << 20)))]);
}

/// Found by the fuzzer: the damaged document took every line but the number.
#[test]
fn a_number_beside_a_damaged_document_is_nothing() {
    for text in [
        "{\"Id\":\"1a2b3c4d5e6f\",\"Has23\n==> /a/b <==\n1\n",
        "{\"a\":1}\n137\n",
        "web-1  | x\n137",
    ] {
        assert_eq!(read(text), [], "{text}");
    }
}

#[test]
fn a_lone_number_is_a_limit_or_a_code_and_a_lone_flag_is_nothing() {
    assert_eq!(bare("67108864\n"), [Record::BareLimit(Limit::At(Bytes(64 << 20)))]);
    assert_eq!(bare("0\n"), [Record::BareLimit(Limit::Unlimited)]);
    assert_eq!(bare("$ echo $?\n137\n"), [Record::BareExit(137)]);
    assert_eq!(bare("$ echo $?\n1\n"), [Record::BareExit(1)]);
    assert_eq!(bare("# docker wait web\n9\n"), [Record::BareExit(9)]);
    // What was typed asked for something else, or was typed below it.
    assert!(bare("$ wc -l < jobs\n9\n").is_empty() && bare("9\n$ echo $?\n").is_empty());
    for text in ["1", "1$", "124", "true", "false", "4711", "words 137", "137 138 139", "12.5"] {
        assert_eq!(bare(text), [], "{text}");
    }
}

#[test]
fn rows_of_ps_are_read_with_and_without_header() {
    let header = "CONTAINER ID   IMAGE     COMMAND    CREATED         STATUS                       PORTS     NAMES\n";
    let row = "1a2b3c4d5e6f   app:1     \"sh -c x\"  2 minutes ago   Exited (137) 3 seconds ago             web\n";
    for text in [row.to_owned(), format!("{header}{row}"), format!("$ docker ps -a\n{header}{row}")]
    {
        let record = one(&text);
        assert_eq!(record.form, Some(Form::PsRow));
        assert_eq!(record.id, ContainerId::parse("1a2b3c4d5e6f"));
        assert_eq!((record.name.as_deref(), record.exit_code), (Some("web"), Some(137)));
        assert_eq!(record.image.as_deref(), Some("app:1"));
    }
    let up = one("1a2b3c4d5e6f  app:1  \"x\"  2 hours ago  Up 2 hours (unhealthy)  80/tcp  web");
    assert_eq!(
        (up.running, up.exit_code, up.health.as_deref()),
        (Some(true), None, Some("unhealthy"))
    );
    let again =
        one("1a2b3c4d5e6f  app:1  \"x\"  2 hours ago  Restarting (137) 5 seconds ago    web");
    assert_eq!((again.status.as_deref(), again.exit_code), (Some("restarting"), Some(137)));
    let compose = one(
        "NAME      IMAGE   COMMAND   SERVICE   CREATED   STATUS   PORTS\napp-web-1   app:1   \"sh\"   web   2 minutes ago   Exited (137) 3 seconds ago\n",
    );
    assert_eq!(compose.name.as_deref(), Some("app-web-1"));
    let v1 = one(
        "  Name     Command    State    Ports\n------------------------\nweb_1   python app.py   Exit 137\n",
    );
    assert_eq!((v1.name.as_deref(), v1.exit_code), (Some("web_1"), Some(137)));
    let narrow = one("web\tExited (137) About a minute ago");
    assert_eq!((narrow.name.as_deref(), narrow.exit_code), (Some("web"), Some(137)));
    let json = one(
        r#"{"Command":"\"sh\"","ID":"1a2b3c4d5e6f","Names":"web","State":"exited","Status":"Exited (137) 3 hours ago"}"#,
    );
    assert_eq!((json.form, json.exit_code), (Some(Form::PsRow), Some(137)));
}

#[test]
fn rows_of_stats_show_usage_and_limit() {
    let row = "1a2b3c4d5e6f   web   0.00%   62.1MiB / 64MiB   97.03%   1.2kB / 0B   0B / 0B   3\n";
    let record = one(row);
    assert_eq!((record.form, record.name.as_deref()), (Some(Form::Stats), Some("web")));
    assert_eq!(record.memory, Some(Limit::At(Bytes(64 << 20))));
    assert_eq!(record.usage.map(|usage| usage.0 >> 20), Some(62));
    let old = one(
        "CONTAINER   CPU %   MEM USAGE / LIMIT   MEM %   NET I/O\nweb   0.1%   62.1 MiB/64 MiB   97.0%   1 kB/0 B\n",
    );
    assert_eq!(old.usage.map(|usage| usage.0 >> 20), Some(62));
}

#[test]
fn a_stats_row_of_nothing_read_has_no_limit_and_no_usage() {
    let rows = [
        "1a2b3c4d5e6f   web   0.00%   0B / 0B   0.00%   0B / 0B   0B / 0B   0\n",
        "CONTAINER ID   NAME   CPU %   MEM USAGE / LIMIT   MEM %\n1a2b3c4d5e6f   web   0.00%   0B / 0B   0.00%\n",
        r#"{"Container":"1a2b3c4d5e6f","Name":"web","CPUPerc":"0.00%","MemUsage":"0B / 0B","MemPerc":"0.00%"}"#,
    ];
    for row in rows {
        let record = one(row);
        assert_eq!(
            (record.form, record.name.as_deref()),
            (Some(Form::Stats), Some("web")),
            "{row}"
        );
        assert_eq!((record.memory, record.usage), (None, None), "{row}");
    }
}

#[test]
fn a_time_as_go_prints_it_is_one_value() {
    let at = Moment::parse("2026-05-27T18:42:11.123456789Z");
    let state = "podman inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}' web\n";
    let turned = "podman inspect --format '{{.State.FinishedAt}} {{.State.ExitCode}} {{.State.OOMKilled}}' web\n";
    for text in [
        "137 false 2026-05-27 18:42:11.123456789 +0000 UTC\n",
        "137 false 2026-05-27 20:42:11.123456789 +0200 CEST\n",
        "137 false 2026-05-27 15:42:11.123456789 -0300 -03\n",
        "137 false 2026-05-27 18:42:11.123456789 +0000 UTC m=+0.012345678\n",
        "exit=137 oom=false finished=2026-05-27 18:42:11.123456789 +0000 UTC\n",
        "finished=2026-05-27 18:42:11.123456789 +0000 UTC exit=137 oom=false\n",
        &format!("{state}137 false 2026-05-27 18:42:11.123456789 +0000 UTC\n"),
        &format!("{turned}2026-05-27 18:42:11.123456789 +0000 UTC 137 false\n"),
        "2026-05-27 18:42:11.123456789 +0000 UTC 137 false\n",
        "{exited false false false false false 0 137  2026-05-27 18:40:01 +0000 UTC 2026-05-27 18:42:11.123456789 +0000 UTC <nil>}\n",
    ] {
        let record = one(text);
        assert_eq!(record.exit_code, Some(137), "{text}");
        assert_eq!(record.oom_killed, Some(false), "{text}");
        assert_eq!(record.finished_at, at, "{text}");
    }
    let never = one("0 false 0001-01-01 00:00:00 +0000 UTC\n");
    assert_eq!((never.exit_code, never.oom_killed, never.finished_at), (None, Some(false), None));
}

#[test]
fn a_status_of_0_below_the_signal_that_ended_the_command_is_none() {
    let head = "Command terminated by signal 9\n\tCommand being timed: \"./fold\"\n";
    assert_eq!(bare(&format!("{head}\tExit status: 0\n")), []);
    assert_eq!(
        bare("\tCommand being timed: \"./fold\"\n\tExit status: 0\n"),
        [Record::BareExit(0)]
    );
}

#[test]
fn exit_lines_name_a_container_only_where_one_is_named() {
    for (text, name) in [
        ("web_1 exited with code 137", "web_1"),
        ("\u{1b}[36mapp-web-1 exited with code 137\u{1b}[0m", "app-web-1"),
        ("dependency failed to start: container app-db-1 exited (137)", "app-db-1"),
        ("service \"job\" didn't complete successfully: exit 137", "job"),
    ] {
        let record = one(text);
        assert_eq!((record.name.as_deref(), record.exit_code), (Some(name), Some(137)), "{text}");
        assert_eq!(record.form, Some(Form::ExitLine));
    }
    for text in [
        "##[error]Process completed with exit code 137.",
        "ERROR: Job failed: command terminated with exit code 137",
        "The command '/bin/sh -c make' returned a non-zero code: 137",
        "ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 137",
        "The process exited with non-zero code 137",
        "subprocess.CalledProcessError: Command 'x' returned non-zero exit status 137.",
        "make: *** [Makefile:3: all] Error 137",
        "npm ERR! errno 137",
        "Container called exit(137).",
        "App [web:0] exited with code [137] via signal [SIGINT]",
        "STATUS: Exited (137)",
        "Exited with code exit status 137",
        "INFO Main child exited normally with code: 137",
        "it shows Exited (137) 5 minutes ago",
        "Our pods die with exit code 137 and we do not know why",
    ] {
        assert_eq!(bare(text), [Record::BareExit(137)], "{text}");
    }
}

#[test]
fn other_programs_lines_are_left_alone() {
    for text in [
        "[  12.5] app[12]: segfault at 0 ip 0 sp 0 error 4 in app[400000+1000]",
        "kernel: Exited (137) 3 minutes ago",
        "10.0.0.1 - - [06/May/2024:01:02:03] \"GET / HTTP/1.1\" 200 137 true",
        "exit code 0",
        "exit code 1370 or exit code 1.37 or exit code 137ms",
        "the system is Up 2 hours and fine",
        "    State:          Terminated\n      Reason:       Error\n      Exit Code:    137\n      Started:      Mon, 06 May 2024 01:02:03 +0000\n",
        "        exitCode: 137\n        finishedAt: \"2024-05-06T01:02:03Z\"\n        reason: Error\n",
        "rate 62.1MiB / 64MiB done",
        "NAMES  STATUS\n$ kubectl get events\nNormal  Created  5s (x2 over 65s)  kubelet  Created container",
        "web-1  | worker ended with exit code 137",
        "{\"Pid\": 12, \"ExitCode\": 1, \"msg\": \"child ended\"}",
        "{\"exitCode\": 137, \"name\": \"web\", \"lastStatus\": \"STOPPED\"}",
        "{\"kind\": \"Pod\", \"status\": {\"phase\": \"Running\"}}",
        "worker exited with code 2 (unexpected) after 3 tries of 7 status code 404",
    ] {
        assert_eq!(
            bare(text).into_iter().filter(|record| *record != Record::BareExit(2)).count(),
            0,
            "{text}\n{:#?}",
            bare(text)
        );
    }
}

#[test]
fn commands_and_compose_files_show_limits() {
    let limit = |mib: u64| Record::BareLimit(Limit::At(Bytes(mib << 20)));
    for (text, quote) in [
        ("docker run --rm -m 64m app", "-m 64m"),
        ("$ sudo podman run -it --memory=64m app python -m http.server", "--memory=64m"),
        ("docker run --memory-swap 1g --memory 64m \\\n  app java -Xmx512m", "--memory 64m"),
        ("docker run -d \\\n  --name web \\\n  -m64m \\\n  app -m 5m", "-m64m"),
        ("services:\n  web:\n    mem_limit: 64m\n", "mem_limit: 64m"),
        (
            "services:\n  web:\n    deploy:\n      resources:\n        limits:\n          memory: 64M\n        reservations:\n          memory: 5M\n",
            "memory: 64M",
        ),
    ] {
        let found = read(text);
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
        assert_eq!(found[0].record, limit(64), "{text}");
        assert_eq!(found[0].span.of(text), Some(quote));
    }
    for text in [
        "docker run app prog -m 64m",
        "python -m 64m",
        "limits:\n  memory: 64Mi\n",
        "docker stop -t 5 web",
    ] {
        assert_eq!(bare(text), [], "{text}");
    }
}

fn valid(text: &str) {
    for found in [read(text), read_inspect(text), read_events(text), read_config(text)] {
        for sighting in found {
            assert!(sighting.span.of(text).is_some(), "{sighting:?}");
        }
    }
}

#[test]
fn long_texts_are_read_in_linear_time() {
    for part in [
        "{\"Type\":\"container\",\"Action\":\"die\",\"timeNano\":5}\n",
        "{{",
        "ExitCode=137 OOMKilled=true\n",
        "a / b / c\n",
        "docker run \\\n",
        "Exited (137) ",
    ] {
        let text = part.repeat(10_000);
        let started = std::time::Instant::now();
        valid(&text);
        assert!(started.elapsed().as_secs() < 20, "{part}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,120}") {
        valid(&text);
    }

    #[test]
    fn a_cut_text_has_valid_spans(from in 0_usize..1500, length in 0_usize..1500) {
        let whole = format!(
            "{}\n2024-02-06T00:00:00Z container die {ID} (exitCode=137, name=w)\nExitCode=137 OOMKilled=é\ndocker run -m 64m x\n1a2b3c4d5e6f w 0.0% 1MiB / 2MiB 5%",
            inspect()
        );
        let text: String = whole.chars().skip(from).take(length).collect();
        valid(&text);
    }

    #[test]
    fn words_in_any_order_do_not_panic(words in proptest::collection::vec(
        proptest::sample::select(vec!["docker", "run", "-m", "64m", "Exited", "(137)", "ago", "Up", "2", "hours",
            "137", "true", "exit", "code", "{{.State.ExitCode}}", "inspect", "'", "/", "MiB", "5%", "Error=", "\n", "é", "ExitCode:"]), 0..40)) {
        valid(&words.join(" "));
    }
}

#[test]
fn a_list_of_containers_is_ecs_where_ecs_keys_stand_beside_it() {
    let text = "containers:\n- ExitCode: 137\n";
    assert_eq!(bare(text), [Record::BareExit(137)]);
    assert!(bare(&format!("stopCode: EssentialContainerExited\n{text}")).is_empty());
}

#[test]
fn compose_tells_of_a_stop_in_a_line_of_its_own() {
    let asked =
        |text: &str| read(text).into_iter().any(|seen| matches!(seen.record, Record::Request(_)));
    assert!(asked(" Container shop-web-1  Stopped  10.2s\n"));
    assert!(asked("Stopping shop_web_1 ... done\n"));
    for text in [
        " Container shop-web-1  Stopped  10.2s ago\n",
        " Container shop-web-1  Stopped  today\n",
        "Stopping shop_web_1 gracefully done\n",
        "Stopping shop ... done\n",
    ] {
        assert!(!asked(text), "{text}");
    }
}
