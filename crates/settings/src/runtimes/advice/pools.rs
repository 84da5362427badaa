//! Programs that bound nothing but how many of them there are: Python's servers, Puma, PHP-FPM, nginx.
//!
//! How many fit follows from what a worker takes; an idle worker's memory says little about one at work, so
//! without a measured worker nothing is promised.

use super::super::python::servers::{self, Server};
use super::super::words::option;
use super::super::{MIB, Runtime, Told, Version, View, malloc};
use super::{Advice, Place, Room, Setting, Step, first_steps, sum};

/// Of the limit; the rest is for what the largest worker seen was not.
const USED: u64 = 85;

pub(super) fn python(version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
    let mut advice = Advice { steps: first_steps(room), ..Advice::default() };
    let program = servers::program(&told.arguments);
    let server = program.as_deref().and_then(Server::of);
    let belief = Runtime::Python.believes(version, view, told);
    let has_threads = server.is_none_or(|server| server.has_threads(&told.arguments));
    if has_threads {
        advice.settings.extend(arenas(view, told));
    }
    let asked = belief.number();
    if server.is_none() && asked == 1 {
        nothing_bounds(&mut advice, "Python");
        return advice;
    }
    let name = match server {
        Some(Server::Uvicorn) => "UVICORN_WORKERS",
        Some(Server::Celery) => "CELERY_WORKER_CONCURRENCY",
        Some(Server::Uwsgi) => "UWSGI_PROCESSES",
        Some(Server::Gunicorn | Server::Hypercorn) | None => "WEB_CONCURRENCY",
    };
    let options: &[&str] = match server {
        Some(Server::Celery) => &["-c", "--concurrency"],
        Some(Server::Uwsgi) => &["-p", "--processes", "--workers"],
        Some(_) | None => &["-w", "--workers"],
    };
    let only_option = server == Some(Server::Hypercorn);
    workers(&mut advice, view, told, room, &Knob { name, options, only_option, asked });
    advice
}

pub(super) fn ruby(version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
    let mut advice = Advice { steps: first_steps(room), ..Advice::default() };
    advice.settings.extend(arenas(view, told));
    let asked = Runtime::Ruby.believes(version, view, told).number();
    if asked == 1 {
        nothing_bounds(&mut advice, "Ruby");
        return advice;
    }
    let knob =
        Knob { name: "WEB_CONCURRENCY", options: &["-w", "--workers"], only_option: false, asked };
    workers(&mut advice, view, told, room, &knob);
    advice
}

/// One process without a ceiling. Where its threads may have arenas of their own, what was freed in them may
/// be what filled the limit (python-arenas of the rescue: 256 MiB, 60 with two arenas), so it is not said that
/// nothing helps.
fn nothing_bounds(advice: &mut Advice, runtime: &str) {
    let why = format!(
        "no setting bounds what {runtime} objects take: only a limit above it, or less to hold, keeps it alive"
    );
    if advice.settings.is_empty() {
        advice.cannot = Some(why);
    } else {
        advice.unbounded = Some(format!(
            "with many threads two arenas keep what they freed from piling up; {why}"
        ));
    }
}

/// How a server is told its number of workers.
struct Knob<'a> {
    name: &'a str,
    options: &'a [&'a str],
    only_option: bool,
    asked: u64,
}

fn workers(advice: &mut Advice, view: &View, told: &Told, room: &Room, knob: &Knob<'_>) {
    let Some(worker) = room.worker.filter(|worker| worker.0 > 0) else {
        advice.missing = Some(
            "what one worker takes under load: `why137 audit NAME` while it works tells it"
                .to_owned(),
        );
        return;
    };
    let share = sum(&advice.steps);
    advice.steps.push(Step::less("free", share - share / 100 * USED, "15 % of it"));
    let master = room.master.map_or(0, |master| master.0);
    advice.steps.push(Step::less("the master and what the workers share", master, "measured"));
    let left = sum(&advice.steps);
    // More than twice the processors and one only waits.
    let cpus = view.cpus.quota_up().unwrap_or(view.cpus.affinity);
    let most = u64::from(cpus) * 2 + 1;
    let fit = left / worker.0;
    if fit == 0 {
        advice.cannot = Some(format!(
            "one worker of {worker} and the master do not fit: no number of workers does"
        ));
        return;
    }
    let number = fit.min(most.max(1)).min(knob.asked.max(1));
    advice.steps.push(Step::less(
        &format!("{number} × a worker of {worker}"),
        worker.0 * number,
        &format!("{fit} would fit; {} are asked for, more than {most} do not help", knob.asked),
    ));
    advice.unbounded = Some("a worker that grows beyond what was seen is not bounded".to_owned());
    if number == knob.asked {
        return;
    }
    let given = option(&told.arguments, knob.options);
    if let Some(word) = given.and_then(|value| spelled(&told.arguments, knob.options, value)) {
        advice.settings.push(Setting {
            place: Place::Argument,
            name: word.0,
            value: number.to_string(),
            replaces: Some(word.1),
            because: "the command line beats the variable".to_owned(),
        });
    }
    if !knob.only_option {
        advice.settings.push(Setting {
            place: Place::Environment,
            name: knob.name.to_owned(),
            value: number.to_string(),
            replaces: told.variable(knob.name).map(str::to_owned),
            because: match number {
                1 => "one worker fits".to_owned(),
                _ => format!("{number} workers fit"),
            },
        });
    }
}

/// How an option with this value is spelled: what stands before the value, and the whole.
fn spelled(arguments: &[String], names: &[&str], value: &str) -> Option<(String, String)> {
    names.iter().find_map(|name| {
        let joined = arguments.iter().rev().find_map(|word| {
            let head = word.strip_suffix(value)?;
            (head == *name || head.strip_suffix('=') == Some(*name))
                .then(|| (head.to_owned(), word.clone()))
        });
        joined.or_else(|| {
            let apart =
                arguments.windows(2).any(|pair| matches!(pair, [a, b] if a == name && b == value));
            apart.then(|| (format!("{name} "), format!("{name} {value}")))
        })
    })
}

fn arenas(view: &View, told: &Told) -> Option<Setting> {
    (malloc::most_arenas(view, told) > 2).then(|| Setting {
        place: Place::Environment,
        name: "MALLOC_ARENA_MAX".to_owned(),
        value: "2".to_owned(),
        replaces: told.variable("MALLOC_ARENA_MAX").map(str::to_owned),
        because: "threads then share two arenas of glibc's malloc; 15 to 21 % less was measured"
            .to_owned(),
    })
}

/// What a request takes beside what it counts itself, and the master.
const BESIDE: u64 = 4 * MIB;
const MASTER: u64 = 6 * MIB;

pub(super) fn php(version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
    let belief = Runtime::Php.believes(version, view, told);
    let mut advice = Advice { steps: first_steps(room), ..Advice::default() };
    let share = sum(&advice.steps);
    advice.steps.push(Step::less("free", share / 20, "a twentieth"));
    let opcache = belief.outside.iter().filter(|part| part.shared && part.what == "opcache");
    let opcache: u64 = opcache.map(|part| part.usual.0).sum();
    advice.steps.push(Step::less("opcache", opcache, "opcache.memory_consumption"));
    advice.steps.push(Step::less("the master", MASTER, "measured"));
    let left = sum(&advice.steps);
    let bound = belief.ceiling.map(|ceiling| ceiling.0 + BESIDE);
    let Some(each) = room.worker.map(|worker| worker.0).or(bound).filter(|each| *each > 0) else {
        advice.missing = Some(
            "memory_limit=-1 bounds no request: give it a size, or measure a worker".to_owned(),
        );
        return advice;
    };
    let fit = left / each;
    let from = match room.worker {
        Some(_) => "the largest worker that was seen",
        None => "memory_limit, and 4 MiB beside it",
    };
    if fit == 0 {
        // The limit may be too small for the opcache alone.
        let request = left.saturating_sub(BESIDE) / MIB;
        if request < 16 {
            advice.cannot = Some(format!(
                "opcache of {} MiB and one request do not fit: opcache.memory_consumption has to shrink, or the limit to grow",
                opcache / MIB
            ));
            return advice;
        }
        advice.settings.push(file(
            "php.ini",
            "memory_limit",
            format!("{request}M"),
            told,
            "one request then fits",
        ));
    }
    let number = fit.max(1).min(belief.number());
    advice.steps.push(Step::less(&format!("{number} × a request"), each.min(left) * number, from));
    advice.unbounded =
        Some("what extensions take by malloc is not counted by memory_limit".to_owned());
    let why = format!("{number} requests at once fit");
    if number != belief.number() || fit == 0 {
        advice.settings.push(file(
            "the pool's file",
            "pm.max_children",
            number.to_string(),
            told,
            &why,
        ));
    }
    advice
}

fn file(file: &'static str, name: &str, value: String, told: &Told, because: &str) -> Setting {
    Setting {
        place: Place::File(file),
        name: name.to_owned(),
        value,
        replaces: told.setting(name).map(str::to_owned),
        because: because.to_owned(),
    }
}

pub(super) fn nginx(version: &Version, view: &View, told: &Told) -> Advice {
    let mut advice = Advice::default();
    let quota = view.cpus.quota_up().unwrap_or(view.cpus.affinity);
    let belief = Runtime::Nginx.believes(version, view, told);
    if belief.number() > u64::from(quota) {
        let why = "more workers than processors only add memory";
        advice.settings.push(file("nginx.conf", "worker_processes", quota.to_string(), told, why));
    }
    advice.unbounded = Some("buffers and caches follow the connections".to_owned());
    advice
}
