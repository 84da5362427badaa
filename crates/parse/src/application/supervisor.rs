//! Supervisors that say they kill a child themselves: gunicorn, uWSGI, php-fpm, puma, unicorn,
//! celery, supervisord, coreutils `timeout`, pm2, dask, ray, batch systems and others.
//!
//! Says nothing about children that merely died; those are read next door.

use super::words::{after, begins, has_any, number, pid};
use crate::record::Application;

/// Sentences by which a program announces that it kills: words, and the program.
const ANNOUNCED: [(&str, &str); 27] = [
    ("*** HARAKIRI ON WORKER", "uwsgi"),
    ("HARAKIRI [core", "uwsgi"),
    ("is taking too much time to die...NO MERCY", "uwsgi"),
    ("i must kill myself", "uwsgi"),
    ("! Terminating timed out worker", "puma"),
    ("PumaWorkerKiller: Out of memory", "puma-worker-killer"),
    ("Hard time limit (", "celery"),
    ("TimeLimitExceeded(", "celery"),
    ("timeout: sending signal KILL", "timeout"),
    ("because it exceeds --max-memory-restart", "pm2"),
    ("exceeded --max-memory-restart value", "pm2"),
    ("sending it SIGKILL now", "pm2"),
    ("memory budget. Restarting", "dask"),
    ("memory limit exceeded. Restarting", "dask"),
    ("killed due to the node running low on memory", "ray"),
    ("killed due to memory pressure (OOM)", "ray"),
    ("DUE TO TIME LIMIT ***", "slurm"),
    ("PBS: job killed: ", "pbs"),
    ("TERM_MEMLIMIT: job killed", "lsf"),
    ("TERM_RUNLIMIT: job killed", "lsf"),
    ("Stopping process with SIGKILL", "heroku"),
    ("Error R10 (Boot timeout)", "heroku"),
    ("did not start within expected time limit", "azure-app-service"),
    ("didn't respond to HTTP pings on port", "azure-app-service"),
    ("has been externally set to", "airflow"),
    ("Sending Signals.SIGKILL to", "airflow"),
    ("Sending the signal Signals.SIGKILL to", "airflow"),
];

/// Sentences that mean it only where they begin a line.
const BEGINNINGS: [(&str, &str); 3] = [
    ("WORKER TIMEOUT", "gunicorn"),
    ("Task timed out after ", "lambda"),
    ("HARAKIRI triggered by worker", "uwsgi"),
];

/// Reads one line.
pub(super) fn read(line: &str, lower: &str) -> Option<Application> {
    // dockerd's `Sending kill signal 9 to container ID` is a daemon's, of a whole container.
    if line.contains("was sent SIGKILL") || line.contains("Sending kill signal ") {
        return None;
    }
    announced(line)
        .or_else(|| php_fpm(line))
        .or_else(|| unicorn(line))
        .or_else(|| supervisord(line))
        .or_else(|| sends(line, lower))
}

fn kills(by: &str, pid: Option<u32>, reason: &str) -> Option<Application> {
    let reason =
        reason.trim_matches(|c: char| c.is_whitespace() || "*!:.,-".contains(c)).to_owned();
    Some(Application::SupervisorKills { by: by.to_owned(), pid, reason })
}

fn announced(line: &str) -> Option<Application> {
    let begun = BEGINNINGS.iter().find(|(words, _)| begins(line, words).is_some());
    let (words, by) = begun.or_else(|| ANNOUNCED.iter().find(|(words, _)| line.contains(words)))?;
    let shown = line_from(line, words);
    // puma puts the pid last: `(Worker 1 failed to check in within 60 seconds): 12`.
    let last = || shown.rsplit_once(':').and_then(|(_, last)| number(last));
    let named = pid(shown).or_else(|| pid(line));
    let pid = if *by == "puma" { last().or(named) } else { named };
    kills(by, pid, shown)
}

/// `[pool www] child 12, script '/x.php' (request: "GET /x") execution timed out (31.2 sec), terminating`
fn php_fpm(line: &str) -> Option<Application> {
    let rest = after(line, "[pool ")?;
    let timed_out = rest.contains("execution timed out");
    let told = rest.contains("terminating") || rest.contains("kill");
    (timed_out && told).then_some(())?;
    let reason = rest.find("execution timed out").and_then(|at| rest.get(at..)).unwrap_or(rest);
    kills("php-fpm", after(rest, "child ").and_then(number), reason)
}

/// `worker=1 PID:12 timeout (61s > 60s), killing`
fn unicorn(line: &str) -> Option<Application> {
    let rest = after(line, "worker=")?;
    let killing = rest.contains("timeout") && rest.contains("killing");
    killing.then(|| kills("unicorn", pid(rest), rest)).flatten()
}

/// `WARN killing 'x' (12) with SIGKILL`
fn supervisord(line: &str) -> Option<Application> {
    let rest = begins(line, "killing '")?;
    let (_, rest) = rest.split_once('(')?;
    let with_kill = rest.contains("with SIGKILL") || rest.contains("with SIGTERM");
    with_kill.then(|| kills("supervisord", number(rest), line_from(line, "killing '"))).flatten()
}

/// Any program that says it is sending SIGKILL, or killing a process for a time or memory limit.
/// A database that terminates a connection at a timeout kills nobody.
fn sends(line: &str, lower: &str) -> Option<Application> {
    let names_kill = has_any(lower, &["sigkill", "signal 9", "kill -9", "signal kill"]);
    // A log is `sending` or has `sent`; what `sends SIGKILL` is described.
    let sending = has_any(lower, &["sending", "sent sig", "escalating"]);
    let killing = has_any(lower, &["killing ", "terminating ", "kill worker", "force kill"]);
    let target = has_any(lower, &["worker", "process", "child", "task "]) || pid(line).is_some();
    let limit = has_any(
        lower,
        &[
            "timed out",
            "timeout",
            "time limit",
            "not respond",
            "unresponsive",
            "memory limit",
            "did not exit",
            "still running after",
            "still alive after",
            "too long",
        ],
    );
    // "failed to send", "would": nothing was sent. A server's own connections are no processes.
    let not_so = has_any(
        lower,
        &["failed to", "would ", "could not", "cannot", "ignoring", "connection", "walsender"],
    );
    let said = (names_kill && sending) || (killing && limit && target);
    (said && !not_so && line.len() < 400).then(|| kills("its parent", pid(line), line)).flatten()
}

fn line_from<'a>(line: &'a str, phrase: &str) -> &'a str {
    line.find(phrase).and_then(|at| line.get(at..)).unwrap_or(line)
}
