//! What a process can see of its limits: its own mounts against the whole hierarchy.
//!
//! The limits themselves are read here, from where everything is visible; the process's own mountinfo tells
//! which of them it could open. Its cgroup is named as this machine sees it.

use std::fs;
use std::path::{Path, PathBuf};

use casefile::{Bytes, CgroupPath, Limit, Relation};
use hierarchy::Hierarchy;
use settings::runtimes::{Cpus, View};

/// What this process itself can see, on a host or in a container.
pub(crate) fn own() -> Option<View> {
    let proc = Path::new("/proc");
    // `/proc` may count in another pid namespace than ours.
    let pid = fs::read_link(proc.join("self")).ok()?;
    let pid = pid.to_str()?.parse().ok()?;
    // Moved below a cgroup that its mount does not show, it is bound by the mounted one at least.
    of(pid, proc).or_else(|| by(pid, proc, |tree, _| CgroupPath::parse(&tree.root)))
}

pub(crate) fn of(pid: u32, proc: &Path) -> Option<View> {
    by(pid, proc, |tree, groups| hierarchy::place_in(groups, tree.version))
}

/// A process in the cgroup that is named.
fn by(
    pid: u32,
    proc: &Path,
    place: impl Fn(&Hierarchy, &str) -> Option<CgroupPath>,
) -> Option<View> {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let mounts = read(proc.join("self/mountinfo"));
    let (own_mounts, groups) =
        (read(proc.join(format!("{pid}/mountinfo"))), read(proc.join(format!("{pid}/cgroup"))));
    let tree = hierarchy::of_memory(&mounts)?;
    let path = place(&tree, &groups)?;
    let levels = tree.upwards(&path);
    let leaf = levels.first()?;
    // What its own mount shows: everything below the cgroup that is mounted there.
    let own_tree =
        hierarchy::mounted(&own_mounts).into_iter().find(|one| one.version == tree.version);
    let root = own_tree.as_ref().and_then(|own| CgroupPath::parse(&own.root));
    let sees = |level: &CgroupPath| {
        root.as_ref()
            .is_some_and(|root| matches!(level.relation(root), Relation::Same | Relation::Below))
    };
    let at = |limit: Option<Limit>| limit.and_then(Limit::bytes);
    let v1 = tree.version == 1;
    let at_root = own_tree.as_ref().filter(|_| v1).and_then(|own| at_mount_root(own, &tree));
    let hierarchical = hierarchical(&read(leaf.directory.join("memory.stat"))).filter(|_| v1);
    let above = levels.iter().skip(1).filter(|level| sees(&level.path));
    Some(View {
        cgroup_version: tree.version,
        host: hierarchy::meminfo(&read(proc.join("meminfo")), "MemTotal")?,
        // Inside a container on version 1 only this tells of the limits above.
        in_effect: levels.iter().filter_map(|level| at(level.limit)).chain(hierarchical).min(),
        at_mount_root: at_root,
        leaf: at(leaf.limit).filter(|_| sees(&leaf.path)),
        leaf_high: high(&leaf.directory, v1).filter(|_| sees(&leaf.path)),
        above: above.filter_map(|level| at(level.limit)).min(),
        hierarchical,
        unified_first: groups.starts_with("0::/"),
        has_all_controllers: ["cpu", "cpuacct", "cpuset", "memory"]
            .iter()
            .all(|name| hierarchy::of_controller(&own_mounts, name).is_some()),
        cpus: cpus(
            pid,
            proc,
            &mounts,
            &groups,
            v1.then_some(()).map_or(Some(&leaf.directory), |()| None),
        ),
    })
}

/// v1: the file that old runtimes open, `/sys/fs/cgroup/memory/memory.limit_in_bytes`.
fn at_mount_root(own: &Hierarchy, tree: &Hierarchy) -> Option<Bytes> {
    if own.point != Path::new("/sys/fs/cgroup/memory") {
        return None;
    }
    let directory = tree.directory(&CgroupPath::parse(&own.root)?)?;
    hierarchy::memory_limit(&directory)?.bytes()
}

/// `memory.high`, or version 1's soft limit.
fn high(directory: &Path, v1: bool) -> Option<Bytes> {
    let name = if v1 { "memory.soft_limit_in_bytes" } else { "memory.high" };
    let text = fs::read_to_string(directory.join(name)).ok()?;
    Limit::from_kernel(text.trim().parse().ok()?).bytes()
}

fn hierarchical(stat: &str) -> Option<Bytes> {
    let line = stat.lines().find_map(|line| line.strip_prefix("hierarchical_memory_limit "))?;
    Limit::from_kernel(line.trim().parse().ok()?).bytes()
}

fn cpus(pid: u32, proc: &Path, mounts: &str, groups: &str, unified: Option<&PathBuf>) -> Cpus {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let online = listed(online.trim()).unwrap_or(1);
    let status = fs::read_to_string(proc.join(format!("{pid}/status"))).unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let affinity = allowed.and_then(|text| listed(text.trim())).unwrap_or(online);
    let quota = match unified {
        Some(directory) => {
            quota_v2(&fs::read_to_string(directory.join("cpu.max")).unwrap_or_default())
        }
        None => quota_v1(mounts, groups),
    };
    Cpus { online, affinity, quota }
}

/// `0-3,8`.
fn listed(text: &str) -> Option<u32> {
    let mut count = 0;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count += last.checked_sub(first)? + 1;
    }
    Some(count)
}

/// `50000 100000`; `max 100000` is none.
fn quota_v2(text: &str) -> Option<u32> {
    let (quota, period) = text.trim().split_once(' ')?;
    thousandths(quota.parse().ok()?, period.parse().ok()?)
}

fn quota_v1(mounts: &str, groups: &str) -> Option<u32> {
    let tree = hierarchy::of_controller(mounts, "cpu")?;
    let directory = tree.directory(&hierarchy::place_of(groups, 1, "cpu")?)?;
    let number = |name: &str| fs::read_to_string(directory.join(name)).ok()?.trim().parse().ok();
    // -1: none.
    thousandths(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
}

fn thousandths(quota: i64, period: i64) -> Option<u32> {
    let quota = quota.checked_mul(1000)?.checked_div(period)?;
    u32::try_from(quota).ok().filter(|quota| *quota > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_counted() {
        assert_eq!(listed("0-3,8"), Some(5));
        assert_eq!(listed("1"), Some(1));
        assert_eq!((listed(""), listed("3-1")), (None, None));
    }

    #[test]
    fn a_quota_is_told_in_thousandths_of_a_processor() {
        assert_eq!(quota_v2("50000 100000\n"), Some(500));
        assert_eq!(quota_v2("max 100000\n"), None);
        assert_eq!((thousandths(-1, 100_000), thousandths(1, 0)), (None, None));
    }

    #[test]
    fn version_1s_own_stat_holds_hidden_parents_limits() {
        let stat = "cache 1\nhierarchical_memory_limit 536870912\nhierarchical_memsw_limit 9\n";
        assert_eq!(hierarchical(stat), Some(Bytes(512 << 20)));
        assert_eq!(hierarchical("hierarchical_memory_limit 9223372036854771712\n"), None);
    }

    #[test]
    fn this_process_has_a_view() {
        let view = of(std::process::id(), Path::new("/proc")).unwrap();
        assert!(
            view.host.0 > 0 && view.cpus.online >= view.cpus.affinity && view.cpus.affinity > 0
        );
    }
}
