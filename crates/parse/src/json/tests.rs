mod broken;

use proptest::prelude::*;

use super::*;

const WHOLE: &str = r#"[
    {
        "Id": "3fc28fa1c647",
        "State": {
            "Status": "exited",
            "OOMKilled": false,
            "ExitCode": 137
        },
        "Name": "/web",
        "HostConfig": {
            "Memory": 67108864
        }
    }
]"#;

fn objects(text: &str) -> Vec<Node> {
    super::objects(&documents(text)).into_iter().cloned().collect()
}

fn one(text: &str) -> Node {
    let mut found = objects(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn without_line(text: &str, containing: &str) -> String {
    text.lines().filter(|line| !line.contains(containing)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_member_is_quoted_with_its_key() {
    let object = one(WHOLE);
    assert!(object.complete);
    let flag = object.path(&["State", "OOMKilled"]).unwrap();
    assert_eq!(flag.as_bool(), Some(false));
    assert_eq!(flag.span.of(WHOLE), Some(r#""OOMKilled": false"#));
    assert_eq!(object.path(&["State", "ExitCode"]).unwrap().as_i64(), Some(137));
    assert_eq!(
        object.get_any_case("state").unwrap().get_any_case("exitcode").unwrap().as_i64(),
        Some(137)
    );
    assert_eq!(object.path(&["HostConfig", "Memory"]).unwrap().as_u64(), Some(67_108_864));
    assert!(object.path(&["State", "Nothing"]).is_none());
    assert_eq!(object.span.of(WHOLE).unwrap().chars().next(), Some('{'));
}

#[test]
fn a_document_is_found_after_a_prompt_and_before_other_text() {
    let text = format!("$ docker inspect web\n{WHOLE}\n$ docker ps\n[  12.5] other {{words}}\n");
    assert!(one(&text).complete);
    assert_eq!(objects("x {\"a\":1}\ny {\"a\":2} {\"a\":3}\n").len(), 3);
    assert_eq!(documents("[1] {x} 'y' \"z\": {{json .}} [info] {}").len(), 0);
}

#[test]
fn any_lost_line_leaves_the_rest_where_it_was() {
    let lost_close = WHOLE.replacen("        },\n", "", 1);
    let object = one(&lost_close);
    assert!(!object.complete);
    assert_eq!(object.path(&["Name"]).unwrap().as_str(), Some("/web"));
    assert_eq!(object.path(&["HostConfig", "Memory"]).unwrap().as_u64(), Some(67_108_864));
    assert_eq!(object.path(&["State", "ExitCode"]).unwrap().as_i64(), Some(137));

    let lost_open = without_line(WHOLE, "\"State\"");
    let object = one(&lost_open);
    assert_eq!(object.path(&["ExitCode"]).unwrap().as_i64(), Some(137));
    assert_eq!(object.path(&["Name"]).unwrap().as_str(), Some("/web"));
    assert_eq!(object.path(&["HostConfig", "Memory"]).unwrap().as_u64(), Some(67_108_864));

    for key in ["Id", "Status", "OOMKilled", "Name"] {
        let object = one(&without_line(WHOLE, key));
        assert_eq!(object.path(&["State", "ExitCode"]).unwrap().as_i64(), Some(137), "{key}");
    }
    let object = one(&without_line(WHOLE, "ExitCode"));
    assert_eq!(object.path(&["HostConfig", "Memory"]).unwrap().as_u64(), Some(67_108_864));
}

#[test]
fn commas_may_be_missing_or_too_many() {
    let object = one("{\"a\": 1 \"b\": 2,, \"c\": [1, 2,], }");
    assert_eq!(object.get("b").unwrap().as_i64(), Some(2));
    assert_eq!(object.get("c").unwrap().items().len(), 2);
}

#[test]
fn a_cut_tail_keeps_what_is_there() {
    let text = WHOLE.split("        },").next().unwrap();
    let object = one(text);
    assert!(!object.complete);
    assert_eq!(object.path(&["State", "ExitCode"]).unwrap().as_i64(), Some(137));
    let cut_in_a_string = one("{\"a\": 1, \"reason\": \"OutOfMemoryError: Cont");
    assert_eq!(cut_in_a_string.get("reason").unwrap().as_str(), Some("OutOfMemoryError: Cont"));
    assert!(!cut_in_a_string.get("reason").unwrap().complete);
    let before_a_log = objects("{\n  \"a\": {\n    \"b\": 1,\nMay 27 kernel: words\n{\"c\": 2}");
    assert_eq!(before_a_log.len(), 2);
}

#[test]
fn a_cut_head_is_read_outwards() {
    let text = r#"            "exitCode": 137,
            "name": "web"
        },
        {
            "name": "side",
            "exitCode": 0
        }
    ],
    "stopCode": "EssentialContainerExited",
    "memory": "512"
}"#;
    let object = one(text);
    assert!(!object.complete);
    assert_eq!(object.get("stopCode").unwrap().as_str(), Some("EssentialContainerExited"));
    let containers = object.members().iter().find(|(key, _)| key.is_empty()).unwrap();
    assert_eq!(containers.1.items().len(), 2);
    assert_eq!(containers.1.items()[0].get("exitCode").unwrap().as_i64(), Some(137));
    assert_eq!(containers.1.items()[1].get("name").unwrap().as_str(), Some("side"));

    let state = one("  \"OOMKilled\": true,\n  \"ExitCode\": 0\n },\n \"Image\": \"x\"\n}\n]");
    assert_eq!(state.path(&["State", "OOMKilled"]).unwrap().as_bool(), Some(true));
    assert_eq!(state.get("Image").unwrap().as_str(), Some("x"));
    let line = one("\"stopCode\": \"TaskFailedToStart\",\n");
    assert_eq!(line.get("stopCode").unwrap().as_str(), Some("TaskFailedToStart"));
}

#[test]
fn python_prints_dictionaries_too() {
    let text = "{'containers': [{'exitCode': 137, 'reason': None, 'essential': True,\n \
                'name': \"it's\"}], 'stoppedAt': datetime.datetime(2024, 5, 6, 1, 2, \
                tzinfo=tzlocal()), u'old': u'x'}";
    let object = one(text);
    assert!(object.complete, "{object:#?}");
    let container = &object.get("containers").unwrap().items()[0];
    assert_eq!(container.get("exitCode").unwrap().as_i64(), Some(137));
    assert_eq!(container.get("reason").unwrap().value, Value::Null);
    assert_eq!(container.get("essential").unwrap().as_bool(), Some(true));
    assert_eq!(container.get("name").unwrap().as_str(), Some("it's"));
    assert!(matches!(object.get("stoppedAt").unwrap().value, Value::Opaque(_)));
    assert_eq!(object.get("old").unwrap().as_str(), Some("x"));
}

#[test]
fn escapes_wraps_and_margins_are_undone() {
    let object = one(
        "> {\n>   \"a\": \"x\\u00e9\\ud83d\\ude00\\n\\\"q\\\"\",\n>   \"b\": \"killed due\n>     to memory\"\n> }",
    );
    assert_eq!(object.get("a").unwrap().as_str(), Some("xé😀\n\"q\""));
    assert_eq!(object.get("b").unwrap().as_str(), Some("killed due to memory"));
    let lost_quote = one("{\n \"a\": \"x,\n \"b\": 1\n}");
    assert_eq!(lost_quote.get("b").unwrap().as_i64(), Some(1));
}

fn check(node: &Node, text: &str, depth: usize) {
    assert!(depth < 128);
    assert!(node.span.start <= node.span.end, "{node:?}");
    assert!(node.span.of(text).is_some(), "{node:?}");
    for child in node.children() {
        check(child, text, depth + 1);
    }
}

#[test]
fn deep_and_long_texts_are_read_in_linear_time() {
    let opens = "{\"a\":[".repeat(200_000);
    let closes = "\"k\":1}]}".repeat(100_000);
    let many = "{\"a\":1}".repeat(200_000);
    let quotes = "{\"{'".repeat(200_000);
    let brackets = "[ [ {\"a\":1}, ]} ".repeat(100_000);
    let unclosed = "{\n  \"a\": {\n    \"b\": 1\n".repeat(50_000);
    for text in [opens, closes, many, quotes, brackets, unclosed] {
        let started = std::time::Instant::now();
        for node in documents(&text) {
            check(&node, &text, 0);
        }
        assert!(started.elapsed().as_secs() < 10, "{}", text.chars().take(20).collect::<String>());
    }
}

proptest! {
    #[test]
    fn never_panics(text in "[\\[\\]{}:,\"'a1 \n>.\\\\u-]{0,200}") {
        for node in documents(&text) {
            check(&node, &text, 0);
        }
    }

    #[test]
    fn a_truncated_document_has_valid_spans(from in 0_usize..260, to in 0_usize..260) {
        let text: String = WHOLE.chars().skip(from).take(to).collect();
        for node in documents(&text) {
            check(&node, &text, 0);
        }
    }

    #[test]
    fn any_characters_do(text in "\\PC{0,100}") {
        for node in documents(&text) {
            check(&node, &text, 0);
        }
    }
}
