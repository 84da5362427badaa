//! Lines and their prefixes: what every log's transport adds before the words that matter.
//!
//! Knows /dev/kmsg, dmesg, `dmesg -T`, journalctl (short, short-iso, short-precise, export, json), syslog, console,
//! quoted and indented mail; joins what a mailer wrapped. Decides nothing about the words.

use casefile::{Span, Stamp};

/// Who wrote a line, by its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Writer {
    /// The prefix says the kernel did.
    Kernel,
    /// A program, by its syslog tag.
    Program {
        /// `dockerd`, `systemd`, `earlyoom` …
        name: String,
        /// Its pid.
        pid: Option<u32>,
    },
    /// The line has no prefix that tells.
    Unsaid,
}

/// One logical line: transport prefix taken off, wrapped continuation joined with one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The words.
    pub(crate) text: String,
    /// The bytes of the whole line or lines.
    pub(crate) span: Span,
    /// Its stamp.
    pub(crate) at: Option<Stamp>,
    /// Who wrote it.
    pub(crate) writer: Writer,
}

/// Splits a text into its lines.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let mut start = 0;
    let mut found = Vec::new();
    for raw in text.split_inclusive('\n') {
        let words = raw.trim();
        if !words.is_empty() {
            let end = start + raw.trim_end().len();
            found.push(Line {
                text: words.to_owned(),
                span: Span { start, end },
                at: None,
                writer: Writer::Unsaid,
            });
        }
        start += raw.len();
    }
    found
}
