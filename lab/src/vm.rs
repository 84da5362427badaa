//! The lab's virtual machine: cgroup v2 or v1, Docker 26, and memory that may run out.
//!
//! QEMU emulates (never KVM, so that it runs wherever the lab does); kernel, system and monitor are
//! unpacked Debian packages under `target/lab`, nothing is installed. The machine's disk is made
//! once, images included; a run boots a throw-away snapshot of it, hands programs in and gets results
//! out as tar streams on raw disks, and follows the progress on a serial line. Inside, [`crate::guest`]
//! makes the deaths. Here each saved case is explained once more by the host's why137: the
//! same answer must come out of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::answer::explained_again;
use crate::debian::{self, GUEST, GUEST_WITH_SYSTEMD, Group};
use crate::guest::{entry_from_json, wish_as_json};
use crate::host;
use crate::platform::{Cgroup, Machine, Platform};
use crate::run::{Entry, Outcome, Told, Wish, all_alike, wanted};
use crate::script;

mod boot;
mod disk;
mod image;
mod initramfs;
mod kernel;
mod systemd;
mod task;

use boot::Machinery;
pub use boot::{Heard, Size};
pub use task::{Task, carry_out, data_disk};

/// What the machine is made of. Each has a disk of its own under `target/lab/vm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// A shell script as init, Docker, nothing else.
    Plain,
    /// systemd as init, and beside Docker what else ends or holds processes: [`crate::script`].
    Systemd,
}

impl Flavour {
    /// Its folder's name.
    fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Systemd => "systemd",
        }
    }

    /// The packages of its root file system.
    fn packages(self) -> Group {
        match self {
            Self::Plain => GUEST,
            Self::Systemd => GUEST_WITH_SYSTEMD,
        }
    }

    /// The program that the kernel starts.
    fn init(self) -> &'static str {
        match self {
            Self::Plain => "/usr/lib/lab/init",
            Self::Systemd => "/usr/lib/systemd/systemd",
        }
    }

    /// What the runner does inside.
    fn verb(self) -> &'static str {
        match self {
            Self::Plain => "run",
            Self::Systemd => "scripts",
        }
    }

    /// MiB of memory. The host's OOM killer is met the sooner the less there is.
    fn memory(self) -> u32 {
        match self {
            Self::Plain => 768,
            // Several managers run beside each other.
            Self::Systemd => 1024,
        }
    }
}

/// One machine to boot.
#[derive(Debug, Clone)]
pub struct Vm {
    /// `target/lab`
    pub folder: PathBuf,
    /// What is in it.
    pub flavour: Flavour,
    /// Which cgroup generation its kernel and init bring up.
    pub cgroup: Cgroup,
}

impl Vm {
    /// `target/lab/vm/plain`: disk, initramfs and the last console.
    fn own_folder(&self) -> PathBuf {
        self.folder.join("vm").join(self.flavour.word())
    }

    /// The platform inside.
    pub fn platform(&self) -> Platform {
        let docker = crate::Release::Trixie.docker();
        Platform { docker, cgroup: self.cgroup, machine: Machine::Own }
    }

    /// The name of the platform, as `lab/results` has it.
    pub fn results_name(&self) -> String {
        match self.flavour {
            Flavour::Plain => self.platform().name(),
            Flavour::Systemd => format!("systemd-257-cgroup-{}", self.cgroup.word()),
        }
    }

    /// What a run with this wish is to bring.
    fn blank(&self, wish: &Wish) -> Result<Blank> {
        let not_yet = Outcome::NotRun(String::new());
        let entries = match self.flavour {
            Flavour::Plain => all_alike(&wanted(&wish.only)?, &not_yet, &mut |_| {}),
            Flavour::Systemd => script::all_alike(&script::wanted(&wish.only)?, &not_yet),
        };
        Ok(Blank { entries })
    }

    /// `target/lab/vm/plain/cgroup-v2`: cases and answers of the last run.
    fn results(&self) -> PathBuf {
        self.own_folder().join(format!("cgroup-{}", self.cgroup.word()))
    }
}

/// The programs that go in.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The program under test; none to check only Docker's facts.
    pub why137: Option<PathBuf>,
    /// `lab-guest`.
    pub runner: PathBuf,
}

/// The entries that a run is to have, none of them filled.
struct Blank {
    entries: Vec<Entry>,
}

impl Blank {
    /// All of them with the same outcome, each told.
    fn alike(self, outcome: &Outcome, tell: &mut dyn FnMut(Told<'_>)) -> Vec<Entry> {
        let with = |entry: Entry| Entry { outcome: outcome.clone(), ..entry };
        let entries: Vec<Entry> = self.entries.into_iter().map(with).collect();
        entries.iter().for_each(|entry| tell(Told::Over(entry)));
        entries
    }

    /// Those that are not there.
    fn without(mut self, there: &[Entry]) -> Self {
        self.entries.retain(|one| there.iter().all(|had| had.name != one.name));
        self
    }
}

/// Boots the machine (makes it before, the first time), lets the deaths happen inside, and asks the
/// host's why137 about each case that comes back.
pub fn run(
    vm: &Vm,
    programs: &Programs,
    wish: &Wish,
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Vec<Entry>> {
    let blank = vm.blank(wish)?;
    if let Some(reason) = host::why_no_machine() {
        return Ok(blank.alike(&Outcome::NotRun(reason.to_owned()), tell));
    }
    let machinery = image::provide(vm, &programs.runner, tell)?;
    let results = vm.results();
    if results.exists() {
        std::fs::remove_dir_all(&results)?;
    }
    std::fs::create_dir_all(&results)?;
    // What `fix` makes containers anew with.
    let compose = match vm.flavour {
        Flavour::Plain if programs.why137.is_some() => Some(debian::compose(&vm.folder)?),
        Flavour::Plain | Flavour::Systemd => None,
    };
    let asked = wish_as_json(wish, programs.why137.is_some());
    let input = disk::input(&machinery.work, programs, compose.as_deref(), &asked)?;
    let output = disk::empty(&vm.own_folder().join("output.tar"))?;
    let mut entries: Vec<Entry> = Vec::new();
    tell(Told::Begins("starting the machine"));
    let ended = machinery.boot(vm.flavour.verb(), &[&input, &output], &mut |heard| match heard {
        Heard::Begins(what) => tell(Told::Begins(what)),
        Heard::Over(value) => {
            if let Some(entry) = entry_from_json(value) {
                tell(Told::Begins(&inside(&entry)));
                entries.push(entry);
            }
        }
    });
    disk::unpack(&output, &results)?;
    for entry in &mut entries {
        again(entry, programs.why137.as_deref(), &results)?;
        tell(Told::Over(entry));
    }
    if let Err(err) = ended {
        // What was over before is told; the rest is a failure each, not a silence.
        let rest = blank.without(&entries);
        entries.extend(rest.alike(&Outcome::Failed(vec![format!("{err:#}")]), tell));
    }
    Ok(entries)
}

/// What is told of a death that is over inside, before the host has asked about it, too.
fn inside(entry: &Entry) -> String {
    let how = match &entry.outcome {
        Outcome::Passed => "right".to_owned(),
        Outcome::Failed(lines) => format!("wrong: {}", lines.join("; ")),
        Outcome::NotRun(_) => "not there".to_owned(),
    };
    format!("inside: {} {how} ({:.1} s)", entry.name, entry.took.as_secs_f64())
}

/// The host's why137 must say of each saved case what the one inside said.
fn again(entry: &mut Entry, program: Option<&Path>, results: &Path) -> Result<()> {
    let Some(program) = program else { return Ok(()) };
    let Some(about) = entry.said.get("about").and_then(Value::as_array) else { return Ok(()) };
    let mut wrong = Vec::new();
    for one in about {
        let suffix = one.get("container").and_then(Value::as_str).unwrap_or_default();
        let name = format!("{}{suffix}", entry.name);
        let case = results.join("cases").join(format!("{name}.json"));
        let inside = results.join("answers").join(format!("{name}.json"));
        let text = std::fs::read_to_string(&inside)
            .with_context(|| format!("could not read `{}`", inside.display()))?;
        let inside: Value = serde_json::from_str(&text).context("an answer is not JSON")?;
        if let Some(change) = explained_again(program, &case, &inside)? {
            wrong.push(format!("on the host the case of {name} answers differently: {change}"));
        }
    }
    if !wrong.is_empty() {
        let before = match &entry.outcome {
            Outcome::Failed(lines) => lines.clone(),
            Outcome::Passed | Outcome::NotRun(_) => Vec::new(),
        };
        entry.outcome = Outcome::Failed([before, wrong].concat());
    }
    Ok(())
}

/// Makes the machine unless it is there; returns how to boot it.
pub fn make(vm: &Vm, runner: &Path, tell: &mut dyn FnMut(Told<'_>)) -> Result<()> {
    image::provide(vm, runner, tell).map(|_machinery: Machinery| ())
}
