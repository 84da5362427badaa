//! What this machine offers the lab: root, Debian's package tools, a cgroup v1 memory controller.
//! Nothing is changed here.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::platform::Cgroup;

/// Why no death can be produced on this machine, in one clause; `None` where all can.
pub fn why_it_cannot_run() -> Option<&'static str> {
    if let Some(why) = why_it_cannot_fetch() {
        return Some(why);
    }
    if Cgroup::here() != Some(Cgroup::V1) {
        return Some("this machine has no cgroup v1 memory controller mounted");
    }
    None
}

/// Why the virtual machine cannot be made or started here; `None` where it can.
pub fn why_no_machine() -> Option<&'static str> {
    if !cfg!(target_arch = "x86_64") {
        return Some("the machine's kernel and the runner are for x86-64");
    }
    why_it_cannot_fetch()
}

/// The v1 controllers that are in use somewhere and not mounted here. While there is one (another
/// process has mounted it in a mount namespace of its own, as systemd-nspawn does), containerd 1.6
/// finds no container's cgroup and never tells of an OOM kill: Docker's flag then stays false.
pub(crate) fn hidden_controllers() -> Vec<String> {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    hidden(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"))
}

fn hidden(cgroups: &str, mounts: &str) -> Vec<String> {
    // `4:memory:/` and, for v2, `0::/`; a mount's super options come last: `rw,net_cls,net_prio`.
    let in_use = cgroups.lines().filter_map(|line| line.split(':').nth(1));
    let options: Vec<&str> = mounts
        .lines()
        .filter(|line| line.contains(" - cgroup "))
        .filter_map(|line| line.rsplit(' ').next())
        .flat_map(|options| options.split(','))
        .collect();
    let unseen = |one: &&str| !one.is_empty() && !options.contains(one);
    in_use.flat_map(|names| names.split(',')).filter(unseen).map(str::to_owned).collect()
}

fn why_it_cannot_fetch() -> Option<&'static str> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
    if !root {
        return Some("the lab's daemon needs root");
    }
    let tool = |name: &str| {
        ["/usr/bin", "/bin", "/usr/sbin"].iter().any(|folder| Path::new(folder).join(name).exists())
    };
    if !tool("apt-get") || !tool("dpkg") {
        return Some("this machine has no apt-get to fetch Docker with");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_mounted_out_of_sight_is_named() {
        let cgroups = "13:net_cls,net_prio:/\n9:name=systemd:/\n4:memory:/x\n0::/\n";
        let mounts = "30 1 0:5 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            31 1 0:6 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";
        assert_eq!(hidden(cgroups, mounts), ["net_cls", "net_prio"]);
        assert_eq!(hidden("4:memory:/x\n0::/\n", mounts), [""; 0]);
    }
}
