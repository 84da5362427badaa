//! CPython and its servers: no ceiling; as many workers as somebody wrote down.
//!
//! # Recognised by
//! A mapped `libpython3.N.so`, or an executable that exports the interpreter's functions; the version is in
//! the constants, in section `.PyRuntime` from 3.13 on. The server by the script or module that runs.
//!
//! # Settings, the later the stronger
//! gunicorn: `WEB_CONCURRENCY` < `workers` in its file < `GUNICORN_CMD_ARGS` < `-w`. uvicorn: `WEB_CONCURRENCY` <
//! `UVICORN_WORKERS` < `--workers`. hypercorn: `workers` in its file < `-w`; it does not read `WEB_CONCURRENCY`.
//! celery: `worker_concurrency` < `CELERY_WORKER_CONCURRENCY` < `-c`; `--autoscale=MAX,MIN`; pools other than
//! prefork are one process. uWSGI: `processes` or `workers` in its file, `UWSGI_WORKERS`, `UWSGI_PROCESSES` < `-p`.
//!
//! # Its default
//! No bound of the memory in any version. One worker; celery: one per processor of the machine, `auto` (5.7)
//! the quota, rounded up. `os.cpu_count()` is the machine's in every version, whatever quota and affinity;
//! `process_cpu_count()` (3.13 on) the affinity; `PYTHON_CPU_COUNT` (3.13 on) sets both.
//!
//! # Outside its ceiling
//! It has none. Idle workers of an empty application, of their own: gunicorn 6 to 8 MiB, uvicorn and
//! hypercorn 19 MiB (they start afresh), celery 14 to 19 MiB, uWSGI 5 MiB.
//!
//! # What to set
//! Workers = (85 % of the limit - the master) / the largest worker that was seen, at most 2 × quota + 1;
//! `MALLOC_ARENA_MAX=2` with threads.

pub(super) mod servers;

use super::{Belief, Part, Told, Version, View, malloc};
use servers::Server;

pub(super) fn believes(version: &Version, view: &View, told: &Told) -> Belief {
    let program = servers::program(&told.arguments);
    let server = program.as_ref().and_then(|program| Server::of(program));
    let cpus = cpus(version, view, told);
    // Without a script it is a question about one that does not run: whichever server reads it.
    let processes = match (server, &program) {
        // A title that a server wrote over its options: `gunicorn: master [app:app]`.
        _ if told.arguments.first().is_some_and(|word| word.ends_with(':')) => None,
        (Some(server), _) => servers::count(server, cpus, view, told),
        (None, None) => servers::of_any(cpus, view, told),
        (None, Some(_)) => None,
    };
    let mut belief = Belief {
        from: "nothing bounds its memory".to_owned(),
        cpus: Some(cpus),
        processes,
        ..Belief::default()
    };
    let (least, usual, master) = server.map_or((5, 20, 12), Server::idle);
    let from = "measured: an empty application";
    belief.outside.push(Part::new("an idle worker", least, usual, from));
    if belief.number() > 1 {
        belief.outside.push(Part::shared("the master", master, master, from));
    }
    if let Some(quota) = view.cpus.quota_up().filter(|quota| *quota < cpus) {
        belief.remarks.push(format!(
            "os.cpu_count() is {cpus}, the machine's; the quota is {quota}: counts that are made from it are too large"
        ));
    }
    if server.is_none_or(|server| server.has_threads(&told.arguments)) {
        belief.remarks.extend(malloc::remark(view, told));
    }
    if server == Some(Server::Hypercorn) && told.variable("WEB_CONCURRENCY").is_some() {
        belief.remarks.push("WEB_CONCURRENCY is not read by hypercorn".to_owned());
    }
    belief
}

/// `os.cpu_count()`: `-X cpu_count=N` beats `PYTHON_CPU_COUNT`, both from 3.13 on.
fn cpus(version: &Version, view: &View, told: &Told) -> u32 {
    let given = own_count(&told.arguments).or_else(|| told.variable("PYTHON_CPU_COUNT"));
    let given = given.filter(|_| version.is_at_least(&[3, 13]));
    let given = given.and_then(|text| text.parse().ok()).filter(|number: &u32| *number > 0);
    given.unwrap_or(view.cpus.online)
}

/// `-X cpu_count=N`, before the script, the module or the command.
fn own_count(arguments: &[String]) -> Option<&str> {
    let mut found = None;
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next().filter(|word| word.starts_with('-')) {
        if word.starts_with("-c") || word.starts_with("-m") {
            break;
        }
        let option = if word == "-X" { words.next() } else { word.strip_prefix("-X") };
        found = option.and_then(|option| option.strip_prefix("cpu_count=")).or(found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::{Cpus, Fits, Layout, mib};

    fn belief(
        version: &str,
        words: &[&str],
        settings: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> Belief {
        let cpus = Cpus { online: 2, affinity: 1, quota: Some(500) };
        let view = View::imagined(Layout::ContainerV1, Some(mib(384)), mib(24_000), cpus);
        let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        let told = Told {
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
            environment: pairs(variables),
            settings: pairs(settings),
            ..Told::default()
        };
        believes(&Version::parse(version).unwrap(), &view, &told)
    }

    fn workers(words: &str, settings: &[(&str, &str)], variables: &[(&str, &str)]) -> Option<u64> {
        let words: Vec<&str> = words.split(' ').collect();
        let found = belief("3.11.7", &words, settings, variables);
        assert_eq!((found.ceiling, found.fits(Some(mib(384)), 1)), (None, Fits::Unknown));
        found.processes.map(|count| count.number)
    }

    /// Each was started, pinned to one of two processors, half of one as its quota.
    #[test]
    fn processors_are_those_that_were_measured() {
        for version in ["3.6.15", "3.8.18", "3.12.1", "3.13.0"] {
            assert_eq!(belief(version, &[], &[], &[]).cpus, Some(2), "{version}");
        }
        let set = [("PYTHON_CPU_COUNT", "7")];
        assert_eq!(belief("3.13.0", &[], &[], &set).cpus, Some(7));
        assert_eq!(belief("3.12.1", &[], &[], &set).cpus, Some(2));
        assert_eq!(belief("3.13.0", &["-Xcpu_count=3"], &[], &set).cpus, Some(3));
        assert_eq!(belief("3.13.0", &["-u", "-X", "cpu_count=3"], &[], &[]).cpus, Some(3));
        assert_eq!(belief("3.13.0", &["a.py", "-Xcpu_count=3"], &[], &[]).cpus, Some(2));
        assert_eq!(belief("3.12.1", &["-Xcpu_count=3"], &[], &[]).cpus, Some(2));
    }

    const TWO: (&str, &str) = ("WEB_CONCURRENCY", "2");

    /// gunicorn 27.0.1: children of the master.
    #[test]
    fn gunicorns_workers_are_those_that_were_measured() {
        let file = [("workers", "3")];
        let four = ("GUNICORN_CMD_ARGS", "--workers=4");
        assert_eq!(workers("-m gunicorn app:app", &[], &[]), Some(1));
        assert_eq!(workers("-m gunicorn app:app", &[], &[TWO]), Some(2));
        assert_eq!(workers("/usr/bin/gunicorn app:app", &file, &[TWO]), Some(3));
        assert_eq!(workers("-m gunicorn app:app", &file, &[TWO, four]), Some(4));
        assert_eq!(workers("-m gunicorn app:app -w 5", &file, &[four]), Some(5));
        // What its file says is not known here.
        assert_eq!(workers("-m gunicorn -c conf.py app:app", &[], &[TWO]), None);
        assert_eq!(workers("gunicorn: master [app:app]", &[], &[TWO]), None);
    }

    /// uvicorn 0.54.0 and hypercorn 0.18.0.
    #[test]
    fn uvicorns_and_hypercorns_workers_are_those_that_were_measured() {
        let four = ("UVICORN_WORKERS", "4");
        assert_eq!(workers("-m uvicorn app:asgi", &[], &[]), Some(1));
        assert_eq!(workers("-m uvicorn app:asgi", &[], &[TWO]), Some(2));
        assert_eq!(workers("-m uvicorn app:asgi --workers 3", &[], &[TWO]), Some(3));
        assert_eq!(workers("-m uvicorn app:asgi", &[], &[four, TWO]), Some(4));
        assert_eq!(workers("-m hypercorn app:asgi", &[], &[TWO]), Some(1));
        assert_eq!(workers("-m hypercorn app:asgi -w 3", &[], &[]), Some(3));
    }

    /// celery 5.7.0.
    #[test]
    fn celerys_workers_are_those_that_were_measured() {
        let file = [("worker_concurrency", "3")];
        let five = ("CELERY_WORKER_CONCURRENCY", "5");
        let celery = |rest: &str| format!("-m celery -A cel worker{rest}");
        assert_eq!(workers(&celery(""), &[], &[]), Some(2));
        assert_eq!(workers(&celery(""), &file, &[]), Some(3));
        assert_eq!(workers(&celery(" -c 4"), &file, &[]), Some(4));
        assert_eq!(workers(&celery(""), &[], &[five]), Some(5));
        assert_eq!(workers(&celery(" --autoscale=6,3"), &[], &[]), Some(6));
        assert_eq!(workers(&celery(" -P threads -c 4"), &[], &[]), Some(1));
        assert_eq!(workers(&celery(" -c auto"), &[], &[]), Some(1));
    }

    /// uWSGI 2.0.21 with its Python plugin.
    #[test]
    fn uwsgis_workers_are_those_that_were_measured() {
        let uwsgi = |rest: &str| format!("uwsgi --http-socket :80 --master{rest}");
        assert_eq!(workers(&uwsgi(""), &[], &[]), Some(1));
        assert_eq!(workers(&uwsgi(""), &[], &[("UWSGI_WORKERS", "2")]), Some(2));
        assert_eq!(workers(&uwsgi(" -p 3"), &[], &[("UWSGI_PROCESSES", "2")]), Some(3));
        assert_eq!(workers(&uwsgi(""), &[("processes", "4")], &[]), Some(4));
    }

    #[test]
    fn a_question_without_a_server_counts_what_servers_read() {
        let found = belief("3.12", &[], &[], &[("WEB_CONCURRENCY", "6")]);
        assert_eq!(found.number(), 6);
        assert!(found.least(1) > mib(6 * 5), "{}", found.least(1));
        assert_eq!(found.fits(Some(mib(32)), 1), Fits::CannotFit);
        assert_eq!(found.fits(Some(mib(512)), 1), Fits::Unknown);
        assert_eq!(belief("3.12", &["--workers=4"], &[], &[]).number(), 4);
        assert_eq!(belief("3.12", &["train.py", "--workers=4"], &[], &[TWO]).processes, None);
        assert_eq!(belief("3.12", &[], &[], &[]).processes, None);
    }
}
