//! Trace events of a tracefs instance: who generated a signal for whom, and whom the OOM killer
//! marked. Also perf's print of the same events, and our own probe's lines about a sender.
//!
//! A `mark_victim` alone is no kill: a process that was already exiting is marked as well. Formats:
//! include/trace/events/signal.h and oom.h, Linux 3.10 to 6.18; Documentation/trace/ftrace.rst.

use casefile::{Span, Stamp};

use crate::Sighting;
use crate::record::{Record, TraceEvent};

/// Reads the text.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        let head = start + (line.len() - line.trim_start().len());
        let span = Span { start: head, end: head + words.len() };
        if let Some((event, at)) = event(words) {
            found.push(Sighting { record: Record::Trace(event), span, at });
        }
        start += line.len();
    }
    found
}

fn event(words: &str) -> Option<(TraceEvent, Option<Stamp>)> {
    if let Some(rest) = words.strip_prefix("# sender ") {
        return Some((sender(rest)?, None));
    }
    // perf writes the event's group before its name.
    let (head, arguments, is_signal) = [
        (": signal_generate: ", true),
        (": signal:signal_generate: ", true),
        (": mark_victim: ", false),
        (": oom:mark_victim: ", false),
    ]
    .into_iter()
    // Whether it is there is told much faster than where.
    .filter(|(name, _)| words.contains(name))
    .find_map(|(name, is_signal)| {
        let (head, arguments) = words.split_once(name)?;
        Some((head, arguments, is_signal))
    })?;
    let (head, time) = head.trim_end().rsplit_once(char::is_whitespace)?;
    let at = Some(Stamp::SinceBoot(micros(time)?));
    let event = if is_signal { signal(head, arguments)? } else { mark_victim(arguments)? };
    Some((event, at))
}

/// `1408.328869` seconds; perf may print nanoseconds.
fn micros(time: &str) -> Option<u64> {
    let (seconds, fraction) = time.split_once('.')?;
    let digits = fraction.get(..fraction.len().min(6))?;
    if fraction.len() < 6 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(digits.parse().ok()?)
}

/// The sending context: `runc-8488    [001] d..1.`, `my app-x-8488  (  8488) [001] ....`, perf's
/// `runc  8488 [001]`.
fn context(head: &str) -> Option<(String, u32)> {
    let mut bracket = head.rmatch_indices('[').filter_map(|(at, _)| {
        let rest = head.get(at + 1..)?;
        let (cpu, _) = rest.split_once(']')?;
        let is_cpu = !cpu.is_empty() && cpu.bytes().all(|b| b.is_ascii_digit());
        is_cpu.then_some(at)
    });
    let before = bracket.next().and_then(|at| head.get(..at)).unwrap_or(head).trim_end();
    // `record-tgid` adds the thread group in round brackets; `-------` where it is unknown.
    let before = match before.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
        Some((name, tgid)) if tgid.trim().bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
            name.trim_end()
        }
        Some(_) | None => before,
    };
    let dashed = || {
        let (comm, pid) = before.rsplit_once('-')?;
        Some((comm.trim().to_owned(), pid.parse().ok()?))
    };
    let spaced = || {
        let (comm, pid) = before.rsplit_once(char::is_whitespace)?;
        // perf with thread groups: `8488/8490`.
        let pid = pid.split('/').next()?.parse().ok()?;
        Some((comm.trim().to_owned(), pid))
    };
    // Without `[cpu]` the flags may stand between name and time.
    let unflagged = || {
        let (name, flags) = before.rsplit_once(char::is_whitespace)?;
        let (comm, pid) = name.trim_end().rsplit_once('-')?;
        (flags.len() <= 6).then_some(())?;
        Some((comm.trim().to_owned(), pid.parse().ok()?))
    };
    dashed().or_else(spaced).or_else(unflagged)
}

/// `sig=9 errno=0 code=0 comm=hog pid=8252 grp=1 res=0`. A name may hold ` pid=7`: the fields after
/// it are found from the right.
fn signal(head: &str, arguments: &str) -> Option<TraceEvent> {
    let (sender_comm, sender_pid) = context(head)?;
    let (rest, result) = arguments.trim_end().rsplit_once(" res=")?;
    let (rest, group) = rest.rsplit_once(" grp=")?;
    let (rest, pid) = rest.rsplit_once(" pid=")?;
    let (numbers, comm) = rest.split_once(" comm=")?;
    let number = |name: &str| {
        let mut pairs = numbers.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name)?.1.parse::<i32>().ok()
    };
    Some(TraceEvent::Signal {
        sender_comm,
        sender_pid,
        signal: number("sig")?,
        code: number("code")?,
        comm: comm.to_owned(),
        pid: pid.parse().ok()?,
        group: group == "1",
        result: result.parse().ok()?,
    })
}

/// `pid=6203`, or `pid=6203 comm=hog total-vm=66796kB …` (6.9 and backports).
fn mark_victim(arguments: &str) -> Option<TraceEvent> {
    let rest = arguments.trim().strip_prefix("pid=")?;
    let (pid, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let comm = rest
        .strip_prefix("comm=")
        .map(|rest| rest.rsplit_once(" total-vm=").map_or(rest, |(comm, _)| comm).to_owned());
    Some(TraceEvent::MarkVictim { pid: pid.parse().ok()?, comm })
}

/// `pid=4242 uid=0 auid=1000 exe=/usr/bin/kill cmdline=kill -9 295`
fn sender(rest: &str) -> Option<TraceEvent> {
    let (fields, command) = match rest.split_once(" cmdline=") {
        Some((fields, command)) => (fields, Some(command.trim())),
        None => (rest, None),
    };
    let number = |name: &str| {
        let mut pairs = fields.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name)?.1.parse::<u32>().ok()
    };
    Some(TraceEvent::Sender {
        pid: number("pid")?,
        uid: number("uid"),
        // 4294967295: nobody logged in above this process.
        login_uid: number("auid").filter(|auid| *auid != u32::MAX),
        command: command.filter(|command| !command.is_empty()).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(text: &str) -> (TraceEvent, Option<Stamp>) {
        let found = read(text);
        assert_eq!(found.len(), 1, "{text}\n{found:#?}");
        assert_eq!(found[0].span.of(text), Some(text.trim()));
        match &found[0].record {
            Record::Trace(event) => (event.clone(), found[0].at),
            other => panic!("{other:?}"),
        }
    }

    fn sender_of(head: &str) -> (String, u32) {
        let line = format!(
            "{head} 1408.328869: signal_generate: sig=9 errno=0 code=0 comm=hog pid=8252 grp=1 res=0\n"
        );
        match one(&line).0 {
            TraceEvent::Signal { sender_comm, sender_pid, .. } => (sender_comm, sender_pid),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_signal_names_sender_and_target() {
        let text = "            runc-8488    [001] d..1.  1408.328869: signal_generate: sig=9 errno=0 code=-6 comm=hog pid=8252 grp=0 res=1\n";
        let (event, at) = one(text);
        assert_eq!(
            event,
            TraceEvent::Signal {
                sender_comm: "runc".to_owned(),
                sender_pid: 8488,
                signal: 9,
                code: -6,
                comm: "hog".to_owned(),
                pid: 8252,
                group: false,
                result: 1,
            }
        );
        assert_eq!(at, Some(Stamp::SinceBoot(1_408_328_869)));
    }

    #[test]
    fn a_senders_name_may_hold_anything() {
        for (head, comm) in [
            ("runc-8488    [001] d..1. ", "runc"),
            ("containerd-shim-8488    [001] ..... ", "containerd-shim"),
            ("my [1] app -x-8488    (   8488) [001] d..1. ", "my [1] app -x"),
            ("<...>-8488    (-------) [001] d..1. ", "<...>"),
            ("kworker/0:1-8488 [000] ", "kworker/0:1"),
            ("runc-8488 ", "runc"),
            ("runc-8488   d..1. ", "runc"),
            ("runc  8488 [001] ", "runc"),
        ] {
            assert_eq!(sender_of(head), (comm.to_owned(), 8488), "{head}");
        }
    }

    #[test]
    fn a_targets_name_may_hold_a_pid() {
        let text = "sh-1 [000] d... 5.000001: signal_generate: sig=15 errno=0 code=0 comm=a pid=7 comm=b pid=12 grp=1 res=0";
        assert!(
            matches!(one(text).0, TraceEvent::Signal { pid: 12, comm, .. } if comm == "a pid=7 comm=b")
        );
    }

    #[test]
    fn a_victim_is_marked_with_or_without_its_name() {
        let short = "hog-6203 [000] d.... 1389.673961: mark_victim: pid=6203";
        assert_eq!(one(short).0, TraceEvent::MarkVictim { pid: 6203, comm: None });
        let long = "hog-6203 [000] d.... 1389.673961: mark_victim: pid=6203 comm=a total-vm=1 b total-vm=66796kB anon-rss=65024kB file-rss:0kB shmem-rss:0kB uid=0 pgtables=180kB oom_score_adj=0";
        assert_eq!(
            one(long).0,
            TraceEvent::MarkVictim { pid: 6203, comm: Some("a total-vm=1 b".to_owned()) }
        );
    }

    #[test]
    fn our_probes_line_tells_who_the_sender_is() {
        let text =
            "# sender pid=4242 uid=0 auid=1000 exe=/usr/bin/kill cmdline=kill -9 295 cmdline=x";
        assert_eq!(
            one(text).0,
            TraceEvent::Sender {
                pid: 4242,
                uid: Some(0),
                login_uid: Some(1000),
                command: Some("kill -9 295 cmdline=x".to_owned()),
            }
        );
        let unset = "# sender pid=4242 auid=4294967295";
        assert_eq!(
            one(unset).0,
            TraceEvent::Sender { pid: 4242, uid: None, login_uid: None, command: None }
        );
        assert!(
            read(
                "# tracer: nop\n# entries-in-buffer/entries-written: 1/1\nsignal_generate: sig=9\n"
            )
            .is_empty()
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "(signal_generate: |mark_victim: |# sender |pid=|comm=|[-\\[\\]() :.0-9a-z\n]|\\PC){0,80}") {
            for sighting in read(&text) {
                prop_assert!(sighting.span.of(&text).is_some());
            }
        }

        #[test]
        fn any_name_is_read_back(comm in "[a-z -]{0,6}[a-z]{1,8}", pid in 1_u32..4_194_304) {
            let text = format!("x-1 [000] d... 5.000001: signal_generate: sig=9 errno=0 code=0 comm={comm} pid={pid} grp=1 res=0");
            let (event, _) = event(&text).unwrap();
            let same = matches!(event, TraceEvent::Signal { comm: seen, pid: number, .. } if seen == comm && number == pid);
            prop_assert!(same);
        }
    }
}
