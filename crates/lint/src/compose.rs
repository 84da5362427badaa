//! Compose files → one workload per service.
//!
//! Several files are one project, merged in order; `extends`, `include`, `env_file` and `.env` are followed.
//! Every profile's services are looked at. The environment of whoever runs it is not read. Leans on the
//! Compose specification and, for what a container then gets, on compose's `create.go`.

mod dotenv;
mod merge;
mod service;
mod variables;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use self::merge::{Level, merge, without_marks};
use self::service::services;
use self::variables::{Known, interpolated};
use crate::Beside;
use crate::place::{Place, Unreadable};
use crate::tree::{Node, Value};
use crate::workload::{Variable, Workload};
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
    let mut project = Project {
        beside,
        problems: Vec::new(),
        budget: LARGEST,
        indices: HashMap::new(),
        variables: HashMap::new(),
    };
    // The first file's folder is the project's.
    let known = documents.first().map(|first| project.dotenv(&first.place.file, ".env"));
    let known = known.unwrap_or_default();
    let mut whole: Option<Rc<Node>> = None;
    for document in documents {
        let document = project.extended(&interpolated(document, &known), 0, &known);
        if project.spent(&document) || whole.as_ref().is_some_and(|node| project.spent(node)) {
            break;
        }
        whole = Some(match whole {
            Some(below) => merge(&below, &document, Level::File),
            None => document,
        });
    }
    let workloads = whole.map(|whole| services(&whole, &mut project, &known)).unwrap_or_default();
    (workloads, project.problems)
}

type Index = HashMap<String, Rc<Node>>;

/// Who names it, the path, and whether nothing in it has a meaning.
type FileOfVariables = (String, String, bool);

struct Project<'a> {
    beside: &'a Beside<'a>,
    problems: Vec<Unreadable>,
    /// Values that may still be written out.
    budget: u64,
    /// Of each document that something extends: the document, and its services by their names.
    indices: HashMap<*const Node, (Rc<Node>, Index)>,
    /// Files of variables, by who names them and how.
    variables: HashMap<FileOfVariables, Option<Rc<Vec<Variable>>>>,
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
    fn extended(&mut self, document: &Rc<Node>, depth: usize, known: &Known) -> Rc<Node> {
        let Some(services) = document.field("services") else {
            return self.included(document, depth, known);
        };
        let mut entries = Vec::new();
        for (name, key, service) in services.entries() {
            let service = self.service(document, name, service, depth, known);
            entries.push((key.clone(), service));
        }
        let services =
            Rc::new(Node::new(services.place.clone(), services.mark, Value::Map(entries)));
        let others = document.entries().filter(|(name, _, _)| *name != "services");
        let mut all: Vec<_> = others.map(|(_, key, value)| (key.clone(), value.clone())).collect();
        let key = Rc::new(Node::scalar(services.place.clone(), "services"));
        all.push((key, services));
        let whole = Rc::new(Node::new(document.place.clone(), document.mark, Value::Map(all)));
        self.included(&whole, depth, known)
    }

    fn service(
        &mut self,
        document: &Rc<Node>,
        name: &str,
        service: &Rc<Node>,
        depth: usize,
        known: &Known,
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
        let home = match extends.field("file").and_then(|node| node.text()) {
            Some(path) => match self.fetched(extends, path, known) {
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
        if self.spent(&below) {
            return service.clone();
        }
        let below = self.service(&home, &base, &without_marks(&below), depth + 1, known);
        if self.spent(&below) {
            return service.clone();
        }
        merge(&below, service, Level::Service)
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

    fn included(&mut self, document: &Rc<Node>, depth: usize, known: &Known) -> Rc<Node> {
        let Some(include) = document.field("include").cloned() else { return document.clone() };
        let mut whole = document.clone();
        for item in include.items() {
            let paths = item.field("path").unwrap_or(item);
            let paths =
                if paths.items().is_empty() { std::slice::from_ref(paths) } else { paths.items() };
            let mut part: Option<Rc<Node>> = None;
            let first = paths.first().and_then(|path| path.text()).unwrap_or_default();
            let known = self.known_to(item, first, known);
            for path in paths {
                let Some(path) = path.text() else { continue };
                if depth >= FURTHEST {
                    let why = format!("`{path}` is included in a circle, or too far");
                    self.problems.push(Unreadable::new(item.place.clone(), why));
                    return whole;
                }
                let Some(found) = self.fetched(item, path, &known) else { continue };
                let found = self.extended(&found, depth + 1, &known);
                if self.spent(&found) {
                    return whole;
                }
                part = Some(part.map_or(found.clone(), |below| merge(&below, &found, Level::File)));
            }
            let Some(part) = part.filter(|_| !self.spent(&whole)) else { continue };
            whole = merge(&part, &whole, Level::File);
        }
        whole
    }

    /// What an included file knows: what the including one does, and its own `.env` below it.
    fn known_to(&mut self, item: &Node, first: &str, known: &Known) -> Known {
        let own = item.field("env_file");
        let files: Vec<String> = match own {
            Some(own) if own.text().is_some() => {
                own.text().into_iter().map(str::to_owned).collect()
            }
            Some(own) => own.items().iter().filter_map(|it| it.text()).map(str::to_owned).collect(),
            None => {
                let folder = item.field("project_directory").and_then(|node| node.text());
                let of_first = first.rsplit_once('/').map_or(".", |(folder, _)| folder);
                vec![format!("{}/.env", folder.unwrap_or(of_first).trim_end_matches('/'))]
            }
        };
        let mut all = known.clone();
        for path in files {
            let mut own = self.dotenv(&item.place.file, &path);
            own.extend(std::mem::take(&mut all));
            all = own;
        }
        all
    }

    /// The variables of a file that may be missing.
    fn dotenv(&mut self, from: &Arc<str>, path: &str) -> Known {
        let found = self.variables_of(from, path, &Known::new(), false);
        let pairs = found.iter().flat_map(|all| all.iter());
        pairs.map(|it| (it.name.clone(), it.value.clone())).collect()
    }

    /// The variables of a file, each with its place; `None`: it cannot be read, or there are too many.
    fn variables_of(
        &mut self,
        from: &Arc<str>,
        path: &str,
        known: &Known,
        is_raw: bool,
    ) -> Option<Rc<Vec<Variable>>> {
        let key = (from.to_string(), path.to_owned(), is_raw);
        if let Some(found) = self.variables.get(&key) {
            return found.clone();
        }
        let read = (self.beside)(from, path).ok().and_then(|(name, bytes)| {
            let name: Arc<str> = Arc::from(name);
            let text = crate::text_of(&name, &bytes).ok()?;
            let lines = if is_raw { dotenv::read_raw(text) } else { dotenv::read(text, known) };
            let variable = |line: dotenv::Line| {
                let place = Place::new(&name, line.line, 1);
                let value = line.value.or_else(|| known.get(&line.name).cloned());
                let value = value.unwrap_or_else(|| format!("${{{}}}", line.name));
                Variable { name: line.name, value, place }
            };
            Some(Rc::new(lines.into_iter().map(variable).collect::<Vec<_>>()))
        });
        let costs = |all: &Rc<Vec<Variable>>| u64::try_from(all.len()).unwrap_or(u64::MAX);
        let read = read.filter(|all| costs(all) <= self.budget);
        self.budget = self.budget.saturating_sub(read.as_ref().map_or(0, costs));
        self.variables.insert(key, read.clone());
        read
    }

    /// A Compose file that another one names: its documents as one.
    fn fetched(&mut self, from: &Rc<Node>, path: &str, known: &Known) -> Option<Rc<Node>> {
        let read = (self.beside)(&from.place.file, path).map_err(|why| {
            Unreadable::new(from.place.clone(), format!("could not read `{path}`: {why}"))
        });
        let documents = read.and_then(|(name, bytes)| {
            let name: Arc<str> = Arc::from(name);
            let text = crate::text_of(&name, &bytes)?;
            yaml::read(&name, text)
        });
        let documents = documents.map_err(|problem| self.problems.push(problem)).ok()?;
        let mut whole: Option<Rc<Node>> = None;
        for document in documents {
            let document = interpolated(&document, known);
            whole = match whole {
                Some(_) if self.spent(&document) => break,
                Some(below) => Some(merge(&below, &document, Level::File)),
                None => Some(document),
            };
        }
        whole
    }
}
