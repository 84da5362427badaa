//! What Java's collectors took, as each JVM counts it in its own file of counters.
//!
//! HotSpot maps `hsperfdata_USER/PID` in its `/tmp`, by its own pid. The name and place are of the process's
//! view, so they are looked for below `/proc/PID/root`. `sun.gc.collector.N.time` are ticks of
//! `sun.os.hrt.frequency`: pauses; what runs beside the program is not in them. A JVM with `-XX:-UsePerfData` or
//! `-XX:+PerfDisableSharedMem` has no such file. Leans on HotSpot's runtime/perfMemory.hpp, perfMemory_posix.cpp.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cgroup;
use crate::live::{Running, Scope, descendants};
use crate::roots::{Roots, read_text};

/// More processes are not looked at.
const MOST: usize = 64;
/// A JVM may come later than its container.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// HotSpot makes 32 KiB; more than this is somebody else's file.
const LARGEST: u64 = 1 << 20;
/// `cafec0c0`, big-endian whatever the machine is.
const MAGIC: [u8; 4] = [0xca, 0xfe, 0xc0, 0xc0];

/// The files of counters of what is watched.
#[derive(Debug, Default)]
pub(super) struct Collectors {
    files: Vec<PathBuf>,
    looked: Option<Instant>,
}

impl Collectors {
    /// The time that all collectors took until now; `None` where there is no JVM that tells.
    pub(super) fn collected(&mut self, running: &Running) -> Option<Duration> {
        let is_old = self.looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN);
        if self.files.is_empty() && is_old {
            self.looked = Some(Instant::now());
            self.files = find(running);
        }
        let times = self.files.iter().filter_map(|path| collectors(&read(path)?));
        times.fold(None, |sum, one| Some(sum.unwrap_or(Duration::ZERO).saturating_add(one)))
    }
}

fn find(running: &Running) -> Vec<PathBuf> {
    let roots = Roots::default();
    let pids = match running.scope {
        Scope::Tree => descendants(running.pid, &roots.proc),
        _ => cgroup::processes(&running.directory(), MOST),
    };
    pids.into_iter().take(MOST).filter_map(|pid| of_process(pid, &roots)).collect()
}

fn of_process(pid: u32, roots: &Roots) -> Option<PathBuf> {
    let status = read_text(&roots.of_process(pid, "status")).ok()?;
    let own = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    let own: u32 = own.split_whitespace().last()?.parse().ok()?;
    let folders = fs::read_dir(roots.of_process(pid, "root").join("tmp")).ok()?;
    let named =
        |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("hsperfdata_");
    let files = folders.flatten().filter(named).map(|entry| entry.path().join(own.to_string()));
    // The same pid may have been another JVM's in another life: its file is removed when it ends well.
    files.into_iter().find(|path| maps_it(pid, path, roots))
}

/// Whether the process has this file open in its memory.
fn maps_it(pid: u32, path: &Path, roots: &Roots) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let maps = read_text(&roots.of_process(pid, "maps")).unwrap_or_default();
    let is_it = |line: &str| {
        line.contains("/hsperfdata_") && line.trim_end().rsplit('/').next() == Some(name)
    };
    path.is_file() && maps.lines().any(is_it)
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let data = fs::metadata(path).ok().filter(|data| data.is_file() && data.len() <= LARGEST)?;
    fs::read(path).ok().filter(|bytes| !bytes.is_empty() && data.len() > 0)
}

/// The sum of `sun.gc.collector.N.time`.
fn collectors(bytes: &[u8]) -> Option<Duration> {
    let entries = Entries::of(bytes)?;
    let (mut ticks, mut frequency): (Option<u64>, Option<u64>) = (None, None);
    for (name, value) in entries {
        if name == b"sun.os.hrt.frequency" {
            frequency = Some(value);
        }
        let number = name.strip_prefix(b"sun.gc.collector.".as_slice());
        if number.and_then(|rest| rest.strip_suffix(b".time".as_slice())).is_some() {
            ticks = Some(ticks.unwrap_or(0).saturating_add(value));
        }
    }
    let frequency = u128::from(frequency.filter(|it| *it > 0)?);
    let nanos = u128::from(ticks?) * 1_000_000_000 / frequency;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

/// An entry's name and its number.
type Named<'a> = (&'a [u8], u64);

/// The entries that are one long number each.
struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
    is_little: bool,
}

impl<'a> Entries<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        if bytes.get(..4)? != MAGIC {
            return None;
        }
        let mut entries = Self { bytes, at: 0, left: 0, is_little: *bytes.get(4)? == 1 };
        // Behind magic, order, versions and `accessible`: used, overflow, time stamp (8), first entry, entries.
        entries.at = entries.number(24)?;
        entries.left = entries.number(28)?.min(4096);
        Some(entries)
    }

    fn number(&self, at: usize) -> Option<usize> {
        let four: [u8; 4] = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let number =
            if self.is_little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) };
        usize::try_from(number).ok()
    }

    fn long(&self, at: usize) -> Option<u64> {
        let eight: [u8; 8] = self.bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if self.is_little { u64::from_le_bytes(eight) } else { u64::from_be_bytes(eight) })
    }

    /// `entry_length, name_offset, vector_length, type, flags, units, variability, data_offset`.
    fn entry(&self) -> Option<(usize, Option<Named<'a>>)> {
        let length = self.number(self.at)?;
        let name_at = self.at.checked_add(self.number(self.at + 4)?)?;
        let name = self.bytes.get(name_at..)?;
        let name = name.get(..name.iter().position(|byte| *byte == 0)?)?;
        let is_long = self.number(self.at + 8)? == 0 && *self.bytes.get(self.at + 12)? == b'J';
        let value = self.at.checked_add(self.number(self.at + 16)?).and_then(|at| self.long(at));
        Some((length, value.filter(|_| is_long).map(|value| (name, value))))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Named<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            self.left -= 1;
            let (length, found) = self.entry()?;
            self.at = self.at.checked_add(length.max(1))?;
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: u8, value: u64) -> Vec<u8> {
        let name_bytes = [name.as_bytes(), &[0]].concat();
        let data = (20 + name_bytes.len()).next_multiple_of(8);
        let mut out = Vec::new();
        for number in [data + 8, 20, 0] {
            out.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        out.extend([kind, 0, 4, 3]);
        out.extend(u32::try_from(data).unwrap().to_le_bytes());
        out.extend(name_bytes);
        out.resize(data, 0);
        out.extend(value.to_le_bytes());
        out
    }

    fn file(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut out = [&MAGIC[..], &[1, 2, 0, 1], &[0; 16]].concat();
        out.extend(32_u32.to_le_bytes());
        out.extend(u32::try_from(entries.len()).unwrap().to_le_bytes());
        out.extend(entries.concat());
        out
    }

    #[test]
    fn the_time_of_all_collectors_is_added_up() {
        let all = [
            entry("sun.os.hrt.frequency", b'J', 1_000_000),
            entry("sun.gc.collector.0.invocations", b'J', 77),
            entry("sun.gc.collector.0.time", b'J', 1_500_000),
            entry("java.property.x", b'B', 9),
            entry("sun.gc.collector.1.time", b'J', 250_000),
        ];
        assert_eq!(collectors(&file(&all)), Some(Duration::from_millis(1750)));
        assert_eq!(collectors(&file(&all[..1])), None);
    }

    #[test]
    fn a_file_that_is_cut_or_somebody_elses_tells_nothing() {
        let whole = file(&[
            entry("sun.gc.collector.0.time", b'J', 5),
            entry("sun.os.hrt.frequency", b'J', 1),
        ]);
        for end in 0..whole.len() {
            assert_eq!(collectors(&whole[..end]), None, "{end}");
        }
        assert!(collectors(&whole).is_some());
        assert_eq!(collectors(b"GIF89a and so on, long enough for a header of it"), None);
        // An entry that leads back to itself, or far away.
        let mut broken = whole.clone();
        broken[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(collectors(&broken), None);
        broken[32..36].copy_from_slice(&0_u32.to_le_bytes());
        assert_eq!(collectors(&broken), None);
    }
}
