//! Every killer's page at 80 and 120 columns, plain and coloured; and what hostile text becomes.

mod verdicts;

use casefile::{Body, Moment, Source};
use judge::Verdict;
use judge::verdict::{Confidence, Killer, Level, Role};

use crate::renderers::text::{self, Page};
use crate::renderers::{json, markdown, quiet};
use crate::{compose, schema, words};

fn page(verdict: &Verdict, width: usize, colour: bool, verbose: bool) -> String {
    text::render(&compose(verdict, &verdicts::case()), Page { width, colour, verbose })
}

#[test]
fn every_scene_reads_well_on_both_pages() {
    for (name, verdict) in verdicts::scenes() {
        let line = quiet::render(&compose(&verdict, &verdicts::case()));
        let narrow = page(&verdict, 80, false, false);
        let wide = page(&verdict, 120, false, false);
        insta::assert_snapshot!(name, format!("{line}\n=== 80\n{narrow}\n=== 120\n{wide}"));
    }
}

#[test]
fn the_scenes_show_every_killer() {
    let mut seen: Vec<Killer> =
        verdicts::scenes().iter().map(|(_, verdict)| verdict.killer).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, Killer::ALL);
}

#[test]
fn colour_repeats_what_the_words_say() {
    let coloured = page(&verdicts::own_limit(), 80, true, false);
    insta::assert_snapshot!("own_limit_coloured", coloured.replace('\u{1b}', "␛"));
    let mut plain = String::new();
    let mut parts = coloured.split('\u{1b}');
    plain.push_str(parts.next().unwrap());
    for part in parts {
        plain.push_str(part.split_once('m').unwrap().1);
    }
    assert_eq!(plain, page(&verdicts::own_limit(), 80, false, false));
}

#[test]
fn verbose_adds_the_commands_and_the_gaps() {
    insta::assert_snapshot!("own_limit_verbose", page(&verdicts::own_limit(), 100, false, true));
    insta::assert_snapshot!("unknown_verbose", page(&verdicts::undecided(), 100, false, true));
}

#[test]
fn markdown_reads_well() {
    let scenes = verdicts::scenes();
    for wanted in ["own_limit", "stop_timeout", "unknown"] {
        let (name, verdict) = scenes.iter().find(|(name, _)| *name == wanted).unwrap();
        let shown = markdown::render(&compose(verdict, &verdicts::case()));
        insta::assert_snapshot!(format!("{name}_markdown"), shown);
    }
}

#[test]
fn json_has_every_key_of_the_contract_and_null_for_what_was_not_seen() {
    let shown = json::render(&compose(&verdicts::undecided(), &verdicts::case()));
    insta::assert_snapshot!("unknown_json", shown);
    for (_, verdict) in verdicts::scenes() {
        let shown = json::render(&compose(&verdict, &verdicts::case()));
        let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "schema_version",
                "killer",
                "level",
                "confidence",
                "at",
                "killed_by",
                "subject",
                "container_id",
                "main",
                "victims",
                "limit_at_fault",
                "limit_bytes",
                "usage_bytes",
                "limit_cgroup",
                "because",
                "ruled_out",
                "candidates",
                "contradictions",
                "would_settle_it",
                "findings",
                "gaps",
                "remedies"
            ]
        );
    }
}

#[test]
fn the_schema_names_every_word_of_the_vocabulary() {
    let schema = schema();
    for killer in Killer::ALL {
        assert!(schema.contains(&format!("\"{}\"", killer.word())), "{}", killer.word());
    }
    let value: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(value["required"].as_array().unwrap().len(), 22);
}

#[test]
fn no_line_is_wider_than_its_page_unless_it_is_a_command() {
    for (name, verdict) in verdicts::scenes() {
        for width in [60, 80, 120] {
            for line in page(&verdict, width, false, false).lines() {
                let fits = crate::layout::width(line) <= width;
                let command = line.contains("journalctl") || line.contains("docker update");
                assert!(fits || command, "{name} at {width}: {line}");
            }
        }
    }
}

#[test]
fn a_quiet_line_has_at_most_120_characters_and_keeps_its_grade() {
    for (name, mut verdict) in verdicts::scenes() {
        let line = quiet::line(&compose(&verdict, &verdicts::case()));
        assert!(line.chars().count() <= 120, "{name}: {line}");
        if let Some(subject) = &mut verdict.subject {
            subject.name = Some("é".repeat(300));
        }
        let line = quiet::line(&compose(&verdict, &verdicts::case()));
        assert!(line.chars().count() <= 120, "{name}: {line}");
        assert!(line.ends_with(words::grade(verdict.confidence)), "{name}: {line}");
    }
}

#[test]
fn only_a_remedy_may_speak_of_raising_a_limit() {
    for (name, mut verdict) in verdicts::scenes() {
        verdict.remedies.clear();
        let shown = page(&verdict, 120, false, true);
        assert!(!shown.contains("raise the limit") && !shown.contains("increase"), "{name}");
    }
}

#[test]
fn a_doubtful_sentence_never_reads_as_a_fact() {
    for (name, mut verdict) in verdicts::scenes() {
        if verdict.killer == Killer::Unknown {
            continue;
        }
        let sentence = |verdict: &Verdict| words::headline(&compose(verdict, &verdicts::case()));
        verdict.confidence = Confidence::Proven;
        let proven = sentence(&verdict);
        verdict.confidence = Confidence::Likely;
        assert!(sentence(&verdict).contains("probably"), "{name}: {}", sentence(&verdict));
        verdict.confidence = Confidence::Possible;
        assert!(sentence(&verdict).contains("may "), "{name}: {}", sentence(&verdict));
        assert!(!proven.contains("probably") && !proven.contains(" may have"), "{name}: {proven}");
    }
}

/// Everything a stranger can write, in every place where it is shown.
fn hostile() -> (Verdict, casefile::CaseFile) {
    const BAD: &str = "\u{1b}]0;x\u{7}\u{1b}[2J\n::error::<img src=x>`````\n##[error]\u{202e}|*_[a](b)\u{9b}\u{200b}";
    let mut case = verdicts::case();
    let mut verdict = verdicts::own_limit();
    let (mut undecided, text) = (verdicts::undecided(), BAD.to_owned());
    for exhibit in &mut case.exhibits {
        exhibit.source = Source::Pasted;
        exhibit.label.clone_from(&text);
        exhibit.check = Some(text.clone());
        exhibit.body = Body::Text(text.repeat(40));
    }
    for because in &mut verdict.because {
        (because.cite.span.start, because.cite.span.end) = (0, BAD.len() * 3);
        because.says.clone_from(&text);
        because.decisive = Some("error".to_owned());
    }
    for gap in &mut undecided.gaps {
        gap.tried.clone_from(&text);
        gap.because.clone_from(&text);
        gap.open_by = Some(text.clone());
    }
    for rival in &mut undecided.candidates {
        rival.because.clone_from(&text);
    }
    for settle in &mut undecided.would_settle_it {
        settle.missing.clone_from(&text);
        settle.how.clone_from(&text);
    }
    verdict.gaps = undecided.gaps;
    verdict.candidates = undecided.candidates;
    verdict.would_settle_it = undecided.would_settle_it;
    verdict.subject.as_mut().unwrap().name = Some(text.clone());
    verdict.victims =
        vec![verdicts::victim(BAD, 1, Role::Main), verdicts::victim(BAD, 2, Role::Child)];
    verdict.detail = Some(text.clone());
    verdict.at = None::<Moment>;
    verdict.at_words = Some(text.clone());
    verdict.contradictions = vec![text.clone()];
    verdict.ruled_out[0].because.clone_from(&text);
    verdict.remedies[0].change.clone_from(&text);
    verdict.remedies[0].effect.clone_from(&text);
    verdict.killed_by = Some(judge::verdict::KilledBy {
        name: Some(text.clone()),
        command: Some(text.clone()),
        client: Some(text),
        ..Default::default()
    });
    verdict.findings = vec![verdict.clone()];
    (verdict, case)
}

#[test]
fn hostile_text_stays_text_in_every_medium() {
    let (verdict, case) = hostile();
    let report = compose(&verdict, &case);
    let mut shown = vec![quiet::render(&report), markdown::render(&report), json::render(&report)];
    for width in [40, 80, 120] {
        shown.push(text::render(&report, Page { width, colour: false, verbose: true }));
    }
    for text in &shown {
        let controls = text.chars().filter(|c| c.is_control() && *c != '\n').count();
        assert_eq!(controls, 0, "{text:?}");
        assert!(!text.contains(['\u{202e}', '\u{200b}']), "{text}");
        assert!(!text.contains("##["), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
    }
    assert_eq!(shown[0].lines().count(), 1);
    insta::assert_snapshot!("hostile_markdown", shown[1]);
    insta::assert_snapshot!("hostile_text", shown[4]);
}

#[test]
fn a_verdict_without_anything_still_makes_a_page() {
    for killer in Killer::ALL {
        for level in [Level::Own, Level::Nested, Level::Ancestor, Level::Unknown, Level::None] {
            let mut verdict = verdicts::blank(killer, level, Confidence::Possible);
            verdict.subject = None;
            verdict.container_id = None;
            verdict.victims.clear();
            verdict.main = Default::default();
            verdict.at = None;
            verdict.lived_seconds = None;
            let shown = page(&verdict, 80, false, false);
            let first = shown.lines().next().unwrap();
            assert!(first.ends_with("possible"), "{shown}");
            assert!(shown.contains('.') && !shown.contains("  ,"), "{shown}");
        }
    }
}

#[test]
fn what_never_started_is_not_called_alive() {
    let mut verdict = verdicts::undecided();
    (verdict.killer, verdict.level) = (Killer::StillAlive, Level::None);
    verdict.confidence = Confidence::Likely;
    verdict.detail = Some("the container was created and never started: nothing died".to_owned());
    let shown = page(&verdict, 80, false, false);
    assert!(!shown.contains("alive"), "{shown}");
    let words: Vec<&str> = shown.split_whitespace().filter(|word| *word != "likely").collect();
    assert!(words.join(" ").contains("was created and never started: nothing died."), "{shown}");
}

#[test]
fn what_could_not_start_did_not_end_by_itself() {
    let mut verdict = verdicts::undecided();
    verdict.killer = Killer::NotKilled;
    verdict.confidence = Confidence::Likely;
    verdict.main.exit_code = Some(128);
    verdict.main.exit_code_trusted = true;
    verdict.detail = Some("it could not start: no such file".to_owned());
    let shown = page(&verdict, 80, false, false);
    assert!(shown.contains("probably could not start (exit code 128): no such file"), "{shown}");
    assert!(!shown.contains("by itself"), "{shown}");
}

#[test]
fn a_line_that_says_two_things_is_shown_once() {
    let mut verdict = verdicts::own_limit();
    let first = verdict.because.first().cloned().unwrap();
    let again = judge::verdict::Because {
        says: "what else it says".to_owned(),
        decisive: None,
        ..first.clone()
    };
    verdict.because = vec![first, again];
    let shown = page(&verdict, 80, false, false);
    let evidence = shown.split("Evidence").nth(1).unwrap();
    assert!(evidence.contains("   → what else it says\n"), "{shown}");
    let quoted = verdicts::case().quote(&verdict.because[0].cite).unwrap().to_owned();
    let start: String = quoted.chars().take(20).collect();
    assert_eq!(evidence.matches(&start).count(), 1, "{shown}");
}

#[test]
fn an_exit_code_is_said_once() {
    let mut verdict = verdicts::undecided();
    verdict.killer = Killer::NotKilled;
    verdict.confidence = Confidence::Proven;
    verdict.main.exit_code = Some(3);
    verdict.main.exit_code_trusted = true;
    verdict.detail = Some("it ended with 3".to_owned());
    let shown = page(&verdict, 100, false, false);
    assert!(shown.contains("ended by itself with exit code 3; it was not killed."), "{shown}");
}

#[test]
fn a_journal_record_is_read_by_its_speaker_and_message() {
    let record = r#"{"PRIORITY":"4","MESSAGE":"a.service: Failed  with\nresult 'oom-kill'.","__REALTIME_TIMESTAMP":"1","SYSLOG_IDENTIFIER":"systemd"}"#;
    let shown = words::readable(record, Some(Source::Journal));
    assert_eq!(shown, "systemd: a.service: Failed with result 'oom-kill'.");
    // Another document, and a torn record, stay as they are.
    for other in [r#"{"MESSAGE":"x"}"#, r#"{"__REALTIME_TIMESTAMP":"1","MESSAGE":"#] {
        assert_eq!(words::readable(other, Some(Source::Journal)), other);
    }
}

#[test]
fn who_sent_a_signal_to_itself_is_no_other_process() {
    let scenes = verdicts::scenes();
    let (_, kill) = scenes.iter().find(|(name, _)| *name == "process").unwrap();
    let said = |sender: Option<u32>| {
        let mut verdict = kill.clone();
        verdict.killed_by.as_mut().unwrap().pid = sender;
        let report = compose(&verdict, &verdicts::case());
        (page(&verdict, 80, false, false), quiet::render(&report))
    };
    let own = kill.victims[0].pid;
    assert!(own.is_some());
    let (text, line) = said(own);
    assert!(text.starts_with("api was killed by itself: kill (pid"), "{text}");
    assert!(line.starts_with("api: killed by itself: kill (pid"), "{line}");
    for other in [Some(6152), None] {
        let (text, line) = said(other);
        assert!(text.starts_with("api was killed by another process"), "{text}");
        assert!(line.starts_with("api: killed by another process"), "{line}");
    }
}

#[test]
fn a_cgroup_of_which_only_a_counter_tells_is_no_container() {
    let (_, mut verdict) = verdicts::scenes().into_iter().next().unwrap();
    (verdict.killer, verdict.level) = (Killer::OutOfMemory, Level::Unknown);
    (verdict.subject, verdict.container_id, verdict.at) = (None, None, None);
    verdict.victims.clear();
    verdict.main = judge::verdict::MainProcess::default();
    verdict.place = casefile::CgroupPath::parse("/batch/job-7");
    let case = casefile::CaseFile::new(casefile::Asked::default(), verdicts::case().gathered_at);
    let said = |verdict: &Verdict| quiet::render(&compose(verdict, &case));
    let line = said(&verdict);
    assert!(
        line.starts_with("a process in the cgroup /batch/job-7: killed by the kernel"),
        "{line}"
    );
    verdict.place = casefile::CgroupPath::parse(&format!("/docker/{}", "a".repeat(64)));
    assert!(!said(&verdict).contains("in the cgroup"), "{}", said(&verdict));
}

#[test]
fn an_alive_container_whose_life_before_was_killed_does_not_hide_it() {
    let mut verdict = verdicts::scenes()
        .into_iter()
        .find(|(name, _)| *name == "still_alive")
        .map(|(_, verdict)| verdict)
        .unwrap();
    let mut before = verdict.clone();
    before.killer = Killer::ContainerMemoryLimit;
    before.level = Level::Own;
    verdict.findings.push(before.clone());
    let shown = page(&verdict, 100, false, false);
    assert!(
        shown.contains(
            "is alive again; its life before: killed by the container's own memory limit (64"
        ),
        "{shown}"
    );
    assert!(!shown.contains("nothing that died"), "{shown}");
    // A neighbour's death is no life of it.
    before.container_id = casefile::ContainerId::parse(&"d".repeat(64));
    verdict.findings = vec![before];
    let shown = page(&verdict, 100, false, false);
    assert!(shown.contains("is alive; nothing that died in it was seen"), "{shown}");
}
