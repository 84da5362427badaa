//! Data stores: buffers that are sized at the start, and what every connection may ask for.

use super::super::words::option;
use super::super::{MIB, Runtime, Told, Version, View};
use super::{Advice, Place, Room, Setting, Step, first_steps, sum};

fn argument(name: &str, value: String, told: &Told, because: &str) -> Setting {
    let words = name.trim_end_matches(['=', ' ']);
    let apart =
        |word: &str| option(&told.arguments, &[word]).map(|value| format!("{word} {value}"));
    let joined = told.arguments.iter().rfind(|word| word.starts_with(&format!("{words}=")));
    let replaces = joined.cloned().or_else(|| apart(words));
    Setting {
        place: Place::Argument,
        name: name.to_owned(),
        value,
        replaces,
        because: because.to_owned(),
    }
}

/// PostgreSQL's own processes, as `runtimes/postgres.rs` has them.
const OWN: u64 = 16 * MIB;
/// Of a backend without a query.
const BACKEND: u64 = 3 * MIB;
/// The least `maintenance_work_mem` that autovacuum does good work with.
const VACUUM: u64 = 8 * MIB;

pub(super) fn postgres(version: &Version, told: &Told, room: &Room) -> Advice {
    let mut advice = Advice {
        steps: first_steps(room),
        unbounded: Some(
            "a plan may hold several sorts and hashes, each with a work_mem of its own".to_owned(),
        ),
        ..Advice::default()
    };
    let share = sum(&advice.steps);
    let buffers = (share / 4 / MIB).max(1) * MIB;
    advice.steps.push(Step::less("free", share / 10, "a tenth"));
    let connections = number(told, "max_connections", 100);
    let shared = buffers + buffers / 40 + (buffers / 32).min(16 * MIB) + 3 * MIB;
    advice.steps.push(Step::less(
        "shared_buffers and what belongs to them",
        shared,
        "25 % of the limit",
    ));
    advice.steps.push(Step::less("its own processes", OWN, "measured"));
    let vacuums = number(told, "autovacuum_max_workers", 3);
    let maintenance = (share / 32 / MIB * MIB).clamp(VACUUM, 64 * MIB);
    advice.steps.push(Step::less(
        &format!("{vacuums} autovacuum workers"),
        vacuums * maintenance,
        "maintenance_work_mem each",
    ));
    let left = sum(&advice.steps);
    let hash: u64 = if version.is_at_least(&[15]) { 2 } else { 1 };
    let each = |work: u64| work * hash + BACKEND + (48 << 10);
    // As much work_mem as all connections may have; below 1 MiB there are too many of them.
    let work = (left / connections.max(1)).saturating_sub(BACKEND + (48 << 10)) / hash;
    let work = (work / MIB * MIB).clamp(MIB, 64 * MIB);
    let fit = (left / each(work)).min(connections);
    if fit < 5 {
        advice.cannot = Some("fewer than 5 connections fit beside its buffers".to_owned());
        return advice;
    }
    advice.steps.push(Step::less(
        &format!("{fit} backends with a sort or hash each"),
        fit * each(work),
        "work_mem × hash_mem_multiplier + 3 MiB",
    ));
    let size = |bytes: u64| format!("{}MB", bytes / MIB);
    let mut set = |name: &str, value: String, why: &str| {
        let setting = argument(&format!("-c {name}="), value, told, why);
        let replaces = of_postgres(told, name);
        advice.settings.push(Setting { replaces, ..setting });
    };
    set("shared_buffers", size(buffers), "25 % of the limit");
    set("work_mem", size(work), "as often as there are sorts and hashes");
    set("maintenance_work_mem", size(maintenance), "for each autovacuum worker");
    if fit < connections {
        set("max_connections", fit.to_string(), "a pooler in front has room for more");
    }
    advice
}

/// `-c NAME=VALUE` as it stands.
fn of_postgres(told: &Told, name: &str) -> Option<String> {
    told.arguments.windows(2).rev().find_map(|pair| match pair {
        [c, word] if c == "-c" && word.starts_with(&format!("{name}=")) => {
            Some(format!("-c {word}"))
        }
        _ => None,
    })
}

fn number(told: &Told, name: &str, default: u64) -> u64 {
    let argument = of_postgres(told, name);
    let given = argument.as_deref().and_then(|word| word.rsplit('=').next());
    let given = given.or_else(|| told.setting(name));
    given.and_then(|text| text.trim().parse().ok()).unwrap_or(default)
}

pub(super) fn redis(told: &Told, room: &Room) -> Advice {
    let mut advice = Advice { steps: first_steps(room), ..Advice::default() };
    let share = sum(&advice.steps);
    let save = option(&told.arguments, &["--save"]).or_else(|| told.setting("save"));
    let append = option(&told.arguments, &["--appendonly"]).or_else(|| told.setting("appendonly"));
    let is_off = save.is_some_and(|text| text.trim_matches(['"', '\'']).trim().is_empty())
        && append.is_none_or(|text| text == "no");
    // A child that saves copies what is written to meanwhile: 146 of 153 MiB were copied at a limit of 256 as
    // every key was written anew, and the kernel ended it (redis-saving of the rescue). So: the data twice.
    let (percent, from) = if is_off {
        (80, "20 %: the allocator and clients' buffers")
    } else {
        (
            45,
            "55 %: the allocator, clients' buffers, and a copy of all data while a child saves it; `--save \"\"` and no appendonly make it 20 %",
        )
    };
    let bound = share / 100 * percent / MIB * MIB;
    advice.steps.push(Step::less("outside the data", share - bound, from));
    if bound < 4 * MIB {
        advice.cannot = Some("nothing is left for data".to_owned());
        return advice;
    }
    advice.unbounded = Some(
        "with the policy noeviction it then refuses writes; another maxmemory-policy drops keys"
            .to_owned(),
    );
    let why = "Redis then refuses or drops before the kernel kills";
    advice.settings.push(argument("--maxmemory ", format!("{}mb", bound / MIB), told, why));
    advice
}

/// One set of buffers for a connection, and the server itself, as `runtimes/mariadb.rs` has them.
const CONNECTION: u64 = (2048 + 256 + 128 + 256) << 10;
const SERVER: u64 = 128 * MIB;

pub(super) fn mariadb(version: &Version, view: &View, told: &Told, room: &Room) -> Advice {
    let mut advice = Advice {
        steps: first_steps(room),
        unbounded: Some(
            "temporary tables in memory and several buffers in one statement".to_owned(),
        ),
        ..Advice::default()
    };
    let share = sum(&advice.steps);
    advice.steps.push(Step::less("free", share / 10, "a tenth"));
    advice.steps.push(Step::less(
        "the server itself",
        SERVER,
        "measured: 88 MiB beside a full pool",
    ));
    let left = sum(&advice.steps);
    let belief = Runtime::MariaDb.believes(version, view, told);
    let pool_now = belief.ceiling.map_or(128 * MIB, |pool| pool.0);
    let buffers = super::heaps::own_parts(&belief.outside).saturating_sub(SERVER);
    let asked = (buffers / CONNECTION).max(1);
    // Half of what is left for the pool at least.
    let fit = (left / 2 / CONNECTION).min(asked);
    let pool = (left.saturating_sub(fit * CONNECTION) / MIB * MIB).min(pool_now.max(share / 2));
    if fit < 5 || pool < 8 * MIB {
        advice.cannot =
            Some("fewer than 5 connections fit beside the server and its least pool".to_owned());
        return advice;
    }
    advice.steps.push(Step::less(
        &format!("{fit} connections"),
        fit * CONNECTION,
        "sort, join and read buffers of each",
    ));
    advice.steps.push(Step::less("the buffer pool", pool, "what is left"));
    advice.settings.push(argument(
        "--innodb-buffer-pool-size=",
        format!("{}M", pool / MIB),
        told,
        "what server and connections leave",
    ));
    if fit < asked {
        let why = "each may take its buffers";
        advice.settings.push(argument("--max-connections=", fit.to_string(), told, why));
    }
    advice
}
