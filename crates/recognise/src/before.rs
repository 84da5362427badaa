//! Before a program runs: which runtime a command line leads to, by files alone. Nothing is started.
//!
//! The words are followed as exec(2) and the programs on the way would follow them: through PATH, links, `#!`
//! lines, inits and other launchers (`before/launchers.rs`), shells and start scripts (`before/script.rs`), to a
//! file that is an executable (`before/program.rs`). It stands between a container and its start, so no large
//! file is searched: a version may stay unknown where a look at the live process would find it, and a name
//! counts, since a setting that is told to another program does nothing. What cannot be followed is `None`.
//! Leans on execve(2), env(1), exec(3).

mod launchers;
mod program;
mod script;

use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use casefile::Bytes;
use settings::runtimes::{Runtime, Told, Version, names};

/// A start that takes more steps than this leads nowhere.
const MOST_STEPS: usize = 64;
/// The beginning of a script; what stands behind it is not read.
const HEAD: u64 = 64 << 10;
/// Where exec(3) looks when nobody says.
const PATH: &str = "/bin:/usr/bin";

/// What a command line leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// The runtime.
    pub runtime: Runtime,
    /// How well its version is known.
    pub version: Known,
    /// Its arguments; of Go what its build information says, of .NET its file. No environment.
    pub told: Told,
    /// By what it was told: a file, an image's variable.
    pub by: String,
    /// The script on the way to it.
    pub script: Option<Script>,
    /// What stays beside the program and takes memory of its own: `npm`.
    pub beside: Option<(String, Bytes)>,
}

/// A start script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its file.
    pub path: PathBuf,
    /// The word by which it steers the memory itself.
    pub steers_by: Option<&'static str>,
}

/// How well a version is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// A file that belongs to the executable says so.
    Certain(Version),
    /// A variable of the image says so, or a file that may be another one's.
    Likely(Version),
    /// Not at all.
    No,
}

/// The environment, as far as somebody asks for it.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Follows a command line.
#[must_use]
pub fn before(command: &[String], variable: Variable<'_>) -> Option<Before> {
    let walk = Walk { variable, left: Cell::new(MOST_STEPS) };
    let found = walk.follow(command).or_else(|| walk.by_image(command))?;
    let version = match found.version {
        Known::No => {
            let said = walk.likely().into_iter().find(|(_, runtime, _)| *runtime == found.runtime);
            said.map_or(Known::No, |(_, _, version)| Known::Likely(version))
        }
        known => known,
    };
    Some(Before { version, ..found })
}

/// What stays beside the program that it starts, and what that takes: `npm`.
#[must_use]
pub fn beside(word: &str) -> Option<(String, Bytes)> {
    launchers::beside(word)
}

/// A command line on its way.
struct Walk<'a> {
    variable: Variable<'a>,
    left: Cell<usize>,
}

impl Walk<'_> {
    /// One step, and those behind it.
    fn follow(&self, words: &[String]) -> Option<Before> {
        self.left.set(self.left.get().checked_sub(1)?);
        let (first, rest) = words.split_first()?;
        let path = self.locate(first)?;
        if let Some(launcher) = launchers::of(name_of(first)) {
            let behind = launcher.behind(rest, &|words| self.follow(words));
            if behind.is_some() || !launcher.is_script {
                return behind;
            }
        }
        if is_shell(first) {
            return self.shell(rest);
        }
        let head = head(&path)?;
        if head.starts_with(b"\x7fELF") {
            return program::of(&path, rest);
        }
        let text = String::from_utf8_lossy(&head);
        let Some(line) = text.strip_prefix("#!") else {
            // As exec(3) does with what the kernel does not take.
            return self.script(&path, &text, rest);
        };
        let line = line.lines().next().unwrap_or_default().trim();
        let (interpreter, word) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let word = Some(word.trim()).filter(|word| !word.is_empty());
        let is_shell_script =
            is_shell(interpreter) || name_of(interpreter) == "env" && word.is_some_and(is_shell);
        if is_shell_script {
            return self.script(&path, &text, rest);
        }
        let script = path.to_string_lossy().into_owned();
        let words = [interpreter].into_iter().chain(word).map(str::to_owned);
        let words: Vec<String> = words.chain([script]).chain(rest.iter().cloned()).collect();
        let found = self.follow(&words)?;
        Some(Before { beside: found.beside.clone().or_else(|| launchers::beside(first)), ..found })
    }

    /// A shell's own words: `-c TEXT NAME ARGUMENTS…`, or a script and its arguments.
    fn shell(&self, words: &[String]) -> Option<Before> {
        let options = words.iter().take_while(|word| word.starts_with(['-', '+'])).count();
        let (options, rest) = words.split_at_checked(options)?;
        let (first, rest) = rest.split_first()?;
        if options.iter().any(|word| !word.starts_with("--") && word.contains('c')) {
            return script::lead(self, first, rest.get(1..).unwrap_or_default());
        }
        let path = Some(PathBuf::from(first)).filter(|path| path.is_file());
        let path = path.or_else(|| self.locate(first))?;
        let head = head(&path)?;
        self.script(&path, &String::from_utf8_lossy(&head), rest)
    }

    fn script(&self, path: &Path, text: &str, arguments: &[String]) -> Option<Before> {
        // A stand-in that asks a version manager first: `shims/python3`.
        let stands_for = || {
            let name = path.file_name()?.to_str()?;
            Some(Before {
                runtime: names::of_program(name)?,
                version: Known::No,
                told: Told { arguments: arguments.to_vec(), ..Told::default() },
                by: format!("`{}`, by its name", path.display()),
                script: None,
                beside: None,
            })
        };
        let found = script::lead(self, text, arguments).or_else(stands_for)?;
        let inner = found.script.clone().filter(|script| script.steers_by.is_some());
        let script = inner.unwrap_or_else(|| script::about(path, text));
        Some(Before { script: Some(script), ..found })
    }

    /// What an image says that it is for, where its start script leads nowhere; of several nothing.
    fn by_image(&self, command: &[String]) -> Option<Before> {
        let path = self.locate(command.first()?)?;
        let head = head(&path)?;
        if head.starts_with(b"\x7fELF") && !is_shell(command.first()?) {
            return None;
        }
        let said = self.likely();
        let [(name, runtime, version)] = said.as_slice() else { return None };
        Some(Before {
            runtime: *runtime,
            version: Known::Likely(version.clone()),
            told: Told::default(),
            by: format!("{name}, which the image sets"),
            script: Some(script::about(&path, &String::from_utf8_lossy(&head))),
            beside: None,
        })
    }

    fn likely(&self) -> Vec<(&'static str, Runtime, Version)> {
        let of = |name| {
            let (runtime, version) = names::of_variable(name, &(self.variable)(name)?)?;
            Some((name, runtime, version))
        };
        names::version_variables().filter_map(of).collect()
    }

    /// The file that exec(3) would take.
    fn locate(&self, word: &str) -> Option<PathBuf> {
        let runs = |path: &PathBuf| {
            std::fs::metadata(path)
                .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
        };
        if word.contains('/') {
            return Some(PathBuf::from(word)).filter(runs);
        }
        let folders = (self.variable)("PATH").unwrap_or_else(|| PATH.to_owned());
        folders.split(':').map(|folder| Path::new(folder).join(word)).find(runs)
    }
}

/// The beginning of a plain file: a pipe would never end.
fn head(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok().filter(|_| path.is_file())?;
    let mut head = Vec::new();
    file.take(4).read_to_end(&mut head).ok()?;
    if !head.starts_with(b"\x7fELF") {
        head.clear();
        File::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    }
    Some(head)
}

/// A path's last name.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_shell(word: &str) -> bool {
    matches!(name_of(word), "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh")
}

#[cfg(test)]
mod tests;
