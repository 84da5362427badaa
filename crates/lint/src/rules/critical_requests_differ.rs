//! # critical-requests-differ — a critical workload may use more than it asked for
//!
//! ## What it looks for
//! Kubernetes: a workload that declares itself critical (a priority class with `critical` or `high` in its name; an
//! annotation whose last part is `critical`, `critical-pod`, `criticality` or `tier`, with such a value) and whose memory
//! request is not its limit. Without a request the limit is the request.
//!
//! ## Why it means that
//! When a node runs short of memory the kubelet ranks its pods for eviction by three questions, in this order:
//! 1. Does it use more than it requested? Those that do come first.
//! 2. Which has the lower priority?
//! 3. Which uses most above its request?
//!
//! The QoS class is not among them: a pod within its request outlives one above it, whatever both are
//! called. With request = limit a pod can never be above its request. Only static pods and those of the two
//! `system-` classes are skipped altogether. The kernel's own killer goes by `oom_score_adj`, which the kubelet
//! derives from the request as well: -997 for a pod with request = limit in all containers for memory and CPU.
//!
//! ## What would speak against it
//! - The request is what it really needs, and the rest is wanted only when the node has it.
//!
//! ## Example
//! ```yaml
//! spec:
//!   priorityClassName: business-critical
//!   containers:
//!     - name: api
//!       resources:
//!         requests: { memory: 256Mi }
//!         limits: { memory: 1Gi }
//! ```
//!
//! ## References
//! - Kubernetes `pkg/kubelet/eviction/helpers.go` `rankMemoryPressure`; "Node-pressure Eviction"; `pkg/kubelet/qos/policy.go`

use super::{Rule, Wrong};
use crate::Level;
use crate::workload::{Platform, Stated, Workload};

pub(super) const RULE: Rule = Rule {
    id: "critical-requests-differ",
    title: "a critical workload may use more than it asked for",
    file: include_str!("critical_requests_differ.rs"),
    look,
};

fn look(workload: &Workload) -> Vec<Wrong> {
    let Some(critical) =
        workload.critical.as_ref().filter(|_| workload.platform == Platform::Kubernetes)
    else {
        return Vec::new();
    };
    let name = &workload.name;
    let why = &critical.text;
    let (message, place) = match (&workload.reserved, &workload.limit) {
        (Stated::At(request, place), Stated::At(limit, _)) if request != limit => {
            let above = casefile::Bytes(limit.0.saturating_sub(request.0));
            let text = format!(
                "{name} is critical ({why}), requests {request} and may use {limit}: with up to {above} above its \
                 request it is evicted before any pod that is within its own"
            );
            (text, place)
        }
        (Stated::At(request, place), Stated::Nothing) if workload.shared.is_nothing() => {
            let text = format!(
                "{name} is critical ({why}), requests {request} and has no limit: above its request it is evicted \
                 before any pod that is within its own"
            );
            (text, place)
        }
        (Stated::Nothing, Stated::Nothing) if workload.shared.is_nothing() => {
            let text = format!(
                "{name} is critical ({why}) and requests no memory: it is always above its request, and evicted \
                 before any pod that is within its own"
            );
            (text, &critical.place)
        }
        _ => return Vec::new(),
    };
    let amount = workload.limit.bytes().or(workload.reserved.bytes());
    let instead = match amount {
        Some(amount) => {
            format!("`requests.memory` and `limits.memory` the same, such as {}Mi", amount.0 >> 20)
        }
        None => "`requests.memory` and `limits.memory`, the same".to_owned(),
    };
    vec![Wrong { level: Level::Warning, place: place.clone(), message, instead }]
}
