//! What is kept of JSON that a paste, a mailer, a terminal or a hurried hand broke; one line of a
//! table for each way of breaking it.
//!
//! A tree is printed as `{key=value}`, with `?` for a key that is lost, `(…)` for what is no value
//! of JSON, and `~` behind what is not whole.

use super::*;

fn shown(node: &Node) -> String {
    let value = match &node.value {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, node)| {
                    let key = if key.is_empty() { "?" } else { key };
                    format!("{key}={}", shown(node))
                })
                .collect();
            format!("{{{}}}", members.join(" "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" "))
        }
        Value::String(text) => format!("{text:?}"),
        Value::Number(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "null".to_owned(),
        Value::Opaque(text) => format!("({text})"),
    };
    if node.complete { value } else { format!("{value}~") }
}

fn kept(text: &str) -> String {
    documents(text).iter().map(shown).collect::<Vec<_>>().join(" | ")
}

/// Every line of a table whose text is kept otherwise than it says.
fn all_are_kept(table: &[(&str, &str)]) {
    let other = |(text, expected): &&(&str, &str)| kept(text) != *expected;
    let wrong: Vec<String> = table
        .iter()
        .filter(other)
        .map(|(text, expected)| format!("{text}\n  {}\n  not {expected}", kept(text)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_whole_is_read_as_it_stands() {
    all_are_kept(&[
        (
            r#"{"a":{"b":[1,"x",true,false,null]},"c":-1.5e3}"#,
            r#"{a={b=[1 "x" true false null]} c=-1.5e3}"#,
        ),
        ("{'a': True, 'b': False, 'c': None}", "{a=true b=false c=null}"),
        ("[\"a\", 1]", "[\"a\" 1]"),
        ("[ [ {\"a\": 1} ] ]", "[[{a=1}]]"),
        ("{\u{201c}a\u{201d}: \u{201c}x\u{201d}}", "{a=\"x\"}"),
        ("{u'a': u'x', b'b': b'y'}", "{a=\"x\" b=\"y\"}"),
        ("{\"a\":1}{\"b\":2}\n{\"c\":3}", "{a=1} | {b=2} | {c=3}"),
        ("{\"at\": datetime(2024, (6)), \"b\": 1}", "{at=(datetime(2024, (6))) b=1}"),
        ("{\"a\": [], \"b\": {}}", "{a=[] b={}}"),
        ("{\"a\": +1, \"b\": -0.5, \"c\": 1e3}", "{a=+1 b=-0.5 c=1e3}"),
    ]);
}

#[test]
fn only_what_looks_like_json_begins_a_document() {
    all_are_kept(&[
        ("{}", ""),
        ("[]", ""),
        ("[1, 2]", ""),
        ("{a: 1}", ""),
        ("[a]", ""),
        ("x \"a\": 1", ""),
        ("\"a\" and \"b\"", ""),
        ("[[[[{\"a\":1}]]]]", "[[[[{a=1}]]]]"),
        ("[[[[[\"a\"]]]]]", "[[[[[\"a\"]]]]]~"),
        (", \"a\": 1\n", "{a=1}~"),
        ("> | \"a\": 1\n", "{a=1}~"),
        ("} ] , \"a\": 1\n", "{a=1}~"),
        ("'a': 1\n", "{a=1}~"),
        ("\u{201c}a\u{201d}: 1\n", "{a=1}~"),
        ("\"a\nb\": 1", ""),
        (&format!("\"{}\": 1\n", "k".repeat(127)), &format!("{{{}=1}}~", "k".repeat(127))),
        (&format!("\"{}\": 1\n", "k".repeat(128)), ""),
    ]);
}

#[test]
fn escapes_are_decoded_and_what_is_none_stays() {
    all_are_kept(&[
        (r#"{"a":"\n\t\r\b\f\/\\\"\'"}"#, r#"{a="\n\t\r\u{8}\u{c}/\\\"'"}"#),
        (r#"{"a":"\u0041\x42"}"#, "{a=\"AB\"}"),
        (r#"{"a":"\ud83d\ude00!"}"#, "{a=\"\u{1f600}!\"}"),
        (r#"{"a":"\ud83dx"}"#, "{a=\"\u{fffd}x\"}"),
        (r#"{"a":"\ud83d\n"}"#, "{a=\"\u{fffd}\\n\"}"),
        (r#"{"a":"\ud83d\u0041"}"#, "{a=\"\u{fffd}A\"}"),
        (r#"{"a":"\ud83d\ue000"}"#, "{a=\"\u{fffd}\\u{e000}\"}"),
        (r#"{"a":"\ude00"}"#, "{a=\"\u{fffd}\"}"),
        (r#"{"a":"\ud800\udc00\udbff\udfff"}"#, "{a=\"\u{10000}\\u{10ffff}\"}"),
        (r#"{"a":"\u00zz"}"#, "{a=\"\u{fffd}00zz\"}"),
        (r#"{"a":"\u12"}"#, "{a=\"\u{fffd}12\"}"),
        (r#"{"a":"\q"}"#, "{a=\"q\"}"),
    ]);
}

#[test]
fn numbers_and_words_end_where_json_says() {
    all_are_kept(&[
        ("{\"a\":1}", "{a=1}"),
        ("{\"a\":12", "{a=(12)}~"),
        ("{\"a\":12 ", "{a=12}~"),
        ("{\"a\":12,", "{a=12}~"),
        ("{\"a\":12.5.6}", "{a=(12.5.6)}"),
        ("{\"a\":-}", "{a=(-)}"),
        ("{\"a\":infinity}", "{a=(infinity)}"),
        ("{\"a\":1} b\": 2", "{a=1}"),
        ("{\"a\": x(1, 2, \"b\": 3}", "{a=(x(1, 2, \"b\": 3})}~"),
        ("{\"a\": x(1\n\"b\": 3}", "{a=(x(1) b=3}"),
        ("{\"a\": x)\n\"b\": 3}", "{a=(x) b=3}~"),
        ("{\"a\": $x_1+y-z.w}", "{a=($x_1+y-z.w)}"),
        ("{\"a\": 1, TRUE}", "{a=1}~"),
        ("[\"a\", word, \"b\"]", "[\"a\"]~"),
        ("[\"a\", f(1), \"b\"]", "[\"a\" (f(1)) \"b\"]"),
    ]);
}

#[test]
fn comments_and_ellipses_are_passed_over() {
    all_are_kept(&[
        ("{\"a\": 1, # \"b\": 2\n\"c\": 3}", "{a=1 c=3}~"),
        ("{\"a\": 1, // \"b\": 2\n\"c\": 3}", "{a=1 c=3}~"),
        ("{\"a\": 1, / \"b\": 2\n\"c\": 3}", "{a=1 b=2 c=3}~"),
        ("{\"a\": 1, ...\n\"c\": 3}", "{a=1 c=3}~"),
        ("{\"a\": 1, \u{2026} \"c\": 3}", "{a=1 c=3}~"),
        ("{\n> \"a\": 1,\n| \"b\": 2\n}", "{a=1 b=2}"),
        ("{\"a\": 1, > \"b\": 2}", "{a=1 b=2}~"),
        ("> {\n> > \"a\": 1\n> }", "{a=1}"),
    ]);
}

#[test]
fn commas_colons_and_keys_may_be_lost() {
    all_are_kept(&[
        ("{\"a\": 1 \"b\": 2}", "{a=1 b=2}"),
        ("{\"a\": 1,, \"b\": 2,}", "{a=1 b=2}"),
        ("{\"a\", \"b\": 2}", ""),
        ("{\"a\": 1, \"x\", \"b\": 2}", "{a=1 b=2}~"),
        ("{\"a\": 1, \"b\" 2}", "{a=1}~"),
        ("{\"a\":: 1}", "{a=1}"),
        ("{\"a\": 1, : 2}", "{a=1}~"),
        ("{\"a\":}", "{a=null~}~"),
        ("{\"a\": ,\"b\": 2}", "{b=2}~"),
        ("{\"a\":\n\"b\": 2}", "{a=null~ b=2}~"),
        ("{\"a\": \"b\": 2}", "{a=\"b\"}~"),
        ("{\"a\": 1, \"lost", "{a=1}~"),
        ("{\"a\": \"lost", "{a=\"lost\"~}~"),
        ("{\"a\": 1, 2, \"b\": 3}", "{a=1 b=3}~"),
        ("[{\"a\": 1}, : , \"b\"]", "[{a=1} \"b\"]~"),
        ("{\"a\": {\"b\": 1}, {\"c\": 2}, \"d\": 3}", "{a={b=1} ?={c=2} d=3}~"),
    ]);
}

#[test]
fn brackets_that_do_not_fit_close_what_they_can() {
    all_are_kept(&[
        ("{\"a\": [1, 2}", "{a=[1 2]~}~"),
        ("{\"a\": [{\"b\": 1]}", "{a=[{b=1}~]~}~"),
        ("[{\"a\": 1]", "[{a=1}~]~"),
        ("{\"a\": 1]", "{a=1}~"),
        ("{\"a\": {\"b\": 1}", "{a={b=1}}~"),
        ("{\"a\": {\"b\": 1,", "{a={b=1}~}~"),
        ("{\"a\": [{\"b\": 1}, {\"c\": 2", "{a=[{b=1} {c=(2)}~]~}~"),
        ("[{\"a\": [1, 2}, {\"b\": 3}]", "[{a=[1 2]~}~ {b=3}]~"),
        ("{\"a\": 1}]", "[{a=1}]~"),
        ("{\"a\": 1}}", "{a=1}"),
        ("{\"a\": 1}]}", "{?=[{a=1}]~}~"),
        ("{\"a\": 1}, {\"b\": 2}]", "[{a=1} {b=2}]~"),
        ("{\"a\": 1}, {\"b\": 2}], \"c\": 3}", "{?=[{a=1} {b=2}]~ c=3}~"),
        ("{\"a\": 1}, \"b\": 2}", "{a=1 b=2}~"),
        ("{\"a\": {\"x\": 1}}, \"b\": 2}", "{a={x=1} b=2}~"),
        ("\"a\": 1}, \"b\": 2}", "{?={a=1}~ b=2}~"),
        ("\"a\": 1}}, \"b\": 2}", "{?={?={a=1}~}~ b=2}~"),
        ("\"a\": 1}]", "[{a=1}~]~"),
        ("{\"a\": 1}, word", "{a=1}"),
        ("{\"a\": 1}, [1], \"b\"]", "[{a=1} [1] \"b\"]~"),
    ]);
}

#[test]
fn a_pair_in_an_array_goes_to_the_object_before_it() {
    all_are_kept(&[
        ("[{\"a\": 1}, \"b\": 2}]", "[{a=1 b=2}~]~"),
        ("[\"x\", \"b\": 2}]", "[\"x\" {b=2}~]~"),
        ("[{\"a\": 1}, \"b\": 2}, {\"c\": 3}]", "[{a=1 b=2}~ {c=3}]~"),
        ("{\"l\": [\"b\": 2}, {\"c\": 3}]}", "{l=[{b=2}~ {c=3}]~}~"),
    ]);
}

#[test]
fn a_lost_line_is_made_good_by_the_indentation_of_the_rest() {
    all_are_kept(&[
        // `},` of `a`
        ("{\n  \"a\": {\n    \"b\": 1,\n  \"c\": 2\n}\n", "{a={b=1}~ c=2}~"),
        // `},` of `a`, and the next key opens another object
        ("{\n  \"a\": {\n    \"b\": 1\n  \"c\": {\n    \"d\": 2\n  }\n}\n", "{a={b=1}~ c={d=2}}~"),
        // `"a": {`
        ("{\n    \"b\": 1\n  },\n  \"c\": 2\n}\n", "{b=1 c=2}~"),
        // `],` of `a`
        ("{\n  \"a\": [\n    1\n  \"c\": 2\n}\n", "{a=[1]~ c=2}~"),
        // two `}` of one text
        ("{\n  \"a\": {\n    \"b\": {\n      \"c\": 1\n  \"d\": 2\n}\n", "{a={b={c=1}~}~ d=2}~"),
        // a whole object between two lines
        ("[\n  {\n    \"a\": 1\n  {\n    \"b\": 2\n  }\n]\n", "[{a=1 ?={b=2}}~]~"),
        // `"y": {` of an object inside `x`
        (
            "{\n  \"x\": {\n      \"b\": 1\n    },\n    \"c\": 2\n  },\n  \"d\": 3\n}\n",
            "{x={b=1 c=2}~ d=3}~",
        ),
        // a `}` where a list's `]` was, in its column
        ("{\n  \"a\": [\n    1\n  },\n  \"b\": 2\n}\n", "{?={a=[1]~}~ b=2}~"),
        // `}` of `a`, behind a prompt: the bracket in column 0 is the document's
        ("$ cat x\n{\n  \"a\": {\n    \"b\": 1\n},\n{\n  \"c\": 2\n}\n", "[{a={b=1}~}~ {c=2}]~"),
        // the next document begins in column 0
        ("{\n  \"a\": {\n    \"b\": 1\n{\n  \"c\": 2\n}\n", "{a={b=1}~}~ | {c=2}"),
        ("{\n  \"a\": 1,\n$ docker inspect b\n{\n  \"c\": 2\n}\n", "{a=1}~ | {c=2}"),
    ]);
}

#[test]
fn a_string_ends_with_its_quote_or_its_line_or_where_a_mailer_joined_it() {
    all_are_kept(&[
        ("{\"a\": \"x\ny\", \"b\": 1}", "{a=\"x y\" b=1}"),
        ("{\"a\": \"x  \n>  | y\"}", "{a=\"x y\"}"),
        ("{\"a\": \"x\n\ny\"}", "{a=\"x y\"}"),
        ("{\"a\": \"x\n\n\ny\"}", "{a=\"x\"~}~"),
        ("{\"a\": \"x\n\"b\": 1}", "{a=\"x\"~ b=1}~"),
        ("{\"a\": \"x,\n\"b\": \"y\"\n}", "{a=\"x,\"~ b=\"y\"}~"),
        ("{\"a\": \"x\ny\"]", "{a=\"x y\"}~"),
        ("{\"a\": \"x\ny\"", "{a=\"x y\"}~"),
        ("{\"a\": \"x\ny\"\r\n}", "{a=\"x y\"}"),
        ("{\"a\": \"x\\\"y\\\\\", \"b\": 1}", "{a=\"x\\\"y\\\\\" b=1}"),
        ("{\"a\": \"x\\\n\"b\": 1}", "{a=\"x\"~ b=1}~"),
        ("{'a': 'it\\'s', 'b': 1}", "{a=\"it's\" b=1}"),
    ]);
}

#[test]
fn what_nests_too_deep_is_left_out_and_the_rest_is_kept() {
    let deep =
        |levels: usize| format!("{}{{\"x\":1}}{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let depth = |text: &str| {
        let found = documents(text);
        let mut node = &found[0];
        let mut levels = 0;
        while let Some(inner) = node.get("a") {
            node = inner;
            levels += 1;
        }
        (levels, node.get("x").is_some(), found[0].complete)
    };
    assert_eq!(depth(&deep(63)), (63, true, true));
    assert_eq!(depth(&deep(64)), (64, false, false));
    let list = format!("[{},{{\"b\":2}}]", deep(80));
    assert_eq!(documents(&list).len(), 1);
    assert_eq!(documents(&list)[0].items()[1].get("b").and_then(Node::as_i64), Some(2));
}

#[test]
fn so_many_levels_of_a_cut_head_are_put_back() {
    let levels = |text: &str| {
        let mut node = documents(text).remove(0);
        let mut levels = 0;
        while let Some(inner) = node.children().first().copied().cloned() {
            node = inner;
            levels += 1;
        }
        levels
    };
    // One level is the value's own.
    assert_eq!(levels(&format!("\"x\": 1{}", "}".repeat(40))), 33);
    assert_eq!(levels(&format!("\"x\": 1{}}}", "}, \"k\": 1".repeat(40))), 33);
    assert_eq!(levels(&format!("{{\"x\": 1}}{}", ", {\"k\": 1}]".repeat(40))), 33);
}

#[test]
fn every_value_is_quoted_by_its_own_bytes() {
    let quotes = |text: &str| {
        let mut waiting: Vec<Node> = documents(text);
        waiting.reverse();
        let mut quotes = Vec::new();
        while let Some(node) = waiting.pop() {
            quotes.push(node.span.of(text).unwrap_or("?").to_owned());
            waiting.extend(node.children().into_iter().rev().cloned());
        }
        quotes
    };
    assert_eq!(
        quotes("x {\"a\": [1, 'b'], \"c\": {\"d\": null}} y"),
        [
            "{\"a\": [1, 'b'], \"c\": {\"d\": null}}",
            "\"a\": [1, 'b']",
            "1",
            "'b'",
            "\"c\": {\"d\": null}",
            "\"d\": null"
        ]
    );
    assert_eq!(
        quotes("\"a\": 1},\n{\"b\": 2}]} z"),
        [
            "\"a\": 1},\n{\"b\": 2}]}",
            "\"a\": 1},\n{\"b\": 2}]",
            "\"a\": 1}",
            "\"a\": 1",
            "{\"b\": 2}",
            "\"b\": 2"
        ]
    );
    assert_eq!(
        quotes("{\"a\": {\"b\": 1, \"c\":"),
        ["{\"a\": {\"b\": 1, \"c\":", "\"a\": {\"b\": 1, \"c\":", "\"b\": 1", "\"c\""]
    );
    assert_eq!(quotes("{\"a\": 1} , x"), ["{\"a\": 1}", "\"a\": 1"]);
    assert_eq!(quotes("{\"a\": 1, b"), ["{\"a\": 1,", "\"a\": 1"]);
    assert_eq!(
        quotes("{\"\": 1, \"b\": {}, {\"c\": 2}}")[1..],
        ["\"\": 1", "\"b\": {}", "{\"c\": 2}", "\"c\": 2"]
    );
}

#[test]
fn what_is_written_as_a_string_is_still_a_number_or_a_flag() {
    let node = |value: &str| documents(&format!("{{\"a\":{value}}}"))[0].get("a").cloned().unwrap();
    for (value, number) in [
        ("137", Some(137)),
        ("\"137\"", Some(137)),
        ("\" 137 \"", Some(137)),
        ("137.0", Some(137)),
        ("\"137.0\"", Some(137)),
        ("137.5", None),
        ("-9", Some(-9)),
        ("true", None),
        ("null", None),
        ("\"x\"", None),
        ("[137]", None),
    ] {
        assert_eq!(node(value).as_i64(), number, "{value}");
        let positive = number.and_then(|number: i64| u64::try_from(number).ok());
        assert_eq!(node(value).as_u64(), positive, "{value}");
    }
    for (value, flag) in [
        ("true", Some(true)),
        ("false", Some(false)),
        ("\"true\"", Some(true)),
        ("\"False\"", Some(false)),
        ("\"yes\"", None),
        ("1", None),
        ("null", None),
    ] {
        assert_eq!(node(value).as_bool(), flag, "{value}");
    }
    assert_eq!(node("1").as_str(), None);
    assert_eq!(node("\"x\"").as_str(), Some("x"));
}

#[test]
fn a_string_alone_is_decoded_and_nothing_else_is() {
    assert_eq!(string(r#""a\n\"b\"""#).as_deref(), Some("a\n\"b\""));
    assert_eq!(string("'it'").as_deref(), Some("it"));
    for other in ["\"a\" b", "\"a", "a", "{\"a\":1}", ""] {
        assert_eq!(string(other), None, "{other}");
    }
}

#[test]
fn objects_are_found_in_arrays_that_have_no_name() {
    let keys = |text: &str| {
        objects(text)
            .iter()
            .map(|node| node.members().first().map(|(key, _)| key.clone()).unwrap_or_default())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(keys("[{\"a\":1},[{\"b\":2}],\"x\",3] {\"c\":[{\"d\":4}]}"), "a b c");
    // A head cut off between the elements: the array lies in objects of which nothing has a name.
    assert_eq!(keys("\"a\":1},{\"b\":2}]"), "a b");
    assert_eq!(keys("\"a\":1},{\"b\":2}]}"), " a b");
    assert_eq!(keys("\"a\":1},{\"b\":2}]}}"), " a b");
    // With a name it is a document.
    assert_eq!(keys("\"a\":1},{\"b\":2}],\"c\":3}"), "");
}

#[test]
fn a_key_that_stands_twice_with_different_values_is_not_read() {
    let code = |text: &str| one(text).path(&["State", "ExitCode"]).and_then(Node::as_i64);
    assert_eq!(code(r#"{"State":{"ExitCode":137}}"#), Some(137));
    assert_eq!(code(r#"{"State":{"ExitCode":137,"ExitCode":0}}"#), None);
    assert_eq!(code(r#"{"State":{"ExitCode":137,"x":1,"ExitCode":137}}"#), Some(137));
    assert_eq!(code(r#"{"State":{"ExitCode":137},"State":{"ExitCode":0}}"#), None);
    assert_eq!(code(r#"{"State":{"ExitCode":137},"State":{ "ExitCode": 137 }}"#), Some(137));
    assert_eq!(code(r#"{"State":{"ExitCode":137},"State":{"ExitCode":137,"Pid":1}}"#), None);
    assert_eq!(code(r#"{"State":{"ExitCode":137},"State":{"exitCode":137}}"#), None);
    let list = |text: &str| one(text).get("a").map(|node| node.items().len());
    assert_eq!(list(r#"{"a":[1,2],"a":[1,2]}"#), Some(2));
    assert_eq!(list(r#"{"a":[1,2],"a":[1,2,3]}"#), None);
    assert_eq!(list(r#"{"a":[1,2],"a":[1,3]}"#), None);
    let any_case = |text: &str| one(text).get_any_case("exitcode").and_then(Node::as_i64);
    assert_eq!(any_case(r#"{"exitCode":137,"ExitCode":137}"#), Some(137));
    assert_eq!(any_case(r#"{"exitCode":137,"ExitCode":0}"#), None);
    // A part whose own key is lost does not stand in for a disputed one.
    let twice = r#"{"State":{"x":1},"State":{"x":2},{"ExitCode":0}}"#;
    assert_eq!(code(twice), None);
}
