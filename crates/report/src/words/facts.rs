//! The aligned facts below the first sentence: who died, when, what the memory was.
//!
//! A fact that the sentence already tells is left out; a number that was not seen is left out too.

use casefile::{Bytes, Limit, Moment};
use judge::Verdict;
use judge::verdict::{Holder, Killer, Level, Role, Victim};

use super::{Cast, amount_kb, labels, named};
use crate::Report;

/// How many victims and processes are listed before the rest is counted.
const LISTED: usize = 5;

/// One fact with its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    /// `victim`, `when`, `memory`.
    pub(crate) label: &'static str,
    /// The fact.
    pub(crate) text: String,
}

/// The facts of a report, in the order a reader asks for them.
pub(crate) fn facts(report: &Report) -> Vec<Fact> {
    let verdict = &report.verdict;
    let mut facts = Vec::new();
    victims(verdict, &Cast::of(report), &mut facts);
    let mut push = |label, text: Option<String>| {
        if let Some(text) = text {
            facts.push(Fact { label, text });
        }
    };
    push("when", when(verdict));
    push("memory", memory(verdict));
    push("held by", holders(verdict));
    push("limit", limit(verdict));
    push("exit code", exit_code(verdict));
    push("by", by(verdict));
    facts
}

fn victims(verdict: &Verdict, cast: &Cast, facts: &mut Vec<Fact>) {
    let several = verdict.victims.len() > 1;
    if let ([one], true) = (verdict.victims.as_slice(), cast.is_victim) {
        // The first sentence names it; only its part in the container is news.
        let text = labels::role(one.role).map(str::to_owned);
        facts.extend(text.map(|text| Fact { label: "victim", text }));
        return;
    }
    for (position, victim) in verdict.victims.iter().take(LISTED).enumerate() {
        let label = match (several, position) {
            (false, _) => "victim",
            (true, 0) => "victims",
            (true, _) => "",
        };
        let text = one_victim(verdict, victim, several);
        if !text.is_empty() {
            facts.push(Fact { label, text });
        }
    }
    let rest = verdict.victims.len().saturating_sub(LISTED);
    if rest > 0 {
        facts.push(Fact { label: "", text: format!("and {rest} more") });
    }
}

/// `python3, pid 295, the main process`; `the main process, started as: sleep 600` where nothing
/// names it.
fn one_victim(verdict: &Verdict, victim: &Victim, in_list: bool) -> String {
    let mut parts = Vec::new();
    parts.extend(victim.comm.as_deref().map(named));
    parts.extend(victim.pid.map(|pid| format!("pid {pid}")));
    if in_list {
        parts.extend(labels::short_role(victim.role).map(str::to_owned));
        parts.extend(victim.anon_rss_kb.map(|kb| format!("{} anonymous", amount_kb(kb))));
    } else {
        parts.extend(labels::role(victim.role).map(str::to_owned));
    }
    let nameless = victim.comm.is_none() && victim.role == Role::Main && !in_list;
    parts.extend(nameless.then(|| started_as(&verdict.main.command)).flatten());
    parts.join(", ")
}

/// The configured command, shortened: it is there to be recognised, not to be run.
fn started_as(command: &[String]) -> Option<String> {
    const LONGEST: usize = 60;
    let words = command.join(" ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = words.chars().take(LONGEST).collect();
    let cut = if shown.len() < words.len() { "…" } else { "" };
    (!shown.is_empty()).then(|| format!("started as: {shown}{cut}"))
}

/// A span of time as a person would say it: `4.1 s`, `3 min`, `2 h 5 min`, `9 days`.
pub(crate) fn span(seconds: f64) -> String {
    let whole = seconds.round();
    if seconds < 60.0 {
        let tenths = (seconds * 10.0).round() / 10.0;
        return format!("{tenths} s");
    }
    let minutes = (whole / 60.0).floor();
    if minutes < 120.0 {
        let rest = whole - minutes * 60.0;
        return if minutes < 10.0 && rest > 0.0 {
            format!("{minutes} min {rest} s")
        } else {
            format!("{minutes} min")
        };
    }
    let hours = (minutes / 60.0).floor();
    if hours < 48.0 {
        let rest = minutes - hours * 60.0;
        return if rest > 0.0 { format!("{hours} h {rest} min") } else { format!("{hours} h") };
    }
    format!("{} days", (hours / 24.0).floor())
}

fn when(verdict: &Verdict) -> Option<String> {
    let moment = when_words(verdict)?;
    let lived = verdict.lived_seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    let life = verdict.subject.as_ref().and_then(|subject| subject.life).filter(|life| *life > 1);
    let mut text = moment;
    if let Some(seconds) = lived {
        text.push_str(&format!(", {} after it started", span(seconds)));
    }
    if let Some(life) = life {
        text.push_str(&format!(" (life {life})"));
    }
    Some(text)
}

/// The moment, or the time as the text shows it.
fn when_words(verdict: &Verdict) -> Option<String> {
    verdict.at.as_ref().map(Moment::to_string).or_else(|| verdict.at_words.clone())
}

/// The same without a remark on the clock, for one line.
pub(crate) fn when_short(verdict: &Verdict) -> Option<String> {
    let words = when_words(verdict)?;
    let short = words.split_once(" (").map(|(time, _)| time.to_owned());
    Some(short.unwrap_or(words))
}

/// What a part of the memory is called on the page.
fn share_name(what: &str) -> &str {
    match what {
        "anonymous" => "the program's own (anonymous)",
        other => other,
    }
}

fn memory(verdict: &Verdict) -> Option<String> {
    let mut parts: Vec<String> = verdict
        .memory
        .shares
        .iter()
        .filter(|share| share.bytes.0 > 0)
        .map(|share| format!("{} {}", share.bytes, share_name(share.what)))
        .collect();
    if parts.is_empty() {
        parts = victim_memory(verdict);
    }
    if let Some(peak) = verdict.memory.peak {
        parts.push(format!("peak {peak}"));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// What the only victim held, where the whole is not known and memory was the reason.
fn victim_memory(verdict: &Verdict) -> Vec<String> {
    let is_about_memory = verdict.killer.is_kernel_oom()
        || matches!(verdict.killer, Killer::OomDaemon | Killer::Eviction);
    if !is_about_memory {
        return Vec::new();
    }
    let [victim] = verdict.victims.as_slice() else { return Vec::new() };
    [
        (victim.anon_rss_kb, "the victim's own (anonymous)"),
        (victim.file_rss_kb, "files"),
        (victim.shmem_rss_kb, "shmem/tmpfs"),
    ]
    .into_iter()
    .filter_map(|(kb, what)| {
        let kb = kb.filter(|kb| *kb > 0)?;
        Some(format!("{} {what}", amount_kb(kb)))
    })
    .collect()
}

fn holders(verdict: &Verdict) -> Option<String> {
    let memory = &verdict.memory;
    // One process alone says nothing that the row above does not.
    if memory.holders.len() < 2 {
        return None;
    }
    let describe = |holder: &Holder| {
        let mut notes = vec![format!("pid {}", holder.pid)];
        if holder.killed {
            notes.push("killed".to_owned());
        }
        if holder.neighbour {
            notes.push("a neighbour".to_owned());
        }
        format!("{} ({}) {}", named(&holder.comm), notes.join(", "), holder.rss)
    };
    let mut parts: Vec<String> = memory.holders.iter().take(LISTED).map(describe).collect();
    let rest = memory.holders.len().saturating_sub(LISTED);
    if rest > 0 {
        parts.push(format!("{rest} more"));
    }
    let note = if exceeds_what_was_used(verdict) {
        // Mapped files count for every process, and may be charged to another cgroup.
        " (resident sizes, mapped files included)"
    } else {
        ""
    };
    Some(parts.join(" · ") + note)
}

/// Whether the processes together seem to hold more than the limit let them.
fn exceeds_what_was_used(verdict: &Verdict) -> bool {
    let Bytes(charged) = verdict.memory.shares.iter().map(|share| share.bytes).sum();
    let Bytes(held) = verdict.memory.holders.iter().map(|holder| holder.rss).sum();
    let room = verdict.usage.map_or(charged, |usage| usage.0);
    verdict.killer.is_kernel_oom() && room > 0 && held > room
}

/// The limit and the usage, where the first sentence does not tell the limit.
fn limit(verdict: &Verdict) -> Option<String> {
    let told = match verdict.killer {
        Killer::ContainerMemoryLimit | Killer::AncestorMemoryLimit => true,
        Killer::StillAlive => verdict.level != Level::None,
        Killer::HostOutOfMemory
        | Killer::NumaOutOfMemory
        | Killer::OutOfMemory
        | Killer::OomDaemon
        | Killer::Eviction
        | Killer::StopTimeout
        | Killer::Stopped
        | Killer::ApiKill
        | Killer::FailedProbe
        | Killer::Process
        | Killer::ResourceLimit
        | Killer::Runtime
        | Killer::Crash
        | Killer::NotKilled
        | Killer::Unknown => false,
    };
    let blameless = verdict.killer.is_kernel_oom() && verdict.limit_at_fault == Some(false);
    match (verdict.limit?, verdict.usage) {
        // Told already; only a usage that differs from it is news.
        (Limit::At(limit), Some(usage)) if told => {
            (usage != limit).then(|| format!("{usage} of it used"))
        }
        (Limit::At(_), None) if told => None,
        (Limit::At(limit), Some(usage)) => Some(format!("{usage} of {limit} used")),
        (Limit::At(limit), None) if blameless => Some(format!("{limit}, not at fault")),
        (Limit::At(limit), None) => Some(limit.to_string()),
        (Limit::Unlimited, Some(usage)) => Some(format!("none set, {usage} used")),
        (Limit::Unlimited, None) => Some("none set".to_owned()),
    }
}

/// The exit code where it misleads.
fn exit_code(verdict: &Verdict) -> Option<String> {
    let code = verdict.main.exit_code?;
    if verdict.killer == Killer::StillAlive || verdict.main.exit_code_trusted {
        return None;
    }
    Some(format!("{code}, not to be trusted: it did not come from the program"))
}

/// What is known of the killer beyond its name and pid.
fn by(verdict: &Verdict) -> Option<String> {
    let by = verdict.killed_by.as_ref()?;
    let mut parts = Vec::new();
    if verdict.killer != Killer::Process {
        parts.extend(by.uid.map(|uid| format!("uid {uid}")));
        let told = matches!(verdict.killer, Killer::OomDaemon | Killer::Eviction);
        if !told {
            parts.extend(by.name.clone());
            parts.extend(by.pid.map(|pid| format!("pid {pid}")));
        }
    }
    parts.extend(by.login_uid.map(|uid| format!("login uid {uid}")));
    parts.extend(by.command.as_ref().map(|command| format!("command: {command}")));
    if verdict.killer != Killer::ApiKill {
        parts.extend(by.client.as_ref().map(|client| format!("client: {client}")));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_like_a_person_would_say_them() {
        let said: Vec<String> =
            [0.04, 4.13, 59.0, 61.0, 600.0, 7500.0, 10_800.0, 900_000.0].map(span).to_vec();
        assert_eq!(
            said,
            ["0 s", "4.1 s", "59 s", "1 min 1 s", "10 min", "2 h 5 min", "3 h", "10 days"]
        );
    }
}
