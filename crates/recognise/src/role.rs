//! The workers of one kind: those of a master that do the same work, as their command lines and titles tell.
//!
//! Beside its workers a master has processes that serve none: Python's resource tracker, PostgreSQL's
//! checkpointer, nginx's cache manager. A number of workers counts without them. Leans on
//! multiprocessing/resource_tracker.py, PostgreSQL's backend types (miscinit.c) and nginx's ngx_process_cycle.c.

use settings::runtimes::Runtime;

/// PostgreSQL's own processes, as their titles begin.
const POSTGRES: [&str; 15] = [
    "archiver",
    "autovacuum",
    "background",
    "bgworker:",
    "checkpointer",
    "io",
    "logger",
    "logical",
    "parallel",
    "slotsync",
    "startup",
    "stats",
    "walreceiver",
    "walsender",
    "walwriter",
];
const PYTHON: [&str; 3] = [
    "multiprocessing.forkserver",
    "multiprocessing.resource_tracker",
    "multiprocessing.semaphore_tracker",
];

/// What tells the workers of one kind from others of the same master; `None`: it is no worker.
pub(crate) fn kind(runtime: Option<Runtime>, arguments: &[String]) -> Option<String> {
    let line = arguments.join(" ");
    match runtime {
        Some(Runtime::Postgres) => {
            // `postgres: CLUSTER: TYPE` or `postgres: TYPE`; a backend's is `USER DATABASE HOST STATE`.
            let title = line.strip_prefix("postgres: ").unwrap_or(&line);
            let title = title.split_once(": ").map_or(title, |(_, rest)| rest);
            let first = title.split(' ').next().unwrap_or_default();
            (!POSTGRES.contains(&first)).then(String::new)
        }
        Some(Runtime::Nginx) => line.contains("worker process").then(String::new),
        Some(Runtime::Php) => Some(String::new()),
        Some(Runtime::Python) if PYTHON.iter().any(|name| line.contains(name)) => None,
        // Numbers of pipes, pids and requests differ from worker to worker.
        _ => Some(line.chars().filter(|c| !c.is_ascii_digit()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(runtime: Runtime, line: &str) -> Option<String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        kind(Some(runtime), &words)
    }

    #[test]
    fn workers_are_of_one_kind_whatever_their_numbers() {
        let spawned = |pipe| {
            let line = format!(
                "-c from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle={pipe})"
            );
            of(Runtime::Python, &line)
        };
        assert!(spawned(7).is_some() && spawned(7) == spawned(12));
        assert_ne!(of(Runtime::Node, "a.js"), of(Runtime::Node, "b.js"));
        let backends = ["app shop 10.0.0.1(5432) idle", "app shop [local] SELECT"];
        let backends = backends.map(|state| of(Runtime::Postgres, &format!("postgres: {state}")));
        assert!(backends[0].is_some() && backends[0] == backends[1]);
    }

    #[test]
    fn who_serves_nobody_is_no_worker() {
        let tracker = "-c from multiprocessing.resource_tracker import main;main(5)";
        assert_eq!(of(Runtime::Python, tracker), None);
        for title in ["checkpointer", "autovacuum launcher", "main: walwriter", "io worker 0"] {
            assert_eq!(of(Runtime::Postgres, &format!("postgres: {title}")), None, "{title}");
        }
        assert_eq!(of(Runtime::Nginx, "nginx: cache manager process"), None);
        assert!(of(Runtime::Nginx, "nginx: worker process").is_some());
    }
}
