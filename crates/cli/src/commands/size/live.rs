//! What runs now: watched for a while, its runtime recognised, its limit read.

use std::process::ExitCode;

use casefile::Bytes;

use super::{SizeArgs, Sized, WATCHED, asked, can_be_kept, exit, gate, json, least, page};
use crate::commands::align::pair::{self, Pair};
use crate::commands::format::Format;
use crate::commands::{daemon, explain, measure};
use crate::flags::DaemonArgs;
use crate::printer::Printer;

/// Watches, and sizes by what was seen.
pub(super) fn run(printer: &Printer, arguments: &SizeArgs) -> anyhow::Result<ExitCode> {
    let mut watch = arguments.watch.clone();
    if watch.at_most.is_none() && watch.load.is_empty() {
        watch.at_most = Some(WATCHED);
    }
    let seen = measure::watch(printer, &watch, "watching")?;
    measure::keep(&seen, &watch)?;
    let series = measure::series_of(&seen.name(), &seen.looks);
    let mut asked = asked(arguments, &series)?;
    let limit_now = asked.limit.or_else(|| series.limit());
    let pair_at = |limit: Option<f64>| -> Option<Pair> {
        let limit = limit.map(|limit| Bytes(limit as u64));
        pair::running(printer, &watch.daemon, (watch.what.as_deref(), watch.pid), limit).ok()
    };
    let now = limit_now.and_then(|_| pair_at(asked.limit));
    if let Some(now) = now.as_ref().filter(|now| can_be_kept(now)) {
        asked.runtime = gate(now);
    }
    asked.alone = limit_now.is_none() && watch.what.is_some() && is_alone(printer, &watch.daemon);
    let mut size = sizing::size::size(&series, &asked);
    if let (Some(now), Some(limit)) = (&now, size.limit)
        && let Some(least) = least(&now.at(Bytes(limit as u64)), limit)
    {
        asked.least = Some(least);
        size = sizing::size::size(&series, &asked);
    }
    // What runs is looked at once: the same look serves another limit.
    let pair = size.limit.and_then(|limit| match &now {
        Some(now) => Some(now.at(Bytes(limit as u64))),
        None => pair_at(Some(limit)),
    });
    let sized = Sized { series, limit_now, size, pair };
    let text = match watch.format {
        Format::Text => page::page(&sized, printer.page(false).width),
        Format::Json => json::line(&sized),
    };
    printer.answer(&text)?;
    Ok(exit(&sized.size))
}

/// Whether no other container runs here.
pub(in crate::commands) fn is_alone(printer: &Printer, asked: &DaemonArgs) -> bool {
    let Ok(now) = explain::now() else { return false };
    let wanted = daemon::wanted(asked, String::new(), now);
    let all = evidence::live::running_containers(&wanted, &mut |doing| printer.progress(doing));
    all.is_ok_and(|all| all.len() == 1)
}
