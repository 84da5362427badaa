//! Compose files → one workload per service.
//!
//! Several files are one project, merged in order; `extends` and `include` are followed. `env_file`s and
//! the environment are not read. Leans on the Compose specification.

mod merge;
mod variables;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use self::merge::merge;
use self::variables::substituted;
use crate::Beside;
use crate::dockerfile;
use crate::place::Unreadable;
use crate::shell;
use crate::tree::{Node, Value};
use crate::workload::{self, Inherited, Platform, Scratch, Stated, Variable, Word, Workload};
use crate::yaml;

/// Files that lead to files: as deep as anyone goes on purpose.
const FURTHEST: usize = 16;
/// Values that merging may write out. Real projects have thousands.
const LARGEST: u64 = 200_000;

/// Whether a document is a Compose file, or a part of one.
pub(crate) fn is_compose(document: &Node) -> bool {
    document.field("services").is_some_and(|node| node.is_map())
        || document.field("include").is_some() && document.field("kind").is_none()
}

/// The services of these documents together.
pub(crate) fn read(
    documents: &[Rc<Node>],
    beside: &Beside<'_>,
) -> (Vec<Workload>, Vec<Unreadable>) {
    let mut project =
        Project { beside, problems: Vec::new(), budget: LARGEST, indices: HashMap::new() };
    let mut whole: Option<Rc<Node>> = None;
    for document in documents {
        let document = project.extended(document, 0);
        if project.spent(&document) || whole.as_ref().is_some_and(|node| project.spent(node)) {
            break;
        }
        whole = Some(match whole {
            Some(below) => merge(&below, &document, ""),
            None => document,
        });
    }
    let workloads = whole.map(|whole| services(&whole, beside)).unwrap_or_default();
    (workloads, project.problems)
}

type Index = HashMap<String, Rc<Node>>;

struct Project<'a> {
    beside: &'a Beside<'a>,
    problems: Vec<Unreadable>,
    /// Values that may still be written out.
    budget: u64,
    /// Of each document that something extends: the document, and its services by their names.
    indices: HashMap<*const Node, (Rc<Node>, Index)>,
}

impl Project<'_> {
    /// Merging writes aliases out, so it must be paid for.
    fn spent(&mut self, node: &Rc<Node>) -> bool {
        match self.budget.checked_sub(node.weight) {
            Some(rest) => self.budget = rest,
            None => {
                let why = format!("merged, the project has more than {LARGEST} values");
                self.problems.push(Unreadable::new(node.place.clone(), why));
                self.budget = 0;
                return true;
            }
        }
        false
    }

    /// The document with its `include`s below it and every service laid over what it extends.
    fn extended(&mut self, document: &Rc<Node>, depth: usize) -> Rc<Node> {
        let Some(services) = document.field("services") else {
            return self.included(document, depth);
        };
        let mut entries = Vec::new();
        for (name, key, service) in services.entries() {
            entries.push((key.clone(), self.service(document, name, service, depth)));
        }
        let services =
            Rc::new(Node::new(services.place.clone(), services.mark, Value::Map(entries)));
        let others = document.entries().filter(|(name, _, _)| *name != "services");
        let mut all: Vec<_> = others.map(|(_, key, value)| (key.clone(), value.clone())).collect();
        let key = Rc::new(Node::scalar(services.place.clone(), "services"));
        all.push((key, services));
        let whole = Rc::new(Node::new(document.place.clone(), document.mark, Value::Map(all)));
        self.included(&whole, depth)
    }

    fn service(
        &mut self,
        document: &Rc<Node>,
        name: &str,
        service: &Rc<Node>,
        depth: usize,
    ) -> Rc<Node> {
        let Some(extends) = service.field("extends").filter(|node| !node.is_null()) else {
            return service.clone();
        };
        if depth >= FURTHEST || self.spent(service) {
            let why = format!("service `{name}` extends in a circle, or too far");
            self.problems.push(Unreadable::new(extends.place.clone(), why));
            return service.clone();
        }
        let base = extends.text().or_else(|| extends.field("service").and_then(|node| node.text()));
        let base = base.unwrap_or(name).to_owned();
        let elsewhere = extends.field("file").and_then(|node| node.text()).and_then(substituted);
        let home = match elsewhere {
            Some(path) => match self.fetched(extends, &path) {
                Some(document) => document,
                None => return service.clone(),
            },
            None => document.clone(),
        };
        let Some(below) = self.found(&home, &base) else {
            let why = format!("service `{name}` extends `{base}`, which is not there");
            self.problems.push(Unreadable::new(extends.place.clone(), why));
            return service.clone();
        };
        let below = self.service(&home, &base, &below, depth + 1);
        if self.spent(&below) {
            return service.clone();
        }
        merge(&below, service, "")
    }

    /// A service of a document: thousands may ask, so the document is gone through once.
    fn found(&mut self, home: &Rc<Node>, name: &str) -> Option<Rc<Node>> {
        let (_, index) = self.indices.entry(Rc::as_ptr(home)).or_insert_with(|| {
            let services = home.field("services");
            let entries = services.iter().flat_map(|node| node.entries());
            let index = entries.map(|(name, _, node)| (name.to_owned(), node.clone())).collect();
            (home.clone(), index)
        });
        index.get(name).cloned()
    }

    fn included(&mut self, document: &Rc<Node>, depth: usize) -> Rc<Node> {
        let Some(include) = document.field("include").cloned() else { return document.clone() };
        let mut whole = document.clone();
        for item in include.items() {
            let paths = item.field("path").unwrap_or(item);
            let paths =
                if paths.items().is_empty() { std::slice::from_ref(paths) } else { paths.items() };
            let mut part: Option<Rc<Node>> = None;
            for path in paths {
                let Some(path) = path.text().and_then(substituted) else { continue };
                if depth >= FURTHEST {
                    let why = format!("`{path}` is included in a circle, or too far");
                    self.problems.push(Unreadable::new(item.place.clone(), why));
                    return whole;
                }
                let Some(found) = self.fetched(item, &path) else { continue };
                let found = self.extended(&found, depth + 1);
                if self.spent(&found) {
                    return whole;
                }
                part = Some(part.map_or(found.clone(), |below| merge(&below, &found, "")));
            }
            let Some(part) = part.filter(|_| !self.spent(&whole)) else { continue };
            whole = merge(&part, &whole, "");
        }
        whole
    }

    /// A Compose file that another one names.
    fn fetched(&mut self, from: &Rc<Node>, path: &str) -> Option<Rc<Node>> {
        let read = (self.beside)(&from.place.file, path).map_err(|why| {
            Unreadable::new(from.place.clone(), format!("could not read `{path}`: {why}"))
        });
        let documents = read.and_then(|(name, bytes)| {
            let name: Arc<str> = Arc::from(name);
            let text = crate::text_of(&name, &bytes)?;
            yaml::read(&name, text)
        });
        match documents {
            Ok(documents) => documents.into_iter().next(),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}

/// What only a swarm reads.
const FOR_SWARM: [&str; 5] =
    ["mode", "placement", "update_config", "rollback_config", "endpoint_mode"];

fn services(document: &Rc<Node>, beside: &Beside<'_>) -> Vec<Workload> {
    let Some(services) = document.field("services") else { return Vec::new() };
    let version = document.field("version").and_then(|node| {
        let text = node.text().filter(|text| text.starts_with('3'))?;
        Some(Word { text: text.to_owned(), place: node.place.clone() })
    });
    let is_for_swarm = services.entries().any(|(_, _, service)| {
        let has = |name: &&str| service.at(&["deploy", name]).is_some();
        FOR_SWARM.iter().any(has)
    });
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for (name, key, service) in services.entries().rev() {
        if !seen.insert(name) || !service.is_map() {
            continue;
        }
        let mut workload = of(name, key, service, document);
        workload.compose.third_version = version.clone();
        workload.compose.is_for_swarm = is_for_swarm;
        if let Some(image) = service.field("build").and_then(|build| built(build, beside)) {
            workload.image = image.image;
            let command = if workload.command.is_empty() { image.command } else { Vec::new() };
            workload.inherited = Inherited { environment: image.environment, command };
        }
        found.push(workload);
    }
    found.reverse();
    found
}

/// What a service's own Dockerfile makes, if it is there and can be read; if not, that is told where it is
/// looked at itself.
fn built(build: &Rc<Node>, beside: &Beside<'_>) -> Option<Workload> {
    let text = |name: &str| build.field(name).and_then(|node| node.text()).and_then(substituted);
    let target = text("target");
    let (file, source) = match text("dockerfile_inline") {
        Some(source) => (build.place.file.clone(), source),
        None => {
            let context = build.text().and_then(substituted).or_else(|| text("context"));
            let context = context.unwrap_or_else(|| ".".to_owned());
            let name = text("dockerfile").unwrap_or_else(|| "Dockerfile".to_owned());
            let path = match context.trim_end_matches('/') {
                _ if name.starts_with('/') => name,
                "." => name,
                context => format!("{context}/{name}"),
            };
            let (file, bytes) = beside(&build.place.file, &path).ok()?;
            let file: Arc<str> = Arc::from(file);
            let source = crate::text_of(&file, &bytes).ok()?.to_owned();
            (file, source)
        }
    };
    dockerfile::read(&file, &source, target.as_deref()).ok()
}

fn of(name: &str, key: &Node, service: &Node, document: &Node) -> Workload {
    let said = format!("service `{name}`");
    let mut workload = Workload::new(Platform::Compose, said, key.place.clone());
    let mem_limit = amount(service.field("mem_limit"));
    let limits = service.at(&["deploy", "resources", "limits"]);
    let deploy_memory = amount(limits.and_then(|limits| limits.field("memory")));
    workload.limit = if mem_limit.is_nothing() { deploy_memory.clone() } else { mem_limit.clone() };
    let reserved = amount(service.at(&["deploy", "resources", "reservations", "memory"]));
    let reservation = amount(service.field("mem_reservation"));
    workload.reserved = if reservation.is_nothing() { reserved } else { reservation };
    workload.image = service.field("image").and_then(|node| node.text()).and_then(substituted);
    workload.environment = environment(service.field("environment"));
    for part in ["entrypoint", "command"] {
        workload.command.extend(service.field(part).map(words).unwrap_or_default());
    }
    // Nobody starts a program with as many; what is behind them is not looked at.
    workload.command.truncate(10_000);
    workload.files = configs(service, document);
    workload.scratch = scratch(service, document);
    workload.is_pinned = service.field("cpuset").is_some_and(|node| !node.is_null());
    workload.has_init = service.field("init").is_some_and(|node| node.is_true());
    workload.compose = workload::Compose {
        mem_limit,
        deploy_limits: limits.map(|node| node.place.clone()),
        deploy_memory,
        restart: restart(service),
        ..workload::Compose::default()
    };
    workload
}

fn amount(node: Option<&Rc<Node>>) -> Stated {
    let Some(node) = node.filter(|node| !node.is_null()) else { return Stated::Nothing };
    let known = node.text().and_then(substituted);
    match known.and_then(|text| parse(&text, Dialect::Binary)) {
        Some(Bytes(0)) => Stated::Nothing,
        Some(bytes) => Stated::At(bytes, node.place.clone()),
        None => Stated::Open(node.place.clone()),
    }
}

fn environment(node: Option<&Rc<Node>>) -> Vec<Variable> {
    let Some(node) = node else { return Vec::new() };
    let variable = |name: &str, value: &str, node: &Node| {
        let value = substituted(value)?;
        Some(Variable { name: name.to_owned(), value, place: node.place.clone() })
    };
    let listed = node.items().iter().filter_map(|item| {
        let (name, value) = item.text()?.split_once('=')?;
        variable(name, value, item)
    });
    let mapped = node.entries().filter_map(|(name, _, value)| variable(name, value.text()?, value));
    listed.chain(mapped).collect()
}

/// A string is split into words, not given to a shell.
fn words(node: &Rc<Node>) -> Vec<Word> {
    let word = |text: String| Word { text, place: node.place.clone() };
    match node.text() {
        Some(line) => shell::split(&dollars(line)).into_iter().map(word).collect(),
        None => {
            let items = node.items().iter();
            let found = items.filter_map(|item| {
                Some(Word { text: dollars(item.text()?), place: item.place.clone() })
            });
            found.collect()
        }
    }
}

/// A command may hold variables and still be looked at; `$$` is the shell's `$`.
fn dollars(text: &str) -> String {
    substituted(text).unwrap_or_else(|| text.replace("$$", "$"))
}

/// The contents of the configs that stand in the file itself.
fn configs(service: &Node, document: &Node) -> Vec<Word> {
    let used = service.field("configs").map(|node| node.items()).unwrap_or_default();
    let found = used.iter().filter_map(|item| {
        let name = item.text().or_else(|| item.field("source")?.text())?;
        let content = document.at(&["configs", name, "content"])?;
        Some(Word { text: content.text()?.to_owned(), place: content.place.clone() })
    });
    found.collect()
}

fn scratch(service: &Node, document: &Node) -> Vec<Scratch> {
    let mut found = Vec::new();
    let mut add = |what: String, size: Stated, setting| {
        if let Stated::At(size, place) = size {
            found.push(Scratch { what, size, place, setting });
        }
    };
    add("/dev/shm".to_owned(), amount(service.field("shm_size")), "shm_size");
    if let Some(tmpfs) = service.field("tmpfs") {
        for mount in
            if tmpfs.text().is_some() { std::slice::from_ref(tmpfs) } else { tmpfs.items() }
        {
            let text = mount.text().and_then(substituted).unwrap_or_default();
            let (path, options) = text.split_once(':').unwrap_or((&text, ""));
            add(format!("the tmpfs at {path}"), option(options, mount), "size=");
        }
    }
    for volume in service.field("volumes").map(|node| node.items()).unwrap_or_default() {
        let target = volume.field("target").and_then(|node| node.text()).unwrap_or("?");
        if volume.field("type").and_then(|node| node.text()) == Some("tmpfs") {
            let size = amount(volume.at(&["tmpfs", "size"]));
            add(format!("the tmpfs at {target}"), size, "size");
        }
        let short = volume.text().and_then(|text| text.split_once(':'));
        let source = volume.field("source").and_then(|node| node.text());
        let (source, path) = match short {
            Some((source, path)) => (Some(source), path),
            None => (source, target),
        };
        let driver = source.and_then(|name| document.at(&["volumes", name, "driver_opts"]));
        if let Some(driver) =
            driver.filter(|it| it.field("type").and_then(|it| it.text()) == Some("tmpfs"))
            && let Some(options) = driver.field("o")
        {
            let size = option(options.text().unwrap_or_default(), options);
            add(format!("the tmpfs volume at {path}"), size, "size=");
        }
    }
    found
}

/// `size=64m` among mount options; a share of the host (`50%`) is not known here.
fn option(options: &str, node: &Node) -> Stated {
    let size = options.split(',').find_map(|option| option.trim().strip_prefix("size="));
    match size.and_then(|size| parse(size, Dialect::Binary)) {
        Some(bytes) => Stated::At(bytes, node.place.clone()),
        None => Stated::Nothing,
    }
}

/// The policy that counts, if it starts the service again without end: `deploy`'s beats `restart`.
fn restart(service: &Node) -> Option<Word> {
    let without_end = |text: &str, bounded: bool| match text {
        "always" | "unless-stopped" | "any" | "on-failure" => !bounded,
        _ => false,
    };
    if let Some(policy) = service.at(&["deploy", "restart_policy"]) {
        let condition = policy.field("condition")?;
        let text = condition.text()?;
        let bounded = policy.field("max_attempts").is_some_and(|node| !node.is_null());
        return without_end(text, bounded)
            .then(|| Word { text: format!("condition: {text}"), place: condition.place.clone() });
    }
    let node = service.field("restart")?;
    let text = substituted(node.text()?)?;
    let (name, attempts) = text.split_once(':').unwrap_or((&text, ""));
    let bounded = attempts.parse::<u32>().is_ok_and(|attempts| attempts > 0);
    let text = format!("restart: {name}");
    without_end(name, bounded).then(|| Word { text, place: node.place.clone() })
}
