//! # differs-from-running — the file and the running container differ
//!
//! ## What it looks for
//! Only with `why137 lint FILE --against NAME`. The container of this name and what the file says of it: the limit, swap
//! and reservation, the restart policy, the init, the time a stop may take, tmpfs and shm sizes, the environment's memory
//! settings (`NODE_OPTIONS`, `GOMEMLIMIT` …) and the options of the command that steer memory or the number of workers.
//!
//! Which service or container of the file it is: by its labels (`com.docker.compose.service`,
//! `io.kubernetes.container.name`, those of Swarm and ECS), else by its name.
//!
//! ## Why it means that
//! A container keeps what it was made with. A file that was changed and not applied, a `docker update` by hand
//! or another overlay leave the two apart: the next `up` brings other numbers than those that were tried, and
//! whoever reads the file looks for the death in the wrong numbers.
//!
//! ## What would speak against it
//! - It is meant to differ: an overlay of this machine that was not named. Name it too, in order.
//! - A variable of the environment of whoever ran `docker compose`: what it sets is not known here, and nothing is
//!   compared with it. `.env` beside the file is.
//! - What the image brings is known only if the daemon still has it.
//!
//! ## Example
//! ```yaml
//! services:
//!   api:
//!     image: shop/api:1.4
//!     mem_limit: 512m            # docker update -m 256m shop-api-1 was made by hand
//! ```
//!
//! ## References
//! - Docker Engine API, ContainerInspect; `docker container update`; Compose specification, 05-services

use std::collections::BTreeSet;

use casefile::Bytes;
use settings::memory_settings::is_memory_setting;

use super::sums::steering;
use super::{Rule, Wrong};
use crate::Level;
use crate::place::Place;
use crate::running::Running;
use crate::workload::{Platform, Stated, Swap, Variable, Word, Workload};

pub(super) const RULE: Rule = Rule {
    id: "differs-from-running",
    title: "the file and the running container differ",
    file: include_str!("differs_from_running.rs"),
    look: |_| Vec::new(),
};

/// What docker gives where nobody says anything.
const GRACE: u64 = 10;

/// Everything in which they differ.
pub(super) fn compare(file: &Workload, running: &Running) -> Vec<Wrong> {
    let mut found = Found { file, wrong: Vec::new() };
    let has_amounts = !matches!(file.platform, Platform::Dockerfile);
    if has_amounts {
        amounts(&mut found, running);
        file_systems(&mut found, &running.workload);
    }
    if file.platform == Platform::Compose {
        life(&mut found, running);
    }
    environment(&mut found, running);
    command(&mut found, running);
    found.wrong
}

struct Found<'a> {
    file: &'a Workload,
    wrong: Vec<Wrong>,
}

impl Found<'_> {
    fn differ(&mut self, level: Level, place: &Place, what: &str, file: &str, container: &str) {
        let name = &self.file.name;
        let message =
            format!("{name}: {what}: the file says {file}, the container has {container}");
        let again = match self.file.platform {
            Platform::Compose => {
                format!(
                    "`docker compose up -d {}` makes it as the file says",
                    self.file.declared.key
                )
            }
            Platform::Kubernetes => "`kubectl apply` makes it as the file says".to_owned(),
            Platform::Ecs => "a new revision, deployed, makes it as the file says".to_owned(),
            Platform::Dockerfile => "an image that is built again, and a new container".to_owned(),
        };
        let right = match container {
            "none" | "no" | "no size" => "take it out of the file".to_owned(),
            container => format!("write {container} into the file"),
        };
        let instead = format!("{again}; if the container is right, {right}");
        self.wrong.push(Wrong { level, place: place.clone(), message, instead });
    }
}

fn said(stated: &Stated) -> String {
    stated.bytes().map_or_else(|| "none".to_owned(), |bytes| bytes.to_string())
}

fn amounts(found: &mut Found<'_>, running: &Running) {
    let (file, container) = (found.file, &running.workload);
    let has_same_limit = file.limit.bytes() == container.limit.bytes();
    if !matches!(file.limit, Stated::Open(_)) && !has_same_limit {
        let place = file.limit.place().unwrap_or(&file.place);
        let (ours, theirs) = (said(&file.limit), said(&container.limit));
        found.differ(Level::Warning, place, "the memory limit", &ours, &theirs);
    }
    // The kubelet gives requests to the scheduler, not to the runtime.
    let reserves = matches!(file.platform, Platform::Compose | Platform::Ecs);
    let is_open = matches!(file.reserved, Stated::Open(_));
    if reserves && !is_open && file.reserved.bytes() != container.reserved.bytes() {
        let place = file.reserved.place().unwrap_or(&file.place);
        let (ours, theirs) = (said(&file.reserved), said(&container.reserved));
        found.differ(Level::Note, place, "the reservation", &ours, &theirs);
    }
    if file.platform == Platform::Compose {
        swap(found, running, has_same_limit);
    }
}

/// Without a word docker allows as much swap as memory; `-1` stands there where the kernel counts no swap.
fn swap(found: &mut Found<'_>, running: &Running, has_same_limit: bool) {
    let file = found.file;
    let spelled = |swap: &Swap| match swap {
        Swap::Nothing | Swap::Open => "none".to_owned(),
        Swap::Unlimited(_) => "no bound".to_owned(),
        Swap::At(bytes, _) => bytes.to_string(),
    };
    let theirs = &running.workload.declared.swap;
    let (ours, place, differs) = match (&file.declared.swap, theirs) {
        (Swap::Open, _) => return,
        (Swap::Nothing, Swap::At(theirs, _)) => {
            let usual = file.limit.bytes().map(|limit| Bytes(limit.0.saturating_mul(2)));
            let Some(usual) = usual.filter(|_| has_same_limit && !running.has_supervisor) else {
                return;
            };
            let ours = format!("nothing, which is {usual}");
            (ours, file.limit.place().unwrap_or(&file.place), *theirs != usual)
        }
        (Swap::Nothing, Swap::Nothing | Swap::Open | Swap::Unlimited(_)) => return,
        (ours @ Swap::Unlimited(place), theirs) => {
            (spelled(ours), place, !matches!(theirs, Swap::Unlimited(_)))
        }
        (ours @ Swap::At(bytes, place), theirs) => {
            // Where the kernel counts no swap the number is dropped.
            let dropped = matches!(theirs, Swap::Unlimited(_));
            let differs = !matches!(theirs, Swap::At(theirs, _) if theirs == bytes);
            (spelled(ours), place, differs && !dropped)
        }
    };
    if differs {
        let theirs = spelled(theirs);
        found.differ(Level::Warning, place, "memory and swap together", &ours, &theirs);
    }
}

fn file_systems(found: &mut Found<'_>, container: &Workload) {
    for ours in &found.file.scratch {
        let Some(path) = &ours.path else { continue };
        let theirs = container.scratch.iter().find(|it| it.path.as_ref() == Some(path));
        if theirs.map(|it| it.size) == Some(ours.size) {
            continue;
        }
        let theirs = theirs.map_or_else(|| "no size".to_owned(), |it| it.size.to_string());
        let size = ours.size.to_string();
        found.differ(Level::Note, &ours.place, &ours.what, &size, &theirs);
    }
}

/// How it is started and stopped.
fn life(found: &mut Found<'_>, running: &Running) {
    let (file, container) = (&found.file.declared, &running.workload.declared);
    let at = &found.file.place;
    let place = |word: &Option<Word>| word.as_ref().map_or(at, |word| &word.place).clone();
    let theirs = container.restart.as_ref().map_or("no", |word| &word.text);
    // `on-failure:0` has no bound either.
    let plain = |text: &str| text.strip_suffix(":0").unwrap_or(text).to_owned();
    let ours = file.restart.as_ref().map_or_else(|| "no".to_owned(), |word| plain(&word.text));
    if !running.has_supervisor && ours != theirs {
        let place = place(&file.restart);
        found.differ(Level::Note, &place, "the restart policy", &ours, theirs);
    }
    // Of what the file does not say the daemon's own default decides.
    if let Some(ours) = file.init.as_ref().filter(|word| matches!(&*word.text, "true" | "false")) {
        let theirs = container.init.as_ref().map_or("false", |word| &word.text);
        if ours.text != theirs {
            found.differ(Level::Note, &ours.place, "the init", &ours.text, theirs);
        }
    }
    let theirs = container.stop_grace.as_ref().map(|(seconds, _)| *seconds);
    let ours = file.stop_grace.as_ref();
    if ours.map_or(GRACE, |(seconds, _)| *seconds) != theirs.unwrap_or(GRACE) {
        let place = ours.map_or(at, |(_, place)| place).clone();
        let seconds = |it: Option<u64>| format!("{} s", it.unwrap_or(GRACE));
        let ours = seconds(ours.map(|(seconds, _)| *seconds));
        let theirs = seconds(theirs);
        found.differ(Level::Note, &place, "the time that a stop may take", &ours, &theirs);
    }
}

fn value<'a>(all: &'a [Variable], name: &str) -> Option<&'a Variable> {
    all.iter().rfind(|variable| variable.name == name)
}

fn environment(found: &mut Found<'_>, running: &Running) {
    let file = found.file;
    let theirs = &running.workload.environment;
    let names: BTreeSet<&str> = file.environment.iter().map(|it| it.name.as_str()).collect();
    for name in names.iter().filter(|name| is_memory_setting(name)) {
        let Some(ours) = value(&file.environment, name) else { continue };
        if super::sums::is_open(&ours.value) {
            continue;
        }
        let theirs = value(theirs, name).map(|variable| variable.value.as_str());
        if theirs != Some(&ours.value) {
            let quoted = |text: &str| format!("`{text}`");
            let theirs = theirs.map_or_else(|| "none".to_owned(), quoted);
            let what = format!("the variable {name}");
            found.differ(Level::Warning, &ours.place, &what, &quoted(&ours.value), &theirs);
        }
    }
    // What only the container has may be its image's.
    let Some(image) = &running.image else { return };
    if file.platform == Platform::Dockerfile {
        return;
    }
    let others: BTreeSet<&str> = theirs.iter().map(|it| it.name.as_str()).collect();
    for name in others.difference(&names).filter(|name| is_memory_setting(name)) {
        let theirs = value(theirs, name);
        let is_images =
            value(&image.environment, name).map(|it| &it.value) == theirs.map(|it| &it.value);
        if let Some(theirs) = theirs.filter(|_| !is_images && !file.unknown.may_hold(name)) {
            let what = format!("the variable {name}");
            let value = format!("`{}`", theirs.value);
            found.differ(Level::Warning, &file.place, &what, "nothing", &value);
        }
    }
}

/// The options that steer memory, of the parts of the command that the file gives.
fn command(found: &mut Found<'_>, running: &Running) {
    let file = found.file;
    let container = &running.workload;
    if file.is_command_open || file.command.iter().any(|word| super::sums::is_open(&word.text)) {
        return;
    }
    let own_part = |all: &Workload| -> Vec<String> {
        // An entrypoint of the image stands in front of a command of the file's.
        let skipped = if file.entrypoint == 0 { all.entrypoint } else { 0 };
        steering(all.command.get(skipped..).unwrap_or_default())
    };
    let (ours, place) = match (file.command.first(), &running.image) {
        (Some(first), _) => (steering(&file.command), first.place.clone()),
        (None, Some(image)) if file.platform != Platform::Dockerfile && !file.is_partial => {
            (own_part(image), file.place.clone())
        }
        (None, _) => return,
    };
    let theirs = own_part(container);
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    let (ours, theirs) = (sorted(ours), sorted(theirs));
    if ours != theirs {
        let spelled = |words: &[String]| match words {
            [] => "none".to_owned(),
            words => format!("`{}`", words.join(" ")),
        };
        let what = "the command's options for memory and workers";
        found.differ(Level::Warning, &place, what, &spelled(&ours), &spelled(&theirs));
    }
}
