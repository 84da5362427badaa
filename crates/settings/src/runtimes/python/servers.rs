//! How many workers a Python server makes: its options, variables and file, by precedence.
//!
//! Files are programs here (gunicorn's is Python): only values that somebody else read from them count.

use super::super::words::{option, split};
use super::super::{Count, Told, View};

/// A server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtimes) enum Server {
    Gunicorn,
    Uvicorn,
    Hypercorn,
    Celery,
    Uwsgi,
}

impl Server {
    /// By the name of the script or module.
    pub(in crate::runtimes) fn of(program: &str) -> Option<Self> {
        match program {
            "gunicorn" => Some(Self::Gunicorn),
            "uvicorn" => Some(Self::Uvicorn),
            "hypercorn" => Some(Self::Hypercorn),
            "celery" => Some(Self::Celery),
            "uwsgi" | "uwsgi-core" => Some(Self::Uwsgi),
            _ => None,
        }
    }

    /// MiB of an idle worker (its own, least and usual) and of the master, as measured.
    pub(super) fn idle(self) -> (u64, u64, u64) {
        match self {
            Self::Gunicorn => (5, 20, 13),
            Self::Uvicorn => (18, 30, 17),
            Self::Hypercorn => (18, 30, 19),
            Self::Celery => (14, 30, 20),
            Self::Uwsgi => (4, 20, 8),
        }
    }

    /// Whether its workers have threads that allocate.
    pub(in crate::runtimes) fn has_threads(self, arguments: &[String]) -> bool {
        match self {
            Self::Gunicorn | Self::Uwsgi => option(arguments, &["--threads"]).is_some(),
            Self::Celery => option(arguments, &["-P", "--pool"]) == Some("threads"),
            Self::Uvicorn | Self::Hypercorn => true,
        }
    }
}

/// The script or module that the interpreter runs, by its name without folders and `.py`; `None`: only
/// options.
pub(in crate::runtimes) fn program(arguments: &[String]) -> Option<String> {
    let mut words = arguments.iter().peekable();
    let name = |text: &str| {
        let name = text.rsplit('/').next().unwrap_or(text);
        name.strip_suffix(".py").unwrap_or(name).to_owned()
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "-m" => {
                let module = words.next()?;
                return module.split('.').next().map(name);
            }
            "-c" => return Some("-c".to_owned()),
            "-X" | "-W" => {
                words.next();
            }
            // A title that a server wrote: `gunicorn: master [app:app]`.
            word if !word.starts_with('-') => return Some(name(word.trim_end_matches(':'))),
            _ => {}
        }
    }
    None
}

/// The processes of this server; `None`: a file says so, which nobody read.
pub(super) fn count(server: Server, cpus: u32, view: &View, told: &Told) -> Option<Count> {
    match server {
        Server::Gunicorn => gunicorn(told),
        Server::Uvicorn => {
            let set = worker_option(told, "--workers", &["--workers"])
                .or_else(|| variable(told, "UVICORN_WORKERS"))
                .or_else(|| variable(told, "WEB_CONCURRENCY"));
            Some(set.unwrap_or_else(one))
        }
        Server::Hypercorn => {
            let set = worker_option(told, "-w", &["-w", "--workers"])
                .or_else(|| setting(told, "workers"));
            let file = option(&told.arguments, &["-c", "--config"]).is_some();
            set.or_else(|| (!file).then(one))
        }
        Server::Celery => celery(cpus, view, told),
        Server::Uwsgi => uwsgi(told),
    }
}

/// Of a server that is not named: what any of them would read.
pub(super) fn of_any(cpus: u32, view: &View, told: &Told) -> Option<Count> {
    worker_option(told, "-w", &["-w", "--workers", "--processes"])
        .or_else(|| {
            option(&told.arguments, &["--concurrency"]).and_then(|_| celery(cpus, view, told))
        })
        .or_else(|| in_arguments(told, "GUNICORN_CMD_ARGS"))
        .or_else(|| setting(told, "workers"))
        .or_else(|| setting(told, "worker_concurrency"))
        .or_else(|| variable(told, "UVICORN_WORKERS"))
        .or_else(|| variable(told, "CELERY_WORKER_CONCURRENCY"))
        .or_else(|| variable(told, "UWSGI_PROCESSES"))
        .or_else(|| variable(told, "UWSGI_WORKERS"))
        .or_else(|| variable(told, "WEB_CONCURRENCY"))
}

fn gunicorn(told: &Told) -> Option<Count> {
    let names = ["-w", "--workers"];
    let strong = worker_option(told, "-w", &names)
        .or_else(|| in_arguments(told, "GUNICORN_CMD_ARGS"))
        .or_else(|| setting(told, "workers"));
    if strong.is_some() {
        return strong;
    }
    let arguments = split(told.variable("GUNICORN_CMD_ARGS").unwrap_or_default());
    let file = ["-c", "--config"];
    if option(&told.arguments, &file).or_else(|| option(&arguments, &file)).is_some() {
        return None;
    }
    Some(variable(told, "WEB_CONCURRENCY").unwrap_or_else(one))
}

fn celery(cpus: u32, view: &View, told: &Told) -> Option<Count> {
    let pool =
        option(&told.arguments, &["-P", "--pool"]).or_else(|| told.variable("CELERY_WORKER_POOL"));
    if let Some(pool) = pool.filter(|pool| !matches!(*pool, "prefork" | "processes")) {
        return Some(Count::new(1_u64, format!("-P {pool} is one process")));
    }
    if let Some(range) = option(&told.arguments, &["--autoscale"]) {
        return number(range.split(',').next()?, format!("--autoscale={range}"));
    }
    let given = option(&told.arguments, &["-c", "--concurrency"]).map(|text| ("-c", text));
    let variable =
        || Some(("CELERY_WORKER_CONCURRENCY", told.variable("CELERY_WORKER_CONCURRENCY")?));
    let in_file = || Some(("worker_concurrency", told.setting("worker_concurrency")?));
    match given.or_else(variable).or_else(in_file) {
        Some((name, "auto")) => {
            let quota = view.cpus.quota_up().unwrap_or(cpus);
            Some(Count::new(quota, format!("{name} auto: the quota, rounded up")))
        }
        Some((_, "0")) | None => {
            Some(Count::new(cpus, "celery's default: one per processor of the machine"))
        }
        Some((name, text)) => number(text, format!("{name} {text}")),
    }
}

fn uwsgi(told: &Told) -> Option<Count> {
    let file = ["--ini", "--yaml", "--xml", "--json", "-x", "-y", "-j"];
    let has_file = option(&told.arguments, &file).is_some()
        || told
            .arguments
            .iter()
            .any(|word| [".ini", ".yaml", ".yml", ".xml"].iter().any(|end| word.ends_with(end)));
    let set = worker_option(told, "-p", &["-p", "--processes", "--workers"])
        .or_else(|| variable(told, "UWSGI_PROCESSES"))
        .or_else(|| variable(told, "UWSGI_WORKERS"))
        .or_else(|| setting(told, "processes"))
        .or_else(|| setting(told, "workers"));
    // `%k` and the like are not read here.
    let unreadable = option(&told.arguments, &["-p", "--processes", "--workers"]).is_some();
    set.or_else(|| (!has_file && !unreadable).then(one))
}

fn one() -> Count {
    Count::new(1_u64, "the default: one worker")
}

fn number(text: &str, from: String) -> Option<Count> {
    let number: u64 = text.trim().parse().ok()?;
    Some(Count::new(number.max(1), from))
}

fn worker_option(told: &Told, name: &str, names: &[&str]) -> Option<Count> {
    let text = option(&told.arguments, names)?;
    number(text, format!("{name} {text}"))
}

fn in_arguments(told: &Told, name: &str) -> Option<Count> {
    let words = split(told.variable(name)?);
    let text = option(&words, &["-w", "--workers"])?;
    number(text, format!("{name}, -w {text}"))
}

fn variable(told: &Told, name: &str) -> Option<Count> {
    let text = told.variable(name)?;
    number(text, format!("{name}={text}"))
}

fn setting(told: &Told, name: &str) -> Option<Count> {
    let text = told.setting(name)?;
    number(text, format!("{name} = {text} in its file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_stands_behind_the_interpreters_options() {
        let of = |line: &str| program(&split(line));
        assert_eq!(of("-u /usr/local/bin/gunicorn -w 4").as_deref(), Some("gunicorn"));
        assert_eq!(of("-X dev -m uvicorn app").as_deref(), Some("uvicorn"));
        assert_eq!(of("-m celery.bin.celery worker").as_deref(), Some("celery"));
        assert_eq!(of("app.py -w 4").as_deref(), Some("app"));
        assert_eq!(of("-c pass -w 4").as_deref(), Some("-c"));
        assert_eq!((of("-u -w=4"), of("")), (None, None));
    }
}
