//! An answer in the dialect of one file or command, ready to paste: `--as`.
//!
//! What a dialect has no place for is told beside it, on standard error: a command line that is not known, a
//! program's own configuration file. A whole file of the user's is `files`' matter.

use casefile::Bytes;
use change::{docker_size, kubernetes_size};
use clap::ValueEnum;
use report::escape;
use serde_json::{Value, json};
use settings::runtimes::Runtime;
use settings::runtimes::advice::{Place, Setting};

use super::answer::Answer;

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// `NAME=VALUE`, quoted for a shell.
    Env,
    /// The options of the program's own command line.
    Flags,
    /// Of `compose.yaml`.
    Compose,
    /// Lines of a Dockerfile.
    Dockerfile,
    /// Of a container in a manifest.
    Kubernetes,
    /// Of a container definition.
    Ecs,
    /// Options of `docker run`.
    DockerRun,
}

/// A fragment, and what has no place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fragment {
    pub(crate) text: String,
    pub(crate) notes: Vec<String>,
}

/// Spells an answer; `name` is the service's or container's.
pub(crate) fn fragment(answer: &Answer, form: Form, name: Option<&str>) -> Fragment {
    let words = Words::of(answer);
    let mut notes = Vec::new();
    if form != Form::Flags {
        notes.extend(words.elsewhere.iter().chain(&words.of_the_command).cloned());
    }
    let limit = answer.question.room.limit;
    let text = match form {
        Form::Env => words
            .variables
            .iter()
            .map(|(name, value)| format!("{name}={}\n", escape::shell_word(value)))
            .collect(),
        Form::Flags => {
            let (flags, without) = flags(answer);
            notes.extend(without);
            flags
        }
        Form::Compose => compose(&words, limit, name.unwrap_or("app")),
        Form::Dockerfile => dockerfile(&words),
        Form::Kubernetes => kubernetes(&words, limit),
        Form::Ecs => ecs(&words, limit, name),
        Form::DockerRun => docker_run(&words, limit),
    };
    if form == Form::Env && !words.program.is_empty() {
        notes.push(format!("on the command line: {}", joined(&words.program)));
    }
    Fragment { text, notes }
}

/// The settings by where they go.
struct Words {
    variables: Vec<(String, String)>,
    /// The options of a program whose image puts its own name before them (PostgreSQL, Redis, MariaDB).
    program: Vec<String>,
    /// Words of a command line of which nothing else is known.
    of_the_command: Vec<String>,
    /// What goes into the program's own files.
    elsewhere: Vec<String>,
}

impl Words {
    fn of(answer: &Answer) -> Self {
        let mut words = Self {
            variables: Vec::new(),
            program: Vec::new(),
            of_the_command: Vec::new(),
            elsewhere: Vec::new(),
        };
        let is_store = matches!(
            answer.question.runtime,
            Runtime::Postgres | Runtime::Redis | Runtime::MariaDb
        );
        for setting in &answer.advice.settings {
            match setting.place {
                Place::Environment => {
                    words.variables.push((setting.name.clone(), setting.value.clone()));
                }
                Place::Argument if is_store => {}
                Place::Argument => words.of_the_command.push(match &setting.replaces {
                    Some(old) => {
                        format!("on the command line: {} instead of {old}", setting.word())
                    }
                    None => format!("on the command line: {}", setting.word()),
                }),
                Place::File(file) => words.elsewhere.push(format!("in {file}: {}", setting.word())),
            }
        }
        if is_store && answer.advice.settings.iter().any(|it| it.place == Place::Argument) {
            words.program = answer.advice.applied(&answer.question.told).arguments;
        }
        words
    }
}

/// The settings as options of the program, one per line, and which have no option.
fn flags(answer: &Answer) -> (String, Vec<String>) {
    let mut found: Vec<String> = Vec::new();
    let mut without = Vec::new();
    for setting in &answer.advice.settings {
        let words = match setting.place {
            Place::Argument => Some(split(&setting.word())),
            Place::Environment => flags_of(setting),
            Place::File("php.ini") => Some(vec!["-d".to_owned(), setting.word().replace(' ', "")]),
            Place::File(file) => {
                without.push(format!("in {file}: {}", setting.word()));
                continue;
            }
        };
        match words {
            Some(words) => {
                let line = joined(&words);
                if !found.contains(&line) {
                    found.push(line);
                }
            }
            None => without.push(format!(
                "{} has no option: it is a variable, {}",
                setting.name,
                setting.word()
            )),
        }
    }
    (found.iter().map(|line| format!("{line}\n")).collect(), without)
}

/// The options that say what a variable says; none of the words that were in it before.
fn flags_of(setting: &Setting) -> Option<Vec<String>> {
    let before = setting.replaces.as_deref().unwrap_or_default();
    let new = |separator: char| -> Vec<String> {
        let is_new =
            |word: &&str| !word.is_empty() && !before.split(separator).any(|it| it == *word);
        setting.value.split(separator).filter(is_new).map(str::to_owned).collect()
    };
    let number = |option: &str| Some(vec![option.to_owned(), setting.value.clone()]);
    match setting.name.as_str() {
        "NODE_OPTIONS" | "JAVA_TOOL_OPTIONS" | "JDK_JAVA_OPTIONS" | "_JAVA_OPTIONS" => {
            Some(new(' '))
        }
        "DENO_V8_FLAGS" => Some(vec![format!("--v8-flags={}", new(',').join(","))]),
        "WEB_CONCURRENCY" | "UVICORN_WORKERS" => number("--workers"),
        "CELERY_WORKER_CONCURRENCY" => number("--concurrency"),
        "UWSGI_PROCESSES" => number("--processes"),
        _ => None,
    }
}

fn split(word: &str) -> Vec<String> {
    word.splitn(2, ' ').map(str::to_owned).collect()
}

fn joined(words: &[String]) -> String {
    let quoted = |word: &String| match word.trim_start_matches('-') {
        // An option needs no quotes for its dashes.
        rest if !rest.is_empty() && escape::shell_word(rest) == rest => word.clone(),
        _ => escape::shell_word(word),
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// In double quotes: every JSON string is a YAML one.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn compose(words: &Words, limit: Bytes, name: &str) -> String {
    let name = match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    {
        true => name.to_owned(),
        false => quoted(name),
    };
    let mut text = format!("services:\n  {name}:\n    mem_limit: {}\n", docker_size(limit));
    // `$` begins a variable of Compose.
    let dollars = |word: &String| word.replace('$', "$$");
    if !words.variables.is_empty() {
        text += "    environment:\n";
        for (name, value) in &words.variables {
            text += &format!("      {name}: {}\n", quoted(&dollars(value)));
        }
    }
    if !words.program.is_empty() {
        let program: Vec<String> = words.program.iter().map(dollars).collect();
        text += &format!("    command: {}\n", list(&program));
    }
    text
}

fn dockerfile(words: &Words) -> String {
    let mut text = String::new();
    for (name, value) in &words.variables {
        text += &format!("ENV {name}={}\n", dockerfile_value(value));
    }
    if !words.program.is_empty() {
        text += &format!("CMD {}\n", list(&words.program));
    }
    text
}

/// In double quotes, where `\`, `"` and `$` mean something.
pub(crate) fn dockerfile_value(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=,+@%".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for letter in value.chars() {
        if matches!(letter, '\\' | '"' | '$') {
            text.push('\\');
        }
        text.push(letter);
    }
    text + "\""
}

fn kubernetes(words: &Words, limit: Bytes) -> String {
    let size = kubernetes_size(limit);
    let mut text = format!("resources:\n  limits:\n    memory: {size}\n");
    // `$(NAME)` is a variable of Kubernetes.
    let dollars = |word: &String| word.replace("$(", "$$(");
    if !words.variables.is_empty() {
        text += "env:\n";
        for (name, value) in &words.variables {
            text += &format!("  - name: {name}\n    value: {}\n", quoted(&dollars(value)));
        }
    }
    if !words.program.is_empty() {
        let program: Vec<String> = words.program.iter().map(dollars).collect();
        text += &format!("args: {}\n", list(&program));
    }
    text
}

fn ecs(words: &Words, limit: Bytes, name: Option<&str>) -> String {
    let mut container = json!({});
    if let Some(fields) = container.as_object_mut() {
        if let Some(name) = name {
            fields.insert("name".to_owned(), json!(name));
        }
        // Whole MiB: less is safe, more is not.
        fields.insert("memory".to_owned(), json!(limit.0 >> 20));
        let variables: Vec<Value> = words
            .variables
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        if !variables.is_empty() {
            fields.insert("environment".to_owned(), json!(variables));
        }
        if !words.program.is_empty() {
            fields.insert("command".to_owned(), json!(words.program));
        }
    }
    format!("{container:#}\n")
}

fn docker_run(words: &Words, limit: Bytes) -> String {
    let mut text = format!("--memory {}", docker_size(limit));
    for (name, value) in &words.variables {
        text += &format!(" --env {}", escape::shell_word(&format!("{name}={value}")));
    }
    if !words.program.is_empty() {
        text += &format!(" IMAGE {}", joined(&words.program));
    }
    text + "\n"
}
