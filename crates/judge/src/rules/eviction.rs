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
//! For memory it takes pods in this order: those that use more than they requested come first; among them,
//! and among the others, the lower priority first; then whoever is the furthest above its request. The QoS
//! class is no input: every BestEffort pod is over its request of nothing, but one of high priority is
//! still taken after a Burstable one of low priority that is over its own.
//!
//! ## What would speak against it
//! - A kernel OOM kill of the same container before it: the kernel was faster than the kubelet.
//! - `EvictionByEvictionAPI` is a drain: somebody asked (api-kill); likewise Karpenter's `Evicted pod: …`.
//! - `Eviction manager: starting control loop` only tells that the kubelet started.
//!
//! ## Example
//! ```text
//! Evicted  The node was low on resource: memory. Threshold quantity: 100Mi, available: 85312Ki. Container hog was using 323712Ki, request is 0.
//! ```
//!
//! ## References
//! - Kubernetes `pkg/kubelet/eviction/helpers.go`: usage over request, then priority, then excess; QoS class is no input

use casefile::{Bytes, Citation, Moment};
use settings::quantity::{self, Dialect};

use super::draft::{because, by_name, draft, end_line};
use super::{Rule, Seek, api_kill};
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
    let mut says = "the kubelet's own reason for the eviction".to_owned();
    if message.contains("resource: memory") {
        says = format!("{says}: {}", ranking(stage, &message, &mut verdict.usage));
    }
    verdict.because.push(because(&cite, at, says));
    verdict.because.extend(end_line(stage, "how the container ended when it was evicted"));
    Some(verdict)
}

/// Whom the kubelet takes for memory: first those that use more than they requested, then by priority,
/// then by how much they are over it. The QoS class is no input: a pod with high priority outlives one
/// that is within its request.
fn ranking(stage: &Stage<'_>, message: &str, usage: &mut Option<Bytes>) -> String {
    let rule = "the kubelet takes pods over their memory request first, then by priority, then by how much they are over it";
    let amount = |before: &str| {
        let rest = message.split_once(before)?.1;
        let word = rest.split([',', ' ', '.']).next()?;
        quantity::parse(word, Dialect::Kubernetes)
    };
    let qos = stage.life.pod.as_ref().and_then(|pod| pod.what.qos.clone());
    let class = qos.map(|qos| format!("; that it is {qos} was not asked")).unwrap_or_default();
    let Some((used, request)) = amount("was using ").zip(amount("request is ")) else {
        return format!("{rule}{class}");
    };
    *usage = Some(used);
    let over = used.0.checked_sub(request.0).filter(|over| *over > 0).map_or_else(
        || {
            format!("it used {used}, within its request of {request}: such a pod goes when none that is over its own is left to go")
        },
        |over| format!("it used {used}, {} over its request of {request}", Bytes(over)),
    );
    format!("{over}; {rule}{class}")
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
        event.what.reason == "Evicted" && !api_kill::by_controller(&event.what) || low
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
