//! The machine's memory: the last limit, where no cgroup has one.
//!
//! Its text comes in as an argument, as others read it. proc_meminfo(5).

use casefile::Bytes;

/// A line of a `/proc/meminfo` by its name, `MemTotal`: `MemTotal:       24684084 kB`. The kernel's kB
/// are 1,024 bytes.
#[must_use]
pub fn meminfo(text: &str, name: &str) -> Option<Bytes> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Bytes::from_kib(line.trim().strip_suffix("kB")?.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_the_kernels_kb() {
        let text = "MemTotal:  10 kB\nMemAvailable: 4 kB\n";
        assert_eq!(meminfo(text, "MemAvailable"), Some(Bytes(4096)));
        assert_eq!(meminfo(text, "Mem"), None);
        assert_eq!(meminfo("MemTotal:  ten kB\n", "MemTotal"), None);
        assert_eq!(meminfo("MemTotal: 18446744073709551615 kB\n", "MemTotal"), None);
    }
}
