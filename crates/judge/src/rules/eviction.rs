//! # eviction — the kubelet evicted the pod
//!
//! ## What it looks for
//! Pod reason `Evicted`, an `Evicted` event, the condition `DisruptionTarget` with `TerminationByKubelet`, or the
//! message `The node was low on resource: …` or of an exceeded ephemeral-storage limit. Kubernetes's word
//! alone is at most `likely`.
//!
//! ## Why it means that
//! Only the kubelet writes these words, when the node (not the container) runs short of memory, disk
//! or pids, or a local-storage limit is exceeded. The containers get a short grace (one second at a hard
//! threshold), so they end with 143, 0 or 137.
//!
//! ## What would speak against it
//! - A kernel OOM kill of the same container before it: the kernel was faster than the kubelet.
//! - `EvictionByEvictionAPI` is a drain: somebody asked (api-kill).
//! - `Eviction manager: starting control loop` only tells that the kubelet started.
//!
//! ## Example
//! ```text
//! Evicted  The node was low on resource: memory. Threshold quantity: 100Mi, available: 85312Ki. Container hog was using 323712Ki, request is 0.
//! ```
//!
//! ## References
//! - Kubernetes `pkg/kubelet/eviction/helpers.go`: usage over request, then priority, then excess; QoS class is no input

use casefile::{Citation, Moment};

use super::draft::{because, by_name, draft, end_line};
use super::{Rule, Seek};
use crate::facts::Stage;
use crate::verdict::{Confidence, Killer, Level, Verdict};

pub(super) const RULE: Rule = Rule {
    id: "eviction",
    title: "the kubelet evicted the pod, for the node's sake",
    file: include_str!("eviction.rs"),
    reach,
};

fn reach(stage: &Stage<'_>, seek: Seek) -> Option<Verdict> {
    if seek != Seek::MainEndedFromOutside {
        return None;
    }
    let (cite, at, message) = told(stage)?;
    let mut verdict = draft(stage, RULE.id, Killer::Eviction, Level::None, Confidence::Likely);
    verdict.at = verdict.at.or(at);
    verdict.limit_at_fault = Some(false);
    verdict.limit = None;
    verdict.killed_by = Some(by_name("kubelet"));
    verdict.detail = Some(clause(&message));
    verdict.because.push(because(&cite, at, "the kubelet's own reason for the eviction"));
    verdict.because.extend(end_line(stage, "how the container ended when it was evicted"));
    Some(verdict)
}

/// The kubelet's sentences as one clause.
fn clause(message: &str) -> String {
    let text = message.trim().trim_end_matches('.');
    match text.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => text.to_owned(),
    }
}

fn told(stage: &Stage<'_>) -> Option<(Citation, Option<Moment>, String)> {
    let event = stage.pod_events().find(|event| {
        let low = event.what.message.contains("low on resource:")
            || event.what.message.contains("ephemeral local storage usage exceeds")
            || event.what.message.contains("exceeded its local ephemeral storage limit");
        event.what.reason == "Evicted" || low
    });
    if let Some(event) = event {
        return Some((event.cite.clone(), event.at, event.what.message.clone()));
    }
    let pod = stage.life.pod.as_ref()?;
    let by_kubelet =
        pod.what.disruption.as_ref().filter(|(reason, _)| reason == "TerminationByKubelet");
    if let Some((_, message)) = by_kubelet {
        return Some((pod.cite.clone(), None, message.clone()));
    }
    let evicted = pod.what.reason.as_deref() == Some("Evicted");
    evicted.then(|| (pod.cite.clone(), None, pod.what.message.clone().unwrap_or_default()))
}
