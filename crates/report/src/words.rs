//! Every sentence this program says about who killed what, at which level, how sure: one place.
//!
//! Sentences are made of the verdict alone and are not yet escaped: the renderer does that for its
//! medium. How sure we are is in the verb (`was`, `was probably`, `may have been`), so that a
//! sentence quoted without its grade does not claim more than the verdict does.
//! Nothing here advises: what to change stands in the verdict's remedies only.

mod cast;
mod facts;
mod labels;

use casefile::{Bytes, CgroupPath, Limit, Source, signal_name};
pub(crate) use cast::{Cast, named};
pub(crate) use facts::{facts, when_short};
use judge::Verdict;
use judge::verdict::{Confidence, Fate, Killer, Level};
pub(crate) use labels::{candidate, fate, grade, is_command, level_word};

use crate::Report;

/// The whole answer in one sentence, ended by a full stop.
pub(crate) fn headline(report: &Report) -> String {
    let verdict = &report.verdict;
    let cast = Cast::of(report);
    let mut sentence = match verdict.killer {
        Killer::ContainerMemoryLimit
        | Killer::AncestorMemoryLimit
        | Killer::HostOutOfMemory
        | Killer::NumaOutOfMemory
        | Killer::OutOfMemory => kernel_oom(verdict, &cast),
        Killer::StillAlive => still_alive(report, &cast),
        Killer::Unknown => return undecided(report, &cast),
        Killer::NotKilled | Killer::Crash => own_end(verdict, &cast),
        Killer::OomDaemon
        | Killer::Eviction
        | Killer::StopTimeout
        | Killer::Stopped
        | Killer::ApiKill
        | Killer::FailedProbe
        | Killer::Process
        | Killer::ResourceLimit
        | Killer::Runtime => ended_by_someone(verdict, &cast),
    };
    if let Some(tail) = main_went_on(verdict, &cast) {
        sentence.push_str("; ");
        sentence.push_str(&tail);
    }
    sentence.push('.');
    sentence
}

/// `was`, `were probably`, `may have been`.
fn was(verdict: &Verdict, plural: bool) -> &'static str {
    match (verdict.confidence, plural) {
        (Confidence::Proven, false) => "was",
        (Confidence::Proven, true) => "were",
        (Confidence::Likely, false) => "was probably",
        (Confidence::Likely, true) => "were probably",
        (Confidence::Possible | Confidence::Unknown, _) => "may have been",
    }
}

/// `ended`, `probably ended`, `may have ended`: of verbs whose past is also the participle.
fn did(verdict: &Verdict, past: &str) -> String {
    match verdict.confidence {
        Confidence::Proven => past.to_owned(),
        Confidence::Likely => format!("probably {past}"),
        Confidence::Possible | Confidence::Unknown => format!("may have {past}"),
    }
}

/// `: detail`, or nothing.
fn colon(detail: Option<&str>) -> String {
    detail.map(|detail| format!(": {}", clause(detail))).unwrap_or_default()
}

/// A clause of the judge's, without the full stop that the sentence will bring.
fn clause(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

/// `, 64 MiB,` where the limit is a number.
fn amount_between(limit: Option<Limit>) -> String {
    match limit {
        Some(Limit::At(bytes)) => format!(", {bytes},"),
        Some(Limit::Unlimited) | None => String::new(),
    }
}

fn kernel_oom(verdict: &Verdict, cast: &Cast) -> String {
    let amount = amount_between(verdict.limit);
    let reason = match (verdict.killer, verdict.level) {
        (Killer::AncestorMemoryLimit, _) => {
            format!("the memory limit of {}{amount} was full", parent(verdict, cast))
        }
        (Killer::HostOutOfMemory, _) => {
            format!("the {} was out of memory", if cast.has_container { "host" } else { "machine" })
        }
        (Killer::NumaOutOfMemory, _) => {
            "the memory of the NUMA nodes it may use (cpuset or memory policy) ran out".to_owned()
        }
        (Killer::OutOfMemory, _) => {
            "memory ran out, and the evidence does not show at which level".to_owned()
        }
        (Killer::ContainerMemoryLimit, Level::Nested) => {
            let inside = cast::inside(verdict);
            format!("a memory limit set inside {inside}{}{amount} was full", nested(verdict))
        }
        (
            Killer::ContainerMemoryLimit,
            Level::Own | Level::Ancestor | Level::Host | Level::Numa | Level::Unknown | Level::None,
        ) => format!("{}{amount} was full", cast.own_limit(verdict)),
        // Never asked here: no kernel OOM kill.
        (
            Killer::OomDaemon
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
            | Killer::StillAlive
            | Killer::Unknown,
            _,
        ) => "memory ran out".to_owned(),
    };
    let more =
        verdict.detail.as_deref().map(|detail| format!("; {}", clause(detail))).unwrap_or_default();
    format!("{} {} killed by the kernel: {reason}{more}", cast.who, was(verdict, cast.plural))
}

/// The parent whose limit filled, in the words of whoever set it.
fn parent(verdict: &Verdict, cast: &Cast) -> String {
    let Some(path) = &verdict.limit_cgroup else {
        let runtime = verdict.subject.as_ref().and_then(|subject| subject.runtime.as_deref());
        return match runtime {
            Some("ecs") => "its task".to_owned(),
            Some(_) | None => format!("a parent of {}", cast.container),
        };
    };
    let name = path.name();
    // `podUID` with the cgroupfs driver, `kubepods-burstable-podUID.slice` with systemd's; the
    // slices of a quality class (`kubepods-burstable.slice`) are no pod.
    let is_pod = path.pod_uid().is_some()
        && (name.starts_with("pod") || (name.contains("-pod") && name.ends_with(".slice")));
    if is_pod {
        "its pod".to_owned()
    } else if path.names().next() == Some("ecs") || name.starts_with("ecstasks-") {
        "its task".to_owned()
    } else if let Some(owner) = path.owner().filter(|owner| owner.is_container()) {
        format!("{owner} around it")
    } else if name.ends_with(".slice") {
        format!("its slice {name}")
    } else {
        format!("the parent cgroup {}", short_path(path))
    }
}

/// ` (worker/1)`: the nested cgroup, as seen from the container.
fn nested(verdict: &Verdict) -> String {
    let below = verdict.limit_cgroup.as_ref().and_then(|path| {
        let container = path.container().or_else(|| verdict.place.clone())?;
        let below = path.as_str().strip_prefix(container.as_str())?.trim_start_matches('/');
        (!below.is_empty()).then(|| format!(" (on {below})"))
    });
    below.unwrap_or_default()
}

/// A cgroup path with container ids shortened to the 12 digits that runtimes show.
pub(crate) fn short_path(path: &CgroupPath) -> String {
    let Some(id) = path.container_id() else { return path.to_string() };
    let short: String = id.as_str().chars().take(12).collect();
    path.as_str().replace(id.as_str(), &format!("{short}…"))
}

/// How the life before the present one ended, where the same container had one that is told of.
fn life_before(report: &Report) -> Option<String> {
    let own = report.verdict.container_id.as_ref()?;
    let is_own = |finding: &&Report| finding.verdict.container_id.as_ref() == Some(own);
    let last = report.findings.iter().rfind(is_own)?;
    Some(match last.verdict.killer {
        Killer::Unknown => "it is not decided what ended it".to_owned(),
        _ => short(last),
    })
}

fn still_alive(report: &Report, cast: &Cast) -> String {
    let verdict = &report.verdict;
    let who = &cast.who;
    if let Some(detail) = verdict.detail.as_deref().filter(|_| nothing_died(verdict)) {
        let detail = clause(detail);
        return format!("{who} {}", detail.strip_prefix("the container ").unwrap_or(detail));
    }
    let is = match verdict.confidence {
        Confidence::Proven => "is",
        Confidence::Likely => "is probably",
        Confidence::Possible | Confidence::Unknown => "may be",
    };
    match (verdict.level, &verdict.detail) {
        (Level::None, Some(detail)) => format!("{who} {is} alive: {}", clause(detail)),
        // The grade is about what died in it: that it runs is seen.
        (Level::None, None)
            if verdict.main.fate == Fate::Alive && !verdict.candidates.is_empty() =>
        {
            format!("{who} is alive; a process in it may have been killed")
        }
        (Level::None, None) => match life_before(report) {
            Some(before) => format!("{who} {is} alive again; its life before: {before}"),
            None => format!("{who} {is} alive; nothing that died in it was seen"),
        },
        (level, detail) => {
            let amount = amount_between(verdict.limit);
            let whose = match level {
                Level::Own => "its own memory limit".to_owned(),
                Level::Nested => format!("a memory limit set inside it{}", nested(verdict)),
                Level::Ancestor => format!("the memory limit of {}", parent(verdict, cast)),
                Level::Host => "the end of the host's memory".to_owned(),
                Level::Numa => "the end of its NUMA nodes' memory".to_owned(),
                Level::Unknown | Level::None => "a memory limit".to_owned(),
            };
            let amount = if level == Level::Host { "" } else { amount.trim_end_matches(',') };
            format!("{who} {is} alive but stalled at {whose}{amount}{}", colon(detail.as_deref()))
        }
    }
}

fn undecided(report: &Report, cast: &Cast) -> String {
    let verdict = &report.verdict;
    if let Some(detail) = &verdict.detail {
        let about = match (cast.named, verdict.main.exit_code) {
            (true, Some(_)) => format!(" what ended {}", cast.container),
            (true, None) => format!(" for {}", cast.container),
            (false, _) => String::new(),
        };
        return format!("Not decided{about}: {}.", clause(detail));
    }
    let what = match verdict.main.exit_code {
        Some(code) => format!("exit code {code}"),
        None => "what is known".to_owned(),
    };
    match (report.verdict.candidates.len(), cast.named) {
        (0, true) => {
            format!("Not decided: the evidence does not tell what ended {}.", cast.container)
        }
        (0, false) => "Not decided: the evidence does not tell what happened.".to_owned(),
        (1, _) => format!("Not decided: {what} fits one cause, and nothing here confirms it."),
        (_, true) => {
            format!("Not decided what ended {}: {what} fits several ends.", cast.container)
        }
        (_, false) => format!("Not decided: {what} fits several ends."),
    }
}

fn own_end(verdict: &Verdict, cast: &Cast) -> String {
    let who = &cast.who;
    let detail = verdict.detail.as_deref().and_then(|detail| not_said_yet(verdict, detail));
    if verdict.killer == Killer::Crash {
        let signal = verdict.main.signal.map(|number| format!(" with {}", signal_name(number)));
        return format!(
            "{who} {}{}{}",
            did(verdict, "crashed"),
            signal.unwrap_or_default(),
            colon(detail)
        );
    }
    let code = match (verdict.main.exit_code, verdict.main.exit_code_trusted) {
        (Some(code), true) => format!(" with exit code {code}"),
        (Some(_), false) | (None, _) => String::new(),
    };
    if let Some(error) = detail.and_then(|detail| detail.strip_prefix("it could not start")) {
        let verb = match verdict.confidence {
            Confidence::Proven => "could not start",
            Confidence::Likely => "probably could not start",
            Confidence::Possible | Confidence::Unknown => "may not have started",
        };
        let code = code.strip_prefix(" with ").map(|code| format!(" ({code})"));
        return format!("{who} {verb}{}{error}", code.unwrap_or_default());
    }
    let unkilled = if detail.is_none() { "; it was not killed" } else { "" };
    let unkilled = if verdict.confidence == Confidence::Proven { unkilled } else { "" };
    format!("{who} {} by itself{code}{}{unkilled}", did(verdict, "ended"), colon(detail))
}

/// Whether the judge knows that there was no death: a container that was never started.
fn nothing_died(verdict: &Verdict) -> bool {
    verdict.detail.as_deref().is_some_and(|detail| clause(detail).ends_with("nothing died"))
}

/// Whether the judge says that the program never ran.
fn could_not_start(verdict: &Verdict) -> bool {
    verdict.detail.as_deref().is_some_and(|detail| detail.starts_with("it could not start"))
}

/// A detail without the code or signal that the sentence names anyway; nothing if that was all.
fn not_said_yet<'a>(verdict: &Verdict, detail: &'a str) -> Option<&'a str> {
    let mut detail = clause(detail);
    if let Some(code) = verdict.main.exit_code.filter(|_| verdict.main.exit_code_trusted) {
        let ending = format!("it ended with {code}");
        detail = detail.strip_suffix(ending.as_str()).unwrap_or(detail).trim_end_matches("; ");
        detail = detail.strip_prefix(format!("{code}: ").as_str()).unwrap_or(detail);
    }
    if let Some(signal) = verdict.main.signal.filter(|_| verdict.killer == Killer::Crash) {
        let name = signal_name(signal);
        detail = detail.strip_prefix(format!("{name}: ").as_str()).unwrap_or(detail);
        if detail == format!("{name} of the program's own making") {
            detail = "a signal of the program's own making";
        }
    }
    (!detail.is_empty()).then_some(detail)
}

fn ended_by_someone(verdict: &Verdict, cast: &Cast) -> String {
    let who = &cast.who;
    let was = was(verdict, cast.plural);
    let detail = verdict.detail.as_deref();
    let name = killer_name(verdict);
    match verdict.killer {
        Killer::OomDaemon => match (name, detail) {
            (name, Some(detail)) => format!(
                "{who} {was} killed by {}: {}",
                name.unwrap_or_else(|| "an out-of-memory daemon".to_owned()),
                clause(detail)
            ),
            (Some(name), None) => {
                format!("{who} {was} killed by {name}, a daemon that acts when memory is short")
            }
            (None, None) => {
                format!("{who} {was} killed by an out-of-memory daemon, not by the kernel")
            }
        },
        Killer::Eviction => format!(
            "{who} {was} evicted by the kubelet: {}",
            detail.map_or("the node was short of a resource", clause)
        ),
        Killer::StopTimeout => format!(
            "{who} {was} stopped by request and did not end in time: {}",
            detail.map_or("SIGKILL followed after the grace period", clause)
        ),
        Killer::Stopped => {
            // Without an end nothing shows that it came in time.
            let in_time = if verdict.main.exit_code.is_some() { " and ended in time" } else { "" };
            format!("{who} {was} stopped by request{in_time}{}", colon(detail))
        }
        Killer::ApiKill => {
            let client = verdict.killed_by.as_ref().and_then(|by| by.client.clone());
            let client = client.map(|client| format!(" of {client}")).unwrap_or_default();
            format!("{who} {was} killed by request{client}{}", colon(detail))
        }
        Killer::FailedProbe => {
            format!("{who} {was} killed because it failed its health check{}", colon(detail))
        }
        Killer::Process => {
            let named: Vec<&str> = name.as_deref().into_iter().chain(detail.map(clause)).collect();
            let who_did =
                if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
            format!("{who} {was} killed by {}{who_did}", another(verdict))
        }
        Killer::ResourceLimit => format!(
            "{who} {was} killed by the kernel at a resource limit that is not memory{}",
            colon(detail)
        ),
        // The rest has its own sentences above.
        Killer::Runtime
        | Killer::ContainerMemoryLimit
        | Killer::AncestorMemoryLimit
        | Killer::HostOutOfMemory
        | Killer::NumaOutOfMemory
        | Killer::OutOfMemory
        | Killer::Crash
        | Killer::NotKilled
        | Killer::StillAlive
        | Killer::Unknown => {
            format!("{who} {was} ended by the runtime's own clean-up{}", colon(detail))
        }
    }
}

/// `kill (pid 4711, uid 0)`.
fn killer_name(verdict: &Verdict) -> Option<String> {
    let by = verdict.killed_by.as_ref()?;
    let mut numbers = Vec::new();
    if let Some(pid) = by.pid {
        numbers.push(format!("pid {pid}"));
    }
    if let Some(uid) = by.uid.filter(|_| verdict.killer == Killer::Process) {
        numbers.push(format!("uid {uid}"));
    }
    match (&by.name, numbers.is_empty()) {
        (Some(name), true) => Some(name.clone()),
        (Some(name), false) => Some(format!("{name} ({})", numbers.join(", "))),
        (None, false) => Some(numbers.join(", ")),
        (None, true) => None,
    }
}

/// A process that sent the signal to itself is no other one.
fn another(verdict: &Verdict) -> &'static str {
    let sender = verdict.killed_by.as_ref().and_then(|by| by.pid);
    match (sender, verdict.victims.as_slice()) {
        (Some(sender), [victim]) if victim.pid == Some(sender) => "itself",
        (_, _) => "another process",
    }
}

/// What the main process did when something else in its container was killed.
fn main_went_on(verdict: &Verdict, cast: &Cast) -> Option<String> {
    let told = verdict.detail.as_deref().is_some_and(|detail| detail.contains("main process"));
    if cast.is_whole || !cast.has_container || told {
        return None;
    }
    let container = &cast.container;
    match (verdict.main.fate, verdict.main.exit_code, verdict.main.exit_code_trusted) {
        (Fate::Alive, _, _) => Some(format!("{container} runs on")),
        (Fate::Exited, Some(137), true) => {
            Some("the main process was not killed, it passed on its child's 137".to_owned())
        }
        (Fate::Exited, Some(code), true) => {
            Some(format!("the main process ended by itself with exit code {code}"))
        }
        (Fate::Exited, _, _) => Some("the main process ended by itself".to_owned()),
        (Fate::Killed | Fate::Unknown, _, _) => None,
    }
}

/// The answer in a few words, for one line among others: `killed by its own memory limit (64 MiB)`.
pub(crate) fn short(report: &Report) -> String {
    let verdict = &report.verdict;
    let amount = match verdict.limit.and_then(Limit::bytes) {
        Some(bytes) => format!(" ({bytes})"),
        None => String::new(),
    };
    let cast = Cast::of(report);
    match verdict.killer {
        Killer::ContainerMemoryLimit if verdict.level == Level::Nested => {
            format!("killed by a memory limit inside {}{amount}", cast::inside(verdict))
        }
        Killer::ContainerMemoryLimit => {
            format!("killed by {}{amount}", cast.own_limit(verdict))
        }
        Killer::AncestorMemoryLimit => {
            format!("killed by the memory limit of {}{amount}", parent(verdict, &cast))
        }
        Killer::HostOutOfMemory => "killed by the kernel, the host was out of memory".to_owned(),
        Killer::NumaOutOfMemory => {
            "killed by the kernel, its NUMA nodes were out of memory".to_owned()
        }
        Killer::OutOfMemory => "killed by the kernel, out of memory at an unknown level".to_owned(),
        Killer::OomDaemon => {
            let name = killer_name(verdict);
            format!("killed by {}", name.as_deref().unwrap_or("an out-of-memory daemon"))
        }
        Killer::Eviction => "evicted by the kubelet".to_owned(),
        Killer::StopTimeout => "stopped by request, SIGKILL after the grace period".to_owned(),
        Killer::Stopped => "stopped by request".to_owned(),
        Killer::ApiKill => "killed by request".to_owned(),
        Killer::FailedProbe => "killed after a failed health check".to_owned(),
        Killer::Process => {
            let name = killer_name(verdict).map(|name| format!(": {name}"));
            format!("killed by {}{}", another(verdict), name.unwrap_or_default())
        }
        Killer::ResourceLimit => "killed by the kernel at a resource limit".to_owned(),
        Killer::Runtime => "ended by the runtime's clean-up".to_owned(),
        Killer::Crash => match verdict.main.signal {
            Some(number) => format!("crashed with {}", signal_name(number)),
            None => "crashed".to_owned(),
        },
        Killer::NotKilled => {
            match verdict.main.exit_code.filter(|_| verdict.main.exit_code_trusted) {
                Some(code) if could_not_start(verdict) => {
                    format!("could not start, exit code {code}")
                }
                Some(code) => format!("ended by itself with exit code {code}"),
                None => "ended by itself".to_owned(),
            }
        }
        Killer::StillAlive if nothing_died(verdict) => "never started".to_owned(),
        Killer::StillAlive if verdict.level == Level::None => "alive".to_owned(),
        Killer::StillAlive => format!("alive, stalled at a memory limit{amount}"),
        Killer::Unknown => "not decided".to_owned(),
    }
}

/// Memory as the page shows it: `62.9 MiB`.
pub(crate) fn amount_kb(kilobytes: u64) -> String {
    Bytes::from_kib(kilobytes).map_or_else(|| format!("{kilobytes} kB"), |bytes| bytes.to_string())
}

/// A quote as it is read aloud: without /dev/kmsg's `level,number,microseconds,flags;` before the
/// kernel's words, a journal record of `-o json` by its speaker and message, and a JSON document's
/// indentation as one space. The exact bytes stand in the JSON answer and in the case.
pub fn readable(quote: &str, source: Option<Source>) -> String {
    let quote = quote.trim();
    if let Some(words) = journal_words(quote) {
        return words;
    }
    let words = match (source, quote.split_once(';')) {
        (Some(Source::KernelLog), Some((head, words)))
            if head.split(',').take(3).all(|field| field.parse::<u64>().is_ok()) =>
        {
            words
        }
        (_, _) => quote,
    };
    if !words.contains('\n') {
        return words.to_owned();
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `systemd: own.service: Main process exited, …` of a record whose fields stand in any order.
fn journal_words(quote: &str) -> Option<String> {
    if !quote.starts_with('{') || !quote.contains("\"__REALTIME_TIMESTAMP\"") {
        return None;
    }
    let record: serde_json::Value = serde_json::from_str(quote).ok()?;
    let word = |key: &str| record.get(key).and_then(serde_json::Value::as_str);
    let message = word("MESSAGE")?;
    let speaker = word("SYSLOG_IDENTIFIER").or_else(|| word("_COMM"));
    let speaker = speaker.map_or_else(String::new, |name| format!("{name}: "));
    Some(format!("{speaker}{message}").split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The rivals that one reason rules out, together, so that the reason is said once.
pub(crate) fn rivals_by_reason(report: &Report) -> Vec<(Vec<&'static str>, &str)> {
    let mut rows: Vec<(Vec<&'static str>, &str)> = Vec::new();
    for rival in &report.verdict.ruled_out {
        let name = labels::killer_title(rival.killer);
        match rows.iter_mut().find(|(_, because)| *because == rival.because) {
            Some((names, _)) => names.push(name),
            None => rows.push((vec![name], &rival.because)),
        }
    }
    rows
}
