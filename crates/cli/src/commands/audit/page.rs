//! The page for a person: the verdict with its sum, what is held, what may come, process by process.

use ::audit::live::{Live, Pool, Row};
use casefile::Bytes;
use evidence::live::Scope;
use report::{escape, layout};

use super::live::Seen;

/// Narrower pages are not laid out.
const NARROWEST: usize = 60;
const WIDEST: usize = 120;
/// More lines than these of one table say nothing at three in the morning.
const MOST: usize = 12;

/// The whole page; of a watch with what came since its beginning.
pub(super) fn page(seen: &Seen, width: usize, since: Option<&str>) -> String {
    let mut out = Lines::of_width(width);
    out.wrapped("", &headline(seen));
    out.gap();
    let mut facts = facts(seen);
    facts.extend(since.map(|since| ("since".to_owned(), since.to_owned())));
    out.rows(&facts);
    if !seen.live.sum.is_empty() {
        out.gap();
        out.rows(&sum(&seen.live));
    }
    out.gap();
    out.plain("Processes");
    out.rows(&processes(&seen.live.processes));
    if !seen.live.pools.is_empty() {
        out.gap();
        out.plain("Workers");
    }
    for pool in &seen.live.pools {
        out.wrapped("  ", &workers(pool));
    }
    for remark in &seen.live.remarks {
        out.gap();
        out.wrapped("  ! ", remark);
    }
    let next = next(seen, since.is_some());
    if !next.is_empty() {
        out.gap();
        out.plain("Next");
        // A command is pasted as one line, however long it is.
        for (command, why) in &next {
            out.plain(&format!("  {}", escape::terminal(command)));
            out.wrapped("      ", why);
        }
    }
    out.text
}

/// A page that grows line by line; strangers' words are made harmless here, once.
pub(crate) struct Lines {
    width: usize,
    text: String,
}

impl Lines {
    /// An empty page of this many columns, or as many as can be laid out.
    pub(crate) fn of_width(width: usize) -> Self {
        Self { width: width.clamp(NARROWEST, WIDEST), text: String::new() }
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    pub(crate) fn gap(&mut self) {
        self.text.push('\n');
    }

    pub(crate) fn plain(&mut self, line: &str) {
        self.text.push_str(&format!("{line}\n"));
    }

    /// Text behind a lead; what does not fit stands below it.
    pub(crate) fn wrapped(&mut self, lead: &str, text: &str) {
        let room = self.width.saturating_sub(lead.len());
        let below = " ".repeat(lead.len());
        let leads = std::iter::once(lead).chain(std::iter::repeat(below.as_str()));
        for (line, lead) in layout::wrap(&escape::terminal(text), room).iter().zip(leads) {
            self.text.push_str(&format!("{lead}{}\n", escape::terminal_line(line)));
        }
    }

    pub(crate) fn rows(&mut self, rows: &[(String, String)]) {
        let harmless = |text: &String| escape::terminal(text);
        let rows: Vec<(String, String)> =
            rows.iter().map(|(label, text)| (harmless(label), harmless(text))).collect();
        for line in layout::rows(2, 3, &rows, self.width) {
            self.text.push_str(&format!("{}\n", escape::terminal_line(&line)));
        }
    }
}

/// The whole answer in one sentence.
fn headline(seen: &Seen) -> String {
    let live = &seen.live;
    let of = whose(seen);
    let limit = live.limit_bytes.map_or("no limit".to_owned(), |limit| format!("limit {limit}"));
    let host = live.host_bytes.map_or("its memory".to_owned(), |host| format!("its {host}"));
    let short = live.pools.iter().find(|pool| is_short(pool));
    match (live.fits, live.may_use_bytes, short) {
        ("fits", Some(sum), _) => format!("Fits: {of} may use {sum}, {limit}."),
        ("tight", Some(sum), _) => format!("Tight: {of} may come to use {sum}, {limit}."),
        ("tight", None, Some(pool)) => format!("Tight: {}.", pool.says),
        ("cannot-fit", Some(sum), _) => format!("Cannot fit: {of} may use {sum}, {limit}."),
        ("tight", None, None) => format!("Tight: {}, {limit}.", certain(live)),
        ("cannot-fit", None, _) => format!("Cannot fit: {}, {limit}.", certain(live)),
        ("unlimited", Some(sum), _) => {
            format!("Unlimited: {of} may use {sum}; only the machine, with {host}, stops it.")
        }
        ("unlimited", None, _) => format!(
            "Unlimited: nothing bounds {}; only the machine, with {host}, stops it.",
            listed(&live.unbounded)
        ),
        (_, _, _) => {
            let held =
                live.now.usage.map_or(String::new(), |usage| format!(" It holds {usage} now."));
            format!("Not known: nothing bounds {}, {limit}.{held}", listed(&live.unbounded))
        }
    }
}

/// What is known to come, without what nothing bounds.
pub(super) fn certain(live: &Live) -> String {
    let of = match live.processes.iter().any(|row| row.ceiling_bytes.is_some()) {
        true => "ceilings, and what is held without one, come to",
        false => "what is held cannot be given back:",
    };
    format!("{of} {}", live.certain_bytes)
}

/// Whoever has the largest part: the runtime, or the name of the program.
pub(super) fn whose(seen: &Seen) -> String {
    let may_use = |row: &&Row| {
        let ceiling = row.ceiling_bytes.map(|it| it.0.saturating_mul(row.count));
        ceiling.or(row.pss_bytes.map(|it| it.0)).unwrap_or(0)
    };
    let largest = seen.live.processes.iter().max_by_key(may_use);
    let name = largest.map_or(String::new(), |row| row.runtime.unwrap_or(&row.comm).to_owned());
    if seen.live.processes.len() > 1 { format!("{name} and what is beside it") } else { name }
}

/// Fewer fit than there are, or shall be.
pub(super) fn is_short(pool: &Pool) -> bool {
    pool.fit.is_some_and(|fit| fit < pool.workers_wanted)
}

/// `a`, `a and b`, `a, b and 3 others`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => "it".to_owned(),
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        [one, other, rest @ ..] => format!("{one}, {other} and {} others", rest.len()),
    }
}

fn facts(seen: &Seen) -> Vec<(String, String)> {
    let live = &seen.live;
    let count = |number: usize| match number {
        1 => "1 process".to_owned(),
        number => format!("{number} processes"),
    };
    let id = seen.id.as_ref().map(|id| id.chars().take(12).collect::<String>());
    let what = match (seen.scope, id) {
        (Scope::Container, Some(id)) if seen.name.is_some() => {
            format!("{}, container {id}, {}", seen.called(), count(seen.processes))
        }
        (Scope::Container, Some(id)) => {
            format!(
                "all of the container {id}, in which pid {} lives, {}",
                seen.pid,
                count(seen.processes)
            )
        }
        (Scope::Tree, _) => format!(
            "pid {} and its descendants, {}; others share its cgroup",
            seen.pid,
            count(seen.processes)
        ),
        (Scope::Container | Scope::Unit | Scope::Cgroup, _) => {
            format!(
                "all of {}, in which pid {} lives, {}",
                seen.cgroup,
                seen.pid,
                count(seen.processes)
            )
        }
    };
    let mut rows = vec![("what".to_owned(), what), ("limit".to_owned(), limit(seen))];
    rows.push(("now".to_owned(), now(live)));
    rows
}

fn limit(seen: &Seen) -> String {
    match (seen.live.limit_bytes, &seen.live.limit_cgroup) {
        (None, _) => {
            let host = seen.live.host_bytes.map_or("?".to_owned(), |host| host.to_string());
            format!("none on any level; the machine has {host}")
        }
        (Some(limit), Some(cgroup)) if *cgroup == seen.cgroup => {
            format!("{limit}, its own ({})", short(cgroup))
        }
        (Some(limit), Some(cgroup)) => format!("{limit}, of a level above: {}", short(cgroup)),
        (Some(limit), None) => format!("{limit}, of a level above that is not shown here"),
    }
}

/// A path with the long ids in it shortened.
fn short(path: &str) -> String {
    let short = |name: &str| match casefile::ContainerId::parse(name) {
        Some(id) if id.as_str().len() == 64 => {
            format!("{}…", id.as_str().chars().take(12).collect::<String>())
        }
        _ => name.to_owned(),
    };
    path.split('/').map(short).collect::<Vec<_>>().join("/")
}

fn now(live: &Live) -> String {
    let now = &live.now;
    let part = |bytes: Option<Bytes>, what: &str| Some(format!("{} {what}", bytes?));
    let parts: Vec<String> = [
        part(now.anon, "the programs' own"),
        part(now.file, "files (can be given back)"),
        part(now.shmem.filter(|it| it.0 > 0), "shared and tmpfs"),
        part(now.kernel.filter(|it| it.0 > 0), "kernel"),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (now.usage, parts.is_empty()) {
        (Some(usage), false) => format!("{usage}: {}", parts.join(" · ")),
        (Some(usage), true) => usage.to_string(),
        (None, false) => parts.join(" · "),
        (None, true) => "could not be read".to_owned(),
    }
}

/// The terms, the largest first, and their sum.
fn sum(live: &Live) -> Vec<(String, String)> {
    let mut terms = live.sum.clone();
    terms.sort_by_key(|term| std::cmp::Reverse(term.bytes));
    let rest: Vec<_> = terms.split_off(terms.len().min(MOST));
    let row = |bytes: Bytes, what: String| (format!("{:>8}", bytes.to_string()), what);
    let mut rows: Vec<(String, String)> = terms
        .iter()
        .map(|term| row(term.bytes, format!("{} ({})", term.what, term.from)))
        .collect();
    if !rest.is_empty() {
        let sum = rest.iter().fold(0u64, |sum, term| sum.saturating_add(term.bytes.0));
        rows.push(row(Bytes(sum), format!("{} more, each smaller", rest.len())));
    }
    rows.push(match live.may_use_bytes {
        Some(sum) => row(sum, "together, at most".to_owned()),
        None => {
            let all = live.sum.iter().fold(0u64, |sum, term| sum.saturating_add(term.bytes.0));
            row(Bytes(all), "together; no bound on all of it".to_owned())
        }
    });
    rows
}

fn processes(all: &[Row]) -> Vec<(String, String)> {
    let mut sorted: Vec<&Row> = all.iter().collect();
    sorted.sort_by_key(|row| std::cmp::Reverse(row.pss_bytes));
    let rest = sorted.split_off(sorted.len().min(MOST));
    let mut rows: Vec<(String, String)> = sorted.into_iter().map(process).collect();
    if !rest.is_empty() {
        rows.push(("…".to_owned(), format!("{} more, each smaller", rest.len())));
    }
    rows
}

fn process(row: &Row) -> (String, String) {
    let label = match row.count {
        1 => format!("{} {}", row.pid, row.comm),
        count => format!("{} {} and {} more", row.pid, row.comm, count - 1),
    };
    let runtime = match (row.runtime, &row.version) {
        (Some(runtime), Some(version)) => format!("{runtime} {version}"),
        (_, _) => "runtime not known".to_owned(),
    };
    let held = row.pss_bytes.map_or("not readable".to_owned(), |pss| format!("{pss} now"));
    let mut text = format!("{runtime}, {held}");
    match (row.ceiling_bytes, &row.ceiling_from) {
        (Some(ceiling), Some(from)) => text += &format!(", ceiling {ceiling}: {from}"),
        (Some(ceiling), None) => text += &format!(", ceiling {ceiling}"),
        (None, Some(from)) => text += &format!(", no ceiling: {from}"),
        (None, None) => {}
    }
    if let Some(collector) = row.collector {
        text += &format!(", {collector}");
    }
    if let Some(cpus) = row.cpus {
        text += &format!(", pools for {cpus} {}", if cpus == 1 { "CPU" } else { "CPUs" });
    }
    if let Some(free) = row.given_up_bytes.filter(|free| free.0 >= 1 << 20) {
        text += &format!(", {free} of it given up by malloc");
    }
    if let Some(arenas) = row.arenas.filter(|arenas| *arenas > 1) {
        text += &format!(", {arenas} malloc arenas");
    }
    (label, text)
}

fn workers(pool: &Pool) -> String {
    let mut text = format!("{} (pid {}): {}.", pool.of, pool.master_pid, pool.says);
    text += &format!(
        " The largest holds {} alone, one in the middle {}",
        pool.worker_bytes, pool.worker_median_bytes
    );
    let peak = pool.worker_peak_bytes;
    if peak.0 / 10 > pool.worker_bytes.0 / 9 {
        text += &format!("; one held up to {peak} before");
    }
    text + "."
}

/// What to do: the commands can be pasted.
fn next(seen: &Seen, is_watched: bool) -> Vec<(String, String)> {
    let live = &seen.live;
    let mut rows = Vec::new();
    let is_known = live.processes.iter().any(|row| row.runtime.is_some());
    if live.limit_bytes.is_some() && live.fits != "fits" && is_known {
        rows.push((format!("why137 align {}", seen.asked()), "what to set".to_owned()));
    }
    if live.processes.iter().any(|row| row.pss_bytes.is_none()) {
        let command = format!("sudo why137 audit {}", seen.asked());
        rows.push((command, "recognises each process, and measures it".to_owned()));
    }
    if live.fits == "unknown" && !is_watched {
        let command = format!("why137 audit {} --watch", seen.asked());
        rows.push((command, "under load: whether it levels off below the limit".to_owned()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_64_digits_are_shortened_in_paths() {
        let id = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";
        assert_eq!(short(&format!("/docker/{id}/w")), "/docker/3fc28fa1c647…/w");
        assert_eq!(short("/system.slice/api.service"), "/system.slice/api.service");
    }

    #[test]
    fn long_lists_are_cut() {
        let names =
            |count: usize| -> Vec<String> { (0..count).map(|at| format!("n{at}")).collect() };
        assert_eq!(listed(&names(1)), "n0");
        assert_eq!(listed(&names(2)), "n0 and n1");
        assert_eq!(listed(&names(5)), "n0, n1 and 3 others");
    }

    #[test]
    fn strangers_words_are_harmless() {
        let mut out = Lines { width: 80, text: String::new() };
        out.rows(&[("7 no\u{1b}[31mde".to_owned(), "a\nb".to_owned())]);
        out.wrapped("", "::error::x");
        assert!(!out.text.contains('\u{1b}') && out.text.contains("a\\nb"), "{}", out.text);
        assert!(out.text.contains("\\::error::x"), "{}", out.text);
    }
}
