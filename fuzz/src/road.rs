//! What no answer may do, whatever the case: the whole road from evidence to every page.

use casefile::{Asked, Body, CaseFile, Clock, ContainerId, Exhibit, Moment, Source};
use judge::Verdict;
use judge::verdict::{Confidence, Killer};
use report::renderers::text::Page;
use report::renderers::{json, markdown, quiet, text};
use serde_json::Value;

use crate::text::{SOURCES, lossy};

/// The moment of asking: the road reads no clock.
pub fn asked_at() -> Moment {
    Moment::parse("2026-05-28T00:00:00Z").expect("a moment")
}

/// Texts as files of the command line, one after another, between lines of a group separator.
pub fn pasted(bytes: &[u8]) -> Option<CaseFile> {
    let text = lossy(bytes);
    let parts = text.split("\u{1d}\n").enumerate();
    let texts: Vec<(String, String)> =
        parts.map(|(at, part)| (format!("file {at}"), part.to_owned())).collect();
    evidence::case_from_texts(texts, asked_at()).ok()
}

/// A gathered case as text: a head line `?NAME ID`, then exhibits, each behind a line
/// `\x1dSOURCE FLAGS ID`: the source's letter, `c` for covers, `b` for a boot clock.
pub fn gathered(bytes: &[u8]) -> Option<CaseFile> {
    let text = lossy(bytes);
    if CaseFile::looks_like(&text) {
        return CaseFile::from_json(&text).ok();
    }
    let mut parts = text.split('\u{1d}');
    let mut case = CaseFile::new(Asked::default(), asked_at());
    let mut head = parts.next().unwrap_or_default().trim().trim_start_matches('?').split(' ');
    case.asked.name = head.next().filter(|name| !name.is_empty()).map(str::to_owned);
    case.asked.container_id = head.next().and_then(ContainerId::parse);
    for (at, part) in parts.enumerate() {
        case.exhibits.push(exhibit(at, part));
    }
    Some(case)
}

fn exhibit(at: usize, part: &str) -> Exhibit {
    let (head, body) = part.split_once('\n').unwrap_or((part, ""));
    let letter = head.bytes().next().unwrap_or(b'A').wrapping_sub(b'A');
    let source = SOURCES[usize::from(letter) % SOURCES.len()];
    let mut words = head.split(' ').skip(1);
    let flags = words.next().unwrap_or_default();
    Exhibit {
        id: format!("exhibit-{at}"),
        source,
        label: source.title().to_owned(),
        check: None,
        about: words.next().and_then(ContainerId::parse),
        clock: if flags.contains('b') {
            Clock::SinceBoot { zero_at: Moment::parse("2026-05-27T18:00:00Z").expect("a moment") }
        } else {
            Clock::Unknown
        },
        covers: flags.contains('c'),
        cut_from: None,
        body: Body::Text(parse::redact(source, body)),
    }
}

/// Judges a case and shows it in every form.
pub fn check(case: &CaseFile) -> Verdict {
    let verdict = judge::explain(case, asked_at());
    check_verdict(case, &verdict);
    assert_eq!(verdict, judge::explain(case, asked_at()), "the same case, judged twice");
    let saved = case.to_json().expect("a case can be written");
    let read = CaseFile::from_json(&saved).expect("a written case can be read");
    assert_eq!(&read, case, "a saved case is another case");
    check_pages(case, &verdict);
    if case.exhibits.iter().all(|one| one.source == Source::ApplicationLog) {
        // A program's own words about itself.
        assert!(verdict.confidence < Confidence::Proven, "proven by a container's own log");
    }
    verdict
}

fn check_verdict(case: &CaseFile, verdict: &Verdict) {
    for because in &verdict.because {
        let quote = case.quote(&because.cite);
        assert!(quote.is_some_and(|quote| !quote.is_empty()), "{because:?} points nowhere");
    }
    let undecided = verdict.killer == Killer::Unknown;
    assert_eq!(undecided, verdict.confidence == Confidence::Unknown, "{:?}", verdict.rule);
    if verdict.confidence == Confidence::Proven {
        assert!(!verdict.because.is_empty(), "proven by nothing");
        // A kill whose level is not shown may be of any level.
        let level_open = verdict.killer == Killer::OutOfMemory;
        let rival = verdict.candidates.iter().find(|rival| {
            rival.killer != verdict.killer && !(level_open && rival.killer.is_kernel_oom())
        });
        assert!(rival.is_none(), "proven, and yet perhaps {rival:?}");
    }
    let twice =
        verdict.candidates.iter().enumerate().any(|(at, one)| {
            verdict.candidates[..at].iter().any(|other| other.killer == one.killer)
        });
    assert!(!twice, "one candidate twice: {:?}", verdict.candidates);
    let denied = verdict.ruled_out.iter().find(|one| {
        one.killer == verdict.killer || verdict.candidates.iter().any(|c| c.killer == one.killer)
    });
    assert!(denied.is_none(), "ruled out and yet possible: {denied:?}");
    for finding in &verdict.findings {
        check_verdict(case, finding);
    }
}

fn check_pages(case: &CaseFile, verdict: &Verdict) {
    let report = report::compose(verdict, case);
    // Any width will do; which one, the case says.
    let pages = [(40, true), (80, false), (120, true), (80, true)];
    let size: usize = case.exhibits.iter().map(|one| one.text().len()).sum();
    let (width, verbose) = pages[size % pages.len()];
    let plain = text::render(&report, Page { width, colour: false, verbose });
    check_page(&plain);
    let coloured = text::render(&report, Page { width, colour: true, verbose });
    assert_eq!(without_colours(&coloured), plain, "the colours change the page");
    let line = quiet::render(&report);
    check_page(&line);
    assert!(line.lines().count() == 1 && line.trim_end().chars().count() <= 120, "{line}");
    check_page(&markdown::render(&report));
    let answer = json::render(&report);
    check_page(&answer);
    let value: Value = serde_json::from_str(&answer).expect("the answer is JSON");
    let killer = value.get("killer").and_then(Value::as_str);
    assert_eq!(killer, Some(verdict.killer.word()));
    assert!(Killer::ALL.iter().any(|known| Some(known.word()) == killer), "{killer:?}");
}

/// Nothing on a page steers the terminal, the order of letters or a CI system.
fn check_page(page: &str) {
    assert!(page.ends_with('\n'), "a page without an end");
    let steers = |letter: char| {
        (letter.is_control() && letter != '\n')
            || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}')
    };
    assert!(!page.contains(steers), "{:?} comes through", page.chars().find(|one| steers(*one)));
    for line in page.lines() {
        let start = line.trim_start();
        assert!(!start.starts_with("::"), "CI obeys: {line}");
        let order = start.split("##").skip(1).any(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).starts_with('[')
        });
        assert!(!order, "CI obeys: {line}");
    }
}

/// A page without its `ESC [ … m`.
fn without_colours(page: &str) -> String {
    let mut parts = page.split("\u{1b}[");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    out
}

/// The same shapes without a word of sense: every letter is the next one of the alphabet.
pub fn noise(bytes: &[u8]) -> String {
    let next = |letter: char| match letter {
        'z' => 'a',
        'Z' => 'A',
        'a'..='y' | 'A'..='Y' => char::from(letter as u8 + 1),
        other => other,
    };
    lossy(bytes).chars().map(next).collect()
}
