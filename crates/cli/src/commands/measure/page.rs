//! The page for a person: what it needs, what it is made of, what happened meanwhile.

use casefile::Bytes;
use report::escape;
use sizing::shape::{Kind, Shape};
use sizing::verify::{Look, Watched};

use super::WatchArgs;
use super::watching::Seen;
use crate::commands::audit::page::Lines;

/// Below this age the first look saw the start.
const START: f64 = 5.0;
/// A start-up lies within these seconds of a life.
const START_UP: f64 = 30.0;

/// The whole page.
pub(super) fn page(
    seen: &Seen,
    watched: &Watched,
    shape: &Shape,
    arguments: &WatchArgs,
    width: usize,
) -> String {
    let mut out = Lines::of_width(width);
    out.wrapped("", &headline(seen, watched));
    out.gap();
    out.rows(&held(seen, watched));
    out.gap();
    out.rows(&happened(seen, watched));
    out.gap();
    out.wrapped("", &format!("Shape: {} ({})", shape.kind.word(), shape.confidence.word()));
    for finding in &shape.says {
        out.wrapped("  ", &finding.says);
    }
    out.gap();
    out.plain("Next");
    for (command, why) in next(arguments, shape) {
        out.plain(&format!("  {}", escape::terminal(&command)));
        out.wrapped("      ", &why);
    }
    out.into_text()
}

fn headline(seen: &Seen, watched: &Watched) -> String {
    let name = seen.name();
    let span = time(watched.span_s);
    let peak = watched.peak_mem_bytes.map_or("an unknown amount".to_owned(), bytes);
    let of = watched
        .limit_bytes
        .map_or("no limit".to_owned(), |limit| format!("limit {}", bytes(limit)));
    let kills = watched.kills.unwrap_or(0.0);
    let end = match (&seen.ended, kills > 0.0, watched.lives) {
        (Some(why), false, _) => format!(" It ended meanwhile: {why}."),
        (Some(why), true, _) => format!(" An OOM killer took {kills:.0} meanwhile; {why}."),
        (None, true, 1) => format!(" An OOM killer took {kills:.0} of its processes meanwhile."),
        (None, true, lives) => {
            format!(
                " An OOM killer took {kills:.0} meanwhile, and it was started again {}.",
                often(lives - 1)
            )
        }
        (None, false, 1) if watched.is_stuck() => {
            " It is not killed, and stuck: what it gives back are its own files, which it reads again at once."
                .to_owned()
        }
        (None, false, 1) => String::new(),
        (None, false, lives) => format!(" It was started again {} meanwhile.", often(lives - 1)),
    };
    format!("{name} needed up to {peak} in {span}, {of}.{end}")
}

/// `once`, `3 times`.
fn often(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What it held, and what that was made of.
fn held(seen: &Seen, watched: &Watched) -> Vec<(String, String)> {
    let looks = &seen.looks;
    let mut rows = Vec::new();
    if let Some(first) = looks.first() {
        let age = first.age_s.filter(|age| *age > START);
        let when = age.map_or(String::new(), |age| format!(", {} after its start", time(age)));
        rows.push(("at first".to_owned(), format!("{}{when}", made_of(first))));
    }
    rows.extend(at_level(looks).map(|look| ("level".to_owned(), made_of(look))));
    if let Some(look) = at_peak(looks) {
        let when = time(look.t_s);
        rows.push(("peak".to_owned(), format!("{}, after {when}", made_of(look))));
        rows.extend(start_up(looks));
    }
    if let Some(burst) = watched.burst_bytes.filter(|it| Some(*it) == watched.peak_mem_bytes) {
        let text = format!("up to {} between two looks, by the kernel's own peak", bytes(burst));
        rows.push(("burst".to_owned(), text));
    }
    rows.extend(at_level(looks).and_then(other_numbers));
    rows.extend(kernel_peak(looks));
    rows
}

/// The most is at the start, and what came later is less.
fn start_up(looks: &[Look]) -> Option<(String, String)> {
    let peak = at_peak(looks)?;
    let level = at_level(looks)?.mem_bytes?;
    let is_early = peak.age_s.is_some_and(|age| age <= START_UP);
    let above = peak.mem_bytes? > level * 1.25;
    (is_early && above).then(|| {
        let text = format!(
            "{} in the first {}, {} later: a limit must cover the start",
            bytes(peak.mem_bytes.unwrap_or(0.0)),
            time(peak.age_s.unwrap_or(0.0).max(1.0)),
            bytes(level)
        );
        ("start-up".to_owned(), text)
    })
}

/// `84 MiB: 70 MiB its own (anonymous) · 4 MiB kernel · 10 MiB files in use`.
fn made_of(look: &Look) -> String {
    let parts = [
        (look.anon_bytes, "its own (anonymous)"),
        (look.shmem_bytes, "shared memory"),
        (look.kernel_bytes, "kernel"),
        (look.active_file_bytes, "files in use"),
        (look.swap_bytes, "in swap"),
    ];
    // What would round to nothing is left out, except its own.
    let is_told = |(at, bytes): &(usize, f64)| *at == 0 || *bytes >= 65_536.0;
    let told = parts.iter().enumerate().filter_map(|(at, (count, noun))| {
        let told = count.map(|count| (at, count)).filter(is_told)?;
        Some(format!("{} {noun}", bytes(told.1)))
    });
    let told: Vec<String> = told.collect();
    format!("{}: {}", look.mem_bytes.map_or("?".to_owned(), bytes), told.join(" · "))
}

/// Why other tools show other numbers.
fn other_numbers(look: &Look) -> Option<(String, String)> {
    let (usage, need) = (look.usage_bytes?, look.mem_bytes?);
    let cold = (look.file_bytes? - look.active_file_bytes?).max(0.0);
    let part = look
        .limit_bytes
        .map_or(String::new(), |limit| format!(" ({:.0} % of the limit)", usage / limit * 100.0));
    let text = format!(
        "usage is {}{part}: {} of it are files that nobody used lately, given back as soon as anything needs \
         the room; docker stats leaves them out and shows {}; needed are {}",
        bytes(usage),
        bytes(cold),
        bytes((usage - cold).max(0.0)),
        bytes(need)
    );
    (cold >= 1_048_576.0).then(|| ("others say".to_owned(), text))
}

fn kernel_peak(looks: &[Look]) -> Option<(String, String)> {
    let last = looks.last()?;
    let peak = last.peak_bytes?;
    let own = looks.iter().filter(|look| look.life == last.life);
    let risen = own.clone().find(|look| look.peak_bytes == Some(peak))?;
    let was_before = own.clone().next() == Some(risen);
    let when = match (was_before, risen.age_s) {
        (true, Some(age)) if age <= START => "from its start".to_owned(),
        (true, _) => "before this watch".to_owned(),
        (false, _) => format!("after {}", time(risen.t_s)),
    };
    let text = format!("{}, files included, reached {when}; it never falls", bytes(peak));
    Some(("kernel's peak".to_owned(), text))
}

/// What happened meanwhile.
fn happened(seen: &Seen, watched: &Watched) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |label: &str, text: Option<String>| {
        rows.extend(text.map(|text| (label.to_owned(), text)));
    };
    row("kills", watched.kills.map(|kills| kills_text(kills, watched)));
    row(
        "limit",
        watched.limit_hits.filter(|_| watched.limit_bytes.is_some()).map(|hits| match hits > 0.0 {
            true => format!(
                "hit {hits:.0} times; files were given back for it, or something was killed"
            ),
            false => "never hit".to_owned(),
        }),
    );
    row("pressure", Some(pressure(seen, watched)));
    row("read again", read_again(watched));
    row("lives", (!seen.ends.is_empty()).then(|| ends(seen)));
    row(
        "processors",
        watched.cpus.map(|cpus| {
            let each = watched.cpu_ms_per_request;
            let each = each.map_or(String::new(), |each| format!(", {each:.2} ms per request"));
            format!("{cpus:.2} in use{each}")
        }),
    );
    row(
        "collections",
        watched.gc_share.map(|share| {
            let by = seen.collected_by.map_or(String::new(), |by| format!(", by {by}"));
            format!("{:.1} % of the time{by}", share * 100.0)
        }),
    );
    row("load", load(seen, watched));
    let looks =
        format!("{} looks in {}, from {}", watched.looks, time(watched.span_s), seen.began_at);
    row("watched", Some(looks));
    rows
}

fn kills_text(kills: f64, watched: &Watched) -> String {
    let first = watched.first_kill_after_s;
    let first = first.map_or(String::new(), |at| format!(", the first after {}", time(at)));
    if kills > 0.0 { format!("{kills:.0} by an OOM killer{first}") } else { "none".to_owned() }
}

fn pressure(seen: &Seen, watched: &Watched) -> String {
    match (watched.stalled_some, watched.stalled_full) {
        (Some(some), Some(full)) => format!(
            "some task waited for memory {:.2} % of the time, all of them {:.2} %",
            some * 100.0,
            full * 100.0
        ),
        _ if seen.scope == "process-tree" => {
            "not counted for processes among others in one cgroup".to_owned()
        }
        _ if seen.version == 1 => "not counted for one container on cgroup v1".to_owned(),
        _ => "not counted here".to_owned(),
    }
}

fn read_again(watched: &Watched) -> Option<String> {
    let (anon, file) = (watched.refaults_anon_per_s?, watched.refaults_file_per_s?);
    (anon + file >= 1.0).then(|| {
        format!("{file:.0} pages of files and {anon:.0} of its own per second, after they were given back")
    })
}

fn ends(seen: &Seen) -> String {
    let told = seen.ends.iter().take(8).map(|end| {
        let when = end
            .since_start
            .map_or(String::new(), |at| format!(" after {}", time(at.as_secs_f64())));
        let how = end.code.map_or("ended".to_owned(), |code| format!("ended with {code}"));
        let oom = if end.kills.is_some_and(|kills| kills > 0) { ", out of memory" } else { "" };
        format!("{how}{when}{oom}")
    });
    let told: Vec<String> = told.collect();
    let more = seen.ends.len().saturating_sub(8);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", told.join("; "))
}

/// The load, and what it counted.
pub(crate) fn load(seen: &Seen, watched: &Watched) -> Option<String> {
    let mut parts = Vec::new();
    if let (Some(count), Some(by)) = (watched.requests, seen.counted_by) {
        let rate =
            watched.requests_per_s.map_or(String::new(), |rate| format!(", {rate:.1} per second"));
        parts.push(format!("{count:.0} requests{rate}, counted {by}"));
    }
    if let (Some(p50), Some(p99)) = (watched.latency_p50_ms, watched.latency_p99_ms) {
        parts.push(format!("half within {p50:.1} ms, 99 of 100 within {p99:.1} ms"));
    }
    if let Some(load) = watched.load {
        parts.push(match (load.was_cut, load.code) {
            (true, _) => format!("the load was ended after {}", time(load.wall_s)),
            (false, Some(0)) => format!("the load ended well after {}", time(load.wall_s)),
            (false, Some(code)) => {
                format!("the load failed with {code} after {}", time(load.wall_s))
            }
            (false, None) => format!("the load was killed after {}", time(load.wall_s)),
        });
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn next(arguments: &WatchArgs, shape: &Shape) -> Vec<(String, String)> {
    let asked = arguments.asked();
    let Some(path) = &arguments.save else {
        let words = format!("why137 measure {asked} --save {}.csv", file_name(arguments));
        return vec![(
            words,
            "keeps the looks: `why137 size` and `why137 verify` read them".to_owned(),
        )];
    };
    let path = escape::shell_word(&path.display().to_string());
    let size = match shape.kind {
        Kind::Leak => "how long a limit lasts against this growth",
        _ => "what limit follows from these looks, step by step",
    };
    vec![
        (format!("why137 size {path}"), size.to_owned()),
        (
            format!("why137 verify {asked} --baseline {path} -- LOAD"),
            "after a change, under the same load: whether it holds, and what it costs".to_owned(),
        ),
    ]
}

fn file_name(arguments: &WatchArgs) -> String {
    let name = arguments.what.clone().unwrap_or_else(|| "process".to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}

/// The highest look.
pub(super) fn at_peak(looks: &[Look]) -> Option<&Look> {
    looks
        .iter()
        .filter(|look| look.mem_bytes.is_some())
        .reduce(|one, next| if next.mem_bytes > one.mem_bytes { next } else { one })
}

/// The middle one of the second half of the last life, by what it held.
pub(super) fn at_level(looks: &[Look]) -> Option<&Look> {
    let last = looks.last()?;
    let own: Vec<&Look> =
        looks.iter().filter(|look| look.life == last.life && look.mem_bytes.is_some()).collect();
    let mut half: Vec<&Look> = own.iter().copied().skip(own.len() / 2).collect();
    half.sort_by(|one, other| {
        one.mem_bytes.unwrap_or(0.0).total_cmp(&other.mem_bytes.unwrap_or(0.0))
    });
    half.get(half.len() / 2).copied()
}

/// `4.2 MiB`.
pub(crate) fn bytes(count: f64) -> String {
    Bytes(count.max(0.0) as u64).to_string()
}

/// `12 s`, `3.5 min`, `2.0 h`.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        short if short < 10.0 => format!("{short:.1} s"),
        short if short < 120.0 => format!("{short:.0} s"),
        middle if middle < 7200.0 => format!("{:.1} min", middle / 60.0),
        long => format!("{:.1} h", long / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1_048_576.0;

    fn look(t_s: f64, mem: f64) -> Look {
        Look {
            t_s,
            age_s: Some(t_s),
            mem_bytes: Some(mem * MIB),
            anon_bytes: Some(mem * MIB),
            life: Some(0.0),
            ..Look::default()
        }
    }

    #[test]
    fn the_level_is_the_middle_of_what_came_last() {
        let looks: Vec<Look> = [90.0, 90.0, 20.0, 22.0, 21.0, 60.0]
            .iter()
            .enumerate()
            .map(|(at, mem)| look(at as f64, *mem))
            .collect();
        assert_eq!(at_level(&looks).unwrap().t_s, 3.0);
        assert_eq!(at_peak(&looks).unwrap().t_s, 0.0);
        assert_eq!((at_level(&[]), at_peak(&[])), (None, None));
    }

    #[test]
    fn a_start_that_needs_more_than_what_comes_later_is_told() {
        let looks: Vec<Look> =
            (0..40).map(|at| look(f64::from(at), if at < 5 { 90.0 } else { 20.0 })).collect();
        let (_, said) = start_up(&looks).unwrap();
        assert!(said.starts_with("90 MiB in the first 1.0 s, 20 MiB later"), "{said}");
        let late: Vec<Look> = (0..80)
            .map(|at| look(f64::from(at), if at > 40 && at < 45 { 90.0 } else { 20.0 }))
            .collect();
        assert_eq!(start_up(&late), None);
    }

    #[test]
    fn what_other_tools_show_is_explained_where_it_differs() {
        let mut full = look(1.0, 2.0);
        full.usage_bytes = Some(64.0 * MIB);
        full.file_bytes = Some(61.0 * MIB);
        full.active_file_bytes = Some(0.0);
        full.limit_bytes = Some(64.0 * MIB);
        let (_, said) = other_numbers(&full).unwrap();
        assert!(said.contains("usage is 64 MiB (100 % of the limit): 61 MiB"), "{said}");
        assert!(said.contains("shows 3 MiB; needed are 2 MiB"), "{said}");
        full.file_bytes = Some(0.5 * MIB);
        assert_eq!(other_numbers(&full), None);
    }
}
