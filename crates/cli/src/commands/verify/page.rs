//! The page for a person: the verdict, why, and both stretches beside each other.

use sizing::verify::{Judged, Verdict, Watched, limits};

use crate::commands::audit::page::Lines;
use crate::commands::measure::{Seen, WatchArgs, bytes, load_text, shown_time as time};

/// The whole page.
pub(super) fn page(
    seen: &Seen,
    before: Option<&Watched>,
    after: &Watched,
    judged: &Judged,
    watch: &WatchArgs,
    width: usize,
) -> String {
    let mut out = Lines::of_width(width);
    let first = judged.because.first().cloned().unwrap_or_default();
    out.wrapped("", &format!("{}: {}: {first}.", seen.name(), judged.verdict.says()));
    for more in judged.because.iter().skip(1) {
        out.wrapped("  ", more);
    }
    out.gap();
    out.rows(&compared(before, after));
    if let Some(load) = load_text(seen, after) {
        out.gap();
        out.rows(&[("load".to_owned(), load)]);
    }
    if !judged.not_known.is_empty() {
        out.gap();
        out.plain("Not compared");
        for part in &judged.not_known {
            out.wrapped("  ", part);
        }
    }
    let next = next(judged, watch);
    if !next.is_empty() {
        out.gap();
        out.plain("Next");
        for (command, why) in &next {
            out.plain(&format!("  {}", report::escape::terminal(command)));
            out.wrapped("      ", why);
        }
    }
    out.into_text()
}

/// Each figure that both or one of them have.
fn compared(before: Option<&Watched>, after: &Watched) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut row = |label: &str, field: &dyn Fn(&Watched) -> Option<String>| {
        let now = field(after);
        let then = before.and_then(field);
        let text = match (then, now) {
            (Some(then), Some(now)) => format!("{then}  →  {now}"),
            (None, Some(now)) if before.is_some() => format!("?  →  {now}"),
            (None, Some(now)) => now,
            (Some(then), None) => format!("{then}  →  ?"),
            (None, None) => return,
        };
        rows.push((label.to_owned(), text));
    };
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    row("watched", &|it| Some(time(it.span_s)));
    row("limit", &|it| it.limit_bytes.map(bytes));
    row("kills", &|it| it.kills.map(|kills| format!("{kills:.0}")));
    row("lives", &|it| (it.lives > 1).then(|| it.lives.to_string()));
    row("peak needed", &|it| it.peak_mem_bytes.map(bytes));
    row("free at worst", &|it| it.headroom().map(|free| percent(free.max(0.0))));
    row("limit hit", &|it| it.limit_hits.map(|hits| format!("{hits:.0} times")));
    row("some waited", &|it| it.stalled_some.map(percent));
    row("all waited", &|it| it.stalled_full.map(percent));
    row("read again", &|it| {
        let pages = it.refaults_file_per_s? + it.refaults_anon_per_s?;
        Some(format!("{pages:.0} pages/s"))
    });
    row("taken back", &|it| it.reclaimed_per_s.map(|pages| format!("{pages:.0} pages/s")));
    row("processors", &|it| it.cpus.map(|cpus| format!("{cpus:.2}")));
    row("per request", &|it| {
        it.cpu_ms_per_request.map(|each| format!("{each:.2} ms of processor time"))
    });
    row("collections", &|it| it.gc_share.map(percent));
    row("requests", &|it| it.requests_per_s.map(|rate| format!("{rate:.1}/s")));
    row("latency, half", &|it| it.latency_p50_ms.map(|ms| format!("{ms:.1} ms")));
    row("latency, 99 %", &|it| it.latency_p99_ms.map(|ms| format!("{ms:.1} ms")));
    rows
}

fn next(judged: &Judged, watch: &WatchArgs) -> Vec<(String, String)> {
    let asked = watch.asked();
    match judged.verdict {
        Verdict::Holds => Vec::new(),
        Verdict::DoesNotHold => {
            vec![(
                format!("why137 explain {asked}"),
                "how it ended, and what to change first".to_owned(),
            )]
        }
        Verdict::MovedTheCost => vec![(
            format!("why137 align {asked}"),
            "limit and ceiling as a pair: a ceiling that is too low is paid for with collections"
                .to_owned(),
        )],
        Verdict::TooEarly => {
            let least = limits::LEAST_SPAN;
            let why = format!("under load, for {least:.0} s at least");
            vec![(format!("why137 verify {asked} --for 5m -- LOAD"), why)]
        }
    }
}
