//! What Kubernetes says of a pod's death: `kubectl describe`, `kubectl get` in every output format,
//! events of every teller, and the kubelet's journal lines about probes and evictions.
//!
//! `reason: OOMKilled` is the runtime's flag, not the kernel's report, and a `ContainerStatusUnknown`'s
//! 137 is a constant of the kubelet; both are only handed on here. Formats: Kubernetes API v1
//! (core/v1 Pod, Event, Node; events.k8s.io/v1), kubectl 1.5 to 1.34 (`pkg/describe`).

mod describe;
mod events;
mod object;
mod rows;
#[cfg(test)]
mod tests;
pub(crate) mod yaml;

use std::collections::BTreeMap;

use casefile::{Span, Stamp};

use crate::record::{PodEvent, Record};
use crate::{Sighting, text::Text};

/// Reads the text.
pub(crate) fn read(text: &Text<'_>) -> Vec<Sighting> {
    let rows = rows_of(text.whole());
    let mut found = Vec::new();
    for document in text.documents() {
        object::read(document, &mut found);
    }
    for document in yaml::documents(text.whole(), &rows) {
        object::read(&document, &mut found);
    }
    let documents = Places::of(found.iter());
    let described = describe::read(&rows);
    found.extend(described.into_iter().filter(|new| !documents.touch(new.span)));
    // A row or a line inside a document is part of that document. Inside a described pod an event
    // is one of its own, but the pod's `Message:` is not.
    let pods = Places::of(found.iter().filter(|known| matches!(known.record, Record::Pod(_))));
    found.extend(rows::read(&rows).into_iter().filter(|new| !pods.touch(new.span)));
    let tables = events::tables(&rows, &found);
    found.extend(tables.into_iter().filter(|new| !documents.touch(new.span)));
    let events =
        Places::of(found.iter().filter(|known| matches!(known.record, Record::PodEvent(_))));
    found.extend(events::lines(text.lines()).into_iter().filter(|new| {
        let line = new.span.of(text.whole()).unwrap_or_default();
        let own_message = line.trim_start().starts_with("Message:") && pods.touch(new.span);
        !(own_message || documents.touch(new.span) || events.touch(new.span))
    }));
    name_pods(&mut found);
    found.sort_by_key(|sighting| (sighting.span.start, sighting.span.end));
    found
}

/// A description shows the pod's uid only in its events' messages.
fn name_pods(found: &mut [Sighting]) {
    let uids: BTreeMap<String, String> = found
        .iter()
        .filter_map(|sighting| match &sighting.record {
            Record::PodEvent(event) => event.object.clone().zip(event.uid.clone()),
            _ => None,
        })
        .collect();
    for sighting in found {
        if let Record::Pod(pod) = &mut sighting.record
            && pod.uid.is_none()
        {
            pod.uid = pod.name.as_ref().and_then(|name| uids.get(name).cloned());
        }
    }
}

/// Spans in order, each with the furthest end of it and all before it: whether another span
/// touches one of them is told in logarithmic time.
struct Places(Vec<(usize, usize)>);

impl Places {
    fn of<'a>(found: impl Iterator<Item = &'a Sighting>) -> Self {
        let mut spans: Vec<(usize, usize)> =
            found.map(|sighting| (sighting.span.start, sighting.span.end)).collect();
        spans.sort_unstable();
        let mut furthest = 0;
        for (_, end) in &mut spans {
            furthest = furthest.max(*end);
            *end = furthest;
        }
        Self(spans)
    }

    fn touch(&self, span: Span) -> bool {
        let before = self.0.partition_point(|(start, _)| *start < span.end);
        let last = before.checked_sub(1).and_then(|at| self.0.get(at));
        last.is_some_and(|(_, end)| span.start < *end)
    }
}

/// One line of the text as it stands: Kubernetes' human output speaks by indentation.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    /// Leading blanks; a tab counts as one.
    indent: usize,
    /// The words, trimmed on both sides.
    pub(crate) words: &'a str,
    /// The bytes of the line, without its end.
    pub(crate) span: Span,
}

/// The lines of a text.
pub(crate) fn rows_of(text: &str) -> Vec<Row<'_>> {
    let mut start = 0;
    let mut found = Vec::new();
    for raw in text.split_inclusive('\n') {
        let kept = raw.trim_end();
        // A quoted mail or issue: `> Name: web`, `>> Name: web`.
        let quoted = kept.trim_start_matches('>');
        let marks = kept.len() - quoted.len();
        let bare = if marks > 0 { quoted.strip_prefix(' ').unwrap_or(quoted) } else { kept };
        let words = bare.trim_start();
        let span = Span { start, end: start + kept.len() };
        found.push(Row { indent: bare.len() - words.len(), words, span });
        start += raw.len();
    }
    found
}

fn event_sighting(event: PodEvent, span: Span) -> Sighting {
    let at = event.at.map(Stamp::Wall);
    Sighting { record: Record::PodEvent(event), span, at }
}

/// A kind's name as the API spells it, from `pod`, `pods`, `no`, `Node` …
fn kind(word: &str) -> String {
    let name = match word.to_ascii_lowercase().as_str() {
        "pod" | "pods" | "po" => "Pod",
        "node" | "nodes" | "no" => "Node",
        "job" | "job.batch" => "Job",
        _ => word,
    };
    name.to_owned()
}
