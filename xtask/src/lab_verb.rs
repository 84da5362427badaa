//! The lab's verbs: run, vm, list, up, down, record.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lab::vm::{Flavour, Programs, Vm};
use lab::{Cgroup, Entry, Lab, Outcome, Told, Wish};

use crate::deaths_page;
use crate::repository::Repository;
use crate::say;
use crate::summary::Summary;

/// What stands behind `lab`.
struct Words {
    only: Vec<String>,
    facts: bool,
    save: bool,
    cgroup: Cgroup,
    flavour: Flavour,
}

/// Lets the deaths happen and compares the answers.
pub(crate) fn run(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let words = understood(words)?;
    let program = if words.facts || lab::why_it_cannot_run().is_some() {
        None
    } else {
        Some(repository.why137()?)
    };
    let wish = Wish { only: words.only, record: false };
    let entries = all(repository, program, &wish, summary)?;
    if words.save {
        let platform = Lab::here(repository.lab()).platform;
        deaths_page::save(repository, &platform.name(), &entries, wish.only.is_empty())?;
    }
    Ok(())
}

/// Lets the deaths happen and saves their cases.
pub(crate) fn record(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let wish = Wish { only: understood(words)?.only, record: true };
    all(repository, Some(repository.why137()?), &wish, summary)?;
    say(&format!("cases: {}", repository.lab().join("cases").display()));
    Ok(())
}

/// The same deaths and more in the lab's virtual machine.
pub(crate) fn vm(repository: &Repository, words: &[&str], summary: &mut Summary) -> Result<()> {
    let words = understood(words)?;
    let vm = Vm { folder: repository.lab(), flavour: words.flavour, cgroup: words.cgroup };
    if vm.flavour == Flavour::Systemd && vm.cgroup == Cgroup::V1 {
        bail!("systemd 257 no longer starts on cgroup v1");
    }
    let begun = Instant::now();
    let programs = if lab::why_no_machine().is_some() {
        Programs { why137: None, runner: PathBuf::new() }
    } else {
        let why137 = if words.facts { None } else { Some(repository.why137()?) };
        Programs { why137, runner: repository.lab_guest()? }
    };
    let wish = Wish { only: words.only, record: false };
    let mut line = Progress::new(begun);
    let entries = lab::vm::run(&vm, &programs, &wish, &mut |told| match told {
        Told::Begins(what) => line.begins(what),
        Told::Over(entry) => {
            line.clear();
            tell(entry, &format!(" on {}", vm.results_name()), summary);
        }
    })?;
    if words.save {
        deaths_page::save(repository, &vm.results_name(), &entries, wish.only.is_empty())?;
    }
    say(&format!("the machine took {}", seconds(begun.elapsed())));
    Ok(())
}

fn understood(words: &[&str]) -> Result<Words> {
    let (cgroup, flavour) = (Cgroup::V2, Flavour::Plain);
    let mut found = Words { only: Vec::new(), facts: false, save: false, cgroup, flavour };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--facts" => found.facts = true,
            "--save" => found.save = true,
            "--systemd" => found.flavour = Flavour::Systemd,
            "--cgroup" => match rest.next().copied().and_then(Cgroup::named) {
                Some(cgroup) => found.cgroup = cgroup,
                None => bail!("--cgroup takes v1 or v2"),
            },
            option if option.starts_with('-') => {
                bail!("no such option: `{option}`\n\nhint: cargo xtask --help")
            }
            name => {
                if !lab::all_names().iter().any(|(one, number)| *one == name || *number == name) {
                    bail!(
                        "the lab has no death or scenario `{name}`\n\nhint: cargo xtask lab --list"
                    );
                }
                found.only.push(name.to_owned());
            }
        }
    }
    Ok(found)
}

fn all(
    repository: &Repository,
    program: Option<PathBuf>,
    wish: &Wish,
    summary: &mut Summary,
) -> Result<Vec<Entry>> {
    let begun = Instant::now();
    let mut line = Progress::new(begun);
    let lab = Lab::here(repository.lab());
    let entries = lab::run(&lab, program.as_deref(), wish, &mut |told| match told {
        Told::Begins(what) => line.doing(what),
        Told::Over(entry) => {
            line.clear();
            tell(entry, "", summary);
        }
    })?;
    if wish.only.is_empty() {
        for (what, why) in lab::NOT_MADE {
            summary.not_run(what, why);
        }
    }
    say(&format!("the lab took {}", seconds(begun.elapsed())));
    Ok(entries)
}

fn tell(entry: &Entry, place: &str, summary: &mut Summary) {
    let title = format!("{}{place} ({})", entry.title, seconds(entry.took));
    match &entry.outcome {
        Outcome::Passed => summary.passed(&title),
        Outcome::Failed(lines) => summary.failed(&title, &lines.join("\n")),
        Outcome::NotRun(why) => summary.not_run(&format!("{}{place}", entry.title), why),
    }
}

/// What is being waited for: on a terminal one line that counts the seconds, so that nothing is
/// silent for long.
struct Progress {
    begun: Instant,
    doing: Arc<Mutex<Option<(String, Instant)>>>,
}

impl Progress {
    fn new(begun: Instant) -> Self {
        let doing = Arc::new(Mutex::new(None));
        if std::io::stderr().is_terminal() {
            // Ends with its last other owner.
            let seen = Arc::downgrade(&doing);
            std::thread::spawn(move || {
                while let Some(doing) = seen.upgrade() {
                    if let Ok(doing) = doing.lock() {
                        count(doing.as_ref());
                    }
                    drop(doing);
                    std::thread::sleep(Duration::from_secs(1));
                }
            });
        }
        Self { begun, doing }
    }

    /// A step of the machine: worth a line of its own.
    fn begins(&mut self, what: &str) {
        self.clear();
        say(&format!("{:>8}  {what}", seconds(self.begun.elapsed())));
        self.doing(what);
    }

    /// What the waiting is for, where somebody looks on.
    fn doing(&mut self, what: &str) {
        self.set(Some((what.to_owned(), Instant::now())));
    }

    fn clear(&mut self) {
        self.set(None);
    }

    fn set(&mut self, to: Option<(String, Instant)>) {
        if let Ok(mut doing) = self.doing.lock() {
            *doing = to;
            if std::io::stderr().is_terminal() {
                count(doing.as_ref());
            }
        }
    }
}

/// Writes over the line; nothing wipes it.
fn count(doing: Option<&(String, Instant)>) {
    let text = match doing {
        Some((what, since)) => format!("…         {what}  {} s", since.elapsed().as_secs()),
        None => String::new(),
    };
    let mut stderr = std::io::stderr();
    // Nobody is left to be told where stderr cannot be written.
    drop(write!(stderr, "\r\u{1b}[2K{text}").and_then(|()| stderr.flush()));
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// Starts a daemon for a person to play with.
pub(crate) fn up(repository: &Repository) -> Result<bool> {
    let host = lab::bring_up(&Lab::here(repository.lab()))?;
    say(&format!(
        "export DOCKER_HOST={host}\n# images: lab/base lab/node lab/java; use --network none --pull never\n# stop it: cargo xtask lab down"
    ));
    Ok(true)
}

/// Stops that daemon.
pub(crate) fn down(repository: &Repository) -> Result<bool> {
    let found = lab::take_down(&Lab::here(repository.lab()))?;
    say(if found { "the lab's daemon is stopped" } else { "the lab's daemon was not running" });
    Ok(true)
}

/// The deaths' names and scenario numbers.
pub(crate) fn list() -> bool {
    for (name, scenario) in lab::all_names() {
        say(&format!("{scenario:>3}  {name}"));
    }
    true
}
