//! A program's own output: the sentences in which runtimes, supervisors and platforms speak of a
//! death.
//!
//! They are hints. A line may lie, may have been caught and survived, may quote somebody else; a
//! sentence is taken only where it begins a log line, and what it proves is judged elsewhere.
//! Lines that the transport says the kernel or a node daemon wrote are never read here.
//! The sentences are those of V8, HotSpot, CPython, Go, .NET, PHP, Ruby, BEAM, gunicorn, celery, uWSGI,
//! php-fpm, PostgreSQL, npm, bash, Lambda, Cloud Run, Heroku and YARN of the last ten years.

mod blocks;
mod child;
mod fatal;
mod language;
mod own_end;
mod platform;
mod supervisor;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use casefile::{Span, Stamp};

use crate::Sighting;
use crate::record::{Application, Record};
use crate::text::Text;
use crate::transport::{Line, Writer};

/// One line that a program may have written.
pub(crate) struct Said {
    /// The words, without terminal colours.
    text: String,
    /// The bytes of the line.
    span: Span,
    /// Its stamp.
    at: Option<Stamp>,
}

/// Programs whose lines other readers own: a daemon's `signal: killed` is not the program's word.
const NODE_DAEMONS: [&str; 20] = [
    "CRON",
    "audit",
    "auditd",
    "conmon",
    "containerd",
    "containerd-shim",
    "containerd-shim-runc-v2",
    "crio",
    "dockerd",
    "earlyoom",
    "kernel",
    "kubelet",
    "libcontainerd",
    "nohang",
    "oomd",
    "podman",
    "runc",
    "slurmstepd",
    "sshd",
    "sudo",
];

/// Word stems of which at least one stands in every sentence this reader knows, in lower case.
const STEMS: [&str; 34] = [
    "137",
    "abort",
    "alloc",
    "bus err",
    "damn",
    "denied",
    "execut",
    "fault",
    "fork",
    "format err",
    "gcs",
    "gorout",
    "handle",
    "harakiri",
    "heap",
    "illegal",
    "instruct",
    "jvm",
    "kill",
    "mem",
    "not found",
    "panic",
    "pid",
    "shut",
    "sig",
    "size limit",
    "stack",
    "status",
    "stop",
    "term",
    "time",
    "too large",
    "trap",
    "worker",
];

/// Reads the text.
pub(crate) fn read(text: &Text<'_>) -> Vec<Sighting> {
    let (text, lines) = (text.whole(), text.lines());
    let mut said: Vec<Said> = Vec::new();
    let mut found: Vec<Sighting> = Vec::new();
    for line in lines.iter().filter(|line| may_be_a_programs(line)) {
        let parts = parts_of(line, text);
        let told: Vec<Sighting> = parts.iter().filter_map(read_line).collect();
        if told.is_empty() && parts.len() > 1 {
            // What a mailer wrapped says it only when joined.
            let joined = words::without_colours(&line.text);
            found.extend(read_line(&Said { text: joined, span: line.span, at: line.at }));
        }
        found.extend(told);
        said.extend(parts);
    }
    blocks::complete(&said, &mut found);
    found
}

fn read_line(line: &Said) -> Option<Sighting> {
    let lower = line.text.to_ascii_lowercase();
    let application =
        words::has_any(&lower, &STEMS).then(|| sentence(&line.text, &lower)).flatten()?;
    Some(Sighting { record: Record::Application(application), span: line.span, at: line.at })
}

/// The lines as they stand: a transport takes `LOG:` or `npm` for a program's tag, which here are
/// part of the sentence, and joins what a mailer may have wrapped.
fn parts_of(line: &Line, text: &str) -> Vec<Said> {
    let mut start = line.span.start;
    let whole = line.span.of(text).unwrap_or_default();
    let mut parts = Vec::new();
    for raw in whole.split_inclusive('\n') {
        let kept = raw.trim_end();
        let span = Span { start, end: start + kept.len() };
        start += raw.len();
        if !kept.is_empty() {
            let words = words::without_colours(kept);
            let at = line.at.or_else(|| words::stamp(&words));
            parts.push(Said { text: words, span, at });
        }
    }
    parts
}

/// What one line says on its own. The order matters: a platform's or supervisor's sentence may
/// contain the words of a plainer one.
fn sentence(line: &str, lower: &str) -> Option<Application> {
    if is_a_node_daemons(line, lower) {
        return None;
    }
    platform::read(line)
        .or_else(|| supervisor::read(line, lower))
        .or_else(|| language::read(line, lower))
        .or_else(|| child::read(line, lower))
        .or_else(|| own_end::read(line, lower))
        .or_else(|| fatal::read(line, lower))
}

/// A daemon's or the kernel's line that lost its prefix (`journalctl -o cat`, a grep).
fn is_a_node_daemons(line: &str, lower: &str) -> bool {
    words::has_any(
        lower,
        &[
            "oom-kill:constraint=",
            "killed process ",
            "oom_reaper:",
            "using the force",
            "resorting to sigkill",
            "killed unit cgroup",
            "on client request",
            "kernel: ",
            "signal_generate:",
            "mark_victim:",
            "corrective action",
            "badness ",
            "oom_score ",
            "main process exited, code=",
        ],
    ) || (lower.contains("killing process ") && lower.contains("with signal sigkill"))
        || words::has_any(line, &["systemd[1]", "dockerd[", "containerd[", "kubelet[", "earlyoom["])
}

fn may_be_a_programs(line: &Line) -> bool {
    match &line.writer {
        Writer::Kernel => false,
        Writer::Program { name, .. } => {
            !NODE_DAEMONS.contains(&name.as_str()) && !name.starts_with("systemd")
        }
        Writer::Unsaid => true,
    }
}
