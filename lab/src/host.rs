//! What this machine offers the lab: root, Debian's package tools, a cgroup v1 memory controller.
//! Nothing is changed here.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The memory controller of cgroup v1, where Docker 20.10's recorded facts hold.
pub(crate) const MEMORY: &str = "/sys/fs/cgroup/memory";

/// Why no death can be produced on this machine, in one clause; `None` where all can.
pub fn why_it_cannot_run() -> Option<&'static str> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
    if !root {
        return Some("the lab's daemon needs root");
    }
    if !Path::new(MEMORY).join("memory.limit_in_bytes").exists() {
        return Some("this machine has no cgroup v1 memory controller mounted");
    }
    let tool = |name: &str| {
        ["/usr/bin", "/bin", "/usr/sbin"].iter().any(|folder| Path::new(folder).join(name).exists())
    };
    if !tool("apt-get") || !tool("dpkg") {
        return Some("this machine has no apt-get to fetch Docker with");
    }
    None
}
