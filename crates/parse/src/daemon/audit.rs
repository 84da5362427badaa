//! Who sent a signal, by the audit log or by sudo.
//!
//! `type=SYSCALL` of kill(2), tkill, tgkill and pidfd_send_signal, with the `type=OBJ_PID` of the
//! same event that names the target; raw and as `ausearch -i` prints it. Format: Linux
//! kernel/auditsc.c; numbers of arch/x86 and the generic table (arm64, riscv).

use std::collections::BTreeMap;

use casefile::{Moment, Stamp};

use super::said::{Said, between};
use crate::Sighting;
use crate::record::{DaemonLine, Record};
use crate::transport::Line;

/// The signals sent, by the audit records among lines.
pub(super) fn read(text: &str, lines: &[Line]) -> Vec<Sighting> {
    // Two looks at every line are dear, and most texts hold no such record.
    if !text.contains("audit(") {
        return Vec::new();
    }
    let mut targets: BTreeMap<&str, (Option<u32>, Option<String>)> = BTreeMap::new();
    let records = || lines.iter().filter_map(|line| Some((line, audit_words(text, line)?)));
    for (_, words) in records() {
        if is_type(words, "OBJ_PID", "1318")
            && let Some(event) = event_of(words)
        {
            let pid = value(words, "opid").and_then(|pid| pid.parse().ok());
            targets.insert(event, (pid, value(words, "ocomm").and_then(name)));
        }
    }
    let mut found = Vec::new();
    for (line, words) in records() {
        let Some(event) = event_of(words).filter(|_| is_type(words, "SYSCALL", "1300")) else {
            continue;
        };
        found.extend(signal_sent(words, targets.get(event)).map(|record| Sighting {
            record: Record::Daemon(record),
            span: line.span,
            at: moment(event).map(Stamp::Wall).or(line.at),
        }));
    }
    found
}

/// The line from `type=` on: dmesg and the journal put their own words before it.
fn audit_words<'a>(text: &'a str, line: &Line) -> Option<&'a str> {
    let whole = line.span.of(text)?;
    let start = whole.find("type=")?;
    let words = whole.get(start..)?;
    words.contains("audit(").then_some(words)
}

fn is_type(words: &str, name: &str, number: &str) -> bool {
    let kind = words.strip_prefix("type=").and_then(|rest| rest.split_whitespace().next());
    kind.is_some_and(|kind| kind == name || kind == number)
}

/// `1707174000.123:4711`: records with the same one belong together.
fn event_of(words: &str) -> Option<&str> {
    between(words, "audit(", ")")
}

/// `1707174000.123:4711`; ausearch prints a date of an unsaid zone instead.
fn moment(event: &str) -> Option<Moment> {
    let (seconds, rest) = event.split_once('.')?;
    let millis: i64 = rest.split(':').next()?.parse().ok()?;
    let seconds: i64 = seconds.parse().ok()?;
    Moment::from_micros(seconds.checked_mul(1_000_000)?.checked_add(millis.checked_mul(1000)?)?)
}

fn value<'a>(words: &'a str, key: &str) -> Option<&'a str> {
    let rest = words.split_whitespace().filter_map(|word| word.split_once('='));
    rest.into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// `"kill"`; a name with a blank or quote is in hexadecimal digits.
fn name(value: &str) -> Option<String> {
    if let Some(inner) = value.strip_prefix('"') {
        return Some(inner.trim_end_matches('"').to_owned());
    }
    let pairs = value.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    match bytes.filter(|_| value.len() >= 4 && value.len().is_multiple_of(2)) {
        Some(bytes) => Some(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()),
        None => Some(value.to_owned()).filter(|name| !name.is_empty()),
    }
}

fn signal_sent(words: &str, target: Option<&(Option<u32>, Option<String>)>) -> Option<DaemonLine> {
    if value(words, "success") == Some("no") {
        return None;
    }
    let generic = value(words, "arch").is_some_and(|arch| arch != "c000003e" && arch != "x86_64");
    let (pid_at, signal_at) = match (value(words, "syscall")?, generic) {
        ("kill" | "tkill" | "pidfd_send_signal" | "424", _) | ("62" | "200", false) => ("a0", "a1"),
        ("129" | "130", true) => ("a0", "a1"),
        ("tgkill", _) | ("234", false) | ("131", true) => ("a0", "a2"),
        _ => return None,
    };
    let signal = value(words, signal_at).and_then(signal_of_record).filter(|signal| *signal > 0)?;
    let pidfd = matches!(value(words, "syscall"), Some("424" | "pidfd_send_signal"));
    let argument = value(words, pid_at).filter(|_| !pidfd).and_then(|pid| {
        let hex = pid.strip_prefix("0x").unwrap_or(pid);
        // A negative number is a process group.
        u32::from_str_radix(hex, 16).ok().filter(|pid| (1..1 << 22).contains(pid))
    });
    let number = |key: &str| value(words, key).and_then(|id| id.parse::<u32>().ok());
    Some(DaemonLine::SignalSentBy {
        comm: value(words, "comm").and_then(name),
        pid: number("pid"),
        uid: number("uid"),
        // 4294967295: never logged in.
        login_uid: number("auid").filter(|auid| *auid != u32::MAX),
        signal: Some(signal),
        target_pid: target.and_then(|(pid, _)| *pid).or(argument),
        target_comm: target.and_then(|(_, comm)| comm.clone()),
    })
}

/// `9` (hexadecimal), `0xf`, `SIGKILL`.
fn signal_of_record(text: &str) -> Option<i32> {
    casefile::signal_number(text).or_else(|| {
        let hex = text.strip_prefix("0x").unwrap_or(text);
        i32::from_str_radix(hex, 16).ok().filter(|signal| *signal < 65)
    })
}

/// `alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/kill -9 4711`
pub(super) fn read_sudo(said: &Said) -> Option<DaemonLine> {
    if !said.may_be(&["sudo"]) || !said.message.contains("PWD=") {
        return None;
    }
    let (_, command) = said.message.split_once("COMMAND=")?;
    let mut words = command.split_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    if !matches!(program, "kill" | "pkill" | "killall") {
        return None;
    }
    let mut signal = 15;
    let mut target = None;
    while let Some(word) = words.next() {
        let named = match word {
            "-s" | "-n" | "--signal" => words.next(),
            _ => word.strip_prefix("--signal=").or_else(|| word.strip_prefix('-')),
        };
        match named {
            Some(named) => {
                let number = casefile::signal_number(named).or_else(|| named.parse().ok());
                signal = number.unwrap_or(signal);
            }
            None => target = target.or(Some(word)),
        }
    }
    let pid = target.and_then(|target| target.parse().ok()).filter(|_| program == "kill");
    Some(DaemonLine::SignalSentBy {
        comm: Some(program.to_owned()),
        pid: None,
        uid: None,
        login_uid: None,
        signal: Some(signal),
        target_pid: pid,
        target_comm: target.filter(|_| program != "kill").map(str::to_owned),
    })
}
