//! What one reader promises for any text: it ends, it gives the same again, and what it saw stands
//! at whole characters of the text.

use casefile::{Source, Span};
use parse::Sighting;

/// More records than bytes would be made, not read.
fn check_sightings(text: &str, sightings: &[Sighting]) {
    assert!(sightings.len() <= text.len(), "{} sightings", sightings.len());
    for sighting in sightings {
        check_span(text, sighting.span);
    }
}

fn check_span(text: &str, span: Span) {
    assert!(span.of(text).is_some_and(|quote| !quote.is_empty()), "{span:?} of {}", text.len());
}

/// Reads a text as each of these sources, twice.
pub fn check(sources: &[Source], bytes: &[u8]) {
    let Some((source, text)) = crate::text::chosen(sources, bytes) else { return };
    let seen = parse::read(source, &text);
    check_sightings(&text, &seen);
    assert_eq!(seen, parse::read(source, &text), "the same text, read twice");
}

/// Lines stand in order (of an export that has the newest first: in that order), and none is
/// empty.
pub fn check_lines(bytes: &[u8]) {
    let text = crate::text::lossy(bytes);
    let lines = parse::fuzzing::lines(&text);
    assert!(lines.len() <= text.len());
    // Parts may be kept of what they were made of, never more than that with blanks between.
    let kept: usize = lines.iter().map(|(_, words)| words.len()).sum();
    assert!(kept <= 2 * text.len() + 1, "{kept} bytes of words from {}", text.len());
    for (span, words) in &lines {
        check_span(&text, *span);
        assert!(!words.trim().is_empty(), "a line without words at {span:?}");
    }
    for two in lines.windows(2) {
        let [(one, _), (next, _)] = two else { continue };
        let turned = text.get(next.start..one.start).is_some_and(|between| between.contains('"'));
        assert!(one.start <= next.start || turned, "lines out of order at {next:?}");
    }
    assert_eq!(lines, parse::fuzzing::lines(&text));
}

/// Values stand inside the value that holds them.
pub fn check_values(bytes: &[u8]) {
    let text = crate::text::lossy(bytes);
    let values = parse::fuzzing::values(&text);
    assert!(values.len() <= text.len());
    let mut around: Vec<Span> = Vec::new();
    for (depth, span) in &values {
        assert!(span.of(&text).is_some(), "{span:?} of {}", text.len());
        around.truncate(*depth);
        if let Some(outer) = around.last() {
            assert!(outer.start <= span.start && span.end <= outer.end, "{span:?} in {outer:?}");
        }
        around.push(*span);
    }
    assert_eq!(values, parse::fuzzing::values(&text));
}

/// A credential by its shape alone: whatever stands around it, it never comes through.
const CREDENTIAL: &str = "ghp_0123456789abcdefABCDEF0123456789abcd";

/// Redacting takes what has the shape of a credential, keeps lines lines and JSON JSON, and does
/// nothing more the second time.
pub fn check_redaction(bytes: &[u8]) {
    let all = [
        Source::Pasted,
        Source::KernelLog,
        Source::ContainerInspect,
        Source::ContainerEvents,
        Source::DockerConfig,
        Source::Journal,
        Source::Proc,
        Source::ApplicationLog,
        Source::Kubernetes,
        Source::Ecs,
        Source::Machine,
    ];
    let Some((source, text)) = crate::text::chosen(&all, bytes) else { return };
    let once = redacted(source, &text);
    assert_eq!(redacted(source, &once), once, "redacted twice");
    if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
        let still = serde_json::from_str::<serde_json::Value>(&once);
        assert!(still.is_ok(), "JSON became {once}");
    }
    let (before, after) = halves(&text);
    let planted = redacted(source, &format!("{before}\n{CREDENTIAL}\n{after}"));
    assert!(!planted.contains(CREDENTIAL), "a credential came through");
}

fn redacted(source: Source, text: &str) -> String {
    let out = parse::redact(source, text);
    // Every byte may be a secret of its own; the word in its place has ten.
    assert!(out.len() <= 16 * text.len() + 64, "{} became {} bytes", text.len(), out.len());
    out
}

/// A text in two, at the character next to its middle.
fn halves(text: &str) -> (&str, &str) {
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at));
    text.split_at(middle.unwrap_or(0))
}
