//! Tasks in every output of the AWS tools, whole, renamed, cut and damaged.

use casefile::{Bytes, Limit, Moment};
use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Vec<Sighting> {
    super::read(&Text::new(text))
}

fn tasks(text: &str) -> Vec<EcsTask> {
    read(text)
        .into_iter()
        .filter_map(|sighting| match sighting.record {
            Record::EcsTask(task) => Some(*task),
            _ => None,
        })
        .collect()
}

fn only(text: &str) -> EcsTask {
    let mut tasks = tasks(text);
    assert_eq!(tasks.len(), 1, "{text}: {tasks:?}");
    tasks.remove(0)
}

const DESCRIBED: &str = r#"{
  "tasks": [
    {
      "taskArn": "arn:aws:ecs:eu-1:1:task/lab/0a1b",
      "launchType": "FARGATE",
      "lastStatus": "STOPPED",
      "memory": "1024",
      "stopCode": "EssentialContainerExited",
      "stoppedReason": "Essential container in task exited",
      "stoppingAt": "2026-05-27T18:42:10.301000+02:00",
      "stoppedAt": 1779900130.5,
      "containers": [
        {
          "containerArn": "arn:aws:ecs:eu-1:1:container/9",
          "taskArn": "arn:aws:ecs:eu-1:1:task/lab/0a1b",
          "name": "web",
          "image": "demo/web:22",
          "runtimeId": "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014",
          "lastStatus": "STOPPED",
          "exitCode": 137,
          "reason": "OutOfMemoryError: Container killed due to memory usage",
          "memory": "512"
        },
        { "name": "side", "lastStatus": "STOPPED", "exitCode": 0 }
      ]
    }
  ]
}
"#;

#[test]
fn a_whole_task_is_read() {
    let task = only(DESCRIBED);
    assert!(!task.cut);
    assert_eq!(task.launch_type.as_deref(), Some("FARGATE"));
    assert_eq!(task.stop_code.as_deref(), Some("EssentialContainerExited"));
    assert_eq!(task.memory, Some(Bytes(1 << 30)));
    assert_eq!(task.stopping_at, Moment::parse("2026-05-27T16:42:10.301Z"));
    assert!(task.stopped_at.is_some());
    let [web, side] = &task.containers[..] else { panic!("{task:?}") };
    assert_eq!(web.exit_code, Some(137));
    assert!(web.reason.as_deref().unwrap().starts_with("OutOfMemoryError"));
    assert_eq!(web.memory.limit, Some(Limit::At(Bytes(512 << 20))));
    assert!(web.id.is_some() && web.image.as_deref() == Some("demo/web:22"));
    assert_eq!(
        (side.name.as_deref(), side.exit_code, &side.reason),
        (Some("side"), Some(0), &None)
    );
}

#[test]
fn a_cut_task_says_that_it_is_cut() {
    let tail = DESCRIBED.split_once("\"exitCode\": 137").unwrap().0;
    let task = only(tail);
    assert!(task.cut);
    assert_eq!(task.containers[0].exit_code, None);
    let head = DESCRIBED.split_once("\"lastStatus\"").unwrap().1;
    assert!(only(head).containers[0].exit_code == Some(137));
}

#[test]
fn renamed_fields_are_known_by_their_values_in_every_output_format() {
    let json = r#"{"stop":"Essential container in task exited","containers":[{"name":"web","exit":137,"reason":"OutOfMemoryError: Container killed due to memory usage"}]}"#;
    let yaml = "containers:\n- exit: 137\n  name: web\n  reason: 'OutOfMemoryError: Container killed due to memory usage'\nstop: Essential container in task exited\n";
    let table = "|  stop|  Essential container in task exited  |\n+------+---+\n||  containers  ||\n||  exit |  name  |  reason  ||\n||  137  |  web   |  OutOfMemoryError: Container killed due to memory usage  ||\n";
    let words = "Essential container in task exited\nCONTAINERS\t137\tweb\tOutOfMemoryError: Container killed due to memory usage\n";
    for text in [json, yaml, table, words] {
        let task = only(text);
        assert_eq!(
            task.stopped_reason.as_deref(),
            Some("Essential container in task exited"),
            "{text}"
        );
        let web = &task.containers[0];
        assert_eq!((web.name.as_deref(), web.exit_code), (Some("web"), Some(137)), "{text}");
        assert!(web.reason.as_deref().unwrap().starts_with("OutOfMemoryError"), "{text}");
    }
}

#[test]
fn a_container_without_a_reason_keeps_none() {
    let task =
        only("Scaling activity initiated by (deployment ecs-svc/1)\nCONTAINERS\t137\tweb\tNone\n");
    assert_eq!(task.containers[0].reason, None);
    assert_eq!(task.containers[0].exit_code, Some(137));
}

#[test]
fn events_of_the_bridge_and_of_a_service_are_read() {
    let bridge = r#"{"detail-type":"ECS Task State Change","detail":{"taskArn":"arn:x:task/1","stoppedReason":"Task failed ELB health checks in (target-group x)","containers":[{"exitCode":137,"name":"web"}]}}"#;
    assert!(only(bridge).stopped_reason.unwrap().contains("ELB"));
    let service = r#"{"events":[{"id":"1","message":"(service web) (task 0a1b) failed container health checks."}]}"#;
    assert!(only(service).stopped_reason.unwrap().contains("health checks"));
}

#[test]
fn every_attempt_of_a_batch_job_is_a_task() {
    let text = r#"{"jobs":[{"jobId":"1","status":"FAILED","statusReason":"Essential container in task exited","attempts":[{"container":{"exitCode":137,"reason":"OutOfMemoryError: Container killed due to memory usage"},"stoppedAt":1779900130500},{"container":{"exitCode":1}}],"container":{"resourceRequirements":[{"type":"MEMORY","value":"2048"}]}}]}"#;
    let tasks = tasks(text);
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[0].containers[0].exit_code, Some(137));
    assert_eq!(tasks[0].memory, Some(Bytes(2 << 30)));
    assert!(tasks[0].stopped_at.is_some());
    assert_eq!(tasks[1].stopped_reason.as_deref(), Some("Essential container in task exited"));
}

#[test]
fn other_tools_texts_are_not_ecs() {
    for text in [
        r#"[{"State":{"Status":"exited","OOMKilled":true,"ExitCode":137},"Name":"/web"}]"#,
        r#"{"terminated":{"exitCode":137,"reason":"OOMKilled"}}"#,
        "web_1 exited with code 137",
        "||  137  |  web  ||",
    ] {
        assert_eq!(read(text), [], "{text}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,200}") {
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }

    #[test]
    fn damaged_tasks_keep_their_spans(from in 0usize..1300, cut in 0usize..1300, drop in 0usize..34) {
        let text = crate::damage::damaged(DESCRIBED, drop, from, cut);
        for sighting in read(&text) {
            prop_assert!(sighting.span.of(&text).is_some());
        }
    }
}

#[test]
fn a_page_about_reasons_is_no_task() {
    for text in [
        "OutOfMemoryError: Container killed due to memory usage is shown when a container exceeds its limit.",
        "Common stopped reasons: Essential container in task exited; Task failed ELB health checks in (x)",
    ] {
        assert_eq!(read(text), [], "{text}");
    }
    assert_eq!(
        read("Status reason: OutOfMemoryError: Container killed due to memory usage").len(),
        1
    );
}

#[test]
fn a_stem_stands_in_every_word_by_which_a_text_is_recognised() {
    let others = ["(service web) has stopped", "stoppedReason:", "stopCode:"];
    let words = STOPPED_REASONS.iter().chain(&CONTAINER_REASONS).chain(&STOP_CODES).chain(&others);
    for words in words {
        assert!(STEMS.iter().any(|stem| words.contains(stem)), "{words}");
    }
}

#[test]
fn an_upright_table_is_a_containers_by_its_box_or_by_what_only_a_container_has() {
    let rows = |rows: &str| format!("|  stopCode  |  EssentialContainerExited  |\n{rows}");
    let memory = "OutOfMemoryError: Container killed due to memory usage";
    // The box's name was not copied.
    let code = only(&rows("|  exitCode  |  137  |\n|  name  |  web  |\n"));
    assert_eq!((code.containers[0].exit_code, code.containers[0].ended_now), (Some(137), true));
    assert_eq!(code.containers[0].name.as_deref(), Some("web"));
    let reason = only(&rows(&format!("|  reason  |  {memory}  |\n|  name  |  web  |\n")));
    assert_eq!(reason.containers[0].reason.as_deref(), Some(memory));
    for other in ["|  reason  |  odd  |\n", "|  startedBy  |  ecs-svc/1  |\n"] {
        let text = rows(&format!("{other}|  name  |  web  |\n"));
        assert!(only(&text).containers.is_empty(), "{text}");
    }
    // Another name that stands alone in its row ends no box, and a word without bars begins none.
    let boxed = "||  containers  ||\n||  exitCode  |  137  ||\n||  odd  ||\n||  name  |  web  ||\n";
    assert_eq!(only(&rows(boxed)).containers[0].name.as_deref(), Some("web"));
    assert!(only(&rows("containers\n|  name  |  web  |\n")).containers.is_empty());
}

#[test]
fn what_stands_in_a_list_of_one_yaml_line_is_quoted_from_there() {
    let text = "größe: 1\nstoppedReason: Essential container in task exited\ncontainers: [{\"name\": \"wéb\", \"exitCode\": 137}, {\"name\": \"b\", \"exitCode\": 0}]\n";
    let task = only(text);
    let quotes: Vec<&str> = task.containers.iter().filter_map(|it| it.shown_at?.of(text)).collect();
    assert_eq!(quotes, [r#"{"name": "wéb", "exitCode": 137}"#, r#"{"name": "b", "exitCode": 0}"#]);
}
