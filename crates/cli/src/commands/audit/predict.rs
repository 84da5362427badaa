//! `why137 audit --predict RUNTIME@VERSION`: a process that does not run yet, in a container with a limit.

use std::process::ExitCode;

use ::audit::{Audit, Process};
use anyhow::Context;

use super::{AuditArgs, Format};
use crate::commands::imagined;
use crate::printer::Printer;

/// Answers.
pub(super) fn run(
    printer: &Printer,
    arguments: &AuditArgs,
    asked: &str,
) -> anyhow::Result<ExitCode> {
    let (runtime, version) = imagined::asked(asked, "why137 audit --predict node@22 --limit 512m")?;
    let told = arguments.imagined.told()?;
    let view = arguments.imagined.view(arguments.limit)?;
    let belief = runtime.believes(&version, &view, &told);
    let refuses = belief.refuses.clone();
    let process = Process {
        pid: None,
        comm: None,
        runtime: Some((runtime, version)),
        belief,
        count: arguments.imagined.count,
    };
    let mut audit = ::audit::of(arguments.limit, None, &[process]);
    audit.remarks.extend(refuses.clone());
    let text = match arguments.format {
        Format::Json => {
            serde_json::to_string_pretty(&audit).context("could not write JSON")? + "\n"
        }
        Format::Text => page(&audit),
    };
    printer.answer(&text)?;
    let bad = refuses.is_some() || super::is_bad(audit.fits);
    Ok(ExitCode::from(u8::from(bad)))
}

/// The answer for a person.
fn page(audit: &Audit) -> String {
    let limit = audit.limit_bytes.map_or("no limit".to_owned(), |limit| format!("limit {limit}"));
    let mut text = match (audit.fits, audit.may_use_bytes) {
        ("fits", Some(sum)) => format!("Fits: it may use {sum}, {limit}.\n"),
        ("tight", Some(sum)) => format!("Tight: it may come to use {sum}, {limit}.\n"),
        ("cannot-fit", Some(sum)) => format!("Cannot fit: it may use {sum}, {limit}.\n"),
        ("cannot-fit", None) => {
            format!("Cannot fit: what is bounded is already above the {limit}.\n")
        }
        ("unlimited", Some(sum)) => {
            format!("Unlimited: it may use {sum}, and nothing stops it there.\n")
        }
        ("unlimited", None) => {
            "Unlimited: neither the runtime nor a cgroup bounds it.\n".to_owned()
        }
        (_, _) => format!("Not known: nothing in the runtime bounds what it may use, {limit}.\n"),
    };
    for process in &audit.processes {
        let name = process.runtime.unwrap_or("unknown");
        let version = process.version.as_deref().unwrap_or("");
        text += &format!("\n  {name} {version}");
        if let Some(from) = &process.ceiling_from {
            text += &format!(": {from}");
        }
        if let Some(from) = &process.count_from {
            let processes = if process.count == 1 { "process" } else { "processes" };
            text += &format!("; {} {processes} ({from})", process.count);
        }
        if let Some(cpus) = process.cpus {
            text +=
                &format!("; sizes its pools for {cpus} {}", if cpus == 1 { "CPU" } else { "CPUs" });
        }
        text += "\n";
    }
    if !audit.sum.is_empty() {
        text += "\n";
    }
    for term in &audit.sum {
        text += &format!("  {:>10}  {} ({})\n", term.bytes.to_string(), term.what, term.from);
    }
    if let Some(sum) = audit.may_use_bytes {
        text += &format!("  {:>10}  together\n", sum.to_string());
    }
    for remark in &audit.remarks {
        text += &format!("\n  ! {remark}\n");
    }
    text
}
