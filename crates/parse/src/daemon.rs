//! What daemons that can end a process say about it: dockerd, containerd, CRI-O, Podman, the
//! kubelet's kill requests, systemd, OOM daemons, Slurm, audit records.
//!
//! A daemon's words count only where the line's writer is that daemon or the line does not say
//! who wrote it. Probes, evictions and pods are read elsewhere; lines of the kernel are too, except
//! audit records, which only the kernel can write. Words are those of moby 1.12 to 28, containerd
//! 1.2 to 2.1, CRI-O 1.14 to 1.33, systemd 219 to 258, earlyoom 1.0 to 1.8, nohang 0.2, Slurm 18 to 25.

mod audit;
mod oom;
mod runtime;
mod said;
mod systemd;

use std::collections::BTreeMap;

use casefile::{ContainerId, Moment, Span, Stamp};

use self::said::Said;
use crate::Sighting;
use crate::record::{DaemonLine, OomDaemon, Record};
use crate::text::Text;
use crate::transport::{Line, Writer};

/// Reads the text.
pub(crate) fn read(text: &Text<'_>) -> Vec<Sighting> {
    let (text, lines) = (text.whole(), text.lines());
    let mut found = audit::read(text, lines);
    let mut victims = oom::Memory::default();
    for line in lines {
        let writer = match &line.writer {
            Writer::Kernel => continue,
            Writer::Program { name, .. } => name.as_str(),
            Writer::Unsaid => "",
        };
        if oom::is_dry(&line.text, writer) {
            take_back_earlyooms_last(&mut found);
        }
        let seen = from_words(&line.text, writer, &mut victims);
        found.extend(seen.as_ref().map(|(record, at)| sighting(record, line, line.span, *at)));
        // A post without prefixes may have been taken for one wrapped line.
        if writer.is_empty() {
            for (words, span) in physical_lines(text, line.span).into_iter().skip(1) {
                let inner = from_words(words, writer, &mut victims);
                let other = inner
                    .filter(|(record, _)| seen.as_ref().is_none_or(|(first, _)| first != record));
                found.extend(other.map(|(record, at)| sighting(&record, line, span, at)));
            }
        }
    }
    after_the_grace(&mut found);
    found
}

/// earlyoom announces a signal first, and only then that this is a dry run.
fn take_back_earlyooms_last(found: &mut Vec<Sighting>) {
    let is_earlyooms = |sighting: &Sighting| {
        matches!(
            sighting.record,
            Record::Daemon(DaemonLine::OomDaemonKill { daemon: OomDaemon::Earlyoom, .. })
        )
    };
    if let Some(last) = found.iter().rposition(is_earlyooms) {
        found.remove(last);
    }
}

/// containerd asks, waits for the timeout, and only then logs `Kill container "ID"`: behind a stop
/// request with a timeout that line is the end of the wait. With a timeout of 0 nothing stands
/// before it but the request (internal/cri/server/container_stop.go, 1.2 to 2.1).
fn after_the_grace(found: &mut [Sighting]) {
    let mut asked: BTreeMap<ContainerId, (bool, Option<u64>)> = BTreeMap::new();
    for sighting in found {
        let Record::Daemon(line) = &mut sighting.record else { continue };
        match line {
            DaemonLine::StopRequested { container: Some(id), grace_seconds, by }
                if by == "containerd" =>
            {
                // `Stop container … with signal terminated` is logged only where it will wait.
                let (waits, grace) = asked.entry(id.clone()).or_default();
                *waits |= *grace_seconds != Some(0);
                *grace = grace_seconds.or(*grace);
            }
            DaemonLine::KillRequested { container: Some(id), by, .. } if by == "containerd" => {
                let Some((true, grace_seconds)) = asked.get(id).copied() else { continue };
                *line = DaemonLine::StopEscalated {
                    container: Some(id.clone()),
                    grace_seconds,
                    by: "containerd".to_owned(),
                };
            }
            _ => {}
        }
    }
}

fn sighting(record: &DaemonLine, line: &Line, span: Span, said_at: Option<Stamp>) -> Sighting {
    Sighting { record: Record::Daemon(record.clone()), span, at: line.at.or(said_at) }
}

/// What one line says, and the time it carries in its own words.
fn from_words(
    words: &str,
    writer: &str,
    victims: &mut oom::Memory,
) -> Option<(DaemonLine, Option<Stamp>)> {
    let said = Said::of(words, writer);
    let record = systemd::read(&said)
        .or_else(|| runtime::read(&said))
        .or_else(|| oom::read(&said, victims))
        .or_else(|| audit::read_sudo(&said))?;
    Some((record, said.field("time").and_then(Moment::parse).map(Stamp::Wall)))
}

/// The lines of a span, without the blanks around them.
fn physical_lines(text: &str, span: Span) -> Vec<(&str, Span)> {
    let mut start = span.start;
    let mut found = Vec::new();
    for line in span.of(text).unwrap_or_default().split_inclusive('\n') {
        let words = line.trim();
        let head = start + (line.len() - line.trim_start().len());
        found.push((words, Span { start: head, end: head + words.len() }));
        start += line.len();
    }
    found
}

#[cfg(test)]
mod tests;
