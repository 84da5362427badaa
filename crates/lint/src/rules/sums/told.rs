//! What a workload tells a runtime: its variables, its options and lines of its configuration, and where
//! each of them stands.
//!
//! A word that a shell, a template or the cluster will put together is not known here; where such a word
//! decides, the whole runtime is left alone ([`Heard::is_open`]).

use settings::runtimes::{Runtime, Told};

use super::images;
use crate::shell;
use crate::tree::TEMPLATED;
use crate::workload::{Variable, Word, Workload};

/// A runtime's settings as a workload has them.
pub(super) struct Heard {
    pub(super) told: Told,
    /// Every setting as it is written, and its place.
    pub(super) places: Vec<Word>,
    /// A setting is there, and its value is not known.
    pub(super) is_open: bool,
    /// A setting may be there that is not seen.
    pub(super) may_be_more: bool,
}

impl Heard {
    fn setting(&mut self, text: impl Into<String>, word: &Word) {
        self.places.push(Word { text: text.into(), place: word.place.clone() });
    }
}

/// What a server's command line or file says: the program's names, and what counts in its file.
struct Server {
    programs: &'static [&'static str],
    /// Settings by their names, as the file has them.
    settings: &'static [&'static str],
}

const POSTGRES: Server = Server {
    programs: &["postgres", "postmaster"],
    settings: &[
        "shared_buffers",
        "work_mem",
        "hash_mem_multiplier",
        "maintenance_work_mem",
        "max_connections",
        "autovacuum_max_workers",
    ],
};
const REDIS: Server =
    Server { programs: &["redis-server"], settings: &["maxmemory", "save", "appendonly"] };
const MARIADB: Server = Server {
    programs: &["mariadbd", "mysqld", "mariadbd-safe"],
    settings: &["innodb_buffer_pool_size", "innodb-buffer-pool-size", "max_connections"],
};
const PHP: Server = Server {
    programs: &["php-fpm"],
    settings: &[
        "memory_limit",
        "php_value[memory_limit]",
        "php_admin_value[memory_limit]",
        "pm.max_children",
        "opcache.enable",
        "opcache.memory_consumption",
    ],
};

fn server(runtime: Runtime) -> Option<&'static Server> {
    match runtime {
        Runtime::Postgres => Some(&POSTGRES),
        Runtime::Redis => Some(&REDIS),
        Runtime::MariaDb => Some(&MARIADB),
        Runtime::Php => Some(&PHP),
        _ => None,
    }
}

/// The settings of a runtime.
pub(super) fn heard(workload: &Workload, runtime: Runtime) -> Heard {
    let mut heard = Heard {
        told: Told::default(),
        places: Vec::new(),
        is_open: false,
        may_be_more: workload.unknown.any || workload.is_command_open,
    };
    if is_anothers(workload, runtime) {
        return heard;
    }
    let environment = environment(workload);
    for variable in &environment {
        take_variable(&mut heard, runtime, variable);
    }
    let names = own_variables(runtime);
    let is_unknown = |name: &&&str| workload.unknown.names.iter().any(|known| known == **name);
    heard.is_open |= names.iter().any(|name| is_unknown(&name));
    match server(runtime) {
        Some(server) => take_server(&mut heard, workload, runtime, server),
        None => take_words(&mut heard, workload, runtime),
    }
    heard
}

/// The variables that it has in the end: its own hide those of its image.
pub(super) fn environment(workload: &Workload) -> Vec<&Variable> {
    let inherited = workload.inherited.environment.iter();
    let kept = inherited.filter(|it| !workload.environment.iter().any(|own| own.name == it.name));
    kept.chain(&workload.environment).collect()
}

/// Bun and Deno run what is written for Node.js and read none of its settings.
fn is_anothers(workload: &Workload, runtime: Runtime) -> bool {
    let others = [Runtime::Bun, Runtime::Deno];
    runtime == Runtime::Node
        && (others.iter().any(|other| images::of(workload, *other).is_some())
            || others.iter().any(|other| runs(workload, other.word())))
}

fn runs(workload: &Workload, program: &str) -> bool {
    words(workload).iter().any(|word| shell::program(&word.text) == program)
}

/// Something else will put this text together.
pub(in crate::rules) fn is_open(text: &str) -> bool {
    text.contains(['$', '`', TEMPLATED]) || text.contains("{{")
}

fn take_variable(heard: &mut Heard, runtime: Runtime, variable: &Variable) {
    let Variable { name, value, place } = variable;
    let here = Word { text: value.clone(), place: place.clone() };
    let is_own = own_variables(runtime).contains(&name.as_str());
    if runtime != Runtime::Java && runtime != Runtime::Node {
        if is_own {
            heard.is_open |= is_open(value);
            heard.told.environment.push((name.clone(), value.clone()));
            // Deno looks at its limit, and says nothing about it.
            if name != "DENO_USE_CGROUPS" {
                heard.setting(format!("{name}={value}"), &here);
            }
        }
        return;
    }
    let words: Vec<&str> = value.split_whitespace().collect();
    let settings: Vec<&&str> = words.iter().filter(|word| is_setting(runtime, word)).collect();
    if is_own {
        heard.told.environment.push((name.clone(), value.clone()));
        // `$JAVA_TOOL_OPTIONS` of the image, or a whole value from elsewhere.
        heard.is_open |= words.iter().any(|word| is_open(word) && !word.starts_with("-D"));
    } else if runtime == Runtime::Java && !settings.is_empty() {
        // `JAVA_OPTS` and the like: a start script puts them on the command line.
        let options = words.iter().filter(|it| it.starts_with('-'));
        heard.told.arguments.extend(options.map(|it| (*it).to_owned()));
        heard.is_open |= settings.iter().any(|word| is_open(word));
    } else {
        return;
    }
    for word in settings {
        heard.setting(*word, &here);
    }
}

/// The main process's words, those of a script apart.
fn words(workload: &Workload) -> Vec<Word> {
    let all: Vec<Word> =
        workload.inherited.command.iter().chain(&workload.command).cloned().collect();
    match shell::script(&all) {
        Some((_, script)) => {
            let parts = shell::split(&script.text).into_iter();
            parts.map(|text| Word { text, place: script.place.clone() }).collect()
        }
        None => all,
    }
}

/// Options that mean the same wherever in the command they stand.
fn take_words(heard: &mut Heard, workload: &Workload, runtime: Runtime) {
    for word in workload.inherited.command.iter().chain(&workload.command) {
        for text in word.text.split([' ', '\t', '\n', '\'', '"']).filter(|text| !text.is_empty()) {
            let text = text.trim_end_matches(';');
            let assigned = text.split_once('=').filter(|(name, _)| {
                !text.starts_with('-') && own_variables(runtime).contains(name)
            });
            if let Some((name, value)) = assigned {
                heard.told.environment.push((name.to_owned(), value.to_owned()));
            } else if is_setting(runtime, text) {
                heard.told.arguments.push(text.to_owned());
            } else {
                continue;
            }
            heard.is_open |= is_open(text);
            heard.setting(text, word);
        }
    }
}

fn own_variables(runtime: Runtime) -> &'static [&'static str] {
    match runtime {
        Runtime::Node => &["NODE_OPTIONS"],
        Runtime::Java => &["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"],
        Runtime::Go => &["GOMEMLIMIT"],
        Runtime::Deno => &["DENO_V8_FLAGS", "DENO_USE_CGROUPS"],
        Runtime::DotNet => &[
            "COMPlus_GCHeapHardLimit",
            "COMPlus_GCHeapHardLimitPercent",
            "DOTNET_GCHeapHardLimit",
            "DOTNET_GCHeapHardLimitPercent",
        ],
        _ => &[],
    }
}

/// Whether a word steers the runtime's memory.
fn is_setting(runtime: Runtime, word: &str) -> bool {
    let spelled = word.replace('_', "-");
    let named: &[&str] = match runtime {
        Runtime::Node => &["--max-old-space-size", "--max-semi-space-size", "--max-heap-size"],
        Runtime::Deno => {
            return spelled.starts_with("--v8-flags=") && spelled.contains("max-old-space-size");
        }
        Runtime::Java => &[
            "-Xmx",
            "-XX:MaxHeapSize=",
            "-XX:MaxRAM",
            "-XX:MinRAMPercentage=",
            "-XX:MaxDirectMemorySize=",
        ],
        _ => &[],
    };
    named.iter().any(|name| spelled.starts_with(name))
}

fn take_server(heard: &mut Heard, workload: &Workload, runtime: Runtime, server: &Server) {
    let words = words(workload);
    let image = images::of(workload, runtime);
    let starts = |word: &Word| {
        let name = shell::program(&word.text);
        // `php-fpm8.3`
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        server.programs.contains(&name)
    };
    let own = match words.iter().position(starts) {
        Some(at) => words.get(at + 1..).unwrap_or_default(),
        None if image.is_some() && words.first().is_some_and(|it| it.text.starts_with('-')) => {
            words.as_slice()
        }
        None if image.is_some() => &[],
        None => return,
    };
    // MySQL's program has the same name and was not measured.
    if runtime == Runtime::MariaDb && image.is_none() && !runs(workload, "mariadbd") {
        return;
    }
    let ends = |word: &&Word| !matches!(word.text.as_str(), ";" | "&&" | "||" | "|" | "&");
    let own: Vec<&Word> = own.iter().take_while(ends).collect();
    for word in &own {
        let text = word.text.trim_end_matches(';');
        heard.told.arguments.push(text.to_owned());
        let name = text.trim_start_matches("-c").trim_start_matches("-d").trim_start_matches('-');
        let name = name.split('=').next().unwrap_or(name).replace('-', "_");
        if server.settings.contains(&name.as_str()) || matches!(text, "-B" | "-N") {
            heard.setting(text, word);
        }
    }
    heard.is_open |= !heard.places.is_empty() && own.iter().any(|word| is_open(&word.text));
    for file in &workload.files {
        for (name, value) in lines(&file.text) {
            if server.settings.contains(&name) {
                heard.is_open |= is_open(value);
                heard.told.settings.push((name.to_owned(), value.to_owned()));
                heard.setting(format!("{name} = {value}"), file);
            }
        }
    }
}

/// `name = value` or `name value` of configuration files, comments out.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let line = line.split(['#', ';']).next().unwrap_or_default().trim();
        let (name, value) =
            line.split_once('=').or_else(|| line.split_once(char::is_whitespace))?;
        let value = value.trim().trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| (name.trim(), value))
    })
}

/// Options whose value stands behind them, by whom they are known.
const APART: [&str; 9] = [
    "--workers",
    "-w",
    "--maxmemory",
    "--concurrency",
    "--processes",
    "--threads",
    "--max-old-space-size",
    "-B",
    "-N",
];

/// The words of a command that steer memory or the number of workers, those with a value apart together.
pub(in crate::rules) fn steering(words: &[Word]) -> Vec<String> {
    let parts = match shell::script(words) {
        Some((_, script)) => shell::split(&script.text),
        None => words.iter().map(|word| word.text.clone()).collect(),
    };
    let all = [Runtime::Node, Runtime::Deno, Runtime::Java];
    let servers = [&POSTGRES, &REDIS, &MARIADB, &PHP];
    let mut found = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let name = part.split('=').next().unwrap_or(part);
        let next = || parts.get(at + 1).filter(|next| !next.starts_with('-'));
        let bare = ["-c", "-d"].iter().find_map(|it| name.strip_prefix(it)).unwrap_or(name);
        let bare = bare.trim_start_matches('-').replace('-', "_");
        let is_servers = part.contains('=')
            && servers.iter().any(|server| server.settings.contains(&bare.as_str()));
        let is_runtimes = all.iter().any(|runtime| is_setting(*runtime, part));
        match APART.contains(&name) {
            true if part.contains('=') => found.push(part.clone()),
            true => found.extend(next().map(|next| format!("{part} {next}"))),
            false if is_servers || is_runtimes => found.push(part.clone()),
            false => {
                let assigned = ["GOMEMLIMIT=", "NODE_OPTIONS=", "JAVA_TOOL_OPTIONS="];
                found.extend(assigned.iter().any(|it| part.starts_with(it)).then(|| part.clone()));
            }
        }
    }
    found
}
