//! The cgroup itself: made, limited, joined, read, removed.
//!
//! On v2 the command's processes go into a child, `main`, so that the limit stands above them and
//! something inside may divide the cgroup further (another `why137 run`, a container tool).
//! Processes that are left when the command has ended are left alone, as `systemd-run --scope`
//! does: then the cgroup stays too.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use casefile::{Bytes, CgroupPath, Limit};
use hierarchy::{Hierarchy, LevelUp};

use crate::place::{self, Place};
use crate::scope::is_in_force;
use crate::{ConfineError, Sample, Wish};

/// The child of a v2 cgroup that holds the processes.
const MAIN: &str = "main";

/// The counters that tell of a death, of both versions.
const FILES: [&str; 13] = [
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.usage_in_bytes",
    "memory.failcnt",
    "memory.oom_control",
    "memory.max",
    "memory.high",
    "memory.swap.max",
    "memory.current",
    "memory.peak",
    "memory.events",
    "memory.events.local",
];

/// A cgroup. One that was made here is removed when it goes out of sight, if it is empty.
#[derive(Debug)]
pub struct Cgroup {
    directory: PathBuf,
    path: CgroupPath,
    tree: Hierarchy,
    /// Where the command's processes go.
    inner: PathBuf,
    /// Made here, so to be removed here.
    is_ours: bool,
    /// The cgroup we came from, where we had to leave it to be able to divide it.
    left_behind: Option<PathBuf>,
}

/// What became of a cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leftover {
    /// It is gone.
    Nothing,
    /// It still holds processes, or could not be removed.
    Stays {
        /// Its directory.
        directory: PathBuf,
        /// The processes in it, as many as are worth naming.
        pids: Vec<u32>,
    },
}

impl Cgroup {
    /// Makes it below this program's own cgroup and sets its limits.
    pub fn create(wish: &Wish) -> Result<Self, ConfineError> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let tree = hierarchy::of_memory(&mounts).ok_or(ConfineError::NoHierarchy)?;
        let mut refused = None;
        for place in place::places(&mounts, &own, std::process::id())? {
            match Self::create_in(&place, tree.clone(), wish) {
                Ok(cgroup) => return Ok(cgroup),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or(ConfineError::NoHierarchy))
    }

    fn create_in(place: &Place, tree: Hierarchy, wish: &Wish) -> Result<Self, ConfineError> {
        let directory = place.directory.join(&wish.name);
        let below = format!("{}/{}", place.path.as_str().trim_end_matches('/'), wish.name);
        let path = CgroupPath::parse(&below).ok_or(ConfineError::NoHierarchy)?;
        let left_behind = if place.is_ours_alone { Some(divide(&place.directory)?) } else { None };
        let made = fs::create_dir(&directory).map_err(failed("create", &directory));
        if let (Err(_), Some(from)) = (&made, &left_behind) {
            reunite(from);
        }
        made?;
        let inner = directory.clone();
        let mut cgroup = Self { directory, path, tree, inner, is_ours: true, left_behind };
        match place.version {
            1 => cgroup.limit_v1(wish)?,
            _ => {
                if let Some(most) = place.processes {
                    cgroup.write("pids.max", &most.to_string())?;
                }
                cgroup.limit_v2(wish)?;
            }
        }
        Ok(cgroup)
    }

    fn limit_v1(&self, wish: &Wish) -> Result<(), ConfineError> {
        // Before 5.11 a cgroup may count for itself alone; then those made inside would escape.
        let hierarchical = self.read("memory.use_hierarchy");
        if hierarchical.trim() == "0" {
            self.write("memory.use_hierarchy", "1")?;
        }
        let Some(limit) = wish.limit else { return Ok(()) };
        self.write("memory.limit_in_bytes", &limit.0.to_string())?;
        // `memsw` counts memory and swap together; the file is there only where swap is counted.
        let both = wish.swap.and_then(Limit::bytes).and_then(|swap| swap.0.checked_add(limit.0));
        if let Some(both) = both.filter(|_| self.has("memory.memsw.limit_in_bytes")) {
            self.write("memory.memsw.limit_in_bytes", &both.to_string())?;
        }
        self.check(limit, "memory.limit_in_bytes")
    }

    fn limit_v2(&mut self, wish: &Wish) -> Result<(), ConfineError> {
        if let Some(limit) = wish.limit {
            self.write("memory.max", &limit.0.to_string())?;
        }
        if let Some(swap) = wish.swap.filter(|_| self.has("memory.swap.max")) {
            let most = swap.bytes().map_or("max".to_owned(), |bytes| bytes.0.to_string());
            self.write("memory.swap.max", &most)?;
        }
        if let Some(limit) = wish.limit {
            self.check(limit, "memory.max")?;
        }
        // Without it everything works but a division from inside.
        let inner = self.directory.join(MAIN);
        let divided = self.write("cgroup.subtree_control", "+memory").is_ok();
        if divided && fs::create_dir(&inner).is_ok() {
            self.inner = inner;
        }
        Ok(())
    }

    fn check(&self, wished: Bytes, file: &str) -> Result<(), ConfineError> {
        let found = hierarchy::memory_limit(&self.directory);
        if is_in_force(found, wished.0) {
            return Ok(());
        }
        let found = self.read(file).trim().to_owned();
        let path = self.directory.join(file);
        Err(ConfineError::NotInForce { path, found, wanted: wished.0.to_string() })
    }

    /// The cgroup that a process is in and somebody else made: a scope, a CI job's container.
    #[must_use]
    pub fn of_process(pid: u32) -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let tree = hierarchy::of_memory(&mounts)?;
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let path = hierarchy::place_in(&text, tree.version)?;
        let directory = tree.directory(&path).filter(|directory| directory.is_dir())?;
        let inner = directory.clone();
        Some(Self { directory, path, tree, inner, is_ours: false, left_behind: None })
    }

    /// The cgroup above it, made by somebody else too.
    #[must_use]
    pub fn above(&self) -> Option<Self> {
        let path = self.path.parent()?;
        let directory = self.tree.directory(&path).filter(|directory| directory.is_dir())?;
        let (inner, tree) = (directory.clone(), self.tree.clone());
        Some(Self { directory, path, tree, inner, is_ours: false, left_behind: None })
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the command's processes go.
    #[must_use]
    pub fn inner(&self) -> &Path {
        &self.inner
    }

    /// Its path as `/proc/self/cgroup` would show it here.
    #[must_use]
    pub fn path(&self) -> &CgroupPath {
        &self.path
    }

    /// 1 or 2.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.tree.version
    }

    /// Its own memory limit.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        hierarchy::memory_limit(&self.directory)
    }

    /// The cgroups above it, the nearest first.
    #[must_use]
    pub fn ancestors(&self) -> Vec<LevelUp> {
        self.tree.ancestors(&self.path)
    }

    /// What it holds now.
    #[must_use]
    pub fn sample(&self) -> Sample {
        Sample::read(&self.directory, self.tree.version)
    }

    /// Its counters as `tail` prints several files.
    #[must_use]
    pub fn counters(&self) -> String {
        counters_of(&self.directory, &self.path, self.tree.version)
    }

    /// An ancestor's counters, in the same form.
    #[must_use]
    pub fn counters_of(&self, ancestor: &LevelUp) -> String {
        counters_of(&ancestor.directory, &ancestor.path, self.tree.version)
    }

    /// The processes in it and below it, at most `most`.
    #[must_use]
    pub fn processes(&self, most: usize) -> Vec<u32> {
        let mut pids = Vec::new();
        for directory in subtree(&self.directory) {
            let text = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            pids.extend(text.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        pids.sort_unstable();
        pids.truncate(most);
        pids
    }

    /// Removes it if nothing is left in it; says what stays.
    pub fn remove(mut self) -> Leftover {
        self.take_down()
    }

    fn take_down(&mut self) -> Leftover {
        if !std::mem::replace(&mut self.is_ours, false) {
            return Leftover::Nothing;
        }
        // A process that is just ending keeps its cgroup busy for a moment.
        for attempt in 0..100_u64 {
            if self.remove_now() {
                self.left_behind.take().iter().for_each(|from| reunite(from));
                return Leftover::Nothing;
            }
            if attempt > 10 && !self.processes(1).is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(attempt.min(5)));
        }
        Leftover::Stays { directory: self.directory.clone(), pids: self.processes(8) }
    }

    /// The deepest first; the kernel removes none that holds a process.
    fn remove_now(&self) -> bool {
        for directory in subtree(&self.directory).iter().rev() {
            // Told by whether the top one is still there.
            fs::remove_dir(directory).unwrap_or_default();
        }
        !self.directory.exists()
    }

    fn has(&self, file: &str) -> bool {
        self.directory.join(file).exists()
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.directory.join(file)).unwrap_or_default()
    }

    fn write(&self, file: &str, value: &str) -> Result<(), ConfineError> {
        let path = self.directory.join(file);
        fs::write(&path, value).map_err(failed("write", &path))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.take_down();
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> ConfineError {
    let path = path.to_owned();
    move |source| ConfineError::File { doing, path, source }
}

/// A directory and those below it, parents first.
fn subtree(directory: &Path) -> Vec<PathBuf> {
    let mut found = vec![directory.to_owned()];
    let mut next = 0;
    while let Some(directory) = found.get(next).cloned() {
        let inside = fs::read_dir(&directory).into_iter().flatten().flatten();
        found.extend(inside.map(|entry| entry.path()).filter(|path| path.is_dir()));
        next += 1;
    }
    found
}

/// The path is the usual one, by which the cgroup can be told again whatever the mount is called.
fn counters_of(directory: &Path, path: &CgroupPath, version: u8) -> String {
    let point = if version == 1 { "/sys/fs/cgroup/memory" } else { "/sys/fs/cgroup" };
    let shown = format!("{point}{}", path.as_str().trim_end_matches('/'));
    let files = FILES.iter().filter_map(|file| {
        let text = fs::read_to_string(directory.join(file)).ok()?;
        Some(format!("==> {shown}/{file} <==\n{}\n", text.trim_end()))
    });
    files.collect::<Vec<_>>().join("\n")
}

/// Moves this process into a child of its own cgroup, so that the cgroup may hand memory down.
/// Gives back the cgroup it was.
fn divide(own: &Path) -> Result<PathBuf, ConfineError> {
    let child = own.join(format!("why137-{}", std::process::id()));
    fs::create_dir(&child).map_err(failed("create", &child))?;
    let procs = child.join("cgroup.procs");
    let control = own.join("cgroup.subtree_control");
    let divided = fs::write(&procs, "0")
        .map_err(failed("write", &procs))
        .and_then(|()| fs::write(&control, "+memory").map_err(failed("write", &control)));
    if divided.is_err() {
        reunite(own);
    }
    divided.map(|()| own.to_owned())
}

/// The way back.
fn reunite(own: &Path) {
    let child = own.join(format!("why137-{}", std::process::id()));
    // Each step is worth trying whatever became of the one before.
    fs::write(own.join("cgroup.subtree_control"), "-memory").unwrap_or_default();
    fs::write(own.join("cgroup.procs"), "0").unwrap_or_default();
    fs::remove_dir(&child).unwrap_or_default();
}

/// Where the processes of a cgroup made here go: its child for them, where it has one.
#[must_use]
pub fn inner_of(directory: &Path) -> PathBuf {
    let main = directory.join(MAIN);
    if main.is_dir() { main } else { directory.to_owned() }
}

/// Puts the calling process into a cgroup; what it becomes by exec stays there.
pub fn join(directory: &Path) -> Result<(), ConfineError> {
    let path = directory.join("cgroup.procs");
    // `0`: the writer itself, in whichever pid namespace.
    fs::write(&path, "0").map_err(failed("write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_under_the_usual_path() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("memory.max"), "67108864\n").unwrap();
        fs::write(folder.path().join("memory.events"), "oom 1\noom_kill 1\n").unwrap();
        let text = counters_of(folder.path(), &CgroupPath::parse("/ci/run").unwrap(), 2);
        assert_eq!(
            text,
            "==> /sys/fs/cgroup/ci/run/memory.max <==\n67108864\n\n\
             ==> /sys/fs/cgroup/ci/run/memory.events <==\noom 1\noom_kill 1\n"
        );
    }

    #[test]
    fn a_tree_is_walked_from_its_top() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("main/inner")).unwrap();
        let found = subtree(folder.path());
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], folder.path());
        assert!(found[2].ends_with("main/inner"));
    }

    #[test]
    fn a_real_cgroup_is_made_limited_and_removed_where_this_user_may() {
        let wish = Wish {
            name: format!("why137-test-{}", std::process::id()),
            limit: Some(Bytes(64 << 20)),
            swap: Some(Limit::At(Bytes(0))),
        };
        match Cgroup::create(&wish) {
            Ok(cgroup) => {
                let directory = cgroup.directory().to_owned();
                assert_eq!(cgroup.limit(), Some(Limit::At(Bytes(64 << 20))));
                assert!(cgroup.path().as_str().ends_with(&wish.name));
                assert!(cgroup.sample().usage.is_some());
                assert_eq!(cgroup.remove(), Leftover::Nothing);
                assert!(!directory.exists());
            }
            // Said, so that nobody takes silence for a pass.
            Err(refused) => {
                assert!(!refused.plain().is_empty());
                println!("NOT RUN: a real cgroup, because {}", refused.plain());
            }
        }
    }
}
