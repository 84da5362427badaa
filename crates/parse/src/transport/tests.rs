//! Examples of every transport, and properties of the splitter.

use proptest::prelude::*;

use super::*;

fn only(text: &str) -> Line {
    let mut found = lines(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.pop().unwrap()
}

const WORDS: &str = "Out of memory: Killed process 7 (a) total-vm:1kB";

#[test]
fn every_kernel_transport_comes_off() {
    for before in [
        "3,1045,83469293,-;",
        "3,1045,83469293,-,caller=T1;",
        "[   83.469293] ",
        "[   30.424603][  T728] ",
        "[ 270.729527] ",
        "[Thu May  9 14:52:38 2024] ",
        "[четв мая  9 14:52:38 2024] ",
        "[四 3月 18 18:47:12 2021] ",
        "2024-05-09T14:52:38,123456+02:00 ",
        "kern  :err   : [   83.469293] ",
        "kern  :err   : [Thu May  9 14:52:38 2024] ",
        "<3>[   83.469293] ",
        "<4>[   83.469293]  [0:  kswapd0:   45] ",
        "[May10 13:45] ",
        "[   83.469293 <    0.000012>] ",
        "May 09 14:52:38 host kernel: ",
        "May 09 14:52:38.123456 host kernel: ",
        "2024-05-09T14:52:38+0200 host kernel: ",
        "2024-05-09T14:52:38.123456+02:00 host kernel: [   83.469293] ",
        "[   83.469293] host kernel: ",
        "1715259158.123456 host kernel: ",
        "Thu 2024-05-09 14:52:38 CEST host kernel: ",
        "<4>1 2024-05-09T14:52:38.123Z host kernel - - - ",
        "<4>1 2024-05-09T14:52:38.123Z host kernel - - [a b=\"c\"] [   83.469293] ",
        "Jul 23 18:56:46 host kernel: [678517.179056] ",
        "2024-05-09 14:52:38.123 CEST host kernel: [   83.469293] ",
        "2024-05-09 14:52:38.123\tJul 23 18:56:46 host kernel: [   83.469293] ",
        "<4>Jul 23 18:56:46 host kernel: [678517.179056] ",
        "Jul 23 18:56:46 host kernel: [678517.179056] [  T728] ",
        "Feb 03 19:57:08 ** kernel: ",
        "Feb 03 19:57:08 kernel: ",
        "Feb  3 19:57:08 host kern.warn kernel: ",
        "Feb  3 19:57:08 host user.err kernel: [   83.469293] ",
        "Thu May  9 14:52:38 2024 kern.err kernel: [   83.469293] ",
        "Feb  3 19:57:08 host [   83.469293] ",
        "19:57:08 host kernel: ",
        "kern: warning: [2021-04-08T12:21:45.123456Z]: ",
        "10.5.0.2: kern:     err: [2021-04-08T12:21:45.123456789Z]: ",
        "2024-05-09T14:52:38,123456+0200 host kernel: ",
        "2024-05-09T14:52:38.123Z [   83.469293] ",
        "2024-05-09T14:52:38.123456Z ERR kernel: [   83.469293] ",
        "2023-12-04T10:49:30.103Z In(05) vcpu-5 - Guest: <4>[39261021.091603] ",
        "[Mar 24 03:17:42] ",
        "kernel: ",
        " kernel:[   83.469293] ",
        "> >> | [   83.469293] ",
        "    [   83.469293] ",
        "\u{1b}[32m[   83.469293] \u{1b}[0m",
        "\u{1b}[01;31m\u{1b}[K[   83.469293] ",
        "messages:123:Jul 23 18:56:46 host kernel: ",
        "/var/log/messages:Jul 23 18:56:46 host kernel: ",
        "/var/log/kern.log.1-Jul 23 18:56:46 host kernel: [678517.17] ",
        "123:[   83.469293] ",
        "123-[   83.469293] ",
    ] {
        let text = format!("{before}{WORDS}\r\n");
        let line = only(&text);
        assert_eq!((line.text.as_str(), &line.writer), (WORDS, &Writer::Kernel), "{text}");
        assert_eq!(line.span, Span { start: 0, end: text.len() - 2 }, "{text}");
    }
}

#[test]
fn a_programs_line_is_never_the_kernels() {
    for (text, name, pid) in [
        (format!("May 16 10:16:14 host abrtd: {WORDS}"), "abrtd", None),
        (format!("May 16 10:16:14 host systemd[1]: {WORDS}"), "systemd", Some(1)),
        (format!("2024-05-09T14:52:38+0200 host dockerd[814]: {WORDS}"), "dockerd", Some(814)),
        (format!("earlyoom[99]: {WORDS}"), "earlyoom", Some(99)),
        (format!("[   12.3456] systemd[1]: {WORDS}"), "systemd", Some(1)),
        (format!("[   12.345678] host app[5]: {WORDS}"), "app", Some(5)),
        (format!("12,5,83469293,-;systemd[1]: {WORDS}"), "systemd", Some(1)),
        (format!("<14>1 2024-05-09T14:52:38Z host app 77 - - {WORDS}"), "app", Some(77)),
        (format!("2024-05-09T14:52:38.123456789Z stdout F {WORDS}"), "stdout", None),
        (format!("user  :warn  : [   12.345678] {WORDS}"), "", None),
        (format!("user: warning: [2021-04-08T12:21:45.123456Z]: {WORDS}"), "", None),
        (format!("<12>[   12.345678] {WORDS}"), "", None),
    ] {
        let line = only(&text);
        assert_eq!(line.writer, Writer::Program { name: name.to_owned(), pid }, "{text}");
        assert_eq!(line.text, WORDS, "{text}");
    }
}

#[test]
fn a_containers_output_behind_its_clock_is_not_the_kernels() {
    for text in [
        format!("2024-05-09T14:52:38.123456789Z [   12.345678] {WORDS}"),
        format!("2024-05-09 14:52:38.123\tMay  9 14:52:38 host app: {WORDS}"),
        format!("2024-05-09 14:52:38.123 May  9 14:52:38 host kernel: {WORDS}"),
        format!("2024-05-09T14:52:38.123456789Z May  9 14:52:38 host kernel: {WORDS}"),
    ] {
        assert_ne!(only(&text).writer, Writer::Kernel, "{text}");
    }
}

#[test]
fn what_is_no_prefix_stays() {
    for text in [
        format!("web_1  | {WORDS}"),
        format!("2024-01-01 INFO {WORDS}"),
        format!("2024-05-09T14:52:38Z {WORDS}"),
        format!("[2024-05-09 14:52:38] {WORDS}"),
        "[  26934]     0 26934      411      128    40960        0           937 sh".to_owned(),
        "runc:[2:INIT] invoked oom-killer: gfp_mask=0x500cc2".to_owned(),
        "x[123]: segfault at 0 ip 0 sp 0 error 4".to_owned(),
    ] {
        let line = only(&text);
        assert_eq!((line.text.as_str(), line.writer), (text.as_str(), Writer::Unsaid), "{text}");
    }
}

#[test]
fn stamps_keep_their_clock() {
    let at = |text: &str| only(text).at;
    assert_eq!(at("[   83.469293] x"), Some(Stamp::SinceBoot(83_469_293)));
    assert_eq!(at("6,1,83469293,-;x"), Some(Stamp::SinceBoot(83_469_293)));
    let noon = Moment::parse("2024-05-09T12:52:38Z").unwrap();
    assert_eq!(at("2024-05-09T14:52:38+0200 host kernel: x"), Some(Stamp::Wall(noon)));
    let local = Moment::parse("2024-05-09T14:52:38Z").unwrap();
    assert_eq!(at("[Thu May  9 14:52:38 2024] x"), Some(Stamp::Local(local)));
    let delta = lines("[May10 13:45] a\n[  +0.500000] b\n");
    let Some(Stamp::Local(first)) = delta[0].at else { panic!() };
    assert_eq!(delta[1].at, Some(Stamp::Local(first.plus_micros(500_000).unwrap())));
}

#[test]
fn journal_json_tells_its_writer() {
    let kernel =
        r#"{"__REALTIME_TIMESTAMP":"1715259158000000","_TRANSPORT":"kernel","MESSAGE":"a b"}"#;
    let spoof =
        r#"{"_TRANSPORT":"stdout","SYSLOG_IDENTIFIER":"kernel","_PID":"7","MESSAGE":[97,10]}"#;
    let found = lines(&format!("{kernel}\n{spoof}\n"));
    assert_eq!((found[0].text.as_str(), &found[0].writer), ("a b", &Writer::Kernel));
    assert!(matches!(found[0].at, Some(Stamp::Wall(_))));
    assert_eq!(found[1].writer, Writer::Program { name: "kernel".into(), pid: Some(7) });
    assert_eq!(found[1].text, "a");
    let array = format!("[{kernel},\n {spoof}]");
    assert_eq!(lines(&array).iter().filter(|line| line.text == "a b").count(), 1);
    let pretty = "{\n  \"_TRANSPORT\" : \"kernel\",\n  \"MESSAGE\" : \"a b\"\n}\n{\n \"x\": 1\n}\n";
    assert_eq!(lines(pretty)[0].writer, Writer::Kernel);
}

#[test]
fn a_line_without_room_for_the_next_word_was_wrapped() {
    let found = |width: usize, word: &str| {
        let head = "May  9 14:52:38 host app[7]: ";
        let filled = "x".repeat(width - head.len());
        lines(&format!("{head}{filled}\n{word}\n")).len()
    };
    // 66 columns hold the line, a blank and the word; one more do not.
    assert_eq!((found(60, "words"), found(61, "words")), (2, 1));
    assert_eq!((found(55, "words said"), found(55, "words-and-more")), (2, 1));
    let long = "w".repeat(30);
    assert_eq!((found(39, &long), found(40, &long)), (2, 1));
    assert_eq!((found(100, "words"), found(101, "words")), (1, 2));
}

#[test]
fn a_line_that_was_flowed_is_no_longer_than_a_mailers() {
    let found = |width: usize| {
        let head = "[   83.469293] ";
        let filled = "x".repeat(width - head.len() - 1);
        lines(&format!("{head}{filled} \nwords\n")).len()
    };
    assert_eq!((found(30), found(100), found(101)), (1, 1, 2));
}

#[test]
fn a_very_long_line_is_continued_by_nothing() {
    let found = |length: usize| {
        let head = "Out of memory: Killed process 7 (x) ";
        let filled = "y".repeat(length - head.len());
        lines(&format!("[   83.469293] {head}{filled}\nUID:0 pgtables:1kB\n")).len()
    };
    assert_eq!((found(1 << 13), found((1 << 13) + 1)), (1, 2));
}

#[test]
fn a_journal_export_block_is_one_line() {
    let text = "__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1715259158000000\n_TRANSPORT=kernel\n\
                MESSAGE=a b\n\n__CURSOR=s=1;i=3\nSYSLOG_IDENTIFIER=dockerd\n_PID=4\nMESSAGE=c\n";
    let found = lines(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].text.as_str(), &found[0].writer), ("a b", &Writer::Kernel));
    assert_eq!(found[0].span.of(text), Some("MESSAGE=a b"));
    assert_eq!(found[1].writer, Writer::Program { name: "dockerd".into(), pid: Some(4) });
}

#[test]
fn wrapped_lines_are_one_and_neighbours_stay() {
    let joined = |text: &str| lines(text).into_iter().map(|line| line.text).collect::<Vec<_>>();
    assert_eq!(
        joined(
            "[   30.42] dd invoked oom-killer: \ngfp_mask=0x1(GFP), order=0,\noom_score_adj=0\n[   30.43] x"
        ),
        ["dd invoked oom-killer: gfp_mask=0x1(GFP), order=0, oom_score_adj=0", "x"]
    );
    assert_eq!(
        joined(
            "[   65.470256] \noom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),\ncpuset=/,task=a\nb,pid=1,uid=0\nprose"
        ),
        [
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,task=a b,pid=1,uid=0",
            "prose"
        ]
    );
    assert_eq!(
        joined("Out of memory: Killed\nprocess 7 (a b)\ntotal-vm:1kB, anon-rss:2kB,\nfile-rss:0kB"),
        ["Out of memory: Killed process 7 (a b) total-vm:1kB, anon-rss:2kB, file-rss:0kB"]
    );
    assert_eq!(
        joined(
            "[  270.699921] CPU: 1 UID: 0 PID: 946 Comm: test_memcontrol Not\ntainted 6.14.0-rc5 #1\n"
        ),
        ["CPU: 1 UID: 0 PID: 946 Comm: test_memcontrol Not tainted 6.14.0-rc5 #1"]
    );
    let kill = "[  1.25] Memory cgroup out of memory: Killed process 946 (a) total-vm:1kB, oom_score_adj:0";
    assert_eq!(joined(&format!("{kill}\n137 false\n{{\"a\": 1}}\n")).len(), 3);
    assert_eq!(joined(&format!("[  1.25] x\n{WORDS}\n")), ["x", WORDS]);
}

#[test]
fn a_record_without_words_is_no_line() {
    let object = "{\"MESSAGE\":\"oom\",\"_TRANSPORT\":\"kernel\"}";
    for text in ["<4>1 2026-05-09T14:52:38.123Z host kernel - - - \n", "kernel: \n"] {
        let found = lines(&format!("a line\n{text}{object}\n{text}"));
        assert!(found.iter().all(|line| !line.text.is_empty()), "{found:?}");
        assert_eq!(found.len(), 2, "{found:?}");
    }
}

#[test]
fn records_with_line_feeds_inside_are_lines_of_one_place() {
    let text =
        "6,9,83469293,-;Memory cgroup stats for /a:\\x0aanon 4096\\x0afile 0\n SUBSYSTEM=x\n";
    let found = lines(text);
    let words: Vec<&str> = found.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(words, ["Memory cgroup stats for /a:", "anon 4096", "file 0"]);
    assert!(found.iter().all(|line| line.span == found[0].span));
}

proptest! {
    #[test]
    fn never_panics(text in "(\\PC|[\\n\\[\\]<>{}:,;.\" 0-9]|kernel: |\\[   1.25\\] |Killed process |\u{1b}\\[|May  9 14:52:38 ){0,60}") {
        for line in lines(&text) {
            prop_assert!(line.span.of(&text).is_some());
        }
    }
}
