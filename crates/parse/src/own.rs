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
//! (or `exited 0`), and journal lines under the tag `why137-demo`:
//!
//! ```text
//! 2026-05-27T18:42:10.301000+00:00 localhost why137-demo[77]: asked pid 123 to stop (SIGTERM), grace 1 s
//! 2026-05-27T18:42:11.302000+00:00 localhost why137-demo[77]: pid 123 still there after 1 s, sent SIGKILL
//! ```
//!
//! Leans on wait(2): a status holds either an exit code or a signal, never both.

use casefile::Span;

use crate::Sighting;
use crate::record::{DaemonLine, Record, WaitStatus};
use crate::transport::{Line, Writer, lines};

/// The program's tag in the journal lines.
const TAG: &str = "why137-demo";

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
        Some(_) | None => return false,
    }
    true
}

/// Reads the lines about a stop.
pub(crate) fn read_stops(text: &str) -> Vec<Sighting> {
    // A cheap look first: most journals hold no such line.
    if !text.contains(TAG) {
        return Vec::new();
    }
    lines(text)
        .into_iter()
        .filter_map(|line| {
            let record = Record::Daemon(stop(&line)?);
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
        let hog =
            WaitStatus { pid: 123, comm: Some("hog".to_owned()), exit_code: None, signal: Some(9) };
        let other = WaitStatus { pid: 8, comm: None, exit_code: Some(0), signal: None };
        assert_eq!(records, [&Record::WaitStatus(hog), &Record::WaitStatus(other)]);
        let quoted = seen[0].span.of(text).unwrap();
        assert_eq!(quoted, "==> wait status of pid 123 <==\ncomm hog\nsignal 9");
    }

    #[test]
    fn a_stop_is_read_only_under_its_own_tag() {
        let text = "2026-05-27T18:42:10.301000+00:00 localhost why137-demo[77]: asked pid 123 to stop (SIGTERM), grace 1 s\n\
            2026-05-27T18:42:11.302000+00:00 localhost why137-demo[77]: pid 123 still there after 1 s, sent SIGKILL\n\
            2026-05-27T18:42:11.302000+00:00 localhost liar[78]: pid 123 still there after 1 s, sent SIGKILL\n";
        let seen = read_stops(text);
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

    proptest! {
        #[test]
        fn never_panics(text in "(==> wait status of pid |[0-9]{1,20}| <==|\n|signal |exited |why137-demo\\[1\\]: |pid |.){0,30}") {
            read_wait_statuses(&text);
            read_stops(&text);
        }
    }
}
