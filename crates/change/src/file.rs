//! A user's own file: what runs by it, and an edit of one of those.
//!
//! An edit is read again before anybody sees it: what was asked for must have changed, and nothing else, wherever an
//! anchor leads. If not, it is refused.

mod compose;
mod dockerfile;
mod ecs;
mod environment;
mod kubernetes;
mod substitution;
mod words;

use std::rc::Rc;

use casefile::Bytes;

pub use crate::document::Unreadable;
use crate::document::{self, Node};
pub use crate::edit::Refused;
use crate::edit::{Editor, New};
use crate::plain::{Plain, differences};
use crate::text::{Edit, edited};

/// Things that run by one file. Real files have less than a hundred.
const MOST: usize = 2_000;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `compose.yaml`.
    Compose,
    /// A Dockerfile.
    Dockerfile,
    /// Manifests.
    Kubernetes,
    /// A task definition.
    Ecs,
}

/// A file that was read.
#[derive(Debug)]
pub struct File {
    kind: Kind,
    text: String,
    has_mark: bool,
    documents: Vec<Rc<Node>>,
    subjects: Vec<Subject>,
}

/// What runs by a file: a service, a container, an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// As the file calls it; empty for an image.
    pub name: String,
    /// What it is a part of: ``Deployment `api` ``.
    pub owner: Option<String>,
    /// Its image.
    pub image: Option<String>,
    /// The words of its main process, as far as the file says; of a string as a shell splits it.
    pub command: Vec<String>,
    /// Its variables.
    pub environment: Vec<Variable>,
    /// The limit of its own cgroup.
    pub limit: Stated,
    /// That limit is one level above, and other containers live in it too.
    pub is_shared: bool,
    /// Processors that it may use, in thousandths.
    pub cpus: Option<u32>,
    /// What else may say something: files of variables, a limit that is shared.
    pub remarks: Vec<String>,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value as the file spells it, without quotes.
    pub raw: String,
    /// Its value; `None`: it comes from somewhere else.
    pub value: Option<String>,
}

/// What a file says about an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stated {
    /// Nothing.
    #[default]
    Nothing,
    /// Something that is not known here: a variable, a template.
    Open,
    /// This much.
    At(Bytes),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// Another limit.
    pub limit: Option<Bytes>,
    /// Variables and their whole values, as the file spells them.
    pub variables: Vec<(String, String)>,
    /// Words of the command line, and those that take their place.
    pub words: Vec<(String, String)>,
    /// Options behind the command line: a program whose image puts its own name before them, and they.
    pub options: Option<(String, Vec<String>)>,
}

impl Wish {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A file's place that an edit may touch, and its documents.
pub(crate) struct Found<'a> {
    pub(crate) node: &'a Node,
    /// From the document: its number and the names and numbers of the way.
    pub(crate) path: Vec<String>,
    /// Compose: the services that it extends, the nearest first.
    pub(crate) below: Vec<&'a Node>,
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not text, not of a kind that is known, or broken.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(bytes).map_err(|error| Unreadable {
            line: bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1,
            why: "it is not text in UTF-8".to_owned(),
        })?;
        let (text, has_mark) = match text.strip_prefix('\u{feff}') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if dockerfile::is_one(name, text) {
            let subject = dockerfile::subject(text)?;
            let (kind, documents) = (Kind::Dockerfile, Vec::new());
            let subjects = vec![subject];
            return Ok(Self { kind, text: text.to_owned(), has_mark, documents, subjects });
        }
        let documents = document::read(text)?;
        let kind = kind_of(&documents).ok_or_else(|| Unreadable {
            line: 1,
            why: "it holds no service, pod or task definition".to_owned(),
        })?;
        let found = found(kind, &documents);
        if found.len() > MOST {
            let why = format!("more than {MOST} services, pods or containers stand in it");
            return Err(Unreadable { line: 1, why });
        }
        let subjects = found.iter().map(|it| subject(kind, it, &documents)).collect();
        Ok(Self { kind, text: text.to_owned(), has_mark, documents, subjects })
    }

    /// What kind it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What runs by it, in the order of the file.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// Its whole text.
    #[must_use]
    pub fn text(&self) -> String {
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        format!("{mark}{}", self.text)
    }

    /// The file with a wish for one of its subjects.
    ///
    /// # Errors
    /// It cannot be written there without changing something else.
    pub fn edited(&self, which: usize, wish: &Wish) -> Result<Self, Refused> {
        let nothing = || Refused("there is no such service".to_owned());
        let (edits, allowed) = match self.kind {
            Kind::Dockerfile => (dockerfile::edits(&self.text, wish)?, Vec::new()),
            _ => {
                let all = found(self.kind, &self.documents);
                let place = all.get(which).ok_or_else(nothing)?;
                (self.edits(place, wish)?, place.path.clone())
            }
        };
        let text = edited(&self.text, &edits)
            .ok_or_else(|| Refused("two edits stand at the same place".to_owned()))?;
        self.checked(&text, which, wish, &allowed)
    }

    fn edits(&self, place: &Found<'_>, wish: &Wish) -> Result<Vec<Edit>, Refused> {
        let mut editor = Editor::new(&self.text, &self.documents);
        match self.kind {
            Kind::Compose => compose::edit(&mut editor, place, wish, &self.text)?,
            Kind::Kubernetes => kubernetes::edit(&mut editor, place, wish)?,
            Kind::Ecs => ecs::edit(&mut editor, place, wish)?,
            Kind::Dockerfile => {}
        }
        Ok(editor.edits)
    }

    /// Reads the edited text as if it were a user's: what was asked for is there, the rest is as it was.
    fn checked(
        &self,
        text: &str,
        which: usize,
        wish: &Wish,
        allowed: &[String],
    ) -> Result<Self, Refused> {
        let wrong = |what: &str| Refused(format!("{what}; nothing was written"));
        let name = if self.kind == Kind::Dockerfile { "Dockerfile" } else { "" };
        let new = Self::read(name, text.as_bytes())
            .map_err(|error| wrong(&format!("the edited file would not be readable ({error})")))?;
        let (before, after) = (self.subjects.get(which), new.subjects.get(which));
        let (Some(before), Some(after)) = (before, after) else {
            return Err(wrong("the edit would change what runs by the file"));
        };
        for (at, other) in self.subjects.iter().enumerate().filter(|(at, _)| *at != which) {
            if new.subjects.get(at) != Some(other) {
                return Err(wrong(&format!(
                    "the edit would change `{}` too, by an anchor or `extends`",
                    other.name
                )));
            }
        }
        if self.subjects.len() != new.subjects.len() || self.documents.len() != new.documents.len()
        {
            return Err(wrong("the edit would change what runs by the file"));
        }
        let pairs = self.documents.iter().zip(&new.documents).enumerate();
        for (at, (old, new)) in pairs {
            for mut path in differences(&Plain::of(old), &Plain::of(new)) {
                path.insert(0, at.to_string());
                if !path.starts_with(allowed) {
                    let path: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
                    return Err(wrong(&format!("the edit would change `{}` too", path.join("."))));
                }
            }
        }
        let command = match self.kind {
            Kind::Dockerfile => dockerfile::expected(&before.command, wish),
            Kind::Compose | Kind::Kubernetes | Kind::Ecs => words::expected(&before.command, wish),
        };
        as_wished(before, after, wish, &command).map_err(|what| wrong(&what))?;
        Ok(Self { has_mark: self.has_mark, ..new })
    }
}

/// Whether a subject is as it was but for the wish.
fn as_wished(
    before: &Subject,
    after: &Subject,
    wish: &Wish,
    command: &[String],
) -> Result<(), String> {
    let mut expected = before.clone();
    for (name, raw) in &wish.variables {
        match expected.environment.iter_mut().find(|variable| variable.name == *name) {
            Some(variable) => variable.raw.clone_from(raw),
            None => expected.environment.push(Variable {
                name: name.clone(),
                raw: raw.clone(),
                value: None,
            }),
        }
    }
    let sorted = |subject: &Subject| -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> =
            subject.environment.iter().map(|it| (it.name.clone(), it.raw.clone())).collect();
        all.sort();
        all
    };
    if sorted(&expected) != sorted(after) {
        return Err("the variables would not be what was asked for".to_owned());
    }
    match wish.limit {
        Some(limit) if after.limit != Stated::At(limit) => {
            return Err("the limit would not be what was asked for".to_owned());
        }
        None if after.limit != before.limit => return Err("the limit would change".to_owned()),
        Some(_) | None => {}
    }
    if expected.image != after.image || expected.name != after.name || expected.cpus != after.cpus {
        return Err("more would change than was asked for".to_owned());
    }
    if command != after.command {
        return Err("the command line would not be what was asked for".to_owned());
    }
    Ok(())
}

fn kind_of(documents: &[Rc<Node>]) -> Option<Kind> {
    let any = |is: fn(&Node) -> bool| documents.iter().any(|node| is(node));
    if any(kubernetes::is_manifest) {
        Some(Kind::Kubernetes)
    } else if any(ecs::is_task) {
        Some(Kind::Ecs)
    } else if any(compose::is_compose) {
        Some(Kind::Compose)
    } else {
        None
    }
}

fn found(kind: Kind, documents: &[Rc<Node>]) -> Vec<Found<'_>> {
    let mut all = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let path = vec![at.to_string()];
        match kind {
            Kind::Compose => compose::find(document, path, &mut all),
            Kind::Kubernetes => kubernetes::find(document, path, &mut all),
            Kind::Ecs => ecs::find(document, path, &mut all),
            Kind::Dockerfile => {}
        }
    }
    all
}

fn subject(kind: Kind, found: &Found<'_>, documents: &[Rc<Node>]) -> Subject {
    match kind {
        Kind::Compose => compose::subject(found),
        Kind::Kubernetes => kubernetes::subject(found, documents),
        Kind::Ecs => ecs::subject(found, documents),
        Kind::Dockerfile => Subject::default(),
    }
}

impl<'a> Found<'a> {
    /// The value at a path of names, with the way to it.
    pub(crate) fn below(node: &'a Node, path: &[String], names: &[&str]) -> Option<Self> {
        let node = node.at(names)?;
        let path =
            path.iter().cloned().chain(names.iter().map(|name| (*name).to_owned())).collect();
        Some(Self { node, path, below: Vec::new() })
    }
}

/// A number of thousandths: `0.5`, `2`, `500m`.
pub(crate) fn thousandths(text: &str) -> Option<u32> {
    let (number, scale) = match text.trim().strip_suffix('m') {
        Some(number) => (number, 1.0),
        None => (text.trim(), 1000.0),
    };
    let number: f64 = number.parse().ok()?;
    let thousandths = (number * scale).round();
    (1.0..=4_000_000.0).contains(&thousandths).then_some(thousandths as u32)
}

/// A bound beside the limit that would not go with a new one.
pub(crate) fn against(
    bound: Stated,
    is_wrong: fn(Bytes, Bytes) -> bool,
    limit: Bytes,
    what: &str,
) -> Result<(), Refused> {
    match bound {
        Stated::At(bytes) if is_wrong(bytes, limit) => {
            Err(Refused(format!("{what} of {bytes} does not go with a limit of {limit}")))
        }
        Stated::At(_) | Stated::Nothing | Stated::Open => Ok(()),
    }
}

/// A text that is put in.
pub(crate) fn text(value: &str) -> New {
    New::Text(value.to_owned())
}
