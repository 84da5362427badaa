//! Events as text: the table of `describe`, the rows of `kubectl get events`, and single lines of
//! the kubelet or of anybody who quotes an event's message.
//!
//! A readiness probe's failure is handed on as `Unhealthy` with its message; it never kills. A
//! message is recognised alone only if nobody but Kubernetes writes it so. Sources: kubelet
//! `pkg/kubelet/{events,eviction,kuberuntime,prober}`, 1.5 to 1.34.

use casefile::Span;

use super::{Row, event_sighting, kind};
use crate::Sighting;
use crate::application::words::{after, between, has_any, is_prose, number};
use crate::record::{PodEvent, Record};
use crate::transport::{Line, Writer};

/// Reasons of events that bear on a death. Others are kept where a table or an API object shows
/// them, but do not make an event of a stranger's object.
const REASONS: [&str; 37] = [
    "BackOff",
    "ContainerCreated",
    "ContainerStarted",
    "ContainerTerminated",
    "DeadlineExceeded",
    "Descheduled",
    "Drain",
    "Evicted",
    "EvictedByVPA",
    "EvictionByEvictionAPI",
    "EvictionThresholdMet",
    "ExceededGracePeriod",
    "FailedKillPod",
    "Killing",
    "MemoryPressure",
    "NodeHasInsufficientMemory",
    "NodeHasSufficientMemory",
    "NodeNotReady",
    "NodeShutdown",
    "OOMKilled",
    "OOMKilling",
    "OutOfmemory",
    "Preempted",
    "Preempting",
    "PreemptionByScheduler",
    "ProbeError",
    "ProbeWarning",
    "Rebooted",
    "ScaleDown",
    "ShutdownManager",
    "StoppingContainer",
    "SuccessfulDelete",
    "SystemOOM",
    "TaintManagerEviction",
    "Terminated",
    "TerminationByKubelet",
    "Unhealthy",
];

/// Messages that only Kubernetes writes, and the reason under which it does.
const MESSAGES: [(&str, &str); 32] = [
    ("failed liveness probe, will be restarted", "Killing"),
    ("failed startup probe, will be restarted", "Killing"),
    ("definition changed, will be restarted", "Killing"),
    ("Container failed liveness probe.. Container will be killed", "Killing"),
    ("is unhealthy, it will be killed and re-created", "Killing"),
    ("Killing container with a grace period", "Killing"),
    ("Liveness probe failed", "Unhealthy"),
    ("Liveness probe errored", "Unhealthy"),
    ("Startup probe failed", "Unhealthy"),
    ("Startup probe errored", "Unhealthy"),
    ("Readiness probe failed", "Unhealthy"),
    ("Readiness probe errored", "Unhealthy"),
    ("The node was low on resource", "Evicted"),
    ("The node had condition: [", "Evicted"),
    ("Usage of EmptyDir volume", "Evicted"),
    ("ephemeral local storage usage exceeds the total limit", "Evicted"),
    ("exceeded its local ephemeral storage limit", "Evicted"),
    ("is evicted successfully", "Evicted"),
    ("pod evicted successfully", "Evicted"),
    ("System OOM encountered", "SystemOOM"),
    ("did not kill the pod within specified grace period", "ExceededGracePeriod"),
    ("Preempted in order to admit critical pod", "Preempting"),
    ("Preempted by a pod ", "Preempted"),
    ("TaintManagerEviction", "TaintManagerEviction"),
    ("Marking for deletion Pod ", "TaintManagerEviction"),
    ("Taint manager: deleting due to NoExecute", "TaintManagerEviction"),
    ("Pod was terminated in response to imminent node shutdown", "NodeShutdown"),
    ("was active on the node longer than the specified deadline", "DeadlineExceeded"),
    ("Killing unwanted container", "Killing"),
    ("Killing unwanted pod", "Killing"),
    ("Memory limit of the container exceeded", "OOMKilling"),
    ("Attempting to reclaim memory", "EvictionThresholdMet"),
];

/// The reason under which Kubernetes sends this message, if nobody else writes it.
pub(super) fn reason_of(message: &str) -> Option<&'static str> {
    if let Some((_, reason)) = MESSAGES.iter().find(|(words, _)| message.contains(words)) {
        return Some(reason);
    }
    let lower = message.to_ascii_lowercase();
    // The loop that starts with the kubelet evicts nobody.
    let reclaims = lower.contains("eviction manager")
        && has_any(
            &lower,
            &["attempting to reclaim", "must evict pod", "thresholds have been met"],
        );
    if reclaims {
        return Some("EvictionThresholdMet");
    }
    let probe = [
        "\"Probe failed\" probeType=\"Liveness\"",
        "\"Probe failed\" probeType=\"Startup\"",
        "Liveness probe for \"",
        "Startup probe for \"",
    ];
    if has_any(message, &probe) && lower.contains("failed") {
        return Some("Unhealthy");
    }
    if message.contains("was terminated with exit code")
        && message.contains("and reason 'OOMKilled'")
    {
        return Some("OOMKilled");
    }
    // Azure Container Apps: `Container 'api' was terminated with exit code '137' and reason 'ProbeFailure'`
    (message.contains("was terminated with exit code") && message.contains("and reason"))
        .then_some("ContainerTerminated")
}

/// A reason that bears on a death.
pub(super) fn is_reason(word: &str) -> bool {
    REASONS.binary_search(&word).is_ok()
}

/// The container that a message names.
pub(super) fn container_of(message: &str) -> Option<String> {
    let quoted = between(message, "containerName=\"", "\"");
    let named = || {
        let rest = after(message, "Container ")?;
        let (name, rest) = rest.split_once(' ')?;
        let verbs = ["failed", "definition", "was terminated", "exceeded", "terminated"];
        verbs.iter().any(|verb| rest.starts_with(verb)).then_some(name)
    };
    let stopped = || after(message, "Stopping container ").map(first_word);
    let old =
        || after(message, "docker://").and_then(|rest| rest.split_once(':')).map(|(name, _)| name);
    let name = quoted.or_else(named).or_else(stopped).or_else(old)?;
    let name = name.trim_matches(['\'', '"', '.', ',']);
    let is_name = !name.is_empty() && name.len() <= 63 && name != "failed" && !name.contains(' ');
    is_name.then(|| name.to_owned())
}

/// `… failed container main in pod NAME_NAMESPACE(UID)`: the pod's name and uid.
fn pod_of(message: &str) -> Option<(String, String)> {
    let (head, rest) = message.split_once('(')?;
    let (uid, _) = rest.split_once(')')?;
    let hex = uid.len() == 36 && uid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let (name, _) = head.rsplit([' ', '"']).next()?.split_once('_')?;
    hex.then(|| (name.to_owned(), uid.to_owned()))
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

/// Rows of `describe`'s and `get events`' tables. The pod's name comes from the description.
pub(super) fn tables(rows: &[Row<'_>], known: &[Sighting]) -> Vec<Sighting> {
    let mut found: Vec<(PodEvent, Span)> = Vec::new();
    let mut open: Option<usize> = None;
    for row in rows {
        if let Some(event) = table_row(row.words) {
            found.push((event, row.span));
            open = Some(found.len() - 1);
            continue;
        }
        let Some((event, span)) = open.and_then(|at| found.get_mut(at)) else { continue };
        if continues(&event.message, row) {
            if !event.message.is_empty() {
                event.message.push(' ');
            }
            event.message.push_str(row.words);
            *span = span.joined(row.span);
        } else {
            open = None;
        }
    }
    let mut pods: Vec<(usize, Option<&str>)> = known
        .iter()
        .filter_map(|sighting| match &sighting.record {
            Record::Pod(pod) => Some((sighting.span.start, pod.name.as_deref())),
            _ => None,
        })
        .collect();
    pods.sort_unstable();
    found
        .into_iter()
        .map(|(mut event, span)| {
            event.container = event.container.or_else(|| container_of(&event.message));
            if let Some((pod, uid)) = pod_of(&event.message) {
                event.uid = Some(uid);
                event.object = event.object.or(Some(pod));
            }
            if event.object.is_none() {
                event.object = pod_above(&pods, span);
                event.kind = event.kind.or_else(|| event.object.as_ref().map(|_| "Pod".to_owned()));
            }
            event_sighting(event, span)
        })
        .collect()
}

/// The pod in whose description a table stands: the last one that begins above it.
fn pod_above(pods: &[(usize, Option<&str>)], span: Span) -> Option<String> {
    let above = pods.partition_point(|(start, _)| *start < span.start);
    let (_, name) = pods.get(above.checked_sub(1)?)?;
    name.map(str::to_owned)
}

/// True if a line goes on with the message of the row above it.
fn continues(message: &str, row: &Row<'_>) -> bool {
    let words = row.words;
    let other = words.is_empty()
        || words.starts_with(['$', '#', '{', '}', '[', '`', '<'])
        || words.starts_with("--")
        || words.starts_with("Type ")
        || message.len() > 2000;
    let open = message.is_empty() || message.ends_with([':', ',', '(', '"']);
    let lower = words.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let in_sentence = lower && !message.ends_with(['.', '"', ')']) && !words.contains(": ");
    !other && (open || row.indent >= 20 || in_sentence)
}

/// One row: `[LAST SEEN] TYPE REASON …`, the rest by the kind of table.
fn table_row(words: &str) -> Option<PodEvent> {
    let (head, rest) = type_at(words)?;
    let reason = first_word(rest);
    let camel = reason.starts_with(|c: char| c.is_ascii_uppercase())
        && reason.len() >= 4
        && reason.chars().all(|c| c.is_ascii_alphanumeric());
    if !camel {
        return None;
    }
    let tail = after(rest, reason)?.trim_start();
    let mut event = PodEvent { reason: reason.to_owned(), ..PodEvent::default() };
    event.count = between(words, "(x", " ").and_then(number);
    if let Some(field) = between(words, "spec.containers{", "}") {
        event.container = Some(field.to_owned());
    }
    let first = first_word(tail);
    if let Some((object_kind, name)) = object(first) {
        event.namespace = namespace(head);
        event.kind = Some(kind(object_kind));
        event.object = Some(name.to_owned());
        event.message = without_source(after(tail, first)?.trim_start());
    } else if is_age(first) {
        event.message = described(tail);
    } else {
        // kubectl up to 1.6: ages, count and source stand before the type.
        let old =
            head.contains('{') || head.split_whitespace().filter(|word| is_age(word)).count() >= 2;
        let plain = head.is_empty() && is_reason(reason);
        (old || plain || !head.is_empty() && is_age(first_word(head))).then_some(())?;
        event.message = tail.trim().to_owned();
    }
    Some(event)
}

/// With `-A` the namespace stands before LAST SEEN: `shop   2m`.
fn namespace(head: &str) -> Option<String> {
    let mut words = head.split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let named = first.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (named && !is_age(first) && is_age(second)).then(|| first.to_owned())
}

/// Splits before and after the `Normal` or `Warning` that stands among the first columns.
fn type_at(words: &str) -> Option<(&str, &str)> {
    // A look that costs little first: most lines are no row of such a table.
    let mut said = ["Normal", "Warning"].into_iter().filter(|name| words.contains(name));
    said.find_map(|name| {
        let (head, rest) = words.split_once(name)?;
        let columns = head.split_whitespace().count() <= 9;
        let apart = rest.starts_with(char::is_whitespace)
            && (head.is_empty() || head.ends_with(char::is_whitespace));
        (columns && apart).then_some((head.trim(), rest.trim_start()))
    })
}

/// `pod/web-1`, `node/n1`
fn object(word: &str) -> Option<(&str, &str)> {
    let (kind, name) = word.split_once('/')?;
    let named = !name.is_empty() && !name.contains('/');
    let lower = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_lowercase() || c == '.');
    (named && lower).then_some((kind, name))
}

/// `25s`, `3m19s`, `58m`, `2d`, `<unknown>`
fn is_age(word: &str) -> bool {
    let digits = word.starts_with(|c: char| c.is_ascii_digit());
    let unit = word.ends_with(['s', 'm', 'h', 'd', 'y']);
    let inner = word.chars().all(|c| c.is_ascii_digit() || "smhdy".contains(c));
    (digits && unit && inner) || matches!(word, "<unknown>" | "<invalid>")
}

/// Behind `describe`'s Age: `(x3 over 45s)`, From, Message.
fn described(tail: &str) -> String {
    let age = first_word(tail);
    let mut rest = after(tail, age).unwrap_or_default().trim_start();
    if rest.starts_with("(x") {
        rest = rest.split_once(')').map_or("", |(_, rest)| rest).trim_start();
    }
    without_source(rest)
}

/// Takes off the columns that say where and by whom: `spec.containers{app}`, `kubelet, node-1`.
fn without_source(rest: &str) -> String {
    let mut rest = rest.trim_start();
    if rest.starts_with("spec.") {
        rest = after(rest, first_word(rest)).unwrap_or_default().trim_start();
    }
    let first = first_word(rest);
    let teller = first.trim_end_matches(',');
    let is_teller = teller.ends_with("kubelet")
        || teller.ends_with("-controller")
        || teller.ends_with("-scheduler")
        || teller.ends_with("-manager")
        || teller.ends_with("-monitor")
        || teller.ends_with("-detector")
        || matches!(
            teller,
            "node-controller" | "controllermanager" | "karpenter" | "cluster-autoscaler"
        );
    if is_teller {
        rest = after(rest, first).unwrap_or_default();
        // `kubelet, ip-10-0-0-1`: the node.
        if first.ends_with(',') {
            rest = rest.trim_start();
            rest = after(rest, first_word(rest)).unwrap_or_default();
        }
    }
    rest.trim().to_owned()
}

/// Lines that hold an event's message alone, and a Node's MemoryPressure row.
pub(super) fn lines(lines: &[Line]) -> Vec<Sighting> {
    lines
        .iter()
        .filter(|line| line.writer != Writer::Kernel)
        .filter_map(|line| {
            let event = pressure(&line.text).or_else(|| alone(&line.text))?;
            let record = Record::PodEvent(event);
            Some(Sighting { record, span: line.span, at: line.at })
        })
        .collect()
}

/// klog's header: `I0325 14:22:36.319017    1432 prober.go:107] `; a description's key.
fn without_header(words: &str) -> &str {
    let words = words.strip_prefix("Message:").unwrap_or(words).trim();
    let level = words.starts_with(['I', 'W', 'E', 'F']);
    let header = words.split_once("] ").filter(|(head, _)| {
        level && head.len() < 100 && head.contains(".go:") && !head.contains('"')
    });
    header.map_or(words, |(_, rest)| rest)
}

fn alone(words: &str) -> Option<PodEvent> {
    // A table's row was read as such; a kernel's line is the kernel's.
    let kernel = words.contains("kernel:") || words.len() > 4000;
    if kernel || table_row(words).is_some() {
        return None;
    }
    let words = without_header(words);
    let reason = reason_of(words)?;
    let said_about = MESSAGES.iter().any(|(message, _)| {
        words.contains(message)
            && words.split_once(message).is_some_and(|(head, _)| is_prose(head) && !is_quoted(head))
    });
    if said_about {
        return None;
    }
    let pod = between(words, "pod=\"", "\"")
        .or_else(|| between(words, "pod ", " is evicted successfully"))
        .or_else(|| after(words, "Marking for deletion Pod ").map(first_word));
    let namespace = pod.and_then(|pod| pod.split_once('/')).map(|(space, _)| space.to_owned());
    let pod = pod
        .map(|pod| pod.rsplit('/').next().unwrap_or(pod))
        .map(|pod| pod.split('_').next().unwrap_or(pod).trim_matches(['"', '\'']).to_owned());
    let node = matches!(reason, "EvictionThresholdMet" | "SystemOOM");
    let kind = if node { Some("Node") } else { pod.as_ref().map(|_| "Pod") };
    let uid = between(words, "podUID=\"", "\"").or_else(|| between(words, "podUID=", " "));
    Some(PodEvent {
        reason: reason.to_owned(),
        message: words.to_owned(),
        object: pod,
        kind: kind.map(str::to_owned),
        uid: uid.map(str::to_owned),
        namespace,
        container: container_of(words),
        ..PodEvent::default()
    })
}

/// A client repeats the pod's status as fields, in a sentence of its own: `pod "x" status is "Failed", reason:
/// Evicted, message: The node was low on resource: …` (GitLab's runner, others).
fn is_quoted(head: &str) -> bool {
    let head = head.trim_end().trim_end_matches(['"', '\'', '`']).trim_end();
    (head.ends_with("message:") || head.ends_with("Message:"))
        && has_any(head, &["reason: Evicted", "Reason: Evicted", "reason: \"Evicted\""])
}

/// `MemoryPressure   False   Tue, … KubeletHasSufficientMemory   kubelet has sufficient memory available`
fn pressure(words: &str) -> Option<PodEvent> {
    let rest = words.strip_prefix("MemoryPressure")?;
    let status = first_word(rest);
    if !matches!(status, "True" | "False" | "Unknown") {
        return None;
    }
    let at =
        ["KubeletHas", "NodeStatus", "Kubelet stopped"].iter().find_map(|start| rest.find(start));
    let message = at.and_then(|at| rest.get(at..)).unwrap_or_default();
    let message: Vec<&str> = message.split_whitespace().collect();
    Some(PodEvent {
        reason: format!("MemoryPressure={status}"),
        message: message.join(" "),
        kind: Some("Node".to_owned()),
        ..PodEvent::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_sorted() {
        assert!(REASONS.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
