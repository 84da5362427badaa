//! Exit codes that Compose, build tools and CI systems repeat: `web_1 exited with code 137`,
//! `Process completed with exit code 137.`; and dockerd's and the kubelet's own lines at an end.
//!
//! A line names a container only in the few forms that runtimes print; anything else, prose too,
//! is a bare code at most. A code of 0 is not worth a record.

use casefile::{ContainerId, Moment};

use super::{Raw, format};
use crate::Sighting;
use crate::record::{ContainerRecord, Form, ManuallyStopped, Record};

/// Words that stand directly before a code, lower case, the longest first.
const LEADS: [&str; 23] = [
    "non-zero exit status",
    "non-zero exit code",
    "non-zero status",
    "nonzero exit code",
    "non-zero code",
    "exited with code",
    "exited with status",
    "exit status code",
    "return code",
    "returncode",
    "exit status",
    "exit code is",
    "exit code of",
    "exit code",
    "exitcode",
    "status code",
    "exited with",
    "exited code",
    "error code",
    "normally with code",
    "npm err! errno",
    "exited (",
    "exit",
];

/// The exit codes among lines.
pub(super) fn read(_text: &str, lines: &[Raw<'_>]) -> Vec<Sighting> {
    lines.iter().flat_map(from_line).collect()
}

fn from_line(line: &Raw<'_>) -> Vec<Sighting> {
    let of_daemon = of_dockerd(line).or_else(|| of_kubelet(line).map(|seen| vec![seen]));
    of_daemon.unwrap_or_else(|| told(line).into_iter().collect())
}

/// dockerd at every end of a container that it will not start again: `ShouldRestart failed, container will not be
/// restarted" container=ID … exitStatus="{137 2026-05-27 18:42:10.3 +0000 UTC}" hasBeenManuallyStopped=true`.
fn of_dockerd(line: &Raw<'_>) -> Option<Vec<Sighting>> {
    let words = line.words;
    if !words.contains("ShouldRestart failed, container will not be restarted") {
        return None;
    }
    let (_, rest) = words.split_once("exitStatus=\"{")?;
    let (status, _) = rest.split_once('}')?;
    let (code, when) = status.split_once(' ').unwrap_or((status, ""));
    let id = field(words, "container=").and_then(ContainerId::parse);
    let end = ContainerRecord {
        form: Some(Form::ExitLine),
        id: id.clone(),
        status: Some("exited".to_owned()),
        exit_code: Some(code.parse().ok()?),
        finished_at: go_time(when),
        ..ContainerRecord::default()
    };
    let mut found =
        vec![Sighting { record: Record::Container(Box::new(end)), span: line.span, at: None }];
    if let Some(value) = field(words, "hasBeenManuallyStopped=").and_then(|it| it.parse().ok()) {
        let record = Record::ManuallyStopped(ManuallyStopped { id, value });
        found.push(Sighting { record, span: line.span, at: None });
    }
    Some(found)
}

/// The kubelet's `"Generic (PLEG): container finished" podID="…" containerID="…" exitCode=137`.
fn of_kubelet(line: &Raw<'_>) -> Option<Sighting> {
    let words = line.words;
    let (_, rest) = words.split_once("\"Generic (PLEG): container finished\"")?;
    let record = ContainerRecord {
        form: Some(Form::ExitLine),
        id: Some(field(rest, "containerID=").and_then(ContainerId::parse)?),
        status: Some("exited".to_owned()),
        exit_code: Some(field(rest, "exitCode=")?.parse().ok()?),
        ..ContainerRecord::default()
    };
    Some(Sighting { record: Record::Container(Box::new(record)), span: line.span, at: None })
}

/// The value of a logger's field, with or without quotes.
fn field<'a>(words: &'a str, key: &str) -> Option<&'a str> {
    let (before, rest) = words.split_once(key)?;
    let whole = before.is_empty() || before.ends_with([' ', '"']);
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    rest.split([' ', '"']).next().filter(|_| whole)
}

/// `2026-05-27 18:42:10.301 +0000 UTC`, as Go prints a time.
fn go_time(text: &str) -> Option<Moment> {
    let mut parts = text.split_whitespace();
    let (date, time, offset) = (parts.next()?, parts.next()?, parts.next()?);
    let (hours, minutes) = offset.split_at_checked(3)?;
    Moment::parse(&format!("{date}T{time}{hours}:{minutes}"))
}

fn told(line: &Raw<'_>) -> Option<Sighting> {
    if format::is_labelled(line.words) {
        // Taken or refused where labels are read: `exitCode: 137` of a pod's YAML is not ours.
        return None;
    }
    let plain = without_escapes(line.words);
    let record = match named(&plain) {
        Some((name, code)) => Record::Container(Box::new(ContainerRecord {
            form: Some(Form::ExitLine),
            name: Some(name.to_owned()),
            status: Some("exited".to_owned()),
            exit_code: Some(code),
            ..ContainerRecord::default()
        })),
        None => Record::BareExit(code_in(&plain)?),
    };
    Some(Sighting { record, span: line.span, at: None })
}

/// Compose colours its lines.
fn without_escapes(words: &str) -> String {
    let mut plain = String::with_capacity(words.len());
    let mut rest = words.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            // A control sequence ends with a letter.
            rest.find(char::is_ascii_alphabetic);
        } else {
            plain.push(c);
        }
    }
    plain.trim().to_owned()
}

/// `web_1 exited with code 137`, `container web-1 exited (137)`,
/// `service "web" didn't complete successfully: exit 137`.
fn named(words: &str) -> Option<(&str, i64)> {
    let whole = words.strip_suffix(" (restarting)").unwrap_or(words);
    if let Some((name, code)) = whole.split_once(" exited with code ") {
        return Some((plain_name(name)?, code.parse().ok()?));
    }
    for head in ["container ", "Container "] {
        let Some((_, rest)) = words.split_once(head) else { continue };
        let Some((name, after)) = rest.split_once(" exited (") else { continue };
        return Some((plain_name(name.trim())?, after.split(')').next()?.parse().ok()?));
    }
    let (_, rest) = words.split_once("service \"")?;
    let (name, after) = rest.split_once('"')?;
    let code = after.split_once("complete successfully: exit ")?.1;
    Some((plain_name(name)?, number_at_head(code)?))
}

fn plain_name(name: &str) -> Option<&str> {
    let plain = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    plain.then_some(name)
}

/// The first code in a line, 1 to 255.
fn code_in(words: &str) -> Option<i64> {
    let lower = words.to_ascii_lowercase();
    let by_lead = LEADS.iter().find_map(|lead| {
        lower.match_indices(lead).find_map(|(at, _)| {
            let before = lower.get(..at)?.chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                return None;
            }
            code_after(lower.get(at + lead.len()..)?, lead)
        })
    });
    by_lead.or_else(|| make_error(words)).filter(|code| (1..=255).contains(code))
}

/// `: 137`, `=137`, ` 137`, ` (137)`, `: "137"`. A bare `exit` is too common a word to stand far
/// from its number.
fn code_after(rest: &str, lead: &str) -> Option<i64> {
    let trimmed = rest.trim_start_matches([' ', ':', '=', '(', '[', '"', '\'', '`', '*']);
    let gap = rest.len() - trimmed.len();
    let allowed = match lead {
        // gRPC's, errno's and HTTP's codes go by this name, too: only a shell's 128 + signal is told
        // apart from them.
        "error code"
            if !number_at_head(trimmed).is_some_and(|code| (129..=192).contains(&code)) =>
        {
            false
        }
        "exit" => gap == 1 && rest.starts_with([' ', '(']),
        "exited (" => gap == 0,
        _ => (1..=4).contains(&gap),
    };
    allowed.then(|| number_at_head(trimmed)).flatten()
}

fn number_at_head(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let after = text.get(end..)?;
    let part_of_more = after.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '%')
        || after
            .strip_prefix(['.', ':', '-'])
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    (!part_of_more).then(|| text.get(..end)?.parse().ok()).flatten()
}

/// `make: *** [all] Error 137`
fn make_error(words: &str) -> Option<i64> {
    let (head, code) = words.rsplit_once("Error ")?;
    (head.contains("***") || head.contains("ERR")).then(|| number_at_head(code)).flatten()
}
