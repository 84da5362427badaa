//! Somebody who watches a child says that it ended by SIGKILL, not knowing who sent it: gunicorn,
//! celery, PostgreSQL, php-fpm, uWSGI, Apache, nginx, supervisord, npm, make, shells, compilers,
//! PyTorch, Spark, torchrun, Airflow, loky and every program that prints a wait status.
//!
//! `Perhaps out of memory?` and `likely due to running out of memory` are guesses of theirs and
//! are not kept.

use super::words::{after, begins, between, has_any, number, pid};
use crate::record::Application;

/// Which words in a line betray which program watches.
const WATCHERS: [(&str, &str); 50] = [
    ("Perhaps out of memory?", "gunicorn"),
    ("Worker with pid", "gunicorn"),
    ("Worker (pid:", "gunicorn"),
    ("WorkerLostError", "celery"),
    ("Worker exited prematurely", "celery"),
    ("ForkPoolWorker", "celery"),
    ("Work-horse", "rq"),
    ("server process (PID", "postgres"),
    ("background worker \"", "postgres"),
    ("[pool ", "php-fpm"),
    ("DAMN !", "uwsgi"),
    ("AH00052", "apache"),
    ("exit signal Killed", "apache"),
    ("jest worker process", "jest"),
    ("worker process ", "nginx"),
    ("not expected)", "supervisord"),
    ("DataLoader worker", "pytorch"),
    ("exitcode: -9", "torchrun"),
    ("exitcode  : -9", "torchrun"),
    ("PID on node", "mpirun"),
    ("mpirun noticed", "mpirun"),
    ("KILLED BY SIGNAL: 9", "mpirun"),
    ("Negsignal", "airflow"),
    ("Task exited with return code", "airflow"),
    ("Job was killed before it finished", "airflow"),
    ("llama runner", "ollama"),
    ("llama-server", "ollama"),
    ("exit codes of the workers", "loky"),
    ("died with <Signals", "python"),
    ("program cc1", "gcc"),
    ("fatal error: Killed signal terminated", "gcc"),
    ("collect2:", "gcc"),
    ("unable to execute command: Killed", "clang"),
    ("(signal: 9, SIGKILL: kill)", "cargo"),
    ("possible container OOM", "spark"),
    ("Container killed on request", "spark"),
    ("non-zero exit value", "gradle"),
    ("heroku[", "heroku"),
    ("Container terminated on signal 9", "cloud-run"),
    ("Uncaught signal: 9", "cloud-run"),
    ("reaped #<Process::Status", "unicorn"),
    ("via signal [SIGKILL]", "pm2"),
    ("distributed.nanny", "dask"),
    ("The Python process exited", "databricks"),
    ("ELIFECYCLE", "npm"),
    ("npm ", "npm"),
    ("pnpm", "npm"),
    ("Command failed with", "yarn"),
    ("signal: 'SIGKILL'", "node"),
    ("signal: killed", "go"),
];

/// Reads one line.
pub(super) fn read(line: &str, lower: &str) -> Option<Application> {
    make(line)
        .or_else(|| shell(line))
        .or_else(|| npm(line))
        .or_else(|| compiler(line))
        .or_else(|| generic(line, lower))
}

fn killed(by: &str, pid: Option<u32>, child: Option<&str>) -> Option<Application> {
    let child = child.map(str::trim).filter(|child| !child.is_empty()).map(str::to_owned);
    Some(Application::ChildKilled { by: by.to_owned(), pid, child })
}

/// `Killed` alone; bash's `./run.sh: line 3:    12 Killed                  python x.py`;
/// `[1]+  Killed   x`; zsh's `zsh: killed     x` and `[1]    12 killed     x`.
fn shell(line: &str) -> Option<Application> {
    if let Some(rest) = begins(line, "Killed") {
        // In a JSON log the field ends here: `{"log":"Killed\n","stream":…`.
        if rest.trim().is_empty() || rest.starts_with(['"', '\\']) {
            return killed("shell", None, None);
        }
    }
    if let Some((_, rest)) = line.split_once(": line ")
        && let Some((_, rest)) = rest.split_once(':')
        && let Some(pid) = number(rest)
        && let Some((_, child)) = rest.split_once("Killed")
    {
        let only_pid = rest
            .split_once("Killed")
            .is_some_and(|(between, _)| between.trim().chars().all(|c| c.is_ascii_digit()));
        return only_pid.then(|| killed("shell", Some(pid), Some(child))).flatten();
    }
    if let Some(child) = begins(line, "zsh: killed") {
        return killed("shell", None, Some(child));
    }
    // Job control: `[1]+  Killed   x`, `[1]  - 12 killed   x`.
    let (job, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start_matches(['+', '-', ' ', '\t']);
    let is_job = !job.is_empty() && job.len() <= 3 && job.chars().all(|c| c.is_ascii_digit());
    let pid = number(rest);
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace());
    let child = rest.strip_prefix("Killed").or_else(|| rest.strip_prefix("killed"))?;
    (is_job && child.starts_with(char::is_whitespace))
        .then(|| killed("shell", pid, Some(child)))
        .flatten()
}

/// `make: *** [Makefile:3: all] Killed`, `make[1]: *** [all] Error 137`
fn make(line: &str) -> Option<Application> {
    let (target, end) = after(line, "*** [")?.split_once(']')?;
    let end = end.trim();
    let said = end.starts_with("Killed") || end == "Error 137" || end.starts_with("Error 137 ");
    said.then(|| killed("make", None, Some(target))).flatten()
}

/// npm, pnpm and yarn: `npm ERR! signal SIGKILL`, `npm ERR! errno 137`,
/// `ELIFECYCLE  Command failed with exit code 137.`
fn npm(line: &str) -> Option<Application> {
    let of_npm = has_any(line, &["npm ERR!", "npm error", "ELIFECYCLE"]);
    let of_yarn = line.contains("Command failed with ");
    let number_137 = has_any(line, &["errno 137", "code 137", "status 137", "ELIFECYCLE 137"]);
    let signal = has_any(line, &["signal SIGKILL", "signal \"SIGKILL\""]);
    let said = (of_npm || of_yarn) && (number_137 || signal);
    said.then(|| killed(if of_npm { "npm" } else { "yarn" }, None, None)).flatten()
}

/// `c++: fatal error: Killed signal terminated program cc1plus`,
/// `g++: internal compiler error: Killed (program cc1plus)`
fn compiler(line: &str) -> Option<Application> {
    if let Some(child) = after(line, "Killed signal terminated program ") {
        return killed("gcc", None, Some(child));
    }
    if let Some(child) = between(line, "internal compiler error: Killed (program ", ")") {
        return killed("gcc", None, Some(child));
    }
    line.contains("unable to execute command: Killed")
        .then(|| killed("clang", None, None))
        .flatten()
}

/// A wait status in words: a verb of ending and SIGKILL's name or number.
fn generic(line: &str, lower: &str) -> Option<Application> {
    let ended = has_any(
        lower,
        &[
            "exited",
            "exit ",
            "terminated",
            "died",
            "was killed",
            "killed by",
            "is killed",
            "was sent sigkill",
            "ended",
            "crashed",
            "lost",
            "no longer running",
            "failed",
            "finished",
            "stopped",
            "reaped",
            "unexpected",
            "waitpid",
            "signal: 'sigkill'",
            "signalcode",
            "signal received",
            "received by pid",
            "via signal",
            "status",
            "killed before",
            "likely due to running out of memory",
            "interrupted",
            "exitcode",
            "closed",
            "disappeared",
            "error:",
            "error=",
            "err=",
            "rc=-9",
            ": signal: killed",
        ],
    );
    // Their own act, or an intent, is not a wait status.
    let act = has_any(
        lower,
        &[
            "sending",
            "killing ",
            "will be",
            "stopping ",
            "resorting",
            "with sigkill",
            "failed to kill",
        ],
    );
    (ended && !act && says_sigkill(line, lower) && line.len() < 1200)
        .then(|| killed(watcher(line), pid_of_child(line), child_name(line)))
        .flatten()
}

fn watcher(line: &str) -> &'static str {
    let known = WATCHERS.iter().find(|(words, _)| line.contains(words));
    known.map_or("its parent", |(_, by)| by)
}

/// SIGKILL by name, by number, or as a negative exit code.
fn says_sigkill(line: &str, lower: &str) -> bool {
    let by_name = has_any(
        lower,
        &[
            "sigkill",
            "signal: kill",
            "signal killed",
            "killed (9)",
            "was killed before it finished",
            "137(sigkill",
        ],
    );
    // An exit code alone names no signal: only those who watch processes mean one by 137.
    let by_code = has_any(
        lower,
        &[
            "error 137",
            "code 137",
            "code=137",
            "code: 137",
            "status 137",
            "status: 137",
            "code is 137",
            "value 137",
        ],
    );
    if by_name || (by_code && watcher(line) != "its parent") {
        return true;
    }
    [
        "signal 9",
        "signal: 9",
        "signal=9",
        "signal [9",
        "exitcode: -9",
        "exit code -9",
        "code: -9",
        "return code -9",
        "exitcode -9",
        "exitcode=-9",
        "exitcode  : -9",
        "(rc=-9",
        "code -9",
        "status -9",
    ]
    .iter()
    .any(|words| {
        lower.match_indices(words).any(|(at, _)| {
            let next = lower.get(at + words.len()..).and_then(|rest| rest.chars().next());
            !next.is_some_and(|next| next.is_ascii_digit() || next == '.')
        })
    })
}

/// The pid a line names, or the one that stands where these programs put it.
fn pid_of_child(line: &str) -> Option<u32> {
    pid(line).or_else(|| {
        ["child ", "worker process ", "Worker process "]
            .iter()
            .find_map(|words| after(line, words).and_then(number))
    })
}

fn child_name(line: &str) -> Option<&str> {
    between(line, "Process '", "'")
        .or_else(|| begins(line, "exited: ").and_then(|rest| rest.split(' ').next()))
        .or_else(|| between(line, "died with <Signals", ">").and_then(|_| between(line, "['", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(line: &str) -> Option<(String, Option<u32>, Option<String>)> {
        match read(line, &line.to_ascii_lowercase())? {
            Application::ChildKilled { by, pid, child } => Some((by, pid, child)),
            _ => None,
        }
    }

    #[test]
    fn a_shells_line_names_the_pid_and_the_command() {
        let said = by("./run.sh: line 3:    12 Killed                  python x.py").unwrap();
        assert_eq!(said, ("shell".to_owned(), Some(12), Some("python x.py".to_owned())));
        assert_eq!(by("Killed").unwrap().0, "shell");
        assert_eq!(by("[1]+  Killed                  ./x").unwrap().2.unwrap(), "./x");
        assert_eq!(by("[1]    4711 killed     node x.js").unwrap().1, Some(4711));
        assert_eq!(by("zsh: killed     node x.js").unwrap().2.unwrap(), "node x.js");
    }

    #[test]
    fn a_kill_of_something_else_is_not_a_killed_child() {
        for line in [
            "Killed process 12 (x) by request",
            "Killed 3 stale sessions",
            "signal 95 died",
            "server started with status 1370",
            "Sending SIGKILL, process exited",
        ] {
            assert_eq!(by(line), None, "{line}");
        }
    }
}
