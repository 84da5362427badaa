//! journald's structured outputs: `-o json` (lines, array, pretty, SSE), `-o export`, `-o verbose`;
//! and `dmesg --json`.
//!
//! Takes only entries that have a `MESSAGE`; every other JSON is left to its own readers. Trusts
//! `_TRANSPORT` above `SYSLOG_IDENTIFIER`: journald sets the one, a program may choose the other.
//! Fields: systemd.journal-fields(7), the export format of systemd's JOURNAL_EXPORT_FORMATS.

use casefile::{Moment, Span, Stamp};
use serde_json::Value;

use super::{Line, Writer, stamp};

/// journald splits longer entries; a text that opens a brace and never closes it is no entry.
const LONGEST: usize = 1 << 18;

/// The end of the JSON object that starts at the first byte; `Err` with the number of bytes that
/// were looked at when there is none.
pub(super) fn object_end(text: &str) -> Result<usize, usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate().take(LONGEST) {
        if escaped {
            escaped = false;
        } else if quoted {
            match byte {
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => quoted = true,
                b'{' => depth += 1,
                b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(at + 1);
                    }
                }
                _ => {}
            }
        }
    }
    Err(text.len().min(LONGEST))
}

/// Reads one journal entry; `None` if it is another kind of object.
pub(super) fn entry(json: &str, span: Span) -> Option<Line> {
    let message = json.contains("\"MESSAGE\"");
    let of_dmesg = json.contains("\"pri\"");
    if !(message || of_dmesg) {
        return None;
    }
    let value: Value = serde_json::from_str(json).ok()?;
    if !message {
        return record(&value, span);
    }
    // Cloud log exports wrap the entry.
    let fields = [Some(&value), value.get("jsonPayload")].into_iter().flatten();
    let fields = fields.into_iter().find(|fields| fields.get("MESSAGE").is_some())?;
    let field = |name: &str| fields.get(name).and_then(Value::as_str);
    let line = Fields {
        message: with_unit(words(fields.get("MESSAGE")?)?, field),
        transport: field("_TRANSPORT").map(str::to_owned),
        identifier: field("SYSLOG_IDENTIFIER").or(field("_COMM")).map(str::to_owned),
        pid: field("_PID").or(field("SYSLOG_PID")).and_then(stamp::number),
        at: field("_SOURCE_REALTIME_TIMESTAMP")
            .or(field("__REALTIME_TIMESTAMP"))
            .and_then(realtime)
            .or_else(|| {
                field("_SOURCE_MONOTONIC_TIMESTAMP").and_then(stamp::number).map(Stamp::SinceBoot)
            }),
    };
    Some(line.into_line(span))
}

/// systemd's own words about a unit, with the unit before them where they name only its description
/// (`Stopping Robot control...`, up to 248). Only PID 1's own field is believed: any program may
/// set `UNIT`.
fn with_unit<'a>(message: String, field: impl Fn(&str) -> Option<&'a str>) -> String {
    let manager = field("_PID") == Some("1") || field("_COMM") == Some("systemd");
    match field("UNIT").or_else(|| field("USER_UNIT")).filter(|_| manager) {
        Some(unit) if !message.contains(unit) => format!("{unit}: {message}"),
        Some(_) | None => message,
    }
}

/// `{"pri": 6, "time": 2551.668483, "msg": "…"}` of `dmesg --json`; with `-x` the facility is a
/// word of its own.
fn record(value: &Value, span: Span) -> Option<Line> {
    let text = value.get("msg")?.as_str()?.to_owned();
    let kernel = match (value.get("pri")?, value.get("fac")) {
        (_, Some(facility)) => facility == "kern",
        (priority, None) => priority.as_u64().is_some_and(|priority| priority < 8),
    };
    // A float keeps microseconds up to 2^53 of them, 285 years after boot.
    let time = value.get("time")?;
    let at = match time.as_f64() {
        Some(seconds) => stamp::since_boot(&format!("{seconds:.6}")),
        None => time.as_str().and_then(stamp::iso).and_then(|iso| iso.at),
    };
    let program = Writer::Program { name: String::new(), pid: None };
    Some(Line { text, span, at, writer: if kernel { Writer::Kernel } else { program } })
}

/// A message is a text, or an array of bytes where it has unprintable ones.
fn words(message: &Value) -> Option<String> {
    match message {
        Value::String(text) => Some(text.clone()),
        Value::Array(bytes) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            let bytes: Vec<u8> = bytes.iter().map(byte).collect::<Option<_>>()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

fn realtime(text: &str) -> Option<Stamp> {
    Moment::from_micros(stamp::number(text)?).map(Stamp::Wall)
}

/// The fields of one entry that tell who said what, and when.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    transport: Option<String>,
    identifier: Option<String>,
    pid: Option<u32>,
    at: Option<Stamp>,
}

impl Fields {
    fn into_line(self, span: Span) -> Line {
        let name = self.identifier.unwrap_or_default();
        let writer = match self.transport.as_deref() {
            Some("kernel") => Writer::Kernel,
            None if name == "kernel" => Writer::Kernel,
            None if name.is_empty() => Writer::Unsaid,
            Some(_) | None => Writer::Program { name, pid: self.pid },
        };
        Line { text: self.message.trim().to_owned(), span, at: self.at, writer }
    }
}

/// An entry of `-o export` or `-o verbose` while its lines are being read.
#[derive(Debug, Default)]
pub(super) struct Block {
    fields: Fields,
    span: Option<Span>,
}

impl Block {
    /// True if the line begins an entry: a cursor, or a verbose header (`… [s=…;i=…]`).
    pub(super) fn begins(line: &str) -> bool {
        line.starts_with("__CURSOR=s=")
            || (line.ends_with(']') && line.contains(" [s=") && line.contains(";i="))
    }

    /// A block with the time that its header shows.
    pub(super) fn new(header: &str) -> Self {
        let at = stamp::full(header).and_then(|(at, _)| at);
        Self { fields: Fields { at, ..Fields::default() }, span: None }
    }

    /// Takes a `KEY=value` line; false if the line has another shape.
    pub(super) fn take(&mut self, line: &str, span: Span) -> bool {
        let Some((key, value)) = line.trim_start().split_once('=') else { return false };
        let named = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if key.is_empty() || !key.bytes().all(named) {
            return false;
        }
        match key {
            "MESSAGE" => {
                value.clone_into(&mut self.fields.message);
                self.span = Some(span);
            }
            "_TRANSPORT" => self.fields.transport = Some(value.to_owned()),
            "SYSLOG_IDENTIFIER" => self.fields.identifier = Some(value.to_owned()),
            "_PID" => self.fields.pid = stamp::number(value),
            "__REALTIME_TIMESTAMP" | "_SOURCE_REALTIME_TIMESTAMP" => {
                self.fields.at = realtime(value).or(self.fields.at);
            }
            _ => {}
        }
        true
    }

    /// The line, if the entry had a message.
    pub(super) fn finish(self) -> Option<Line> {
        self.span.map(|span| self.fields.into_line(span))
    }
}
