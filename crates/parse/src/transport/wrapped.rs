//! Log lines inside what an aggregator exports: Loki's streams and lines, CloudWatch's events, Datadog's,
//! Elastic's and Cloud Logging's entries as JSON, Splunk's and Graylog's rows as CSV.
//!
//! An export is only taken apart where one of its texts speaks as the kernel or a node's daemon does;
//! every other JSON is left to its own readers. A Kubernetes event that repeats a kernel line stays an
//! event, and what a container wrote to its standard output (`"stream": "stderr"`) is never the node's word.

use casefile::{Moment, Span, Stamp};

use super::{Line, Writer, prefix::peel};
use crate::json::{self, Node, Value};

/// Keys under which an entry holds its line.
const KEYS: [&str; 8] =
    ["@message", "_raw", "body", "content", "line", "message", "textPayload", "text"];

/// Keys under which an entry, or what is around it, holds its time.
const TIMES: [&str; 7] =
    ["@timestamp", "_time", "date", "time", "timestamp", "Timestamp", "receiveTimestamp"];

/// Words of which one stands in every line that is worth the unwrapping.
const TELLING: [&str; 12] = [
    "Killed process",
    "Kill process",
    "oom-kill:constraint=",
    "invoked oom-killer",
    "killed as a result of limit",
    "by the OOM killer",
    "due to memory pressure",
    "systemd-oomd killed",
    "to process ",
    "using the force",
    "with signal SIGKILL",
    "with SIGKILL on client request",
];

/// The lines in a JSON object of an export; none if it is no export, or holds nothing of the node's.
pub(super) fn entries(text: &str, start: usize) -> Vec<Line> {
    let is_event = text.contains("\"involvedObject\"") || text.contains("\"regarding\"");
    if is_event || !tells(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for document in json::documents(text) {
        // Nodes wait on a list instead of the stack; each with the time of what is around it.
        let mut waiting: Vec<(&Node, Option<Stamp>)> = vec![(&document, None)];
        while let Some((node, around)) = waiting.pop() {
            let at = time_of(node).or(around);
            if !is_a_containers(node) {
                found.extend(KEYS.iter().filter_map(|key| line(node.get(key)?, at, start)));
                found.extend(pair(node, start));
            }
            waiting.extend(node.children().into_iter().map(|child| (child, at)));
        }
    }
    found.sort_by_key(|line| line.span.start);
    // Most exports stand newest line first, and a report has to be read from its head.
    let falls = count(&found, |one, next| one > next);
    if falls > count(&found, |one, next| one < next) {
        found.reverse();
    }
    if found.iter().any(|line| tells(&line.text)) { found } else { Vec::new() }
}

/// The field of a CSV row that holds the line: the quoted one that tells.
pub(super) fn csv_field(row: &str) -> Option<String> {
    let is_row = row.starts_with('"') || row.contains(",\"");
    if !is_row || row.starts_with(['{', '[']) || !tells(row) {
        return None;
    }
    let mut rest = row;
    while let Some(at) = rest.find('"') {
        let (field, behind) = quoted(rest.get(at + 1..)?)?;
        if tells(&field) {
            // A quoted text alone is no row.
            let row_goes_on = at > 0 || behind.starts_with(',');
            return row_goes_on.then_some(field);
        }
        rest = behind;
    }
    None
}

fn tells(text: &str) -> bool {
    TELLING.iter().any(|words| text.contains(words))
}

/// The log of a container itself, as docker and CRI keep it, or an entry of a program's own logger.
fn is_a_containers(node: &Node) -> bool {
    let stream = node.get("stream").and_then(Node::as_str);
    let logger = ["logger", "logger_name", "loggerName", "caller"];
    matches!(stream, Some("stdout" | "stderr")) || logger.iter().any(|key| node.get(key).is_some())
}

fn line(node: &Node, at: Option<Stamp>, start: usize) -> Option<Line> {
    let text = node.as_str()?.trim();
    if text.is_empty() || text.len() > 8192 {
        return None;
    }
    let peeled = peel(text);
    let span = Span { start: start + node.span.start, end: start + node.span.end };
    Some(Line {
        text: peeled.text.trim().to_owned(),
        span,
        at: peeled.at.or(at),
        // What nobody signed may be the kernel's, as in a bare paste.
        writer: if peeled.prefixed { peeled.writer } else { Writer::Unsaid },
    })
}

/// Loki: `["1779905400000000000", "the line"]`.
fn pair(node: &Node, start: usize) -> Option<Line> {
    let [time, text] = node.items() else { return None };
    let digits = time.as_str().filter(|time| time.len() == 19)?;
    let nanos: i64 = digits.parse().ok()?;
    line(text, Moment::from_micros(nanos / 1000).map(Stamp::Wall), start)
}

/// RFC 3339, or milliseconds since 1970 as CloudWatch prints them.
fn time_of(node: &Node) -> Option<Stamp> {
    let value = TIMES.iter().find_map(|key| node.get(key))?;
    let moment = match &value.value {
        Value::String(text) => Moment::parse(text),
        Value::Number(text) => {
            let number: i64 = text.parse().ok()?;
            let millis = (1_000_000_000_000..10_000_000_000_000).contains(&number);
            Moment::from_micros(if millis { number.checked_mul(1000)? } else { return None })
        }
        _ => None,
    };
    moment.map(Stamp::Wall)
}

fn count(lines: &[Line], falls: impl Fn(Moment, Moment) -> bool) -> usize {
    let moment = |line: &Line| match line.at {
        Some(Stamp::Wall(moment) | Stamp::Local(moment)) => Some(moment),
        Some(Stamp::SinceBoot(_)) | None => None,
    };
    let both = |pair: &[Line]| Some((moment(pair.first()?)?, moment(pair.get(1)?)?));
    lines.windows(2).filter_map(both).filter(|(one, next)| falls(*one, *next)).count()
}

/// A CSV field up to its closing quote, `""` being one quote, and what follows it.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut letters = rest.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' if letters.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' => return Some((field, rest.get(at + 1..)?)),
            other => field.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILL: &str = "Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB";

    fn texts(json: &str) -> Vec<String> {
        entries(json, 0).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn each_aggregators_entry_gives_its_line() {
        for json in [
            format!(
                "{{\"streams\":[{{\"stream\":{{\"job\":\"k\"}},\"values\":[[\"1779905400000000000\",\"{KILL}\"]]}}]}}"
            ),
            format!(
                "{{\"date\":\"2026-05-27T18:10:00.000Z\",\"fields\":{{}},\"line\":\"kernel: {KILL}\"}}"
            ),
            format!(
                "{{\"events\":[{{\"timestamp\":1779905400000,\"message\":\"May 27 18:10:00 n kernel: [    1.200000] {KILL}\"}}]}}"
            ),
            format!(
                "{{\"content\":{{\"timestamp\":\"2026-05-27T18:10:00.000Z\",\"message\":\"{KILL}\"}}}}"
            ),
            format!(
                "{{\"_source\":{{\"@timestamp\":\"2026-05-27T18:10:00.000Z\",\"message\":\"{KILL}\"}}}}"
            ),
        ] {
            let found = entries(&json, 0);
            assert_eq!(found.len(), 1, "{json}");
            assert_eq!(found[0].text, KILL, "{json}");
            assert!(found[0].at.is_some(), "{json}");
            let quote = found[0].span.of(&json).unwrap();
            assert!(quote.contains("Killed process 7"), "{quote}");
        }
    }

    #[test]
    fn an_export_that_stands_newest_first_is_turned() {
        let json = format!(
            "{{\"values\":[[\"1779905400000000002\",\"{KILL}\"],[\"1779905400000000000\",\"x invoked oom-killer: gfp_mask=0xcc0\"]]}}"
        );
        let json = json.replace("1779905400000000002", "1779905401000000002");
        assert_eq!(texts(&json), ["x invoked oom-killer: gfp_mask=0xcc0", KILL]);
    }

    #[test]
    fn a_very_long_text_is_no_line() {
        let of = |length: usize| {
            let text = format!("{KILL} {}", "x".repeat(length - KILL.len() - 1));
            texts(&format!("{{\"message\":\"{text}\"}}")).len()
        };
        assert_eq!((of(8192), of(8193)), (1, 0));
    }

    #[test]
    fn a_containers_own_output_and_an_event_are_no_log_of_the_node() {
        assert!(texts(&format!("{{\"log\":\"{KILL}\\n\",\"stream\":\"stderr\"}}")).is_empty());
        assert!(texts(&format!("{{\"involvedObject\":{{}},\"message\":\"{KILL}\"}}")).is_empty());
        assert!(texts(&format!("{{\"logger\":\"replay\",\"message\":\"{KILL}\"}}")).is_empty());
        assert!(texts("{\"message\":\"all is well\"}").is_empty());
    }

    #[test]
    fn a_csv_row_gives_its_telling_field() {
        let row = format!(
            "\"2026-05-27T18:10:00Z\",n1,\"May 27 18:10:00 n kernel: {KILL}, said \"\"x\"\"\",end"
        );
        assert_eq!(
            csv_field(&row).unwrap(),
            format!("May 27 18:10:00 n kernel: {KILL}, said \"x\"")
        );
        assert_eq!(csv_field("\"a\",\"b\""), None);
        assert_eq!(csv_field(KILL), None);
        assert_eq!(csv_field(&format!("\"{KILL}\"")), None);
        assert_eq!(csv_field(&format!("{{\"a\":1,\"log\":\"{KILL}\"}}")), None);
    }
}
