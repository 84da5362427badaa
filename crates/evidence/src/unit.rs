//! One question about a systemd unit: its state by `systemctl show`, what PID 1 and the unit itself
//! wrote into the journal, the kernel log, its cgroup and processes.
//!
//! The state holds the last run only and forgets a transient unit when it ends; the journal then
//! still knows it. Only named properties are asked for: `Environment=` and credentials are never
//! read. The unit of a user's own manager is looked for after the system's.
//!
//! Leans on systemctl(1), org.freedesktop.systemd1(5), systemd.journal-fields(7).

use std::process::Command;

use casefile::{Asked, CaseFile, CgroupPath, Exhibit, Moment, Source};

use crate::cgroup::place::{self, Place};
use crate::deadline::{self, Ran};
use crate::docker::host::shell_word;
use crate::found::{Found, exhibit, gap, plain};
use crate::journal::{self, Manager};
use crate::machine::{self, Clocks};
use crate::roots::{Roots, read_text};
use crate::subject::Life;
use crate::{GatherError, Wanted, gather, kmsg};

/// What is asked of the state.
const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,StateChangeTimestamp,Result,MainPID,\
ExecMainPID,ExecMainCode,ExecMainStatus,ExecMainStartTimestamp,ExecMainExitTimestamp,ExecStart,\
ControlGroup,Slice,MemoryMax,MemoryLimit,MemoryHigh,MemoryCurrent,MemoryPeak,MemorySwapMax,\
OOMPolicy,ManagedOOMSwap,ManagedOOMMemoryPressure,ManagedOOMMemoryPressureLimit,Restart,NRestarts,\
KillSignal,KillMode,TimeoutStopUSec,TimeoutStartUSec,RuntimeMaxUSec,WatchdogUSec,InvocationID";

/// Further back than this before a unit's end nobody looks, in microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// Gathers everything that is known about a unit; `api` means `api.service`.
///
/// # Errors
/// Neither systemd nor the journal knows the unit.
pub fn gather_unit(
    wanted: &Wanted,
    progress: &mut dyn FnMut(&str),
) -> Result<CaseFile, GatherError> {
    gather_at(wanted, &Roots::default(), progress)
}

fn gather_at(
    wanted: &Wanted,
    roots: &Roots,
    progress: &mut dyn FnMut(&str),
) -> Result<CaseFile, GatherError> {
    let name = full_name(&wanted.name);
    let clocks = Clocks::read();
    progress("asking systemd");
    let state = State::ask(&name, roots);
    let life = state.life(clocks.now());
    let place = state.place(&name, roots);
    let mut found = state.found(&name);
    progress("journal");
    let told =
        journal::read_unit(roots, &name, state.manager, &life, clocks.now(), wanted.with_logs);
    if !state.known && told.exhibits.is_empty() {
        let nearest = nearest(&name, roots);
        return Err(GatherError::NoSuchUnit { name, because: state.because, nearest });
    }
    found.add(told);
    progress("kernel log");
    found.add(of_machine(&life, place.as_ref(), roots, &clocks));
    let asked = Asked {
        name: Some(name.clone()),
        unit: Some(name),
        cgroup: place.map(|place| place.path),
        ..Asked::default()
    };
    Ok(gather::close(asked, found, wanted.now))
}

/// The kernel's and the machine's sources, for whatever lives in a cgroup of its own.
pub(crate) fn of_machine(
    life: &Life,
    place: Option<&Place>,
    roots: &Roots,
    clocks: &Clocks,
) -> Found {
    let kernel = {
        let (path, life, clocks) = (roots.dev_kmsg.clone(), life.clone(), *clocks);
        deadline::start(move || kmsg::read_life(&path, &life, &clocks))
    };
    let cgroup = place.map(|place| {
        let (life, place, roots, clocks) = (life.clone(), place.clone(), roots.clone(), *clocks);
        deadline::start(move || gather::read_place(&life, &place, &roots, &clocks))
    });
    let late = |source: Source, tried: &str| {
        Found::gap(gap(source, tried, &plain(&std::io::ErrorKind::TimedOut.into()), None))
    };
    let mut found = Found { facts: machine::local_facts(roots, clocks), ..Found::default() };
    let kernel = kernel.wait();
    let covered = kernel.as_ref().is_some_and(|kernel| kernel.covers);
    found.add(kernel.map_or_else(|| late(Source::KernelLog, "/dev/kmsg"), |kernel| kernel.found));
    if !covered && life.started.is_some() {
        found.add(journal::read_kernel_since(roots, life.look_from(), clocks.now()));
    }
    if let Some(cgroup) = cgroup {
        found.add(cgroup.wait().unwrap_or_else(|| late(Source::Cgroup, "/sys/fs/cgroup")));
    }
    found
}

/// `api` is `api.service`; a name with an ending of systemd's is whole.
fn full_name(name: &str) -> String {
    let endings = [".service", ".scope", ".slice"];
    let name = name.trim();
    if endings.iter().any(|ending| name.ends_with(ending)) {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

/// What systemd said.
struct State {
    text: String,
    /// Which manager said it.
    manager: Manager,
    /// It has the unit loaded, or remembers its last run.
    known: bool,
    /// Why nothing was said.
    because: String,
    check: String,
}

impl State {
    fn ask(name: &str, roots: &Roots) -> Self {
        let system = Self::ask_one(name, roots, Manager::System);
        if system.known {
            return system;
        }
        let user = Self::ask_one(name, roots, Manager::User);
        if user.known { user } else { system }
    }

    fn ask_one(name: &str, roots: &Roots, manager: Manager) -> Self {
        let whose = match manager {
            Manager::System => "--system",
            Manager::User => "--user",
        };
        let check = format!("systemctl {whose} show {}", shell_word(name));
        // Times with microseconds, in UTC: since 247.
        let first = show(name, whose, Some("--timestamp=us+utc"), roots);
        let refused = first.as_ref().is_ok_and(|ran| ran.stderr.contains("timestamp"));
        let ran = if refused { show(name, whose, None, roots) } else { first };
        let (text, because) = match ran {
            Ok(ran) if ran.status.is_none() => {
                (String::new(), "systemctl did not answer in time".to_owned())
            }
            Ok(ran) => {
                let complaint = ran.stderr.lines().find(|line| !line.trim().is_empty());
                let because = complaint.unwrap_or("systemd does not know it").trim().to_owned();
                (String::from_utf8_lossy(&ran.stdout).into_owned(), because)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                (String::new(), "there is no systemctl on this machine".to_owned())
            }
            Err(error) => (String::new(), plain(&error)),
        };
        let state = Self { text, manager, known: false, because, check };
        let loaded = state.value("LoadState").is_some_and(|state| state != "not-found");
        let ran_once = state.value("ExecMainStartTimestamp").is_some();
        Self { known: loaded || ran_once, ..state }
    }

    /// A property's value, if it has one.
    fn value(&self, key: &str) -> Option<&str> {
        let value = self.text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.map(str::trim).filter(|value| !value.is_empty() && *value != "n/a")
    }

    fn moment(&self, key: &str) -> Option<Moment> {
        self.value(key).and_then(parse::systemd_moment)
    }

    fn life(&self, now: Moment) -> Life {
        let number = |key: &str| self.value(key).and_then(|pid| pid.parse::<u32>().ok());
        let pid = number("MainPID").filter(|pid| *pid > 0);
        let up = matches!(self.value("ActiveState"), Some("active" | "deactivating" | "reloading"));
        let changed = self.moment("StateChangeTimestamp");
        let started = self.moment("ExecMainStartTimestamp").or(changed.filter(|_| up));
        let ended = self.moment("ExecMainExitTimestamp").filter(|_| pid.is_none());
        let day_before = ended.unwrap_or(now).plus_micros(-DAY);
        Life {
            noun: "unit",
            about: None,
            pid,
            first_known: day_before,
            started,
            ended,
            processes_check: self.check.replace(" show ", " status "),
        }
    }

    /// Its cgroup, or where systemd would make it.
    fn place(&self, name: &str, roots: &Roots) -> Option<Place> {
        let own = self.value("ControlGroup").and_then(CgroupPath::parse);
        let path = own.or_else(|| {
            let slice = self.value("Slice").unwrap_or("system.slice");
            let path = CgroupPath::of_unit(name, slice)?;
            Some(root_of_systemd(roots).map_or_else(|| path.clone(), |root| path.below(&root)))
        })?;
        let hierarchy = place::hierarchies(roots).into_iter().next()?;
        Some(Place { path, hierarchy })
    }

    fn found(&self, name: &str) -> Found {
        if !self.known {
            return Found::gap(gap(
                Source::UnitState,
                &self.check,
                &self.because,
                Some(&self.check),
            ));
        }
        let label = format!("systemctl show {name}");
        let state = exhibit("unit", Source::UnitState, &label, &self.text);
        Found {
            exhibits: vec![Exhibit { check: Some(self.check.clone()), ..state }],
            ..Found::default()
        }
    }
}

fn show(name: &str, whose: &str, times: Option<&str>, roots: &Roots) -> std::io::Result<Ran> {
    let mut command = Command::new(&roots.systemctl);
    command.env("LC_ALL", "C").env("TZ", "UTC").args([whose, "show", "--no-pager"]).args(times);
    command.args(["-p", PROPERTIES, "--", name]);
    deadline::run(&mut command, deadline::INNER, 1 << 20)
}

/// The cgroup that systemd itself counts from, where it is not `/`: it runs in a container.
fn root_of_systemd(roots: &Roots) -> Option<CgroupPath> {
    let text = read_text(&roots.of_process(1, "cgroup")).unwrap_or_default();
    let path = |line: &str| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        (controllers.is_empty() || controllers == "name=systemd").then(|| path.to_owned())
    };
    // The named hierarchy is systemd's own where there is one; v2 is the only one where not.
    let named = text.lines().find(|line| line.contains(":name=systemd:")).and_then(path);
    let path = named.or_else(|| text.lines().find_map(path)).unwrap_or_default();
    let root = path.strip_suffix("/init.scope").unwrap_or(&path);
    CgroupPath::parse(root)
}

/// Units that are spelled alike.
fn nearest(name: &str, roots: &Roots) -> Vec<String> {
    let mut command = Command::new(&roots.systemctl);
    command.env("LC_ALL", "C").args([
        "list-units",
        "--all",
        "--plain",
        "--no-legend",
        "--no-pager",
    ]);
    let Ok(ran) = deadline::run(&mut command, deadline::INNER, 1 << 20) else { return Vec::new() };
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    crate::names::nearest(name, names.filter(|other| full_name(other) == **other))
}

#[cfg(test)]
mod tests;
