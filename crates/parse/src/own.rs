//! What why137 writes down itself about a process that it started: how the process ended, and
//! that it was asked to stop. A runtime's records say the same of a container; a bare process has
//! no runtime.
//!
//! Two forms, each with a mark of its own, so that no other text is taken for them:
//!
//! ```text
//! ==> wait status of pid 123 <==
//! comm hog
//! signal 9
//! ```
//!
//! (or `exited 0`; `started` and `ended` with a time in RFC 3339 may stand before, and `namespace
//! inner` where the pid is not the kernel's), and journal lines under the tag `why137-demo`:
//!
//! ```text
//! 2026-05-27T18:42:10.301000+00:00 localhost why137-demo[77]: asked pid 123 to stop (SIGTERM), grace 1 s
//! 2026-05-27T18:42:11.302000+00:00 localhost why137-demo[77]: pid 123 still there after 1 s, sent SIGKILL
//! ```
//!
//! `why137 run` tells of the signals that it was sent and passed on, under its own tag:
//!
//! ```text
//! 2026-05-27T18:42:10.301000+00:00 localhost why137-run[77]: passed SIGTERM on to pid 123, sent by pid 55 uid 0 (runner)
//! ```
//!
//! Leans on wait(2): a status holds either an exit code or a signal, never both.

use casefile::{Moment, Span, signal_number};

use crate::Sighting;
use crate::record::{DaemonLine, Record, WaitStatus};
use crate::text::Text;
use crate::transport::{Line, Writer};

/// The program's tag in the journal lines.
const TAG: &str = "why137-demo";

/// The tag of `why137 run`.
const RUN_TAG: &str = "why137-run";

/// The name under which its lines are told.
const TELLER: &str = "why137 demo";

/// Reads wait statuses.
pub(crate) fn read_wait_statuses(text: &str) -> Vec<Sighting> {
    let mut found: Vec<(WaitStatus, Span)> = Vec::new();
    let mut open = false;
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim();
        let span = Span { start, end: start + raw.trim_end().len() };
        start += raw.len();
        if line.starts_with("==> ") {
            let pid = line
                .strip_prefix("==> wait status of pid ")
                .and_then(|rest| rest.strip_suffix(" <=="))
                .and_then(|pid| pid.parse().ok());
            open = pid.is_some();
            found.extend(pid.map(|pid| (WaitStatus { pid, ..WaitStatus::default() }, span)));
        } else if open && let Some((status, whole)) = found.last_mut() {
            open = take(status, line);
            if open {
                *whole = whole.joined(span);
            }
        }
    }
    found
        .into_iter()
        .filter(|(status, _)| status.exit_code.is_some() || status.signal.is_some())
        .map(|(status, span)| Sighting { record: Record::WaitStatus(status), span, at: None })
        .collect()
}

/// One line of a block; false where the block ends.
fn take(status: &mut WaitStatus, line: &str) -> bool {
    match line.split_once(' ') {
        Some(("comm", name)) => status.comm = Some(name.to_owned()),
        Some(("signal", number)) => status.signal = number.parse().ok(),
        Some(("exited", code)) => status.exit_code = code.parse().ok(),
        Some(("started", at)) => status.started_at = Moment::parse(at),
        Some(("ended", at)) => status.ended_at = Moment::parse(at),
        Some(("namespace", which)) => status.inner_pid = which == "inner",
        Some(_) | None => return false,
    }
    true
}

/// Reads the lines about a stop.
pub(crate) fn read_stops(text: &Text<'_>) -> Vec<Sighting> {
    // A cheap look first: most journals hold no such line.
    if !text.whole().contains(TAG) && !text.whole().contains(RUN_TAG) {
        return Vec::new();
    }
    text.lines()
        .iter()
        .filter_map(|line| {
            let record = Record::Daemon(stop(line).or_else(|| passed_on(line))?);
            Some(Sighting { record, span: line.span, at: line.at })
        })
        .collect()
}

fn stop(line: &Line) -> Option<DaemonLine> {
    match &line.writer {
        Writer::Program { name, .. } if name == TAG => {}
        Writer::Program { .. } | Writer::Kernel | Writer::Unsaid => return None,
    }
    let by = TELLER.to_owned();
    if let Some(rest) = line.text.strip_prefix("asked pid ") {
        let (_, grace) = rest.split_once(" to stop (SIGTERM), grace ")?;
        return Some(DaemonLine::StopRequested {
            container: None,
            grace_seconds: seconds(grace),
            by,
        });
    }
    let (_, grace) = line.text.strip_prefix("pid ")?.split_once(" still there after ")?;
    let grace = grace.strip_suffix(", sent SIGKILL")?;
    Some(DaemonLine::StopEscalated { container: None, grace_seconds: seconds(grace), by })
}

/// `passed SIGTERM on to pid 123, sent by pid 55 uid 0 (runner)`
fn passed_on(line: &Line) -> Option<DaemonLine> {
    match &line.writer {
        Writer::Program { name, .. } if name == RUN_TAG => {}
        Writer::Program { .. } | Writer::Kernel | Writer::Unsaid => return None,
    }
    let (signal, rest) = line.text.strip_prefix("passed ")?.split_once(" on to pid ")?;
    let (target, sender) = rest.split_once(", sent by pid ")?;
    let (pid, rest) = sender.split_once(" uid ")?;
    let (uid, comm) = match rest.split_once(" (") {
        Some((uid, comm)) => (uid, comm.strip_suffix(')')),
        None => (rest, None),
    };
    Some(DaemonLine::SignalSentBy {
        comm: comm.map(str::to_owned),
        // 0: a process that the receiver's pid namespace does not show.
        pid: pid.parse().ok().filter(|pid| *pid > 0),
        uid: uid.parse().ok(),
        login_uid: None,
        signal: Some(signal_number(signal)?),
        target_pid: Some(target.parse().ok()?),
        target_comm: None,
    })
}

fn seconds(text: &str) -> Option<u64> {
    text.strip_suffix(" s")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_wait_status_is_a_signal_or_a_code() {
        let text = "==> wait status of pid 123 <==\ncomm hog\nsignal 9\n\n\
            ==> /proc/7/comm <==\nsignal 9\n\n==> wait status of pid 8 <==\nexited 0\n";
        let seen = read_wait_statuses(text);
        let records: Vec<&Record> = seen.iter().map(|sighting| &sighting.record).collect();
        let hog = WaitStatus {
            pid: 123,
            comm: Some("hog".to_owned()),
            signal: Some(9),
            ..WaitStatus::default()
        };
        let other = WaitStatus { pid: 8, exit_code: Some(0), ..WaitStatus::default() };
        assert_eq!(records, [&Record::WaitStatus(hog), &Record::WaitStatus(other)]);
        let quoted = seen[0].span.of(text).unwrap();
        assert_eq!(quoted, "==> wait status of pid 123 <==\ncomm hog\nsignal 9");
    }

    #[test]
    fn a_stop_is_read_only_under_its_own_tag() {
        let text = "2026-05-27T18:42:10.301000+00:00 localhost why137-demo[77]: asked pid 123 to stop (SIGTERM), grace 1 s\n\
            2026-05-27T18:42:11.302000+00:00 localhost why137-demo[77]: pid 123 still there after 1 s, sent SIGKILL\n\
            2026-05-27T18:42:11.302000+00:00 localhost liar[78]: pid 123 still there after 1 s, sent SIGKILL\n";
        let seen = read_stops(&Text::new(text));
        let by = || TELLER.to_owned();
        let grace_seconds = Some(1);
        let records: Vec<Record> = seen.iter().map(|sighting| sighting.record.clone()).collect();
        assert_eq!(
            records,
            [
                Record::Daemon(DaemonLine::StopRequested {
                    container: None,
                    grace_seconds,
                    by: by()
                }),
                Record::Daemon(DaemonLine::StopEscalated {
                    container: None,
                    grace_seconds,
                    by: by()
                }),
            ]
        );
        assert!(seen.iter().all(|sighting| sighting.at.is_some()));
    }

    #[test]
    fn a_wait_status_may_be_dated_and_of_an_inner_namespace() {
        let text = "==> wait status of pid 7 <==\ncomm npm\nstarted 2026-05-27T18:42:10Z\n\
            ended 2026-05-27T18:42:11.5Z\nnamespace inner\nsignal 15\n";
        let Record::WaitStatus(status) = &read_wait_statuses(text)[0].record else { panic!() };
        assert_eq!(status.started_at, Moment::parse("2026-05-27T18:42:10Z"));
        assert_eq!(status.ended_at, Moment::parse("2026-05-27T18:42:11.5Z"));
        assert!(status.inner_pid && status.signal == Some(15));
    }

    #[test]
    fn a_signal_that_was_passed_on_names_its_sender() {
        let line = |words: &str| {
            format!("2026-05-27T18:42:10.301000+00:00 localhost why137-run[77]: {words}\n")
        };
        let told = |words: &str| {
            let text = line(words);
            read_stops(&Text::new(&text)).first().map(|seen| seen.record.clone())
        };
        let sent = told("passed SIGTERM on to pid 123, sent by pid 55 uid 0 (a (b) c)");
        let expected = DaemonLine::SignalSentBy {
            comm: Some("a (b) c".to_owned()),
            pid: Some(55),
            uid: Some(0),
            login_uid: None,
            signal: Some(15),
            target_pid: Some(123),
            target_comm: None,
        };
        assert_eq!(sent, Some(Record::Daemon(expected)));
        let unseen = told("passed SIGHUP on to pid 123, sent by pid 0 uid 0");
        let is_unseen = |record: Record| {
            matches!(
                record,
                Record::Daemon(DaemonLine::SignalSentBy {
                    pid: None,
                    comm: None,
                    signal: Some(1),
                    ..
                })
            )
        };
        assert!(unseen.is_some_and(is_unseen));
        assert_eq!(told("passed SIGTERM on to pid x, sent by pid 5 uid 0"), None);
        let other =
            line("passed SIGTERM on to pid 1, sent by pid 5 uid 0").replace("why137-run", "liar");
        assert!(read_stops(&Text::new(&other)).is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(text in "(==> wait status of pid |[0-9]{1,20}| <==|\n|signal |exited |why137-demo\\[1\\]: |pid |.){0,30}") {
            read_wait_statuses(&text);
            read_stops(&Text::new(&text));
        }
    }
}
