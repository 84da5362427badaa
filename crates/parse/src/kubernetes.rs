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

use casefile::{Span, Stamp};

use crate::record::{PodEvent, Record};
use crate::{Sighting, json};

/// Reads the text.
pub(crate) fn read(text: &str) -> Vec<Sighting> {
    let rows = rows_of(text);
    let mut found = Vec::new();
    for document in json::documents(text) {
        object::read(&document, &mut found);
    }
    for document in yaml::documents(text, &rows) {
        object::read(&document, &mut found);
    }
    let documents = spans(&found);
    found.extend(describe::read(text, &rows).into_iter().filter(|new| !is_within(new, &documents)));
    let documents = spans(&found);
    let plain = [rows::read(&rows), events::tables(&rows, &found), events::lines(text)].concat();
    for new in plain {
        let event = matches!(new.record, Record::PodEvent(_));
        // A line inside a described pod may still be an event; inside a JSON document it is not.
        let taken = found.iter().any(|known| {
            let same_kind = matches!(known.record, Record::PodEvent(_)) == event;
            same_kind && known.span.start < new.span.end && new.span.start < known.span.end
        });
        let in_json = is_within(&new, &documents) && !event;
        let quoted = event && in_pod(text, &new, &found);
        if !(taken || in_json || quoted) {
            found.push(new);
        }
    }
    name_pods(&mut found);
    found.sort_by_key(|sighting| (sighting.span.start, sighting.span.end));
    found
}

/// A description shows the pod's uid only in its events' messages.
fn name_pods(found: &mut [Sighting]) {
    let uids: Vec<(String, String)> = found
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
            let own = uids.iter().find(|(name, _)| Some(name) == pod.name.as_ref());
            pod.uid = own.map(|(_, uid)| uid.clone());
        }
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
        // A quoted mail or issue: `> Name: web`.
        let bare = kept.strip_prefix("> ").unwrap_or(kept);
        let words = bare.trim_start();
        let span = Span { start, end: start + kept.len() };
        found.push(Row { indent: bare.len() - words.len(), words, span });
        start += raw.len();
    }
    found
}

fn spans(found: &[Sighting]) -> Vec<Span> {
    found.iter().map(|sighting| sighting.span).collect()
}

fn is_within(new: &Sighting, spans: &[Span]) -> bool {
    spans.iter().any(|span| span.start <= new.span.start && new.span.end <= span.end)
}

/// True if the line is part of a pod that was read as one: a termination message that quotes an
/// event, or the pod's own `Message:`, is not an event.
fn in_pod(text: &str, new: &Sighting, found: &[Sighting]) -> bool {
    found.iter().any(|known| {
        let within = known.span.start <= new.span.start && new.span.end <= known.span.end;
        let first = known.span.of(text).and_then(|whole| whole.trim_start().chars().next());
        let message =
            new.span.of(text).is_some_and(|line| line.trim_start().starts_with("Message:"));
        within
            && matches!(known.record, Record::Pod(_))
            && (message || matches!(first, Some('{' | '[' | '"')))
    })
}

fn event_sighting(event: PodEvent, span: Span) -> Sighting {
    let at = event.at.map(Stamp::Wall);
    Sighting { record: Record::PodEvent(event), span, at }
}

/// A kind's name as the API spells it, from `pod`, `pods`, `no`, `Node` …
fn kind(word: &str) -> Option<String> {
    let name = match word.to_ascii_lowercase().as_str() {
        "pod" | "pods" | "po" => "Pod",
        "node" | "nodes" | "no" => "Node",
        "job" | "job.batch" => "Job",
        "" => return None,
        _ => return Some(word.to_owned()),
    };
    Some(name.to_owned())
}
