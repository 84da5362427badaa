//! What transports put before a line's words: stamps, hosts, tags, priorities, callers.
//!
//! Each form is recognised whole or not at all; a line of unknown form keeps every byte and is
//! [`Writer::Unsaid`]. Container log prefixes (`web_1 | `, `stdout F`) are no kernel prefixes.
//! Grammar: printk and Documentation/ABI/testing/dev-kmsg (up to 6.18), dmesg(1) of util-linux
//! 2.41, journalctl(1) of systemd 257, RFC 3164, RFC 5424, BusyBox syslogd and OpenWrt logread.

use std::borrow::Cow;

use casefile::Stamp;

use super::{Writer, stamp};

/// A physical line without its prefix.
pub(super) struct Peeled<'a> {
    /// The words, not trimmed at the end.
    pub(super) text: Cow<'a, str>,
    /// Its stamp.
    pub(super) at: Option<Stamp>,
    /// `[  +0.000012]` of `dmesg -e`: microseconds since the line before.
    pub(super) after_micros: Option<u64>,
    /// Who wrote it.
    pub(super) writer: Writer,
    /// A prefix was found and taken off.
    pub(super) prefixed: bool,
}

impl<'a> Peeled<'a> {
    fn bare(text: &'a str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            at: None,
            after_micros: None,
            writer: Writer::Unsaid,
            prefixed: false,
        }
    }

    fn from(text: &'a str, at: Option<Stamp>, writer: Writer) -> Self {
        Self { at, writer, prefixed: true, ..Self::bare(text) }
    }
}

/// Takes the prefix off a line whose quoting is already gone.
pub(super) fn peel(line: &str) -> Peeled<'_> {
    let line = line.trim_start();
    let peeled = peel_stamped(line);
    if peeled.prefixed {
        return peeled;
    }
    match behind_grep(line) {
        Some(rest) => {
            let inner = peel_stamped(rest.trim_start());
            // `grep -n` on a log without stamps: only the number goes.
            let counted = starts_with_number(line) && !line.contains(['{', '"']);
            if inner.prefixed || counted { inner } else { peeled }
        }
        None => peeled,
    }
}

fn peel_stamped(line: &str) -> Peeled<'_> {
    if let Some(peeled) = raw_record(line).or_else(|| rfc5424(line)) {
        return peeled;
    }
    let facility = priority(line).or_else(|| decoded_priority(line)).or_else(|| {
        // `talosctl dmesg` puts the node's address before it.
        let (node, rest) = line.split_once(": ")?;
        let address = node.len() <= 64 && !node.contains(char::is_whitespace);
        address.then(|| decoded_priority(rest))?
    });
    let (facility, rest) = match facility {
        Some((facility, rest)) => (Some(facility), rest.trim_start()),
        None => (None, line),
    };
    if let Some(peeled) = bracketed(rest).or_else(|| tagged(rest, None)) {
        // Only the kernel writes facility 0; a program's /dev/kmsg line has another.
        let foreign =
            facility.is_some_and(|facility| facility != 0) && !rest.starts_with("kernel:");
        return match peeled.writer {
            Writer::Kernel if foreign => {
                Peeled { writer: Writer::Program { name: String::new(), pid: None }, ..peeled }
            }
            Writer::Kernel | Writer::Program { .. } | Writer::Unsaid => peeled,
        };
    }
    if let Some(facility) = facility
        && let Some((at, text)) = bracketed_iso(rest)
    {
        let program = Writer::Program { name: String::new(), pid: None };
        let writer = if facility == 0 { Writer::Kernel } else { program };
        return Peeled::from(text, at, writer);
    }
    if let Some(peeled) = wall_stamped(rest) {
        return peeled;
    }
    match facility {
        Some(0) => Peeled::from(rest, None, Writer::Kernel),
        Some(_) => Peeled::from(rest, None, Writer::Program { name: String::new(), pid: None }),
        None => Peeled::bare(line),
    }
}

/// `6,1234,83469293,-,caller=T1;text` of /dev/kmsg.
fn raw_record(line: &str) -> Option<Peeled<'_>> {
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let head_end = line.bytes().take(160).position(|byte| byte == b';')?;
    let (head, text) = (line.get(..head_end)?, line.get(head_end + 1..)?);
    let mut fields = head.split(',');
    let priority: u32 = stamp::number(fields.next()?)?;
    let _sequence: u64 = stamp::number(fields.next()?)?;
    let micros: u64 = stamp::number(fields.next()?)?;
    fields.next().filter(|flags| flags.len() <= 2)?;
    let at = Some(Stamp::SinceBoot(micros));
    let text = unescaped(text);
    let writer = if priority >> 3 == 0 {
        Writer::Kernel
    } else {
        let (name, pid) = tag(&text).map_or((String::new(), None), |(name, pid, _)| (name, pid));
        let rest = tag(&text).map_or(text.to_string(), |(_, _, rest)| rest.trim_start().to_owned());
        let writer = Writer::Program { name, pid };
        return Some(Peeled { text: Cow::Owned(rest), ..Peeled::from("", at, writer) });
    };
    Some(Peeled { text, ..Peeled::from("", at, writer) })
}

/// Decodes the `\xHH` by which /dev/kmsg and `dmesg -r` show bytes that are not printable.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or("");
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = after;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// `<4>1 2024-05-09T14:52:38Z host kernel - - - text`
fn rfc5424(line: &str) -> Option<Peeled<'_>> {
    let (_, rest) = priority(line)?;
    let rest = rest.strip_prefix("1 ")?;
    let (when, rest) = stamp::token(rest)?;
    let at = match stamp::iso(when) {
        Some(iso) => iso.at,
        None if when == "-" => None,
        None => return None,
    };
    let (_host, rest) = stamp::token(rest)?;
    let (name, rest) = stamp::token(rest)?;
    let (pid, rest) = stamp::token(rest)?;
    let (_message_id, rest) = stamp::token(rest)?;
    let rest = rest.trim_start();
    let text = match rest.strip_prefix('-') {
        Some(text) => text,
        None => rest.strip_prefix('[')?.split_once("] ")?.1,
    };
    let text = text.trim_start().trim_start_matches('\u{feff}');
    let writer = writer_of(name, stamp::number(pid));
    Some(inside(text, at, writer))
}

/// `<4>`: the facility is the number without its three low bits.
fn priority(line: &str) -> Option<(u32, &str)> {
    let (digits, rest) = line.strip_prefix('<')?.split_once('>')?;
    let value: u32 = stamp::number(digits).filter(|_| digits.len() <= 4)?;
    Some((value >> 3, rest))
}

/// `kern  :err   : ` of `dmesg -x`.
fn decoded_priority(line: &str) -> Option<(u32, &str)> {
    const LEVELS: [&str; 10] =
        ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "warning", "error"];
    let (facility, rest) = line.split_once(':').filter(|(name, _)| name.len() <= 10)?;
    let (level, rest) = rest.split_once(':').filter(|(name, _)| name.len() <= 8)?;
    if !LEVELS.contains(&level.trim()) {
        return None;
    }
    match facility.trim() {
        "kern" => Some((0, rest)),
        "user" | "mail" | "daemon" | "auth" | "syslog" | "lpr" | "news" | "uucp" | "cron"
        | "authpriv" | "ftp" => Some((1, rest)),
        other if other.starts_with("local") => Some((1, rest)),
        _ => None,
    }
}

/// A stamp of printk or dmesg in brackets, and what can follow it.
fn bracketed(line: &str) -> Option<Peeled<'_>> {
    let (seen, rest) = bracket(line)?;
    // `journalctl -o short-monotonic` puts host and tag after the bracket.
    if let Some((first, after)) = stamp::token(rest)
        && !first.ends_with(':')
        && let Some((name, pid, words)) = tag(after.trim_start())
        && (name == "kernel" || (pid.is_some() && !is_fault(words)))
    {
        let writer = writer_of(&name, pid);
        return Some(Peeled { after_micros: seen.after_micros, ..inside(words, seen.at, writer) });
    }
    let peeled = inside(rest, seen.at, Writer::Kernel);
    Some(Peeled { after_micros: seen.after_micros, ..peeled })
}

/// `[2021-04-08T12:21:45.123456Z]: ` of Talos, which follows a facility; alone it is anybody's.
fn bracketed_iso(line: &str) -> Option<(Option<Stamp>, &str)> {
    let (inner, rest) = line.strip_prefix('[')?.split_once("]: ")?;
    let iso = stamp::iso(inner).filter(|iso| iso.rest.is_empty())?;
    Some((iso.at, rest))
}

struct Bracket {
    at: Option<Stamp>,
    after_micros: Option<u64>,
}

fn bracket(line: &str) -> Option<(Bracket, &str)> {
    let inner_and_rest = line.strip_prefix('[')?;
    let end = inner_and_rest.bytes().take(72).position(|byte| byte == b']')?;
    let (inner, rest) = (inner_and_rest.get(..end)?, inner_and_rest.get(end + 1..)?);
    let micros = |text: &str| match stamp::since_boot(text) {
        Some(Stamp::SinceBoot(micros)) => Some(micros),
        Some(Stamp::Wall(_) | Stamp::Local(_)) | None => None,
    };
    // `dmesg -d` adds `<    0.000012>` to the stamp or shows it alone.
    let (first, delta) = match inner.split_once('<') {
        Some((first, delta)) => (first.trim(), Some(delta.strip_suffix('>')?.trim())),
        None => (inner.trim(), None),
    };
    let seen = if let Some(at) = stamp::since_boot(first) {
        Bracket { at: Some(at), after_micros: None }
    } else if let Some(delta) = delta {
        let passed = micros(delta.trim_start_matches('+'))?;
        let at = if first.is_empty() { None } else { stamp::ctime(first)? };
        Bracket { at, after_micros: at.is_none().then_some(passed) }
    } else if let Some(delta) = first.strip_prefix('+') {
        Bracket { at: None, after_micros: Some(micros(delta)?) }
    } else {
        Bracket {
            at: stamp::ctime(first).or_else(|| stamp::short_date(first))?,
            after_micros: None,
        }
    };
    Some((seen, without_caller(rest)))
}

/// Takes off `[  T728]`, `[    C0]` (CONFIG_PRINTK_CALLER) and the `[0:  kswapd0:   45]`,
/// `(0)[45:kswapd0]` that some Android kernels add.
fn without_caller(rest: &str) -> &str {
    let text = rest.trim_start();
    let text = text.strip_prefix(": ").unwrap_or(text);
    let after_cpu = text.strip_prefix('.').unwrap_or(text);
    let bracket_start = match after_cpu.strip_prefix('(') {
        Some(cpu) => match cpu.split_once(')') {
            Some((digits, after)) if stamp::number::<u16>(digits).is_some() => after,
            _ => return text,
        },
        None => text,
    };
    let Some((inner, after)) =
        bracket_start.strip_prefix('[').and_then(|rest| rest.split_once(']'))
    else {
        return text;
    };
    let inner = inner.trim();
    let caller =
        inner.strip_prefix(['T', 'C']).is_some_and(|id| stamp::number::<u64>(id).is_some());
    let android = inner.len() <= 40
        && inner.split_once(':').is_some_and(|(head, tail)| {
            let last = tail.rsplit(':').next().unwrap_or(tail).trim();
            let cpu_comm_pid = stamp::number::<u64>(last).is_some() && tail.contains(':');
            stamp::number::<u64>(head.trim()).is_some()
                && (cpu_comm_pid || bracket_start.len() != text.len())
        });
    if caller || android { after.trim_start() } else { text }
}

/// Words after a kernel prefix: a second stamp, a caller, or the tag of a program that wrote to
/// /dev/kmsg.
fn inside(text: &str, at: Option<Stamp>, writer: Writer) -> Peeled<'_> {
    if writer != Writer::Kernel {
        return Peeled::from(text, at, writer);
    }
    let text = text.trim_start();
    let text = match priority(text) {
        Some((0, rest)) => rest.trim_start(),
        Some(_) | None => text,
    };
    let (inner_at, text) = match bracket(text) {
        Some((seen, rest)) => (seen.at, rest),
        None => (None, text),
    };
    let at = at.or(inner_at);
    match tag(text) {
        Some((name, Some(pid), words)) if !is_fault(words) => {
            Peeled::from(words.trim_start(), at, Writer::Program { name, pid: Some(pid) })
        }
        _ => Peeled::from(text, at, Writer::Kernel),
    }
}

/// `app[123]: segfault at …` has the shape of a tag, yet the kernel writes it.
fn is_fault(words: &str) -> bool {
    const FAULTS: [&str; 8] = [
        "segfault ",
        "unhandled ",
        "bad frame",
        "User process fault",
        "bus error",
        "potentially unexpected fatal signal",
        "syscall ",
        "page allocation",
    ];
    let words = words.trim_start();
    FAULTS.iter().any(|fault| words.starts_with(fault))
}

/// `kernel: `, `dockerd[814]: `: name, pid, and what follows.
fn tag(text: &str) -> Option<(String, Option<u32>, &str)> {
    let end = text.bytes().take(120).position(|byte| byte == b':')?;
    let (head, rest) = (text.get(..end)?, text.get(end + 1..)?);
    // `kernel:[ 12.3] …` is the one tag that some loggers write without a space.
    let spaced = rest.is_empty() || rest.starts_with([' ', '\t']) || head == "kernel";
    if !spaced || head.is_empty() || head.contains(char::is_whitespace) {
        return None;
    }
    match head.strip_suffix(']').and_then(|head| head.rsplit_once('[')) {
        Some((name, digits)) if !name.is_empty() => {
            let pid = stamp::number(digits)?;
            Some((name.to_owned(), Some(pid), rest))
        }
        _ => {
            let plain = |c: char| c.is_alphanumeric() || "-_./@()#+\\~".contains(c);
            head.chars().all(plain).then(|| (head.to_owned(), None, rest))
        }
    }
}

fn writer_of(name: &str, pid: Option<u32>) -> Writer {
    if name == "kernel" { Writer::Kernel } else { Writer::Program { name: name.to_owned(), pid } }
}

/// A line that begins with its tag: only `kernel:` and `name[pid]:` are safe to take for one, and
/// a fault report is not.
fn tagged(line: &str, at: Option<Stamp>) -> Option<Peeled<'_>> {
    let (name, pid, rest) = tag(line)?;
    let sure = name == "kernel" || (pid.is_some() && !is_fault(rest));
    sure.then(|| inside(rest.trim_start(), at, writer_of(&name, pid)))
}

/// A wall clock, then host and tag.
fn wall_stamped(line: &str) -> Option<Peeled<'_>> {
    if let Some(iso) = stamp::iso(line).map(stamp::without_zone) {
        // Grafana's saved logs: its own stamp, a tab, and the line as the collector got it.
        if let Some(whole) = iso.rest.strip_prefix('\t')
            && let Some(peeled) = collected(whole, iso.at)
        {
            return Some(peeled);
        }
        let rest = iso.rest.trim_start();
        // `dmesg --time-format iso` has no host and no tag: `memory:` is no program there. Older
        // journalctl prints a comma, too, with host and tag.
        let tagged = stamp::token(rest)
            .and_then(|(_host, after)| tag(after.trim_start()))
            .is_some_and(|(name, pid, _)| name == "kernel" || pid.is_some());
        if iso.dmesg && !tagged {
            return Some(inside(rest, iso.at, Writer::Kernel));
        }
        if iso.container && !tagged && bracket(rest).is_some() {
            let name = "stdout".to_owned();
            return Some(Peeled::from(rest, iso.at, Writer::Program { name, pid: None }));
        }
        if iso.program && !tagged {
            let name = "log".to_owned();
            return Some(inside(rest, iso.at, Writer::Program { name, pid: None }));
        }
        return after_wall(rest, iso.at);
    }
    if let Some((at, rest)) = stamp::full(line).or_else(|| stamp::unix(line)) {
        return after_wall(rest.trim_start(), at);
    }
    if let Some((at, rest)) = stamp::syslog(line) {
        let rest = rest.trim_start();
        return after_wall(rest, at).or_else(|| Some(Peeled { at, ..Peeled::bare(rest) }));
    }
    // A log cut to the time of day.
    let (word, rest) = stamp::token(line)?;
    stamp::clock_time(word)?;
    after_wall(rest.trim_start(), None)
}

/// A whole syslog line of the kernel's behind a collector's stamp. Other writers' lines are left
/// as they are.
fn collected<'a>(whole: &'a str, at: Option<Stamp>) -> Option<Peeled<'a>> {
    let (_, rest) = stamp::syslog(whole)?;
    after_wall(rest.trim_start(), at).filter(|peeled| peeled.writer == Writer::Kernel)
}

fn after_wall(rest: &str, at: Option<Stamp>) -> Option<Peeled<'_>> {
    let found = |text| with_tag(text, at);
    let (first, after) = stamp::token(rest)?;
    if matches!(first, "stdout" | "stderr") {
        let name = first.to_owned();
        let words = after.trim_start();
        // A container runtime's log marks full and partial lines.
        let words = words.strip_prefix("F ").or(words.strip_prefix("P ")).unwrap_or(words);
        return Some(Peeled::from(words, at, Writer::Program { name, pid: None }));
    }
    // vmware.log repeats what the guest's kernel prints: `In(05) vcpu-5 - Guest: <4>[…`.
    if let Some((head, guest)) = rest.split_once(" - Guest: ").filter(|(head, _)| head.len() < 40)
        && head.contains("vcpu-")
    {
        return Some(inside(guest, at, Writer::Kernel));
    }
    if let Some(peeled) = found(rest) {
        return Some(peeled);
    }
    if first.ends_with(':') {
        return None;
    }
    // `first` is the host, or a BusyBox `kern.warn`.
    let after = after.trim_start();
    if let Some(peeled) = found(after) {
        return Some(peeled);
    }
    let (second, after) = stamp::token(after)?;
    second.contains('.').then(|| found(after.trim_start()))?
}

fn with_tag(text: &str, at: Option<Stamp>) -> Option<Peeled<'_>> {
    if bracket(text).is_some() {
        return Some(inside(text, at, Writer::Kernel));
    }
    let (name, pid, words) = tag(text)?;
    Some(inside(words.trim_start(), at, writer_of(&name, pid)))
}

/// `messages:123:`, `/var/log/kern.log-`, `17:` before a line that grep found.
fn behind_grep(line: &str) -> Option<&str> {
    let named = |name: &str| {
        const LOGS: [&str; 8] =
            ["messages", "syslog", "kern", "dmesg", "console", "journal", ".log", "/"];
        LOGS.iter().any(|log| name.contains(log))
    };
    if starts_with_number(line) {
        return without_number(line);
    }
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let head = line.get(..end.min(200))?;
    for (at, _) in head.match_indices([':', '-']).take(12) {
        let (name, rest) = (line.get(..at)?, line.get(at + 1..)?);
        if named(name) && (rest.starts_with(['[', '<']) || rest.starts_with(char::is_alphanumeric))
        {
            let inner = without_number(rest).unwrap_or(rest);
            if peel_stamped(inner.trim_start()).prefixed {
                return Some(inner);
            }
        }
    }
    None
}

fn starts_with_number(line: &str) -> bool {
    without_number(line).is_some()
}

fn without_number(line: &str) -> Option<&str> {
    let end = line.find(|c: char| !c.is_ascii_digit()).filter(|end| (1..=9).contains(end))?;
    let rest = line.get(end..)?.strip_prefix([':', '-'])?;
    let words = rest.trim_start_matches(' ');
    let begins = words.starts_with(['[', '<']) || words.starts_with(|c: char| c.is_alphabetic());
    begins.then_some(rest)
}
