//! `kmsg`: the kernel's log, record by record from /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
//!
//! Records are kept as they came, from a minute before the first that is known of the container, and
//! never cut in the middle. Stamps are the kernel's local clock; boot is calibrated against
//! CLOCK_MONOTONIC, which is right to some tens of milliseconds and wrong after a suspend.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use casefile::{Clock, Exhibit, Moment, Source};

use crate::found::{Found, exhibit, gap, plain};
use crate::machine::Clocks;
use crate::subject::{Life, Subject};

/// The ring as it could be read.
#[derive(Debug, Default)]
struct Ring {
    /// Records, each with its continuation lines and line ends.
    text: String,
    /// True if the kernel said that records were overwritten while they were read.
    lost: bool,
}

/// What the kernel log gave, and whether the journal should be asked as well.
#[derive(Debug)]
pub(crate) struct KernelLog {
    /// The exhibit or the gap.
    pub(crate) found: Found,
    /// False if the ring is closed to us or begins too late.
    pub(crate) covers: bool,
    /// When its oldest record was written, if none is missing after it.
    pub(crate) whole_since: Option<Moment>,
}

/// Reads the ring as far as it concerns a container.
pub(crate) fn read(path: &Path, subject: &Subject, clocks: &Clocks) -> KernelLog {
    read_for(path, Some(&subject.life()), clocks)
}

/// Reads the ring as far as it concerns a unit or a process.
pub(crate) fn read_life(path: &Path, life: &Life, clocks: &Clocks) -> KernelLog {
    read_for(path, Some(life), clocks)
}

/// Reads the whole ring. It covers what is later than its oldest record.
pub(crate) fn read_all(path: &Path, clocks: &Clocks) -> KernelLog {
    read_for(path, None, clocks)
}

fn read_for(path: &Path, life: Option<&Life>, clocks: &Clocks) -> KernelLog {
    let shown = path.display().to_string();
    match open(path).and_then(|mut file| read_ring(&mut file)) {
        Ok(ring) => of_ring(&ring, &shown, "sudo dmesg", life, clocks.kernel_log_zero()),
        Err(error) => KernelLog {
            found: Found::gap(closed(&shown, &error)),
            covers: false,
            whole_since: None,
        },
    }
}

/// The log of another machine: its records as text, and the moment of its stamp zero.
pub(crate) fn of_text(
    text: String,
    shown: &str,
    check: &str,
    subject: Option<&Subject>,
    zero_at: Moment,
) -> KernelLog {
    let life = subject.map(Subject::life);
    of_ring(&Ring { text, lost: false }, shown, check, life.as_ref(), zero_at)
}

/// Whether a text holds records of this device.
pub(crate) fn is_ring(text: &str) -> bool {
    records(text).next().is_some()
}

fn of_ring(
    ring: &Ring,
    shown: &str,
    check: &str,
    life: Option<&Life>,
    zero_at: Moment,
) -> KernelLog {
    let records: Vec<Record<'_>> = records(&ring.text).collect();
    let stamp_of = |moment: Moment| moment.micros_since(zero_at);
    let reaches = match life {
        Some(life) => life.started.is_some_and(|start| {
            records.first().is_some_and(|oldest| oldest.micros <= stamp_of(start))
        }),
        None => !records.is_empty(),
    };
    let whole = !ring.lost && is_unbroken(&records);
    let covers = whole && reaches;
    let from = life.and_then(Life::look_from).map_or(i64::MIN, stamp_of);
    // What came a minute after the end is another's; of what lives nothing is.
    let to = life.and_then(|life| life.ended?.plus_micros(60_000_000));
    let to = to.map_or(i64::MAX, stamp_of);
    // Stamps of several CPUs may be swapped: between the first and the last record of that time
    // everything is kept.
    let end = records.iter().rposition(|record| record.micros <= to).map_or(0, |last| last + 1);
    let records_kept = records.iter().take(end).skip_while(|record| record.micros < from);
    let kept: String = records_kept.map(|record| record.text).collect();

    let mut found = Found::default();
    let oldest = records.first().filter(|_| whole);
    // Told of a whole log only: what it is silent about since then did not happen.
    found.facts.extend(oldest.map(|oldest| ("kernel-log-since-micros", oldest.micros.to_string())));
    if let Some(life) = life.filter(|_| !covers) {
        found.gaps.extend(
            why_not(ring, &records, life, zero_at)
                .map(|because| gap(Source::KernelLog, shown, &because, None)),
        );
    }
    found.exhibits.push(Exhibit {
        check: Some(check.to_owned()),
        clock: Clock::SinceBoot { zero_at },
        covers,
        ..exhibit("kmsg", Source::KernelLog, shown, &kept)
    });
    let whole_since = oldest.and_then(|oldest| zero_at.plus_micros(oldest.micros));
    KernelLog { found, covers, whole_since }
}

/// Why the log's silence excludes nothing; `None` if there was no life that it could cover.
fn why_not(ring: &Ring, records: &[Record<'_>], life: &Life, zero_at: Moment) -> Option<String> {
    let started = life.started?;
    if ring.lost {
        return Some("records were overwritten while they were read".to_owned());
    }
    let oldest = records.first().and_then(|oldest| zero_at.plus_micros(oldest.micros));
    let Some(oldest) = oldest else { return Some("it holds no record".to_owned()) };
    if oldest > started {
        return Some(format!(
            "its oldest record is of {oldest}; the {} started at {started}",
            life.noun
        ));
    }
    Some("some of its records are missing in the middle".to_owned())
}

fn closed(shown: &str, error: &std::io::Error) -> casefile::Gap {
    let open_by = match error.kind() {
        ErrorKind::PermissionDenied => {
            "sudo dmesg        (or for everyone: sudo sysctl kernel.dmesg_restrict=0)"
        }
        _ => "sudo dmesg        (in a container: --device /dev/kmsg --cap-add SYSLOG)",
    };
    gap(Source::KernelLog, shown, &plain(error), Some(open_by))
}

fn open(path: &Path) -> std::io::Result<File> {
    // Without O_NONBLOCK the read after the last record would wait for the next one.
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let flags = i32::try_from(flags).map_err(|_unreachable| ErrorKind::InvalidInput)?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// One read gives one record; EAGAIN means that there are no more, EPIPE that some are gone.
fn read_ring(file: &mut impl Read) -> std::io::Result<Ring> {
    let mut ring = Ring::default();
    let mut bytes = Vec::new();
    // A record is at most 8 KiB with its escapes (CONSOLE_EXT_LOG_MAX); a smaller buffer is EINVAL.
    let mut record = vec![0; 64 << 10];
    loop {
        match file.read(&mut record) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(record.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => ring.lost = true,
            Err(error) if bytes.is_empty() => return Err(error),
            Err(_after_some) => {
                ring.lost = true;
                break;
            }
        }
    }
    ring.text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(ring)
}

/// A record with its continuation lines (` KEY=value`).
#[derive(Debug, PartialEq, Eq)]
struct Record<'a> {
    text: &'a str,
    sequence: u64,
    micros: i64,
}

fn records(text: &str) -> impl Iterator<Item = Record<'_>> {
    let starts: Vec<usize> = line_starts(text)
        .filter(|at| text.get(*at..).is_some_and(|rest| !rest.starts_with(' ')))
        .collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| record(text.get(start..end)?))
}

fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    let after_line_ends = text.match_indices('\n').map(|(at, _)| at + 1);
    [0].into_iter().chain(after_line_ends).filter(|at| *at < text.len())
}

/// `prio,seq,usec,flags[,…];text`
fn record(text: &str) -> Option<Record<'_>> {
    let mut head = text.split_once(';')?.0.split(',');
    head.next()?.parse::<u32>().ok()?;
    let sequence = head.next()?.parse().ok()?;
    let micros = head.next()?.parse().ok()?;
    Some(Record { text, sequence, micros })
}

fn is_unbroken(records: &[Record<'_>]) -> bool {
    records.windows(2).all(|pair| match pair {
        [one, next] => next.sequence == one.sequence + 1,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use casefile::ContainerId;
    use std::io::Write;

    const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

    /// A reader that gives one record or error a time, as the device does.
    struct Device(Vec<Result<&'static str, i32>>);

    impl Read for Device {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(ErrorKind::WouldBlock.into());
            }
            match self.0.remove(0) {
                Ok(record) => (&mut *into).write(record.as_bytes()),
                Err(number) => Err(std::io::Error::from_raw_os_error(number)),
            }
        }
    }

    fn clocks() -> Clocks {
        // Booted at second 1000 of the epoch, 500 s ago.
        Clocks { wall: 1_500_000_000, monotonic: 500_000_000, boottime: 500_000_000 }
    }

    fn subject(started: i64) -> Subject {
        let started = Moment::from_micros(started * 1_000_000);
        let id = ContainerId::parse(ID).unwrap();
        Subject { started, first_known: started, ..Subject::remembered(&id, &[]) }
    }

    fn read_file(text: &str, started: i64) -> KernelLog {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path(), &subject(started), &clocks())
    }

    #[test]
    fn the_log_is_kept_from_a_minute_before_the_container() {
        let text = "6,0,1000000,-;boot\n6,1,100000000,-;a\n SUBSYSTEM=x\n3,2,300000000,-;b\n";
        let log = read_file(text, 1250);
        assert!(log.covers);
        assert_eq!(log.found.exhibits[0].text(), "3,2,300000000,-;b\n");
        assert_eq!(log.found.facts, [("kernel-log-since-micros", "1000000".to_owned())]);
        assert_eq!(
            log.found.exhibits[0].clock,
            Clock::SinceBoot { zero_at: Moment::from_micros(1_000_000_000).unwrap() }
        );
        let log = read_file(text, 1150);
        assert!(log.found.exhibits[0].text().starts_with("6,1,100000000,-;a\n SUBSYSTEM=x\n"));
    }

    #[test]
    fn what_came_long_after_the_end_is_left_out() {
        let text = "6,1,200000000,-;in\n6,2,300000000,-;late\n6,3,280000000,-;swapped\n6,4,900000000,-;after\n";
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        // Started at 1200, ended at 1250: what is later than 1310 is another's.
        let ended = Moment::from_micros(1_250_000_000);
        let log = read(file.path(), &Subject { ended, ..subject(1200) }, &clocks());
        assert!(log.covers);
        assert!(log.found.exhibits[0].text().ends_with("6,3,280000000,-;swapped\n"));
    }

    #[test]
    fn a_log_that_begins_after_the_start_or_has_a_hole_covers_nothing() {
        assert!(!read_file("6,9,300000000,-;a\n", 1250).covers);
        let late = read_file("6,9,300000000,-;a\n", 1250).found;
        assert_eq!(
            late.gaps[0].because,
            "its oldest record is of 1970-01-01 00:21:40 UTC; the container started at 1970-01-01 00:20:50 UTC"
        );
        assert!(!read_file("6,1,1,-;a\n6,3,300000000,-;b\n", 1250).covers);
        // Of a log with a hole not even its beginning is told: it is silent about nothing.
        assert_eq!(read_file("6,1,1,-;a\n6,3,300000000,-;b\n", 1250).found.facts, []);
        // The container started before this boot.
        assert!(!read_file("6,0,0,-;a\n", 900).covers);
        assert!(read_file("6,0,0,-;a\n", 1000).covers);
    }

    #[test]
    fn overwritten_records_are_a_loss_and_not_the_end() {
        let pipe = rustix::io::Errno::PIPE.raw_os_error();
        let mut device = Device(vec![Ok("6,1,1,-;a\n"), Err(pipe), Ok("6,5,9,-;b\n")]);
        let ring = read_ring(&mut device).unwrap();
        assert!(ring.lost);
        assert_eq!(ring.text, "6,1,1,-;a\n6,5,9,-;b\n");
    }

    #[test]
    fn a_closed_log_says_how_to_open_it() {
        let denied = std::io::Error::from(ErrorKind::PermissionDenied);
        let gap = closed("/dev/kmsg", &denied);
        assert!(gap.open_by.unwrap().contains("dmesg_restrict"));
        assert!(!read(Path::new("/nonexistent"), &subject(1), &clocks()).covers);
    }

    #[test]
    fn a_record_may_hold_semicolons_and_unknown_fields() {
        let found: Vec<_> = records("6,7,8,-,caller=T1;a;b\n KEY=v\nnoise\n6,8,9,c;x\n").collect();
        assert_eq!(found[0].text, "6,7,8,-,caller=T1;a;b\n KEY=v\n");
        assert_eq!((found[1].sequence, found[1].micros), (8, 9));
    }
}
