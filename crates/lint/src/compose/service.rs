//! A service of the merged project → what runs by it.
//!
//! Leans on the Compose specification, 05-services, and on docker's own defaults for what it leaves out.

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use casefile::Bytes;
use settings::quantity::{Dialect, parse};

use super::Project;
use super::merge::target;
use super::variables::Known;
use crate::dockerfile;
use crate::shell;
use crate::tree::Node;
use crate::workload::{
    self, Declared, Inherited, Platform, Scratch, Stated, Swap, Unknown, Variable, Word, Workload,
};

/// What only a swarm reads.
const FOR_SWARM: [&str; 5] =
    ["mode", "placement", "update_config", "rollback_config", "endpoint_mode"];
/// Nobody starts a program with more words; what is behind them is not looked at.
const LONGEST: usize = 10_000;

pub(super) fn services(
    document: &Rc<Node>,
    project: &mut Project<'_>,
    known: &Known,
) -> Vec<Workload> {
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
        (workload.environment, workload.unknown) = environment(service, project, known);
        if let Some(build) = service.field("build").filter(|node| !node.is_null()) {
            inherit(&mut workload, built(build, project));
        }
        found.push(workload);
    }
    found.reverse();
    found
}

/// What the image brings that its own file makes; the service's `image` is only its name then.
fn inherit(workload: &mut Workload, image: Option<Workload>) {
    workload.is_built = true;
    workload.image = None;
    let Some(image) = image else {
        workload.unknown.any = true;
        return;
    };
    workload.image = image.image;
    let mut command = image.command;
    match (workload.entrypoint > 0, workload.command.is_empty()) {
        // An entrypoint puts the image's command away.
        (true, _) => command.clear(),
        (false, false) => command.truncate(image.entrypoint),
        (false, true) => {}
    }
    workload.files.extend(image.files);
    workload.inherited = Inherited { environment: image.environment, command };
}

/// What a service's own Dockerfile makes, if it is there and can be read; if not, that is told where it is
/// looked at itself.
fn built(build: &Rc<Node>, project: &Project<'_>) -> Option<Workload> {
    let text = |name: &str| build.field(name).and_then(|node| node.text()).map(str::to_owned);
    let target = text("target");
    let (file, source) = match text("dockerfile_inline") {
        Some(source) => (build.place.file.clone(), source),
        None => {
            let context = build.text().map(str::to_owned).or_else(|| text("context"));
            let context = context.unwrap_or_else(|| ".".to_owned());
            let name = text("dockerfile").unwrap_or_else(|| "Dockerfile".to_owned());
            let path = match context.trim_end_matches('/') {
                _ if name.starts_with('/') => name,
                "." => name,
                context => format!("{context}/{name}"),
            };
            let (file, bytes) = (project.beside)(&build.place.file, &path).ok()?;
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
    workload.image = service.field("image").and_then(|node| node.text()).map(str::to_owned);
    for part in ["entrypoint", "command"] {
        let Some(node) = service.field(part) else { continue };
        let (words, is_whole) = words(node);
        workload.command.extend(words);
        workload.is_command_open |= !is_whole;
        if part == "entrypoint" {
            workload.entrypoint = workload.command.len().min(LONGEST);
        }
    }
    workload.command.truncate(LONGEST);
    workload.files = configs(service, document);
    workload.scratch = scratch(service, document);
    for list in ["volumes", "configs"] {
        let items = service.field(list).map(|node| node.items()).unwrap_or_default();
        let paths = items.iter().filter_map(|item| target(item)).map(str::to_owned);
        workload.mounts.extend(paths);
    }
    workload.is_pinned = service.field("cpuset").is_some_and(|node| !node.is_null());
    workload.has_init = service.field("init").is_some_and(|node| node.is_true());
    workload.compose = workload::Compose {
        mem_limit,
        deploy_limits: limits.map(|node| node.place.clone()),
        deploy_memory,
        restart: restart(service).and_then(without_end),
        ..workload::Compose::default()
    };
    workload.declared = declared(name, service);
    workload
}

fn declared(name: &str, service: &Node) -> Declared {
    let word = |name: &str| {
        let node = service.field(name)?;
        Some(Word { text: node.text()?.to_owned(), place: node.place.clone() })
    };
    Declared {
        key: name.to_owned(),
        owner: word("container_name").map(|word| word.text),
        swap: swap(service.field("memswap_limit")),
        restart: restart(service).map(|policy| Word { text: policy.docker, place: policy.place }),
        init: word("init"),
        stop_grace: word("stop_grace_period")
            .and_then(|word| Some((seconds(&word.text)?, word.place))),
    }
}

fn amount(node: Option<&Rc<Node>>) -> Stated {
    let Some(node) = node.filter(|node| !node.is_null()) else { return Stated::Nothing };
    let known = node.text().filter(|_| !node.is_open());
    match known.and_then(|text| parse(text, Dialect::Binary)) {
        Some(Bytes(0)) => Stated::Nothing,
        Some(bytes) => Stated::At(bytes, node.place.clone()),
        None => Stated::Open(node.place.clone()),
    }
}

fn swap(node: Option<&Rc<Node>>) -> Swap {
    if let Some(node) = node.filter(|node| node.text() == Some("-1")) {
        return Swap::Unlimited(node.place.clone());
    }
    match amount(node) {
        Stated::Nothing => Swap::Nothing,
        Stated::Open(_) => Swap::Open,
        Stated::At(bytes, place) => Swap::At(bytes, place),
    }
}

/// A duration as Go writes it: `1m30s`, `10s`, `500ms`; in whole seconds.
fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, behind) = rest.split_at_checked(digits)?;
        let end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, tail) = behind.split_at_checked(end)?;
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    (!text.trim().is_empty() && sum < 1e9).then_some(sum as u64)
}

/// The variables of `env_file` and above them those of `environment`.
fn environment(
    service: &Node,
    project: &mut Project<'_>,
    known: &Known,
) -> (Vec<Variable>, Unknown) {
    let mut unknown = Unknown::default();
    let mut found = Vec::new();
    if let Some(files) = service.field("env_file").filter(|node| !node.is_null()) {
        let one = std::slice::from_ref(files);
        for item in if files.items().is_empty() { one } else { files.items() } {
            let path = item.field("path").unwrap_or(item);
            let is_raw = item.field("format").and_then(|node| node.text()) == Some("raw");
            let read = path
                .text()
                .and_then(|text| project.variables_of(&path.place.file, text, known, is_raw));
            match read {
                Some(all) => found.extend(all.iter().cloned()),
                None => unknown.any = true,
            }
        }
    }
    let Some(node) = service.field("environment") else { return (found, unknown) };
    let listed = node.items().iter().filter_map(|item| {
        let text = item.text()?;
        let (name, value) = text.split_once('=').map_or((text, None), |(a, b)| (a, Some(b)));
        Some((name, value, item))
    });
    let mapped = node.entries().map(|(name, _, value)| {
        // A mapping's own mapping is no value.
        (name, value.text().or_else(|| (!value.is_null()).then_some("$")), value)
    });
    for (name, value, node) in listed.chain(mapped) {
        let value = value.map(str::to_owned).or_else(|| known.get(name).cloned());
        match value {
            Some(value) => {
                let place = node.place.clone();
                found.push(Variable { name: name.to_owned(), value, place });
            }
            // Not what a file says either, but what whoever runs it has.
            None => {
                found.retain(|variable| variable.name != name);
                unknown.names.push(name.to_owned());
            }
        }
    }
    (found, unknown)
}

/// A string is split into words, not given to a shell; and whether all of them are known.
fn words(node: &Rc<Node>) -> (Vec<Word>, bool) {
    let word = |text: String| Word { text, place: node.place.clone() };
    match node.text() {
        Some(line) => (shell::split(line).into_iter().map(word).collect(), !node.is_open()),
        None => {
            let items = node.items().iter();
            let found: Vec<Word> = items
                .filter_map(|item| {
                    Some(Word { text: item.text()?.to_owned(), place: item.place.clone() })
                })
                .collect();
            let is_whole = found.len() == node.items().len();
            (found, is_whole)
        }
    }
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
    let mut found: Vec<Scratch> = Vec::new();
    let mut add = |what: &str, path: Option<&str>, size: Stated, setting| {
        // What is mounted later hides what is there.
        found.retain(|other| path.is_none() || other.path.as_deref() != path);
        if let Stated::At(size, place) = size {
            let (what, path) = (what.to_owned(), path.map(str::to_owned));
            found.push(Scratch { what, size, place, setting, path });
        }
    };
    add("/dev/shm", Some("/dev/shm"), amount(service.field("shm_size")), "shm_size");
    if let Some(tmpfs) = service.field("tmpfs") {
        for mount in
            if tmpfs.text().is_some() { std::slice::from_ref(tmpfs) } else { tmpfs.items() }
        {
            let text = mount.text().unwrap_or_default();
            let (path, options) = text.split_once(':').unwrap_or((text, ""));
            let what = format!("the tmpfs at {path}");
            add(&what, Some(path), option(options, mount), "size=");
        }
    }
    for volume in service.field("volumes").map(|node| node.items()).unwrap_or_default() {
        let target = volume.field("target").and_then(|node| node.text()).unwrap_or("?");
        if volume.field("type").and_then(|node| node.text()) == Some("tmpfs") {
            let size = amount(volume.at(&["tmpfs", "size"]));
            add(&format!("the tmpfs at {target}"), Some(target), size, "size");
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
            add(&format!("the tmpfs volume at {path}"), None, size, "size=");
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

/// When it is started again.
struct Policy {
    /// As the file says it.
    said: String,
    /// As docker spells it: `on-failure:3`.
    docker: String,
    place: crate::place::Place,
}

/// The policy that counts: `deploy`'s beats `restart`.
fn restart(service: &Node) -> Option<Policy> {
    if let Some(policy) = service.at(&["deploy", "restart_policy"]) {
        let condition = policy.field("condition")?;
        let text = condition.text()?;
        let attempts = policy.field("max_attempts").and_then(|node| node.text());
        let name = match text {
            "any" => "always",
            "none" => "no",
            other => other,
        };
        let docker = match attempts {
            Some(attempts) => format!("{name}:{attempts}"),
            None => name.to_owned(),
        };
        let said = format!("condition: {text}");
        return Some(Policy { said, docker, place: condition.place.clone() });
    }
    let node = service.field("restart")?;
    let text = node.text().filter(|text| !text.contains('$'))?;
    let said = format!("restart: {}", text.split(':').next().unwrap_or(text));
    Some(Policy { said, docker: text.to_owned(), place: node.place.clone() })
}

/// A policy that starts the service again without end.
fn without_end(policy: Policy) -> Option<Word> {
    let (name, attempts) = policy.docker.split_once(':').unwrap_or((&policy.docker, ""));
    let bounded = attempts.parse::<u32>().is_ok_and(|attempts| attempts > 0);
    let again = matches!(name, "always" | "unless-stopped" | "on-failure");
    (again && !bounded).then_some(Word { text: policy.said, place: policy.place })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_whole_seconds() {
        for (text, expected) in [
            ("10s", Some(10)),
            ("1m30s", Some(90)),
            ("1h", Some(3600)),
            ("500ms", Some(0)),
            ("1.5s", Some(1)),
            ("10", None),
            ("", None),
            ("10x", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
