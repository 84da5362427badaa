//! Kubernetes manifests → one workload per container.
//!
//! Any kind with a pod's template is read, so that Rollouts and the like are, too. A container without an
//! image is a part of one, in a patch: nothing is missing from it. Debugging (ephemeral) containers take no
//! resources and are left out. What admission adds on the cluster (LimitRange, webhooks) is not known. Leans on the API reference, core/v1 PodSpec.

use std::rc::Rc;

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use crate::tree::Node;
use crate::workload::{Declared, Platform, Scratch, Stated, Variable, Word, Workload};

/// Whether a document is a manifest.
pub(crate) fn is_manifest(document: &Node) -> bool {
    document.field("apiVersion").is_some() && document.field("kind").is_some()
}

/// Whether a document is one of kustomize's, which puts others together.
pub(crate) fn is_kustomization(document: &Node) -> bool {
    let kind = document.field("kind").and_then(|node| node.text());
    match kind {
        Some("Kustomization" | "Component") => true,
        Some(_) => false,
        // It may stand without a kind.
        None => ["patches", "patchesStrategicMerge", "configMapGenerator", "namePrefix"]
            .iter()
            .any(|name| document.field(name).is_some()),
    }
}

/// The containers of a document, or of every document of a list.
pub(crate) fn read(document: &Node) -> Vec<Workload> {
    let mut found = Vec::new();
    let kind = document.field("kind").and_then(|node| node.text()).unwrap_or_default();
    if kind.ends_with("List") {
        for item in document.field("items").map(|node| node.items()).unwrap_or_default() {
            found.extend(read(item));
        }
        return found;
    }
    if kind == "ConfigMap" {
        return Vec::from_iter(config_map(document));
    }
    let paths: [&[&str]; 3] =
        [&["spec", "jobTemplate", "spec", "template"], &["spec", "template"], &["template"]];
    let template =
        paths.iter().find_map(|path| document.at(path)).filter(|it| it.at(&["spec"]).is_some());
    let pod: &Node = template.map_or(document, Rc::as_ref);
    let Some(spec) = pod.field("spec").filter(|spec| spec.field("containers").is_some()) else {
        return found;
    };
    let owner = document.at(&["metadata", "name"]).and_then(|node| node.text());
    let owner = format!("{kind} `{}`", owner.unwrap_or("?"));
    let critical = critical(document, pod, spec);
    for (list, is_init) in [("initContainers", true), ("containers", false)] {
        for container in spec.field(list).map(|node| node.items()).unwrap_or_default() {
            let mut workload = container_of(container, spec, &owner, is_init);
            workload.declared = Declared {
                key: container.field("name").and_then(|it| it.text()).unwrap_or("?").to_owned(),
                owner: document
                    .at(&["metadata", "name"])
                    .and_then(|node| node.text())
                    .map(str::to_owned),
                ..Declared::default()
            };
            let restarts = container.field("restartPolicy").and_then(|node| node.text());
            workload.is_short =
                matches!(kind, "Job" | "CronJob") || is_init && restarts != Some("Always");
            workload.critical = critical.clone().filter(|_| !is_init);
            found.push(workload);
        }
    }
    found
}

/// The texts of a ConfigMap, which are files of somebody.
fn config_map(document: &Node) -> Option<Workload> {
    let data = document.field("data")?;
    let name = document.at(&["metadata", "name"]).and_then(|node| node.text()).unwrap_or("?");
    let name = format!("ConfigMap `{name}`");
    let mut workload = Workload::new(Platform::Kubernetes, name, document.place.clone());
    let files = data.entries().filter_map(|(_, _, value)| word(value));
    workload.files = files.collect();
    // It has no limit of its own to speak of.
    workload.limit = Stated::Open(document.place.clone());
    Some(workload)
}

fn word(node: &Node) -> Option<Word> {
    node.text().map(|text| Word { text: text.to_owned(), place: node.place.clone() })
}

fn container_of(container: &Node, spec: &Node, owner: &str, is_init: bool) -> Workload {
    let name = container.field("name").and_then(|node| node.text()).unwrap_or("?");
    let word_for = if is_init { "init container" } else { "container" };
    let place = container.field("name").map_or(&container.place, |node| &node.place).clone();
    let name = format!("{word_for} `{name}` of {owner}");
    let mut workload = Workload::new(Platform::Kubernetes, name, place);
    workload.limit = amount(container, "limits");
    workload.reserved = amount(container, "requests");
    workload.shared = amount(spec, "limits");
    workload.image = container.field("image").and_then(|node| node.text()).map(str::to_owned);
    let items = |list: &str| container.field(list).map(|node| node.items()).unwrap_or_default();
    for variable in items("env") {
        let name = variable.field("name").and_then(|node| node.text());
        let value = variable.field("value").and_then(|node| word(node));
        match (name, value) {
            (Some(name), Some(value)) => {
                let name = name.to_owned();
                workload.environment.push(Variable { name, value: value.text, place: value.place });
            }
            // `valueFrom`, or something that a template puts in.
            (Some(name), None) => workload.unknown.names.push(name.to_owned()),
            (None, _) => workload.unknown.any = true,
        }
    }
    workload.unknown.any |= container.field("envFrom").is_some_and(|node| !node.is_null());
    for list in ["command", "args"] {
        let words: Vec<Word> = items(list).iter().filter_map(|node| word(node)).collect();
        let is_whole = words.len() == items(list).len();
        let is_list = container.field(list).is_none_or(|node| node.text().is_none());
        workload.is_command_open |= !is_whole || !is_list;
        workload.command.extend(words);
        if list == "command" {
            workload.entrypoint = workload.command.len();
        }
    }
    workload.scratch = scratch(container, spec);
    let paths = items("volumeMounts").iter().filter_map(|mount| mount.field("mountPath")?.text());
    workload.mounts = paths.map(str::to_owned).collect();
    // Every container has an image; a patch names only what it changes.
    let is_patch = container.field("image").is_none();
    if is_patch { workload.in_part() } else { workload }
}

fn amount(node: &Node, which: &str) -> Stated {
    let Some(resources) = node.field("resources") else { return Stated::Nothing };
    if resources.is_open() {
        return Stated::Open(resources.place.clone());
    }
    let Some(limits) = resources.field(which) else { return Stated::Nothing };
    if limits.is_open() {
        return Stated::Open(limits.place.clone());
    }
    let Some(memory) = limits.field("memory").filter(|node| !node.is_null()) else {
        return Stated::Nothing;
    };
    match memory.text().and_then(|text| parse(text, Dialect::Kubernetes)) {
        Some(Bytes(0)) => Stated::Nothing,
        Some(bytes) => Stated::At(bytes, memory.place.clone()),
        None => Stated::Open(memory.place.clone()),
    }
}

/// The memory-backed volumes that a container mounts.
fn scratch(container: &Node, spec: &Node) -> Vec<Scratch> {
    let mounts = container.field("volumeMounts").map(|node| node.items()).unwrap_or_default();
    let mounted = |name: &str| {
        let mount =
            mounts.iter().find(|it| it.field("name").and_then(|it| it.text()) == Some(name))?;
        Some(mount.field("mountPath")?.text()?.to_owned())
    };
    let volumes = spec.field("volumes").map(|node| node.items()).unwrap_or_default();
    let found = volumes.iter().filter_map(|volume| {
        let empty = volume.field("emptyDir")?;
        let in_memory = empty.field("medium")?.text()?.starts_with("Memory");
        let size = empty.field("sizeLimit").filter(|_| in_memory)?;
        let name = volume.field("name")?.text()?;
        Some(Scratch {
            what: format!("the emptyDir `{name}` in memory at {}", mounted(name)?),
            size: parse(size.text()?, Dialect::Kubernetes)?,
            place: size.place.clone(),
            setting: "sizeLimit",
            path: None,
        })
    });
    found.collect()
}

/// How a workload declares itself critical: by its priority class or an annotation.
fn critical(document: &Node, pod: &Node, spec: &Node) -> Option<Word> {
    if let Some(class) = spec.field("priorityClassName") {
        let name = class.text().unwrap_or_default().to_ascii_lowercase();
        if name.contains("critical") || name.contains("high") {
            let text = format!("its priority class is `{}`", class.text().unwrap_or_default());
            return Some(Word { text, place: class.place.clone() });
        }
    }
    let annotations =
        [document, pod].into_iter().filter_map(|it| it.at(&["metadata", "annotations"]));
    let mut pairs = annotations.flat_map(|it| it.entries().collect::<Vec<_>>());
    pairs.find_map(|(name, key, value)| {
        let last = name.rsplit(['/', '.']).next().unwrap_or(name);
        let said = value.text().unwrap_or_default().to_ascii_lowercase();
        let names = matches!(last, "critical" | "critical-pod" | "criticality" | "tier");
        let means = matches!(said.as_str(), "true" | "yes" | "critical" | "high")
            || said.is_empty() && last == "critical-pod";
        (names && means).then(|| Word {
            text: format!("its annotation `{name}` says so"),
            place: key.place.clone(),
        })
    })
}
