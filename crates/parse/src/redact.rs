//! Takes secrets out of evidence before it is stored, judged or shown.
//!
//! What goes: values of environment variables that do not steer memory, values of labels and
//! annotations that no rule reads, log-driver options, and whatever has the name or the shape of
//! a credential. What stays, byte for byte: the kernel's own lines, ids, digests, cgroup paths,
//! times and memory settings. JSON stays JSON, lines stay lines, and redacting twice changes
//! nothing. It deliberately does not judge whether a text is evidence, nor does it know a secret
//! that has neither a telling name nor a telling shape.
//!
//! Leans on: the Docker Engine API's container object, the Kubernetes Pod API and `kubectl
//! describe`'s layout, the ECS task object, the Compose specification, RFC 3986 (user information).

mod arguments;
mod blocks;
mod clients;
mod commands;
mod json;
mod names;
mod shapes;
mod words;

use casefile::Source;

use blocks::Blocks;

/// What stands in place of a secret.
const REDACTED: &str = "<redacted>";

/// JSON inside strings of JSON inside strings …: deeper than this is treated as plain words.
const DEEPEST: usize = 4;

/// Documents on one line: what follows is treated as plain words.
const MOST_ON_A_LINE: usize = 500;

/// Takes secrets out of a text before it is stored, judged or shown.
pub fn redact(source: Source, text: &str) -> String {
    if source == Source::KernelLog {
        // The kernel prints no secrets of its own; programs may write to its log, so what has an
        // unmistakable shape goes, and every number of a report stays.
        return each_line(text, shapes::without_marked_tokens);
    }
    let kernel_lines = source != Source::ApplicationLog;
    let mut once = redact_text(text, kernel_lines, 0);
    // What has no secret is most of what is read; asked again it would say the same.
    if once == text {
        return once;
    }
    // A replacement can end a quote or a block that hid another pair. Two or three rounds settle
    // every text seen; the bound keeps hostile ones finite.
    for _ in 0..4 {
        let again = redact_text(&once, kernel_lines, 0);
        if again == once {
            break;
        }
        once = again;
    }
    once
}

fn each_line(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for raw in text.split_inclusive('\n') {
        let (line, end) = split_end(raw);
        out.push_str(&change(line));
        out.push_str(end);
    }
    out
}

/// Walks a text of any mixture: blocks of YAML or `describe` first, then JSON, then words.
fn redact_text(text: &str, kernel_lines: bool, depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blocks = Blocks::default();
    let mut document = json::Document {
        depth,
        holds_secret_object: json::holds_secret(text),
        mentions: clients::Mentions::new(text),
    };
    let mut at = 0;
    let mut at_line_start = true;
    let mut on_this_line = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let raw = rest.split_inclusive('\n').next().unwrap_or(rest);
        let (line, end) = split_end(raw);
        if at_line_start {
            let whole = if kernel_lines && is_kernel_line(line) {
                Some(shapes::without_marked_tokens(line))
            } else {
                blocks.claim(line, &document.mentions)
            };
            if let Some(changed) = whole {
                out.push_str(&changed);
                out.push_str(end);
                at += raw.len();
                continue;
            }
        }
        if let Some(start) = json::starts_in(line, at_line_start)
            && depth < DEEPEST
            && on_this_line < MOST_ON_A_LINE
            && let Some((region, length)) = document.redact_region(text, at + start)
        {
            out.push_str(&words::redact_words(line.get(..start).unwrap_or_default()));
            out.push_str(&region);
            at += start + length;
            at_line_start = region.ends_with('\n');
            on_this_line = if region.contains('\n') { 0 } else { on_this_line + 1 };
        } else {
            out.push_str(&words::redact_words(line));
            out.push_str(end);
            at += raw.len();
            at_line_start = true;
            on_this_line = 0;
        }
    }
    out
}

fn split_end(raw: &str) -> (&str, &str) {
    let line = raw.strip_suffix('\n').unwrap_or(raw);
    let line = line.strip_suffix('\r').unwrap_or(line);
    (line, raw.get(line.len()..).unwrap_or_default())
}

/// A line the kernel wrote, by its transport's prefix or by words that only its reports have.
fn is_kernel_line(line: &str) -> bool {
    let words = line.trim_start_matches(['>', ' ', '\t', '|']);
    has_kmsg_head(words)
        || has_stamp_head(words)
        || has_kernel_tag(words)
        || has_report_words(words)
}

/// `6,1234,83469293,-;words`
fn has_kmsg_head(words: &str) -> bool {
    let Some((head, _)) = words.split_once(';') else { return false };
    let parts: Vec<&str> = head.split(',').collect();
    let is_number = |text: &&str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    parts.len() >= 4 && parts.iter().take(3).all(is_number)
}

/// `[   83.469293] words`
fn has_stamp_head(words: &str) -> bool {
    words.strip_prefix('[').and_then(|rest| rest.split_once(']')).is_some_and(|(stamp, _)| {
        stamp.trim().split_once('.').is_some_and(|(seconds, micros)| {
            !seconds.is_empty()
                && micros.len() == 6
                && seconds.bytes().chain(micros.bytes()).all(|b| b.is_ascii_digit())
        })
    })
}

/// `May 27 18:42:10 host kernel: words`: the tag stands within the first words of the line.
fn has_kernel_tag(words: &str) -> bool {
    words.split_whitespace().take(6).any(|word| word == "kernel:")
}

fn has_report_words(words: &str) -> bool {
    const WORDS: [&str; 6] = [
        "oom-kill:constraint=",
        " invoked oom-killer: ",
        "Memory cgroup stats for ",
        "Memory cgroup out of memory: ",
        "Out of memory: Kill",
        "oom_reaper: reaped process ",
    ];
    let task_in = words.starts_with("Task in /") && words.contains(" killed as a result of limit");
    task_in || WORDS.iter().any(|mark| words.contains(mark))
}

#[cfg(test)]
mod tests;
