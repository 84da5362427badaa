//! The answer as a page: the limit, the sum behind it, the chance at it and beside it, what to set.

use report::escape::terminal;
use sizing::size::Size;
use sizing::words::{amount, span};

use super::Sized;
use crate::commands::audit::page::Lines;

/// Of several series each is one line.
pub(super) fn line(sized: &Sized) -> String {
    let Sized { series, size, .. } = sized;
    let shown =
        size.limit.map_or_else(|| "no limit".to_owned(), |limit| amount(limit, series.unit));
    let chance = size.limit.and_then(|limit| chance_at(size, limit));
    let chance = chance.map(|chance| format!("  {} a day", percent(chance))).unwrap_or_default();
    let because = size.blocked_because.as_ref().map(|why| format!("  {why}")).unwrap_or_default();
    let text = format!("{}  {shown}  {}{chance}{because}", series.name, size.shape.kind.word());
    format!("{}\n", terminal(&text))
}

/// The only answer.
pub(super) fn page(sized: &Sized, width: usize) -> String {
    let Sized { series, size, pair, .. } = sized;
    let mut out = Lines::of_width(width);
    out.wrapped("", &headline(sized));
    out.gap();
    let shape = &size.shape;
    out.wrapped(
        "",
        &format!(
            "Shape: {} ({}), by {} sample{} over {}",
            shape.kind.word(),
            shape.confidence.word(),
            shape.samples,
            if shape.samples == 1 { "" } else { "s" },
            span(shape.span_seconds)
        ),
    );
    for finding in &shape.says {
        out.wrapped("  ", &finding.says);
    }
    if size.censored {
        out.wrapped(
            "  ",
            "it met its limit: what it wanted is more than what was seen, nobody knows how much",
        );
    }
    if let Some(request) = size.request {
        let request = amount(request, series.unit);
        out.wrapped("  ", &format!("as a request: {request}, the level it stays at"));
    }
    for says in &size.says {
        out.wrapped("  ", says);
    }
    sum(&mut out, sized);
    chances(&mut out, sized);
    if let Some(pair) = pair {
        out.gap();
        out.plain("Beside the limit");
        out.wrapped("  ", &pair.headline());
        for setting in pair.settings() {
            out.plain(&format!("  {}", terminal(&setting)));
        }
    }
    out.into_text()
}

fn headline(sized: &Sized) -> String {
    let Sized { series, size, limit_now, .. } = sized;
    let (name, shown) = (&series.name, |value: f64| amount(value, series.unit));
    match (size.limit, limit_now, &size.blocked_because) {
        (Some(limit), Some(now), _) if limit > *now => {
            format!("{name}: raise the limit from {} to {}.", shown(*now), shown(limit))
        }
        (Some(limit), Some(now), _) if limit >= *now => {
            format!("{name}: keep the limit of {}.", shown(limit))
        }
        (Some(limit), Some(now), _) => {
            format!("{name}: {} is enough of the {} it has.", shown(limit), shown(*now))
        }
        (Some(limit), None, _) => format!("{name}: a limit of {}.", shown(limit)),
        (None, _, Some(because)) => format!("{name}: no limit is advised: {because}."),
        (None, _, None) => format!("{name}: it held nothing, so there is nothing to size."),
    }
}

fn sum(out: &mut Lines, sized: &Sized) {
    let Sized { series, size, .. } = sized;
    if size.steps.is_empty() {
        return;
    }
    let what = if size.limit.is_some() { "The sum" } else { "What it would need" };
    out.gap();
    out.plain(what);
    for (at, step) in size.steps.iter().enumerate() {
        let sign = match (at, step.bytes < 0.0) {
            (0, _) => ' ',
            (_, true) => '-',
            (_, false) => '+',
        };
        let bytes = amount(step.bytes.abs(), series.unit);
        out.wrapped(&format!("  {sign} {bytes:>10}  "), &format!("{} ({})", step.what, step.from));
    }
    let all: f64 = size.steps.iter().map(|step| step.bytes).sum();
    out.plain(&format!("  = {:>10}", amount(all, series.unit)));
}

fn chances(out: &mut Lines, sized: &Sized) {
    let Sized { series, size, limit_now, .. } = sized;
    if size.risk.is_empty() {
        return;
    }
    out.gap();
    let which = if size.censored { "another" } else { "a" };
    out.plain(&format!("Chance of {which} kill within a day"));
    for risk in &size.risk {
        let which = match () {
            () if Some(risk.limit_bytes) == size.limit => "  this limit",
            () if Some(risk.limit_bytes) == *limit_now => "  the limit now",
            () => "",
        };
        let limit = amount(risk.limit_bytes, series.unit);
        out.plain(&format!("    {limit:>10}  {:>7}{which}", percent(risk.oom_per_day)));
    }
}

fn chance_at(size: &Size, limit: f64) -> Option<f64> {
    size.risk.iter().find(|risk| risk.limit_bytes == limit).map(|risk| risk.oom_per_day)
}

fn percent(chance: f64) -> String {
    match chance * 100.0 {
        percent if percent < 0.1 => "< 0.1 %".to_owned(),
        percent if percent < 9.95 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}
