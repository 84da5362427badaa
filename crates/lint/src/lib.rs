//! What stands in Compose files, Dockerfiles, Kubernetes manifests and ECS task definitions that ends,
//! sooner or later, with 137.
//!
//! Files are read by their grammar into workloads ([`workload`]); each rule is one file in `rules/`, whose
//! head is its manual page. Nothing is read from the disk here but by the caller's [`Beside`], nothing is
//! run, and no number is recommended that the file or `settings` does not give.

mod compose;
mod dockerfile;
mod ecs;
mod kubernetes;
mod place;
mod rules;
mod running;
mod shell;
mod template;
mod tree;
mod workload;
mod yaml;

use std::rc::Rc;
use std::sync::Arc;

pub use place::{Place, Unreadable};
pub use rules::manuals;
pub use running::{NotComparable, Running};

use tree::Node;
use workload::Workload;

/// A file to look at.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it was named.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Reads a file that another one names (`extends`, `include`): the naming file and the path in it; gives
/// the path by which it is spoken of, and its content, or why it cannot be read.
pub type Beside<'a> = dyn Fn(&str, &str) -> Result<(String, Vec<u8>), String> + 'a;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It will bite somewhere else, or under conditions that are told.
    Note,
    /// It bites when the load comes.
    Warning,
    /// It cannot work as written.
    Error,
}

impl Level {
    /// As SARIF spells it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is.
    pub level: Level,
    /// Where.
    pub place: Place,
    /// What is wrong, with the arithmetic.
    pub message: String,
    /// What to write instead.
    pub instead: String,
}

/// Something to know that is no finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The file it is about.
    pub file: String,
    /// What.
    pub text: String,
}

/// What came of all files.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// In the order of the files and their lines.
    pub findings: Vec<Finding>,
    /// Files that were skipped, and why.
    pub notes: Vec<Note>,
    /// Files that cannot be read.
    pub problems: Vec<Unreadable>,
    /// Services, containers and images that were looked at.
    pub workloads: usize,
}

/// Looks at files together: several Compose files are one project, merged in order.
#[must_use]
pub fn check(sources: &[Source], beside: &Beside<'_>) -> Outcome {
    let (outcome, workloads) = read_all(sources, beside);
    judged(outcome, sources, rules::look(&workloads))
}

/// The same, and in what the files and a running container differ.
///
/// # Errors
/// The files hold nothing that the container can be, or several such things.
pub fn check_against(
    sources: &[Source],
    beside: &Beside<'_>,
    running: &Running,
) -> Result<Outcome, NotComparable> {
    let (mut outcome, workloads) = read_all(sources, beside);
    let mut findings = rules::look(&workloads);
    // Without a single workload the files' own problems say why.
    if !workloads.is_empty() || outcome.problems.is_empty() {
        let meant = running.meant(&workloads)?;
        findings.extend(rules::compare(meant, running));
        outcome.notes.extend(running.notes(meant));
    }
    Ok(judged(outcome, sources, findings))
}

fn judged(mut outcome: Outcome, sources: &[Source], findings: Vec<Finding>) -> Outcome {
    outcome.findings = findings;
    let order = |file: &str| sources.iter().position(|source| source.name == file);
    outcome.findings.sort_by(|one, other| {
        let key = |it: &Finding| (order(&it.place.file), it.place.line, it.place.column);
        key(one).cmp(&key(other))
    });
    outcome
}

/// What the files hold, in their order; the services of a project stand where its first file does.
fn read_all(sources: &[Source], beside: &Beside<'_>) -> (Outcome, Vec<Workload>) {
    let mut outcome = Outcome::default();
    let mut workloads = Vec::new();
    let mut project: Vec<Rc<Node>> = Vec::new();
    let mut before_project = 0;
    let mut templates: Vec<Arc<str>> = Vec::new();
    for source in sources {
        let name: Arc<str> = Arc::from(source.name.as_str());
        let mut note = |text: String| {
            outcome.notes.push(Note { file: source.name.clone(), text });
        };
        let documents = match read(&name, &source.bytes) {
            Ok(Read::Workload(one)) => {
                workloads.push(*one);
                continue;
            }
            Ok(Read::Documents(documents)) => documents,
            Ok(Read::Rest(documents)) => {
                note(HALF_READ.to_owned());
                templates.push(name);
                documents
            }
            Ok(Read::Template(why)) => {
                note(format!("a template that is not yet YAML, skipped ({why}); render it first"));
                continue;
            }
            Err(problem) => {
                outcome.problems.push(problem);
                continue;
            }
        };
        let count = (workloads.len(), project.len());
        let mut notes = Vec::new();
        for document in documents {
            if kubernetes::is_kustomization(&document) {
                notes.push(KUSTOMIZATION.to_owned());
            } else if kubernetes::is_manifest(&document) {
                workloads.extend(kubernetes::read(&document));
            } else if let Some(found) = ecs::read(&document, &mut notes) {
                workloads.extend(found);
            } else if compose::is_compose(&document) {
                if project.is_empty() {
                    before_project = workloads.len();
                }
                project.push(document);
            }
        }
        if count == (workloads.len(), project.len()) && notes.is_empty() {
            notes.push("it holds no service, pod or task definition; skipped".to_owned());
        }
        notes.into_iter().for_each(note);
    }
    let (services, problems) = compose::read(&project, beside);
    outcome.problems.extend(problems);
    workloads.splice(before_project..before_project, services);
    outcome.workloads = workloads.len();
    let is_half = |one: &Workload| templates.contains(&one.place.file);
    let whole = workloads.into_iter().map(|it| if is_half(&it) { it.in_part() } else { it });
    (outcome, whole.collect())
}

const HALF_READ: &str = "a template: what stands outside its marks is looked at, and nothing is concluded \
     from what is missing; render it to have all of it looked at (`helm template … | why137 lint -`)";
const KUSTOMIZATION: &str = "a kustomization: what it comes to is looked at by \
     `kubectl kustomize FOLDER | why137 lint -`";

enum Read {
    Workload(Box<Workload>),
    Documents(Vec<Rc<Node>>),
    /// What is left of a template without its marks.
    Rest(Vec<Rc<Node>>),
    /// It holds template marks and cannot be read: why.
    Template(String),
}

fn read(name: &Arc<str>, bytes: &[u8]) -> Result<Read, Unreadable> {
    let text = text_of(name, bytes)?;
    if text.trim().is_empty() {
        return Err(Unreadable::new(Place::new(name, 1, 1), "it is empty"));
    }
    let is_dockerfile = is_dockerfile(name, text);
    let read = if is_dockerfile {
        dockerfile::read(name, text, None).map(|one| Read::Workload(Box::new(one)))
    } else {
        yaml::read(name, text).map(Read::Documents)
    };
    match read {
        Err(error) if template::has_marks(text) => {
            let rest = match is_dockerfile {
                true => Err(error),
                false => yaml::read(name, &template::blanked(text)),
            };
            Ok(match rest {
                Ok(documents) => Read::Rest(documents),
                Err(error) => Read::Template(format!("line {}: {}", error.place.line, error.why)),
            })
        }
        other => other,
    }
}

/// The text of a file, without a byte order mark.
fn text_of<'a>(name: &Arc<str>, bytes: &'a [u8]) -> Result<&'a str, Unreadable> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let read = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
            let start = read.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let before = String::from_utf8_lossy(read.get(start..).unwrap_or_default());
            let place = Place::new(name, line, before.chars().count() + 1);
            Err(Unreadable::new(place, "it is not text in UTF-8"))
        }
    }
}

/// By the name, else by the first instruction.
fn is_dockerfile(name: &str, text: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let stem = base.split(['.', '-', '_']).next().unwrap_or_default();
    let extension = base.rsplit('.').next().unwrap_or_default();
    let kinds = ["dockerfile", "containerfile"];
    if matches!(extension, "yml" | "yaml" | "json") {
        return false;
    }
    if kinds.contains(&stem) || kinds.contains(&extension) {
        return true;
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = first.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    ["FROM", "ARG"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}
