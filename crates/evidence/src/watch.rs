//! A container or a process over time: one look after the other at its own cgroup, and on through its restarts.
//!
//! A look is cheap: the files of one cgroup, no process but a JVM's counters. What was counted is told since
//! the watch began, over all lives: a restart makes a new cgroup whose counters begin at 0. A container that
//! has ended is asked for at its daemon; one that nobody starts again ends the watch, and that is an answer.
//! When to look is the caller's to decide; nothing is judged, and nothing written: `memory.peak` stays as it is.
//!
//! Processes that share their cgroup with strangers are summed up themselves: no peak, no kills, no limit hits.
//! Leans on cgroup-v1/memory.rst, cgroup-v2.rst, proc_pid_stat(5), the Docker Engine API.

mod cpu;
mod jvm;
mod lives;
mod sample;

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use casefile::{Bytes, ContainerId, Moment};
use hierarchy::{Counts, Holds};
pub use lives::LifeEnd;
use sample::Totals;
pub use sample::{Sample, Whole};

use crate::live::{self, Running, Scope};
use crate::machine::Clocks;
use crate::roots::{Roots, read_text};
use crate::{GatherError, Wanted};

/// So long a container that has ended may take to start again; `docker restart` and `docker compose up` are
/// faster. One that waits by its restart policy is waited for.
const GRACE: Duration = Duration::from_secs(5);
/// Its daemon is not asked more often.
const ASK_AGAIN: Duration = Duration::from_millis(400);

/// Something that is watched.
#[derive(Debug)]
pub struct Watch {
    running: Running,
    /// How to ask for it again; `None` of a process.
    wanted: Option<Wanted>,
    began: Instant,
    began_at: Moment,
    life: u32,
    main: Main,
    cgroup: Option<u64>,
    totals: Totals,
    cpu: cpu::Clock,
    jvm: jvm::Collectors,
    gone: Option<Gone>,
    ends: Vec<LifeEnd>,
}

/// The main process of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Main {
    pid: u32,
    /// Its start, in hundredths of a second since boot: a pid may be given again.
    started: u64,
}

#[derive(Debug, Clone, Copy)]
struct Gone {
    since: Instant,
    asked: Instant,
}

/// What a look found.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and nearly always the large one")]
pub enum Seen {
    /// It lives.
    Alive(Sample),
    /// It has ended, and may start again.
    Waiting(String),
    /// It has ended, and nobody starts it again.
    Ended(String),
}

impl Watch {
    /// Watches a container by its name, id or beginning of an id.
    ///
    /// # Errors
    /// There is no daemon to ask, nobody knows it, it does not run, or it is out of sight.
    pub fn of_container(
        wanted: Wanted,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, GatherError> {
        let running = live::running_container(&wanted, progress)?;
        Self::new(running, Some(wanted))
    }

    /// Watches a process of this machine with all that its container or unit holds, else with its descendants.
    ///
    /// # Errors
    /// There is no such process, or its cgroup is not shown here.
    pub fn of_process(pid: u32) -> Result<Self, GatherError> {
        Self::new(live::running_process(pid)?, None)
    }

    fn new(running: Running, wanted: Option<Wanted>) -> Result<Self, GatherError> {
        let out_of_sight = |because: &str| GatherError::OutOfSight {
            name: running.name.clone().unwrap_or_else(|| format!("pid {}", running.pid)),
            because: because.to_owned(),
        };
        let main =
            main_process(running.pid).ok_or_else(|| out_of_sight("its main process has ended"))?;
        if running.scope != Scope::Tree
            && Holds::read(&running.directory(), running.version()).anon.is_none()
        {
            return Err(out_of_sight("its cgroup's files cannot be read"));
        }
        Ok(Self {
            main,
            cgroup: inode(&running),
            cpu: cpu::Clock::of(&running),
            jvm: jvm::Collectors::default(),
            running,
            wanted,
            began: Instant::now(),
            began_at: Clocks::read().now(),
            life: 0,
            totals: Totals::default(),
            gone: None,
            ends: Vec::new(),
        })
    }

    /// What is watched, in its present or last life.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// 1 or 2.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.running.version()
    }

    /// When it began.
    #[must_use]
    pub fn began_at(&self) -> Moment {
        self.began_at
    }

    /// How long it has lasted.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Kills since it began, those too that ended a life.
    #[must_use]
    pub fn kills(&self) -> Option<u64> {
        self.totals.kills()
    }

    /// Hits of the own limit since it began.
    #[must_use]
    pub fn limit_hits(&self) -> Option<u64> {
        self.totals.limit_hits()
    }

    /// What the container printed since it began, where its daemon keeps that.
    #[must_use]
    pub fn printed(&self) -> Option<String> {
        let id = self.running.id.as_ref()?;
        lives::printed(self.wanted.as_ref()?, id, self.began_at)
    }

    /// How lives ended that ended since; by the daemon's word, where it has one.
    #[must_use]
    pub fn ends(&self) -> &[LifeEnd] {
        &self.ends
    }

    /// Looks now.
    pub fn look(&mut self) -> Seen {
        if main_process(self.main.pid) == Some(self.main) {
            self.gone = None;
            let sample = self.sample(false);
            // It may have ended while it was read: then what was read is of an empty cgroup.
            if main_process(self.main.pid) == Some(self.main) && sample.mem().is_some() {
                return Seen::Alive(sample);
            }
        }
        // Its cgroup may be there yet, with what it counted at the end.
        if self.running.scope != Scope::Tree && inode(&self.running) == self.cgroup {
            let counts = Counts::read(&self.running.directory(), self.running.version());
            self.totals.add(&counts, None, None, false);
        }
        let Some(wanted) = self.wanted.clone() else {
            return Seen::Ended("its process has ended".to_owned());
        };
        self.after_the_end(&wanted)
    }

    /// The container's main process is gone: whether there is another one.
    fn after_the_end(&mut self, wanted: &Wanted) -> Seen {
        let now = Instant::now();
        let gone = self.gone;
        if gone.is_some_and(|gone| now.duration_since(gone.asked) < ASK_AGAIN) {
            return Seen::Waiting("it has ended".to_owned());
        }
        let since = gone.map_or(now, |gone| gone.since);
        self.gone = Some(Gone { since, asked: now });
        match live::running_container(wanted, &mut |_| {}) {
            Ok(running) => match main_process(running.pid) {
                Some(main) if main != self.main => {
                    self.begin_a_life(wanted, running, main);
                    Seen::Alive(self.sample(true))
                }
                _ => Seen::Waiting("it is just starting or ending".to_owned()),
            },
            Err(error) => {
                let (why, is_to_come) = told(&error);
                if is_to_come || now.duration_since(since) < GRACE {
                    return Seen::Waiting(why);
                }
                self.note_ends(wanted, 0);
                Seen::Ended(why)
            }
        }
    }

    fn begin_a_life(&mut self, wanted: &Wanted, running: Running, main: Main) {
        let same = running.id == self.running.id;
        let starts = running.restarts.zip(self.running.restarts).filter(|_| same);
        // docker's own restarts may come faster than looks.
        let missed = starts.map_or(0, |(now, then)| now.saturating_sub(then).saturating_sub(1));
        self.note_ends(wanted, missed);
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        self.life = self.life.saturating_add(1).saturating_add(missed);
        let cgroup = inode(&running);
        if cgroup.is_none() || cgroup != self.cgroup {
            self.totals.begin_anew();
        }
        self.cgroup = cgroup;
        self.cpu = cpu::Clock::of(&running);
        self.jvm = jvm::Collectors::default();
        (self.running, self.main, self.gone) = (running, main, None);
    }

    /// Writes down how lives ended since the last time, and what kills the counters missed.
    fn note_ends(&mut self, wanted: &Wanted, missed: u64) {
        let from = self.ends.last().and_then(|end| end.at).unwrap_or(self.began_at);
        let counted = self.totals.kills_of_this_life();
        let mut told = match &self.running.id {
            Some(id) => lives::ended(wanted, id, from),
            None => Vec::new(),
        };
        if told.is_empty() {
            // The daemon does not remember: that it ended is known all the same.
            told = vec![LifeEnd::default(); usize::try_from(missed).unwrap_or(0).min(64) + 1];
        }
        let by_oom: u64 = told.iter().map(|end| end.kills.unwrap_or(0)).sum();
        self.totals.add_kills(by_oom.saturating_sub(counted));
        for end in told {
            self.ends.push(LifeEnd { since_start: since(end.at, self.began_at), ..end });
        }
    }

    fn sample(&mut self, is_new: bool) -> Sample {
        let at = self.began.elapsed();
        let gc = self.jvm.collected(&self.running);
        if self.running.scope == Scope::Tree {
            return self.sample_of_tree(at, gc);
        }
        let (directory, version) = (self.running.directory(), self.running.version());
        let mut holds = Holds::read(&directory, version);
        let counts = Counts::read(&directory, version);
        holds.kernel = holds.kernel.or_else(|| sample::rest(&holds));
        Sample {
            at,
            age: age(self.main),
            life: self.life,
            holds,
            active_file: counts.active_file,
            slab_reclaimable: counts.slab_reclaimable,
            swap: counts.swap,
            peak: counts.peak,
            limit: live::in_effect(&self.running.tree, &self.running.cgroup).map(|it| it.bytes),
            whole: self.totals.add(&counts, self.cpu.used(&self.running), gc, is_new),
        }
    }

    /// Processes among strangers.
    fn sample_of_tree(&mut self, at: Duration, gc: Option<Duration>) -> Sample {
        let look = self.running.look();
        // One that has ended and was not waited for holds nothing; of a stranger's nothing is seen.
        let is_seen =
            look.processes.iter().any(|one| one.pid == self.main.pid && one.measured.is_some());
        let sum = |part: fn(&live::Measured) -> u64| {
            let parts = look.processes.iter().filter_map(|one| one.measured.as_ref().map(part));
            is_seen.then(|| Bytes(parts.fold(0, u64::saturating_add)))
        };
        let holds = Holds {
            usage: sum(|it| it.pss.0),
            anon: sum(|it| it.kept.0.saturating_sub(it.shmem.0)),
            file: sum(|it| it.pss.0.saturating_sub(it.kept.0)),
            shmem: sum(|it| it.shmem.0),
            kernel: None,
        };
        let cpu = self.cpu.used(&self.running);
        Sample {
            at,
            age: age(self.main),
            life: self.life,
            holds,
            active_file: None,
            slab_reclaimable: None,
            swap: None,
            peak: None,
            limit: look.limit.map(|limit| limit.bytes),
            whole: self.totals.add(&Counts::default(), cpu, gc, false),
        }
    }
}

/// Why it does not run, and whether its daemon is going to start it.
fn told(error: &GatherError) -> (String, bool) {
    match error {
        GatherError::NotRunning { state, .. } => (state.clone(), state.contains("its next start")),
        GatherError::NoSuchContainer { .. } | GatherError::Gone { .. } => {
            ("it was removed".to_owned(), false)
        }
        other => (other.to_string(), false),
    }
}

/// A process that lives; one that has ended and was not looked at yet does not.
fn main_process(pid: u32) -> Option<Main> {
    let stat = read_text(&Roots::default().of_process(pid, "stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(Main { pid, started })
}

/// How long it has lived.
fn age(main: Main) -> Option<Duration> {
    let uptime = read_text(&Roots::default().proc.join("uptime")).ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    // 100 ticks a second on every architecture that Docker runs on (USER_HZ).
    Duration::try_from_secs_f64((uptime - main.started as f64 / 100.0).max(0.0)).ok()
}

fn inode(running: &Running) -> Option<u64> {
    let directory: PathBuf = running.directory();
    std::fs::metadata(directory).ok().map(|data| data.ino())
}

fn since(at: Option<Moment>, began: Moment) -> Option<Duration> {
    let nanos = at?.0.as_nanosecond() - began.0.as_nanosecond();
    u64::try_from(nanos.max(0)).ok().map(Duration::from_nanos)
}

/// Only for a container that is named the same.
pub(crate) fn same(one: Option<&ContainerId>, other: &ContainerId) -> bool {
    one.is_some_and(|one| one.is_same(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn this_process_is_watched_with_what_descends_from_it_or_its_cgroup() {
        let mut watch = Watch::of_process(std::process::id()).unwrap();
        let Seen::Alive(first) = watch.look() else { panic!("it lives") };
        let held: Vec<u8> = vec![1; 24 << 20];
        let Seen::Alive(second) = watch.look() else { panic!("it lives") };
        let (before, after) = (first.mem().unwrap().0, second.mem().unwrap().0);
        assert!(after > before + (20 << 20), "{before} {after} {}", held.len());
        assert!(second.whole.cpu.is_some() && second.at > first.at);
        assert_eq!((second.life, watch.ends().len()), (0, 0));
    }

    #[test]
    fn a_process_that_ends_ends_the_watch() {
        let mut child = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let mut watch = Watch::of_process(child.id()).unwrap();
        assert!(matches!(watch.look(), Seen::Alive(_)));
        child.kill().unwrap();
        // Nobody has looked at it yet.
        std::thread::sleep(Duration::from_millis(50));
        assert!(matches!(watch.look(), Seen::Ended(_)));
        child.wait().unwrap();
        assert!(matches!(watch.look(), Seen::Ended(_)));
    }

    #[test]
    fn a_container_that_waits_for_its_restart_is_waited_for() {
        let waits = |state: &str| {
            told(&GatherError::NotRunning { name: "a".to_owned(), state: state.to_owned() }).1
        };
        assert!(waits("it ended with 137 and waits for its next start"));
        assert!(!waits("it ended with 137"));
    }
}
