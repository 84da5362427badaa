//! One log line taken apart: its message and its fields, whatever the program's format is.
//!
//! logfmt (`time="…" level=info msg="…" container=ID`: dockerd, containerd, CRI-O, Podman), the same
//! as JSON, klog (`I0206 00:00:00.1 12 file.go:7] "Message" key="value"`), or plain words.

use casefile::ContainerId;

use crate::json;

/// A line's message, fields and writer.
pub(super) struct Said {
    /// The message alone.
    pub(super) message: String,
    /// The line's other values.
    fields: Vec<(String, String)>,
    /// The program, in lower case; empty where nothing tells.
    writer: String,
}

/// Endings of a unit's name.
pub(super) const UNITS: [&str; 11] = [
    ".service",
    ".scope",
    ".slice",
    ".socket",
    ".mount",
    ".swap",
    ".target",
    ".timer",
    ".path",
    ".device",
    ".automount",
];

impl Said {
    pub(super) fn of(words: &str, writer: &str) -> Self {
        // A list's dash: `Oct 21 00:34:09 - Container failed …`.
        let words = words.trim().trim_start_matches("- ").trim_start();
        // With its host dropped a line's unit stands where the program should.
        let unit = UNITS.iter().any(|ending| writer.ends_with(ending));
        let whole = if unit { format!("{writer}: {words}") } else { words.to_owned() };
        let mut writer = writer.to_ascii_lowercase();
        if unit || matches!(writer.as_str(), "stdout" | "stderr") {
            writer.clear();
        }
        let (message, fields) = taken_apart(&whole);
        Self { message, fields, writer }
    }

    /// Whether the line may be of a program whose name holds one of these words.
    pub(super) fn may_be(&self, programs: &[&str]) -> bool {
        self.writer.is_empty() || self.is(programs)
    }

    /// Whether the line is known to be of a program whose name holds one of these words.
    pub(super) fn is(&self, programs: &[&str]) -> bool {
        programs.iter().any(|program| self.writer.contains(program))
    }

    /// A field's value.
    pub(super) fn field(&self, key: &str) -> Option<&str> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Message and error together: an error's cause stands in its own field.
    pub(super) fn with_error(&self) -> String {
        let error = self.field("error").or_else(|| self.field("err")).unwrap_or_default();
        format!("{} {error}", self.message)
    }

    /// The container the fields name, else the first id among the words.
    pub(super) fn container(&self) -> Option<ContainerId> {
        ["container", "containerID", "container_id", "ContainerID", "id"]
            .iter()
            .filter_map(|key| self.field(key))
            .find_map(id_in)
            .or_else(|| id_in(&self.message))
    }
}

/// The first container id among words: 64 digits, or 12 and more with a digit and a letter. No runtime
/// prints 32 of them: that many are a task of ECS, a trace or a machine.
pub(super) fn id_in(words: &str) -> Option<ContainerId> {
    words
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
        .filter(|word| matches!(word.len(), 12..=64) && word.len() != 32)
        .filter(|word| word.bytes().any(|b| b.is_ascii_digit()))
        // A short run of digits alone is a number: `20240206000000`.
        .filter(|word| word.len() == 64 || word.bytes().any(|b| b.is_ascii_alphabetic()))
        .find_map(ContainerId::parse)
}

/// The first whole number directly after a text.
pub(super) fn number_after(words: &str, before: &str) -> Option<u64> {
    let (_, rest) = words.split_once(before)?;
    let digits = rest.trim_start_matches(['"', '\'', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// What stands between two texts.
pub(super) fn between<'a>(words: &'a str, before: &str, after: &str) -> Option<&'a str> {
    words.split_once(before)?.1.split_once(after).map(|(inner, _)| inner)
}

fn taken_apart(words: &str) -> (String, Vec<(String, String)>) {
    if words.starts_with('{')
        && let Some(node) = json::objects(&json::documents(words)).first()
        && let Some(message) = node.get("msg").or_else(|| node.get("message"))
    {
        let fields = node
            .members()
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        return (message.as_str().unwrap_or_default().to_owned(), fields.collect());
    }
    if words.contains("msg=") && words.contains("level=") {
        let mut fields = pairs(words);
        let message = fields.iter().position(|(key, _)| key == "msg");
        if let Some(message) = message {
            let (_, message) = fields.swap_remove(message);
            return (message, fields);
        }
    }
    let body = without_klog_header(words);
    // klog's structured form: `"Message" key="value"`.
    if let Some((message, rest)) = body.strip_prefix('"').and_then(quoted) {
        return (message, pairs(rest));
    }
    (body.to_owned(), if body.len() < words.len() { pairs(body) } else { Vec::new() })
}

/// `I0206 00:00:00.123456    1234 kuberuntime_container.go:779] `
fn without_klog_header(words: &str) -> &str {
    let mut letters = words.bytes();
    let level = matches!(letters.next(), Some(b'I' | b'W' | b'E' | b'F'));
    if !level || !letters.take(4).all(|b| b.is_ascii_digit()) {
        return words;
    }
    words
        .split_once(".go:")
        .and_then(|(_, rest)| rest.split_once("] "))
        .map_or(words, |(_, rest)| rest)
}

/// `key=value key="quoted \"value\""`; words without `=` are passed over.
fn pairs(words: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = words;
    while let Some((head, after)) = rest.split_once('=') {
        let key = head.rsplit(char::is_whitespace).next().unwrap_or(head).to_owned();
        let (value, next) = match after.strip_prefix('"').and_then(quoted) {
            Some(quoted) => quoted,
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                let (value, next) = after.split_at_checked(end).unwrap_or((after, ""));
                (value.to_owned(), next)
            }
        };
        found.push((key, value));
        rest = next;
    }
    found
}

/// The text up to the closing quote, decoded, and what follows it.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match (escaped, c) {
            (true, 'n') => value.push('\n'),
            (true, 't') => value.push('\t'),
            (true, other) => value.push(other),
            (false, '\\') => {
                escaped = true;
                continue;
            }
            (false, '"') => return Some((value, rest.get(at + 1..)?)),
            (false, other) => value.push(other),
        }
        escaped = false;
    }
    None
}
