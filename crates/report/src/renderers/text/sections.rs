//! The sections below the first sentence, in the order of the page. Each gives its lines, or none.

use anstyle::Style;
use judge::verdict::{Confidence, Killer};

use super::{Line, Page};
use crate::renderers::quiet;
use crate::{Evidence, Report, escape, layout, words};

/// From so many columns on, a quote is shown on one line; a narrower page gives it two.
const ROOMY: usize = 80;
/// How many other deaths are listed before the rest is counted.
const LISTED_FINDINGS: usize = 8;

/// Every section, empty ones too.
pub(super) fn all(report: &Report, page: Page) -> Vec<Vec<Line>> {
    vec![
        facts(report, page),
        contradictions(report, page),
        evidence(report, page),
        ruled_out(report, page),
        candidates(report, page),
        would_settle(report, page),
        findings(report, page),
        gaps(report, page),
        remedies(report, page),
    ]
}

fn title(text: &str) -> Line {
    Line::styled(text.to_owned(), Style::new().bold())
}

/// A titled table, or nothing for an empty one.
fn table(name: &str, rows: &[(String, String)], page: Page) -> Vec<Line> {
    if rows.is_empty() {
        return Vec::new();
    }
    let lines = layout::rows(2, 3, rows, page.width).into_iter().map(Line::plain);
    std::iter::once(title(name)).chain(lines).collect()
}

fn facts(report: &Report, page: Page) -> Vec<Line> {
    let rows: Vec<(String, String)> = words::facts(report)
        .into_iter()
        .map(|fact| (fact.label.to_owned(), escape::terminal(&fact.text)))
        .collect();
    layout::rows(2, 3, &rows, page.width).into_iter().map(Line::plain).collect()
}

fn contradictions(report: &Report, page: Page) -> Vec<Line> {
    report
        .verdict
        .contradictions
        .iter()
        .flat_map(|sentence| indented(&escape::terminal(sentence), 2, page))
        .collect()
}

/// A paragraph, moved to the right.
fn indented(text: &str, indent: usize, page: Page) -> Vec<Line> {
    let lead = " ".repeat(indent);
    layout::wrap(text, page.width.saturating_sub(indent))
        .into_iter()
        .map(|line| Line::plain(format!("{lead}{line}")))
        .collect()
}

fn evidence(report: &Report, page: Page) -> Vec<Line> {
    if report.evidence.is_empty() {
        return Vec::new();
    }
    let titles: Vec<String> = report.evidence.iter().map(|one| source_title(one, page)).collect();
    let column = titles.iter().map(|name| layout::width(name)).max().unwrap_or(0);
    let digits = report.evidence.len().to_string().len();
    let mut lines = vec![title("Evidence")];
    let mut before: Option<(&str, Vec<String>)> = None;
    for (one, name) in report.evidence.iter().zip(&titles) {
        let lead = format!("  {:>digits$}  {}", one.number, layout::pad(name, column + 3));
        let shown = excerpt(one, room(&lead, page));
        // Two things that one line says: it is shown once.
        let again = before.as_ref().is_some_and(|(exhibit, last)| {
            *exhibit == one.exhibit && !shown.is_empty() && unmarked(last) == unmarked(&shown)
        });
        lines.extend(one_evidence(one, if again { &[] } else { &shown }, again, &lead, page));
        before = Some((&one.exhibit, shown));
    }
    lines
}

/// The words without the marks on those that decide.
fn unmarked(shown: &[String]) -> String {
    shown.concat().replace([layout::MARK, layout::UNMARK], "")
}

/// The columns right of a number and a source.
fn room(lead: &str, page: Page) -> usize {
    page.width.saturating_sub(layout::width(lead)).max(16)
}

/// What is shown of a quote; nothing where there is none.
fn excerpt(evidence: &Evidence, room: usize) -> Vec<String> {
    let Some(quote) = evidence.quote.as_deref().filter(|quote| !quote.trim().is_empty()) else {
        return Vec::new();
    };
    let decisive = evidence.decisive.as_deref().map(escape::terminal);
    let quote = escape::terminal(&words::readable(quote, evidence.source));
    let lines_allowed = if room < ROOMY { 2 } else { 1 };
    layout::excerpt(&quote, decisive.as_deref(), room, lines_allowed)
}

/// The source's name, not wider than a fifth of the page.
fn source_title(evidence: &Evidence, page: Page) -> String {
    let name = escape::terminal(&evidence.title());
    layout::cut_end(&name, (page.width / 5).max(14))
}

/// The quote, then what it says: on the same line where both fit, else below. `again`: the quote stands above.
fn one_evidence(
    evidence: &Evidence,
    shown: &[String],
    again: bool,
    lead: &str,
    page: Page,
) -> Vec<Line> {
    let room = room(lead, page);
    let below = " ".repeat(layout::width(lead));
    let says = escape::terminal(evidence.says.trim());
    let mut lines = Vec::new();
    if shown.is_empty() {
        let (mark, indent) = if again { ("→ ", "  ") } else { ("", "") };
        let mut first = format!("{lead}{mark}");
        for line in layout::wrap(&says, room.saturating_sub(indent.len())) {
            lines.push(Line::plain(format!("{first}{line}")));
            first = format!("{below}{indent}");
        }
    } else {
        lines.extend(quote_and_says(shown, &says, lead, room));
    }
    with_checks(lines, evidence, &below, page)
}

/// The quote's lines, and what it says: behind a single line that leaves room, else below.
fn quote_and_says(quote: &[String], says: &str, lead: &str, room: usize) -> Vec<Line> {
    let below = " ".repeat(layout::width(lead));
    let arrow = format!("   → {says}");
    if let [only] = quote
        && !says.is_empty()
        && layout::width(only) + layout::width(&arrow) <= room
    {
        return vec![Line::plain(format!("{lead}{only}{arrow}"))];
    }
    let mut lines = Vec::new();
    let mut first = lead.to_owned();
    for line in quote {
        lines.push(Line::plain(format!("{first}{line}")));
        first.clone_from(&below);
    }
    if !says.is_empty() {
        let mut first = format!("{below}→ ");
        for line in layout::wrap(says, room.saturating_sub(2)) {
            lines.push(Line::plain(format!("{first}{line}")));
            first = format!("{below}  ");
        }
    }
    lines
}

/// On a verbose page: where the exhibit was read, and the command to read it by hand.
fn with_checks(mut lines: Vec<Line>, evidence: &Evidence, below: &str, page: Page) -> Vec<Line> {
    if page.verbose {
        let dim = Style::new().dimmed();
        if let Some(label) = evidence.label.as_deref().filter(|label| *label != evidence.title()) {
            let label = escape::terminal(label);
            lines.push(Line::styled(format!("{below}from: {label}"), dim));
        }
        if let Some(check) = &evidence.check {
            // A command to paste stays on one line.
            let check = escape::terminal(check);
            lines.push(Line::styled(format!("{below}check: {check}"), dim));
        }
    }
    lines
}

fn ruled_out(report: &Report, page: Page) -> Vec<Line> {
    let rows: Vec<(String, String)> = words::rivals_by_reason(report)
        .into_iter()
        .map(|(names, because)| (names.join(", "), escape::terminal(because)))
        .collect();
    table("Ruled out", &rows, page)
}

fn candidates(report: &Report, page: Page) -> Vec<Line> {
    let decided = report.verdict.killer != Killer::Unknown;
    let rows: Vec<(String, String)> = report
        .verdict
        .candidates
        .iter()
        .filter(|rival| rival.killer != report.verdict.killer)
        .map(|rival| {
            let name = words::candidate(rival.killer);
            let name = match rival.confidence {
                Confidence::Proven | Confidence::Likely => {
                    format!("{name} ({})", words::grade(rival.confidence))
                }
                Confidence::Possible | Confidence::Unknown => name.to_owned(),
            };
            (name, escape::terminal(&rival.because))
        })
        .collect();
    table(if decided { "Not ruled out" } else { "It can be" }, &rows, page)
}

fn would_settle(report: &Report, page: Page) -> Vec<Line> {
    let wanted = &report.verdict.would_settle_it;
    let column =
        wanted.iter().map(|one| layout::width(&escape::terminal(&one.missing))).max().unwrap_or(0);
    let edge = column + 5;
    let mut lines = Vec::new();
    for one in wanted {
        let missing = escape::terminal(&one.missing);
        let how = escape::terminal(&one.how);
        let one_line = edge + layout::width(&how) <= page.width;
        if one_line {
            lines.push(Line::plain(format!("  {}{how}", layout::pad(&missing, column + 3))));
        } else {
            lines.extend(indented(&missing, 2, page));
            if words::is_command(&how) {
                lines.push(Line::plain(format!("    {how}")));
            } else {
                lines.extend(indented(&how, 4, page));
            }
        }
    }
    match wanted.len() {
        0 => Vec::new(),
        1 => std::iter::once(title("This would settle it")).chain(lines).collect(),
        _ => std::iter::once(title("Any of these would settle it")).chain(lines).collect(),
    }
}

fn findings(report: &Report, page: Page) -> Vec<Line> {
    if report.findings.is_empty() {
        return Vec::new();
    }
    let listed = if page.verbose { usize::MAX } else { LISTED_FINDINGS };
    // The latest are the nearest to the answer.
    let skipped = report.findings.len().saturating_sub(listed);
    let cast = words::Cast::of(report);
    let name = cast.named.then_some(cast.container);
    let mut lines = vec![title("Also seen")];
    if skipped > 0 {
        let all = "all are in --verbose and --format json";
        lines.push(Line::plain(format!("  {skipped} earlier ones; {all}")));
    }
    for finding in report.findings.iter().skip(skipped) {
        let one = quiet::finding(finding, name.as_deref(), Page::WIDEST);
        let mut lead = "  ";
        for line in layout::wrap(&one, page.width.saturating_sub(4)) {
            lines.push(Line::plain(format!("{lead}{line}")));
            lead = "    ";
        }
    }
    lines
}

fn gaps(report: &Report, page: Page) -> Vec<Line> {
    let gaps = &report.verdict.gaps;
    if gaps.is_empty() {
        return Vec::new();
    }
    if page.verbose {
        return gaps_in_full(report, page);
    }
    if report.verdict.confidence == Confidence::Proven
        || report.verdict.killer == Killer::StillAlive
    {
        return Vec::new();
    }
    let mut names: Vec<&str> = Vec::new();
    for gap in gaps {
        if !names.contains(&gap.source.title()) {
            names.push(gap.source.title());
        }
    }
    let text = format!("Not read: {} (--verbose tells why)", names.join(", "));
    layout::wrap(&text, page.width).into_iter().map(Line::plain).collect()
}

fn gaps_in_full(report: &Report, page: Page) -> Vec<Line> {
    let mut lines = vec![title("Not read")];
    for gap in &report.verdict.gaps {
        let head = format!("{}, {}: {}", gap.source.title(), gap.tried, gap.because);
        lines.extend(indented(&escape::terminal(&head), 2, page));
        let tell = format!("would tell: {}", gap.would_tell);
        lines.extend(indented(&escape::terminal(&tell), 4, page));
        if let Some(command) = &gap.open_by {
            lines.push(Line::plain(format!("    open by: {}", escape::terminal(command))));
        }
    }
    lines
}

fn remedies(report: &Report, page: Page) -> Vec<Line> {
    let remedies = &report.verdict.remedies;
    if remedies.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![title("Next")];
    for remedy in remedies {
        // A change may be a piece of a file: its lines stay lines.
        for part in remedy.change.lines() {
            let part = escape::terminal(part.trim_end());
            if part.starts_with(' ') || words::is_command(&part) {
                lines.push(Line::plain(format!("  {part}")));
            } else {
                lines.extend(indented(&part, 2, page));
            }
        }
        let rows: Vec<(String, String)> =
            [("effect", &remedy.effect), ("risk", &remedy.risk), ("undo", &remedy.undo)]
                .into_iter()
                .filter(|(_, text)| !text.trim().is_empty())
                .map(|(label, text)| (label.to_owned(), escape::terminal(text)))
                .collect();
        lines.extend(layout::rows(4, 2, &rows, page.width).into_iter().map(Line::plain));
    }
    lines
}
