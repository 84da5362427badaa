//! What one process holds: its share (PSS), its own alone (USS), anonymous and shared memory, malloc arenas.
//!
//! `smaps_rollup` sums up a process's mappings by its page tables: pages that several processes map count
//! by their share in `Pss`, pages that it maps alone are `Private_…`. Only its owner and root may read it.
//!
//! Arenas: glibc takes each but the first as 64 MiB of address space on a 64 MiB boundary, of which the
//! beginning is readable (malloc/arena.c, HEAP_MAX_SIZE). They lie where mmap places things; the Go heap
//! and a Java heap may have the same shape, but lie below. How much of an arena is free is not seen from outside.
//!
//! Both reads take the process's `mmap_lock`, and hang with a process that is stuck while it holds it, as where
//! memory ran out and nobody may be killed: several are read at once, and what does not come in time is left.
//!
//! Leans on proc_pid_smaps(5), proc_pid_status(5), proc_pid_stat(5).

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use casefile::Bytes;

use crate::deadline;
use crate::roots::read_text;

/// HEAP_MAX_SIZE on 64 bit.
const ARENA: u64 = 64 << 20;
/// Nothing that mmap places lies below.
const LOWEST: u64 = 1 << 40;

/// A process, as far as its memory goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfProcess {
    /// Its pid.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// What it holds; `None` where only its owner may read that.
    pub measured: Option<Measured>,
    /// The malloc arenas that are mapped, the main one among them; `None` without glibc.
    pub arenas: Option<u32>,
    /// It does not let itself be read: whoever tries hangs.
    pub is_stuck: bool,
}

/// What a process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Its share of all that it maps (PSS).
    pub pss: Bytes,
    /// What it maps alone (USS).
    pub private: Bytes,
    /// Of its share, what no file on a disk stands behind: the kernel cannot give it back.
    pub kept: Bytes,
    /// Of its share, shared memory and tmpfs.
    pub shmem: Bytes,
    /// Of what it maps, what its malloc has given up (MADV_FREE): the kernel takes it when it needs it.
    pub given_up: Bytes,
    /// The most that it ever held alone, if what it shares was the same then.
    pub private_peak: Bytes,
}

/// Reads at once; each that is stuck holds one of them.
const AT_ONCE: usize = 8;

/// All of them, in their order; those that are gone are left out.
pub(super) fn all(pids: &[u32], proc: &Path, patience: Duration) -> Vec<OfProcess> {
    let until = Instant::now() + patience;
    let queue: Arc<Mutex<VecDeque<u32>>> = Arc::new(Mutex::new(pids.iter().copied().collect()));
    let (send, answers) = channel();
    for _ in 0..AT_ONCE.min(pids.len()) {
        let (queue, send, proc) = (queue.clone(), send.clone(), proc.to_owned());
        thread::spawn(move || {
            let next = || queue.lock().ok()?.pop_front();
            while let Some(pid) = next() {
                // An error means that nobody waits any more.
                if send.send((pid, of(pid, &proc))).is_err() {
                    return;
                }
            }
        });
    }
    drop(send);
    let (came, _) = deadline::collect(&answers, until);
    let told = |pid: &u32| match came.iter().find(|(of, _)| of == pid) {
        Some((_, one)) => *one,
        None => stuck(*pid, proc),
    };
    pids.iter().filter_map(told).collect()
}

/// One process; `None` if it is gone, or a thread of the kernel.
fn of(pid: u32, proc: &Path) -> Option<OfProcess> {
    let (folder, status) = status(pid, proc)?;
    let parent = word(&status, "PPid")?.parse().ok()?;
    let rollup = read_text(&folder.join("smaps_rollup")).unwrap_or_default();
    let maps = read_text(&folder.join("maps")).unwrap_or_default();
    let (measured, arenas) = (measured(&rollup, &status), arenas(&maps));
    Some(OfProcess { pid, parent, measured, arenas, is_stuck: false })
}

/// One of which only its status can be read, which takes no lock.
fn stuck(pid: u32, proc: &Path) -> Option<OfProcess> {
    let (_, status) = status(pid, proc)?;
    let parent = word(&status, "PPid")?.parse().ok()?;
    Some(OfProcess { pid, parent, measured: None, arenas: None, is_stuck: true })
}

fn status(pid: u32, proc: &Path) -> Option<(PathBuf, String)> {
    let folder = proc.join(pid.to_string());
    let status = read_text(&folder.join("status")).ok()?;
    Some((folder, status))
}

/// `PPid:\t7` is 7.
fn word<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace().next()
}

fn measured(rollup: &str, status: &str) -> Option<Measured> {
    let kib = |text: &str, key: &str| Bytes::from_kib(word(text, key)?.parse().ok()?);
    let of = |key: &str| kib(rollup, key);
    let pss = of("Pss")?;
    let private = sum(of("Private_Clean")?, of("Private_Dirty")?);
    // From 5.9 on the share is told by kind; before, what is dirty and private cannot be given back.
    let shmem = of("Pss_Shmem").unwrap_or(Bytes(0));
    let kept = of("Pss_Anon").map_or(of("Private_Dirty")?, |anon| sum(anon, shmem));
    let given_up = of("LazyFree").unwrap_or(Bytes(0));
    let kept = Bytes(kept.0.saturating_sub(given_up.0));
    let above = kib(status, "VmHWM").zip(kib(status, "VmRSS"));
    let above = above.map_or(0, |(most, now)| most.0.saturating_sub(now.0));
    let private_peak = sum(private, Bytes(above));
    Some(Measured { pss, private, kept, shmem, given_up, private_peak })
}

fn sum(one: Bytes, other: Bytes) -> Bytes {
    Bytes(one.0.saturating_add(other.0))
}

/// Counts arenas by their shape.
fn arenas(maps: &str) -> Option<u32> {
    let mut uses_glibc = false;
    let mut count = 1;
    let mut before: Option<(u64, u64)> = None;
    for line in maps.lines() {
        let Some(mapping) = Mapping::read(line) else { continue };
        uses_glibc |= mapping.path.rsplit('/').next() == Some("libc.so.6");
        let (start, end) = (mapping.start, mapping.end);
        let begins = mapping.is_heap() && start.is_multiple_of(ARENA) && start >= LOWEST;
        match before.take() {
            // The rest of it, which is not used yet.
            Some((first, last))
                if mapping.permissions == "---p" && start == last && end - first == ARENA =>
            {
                count += 1;
            }
            _ if begins && end - start == ARENA => count += 1,
            _ if begins && end - start < ARENA => before = Some((start, end)),
            _ => {}
        }
    }
    uses_glibc.then_some(count)
}

/// A line of `/proc/PID/maps`.
struct Mapping<'a> {
    start: u64,
    end: u64,
    permissions: &'a str,
    path: &'a str,
}

impl<'a> Mapping<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let (start, end) =
            (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        let permissions = words.next()?;
        let path = words.nth(3).unwrap_or_default().trim();
        (end > start).then_some(Self { start, end, permissions, path })
    }

    /// Memory that is nobody's file. glibc may name its arenas (glibc.mem.decorate_maps, 2.39 on).
    fn is_heap(&self) -> bool {
        let is_named = self.path.starts_with("[anon: glibc: malloc");
        self.permissions == "rw-p" && (self.path.is_empty() || is_named)
    }
}

/// A process and all that descend from it, each once.
pub(crate) fn descendants(pid: u32, proc: &Path) -> Vec<u32> {
    let entries = std::fs::read_dir(proc).into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids
        .filter_map(|pid| {
            let stat = read_text(&proc.join(pid.to_string()).join("stat")).ok()?;
            // The name in parentheses may hold anything; state and parent follow it.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((pid, parent))
        })
        .collect();
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied().filter(|_| found.len() < super::MOST) {
        let children = parents.iter().filter(|(_, of)| *of == parent).map(|(child, _)| *child);
        let new: Vec<u32> = children.filter(|child| !found.contains(child)).collect();
        found.extend(new);
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollup_is_read_by_its_kinds() {
        let rollup = "5583-7ffe ---p 0 00:00 0 [rollup]\nRss: 9000 kB\nPss: 4000 kB\nPss_Dirty: 1 kB\n\
            Pss_Anon: 2700 kB\nPss_File: 800 kB\nPss_Shmem: 500 kB\nPrivate_Clean: 600 kB\nPrivate_Dirty: 2400 kB\n\
            LazyFree: 200 kB\n";
        let status = "Name:\tx\nVmHWM:\t   9100 kB\nVmRSS:\t   9000 kB\n";
        let found = measured(rollup, status).unwrap();
        let kib = |bytes: Bytes| bytes.as_kib();
        assert_eq!((kib(found.pss), kib(found.private), kib(found.kept)), (4000, 3000, 3000));
        assert_eq!((kib(found.shmem), kib(found.private_peak)), (500, 3100));
        assert_eq!(kib(found.given_up), 200);
        let old = "Pss: 4000 kB\nPrivate_Clean: 600 kB\nPrivate_Dirty: 2400 kB\n";
        assert_eq!(measured(old, "").map(|it| kib(it.kept)), Some(2400));
        assert_eq!(measured("", status), None);
    }

    #[test]
    fn arenas_are_told_by_their_shape_and_place() {
        let libc = "7f0010000000-7f0010200000 r-xp 00000000 fe:00 7      /lib/libc.so.6\n";
        let arena = "7f0020000000-7f0020021000 rw-p 00000000 00:00 0 \n\
            7f0020021000-7f0024000000 ---p 00000000 00:00 0 \n";
        let full = "7f0028000000-7f002c000000 rw-p 00000000 00:00 0 \n";
        let named = "7f0030000000-7f0030021000 rw-p 00000000 00:00 0 [anon: glibc: malloc arena]\n\
            7f0030021000-7f0034000000 ---p 00000000 00:00 0 [anon: glibc: malloc arena]\n";
        assert_eq!(arenas(&format!("{libc}{arena}{full}{named}")), Some(4));
        assert_eq!(arenas(libc), Some(1));
        assert_eq!(arenas(arena), None);
        // The Go heap, a stack, and an arena's beginning without its end.
        let go = "c000000000-c000400000 rw-p 0 00:00 0 \nc000400000-c004000000 ---p 0 00:00 0 \n";
        let stack =
            "7f0020001000-7f0020801000 rw-p 0 00:00 0 \n7f0020801000-7f0024001000 ---p 0 0:0 0 \n";
        let half =
            "7f0020000000-7f0020021000 rw-p 0 00:00 0 \n7f0020031000-7f0024000000 ---p 0 0:0 0 \n";
        assert_eq!(arenas(&format!("{libc}{go}{stack}{half}")), Some(1));
        assert_eq!(arenas("oops\nff-aa rw-p 0 0 0\n-"), None);
    }

    #[test]
    fn a_process_that_is_stuck_holds_up_only_itself() {
        let proc = tempfile::tempdir().unwrap();
        let pids: Vec<u32> = (1..=20).collect();
        for pid in &pids {
            let folder = proc.path().join(pid.to_string());
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("status"), format!("Name:\tx\nPPid:\t{}\n", pid - 1))
                .unwrap();
            let rollup = folder.join("smaps_rollup");
            if *pid == 3 {
                // Nobody ever writes to it: opening it waits.
                let made = std::process::Command::new("mkfifo").arg(&rollup).status();
                assert!(made.unwrap().success());
            } else {
                let text = "Pss: 4 kB\nPrivate_Clean: 0 kB\nPrivate_Dirty: 4 kB\n";
                std::fs::write(&rollup, text).unwrap();
            }
        }
        let asked = [&pids[..], &[99]].concat();
        let began = Instant::now();
        let found = all(&asked, proc.path(), Duration::from_millis(300));
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(found.iter().map(|one| one.pid).collect::<Vec<_>>(), pids);
        let stuck: Vec<_> = found.iter().filter(|one| one.is_stuck).collect();
        assert_eq!((stuck.len(), stuck[0].pid, stuck[0].parent), (1, 3, 2));
        assert!(found.iter().all(|one| one.is_stuck != one.measured.is_some()));
    }

    #[test]
    fn descendants_are_found_whatever_their_names_hold() {
        let proc = tempfile::tempdir().unwrap();
        let process = |pid: u32, name: &str, parent: u32| {
            let folder = proc.path().join(pid.to_string());
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("stat"), format!("{pid} ({name}) S {parent} 1 1")).unwrap();
        };
        for (pid, name, parent) in
            [(1, "init", 0), (7, "sh", 1), (8, "a) S 1 (b", 7), (9, "c", 8), (10, "d", 1)]
        {
            process(pid, name, parent);
        }
        assert_eq!(descendants(7, proc.path()), [7, 8, 9]);
        assert_eq!(descendants(10, proc.path()), [10]);
    }
}
