//! The cage: which cgroup the command gets, by which way in, or why there is none.
//!
//! First a cgroup of our own below the one we are in; else, for a user with a systemd manager, a
//! scope of that manager; else none, and the reason is kept to be told.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use casefile::{Bytes, CgroupPath, Limit};
use confine::{Cgroup, Leftover, Sample, Wish};

use super::RunArgs;

/// The command's place.
#[derive(Debug)]
pub(super) struct Cage {
    way: Way,
    /// Its unique name, by which the kernel's log tells it.
    name: String,
    /// Where there is no cgroup of its own: the one we all share, and its counters at the start.
    shared: Option<(Cgroup, Sample)>,
}

#[derive(Debug)]
enum Way {
    /// A cgroup made here.
    Own(Cgroup),
    /// A scope of the user's systemd, where possible in a slice of its own that has the limits and outlives
    /// it; the cgroup is known once the command is in it.
    Scope { words: Vec<OsString>, slice: Option<String>, found: Option<Cgroup> },
    /// None, and why.
    Missing(String),
}

impl Cage {
    /// The best that can be had; `refused` says why the scope that was tried before did not work.
    pub(super) fn make(arguments: &RunArgs, refused: Option<String>) -> Self {
        let name = unique_name();
        // Swap that is not asked for is none: the number is then all the memory there is, on
        // every machine.
        let none = || arguments.memory.map(|_| Limit::At(Bytes(0)));
        let swap = arguments.swap.or_else(none);
        let wish = Wish { name: name.clone(), limit: arguments.memory, swap };
        let way = match Cgroup::create(&wish) {
            Ok(cgroup) if refused.is_none() => Way::Own(cgroup),
            Ok(_) => Way::Missing(refused.unwrap_or_default()),
            Err(error) => match refused {
                Some(because) => Way::Missing(format!("{}; {because}", error.plain())),
                None if has_user_manager() => {
                    let slice = start_slice(&wish);
                    let words = confine::scope_command(&wish, slice.as_deref());
                    Way::Scope { words, slice, found: None }
                }
                None => Way::Missing(error.plain()),
            },
        };
        let shared = match &way {
            Way::Own(_) | Way::Scope { .. } => None,
            Way::Missing(_) => Cgroup::of_process(std::process::id()).map(|shared| {
                let sample = shared.sample();
                (shared, sample)
            }),
        };
        Self { way, name, shared }
    }

    /// Why there is no cgroup.
    pub(super) fn missing(&self) -> Option<&str> {
        match &self.way {
            Way::Missing(because) => Some(because),
            Way::Own(_) | Way::Scope { .. } => None,
        }
    }

    /// The words that stand before the command so that it gets there, and the directory to join.
    pub(super) fn way_in(&self) -> (&[OsString], Option<PathBuf>) {
        match &self.way {
            Way::Own(cgroup) => (&[], Some(cgroup.inner().to_owned())),
            Way::Scope { words, .. } => (words, None),
            Way::Missing(_) => (&[], None),
        }
    }

    /// Looks where the command is, for a scope.
    pub(super) fn find(&mut self, pid: u32) {
        if let Way::Scope { slice, found: found @ None, .. } = &mut self.way {
            let is_ours = |cgroup: &Cgroup| cgroup.path().as_str().contains(&self.name);
            let scope = Cgroup::of_process(pid).filter(is_ours);
            *found = match slice {
                Some(_) => scope.as_ref().and_then(Cgroup::above),
                None => scope,
            };
        }
    }

    /// Its unique name, where there is a cgroup of its own.
    pub(super) fn name(&self) -> Option<&str> {
        self.own().map(|_| self.name.as_str())
    }

    /// The command's own cgroup.
    pub(super) fn own(&self) -> Option<&Cgroup> {
        match &self.way {
            Way::Own(cgroup) | Way::Scope { found: Some(cgroup), .. } => Some(cgroup),
            Way::Scope { found: None, .. } | Way::Missing(_) => None,
        }
    }

    /// The cgroup that tells something: the own, else the shared one.
    pub(super) fn nearest(&self) -> Option<&Cgroup> {
        self.own().or_else(|| self.shared.as_ref().map(|(cgroup, _)| cgroup))
    }

    /// What the command's cgroup holds now; of a shared one only what came since the start.
    pub(super) fn sample(&self) -> Option<Sample> {
        if let Some(own) = self.own() {
            return Some(own.sample());
        }
        let (shared, before) = self.shared.as_ref()?;
        let now = shared.sample();
        let since = |now: Option<u64>, before: Option<u64>| now?.checked_sub(before?);
        Some(Sample {
            oom_kills: since(now.oom_kills, before.oom_kills),
            limit_hits: since(now.limit_hits, before.limit_hits),
            ..now
        })
    }

    /// The path of the command's own cgroup.
    pub(super) fn path(&self) -> Option<CgroupPath> {
        self.own().map(|own| own.path().clone())
    }

    /// Whether a process is in the command's own cgroup.
    pub(super) fn holds(&self, pid: u32) -> bool {
        let Some(name) = self.name() else { return false };
        std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("cgroup"))
            .is_ok_and(|text| text.contains(name))
    }

    /// Takes it down; says what is left in it.
    pub(super) fn remove(self) -> Leftover {
        match self.way {
            Way::Own(cgroup) => cgroup.remove(),
            // The user's manager removes its scope when it is empty, but not the slice around it.
            Way::Scope { found: Some(cgroup), slice, .. } => {
                let pids = cgroup.processes(8);
                let directory = cgroup.directory().to_owned();
                if pids.is_empty() {
                    stop_slice(slice.as_deref());
                    Leftover::Nothing
                } else {
                    Leftover::Stays { directory, pids }
                }
            }
            Way::Scope { found: None, slice, .. } => {
                stop_slice(slice.as_deref());
                Leftover::Nothing
            }
            Way::Missing(_) => Leftover::Nothing,
        }
    }
}

/// A slice with the limits, if the user's manager makes one.
fn start_slice(wish: &Wish) -> Option<String> {
    let made = confine::slice_commands(wish).iter().all(|words| is_done(words));
    made.then(|| confine::slice_of(wish))
}

fn stop_slice(slice: Option<&str>) {
    if let Some(slice) = slice {
        // `revert` takes the limits back out of the manager's memory.
        for verb in ["stop", "revert"] {
            is_done(
                &["systemctl", "--user", "--quiet", "--no-block", verb, slice].map(OsString::from),
            );
        }
    }
}

/// Runs a program of systemd's without a word; whether it succeeded.
fn is_done(words: &[OsString]) -> bool {
    let Some((program, rest)) = words.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// One that no other process gives, nor this one again.
fn unique_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let micros = jiff::Timestamp::now().as_microsecond() % 1_000_000_000;
    format!("why137-run-{}-{micros}{number}", std::process::id())
}

/// A systemd manager of this user answers on its private socket.
fn has_user_manager() -> bool {
    let root = rustix::process::geteuid().is_root();
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    !root && runtime.is_some_and(|folder| folder.join("systemd/private").exists())
}
