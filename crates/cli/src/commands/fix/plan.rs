//! What would be changed, and where: the limit in place by the daemon, or limit and settings in the Compose file.
//!
//! The gates are `size`'s: a leak is not raised, a runtime that may grow beyond its limit is told its ceiling first.
//! A limit that is chosen by hand passes the gates that only want more samples, not these two. Settings of a
//! container that runs cannot be changed in place: without a file they are told, and nothing is changed.

use std::path::PathBuf;

use casefile::Bytes;
use report::escape;
use settings::runtimes::Fits;
use sizing::Unit;
use sizing::shape::Kind;
use sizing::size::{Asked, Runtime, Size};
use sizing::verify::{Growth, Verdict, Watched, limits};
use sizing::words::span;

use super::FixArgs;
use super::before::{Before, died_young};
use super::compose::Compose;
use super::target::Target;
use crate::commands::align::pair::{self, InFile, Pair};
use crate::commands::guard::plan::beyond_the_machine;
use crate::commands::size::{self, Sized};
use crate::commands::verify::Verified;
use crate::failure::{Failure, USAGE};
use crate::printer::Printer;

/// A limit of which less than this part would do is worth a word.
const ROOMY: f64 = 0.9;
/// So many times the limit is the next to try where it lives and pays for it.
const MORE: f64 = 1.5;
const MIB: f64 = 1_048_576.0;

/// What comes of the stretch before.
pub(super) enum Decision {
    /// All is well.
    Nothing(String),
    /// A change would not help, or cannot be made.
    Blocked(String),
    /// This would be changed.
    Change(Box<Plan>),
}

/// A change.
pub(super) struct Plan {
    /// From one limit to another; `None`: it stays.
    pub(super) limit: Option<(Option<Bytes>, Bytes)>,
    /// What the runtime is told beside it.
    pub(super) settings: Vec<String>,
    pub(super) way: Way,
    /// Why, and what else is to be known.
    notes: Vec<String>,
}

/// A file of the user's.
pub(super) struct OfFile {
    pub(super) file: InFile,
    pub(super) path: PathBuf,
    pub(super) service: String,
    /// What makes the service anew; `None`: Compose did not make it.
    pub(super) compose: Option<Compose>,
}

/// Where it is changed.
pub(super) enum Way {
    /// The limit, by the container's daemon.
    InPlace,
    /// The user's own file; then the service is made anew, where that can be done from here.
    ByFile(Box<OfFile>),
    /// Nobody can do it from here: what to do.
    ByHand(Vec<String>),
}

/// What its memory over time says; `None`: only its death is known.
pub(super) fn sized(
    printer: &Printer,
    arguments: &FixArgs,
    target: &Target,
    before: &Before,
) -> Option<Sized> {
    let series = before.series.clone()?;
    // No limit comes near 2^53.
    let limit_now = target.limit().map(|limit| limit as f64);
    let runtime = match (&before.pair, limit_now) {
        (Some(pair), Some(_)) => size::gate(pair),
        _ => Runtime::NotKnown,
    };
    let daemon = &arguments.watch.daemon;
    let alone = limit_now.is_none() && size::live::is_alone(printer, daemon);
    let asked = Asked { limit: limit_now, runtime, alone, ..Asked::default() };
    let size = sizing::size::size(&series, &asked);
    let at = size.limit.filter(|_| series.unit == Unit::Bytes);
    let pair = at.and_then(|limit| pair_at(printer, arguments, target, before, whole(limit)));
    Some(Sized { series, limit_now, size, pair })
}

fn whole(limit: f64) -> Bytes {
    Bytes(limit.max(0.0).ceil() as u64)
}

/// The runtime in another limit: as it was seen, or as it runs now.
fn pair_at(
    printer: &Printer,
    arguments: &FixArgs,
    target: &Target,
    before: &Before,
    limit: Bytes,
) -> Option<Pair> {
    if let Some(pair) = &before.pair {
        return Some(pair.at(limit));
    }
    let asked = (Some(target.id.as_str()), None);
    let daemon = &arguments.watch.daemon;
    before.was_up.then(|| pair::running(printer, daemon, asked, Some(limit)).ok()).flatten()
}

/// What is wanted, before anybody asks where it would be changed.
#[derive(Debug, Clone, PartialEq)]
enum Want {
    Nothing(String),
    Blocked(String),
    Limit(Bytes),
    /// The limit stays; the runtime is told to stay within it.
    Settings,
}

/// By its size, with the gates.
fn want(size: &Size, now: Option<Bytes>, asked: Option<Bytes>, before: &Watched) -> Want {
    let goes_on = matches!(size.shape.kind, Kind::Leak | Kind::RestartLoop);
    if let Some(because) = size.blocked_because.as_ref().filter(|_| asked.is_none() || goes_on) {
        return Want::Blocked(because.clone());
    }
    if let Some(because) = before.growth.filter(|_| asked.is_none()).and_then(still_grows) {
        return Want::Blocked(because);
    }
    let peak = before.peak_firm_bytes.or(before.peak_mem_bytes);
    if let Some((limit, peak)) = asked.zip(peak).filter(|(limit, peak)| *peak > limit.0 as f64) {
        let peak = Bytes(peak as u64);
        return Want::Blocked(format!("it held {peak}, and {limit} would kill it"));
    }
    match (asked.or(size.limit.map(whole)), now) {
        (None, _) => Want::Nothing("it held nothing, so there is nothing to size".to_owned()),
        (Some(limit), Some(now)) if limit == now => {
            Want::Nothing(format!("{now} is its limit, and enough by what was seen"))
        }
        (Some(limit), Some(now)) if limit < now && asked.is_none() => Want::Nothing(format!(
            "the limit of {now} is enough ({limit} would be; `--limit` lowers it)"
        )),
        (Some(limit), _) => Want::Limit(limit),
    }
}

/// Where it does not fit: it is told to stay within its limit before any raise.
fn want_unfit(cannot: Option<String>, asked: Option<Bytes>) -> Want {
    match (cannot, asked) {
        (_, Some(limit)) => Want::Limit(limit),
        (Some(cannot), None) => Want::Blocked(cannot),
        (None, None) => Want::Settings,
    }
}

/// Where no more is known than that it was killed.
fn want_trial(died_at: Bytes, asked: Option<Bytes>) -> Want {
    match asked {
        Some(limit) if limit <= died_at => {
            Want::Blocked(format!("it died at {died_at}, and {limit} is no more than that"))
        }
        Some(limit) => Want::Limit(limit),
        None => Want::Limit(Bytes(died_at.0.saturating_mul(2))),
    }
}

/// It may come to rest before its limit is full, or not.
fn still_grows(growth: Growth) -> Option<String> {
    (growth.left_s <= limits::GROWN_WITHIN).then(|| {
        let rate = Bytes((growth.per_s * 60.0).max(0.0) as u64);
        format!(
            "too early to say: it still grows, by {rate}/min, and at that rate its limit is full in {}; a longer watch tells a leak from a warm-up (`--for`, or a longer load)",
            span(growth.left_s)
        )
    })
}

/// Decides.
///
/// # Errors
/// The file that was named cannot be read.
pub(super) fn decide(
    printer: &Printer,
    arguments: &FixArgs,
    target: &Target,
    before: &Before,
    sized: Option<&Sized>,
) -> anyhow::Result<Decision> {
    let now = target.limit().map(Bytes);
    let mut notes = Vec::new();
    let unfit = before.pair.as_ref().filter(|pair| pair.now() == Fits::CannotFit);
    let by_file = before.pair.is_none() && is_unfit_by_file(arguments, target)?;
    let wanted = match (unfit.filter(|_| now.is_some()), sized, &before.died_at) {
        (None, _, _) if by_file => {
            notes.push("why: by its Compose file its runtime may grow beyond its limit".to_owned());
            want_unfit(None, arguments.limit)
        }
        (Some(unfit), _, _) => {
            notes.push(format!("why: {}", unfit.as_told()));
            want_unfit(unfit.cannot(), arguments.limit)
        }
        (None, Some(sized), _) => want(&sized.size, now, arguments.limit, &before.watched),
        (None, None, Some((died_at, seen))) => {
            notes.push(format!("why: {seen}. What it wanted is hidden by the limit, so a larger one is a trial, and the run under load decides"));
            want_trial(*died_at, arguments.limit)
        }
        (None, None, None) => Want::Blocked("nothing is known of its memory".to_owned()),
    };
    let limit = match wanted {
        Want::Nothing(because) => return Ok(Decision::Nothing(because)),
        Want::Blocked(because) => return Ok(Decision::Blocked(because)),
        Want::Limit(limit) => Some(limit).filter(|limit| Some(*limit) != now),
        Want::Settings => None,
    };
    if let Some(because) = limit.and_then(beyond_the_machine) {
        return Ok(Decision::Blocked(because));
    }
    where_to(printer, arguments, (target, before), limit, notes)
}

/// Where the change is made.
fn where_to(
    printer: &Printer,
    arguments: &FixArgs,
    (target, before): (&Target, &Before),
    limit: Option<Bytes>,
    mut notes: Vec<String>,
) -> anyhow::Result<Decision> {
    let now = target.limit().map(Bytes);
    let pair = limit.or(now).and_then(|at| pair_at(printer, arguments, target, before, at));
    if let Some(cannot) = pair.as_ref().and_then(Pair::cannot) {
        return Ok(Decision::Blocked(cannot));
    }
    let settings = pair.as_ref().map(Pair::settings).unwrap_or_default();
    let needed = match &pair {
        Some(pair) => pair.now() == Fits::CannotFit,
        None => is_unfit_by_file(arguments, target)?,
    };
    let change = limit.map(|limit| (now, limit));
    let plan = |way, notes| Plan { limit: change, settings: settings.clone(), way, notes };
    if let Some((path, service)) = file_of(arguments, target, needed)? {
        let runtime = pair.as_ref().map(Pair::runtime);
        let shown = path.display().to_string();
        let file = pair::in_file((&shown, &service), limit.or(now), runtime.as_deref())?;
        if !file.is_refusal() {
            notes.extend(file.lines());
            let made = target.made.as_ref();
            let compose = made.map(|made| Compose::of(made, &path, &target.daemon));
            let compose = compose.filter(|_| made.is_some_and(|made| made.service == service));
            let settings = file.settings();
            let way = Way::ByFile(Box::new(OfFile { file, path, service, compose }));
            return Ok(Decision::Change(Box::new(Plan { settings, ..plan(way, notes) })));
        }
        notes.extend(file.lines());
    }
    if needed {
        let way = Way::ByHand(by_hand(target, pair.as_ref()));
        return Ok(Decision::Change(Box::new(plan(way, notes))));
    }
    if limit.is_none() {
        return Ok(Decision::Nothing("its settings are right as they are".to_owned()));
    }
    if !settings.is_empty() {
        notes.push(format!(
            "not needed for it: {} could be told as well; where Compose made the container, `--file` writes both",
            settings.join(" ")
        ));
    }
    if let Some(file) = target.made.as_ref().and_then(|made| made.files.first()) {
        notes.push(format!(
            "{} still tells the old limit, and a container that is made anew has it: `--file` writes the new one there",
            file.display()
        ));
    }
    let plan = Plan { settings: Vec::new(), ..plan(Way::InPlace, notes) };
    Ok(Decision::Change(Box::new(plan)))
}

/// Whether the file tells that what runs by it does not fit; where no process could be asked.
fn is_unfit_by_file(arguments: &FixArgs, target: &Target) -> anyhow::Result<bool> {
    let Some((path, service)) = file_of(arguments, target, true)? else { return Ok(false) };
    let shown = path.display().to_string();
    let limit = target.limit().map(Bytes);
    let file = pair::in_file((&shown, &service), limit, None);
    Ok(file.is_ok_and(|file| file.is_unfit() && !file.is_refusal()))
}

/// The file that is changed, and the service in it.
fn file_of(
    arguments: &FixArgs,
    target: &Target,
    needed: bool,
) -> anyhow::Result<Option<(PathBuf, String)>> {
    let made = target.made.as_ref();
    let service = arguments.service.clone().or_else(|| made.map(|made| made.service.clone()));
    let named = arguments.file.clone();
    let path = named.or_else(|| Some(made?.only_file()?.to_owned()).filter(|_| needed));
    match (path, service) {
        (None, _) => Ok(None),
        (Some(path), Some(service)) => Ok(Some((path, service))),
        (Some(path), None) => {
            let name = escape::shell_word(&target.name);
            let file = escape::shell_word(&path.display().to_string());
            Err(Failure::new(USAGE, "the container does not tell which service of the file it is")
                .hint(format!("why137 fix {name} --file {file} --service NAME"))
                .into())
        }
    }
}

pub(super) fn by_hand(target: &Target, pair: Option<&Pair>) -> Vec<String> {
    let name = escape::shell_word(&target.name);
    let words = pair.map(|pair| pair.docker_run(&target.name)).unwrap_or_default();
    let mut words = words.into_iter();
    let mut lines =
        vec!["settings of a container that runs cannot be changed: make it anew".to_owned()];
    lines.extend(words.next().map(|line| format!("docker run {line}")));
    lines.extend(words);
    let both = u64::try_from(target.now.memory_swap).ok().filter(|both| *both > 0);
    if let Some((both, memory)) = both.zip(target.limit()) {
        // Without that word docker allows as much swap again as memory.
        let beside = match both.saturating_sub(memory) {
            0 => "no swap".to_owned(),
            swap => format!("{} of swap", Bytes(swap)),
        };
        lines.push(format!("it has {beside} beside its limit: `--memory-swap` is both together"));
    }
    lines.push(format!("then: why137 verify {name} -- LOAD"));
    lines
}

/// What the run says of the limit, where it should be another one.
pub(super) fn next_limit(verified: &Verified, target: &Target, is_trial: bool) -> Option<String> {
    let had = verified.after.limit_bytes.filter(|had| *had > 0.0)?;
    let mut series = crate::commands::measure::series_of(&target.name, &verified.seen.looks);
    let name = escape::shell_word(&target.name);
    let try_it = |limit: f64| {
        let limit = change::docker_size(whole((limit / MIB).ceil() * MIB));
        format!("why137 fix {name} --limit {limit}")
    };
    if verified.judged.verdict == Verdict::Holds {
        // Whatever the limit was: what it needs was seen.
        series.limits.clear();
        let wanted = sizing::size::size(&series, &Asked::default()).limit?;
        return (is_trial && wanted < had * ROOMY).then(|| {
            format!("by what this run showed a smaller limit is enough: {}", try_it(wanted))
        });
    }
    let is_leak = verified.after.growth.is_some_and(|growth| growth.is_leak);
    let young = died_young(&verified.seen.looks, &verified.after).is_some();
    let moved = verified.judged.verdict == Verdict::MovedTheCost;
    let wanted = match (young, moved) {
        (true, _) => Some(had * 2.0),
        // What it keeps is near its ceiling, and the ceiling follows the limit.
        (false, true) => Some(had * MORE),
        (false, false) => sizing::size::size(&series, &Asked::default()).limit,
    };
    let wanted = wanted.filter(|wanted| *wanted > had && (young || !is_leak))?;
    Some(format!("the next to try: {}", try_it(wanted)))
}

impl Plan {
    /// Each change, in a few words.
    pub(super) fn changes(&self) -> Vec<String> {
        let mut all = Vec::new();
        if let Some((old, new)) = self.limit {
            let old = old.map_or("none".to_owned(), |old| old.to_string());
            all.push(format!("memory limit {old} → {new}"));
        }
        all.extend(self.settings.iter().cloned());
        if let (Way::ByFile(of), true) = (&self.way, all.is_empty()) {
            let verb = if of.file.changes() { "changed" } else { "in effect" };
            all.push(format!("{} {verb}", of.path.display()));
        }
        all
    }

    /// What would be done, in order.
    pub(super) fn lines(&self, target: &Target, before: &Before, keep: bool) -> Vec<String> {
        let mut lines: Vec<String> = match &self.way {
            Way::ByHand(lines) => return self.notes.iter().chain(lines).cloned().collect(),
            Way::InPlace => self.changes(),
            Way::ByFile(of) => {
                let mut lines = self.changes();
                lines.push(format!("written into {}, as the diff shows", of.path.display()));
                lines.extend(of.compose.iter().map(|it| format!("then: {}", it.command())));
                lines
            }
        };
        let beside = self
            .swap(target)
            .zip(self.limit)
            .map(|(both, (_, new))| Bytes(u64::try_from(both).unwrap_or(0).saturating_sub(new.0)));
        if let (Way::InPlace, Some(swap)) = (&self.way, beside.filter(|it| it.0 > 0)) {
            lines.push(format!("the {swap} of swap beside it stay"));
        }
        if !before.was_up && matches!(self.way, Way::InPlace) {
            lines.push("start it".to_owned());
        }
        lines.push("the same load again; what does not hold is taken back".to_owned());
        if keep {
            lines.pop();
            lines.push("the same load again; it stays, whatever comes of it".to_owned());
        }
        lines.extend(self.notes.clone());
        lines
    }

    /// The limit of memory and swap together that goes with the new limit, as docker spells it.
    pub(super) fn swap(&self, target: &Target) -> Option<i64> {
        let (old, new) = self.limit?;
        let had = target.now.memory_swap;
        if had <= 0 {
            return Some(had);
        }
        let beside = had.saturating_sub_unsigned(old.map_or(0, |old| old.0)).max(0);
        Some(beside.saturating_add_unsigned(new.0))
    }
}

#[cfg(test)]
mod tests;
