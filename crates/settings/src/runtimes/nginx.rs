//! nginx: as many workers as the machine has processors, each of them small.
//!
//! # Recognised by
//! `nginx/X.Y.Z` in the executable's constants, beside its own directives.
//!
//! # Settings, the later the stronger
//! `worker_processes` in nginx.conf, once; a second one, by `-g` too, is an error. The image's
//! `NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE` rewrites the file before nginx starts.
//!
//! # Its default
//! One worker; the packaged files say `auto`: the processors that are online, whatever quota and affinity
//! allow. Nothing reads a memory limit.
//!
//! # Outside its ceiling
//! It has none: buffers and caches follow the connections. Idle, a worker has about 1 MiB of its own and the
//! master 4 MiB.
//!
//! # What to set
//! `worker_processes` at the quota, rounded up.

use super::{Belief, Count, Part, Told, Version, View};

pub(super) fn believes(_version: &Version, view: &View, told: &Told) -> Belief {
    let online = view.cpus.online;
    let (processes, cpus) = match told.setting("worker_processes") {
        Some("auto") => {
            let count = Count::new(online, "worker_processes auto: the machine's processors");
            (Some(count), Some(online))
        }
        Some(text) => {
            let number = text.trim().parse::<u32>().ok().filter(|number| *number > 0);
            (number.map(|number| Count::new(number, format!("worker_processes {text}"))), None)
        }
        // What the file says is not known, and packages differ from the program.
        None => (None, None),
    };
    let quota = view.cpus.quota_up().unwrap_or(online);
    let mut remarks = Vec::new();
    if cpus.is_some_and(|cpus| cpus > quota) {
        remarks.push(format!(
            "worker_processes auto follows the machine, not the quota: {quota} would do"
        ));
    }
    Belief {
        from: "nothing bounds it: buffers follow the connections".to_owned(),
        processes,
        cpus,
        remarks,
        outside: vec![
            Part::new("a worker without connections", 1, 4, "measured: 0.8 to 1.1 MiB each"),
            Part::shared("the master", 4, 4, "measured"),
        ],
        ..Belief::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(cpus: Cpus, workers: &str) -> Belief {
        let view = View::imagined(Layout::ContainerV1, Some(mib(128)), mib(24_000), cpus);
        let settings = vec![("worker_processes".to_owned(), workers.to_owned())];
        let told = Told { settings, ..Told::default() };
        believes(&Version::parse("1.22.1").unwrap(), &view, &told)
    }

    /// Workers of nginx 1.22.1 on two processors: free, at half of one, and pinned to one.
    #[test]
    fn workers_are_those_that_were_measured() {
        for (affinity, quota) in [(2, None), (2, Some(500)), (1, Some(500))] {
            let found = belief(Cpus { online: 2, affinity, quota }, "auto");
            assert_eq!(found.number(), 2);
            assert_eq!(found.remarks.is_empty(), quota.is_none());
            assert_eq!(found.fits(Some(mib(128)), 1), Fits::Unknown);
        }
        assert_eq!(belief(Cpus { online: 2, affinity: 2, quota: Some(500) }, "4").number(), 4);
    }

    #[test]
    fn without_its_file_nothing_is_said_of_workers() {
        let cpus = Cpus { online: 2, affinity: 2, quota: None };
        assert_eq!(belief(cpus, "autos").processes, None);
    }
}
