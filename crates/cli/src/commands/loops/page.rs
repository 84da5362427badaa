//! The page for a person: each loop in one sentence, its numbers, its lines of evidence, what to do.

use casefile::CaseFile;
use judge::loops::{Ages, Cause, Health, Kind, Loop, State};
use judge::verdict::{Because, Confidence};
use report::{escape, layout};

use super::{Seen, name_of, unread};

/// Narrower pages are not laid out.
const NARROWEST: usize = 60;
const WIDEST: usize = 120;
/// Columns of a quoted line: the whole of it is in the case.
const QUOTE: usize = 110;

/// The whole page.
pub(in crate::commands) fn page(all: &[Seen], width: usize) -> String {
    let mut page = Page { width: width.clamp(NARROWEST, WIDEST), text: String::new() };
    let count: usize = all.iter().map(|seen| seen.loops.len()).sum();
    if count == 0 {
        page.wrapped("", "Nothing goes round here, as far as the evidence reaches: three deaths of one container, one soon after the other, would be a loop.");
    }
    let mut first = true;
    for seen in all {
        for one in &seen.loops {
            if !std::mem::take(&mut first) {
                page.gap();
            }
            page.one(one, seen);
        }
    }
    page.text
}

/// A loop in one sentence.
pub(in crate::commands) fn headline(one: &Loop) -> String {
    let name = name_of(one);
    let was = if one.state.goes_round() { "" } else { " (it does not go round now)" };
    match one.kind {
        Kind::RestartLoop => format!("{name}: {}.{was}", restart_words(one)),
        Kind::RespawnStorm => format!("{name}: {}.{was}", storm_words(one)),
    }
}

fn restart_words(one: &Loop) -> String {
    let span = one.since.zip(one.last).map(|(since, last)| last.seconds_since(since));
    let within = span.filter(|span| *span > 0.0 && one.seen as u64 == one.deaths);
    let within = within.map_or_else(String::new, |span| format!(" in {}", seconds(span)));
    let after = match one.ages {
        Some(ages) if ages.count == 1 => format!(", {} after its start", seconds(ages.median)),
        Some(ages) if ages.are_alike() => {
            let each = if ages.near == ages.count { " each time" } else { ", as a rule" };
            format!(", about {} after its start{each}", seconds(ages.median))
        }
        Some(ages) => {
            format!(", {} to {} after its start", seconds(ages.shortest), seconds(ages.longest))
        }
        None => String::new(),
    };
    let limit = one.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
    let deaths = one.deaths;
    let ready = match (one.in_warm_up, one.health) {
        (true, Health::Never) => ", before its health check ever passed",
        (_, _) => "",
    };
    match &one.cause {
        Cause::OwnLimit if one.in_warm_up => format!(
            "killed while it starts: {deaths} deaths{within}, at its own memory limit{limit}{after}{ready}; restarting cannot help"
        ),
        Cause::OwnLimit => {
            format!(
                "restart loop by memory: {deaths} deaths{within}, at its own limit{limit}{after}"
            )
        }
        Cause::ParentLimit => format!(
            "restart loop by memory: {deaths} deaths{within}, at a limit above it, which others share{after}"
        ),
        Cause::Machine => {
            format!(
                "restart loop by memory: {deaths} deaths{within}, because the machine's was full{after}"
            )
        }
        Cause::MemoryOfUnknownLevel => format!(
            "restart loop by memory: {deaths} deaths{within}{after}; at which limit is not shown"
        ),
        Cause::NotMemory(what) => {
            format!("restart loop, not memory: it {what}, {deaths} times{within}{after}")
        }
        Cause::Mixed(parts) => {
            let parts: Vec<String> =
                parts.iter().map(|(what, count)| format!("{count} times it {what}")).collect();
            format!("restart loop of several causes: {deaths} deaths{within}; {}", parts.join(", "))
        }
        Cause::Unknown => format!(
            "restart loop, cause not known: {deaths} deaths{within}{after}; the evidence does not tell what ends it"
        ),
    }
}

fn storm_words(one: &Loop) -> String {
    let span = one.since.zip(one.last).map(|(since, last)| last.seconds_since(since));
    let within = span.filter(|span| *span > 0.0);
    let within = within.map_or_else(String::new, |span| format!(" in {}", seconds(span)));
    let who = one.victim.as_deref().map_or_else(String::new, |who| format!(" of {who}"));
    let up = if one.state == State::Down { "" } else { ", and the container stays up" };
    let limit = one.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
    let at = match one.cause {
        Cause::OwnLimit => format!(" at its own memory limit{limit}"),
        Cause::ParentLimit => " at a memory limit above it".to_owned(),
        Cause::Machine => " because the machine's memory was full".to_owned(),
        _ => " by the kernel's OOM killer".to_owned(),
    };
    format!("respawn storm inside: {} kills{who}{within}{at}{up}", one.deaths)
}

struct Page {
    width: usize,
    text: String,
}

impl Page {
    fn one(&mut self, one: &Loop, seen: &Seen) {
        self.wrapped("", &format!("{} [{}]", headline(one), grade(one.confidence)));
        self.gap();
        let harmless =
            |(label, text): &(&str, String)| ((*label).to_owned(), escape::terminal(text));
        let rows: Vec<(String, String)> = facts(one).iter().map(harmless).collect();
        for line in layout::rows(2, 3, &rows, self.width) {
            self.plain(&escape::terminal_line(&line));
        }
        if !one.because.is_empty() {
            self.gap();
            self.plain("Evidence");
        }
        for (number, because) in one.because.iter().enumerate() {
            self.wrapped(&format!("  {}  ", number + 1), &evidence(because, &seen.case));
        }
        if unread(seen).next().is_some() {
            self.gap();
            self.plain("Not read, so that deaths may be missing");
        }
        for gap in unread(seen) {
            self.wrapped("  ", &format!("{}: {}", gap.source.title(), gap.because));
        }
        if !one.remedies.is_empty() {
            self.gap();
            self.plain("Next");
        }
        for remedy in &one.remedies {
            // A command is pasted as one line, however long it is.
            match ["docker ", "why137 "].iter().any(|start| remedy.change.starts_with(start)) {
                true => self.plain(&format!("  {}", escape::terminal(&remedy.change))),
                false => self.wrapped("  ", &remedy.change),
            }
            let risk = Some(&remedy.risk).filter(|risk| !risk.is_empty());
            let risk = risk.map_or_else(String::new, |risk| format!("; risk: {risk}"));
            self.wrapped("      ", &format!("{}{risk}", remedy.effect));
        }
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn plain(&mut self, line: &str) {
        self.text.push_str(&format!("{line}\n"));
    }

    /// Text behind a lead; what does not fit stands below it.
    fn wrapped(&mut self, lead: &str, text: &str) {
        let room = self.width.saturating_sub(lead.len());
        let below = " ".repeat(lead.len());
        let leads = std::iter::once(lead).chain(std::iter::repeat(below.as_str()));
        for (line, lead) in layout::wrap(&escape::terminal(text), room).iter().zip(leads) {
            self.text.push_str(&format!("{lead}{}\n", escape::terminal_line(line)));
        }
    }
}

fn grade(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Proven => "proven",
        Confidence::Likely => "likely",
        Confidence::Possible => "possible",
        Confidence::Unknown => "unknown",
    }
}

fn facts(one: &Loop) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let seen = match one.seen as u64 {
        seen if seen == one.deaths => format!("{seen}, all seen one by one"),
        0 => format!("{}, by a counter alone", one.deaths),
        seen => format!("{}, {seen} of them seen one by one", one.deaths),
    };
    rows.push(("deaths", seen));
    if let Some(limit) = one.limit {
        let at = match one.at_limit {
            0 => String::new(),
            at => format!("; {at} of {} seen were at it", one.seen),
        };
        rows.push(("limit", format!("{limit}{at}")));
    }
    rows.extend(one.ages.map(|ages| ("age", ages_words(&ages))));
    rows.extend(one.interval_seconds.map(|it| {
        let wait = one.next_wait_seconds.map_or_else(String::new, |wait| {
            format!("; docker waits about {} before the next start", seconds(wait))
        });
        ("every", format!("{}{wait}", seconds(it)))
    }));
    rows.extend(one.since.map(|since| {
        let oldest =
            if one.seen as u64 == one.deaths { "" } else { ", the oldest that is remembered" };
        // A storm that a counter tells of is as old as its life.
        let oldest = if one.kind == Kind::RespawnStorm { "" } else { oldest };
        ("since", format!("{since}{oldest}"))
    }));
    rows.extend(one.last.map(|last| ("last", last.to_string())));
    let health = match one.health {
        // Without docker's own description nothing is known of a check.
        Health::NoCheck if one.kind == Kind::RespawnStorm || one.policy.is_none() => None,
        Health::NoCheck => {
            Some("it has no health check: nothing tells when it is ready".to_owned())
        }
        Health::Never if one.kind == Kind::RespawnStorm => None,
        Health::Never => Some("its health check never passed".to_owned()),
        Health::Healthy(count) => Some(format!("healthy in {count} of {} lives", one.seen)),
    };
    rows.extend(health.map(|health| ("health", health)));
    rows.extend(one.crowd.filter(|(count, _)| *count > 1).map(|(count, held)| {
        ("together", format!("{count} of that name at a kill; all there held {held}"))
    }));
    rows.extend(one.policy.clone().map(|policy| ("policy", policy)));
    let now = match one.state {
        State::Up => "it runs, and nothing has changed".to_owned(),
        State::Waiting => "it waits for its next start".to_owned(),
        State::Down => "it was not started again".to_owned(),
        State::Over(lived) => format!("it has gone well for {}", seconds(lived)),
    };
    rows.push(("now", now));
    rows
}

fn ages_words(ages: &Ages) -> String {
    let alike = if ages.are_alike() { ", alike" } else { "" };
    match ages.count {
        1 => format!("{} (one life)", seconds(ages.median)),
        count => format!(
            "median {}, {} to {} ({count} lives{alike})",
            seconds(ages.median),
            seconds(ages.shortest),
            seconds(ages.longest)
        ),
    }
}

/// The line that shows it, where it stands, and what it says.
fn evidence(because: &Because, case: &CaseFile) -> String {
    let source = case.exhibit(&because.cite.exhibit).map_or("", |it| it.source.title());
    let quote = quote(because, case);
    format!("{source}: {quote}  — {}", because.says)
}

/// The first line of what is cited.
pub(super) fn quote(because: &Because, case: &CaseFile) -> String {
    let source = case.exhibit(&because.cite.exhibit).map(|exhibit| exhibit.source);
    let text = case.quote(&because.cite).unwrap_or_default();
    let line = report::readable(text.lines().next().unwrap_or_default(), source);
    let length = line.chars().count();
    if length <= QUOTE {
        return line;
    }
    // Of a long line the part around what decides.
    let decisive = because.decisive.as_deref().and_then(|words| line.rsplit_once(words));
    let at = decisive.map_or(0, |(before, _)| before.chars().count());
    let from = if at < QUOTE - 20 { 0 } else { at - 20 };
    let part: String = line.chars().skip(from).take(QUOTE).collect();
    let (head, tail) =
        (if from > 0 { "…" } else { "" }, if from + QUOTE < length { "…" } else { "" });
    format!("{head}{part}{tail}")
}

/// `0.41 s`, `12 s`, `4 min 10 s`, `2 h 5 min`.
pub(in crate::commands) fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 1.0 => format!("{s:.2} s"),
        s if s < 10.0 => format!("{s:.1} s"),
        _ => match (whole / 3600, whole / 60 % 60, whole % 60) {
            (0, 0, s) => format!("{s} s"),
            (0, m, 0) => format!("{m} min"),
            (0, m, s) => format!("{m} min {s} s"),
            (h, 0, _) => format!("{h} h"),
            (h, m, _) => format!("{h} h {m} min"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_read_like_a_person_would_say_them() {
        let said = [0.412, 3.24, 12.4, 60.0, 250.0, 3600.0, 7500.0].map(seconds);
        assert_eq!(said, ["0.41 s", "3.2 s", "12 s", "1 min", "4 min 10 s", "1 h", "2 h 5 min"]);
    }
}
