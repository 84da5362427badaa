//! What runs now: watched for a while, its runtime recognised, its limit read.

use std::process::ExitCode;

use casefile::Bytes;
use sizing::Unit;

use super::{SizeArgs, Sized, WATCHED, asked, exit, gate, json, page};
use crate::commands::align::pair::{self, Pair};
use crate::commands::measure::{self, Format};
use crate::commands::{daemon, explain};
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
    if limit_now.is_some()
        && let Some(pair) = pair_at(asked.limit)
    {
        asked.runtime = gate(&pair);
    }
    asked.alone = limit_now.is_none() && watch.what.is_some() && is_alone(printer, &watch.daemon);
    let size = sizing::size::size(&series, &asked);
    let pair =
        size.limit.filter(|_| series.unit == Unit::Bytes).and_then(|limit| pair_at(Some(limit)));
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
