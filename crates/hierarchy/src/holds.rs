//! What a cgroup holds now, and of what kind: the programs' own, files that can be given back, shared
//! memory, the kernel's.
//!
//! The subtree's, on both versions: v1 counts it in `total_…` lines. What a kernel does not show is `None`,
//! never zero. Leans on cgroup-v1/memory.rst and cgroup-v2.rst ("memory.stat").

use std::fs;
use std::path::Path;

use casefile::Bytes;

/// What a cgroup and those below it hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holds {
    /// All that is counted against its limit.
    pub usage: Option<Bytes>,
    /// Anonymous memory: heaps and stacks.
    pub anon: Option<Bytes>,
    /// Pages of files, which the kernel can give back when the limit is near.
    pub file: Option<Bytes>,
    /// tmpfs and shared memory: files without a disk behind them, which it cannot give back.
    pub shmem: Option<Bytes>,
    /// The kernel's own, on behalf of the processes: slab, stacks, page tables, sockets.
    pub kernel: Option<Bytes>,
}

impl Holds {
    /// Reads one cgroup of this version.
    #[must_use]
    pub fn read(directory: &Path, version: u8) -> Self {
        let text = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default();
        let number = |file: &str| text(file).trim().parse().ok().map(Bytes);
        let stat = text("memory.stat");
        let of = |name: &str| field(&stat, name);
        if version == 1 {
            return Self {
                usage: number("memory.usage_in_bytes"),
                anon: of("total_rss"),
                file: sum([of("total_active_file"), of("total_inactive_file")]),
                shmem: of("total_shmem"),
                kernel: number("memory.kmem.usage_in_bytes"),
            };
        }
        Self {
            usage: number("memory.current"),
            anon: of("anon"),
            file: sum([of("active_file"), of("inactive_file")]),
            shmem: of("shmem"),
            kernel: of("kernel").or_else(|| kernels_parts(&stat)),
        }
    }

    /// What cannot be given back: all but the files. Less where a part is not shown.
    #[must_use]
    pub fn kept(&self) -> Option<Bytes> {
        let parts = [self.anon, self.shmem].into_iter().flatten();
        self.anon?;
        Some(Bytes(parts.fold(0, |sum, part| sum.saturating_add(part.0))))
    }
}

/// Before 5.18 there is no sum of the kernel's parts.
fn kernels_parts(stat: &str) -> Option<Bytes> {
    let parts = ["kernel_stack", "pagetables", "percpu", "slab", "sock", "vmalloc"];
    let found: Vec<Bytes> = parts.into_iter().filter_map(|name| field(stat, name)).collect();
    let all = found.iter().fold(0u64, |sum, part| sum.saturating_add(part.0));
    (!found.is_empty()).then_some(Bytes(all))
}

/// Both, or nothing.
fn sum(parts: [Option<Bytes>; 2]) -> Option<Bytes> {
    let [one, other] = parts;
    one?.0.checked_add(other?.0).map(Bytes)
}

/// `NAME NUMBER`
pub(crate) fn field(text: &str, name: &str) -> Option<Bytes> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == name).then(|| value.trim().parse().ok().map(Bytes))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn version_1_counts_the_subtree_in_lines_of_its_own() {
        let stat = "rss 1\nactive_file 1\nshmem 1\ntotal_rss 70\ntotal_cache 30\ntotal_shmem 5\n\
            total_active_file 20\ntotal_inactive_file 6\n";
        let folder = folder(&[
            ("memory.stat", stat),
            ("memory.usage_in_bytes", "110\n"),
            ("memory.kmem.usage_in_bytes", "9\n"),
        ]);
        let held = Holds::read(folder.path(), 1);
        let bytes = |number| Some(Bytes(number));
        let all = [held.usage, held.anon, held.file, held.shmem, held.kernel];
        assert_eq!(all, [bytes(110), bytes(70), bytes(26), bytes(5), bytes(9)]);
        assert_eq!(held.kept(), bytes(75));
    }

    #[test]
    fn version_2_sums_up_the_kernels_memory_from_5_18_on() {
        let old =
            "anon 70\nfile 30\nshmem 5\nactive_file 20\ninactive_file 6\nkernel_stack 2\nslab 4\n";
        let held =
            Holds::read(folder(&[("memory.stat", old), ("memory.current", "110")]).path(), 2);
        assert_eq!(
            (held.kernel, held.file, held.usage.map(|it| it.0)),
            (Some(Bytes(6)), Some(Bytes(26)), Some(110))
        );
        let new = format!("{old}kernel 11\n");
        let held = Holds::read(folder(&[("memory.stat", &new)]).path(), 2);
        assert_eq!((held.kernel, held.usage), (Some(Bytes(11)), None));
    }

    #[test]
    fn what_is_not_shown_is_not_zero() {
        let held = Holds::read(folder(&[]).path(), 2);
        assert_eq!((held, held.kept()), (Holds::default(), None));
        assert_eq!(Holds::read(folder(&[("memory.stat", "active_file 1\n")]).path(), 2).file, None);
    }
}
