//! Platforms' words about memory: Lambda, Cloud Run, App Engine, Heroku, YARN, Render, Cloud
//! Foundry, Fly, Nomad, Mesos, Bitbucket.
//!
//! A platform's "exceeded" is its own measurement, not the kernel's report; a `REPORT` line is
//! printed after every invocation and alone tells of no death.

use casefile::{Bytes, Limit};
use settings::quantity::Dialect;

use super::words::{after, amount, begins_any, between, has_any};
use crate::record::Application;

/// Reads one line.
pub(super) fn read(line: &str) -> Option<Application> {
    lambda(line)
        .or_else(|| google(line))
        .or_else(|| heroku(line))
        .or_else(|| yarn(line))
        .or_else(|| mesos(line))
        .or_else(|| others(line))
}

fn platform(
    name: &str,
    limit: Option<Bytes>,
    usage: Option<Bytes>,
    killed_for_memory: bool,
) -> Option<Application> {
    Some(Application::Platform {
        name: name.to_owned(),
        limit: limit.map(Limit::At),
        usage,
        killed_for_memory,
    })
}

/// Lambda's `MB` are MiB: a 128 MB function has 134,217,728 bytes.
fn lambda(line: &str) -> Option<Application> {
    let size = || after(line, "Memory Size:").and_then(|rest| amount(rest, Dialect::Binary));
    let used = || after(line, "Max Memory Used:").and_then(|rest| amount(rest, Dialect::Binary));
    if line.contains("Max Memory Used:") {
        let out = line.contains("Runtime.OutOfMemory");
        return platform("lambda", size(), used(), out);
    }
    if line.contains("Runtime.OutOfMemory") {
        return platform("lambda", None, None, true);
    }
    if has_any(line, &["Runtime exited with error: signal: killed"]) {
        return platform("lambda", None, None, false);
    }
    None
}

fn google(line: &str) -> Option<Application> {
    for start in
        ["Memory limit of ", "Exceeded soft memory limit of ", "Exceeded hard memory limit of "]
    {
        let Some(rest) = after(line, start) else { continue };
        // App Engine's and Cloud Functions' `256M` and `256 MB` are MiB, as is Cloud Run's `MiB`.
        let usage = after(rest, " with ").and_then(|rest| amount(rest, Dialect::Binary));
        if rest.contains("exceeded with") || start.starts_with("Exceeded") {
            let name = if start.starts_with("Exceeded") { "app-engine" } else { "cloud-run" };
            return platform(name, amount(rest, Dialect::Binary), usage, true);
        }
    }
    if line.contains("was found to be using too much memory and was terminated")
        || begins_any(line, &["Function invocation was interrupted. Error: memory limit exceeded"])
            .is_some()
    {
        return platform("google-cloud", None, None, true);
    }
    None
}

fn heroku(line: &str) -> Option<Application> {
    if let Some(rest) = after(line, "Process running mem=") {
        return platform("heroku", None, amount(rest, Dialect::Binary), false);
    }
    if line.contains("Error R14 (Memory quota exceeded)") {
        return platform("heroku", None, None, false);
    }
    if line.contains("Error R15 (Memory quota vastly exceeded)") {
        return platform("heroku", None, None, true);
    }
    None
}

/// YARN and Mesos print `GB` and mean GiB (`TraditionalBinaryPrefix`).
fn yarn(line: &str) -> Option<Application> {
    if let Some(rest) = after(line, "Container killed by YARN for exceeding") {
        let numbers = rest.split_once("limits.").or_else(|| rest.split_once("limit."));
        let (usage, limit) = numbers.map(|(_, rest)| of_pair(rest)).unwrap_or_default();
        return platform("yarn", limit, usage, true);
    }
    if line.contains("is running beyond physical memory limits")
        || line.contains("is running beyond virtual memory limits")
        || line.contains("beyond the 'PHYSICAL' memory limit")
    {
        let numbers = after(line, "Current usage:").map(of_pair).unwrap_or_default();
        return platform("yarn", numbers.1, numbers.0, true);
    }
    None
}

/// `5.5 GB of 5.5 GB`: usage and limit.
fn of_pair(text: &str) -> (Option<Bytes>, Option<Bytes>) {
    let limit = after(text, " of ").and_then(|rest| amount(rest, Dialect::Binary));
    (amount(text, Dialect::Binary), limit)
}

/// Mesos: `Memory limit exceeded: Requested: 160MB Maximum Used: 160MB`
fn mesos(line: &str) -> Option<Application> {
    let rest = after(line, "Memory limit exceeded: Requested: ")?;
    let usage = after(rest, "Maximum Used: ").and_then(|rest| amount(rest, Dialect::Binary));
    platform("mesos", amount(rest, Dialect::Binary), usage, true)
}

fn others(line: &str) -> Option<Application> {
    if let Some(limit) = between(line, "Ran out of memory (used over ", ")") {
        return platform("render", amount(limit, Dialect::Human), None, true);
    }
    if line.contains("Exited with status 137 (out of memory)")
        || line.contains("CRASHED (out of memory)")
        || line.contains("Exit status 137 (out of memory)")
    {
        return platform("cloud-foundry", None, None, true);
    }
    // Bitbucket Pipelines names the step's container.
    if between(line, "Container '", "' exceeded memory limit.").is_some() {
        return platform("bitbucket", None, None, true);
    }
    if line.contains("Process appears to have been OOM killed") {
        return platform("fly", None, None, true);
    }
    // In its API's JSON the quotes are escaped.
    let nomad =
        ["Exit Message: \"OOM Killed\"", "Exit Message: \\\"OOM Killed\\\"", "OOM Killed (137)"];
    if has_any(line, &nomad) {
        return platform("nomad", None, None, true);
    }
    None
}
