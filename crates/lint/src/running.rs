//! A container as its runtime describes it, to be compared with a file: `docker inspect`'s JSON as a workload,
//! and which workload of the files it is.
//!
//! Where labels name a service or container, they decide; without them the name does. Values in its environment
//! that do not steer memory are never looked at. Leans on the Docker Engine API (`ContainerInspect`) and on the
//! labels of compose, Swarm, the kubelet's runtimes and the ECS agent.

use std::rc::Rc;
use std::sync::Arc;

use casefile::Bytes;

use crate::Note;
use crate::shell;
use crate::tree::Node;
use crate::workload::{Platform, Scratch, Stated, Swap, Variable, Word, Workload};
use crate::yaml;

/// A container that exists.
#[derive(Debug, Clone)]
pub struct Running {
    name: String,
    /// `exited`, where it does not run.
    stopped: Option<String>,
    labels: Vec<(String, String)>,
    /// What it was made with.
    pub(crate) workload: Workload,
    /// What its image brings; `None`: not known.
    pub(crate) image: Option<Workload>,
    /// Swarm gives its tasks no policy; the kubelet restarts by itself.
    pub(crate) has_supervisor: bool,
}

/// Why a file and a container cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotComparable {
    /// In a sentence.
    pub said: String,
    /// What is there.
    pub hint: String,
}

/// Labels by which a workload is named, the platform and the label of what it is a part of.
const LABELS: [(&str, Platform, Option<&str>); 4] = [
    ("com.docker.compose.service", Platform::Compose, None),
    ("com.docker.swarm.service.name", Platform::Compose, None),
    ("io.kubernetes.container.name", Platform::Kubernetes, Some("io.kubernetes.pod.name")),
    (
        "com.amazonaws.ecs.container-name",
        Platform::Ecs,
        Some("com.amazonaws.ecs.task-definition-family"),
    ),
];

impl Running {
    /// Reads what `docker inspect` prints of a container and, where it is known, of its image.
    ///
    /// # Errors
    /// The text is no such description.
    pub fn read(name: &str, container: &str, image: Option<&str>) -> Result<Self, NotComparable> {
        let document = one(name, container).filter(|it| it.field("HostConfig").is_some());
        let Some(document) = document else {
            return Err(NotComparable {
                said: format!("what the runtime says of `{name}` is no `inspect` of a container"),
                hint: format!("docker inspect --type container {name}"),
            });
        };
        let text = |path: &[&str]| document.at(path).and_then(|it| it.text()).map(str::to_owned);
        let labels: Vec<(String, String)> = document
            .at(&["Config", "Labels"])
            .iter()
            .flat_map(|labels| labels.entries())
            .filter_map(|(label, _, value)| Some((label.to_owned(), value.text()?.to_owned())))
            .collect();
        let is_live = |word: &String| matches!(word.as_str(), "running" | "paused" | "restarting");
        let supervisor = |label: &str| {
            ["com.docker.swarm", "io.kubernetes", "com.amazonaws.ecs"]
                .iter()
                .any(|whose| label.starts_with(whose))
        };
        let image = image.and_then(|image| one(name, image)).map(|it| container_of(name, &it));
        Ok(Self {
            name: text(&["Name"]).unwrap_or_default().trim_start_matches('/').to_owned(),
            stopped: text(&["State", "Status"]).filter(|word| !is_live(word)),
            has_supervisor: labels.iter().any(|(label, _)| supervisor(label)),
            workload: container_of(name, &document),
            image,
            labels,
        })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }

    /// The workload that the container is.
    pub(crate) fn meant<'a>(
        &self,
        workloads: &'a [Workload],
    ) -> Result<&'a Workload, NotComparable> {
        let named: Vec<&Workload> =
            workloads.iter().filter(|it| !it.declared.key.is_empty()).collect();
        let mut said = format!("the container `{}`", self.name);
        for (label, platform, part_of) in LABELS {
            let Some(value) = self.label(label) else { continue };
            said = format!("{said}, labelled `{label}={value}`,");
            let of_it = |it: &&&Workload| {
                let key = it.declared.key.as_str();
                let in_stack = label.contains("swarm")
                    && value.strip_suffix(key).is_some_and(|stack| stack.ends_with('_'));
                it.platform == platform && (key == value || in_stack)
            };
            let all: Vec<&Workload> = named.iter().filter(of_it).copied().collect();
            let owner = part_of.and_then(|label| self.label(label));
            let its = |it: &&Workload| {
                let mine = it.declared.owner.as_deref();
                owner.zip(mine).is_some_and(|(owner, mine)| owner.starts_with(mine))
            };
            let owned: Vec<&Workload> = all.iter().copied().filter(its).collect();
            match (all.as_slice(), owned.as_slice()) {
                ([one], _) | (_, [one]) => return Ok(one),
                ([], _) => {}
                (several, _) => return Err(self.several(&said, several)),
            }
        }
        let by_name = |it: &&&Workload| {
            let given = it.platform == Platform::Compose
                && it.declared.owner.as_deref() == Some(&self.name);
            it.declared.key == self.name || given
        };
        let all: Vec<&Workload> = named.iter().filter(by_name).copied().collect();
        match (all.as_slice(), workloads) {
            ([one], _) => Ok(one),
            // A Dockerfile names nothing.
            ([], [one]) if one.platform == Platform::Dockerfile => Ok(one),
            ([], _) => {
                let names: Vec<String> = named.iter().map(|it| it.name.clone()).collect();
                Err(NotComparable {
                    said: format!("{said} is none of what the files hold"),
                    hint: match names.is_empty() {
                        true => "they hold no service, container or task".to_owned(),
                        false => format!("they hold {}", names.join(", ")),
                    },
                })
            }
            (several, _) => Err(self.several(&said, several)),
        }
    }

    fn several(&self, said: &str, all: &[&Workload]) -> NotComparable {
        let names: Vec<String> = all
            .iter()
            .map(|it| format!("{} in {} line {}", it.name, it.place.file, it.place.line))
            .collect();
        NotComparable {
            said: format!("{said} may be several of what the files hold"),
            hint: format!("name one file only: {}", names.join(", ")),
        }
    }

    /// What a reader must know of the comparison.
    pub(crate) fn notes(&self, meant: &Workload) -> Vec<Note> {
        let note = |text: String| Note { file: meant.place.file.to_string(), text };
        let stopped = self.stopped.as_ref().map(|status| {
            note(format!(
                "the container `{}` does not run ({status}): compared is what it was made with",
                self.name
            ))
        });
        Vec::from_iter(stopped)
    }
}

/// The object that stands alone or in a list.
fn one(name: &str, text: &str) -> Option<Rc<Node>> {
    let documents = yaml::read(&Arc::from(format!("docker inspect {name}")), text).ok()?;
    let first = documents.first()?;
    first.items().first().or(Some(first)).filter(|node| node.is_map()).cloned()
}

/// A container's or an image's description.
fn container_of(name: &str, document: &Node) -> Workload {
    let said = format!("the container `{name}`");
    let mut workload = Workload::new(Platform::Compose, said, document.place.clone());
    let host = |key: &str| document.at(&["HostConfig", key]);
    let config = |key: &str| document.at(&["Config", key]);
    workload.limit = amount(host("Memory"));
    workload.reserved = amount(host("MemoryReservation"));
    workload.declared.swap = match (host("MemorySwap"), amount(host("MemorySwap"))) {
        (Some(node), _) if node.text() == Some("-1") => Swap::Unlimited(node.place.clone()),
        (_, Stated::At(bytes, place)) => Swap::At(bytes, place),
        (_, Stated::Nothing | Stated::Open(_)) => Swap::Nothing,
    };
    workload.declared.restart = host("RestartPolicy").map(|policy| policy_of(policy));
    workload.declared.init = word(host("Init"));
    let grace = config("StopTimeout");
    workload.declared.stop_grace =
        grace.and_then(|node| Some((node.text()?.parse().ok()?, node.place.clone())));
    workload.scratch = scratch(document);
    for variable in config("Env").map(|node| node.items()).unwrap_or_default() {
        if let Some((name, value)) = variable.text().and_then(|text| text.split_once('=')) {
            let (name, value, place) = (name.to_owned(), value.to_owned(), variable.place.clone());
            workload.environment.push(Variable { name, value, place });
        }
    }
    workload.command = words(config("Entrypoint"));
    workload.entrypoint = workload.command.len();
    workload.command.extend(words(config("Cmd")));
    workload
}

/// 0 and less: none.
fn amount(node: Option<&Rc<Node>>) -> Stated {
    let Some(node) = node else { return Stated::Nothing };
    match node.text().and_then(|text| text.parse::<u64>().ok()) {
        Some(bytes) if bytes > 0 => Stated::At(Bytes(bytes), node.place.clone()),
        Some(_) | None => Stated::Nothing,
    }
}

fn word(node: Option<&Rc<Node>>) -> Option<Word> {
    let node = node?;
    Some(Word { text: node.text()?.to_owned(), place: node.place.clone() })
}

/// A list; old Podman writes one text.
fn words(node: Option<&Rc<Node>>) -> Vec<Word> {
    let Some(node) = node else { return Vec::new() };
    let word = |text: String| Word { text, place: node.place.clone() };
    match node.text() {
        Some(line) => shell::split(line).into_iter().map(word).collect(),
        None => {
            node.items().iter().filter_map(|item| Some(word(item.text()?.to_owned()))).collect()
        }
    }
}

fn policy_of(policy: &Node) -> Word {
    let name = policy.field("Name").and_then(|node| node.text()).filter(|name| !name.is_empty());
    let most = policy.field("MaximumRetryCount").and_then(|node| node.text());
    let name = name.unwrap_or("no");
    let text = match most.filter(|most| *most != "0" && name == "on-failure") {
        Some(most) => format!("{name}:{most}"),
        None => name.to_owned(),
    };
    Word { text, place: policy.place.clone() }
}

fn scratch(document: &Node) -> Vec<Scratch> {
    let mut found = Vec::new();
    let mut add = |path: &str, size: Option<Bytes>, node: &Node| {
        if let Some(size) = size {
            found.push(Scratch {
                what: path.to_owned(),
                size,
                place: node.place.clone(),
                setting: "size",
                path: Some(path.to_owned()),
            });
        }
    };
    let number = |node: &Node| node.text().and_then(|text| text.parse().ok()).map(Bytes);
    if let Some(node) = document.at(&["HostConfig", "ShmSize"]) {
        add("/dev/shm", number(node), node);
    }
    let tmpfs = document.at(&["HostConfig", "Tmpfs"]);
    for (path, _, options) in tmpfs.iter().flat_map(|it| it.entries()) {
        let text = options.text().unwrap_or_default();
        let size = text.split(',').find_map(|option| option.trim().strip_prefix("size="));
        let parsed = |size| settings::quantity::parse(size, settings::quantity::Dialect::Binary);
        add(path, size.and_then(parsed), options);
    }
    let mounts = document.at(&["HostConfig", "Mounts"]);
    for mount in mounts.map(|node| node.items()).unwrap_or_default() {
        let path = mount.field("Target").and_then(|node| node.text());
        let size = mount.at(&["TmpfsOptions", "SizeBytes"]);
        if let (Some(path), Some(size)) = (path, size) {
            add(path, number(size), size);
        }
    }
    found
}
