//! User-space OOM daemons (earlyoom, oomd, nohang; systemd's is read with systemd) and programs
//! that report an OOM counter (Slurm, Nomad).
//!
//! A line that only measures (`low memory!`, `Considered 21 cgroups`, a dry run) is no kill.

use casefile::Bytes;
use settings::quantity::{Dialect, parse as parse_amount};

use super::said::{Said, between, number_after};
use crate::record::{DaemonLine, OomDaemon};

/// What earlier lines said of the kill that a later line reports.
#[derive(Default)]
pub(super) struct Memory {
    /// earlyoom's `low memory! …`.
    low: Option<String>,
    /// nohang's chosen process.
    victim: Option<(u32, Option<String>)>,
}

pub(super) fn read(said: &Said, memory: &mut Memory) -> Option<DaemonLine> {
    let message = said.message.trim_start_matches("[ OK ]").trim_start();
    earlyoom(said, message, memory)
        .or_else(|| facebook(said, message))
        .or_else(|| nohang(said, message, memory))
        .or_else(|| counted(said, message))
}

/// earlyoom with `--dryrun`: the signal it has announced on the line before was not sent.
pub(super) fn is_dry(words: &str, writer: &str) -> bool {
    words.starts_with("dryrun") && (writer.is_empty() || writer.contains("earlyoom"))
}

/// A kill by one daemon of one process.
#[derive(Default)]
struct Kill {
    pid: Option<u32>,
    comm: Option<String>,
    uid: Option<u32>,
    signal: Option<i32>,
    unit: Option<String>,
    reason: Option<String>,
    rss: Option<Bytes>,
}

impl Kill {
    fn by(self, daemon: OomDaemon) -> DaemonLine {
        let Self { pid, comm, uid, signal, unit, reason, rss } = self;
        DaemonLine::OomDaemonKill { daemon, pid, comm, uid, signal, unit, reason, rss }
    }
}

fn signal_number(name: &str) -> Option<i32> {
    match name {
        "SIGTERM" => Some(15),
        "SIGKILL" => Some(9),
        _ => None,
    }
}

fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number).ok()
}

fn earlyoom(said: &Said, message: &str, memory: &mut Memory) -> Option<DaemonLine> {
    if !said.may_be(&["earlyoom"]) {
        return None;
    }
    if message.starts_with("low memory!") || message.starts_with("Out of memory! avail") {
        memory.low = Some(message.to_owned());
        return None;
    }
    // `sending SIGTERM to process 1639069 uid 991 "rustc": oom_score 1331, …`
    let (signal, rest) = match message.strip_prefix("sending ") {
        Some(rest) => {
            let (signal, rest) = rest.split_once(" to process ")?;
            (signal_number(signal)?, rest)
        }
        // 1.0: `Killing process 4711 (chrome)`; only known by its writer or the line before.
        None => {
            let rest = message.strip_prefix("Killing process ")?;
            (said.is(&["earlyoom"]) || memory.low.is_some()).then_some(())?;
            (9, rest)
        }
    };
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (pid, rest) = rest.split_at_checked(digits)?;
    let comm = match rest.split_once('"') {
        // A name may hold a quote: the one before the colon closes it.
        Some((_, inner)) => inner.split_once("\": ").or_else(|| inner.rsplit_once('"')),
        None => between(rest, "(", ")").map(|name| (name, "")),
    };
    let rss =
        between(rest, "VmRSS ", ",").or_else(|| rest.split_once("VmRSS ").map(|(_, rest)| rest));
    let reason = memory.low.take().or_else(|| {
        rest.split_once("\": ")
            .map(|(_, reason)| reason.split(", cmdline").next().unwrap_or(reason).to_owned())
    });
    Some(
        Kill {
            pid: Some(pid.parse().ok()?),
            comm: comm
                .map(|(name, _)| name.to_owned())
                .or_else(|| rest.split_whitespace().next().map(str::to_owned)),
            uid: number_after(rest, " uid ").and_then(narrow),
            signal: Some(signal),
            reason,
            rss: rss.and_then(|rss| parse_amount(rss.trim_end_matches('.'), Dialect::Human)),
            unit: None,
        }
        .by(OomDaemon::Earlyoom),
    )
}

/// `oomd kill: 58.10 39.42 15.30 system.slice/x.service 123456 ruleset:[…] detectorgroup:[…] …`
fn facebook(said: &Said, message: &str) -> Option<DaemonLine> {
    // Its own log puts `[../src/oomd/Log.cpp:119] ` before what it writes to /dev/kmsg.
    let plain = message.strip_prefix('[').and_then(|rest| {
        let (place, words) = rest.split_once("] ")?;
        place.contains(".cpp:").then_some(words)
    });
    let message = plain.unwrap_or(message);
    let whole = message.strip_prefix("oomd kill: ").filter(|_| said.may_be(&["oomd"]))?;
    if whole.contains("(dry)") {
        return None;
    }
    let mut words = whole.split_whitespace().skip_while(|word| word.parse::<f64>().is_ok());
    let unit = words.next()?;
    let rss = words.next().and_then(|bytes| bytes.parse().ok()).map(Bytes);
    let reason = whole.split_once("ruleset:").map(|(_, rest)| format!("ruleset:{rest}"));
    Some(
        Kill { signal: Some(9), unit: Some(unit.to_owned()), reason, rss, ..Kill::default() }
            .by(OomDaemon::Oomd),
    )
}

fn nohang(said: &Said, message: &str, memory: &mut Memory) -> Option<DaemonLine> {
    if !said.may_be(&["nohang", "python"]) {
        return None;
    }
    // `PID: 4711, Name: stress, badness: 950` and its siblings.
    let named = message.starts_with("PID: ") || message.contains("highest badness");
    if let Some(pid) = number_after(message, "PID: ").and_then(narrow).filter(|_| named) {
        let name = message
            .split_once("Name: ")
            .or_else(|| message.split_once("name: "))
            .map(|(_, rest)| rest.split(',').next().unwrap_or(rest));
        memory.victim = Some((pid, name.map(|name| name.trim().to_owned())));
        return None;
    }
    let words = message.strip_prefix("Implementing a corrective action:").unwrap_or(message).trim();
    let rest = words.strip_prefix("Sending ")?;
    let (signal, target) = rest.split_once(" to ")?;
    let signal = signal_number(signal)?;
    let the_victim = target.starts_with("the victim") || target.starts_with("victim");
    let ok = said.message.starts_with("[ OK ]");
    (the_victim || ok || said.is(&["nohang"])).then_some(())?;
    let (pid, comm) = match memory.victim.clone().filter(|_| the_victim) {
        Some((pid, comm)) => (Some(pid), comm),
        None => {
            let named = number_after(target, "pid ").or_else(|| number_after(target, "PID "));
            let name = target.split([',', ';', ' ']).next().filter(|_| !the_victim);
            (named.and_then(narrow), name.map(str::to_owned))
        }
    };
    Some(Kill { pid, comm, signal: Some(signal), ..Kill::default() }.by(OomDaemon::Nohang))
}

/// `Detected 1 oom_kill event in StepId=4711.batch.`
fn counted(said: &Said, message: &str) -> Option<DaemonLine> {
    let slurm = ["slurm", "srun"];
    let mut by = None;
    let detected = message.split_once("Detected ").map(|(_, rest)| rest);
    let is_count = |rest: &&str| {
        let words = rest.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        ["oom_kill event", "oom-kill event", "oom kill event"]
            .iter()
            .any(|form| words.starts_with(form))
    };
    let mut count = None;
    if detected.filter(is_count).is_some() && said.may_be(&slurm) {
        by = Some("slurm");
        count = number_after(message, "Detected ");
    } else if (is_sacct_row(message) && said.may_be(&slurm))
        || (message.ends_with(": Out Of Memory")
            && (said.is(&slurm) || message.starts_with("srun: error: ")))
    {
        by = Some("slurm");
    } else if message.contains("Exit Message: \"OOM Killed\"") && said.may_be(&["nomad"]) {
        by = Some("nomad");
    }
    by.map(|by| DaemonLine::OomCounted { by: by.to_owned(), count })
}

/// A row of `sacct` or `seff`: `88123.batch  batch  OUT_OF_ME+  0:125`. 125 is Slurm's own code.
fn is_sacct_row(message: &str) -> bool {
    let mut words = message.split_whitespace();
    let job = words.next().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let state = |word: &str| {
        word == "OUT_OF_MEMORY" || (word.starts_with("OUT_OF_") && word.ends_with('+'))
    };
    job && words.any(state)
}
