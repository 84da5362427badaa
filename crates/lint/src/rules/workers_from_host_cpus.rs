//! # workers-from-host-cpus — as many workers as the machine has processors
//!
//! ## What it looks for
//! In the main process's command, in variables, and in files that stand in the file itself (ConfigMaps, Compose
//! `configs`, here-documents of `COPY`): `nproc`, `getconf _NPROCESSORS_ONLN`, `cpu_count()`, `os.cpus().length`,
//! `Etc.nprocessors`, `worker_processes auto`, uWSGI's `%k`, `pm2 -i max`, and `celery worker` without a concurrency.
//! `RUN` is left out: it builds the image.
//!
//! ## Why it means that
//! They count the machine's processors, not the container's quota: Python up to 3.14 never reads the quota,
//! nginx's `auto` and celery's default do not either, `nproc` only from coreutils 9.10 on and for cgroup v2. A
//! service that fits with 4 workers on a laptop has 64 on a server, in the same limit.
//!
//! ## What would speak against it
//! - The container is pinned to processors (`cpuset`), which `nproc` respects; with `cpuset` it is not reported.
//! - The machine has as many processors as the container may use.
//!
//! ## Example
//! ```yaml
//! services:
//!   api:
//!     mem_limit: 512m
//!     command: sh -c 'exec gunicorn -w $$(nproc) app:app'
//! ```
//!
//! ## References
//! - Python `os.cpu_count`; celery, Workers Guide, Concurrency; nginx, `worker_processes`; coreutils NEWS, nproc

use super::{Rule, Wrong};
use crate::Level;
use crate::shell::program;
use crate::workload::{Word, Workload};

pub(super) const RULE: Rule = Rule {
    id: "workers-from-host-cpus",
    title: "as many workers as the machine has processors",
    file: include_str!("workers_from_host_cpus.rs"),
    look,
};

/// What is written, what counts so, and what to write.
const MARKS: [(&str, &str, &str); 6] = [
    (
        "_NPROCESSORS_ONLN",
        "`getconf _NPROCESSORS_ONLN`",
        "a number, such as `${WEB_CONCURRENCY:-2}`",
    ),
    (
        "cpu_count(",
        "Python's `cpu_count()`",
        "a number from the environment, such as `WEB_CONCURRENCY`",
    ),
    (
        "os.cpus().length",
        "`os.cpus().length`",
        "a number from the environment, or `os.availableParallelism()`",
    ),
    (
        "Etc.nprocessors",
        "Ruby's `Etc.nprocessors`",
        "a number from the environment, such as `WEB_CONCURRENCY`",
    ),
    (
        "worker_processes auto",
        "nginx's `worker_processes auto`",
        "`worker_processes 2;`, or the quota rounded up",
    ),
    ("/proc/cpuinfo", "`/proc/cpuinfo`", "a number, such as `${WEB_CONCURRENCY:-2}`"),
];

fn look(workload: &Workload) -> Vec<Wrong> {
    if workload.is_pinned {
        return Vec::new();
    }
    let variables = workload.environment.iter();
    let values = variables.map(|it| Word { text: it.value.clone(), place: it.place.clone() });
    let words: Vec<Word> =
        workload.command.iter().chain(&workload.files).cloned().chain(values).collect();
    let mut found = Vec::new();
    for word in &words {
        for (what, instead) in marks(&word.text) {
            found.push(wrong(workload, word, what, instead));
        }
    }
    found.extend(servers(workload));
    found
}

fn wrong(workload: &Workload, word: &Word, what: &str, instead: &str) -> Wrong {
    let limit = match workload.effective() {
        Some((limit, _)) => format!("under one limit of {limit}"),
        None => "under one limit".to_owned(),
    };
    Wrong {
        level: Level::Warning,
        place: word.place.clone(),
        message: format!(
            "{}: {what} counts the machine's processors, not the container's share: 2 workers on one machine are 64 on \
             another, {limit}",
            workload.name
        ),
        instead: instead.to_owned(),
    }
}

/// The marks in a text; comments of configuration files are none.
fn marks(text: &str) -> Vec<(&'static str, &'static str)> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let spaced: Vec<String> =
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let has = |mark: &str| spaced.iter().any(|line| line.contains(mark));
    let found =
        MARKS.iter().filter(|(mark, _, _)| has(mark)).map(|(_, what, instead)| (*what, *instead));
    let is_word =
        |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-' || letter == '.';
    let counts = spaced.iter().any(|line| line.split(|c| !is_word(c)).any(|word| word == "nproc"));
    let nproc = counts.then_some((
        "`nproc` (coreutils before 9.10)",
        "a number, such as `${WEB_CONCURRENCY:-2}`",
    ));
    found.chain(nproc).collect()
}

/// Servers whose own options ask for the machine's count.
fn servers(workload: &Workload) -> Vec<Wrong> {
    let mut found = Vec::new();
    // A script is one word of the command; each of its words counts as well.
    let split = |word: &Word| -> Vec<Word> {
        let parts = crate::shell::split(&word.text).into_iter();
        parts.map(|text| Word { text, place: word.place.clone() }).collect()
    };
    let words: Vec<Word> = workload.command.iter().flat_map(split).collect();
    let has = |name: &str| words.iter().find(|word| program(&word.text) == name);
    let has_prefix = |prefixes: &[&str]| {
        words.iter().any(|word| prefixes.iter().any(|prefix| word.text.starts_with(prefix)))
    };
    if let (Some(celery), Some(_)) = (has("celery"), has("worker")) {
        let bounded = has_prefix(&["-c", "--concurrency", "--autoscale", "--pool=solo", "-Psolo"])
            || has("solo").is_some()
            || workload.environment.iter().any(|it| it.name.contains("CONCURRENCY"));
        if !bounded {
            found.push(wrong(
                workload,
                celery,
                "celery without `--concurrency`",
                "`--concurrency=2`, or the quota rounded up",
            ));
        }
    }
    let pm2 = has("pm2").or_else(|| has("pm2-runtime"));
    let option = words.windows(2).any(|pair| match pair {
        [one, two] => {
            matches!(one.text.as_str(), "-i" | "--instances")
                && matches!(two.text.as_str(), "max" | "0" | "-1")
        }
        _ => false,
    });
    let joined = has_prefix(&["-imax", "-i=max", "--instances=max", "--instances=0", "-i0"]);
    if let Some(pm2) = pm2.filter(|_| option || joined) {
        found.push(wrong(workload, pm2, "`pm2 -i max`", "`-i 2`, or the quota rounded up"));
    }
    if let Some(uwsgi) = has("uwsgi").filter(|_| words.iter().any(|word| word.text.ends_with("%k")))
    {
        found.push(wrong(workload, uwsgi, "uWSGI's `%k`", "a number of processes"));
    }
    found
}
