//! A user's own file: what runs by it, what each of that is told, and the diff that makes it fit.
//!
//! The diff is checked before it is shown: the edited file is read again, and what it then tells the runtime must
//! lead to what was promised. What is not known (a runtime, a limit) is said, and left alone.

use std::fs::File as OpenFile;
use std::io::{self, Read};

use anyhow::Context;
use casefile::Bytes;
use change::{File, Kind, Stated, Subject, Wish, in_place};
use serde_json::{Value, json};
use settings::runtimes::advice::{Advice, Place, Setting};
use settings::runtimes::{Belief, Fits, Runtime, Told, Version, names};

use super::AlignArgs;
use super::answer::{Answer, Question};
use crate::failure::{Failure, USAGE};

/// A deployment file is not larger; one that is is not edited.
const LARGEST: u64 = 1 << 20;

/// Each is an edit of the whole file.
const MOST: usize = 100;

/// What came of a file.
pub(super) struct Aligned {
    /// As it was named.
    pub(super) name: String,
    /// Its content.
    pub(super) old: String,
    /// Its content as it should be.
    pub(super) new: String,
    /// What was found of each thing that runs by it.
    pub(super) parts: Vec<Part>,
}

/// One thing that runs by a file.
pub(super) struct Part {
    /// As it is spoken of.
    pub(super) name: String,
    /// What to tell it; `None`: it is left alone.
    pub(super) answer: Option<Answer>,
    /// Why it is left alone, or why its advice has no place in the file.
    pub(super) problem: Option<String>,
    /// What else is to be known or done by hand.
    pub(super) notes: Vec<String>,
    /// It is no runtime that is known; nobody asked about it.
    pub(super) is_stranger: bool,
}

/// Aligns a file, or one service of it.
pub(super) fn align(arguments: &AlignArgs, name: &str) -> anyhow::Result<Aligned> {
    let bytes = read(name)?;
    let unreadable = |error: change::Unreadable| {
        Failure::new(USAGE, format!("could not read `{name}`: {error}")).hint(
            "files of Compose, Docker, Kubernetes or ECS:\nwhy137 align compose.yaml --service api",
        )
    };
    let file = File::read(name, &bytes).map_err(unreadable)?;
    let chosen = chosen(&file, arguments.service.as_deref())?;
    if arguments.runtime.is_some() && chosen.len() > 1 {
        return Err(Failure::new(
            USAGE,
            "`--runtime` says it of one service, and the file has several",
        )
        .hint(format!("--service {}", shown(&file)))
        .into());
    }
    if chosen.len() > MOST {
        let many = format!(
            "{} services run by `{name}`: more than {MOST} are not looked at at once",
            chosen.len()
        );
        return Err(Failure::new(USAGE, many).hint("--service api").into());
    }
    let mut aligned =
        Aligned { name: name.to_owned(), old: file.text(), new: String::new(), parts: Vec::new() };
    let mut file = file;
    for which in chosen {
        let Some(subject) = file.subjects().get(which) else { continue };
        let (part, edited) = part(arguments, &file, which, subject)?;
        aligned.parts.push(part);
        file = edited.unwrap_or(file);
    }
    aligned.new = file.text();
    Ok(aligned)
}

/// A file or standard input, up to [`LARGEST`].
fn read(name: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if name == "-" {
        io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)
    } else {
        OpenFile::open(name).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("could not read `{name}`"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Failure::new(
            USAGE,
            format!("`{name}` is larger than 1 MiB: no deployment file is"),
        )
        .into());
    }
    Ok(bytes)
}

/// The services that are meant, by their places.
fn chosen(file: &File, service: Option<&str>) -> Result<Vec<usize>, Failure> {
    let all = file.subjects();
    let Some(wanted) = service else { return Ok((0..all.len()).collect()) };
    let is_it = |subject: &Subject| {
        let owner = subject.owner.as_deref().unwrap_or_default();
        let object = owner.split('`').nth(1).unwrap_or(owner);
        subject.name == wanted || object == wanted || format!("{object}/{}", subject.name) == wanted
    };
    let found: Vec<usize> =
        all.iter().enumerate().filter(|(_, it)| is_it(it)).map(|(at, _)| at).collect();
    if found.is_empty() {
        return Err(Failure::new(USAGE, format!("the file has no service `{wanted}`"))
            .hint(format!("it has: {}", shown(file))));
    }
    Ok(found)
}

fn shown(file: &File) -> String {
    let names: Vec<&str> = file.subjects().iter().map(|subject| subject.name.as_str()).collect();
    names.join(", ")
}

/// What runs, as far as the file tells: the runtime, its version, its arguments.
struct Runs {
    runtime: Runtime,
    version: Option<Version>,
    arguments: Vec<String>,
    /// The words of the command are the program's own, so that options may stand behind them.
    is_plain: bool,
}

fn runs(arguments: &AlignArgs, subject: &Subject) -> Option<Runs> {
    let given = arguments.runtime.clone();
    let image = subject.image.as_deref().and_then(names::of_image);
    let variables = subject
        .environment
        .iter()
        .filter_map(|it| names::of_variable(&it.name, it.value.as_deref()?));
    let program = names::program(&subject.command);
    let runtime = match (&given, &program, &image) {
        (Some((runtime, _)), _, _) | (None, Some((runtime, _)), _) => *runtime,
        (None, None, Some((runtime, _))) => *runtime,
        (None, None, None) => return None,
    };
    let of_image = image.filter(|(of, _)| *of == runtime).and_then(|(_, version)| version);
    let of_variable = variables.filter(|(of, _)| *of == runtime).map(|(_, version)| version);
    let of_variable = of_variable.reduce(|_, last| last);
    let arguments = program.filter(|(of, _)| *of == runtime).map(|(_, words)| words);
    let is_plain = subject.command.is_empty()
        || subject.command.first().is_some_and(|word| {
            names::of_program(word) == Some(runtime)
                || word.ends_with("docker-entrypoint.sh")
                || word.starts_with('-')
        });
    // Options alone are those of the image's own program.
    let options = subject.command.first().filter(|word| word.starts_with('-'));
    let own = || options.map(|_| subject.command.clone()).unwrap_or_default();
    Some(Runs {
        runtime,
        version: given.and_then(|(_, version)| version).or(of_variable).or(of_image),
        arguments: arguments.unwrap_or_else(own),
        is_plain,
    })
}

/// What the file tells; values as it spells them where `raw` is asked for.
fn told(arguments: &AlignArgs, subject: &Subject, runs: &Runs, raw: bool) -> Result<Told, Failure> {
    let mut told = arguments.imagined.told()?;
    let spelled = |it: &change::Variable| match (&it.value, raw) {
        (Some(value), false) => value.clone(),
        _ => it.raw.clone(),
    };
    let environment = subject.environment.iter().map(|it| (it.name.clone(), spelled(it)));
    told.environment.splice(0..0, environment);
    told.arguments.splice(0..0, runs.arguments.iter().cloned());
    Ok(told)
}

fn part(
    arguments: &AlignArgs,
    file: &File,
    which: usize,
    subject: &Subject,
) -> anyhow::Result<(Part, Option<File>)> {
    let mut part = Part {
        name: called(subject, file.kind()),
        answer: None,
        problem: None,
        notes: subject.remarks.clone(),
        is_stranger: false,
    };
    let Some(runs) = runs(arguments, subject) else {
        let image = subject.image.as_deref().unwrap_or("an image that is not named");
        part.problem =
            Some(format!("its runtime is not known from `{image}`: `--runtime node@22` says it"));
        part.is_stranger = arguments.service.is_none() && arguments.runtime.is_none();
        return Ok((part, None));
    };
    let stated = match subject.limit {
        Stated::At(bytes) => Some(bytes),
        Stated::Nothing | Stated::Open => None,
    };
    let Some(limit) = arguments.limit.or(stated) else {
        let why = match subject.limit {
            Stated::Open => "its limit comes from a variable: `--limit 512m` says it",
            Stated::At(_) | Stated::Nothing if file.kind() == Kind::Dockerfile => {
                "a Dockerfile has no limit: `--limit 512m` says it"
            }
            Stated::At(_) | Stated::Nothing => "it has no limit: `--limit 512m` sets one",
        };
        part.problem = Some(why.to_owned());
        return Ok((part, None));
    };
    if subject.is_shared && arguments.limit.is_none() {
        let why = "its limit is one that several containers share: `--limit 512m` says which part is this one's";
        part.problem = Some(why.to_owned());
        return Ok((part, None));
    }
    let view = arguments.imagined.view_with(Some(limit), subject.cpus)?;
    let mut room = arguments.measured.room(limit, arguments.imagined.count);
    let first = subject.command.first().map_or("", String::as_str);
    if let Some((name, bytes)) = recognise::before::beside(first) {
        room.others = Bytes(room.others.0.saturating_add(bytes.0));
        part.notes.push(format!("`{name}` stays beside it: {bytes} are left for it"));
    }
    let changes_limit =
        arguments.limit.filter(|_| stated != Some(limit) && file.kind() != Kind::Dockerfile);
    let question = Question {
        runtime: runs.runtime,
        version: runs.version.clone(),
        view,
        told: told(arguments, subject, &runs, false)?,
        spelled: Some(told(arguments, subject, &runs, true)?),
        room,
        is_new_limit: changes_limit.is_some(),
    };
    let answer = question.answer();
    let edited = if answer.is_refusal() {
        Ok(None)
    } else {
        wish(&answer, subject, changes_limit, &mut part, &runs)
            .and_then(|wish| written(arguments, file, which, &answer, &wish))
    };
    let edited = edited.unwrap_or_else(|why| {
        part.problem = Some(why);
        None
    });
    part.answer = Some(answer);
    Ok((part, edited))
}

fn called(subject: &Subject, kind: Kind) -> String {
    match (&subject.owner, kind) {
        (_, Kind::Dockerfile) => "the image".to_owned(),
        (Some(owner), _) => format!("{} of {owner}", subject.name),
        (None, _) => subject.name.clone(),
    }
}

/// The file with the wish in it; `None`: nothing has to change.
fn written(
    arguments: &AlignArgs,
    file: &File,
    which: usize,
    answer: &Answer,
    wish: &Wish,
) -> Result<Option<File>, String> {
    if wish.is_empty() {
        return Ok(None);
    }
    let edited = file.edited(which, wish).map_err(|refused| refused.to_string())?;
    let again = |subject: &Subject| {
        let runs = runs(arguments, subject)?;
        told(arguments, subject, &runs, false).ok()
    };
    let told = edited.subjects().get(which).and_then(again);
    let told = told.ok_or("the edited file would not tell its runtime any more")?;
    let told = with_files(told, &answer.advice);
    let same = |one: &(Belief, Fits), other: &(Belief, Fits)| {
        one.1 == other.1
            && one.0.ceiling == other.0.ceiling
            && one.0.number() == other.0.number()
            && one.0.refuses == other.0.refuses
    };
    let promised = (answer.belief.clone(), answer.fits);
    if !same(&answer.outcome_of(&told), &promised) {
        return Err(
            "a variable or another setting of the file would beat the new one; set it by hand"
                .to_owned(),
        );
    }
    Ok(Some(edited))
}

/// What goes into the program's own files is not in this one; it is told beside the diff.
fn with_files(told: Told, advice: &Advice) -> Told {
    let of_files = |setting: &&Setting| matches!(setting.place, Place::File(_));
    let settings = advice.settings.iter().filter(of_files).cloned().collect();
    Advice { settings, ..Advice::default() }.applied(&told)
}

fn wish(
    answer: &Answer,
    subject: &Subject,
    limit: Option<Bytes>,
    part: &mut Part,
    runs: &Runs,
) -> Result<Wish, String> {
    let mut wish = Wish { limit, ..Wish::default() };
    let mut options = Vec::new();
    for setting in &answer.advice.settings {
        let word = setting.word();
        match (setting.place, &setting.replaces) {
            (Place::Environment, old) => {
                let value = kept_order(answer, setting, old.as_deref().unwrap_or_default());
                if old.as_ref() != Some(&value) {
                    wish.variables.push((setting.name.clone(), value));
                }
            }
            (Place::Argument, Some(old)) if *old != word => wish.words.push((old.clone(), word)),
            (Place::Argument, Some(_)) => {}
            (Place::Argument, None) => options.extend(word.splitn(2, ' ').map(str::to_owned)),
            (Place::File(file), _) => part.notes.push(format!("put into {file}: {word}")),
        }
    }
    if !options.is_empty() {
        let program = program_of(runs.runtime).filter(|_| runs.is_plain).ok_or_else(|| {
            format!("its command is not the program's own; put there: {}", options.join(" "))
        })?;
        if subject.command.is_empty() {
            part.notes.push(format!(
                "the command is that of the official image: `{program}` and its options"
            ));
        }
        wish.options = Some((program.to_owned(), options));
    }
    Ok(wish)
}

/// The new value with each word where its old one stood, if that comes to the same.
fn kept_order(answer: &Answer, setting: &Setting, old: &str) -> String {
    let value = in_place(old, &setting.value);
    let with = |value: &str| {
        let settings = answer.advice.settings.iter().map(|it| match it.name == setting.name {
            true => Setting { value: value.to_owned(), ..setting.clone() },
            false => it.clone(),
        });
        let advice = Advice { settings: settings.collect(), ..Advice::default() };
        let (belief, fits) = answer.outcome_of(&advice.applied(answer.question.as_spelled()));
        (belief.ceiling, belief.number(), belief.refuses, fits)
    };
    if with(&value) == with(&setting.value) { value } else { setting.value.clone() }
}

/// The program that an official image starts where its command is options alone.
fn program_of(runtime: Runtime) -> Option<&'static str> {
    match runtime {
        Runtime::Postgres => Some("postgres"),
        Runtime::Redis => Some("redis-server"),
        Runtime::MariaDb => Some("mariadbd"),
        _ => None,
    }
}

impl Aligned {
    /// Whether something that was asked about is not as it should be.
    pub(super) fn is_refusal(&self) -> bool {
        let bad = |part: &Part| {
            part.problem.is_some() && !part.is_stranger
                || part.answer.as_ref().is_some_and(Answer::is_refusal)
        };
        self.parts.iter().any(bad) || self.parts.iter().all(|part| part.is_stranger)
    }

    /// What changes, as `patch` reads it.
    pub(super) fn diff(&self) -> String {
        change::unified(&self.name, &self.old, &self.new)
    }

    /// What was set, in a few words.
    pub(super) fn summary(&self) -> String {
        let answers = self.parts.iter().filter_map(|part| Some((part, part.answer.as_ref()?)));
        let said = answers.map(|(part, answer)| format!("{}: {}", part.name, answer.name()));
        said.collect::<Vec<_>>().join("; ")
    }

    /// What is told beside the diff, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for part in &self.parts {
            let mut say = |text: &str| lines.push(format!("{}: {text}", part.name));
            if let Some(answer) = &part.answer {
                say(&answer.headline());
                if answer.is_right {
                    say("nothing has to change");
                }
                if let Some(what) = answer.advice.unbounded.as_ref().filter(|_| !answer.is_right) {
                    say(&format!("not bounded: {what}"));
                }
            }
            part.problem.iter().chain(&part.notes).for_each(|text| say(text));
        }
        lines
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let parts: Vec<Value> = self
            .parts
            .iter()
            .map(|part| {
                json!({
                    "name": part.name,
                    "advice": part.answer.as_ref().map(Answer::json),
                    "problem": part.problem,
                    "notes": part.notes,
                })
            })
            .collect();
        json!({"file": self.name, "diff": self.diff(), "parts": parts})
    }
}
