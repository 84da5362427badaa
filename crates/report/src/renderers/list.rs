//! Every death of a machine, one line each: when, who, by what, how sure; and the command that
//! explains it. At the end what could not be read, one line each.
//!
//! A death's line is never broken or cut, so that one can search the list; a narrow terminal wraps it
//! by itself. Where a page is too narrow for line and command side by side, every command stands
//! below its line: a list that changes its form from line to line is hard to read.

use anstyle::Style;
use casefile::Gap;
use judge::Verdict;

use crate::renderers::quiet;
use crate::renderers::text::{Line, Page, grade_style, push_line};
use crate::{Report, escape, layout, words};

/// One death and the command that explains it.
#[derive(Debug)]
pub struct Death {
    /// The report on it.
    pub report: Report,
    /// A command to paste, where one leads to it.
    pub command: Option<String>,
}

/// A machine's deaths.
#[derive(Debug)]
pub struct List {
    /// The newest first.
    pub deaths: Vec<Death>,
    /// How many lives and normal ends are left out.
    pub hidden: usize,
    /// What could not be read.
    pub gaps: Vec<Gap>,
}

/// Shown where no time is known; as wide as `2026-05-27 18:42:10 UTC`.
const NO_TIME: &str = "time not known";
const TIME_WIDTH: usize = 23;

/// The list as a page of text, ended by a line break.
pub fn text(list: &List, page: Page) -> String {
    let page = Page { width: page.width.clamp(Page::NARROWEST, Page::WIDEST), ..page };
    let mut lines = vec![Line::styled(head(list), Style::new().bold())];
    if !list.deaths.is_empty() {
        lines.push(Line::plain(String::new()));
        lines.extend(rows(&list.deaths, page));
    }
    if list.hidden > 0 {
        lines.push(Line::plain(String::new()));
        lines.push(Line::plain(hidden(list.hidden)));
    }
    if !list.gaps.is_empty() {
        lines.push(Line::plain(String::new()));
        lines.push(Line::styled("Not read".to_owned(), Style::new().bold()));
        for gap in &list.gaps {
            let words = layout::wrap(&escape::terminal(&gap_words(gap)), page.width - 4);
            let leads = std::iter::once("  ").chain(std::iter::repeat("    "));
            lines.extend(
                words.iter().zip(leads).map(|(line, lead)| Line::plain(format!("{lead}{line}"))),
            );
            lines.extend(
                gap.open_by.as_ref().filter(|_| page.verbose).map(|command| {
                    Line::plain(format!("    open by: {}", escape::terminal(command)))
                }),
            );
        }
    }
    let mut out = String::new();
    for line in &lines {
        push_line(&mut out, line, page.colour);
    }
    out
}

/// The list for a ticket.
pub fn markdown(list: &List) -> String {
    let mut out = format!("**{}**\n", head(list));
    if !list.deaths.is_empty() {
        out.push('\n');
    }
    for death in &list.deaths {
        let grade = words::grade(death.report.verdict.confidence);
        let line = format!("{}  {} — {grade}", when(&death.report.verdict), said(&death.report));
        out.push_str(&format!("- {}", escape::markdown(&line)));
        if let Some(command) = &death.command {
            let (fence, lines) = escape::markdown_fence(command);
            let tick = fence.get(..1).unwrap_or("`");
            out.push_str(&format!(": {tick}{}{tick}", lines.join(" ")));
        }
        out.push('\n');
    }
    if list.hidden > 0 {
        out.push_str(&format!("\n{}\n", escape::markdown(&hidden(list.hidden))));
    }
    if !list.gaps.is_empty() {
        out.push_str("\nNot read:\n\n");
        for gap in &list.gaps {
            out.push_str(&format!("- {}\n", escape::markdown(&gap_words(gap))));
        }
    }
    out
}

fn head(list: &List) -> String {
    let lives = list.deaths.iter().any(|death| !judge::is_death(&death.report.verdict));
    match list.deaths.len() {
        many if lives => format!("{many} lives and deaths on this machine, newest first."),
        0 => "Nothing died here, as far as the evidence reaches.".to_owned(),
        1 => "One death that this machine still has evidence of.".to_owned(),
        many => format!("{many} deaths that this machine still has evidence of, newest first."),
    }
}

fn hidden(count: usize) -> String {
    let (who, are) = if count == 1 { ("one more lives", "is") } else { ("more live", "are") };
    let number = if count == 1 { String::new() } else { format!("{count} ") };
    format!("{number}{who} or ended well and {are} not listed: why137 list --all")
}

/// `journal, journalctl …: why it was not read`
fn gap_words(gap: &Gap) -> String {
    let tried: String = gap.tried.chars().take(60).collect();
    let cut = if tried.len() < gap.tried.len() { "…" } else { "" };
    format!("{}, {tried}{cut}: {}", gap.source.title(), gap.because)
}

fn when(verdict: &Verdict) -> String {
    words::when_short(verdict).unwrap_or_else(|| NO_TIME.to_owned())
}

/// `api killed by its own memory limit (64 MiB), python3 pid 295`; a process that is in no
/// container is told with its unit or whatever its cgroup belongs to.
fn said(report: &Report) -> String {
    let (who, said, victim) = quiet::parts(report, None);
    let owner = report.verdict.place.as_ref().and_then(|place| place.owner());
    // What has a name is told by it, a container without one by its id.
    let named = report.verdict.subject.as_ref().is_some_and(|subject| subject.name.is_some())
        || report.verdict.container_id.is_some();
    let place = owner.filter(|_| !named).map(|owner| format!(" of {owner}"));
    let place = place.filter(|place| !said.contains(place.trim_start_matches(" of ")));
    let who = match (who, place) {
        (Some(who), Some(place)) if !who.contains(" in ") => Some(format!("{who}{place}")),
        (Some(who), _) => Some(who),
        (None, Some(place)) => Some(format!("a process{place}")),
        (None, None) => None,
    };
    let mut words = who.map_or(said.clone(), |who| format!("{who} {said}"));
    // The counter's own words, where nothing else is known of a kill.
    if report.verdict.at.is_none()
        && report.verdict.victims.is_empty()
        && let Some(detail) = &report.verdict.detail
    {
        words.push_str(&format!(", {detail}"));
    }
    victim.map_or(words.clone(), |victim| format!("{words}, {victim}"))
}

/// The lines, with the commands beside them where all fit.
fn rows(deaths: &[Death], page: Page) -> Vec<Line> {
    let grade = |death: &Death| words::grade(death.report.verdict.confidence);
    let whole: Vec<(String, &str)> = deaths
        .iter()
        .map(|death| {
            let time = layout::pad(&when(&death.report.verdict), TIME_WIDTH);
            (escape::terminal(&format!("{time}  {}", said(&death.report))), grade(death))
        })
        .collect();
    let width = |(line, grade): &(String, &str)| layout::width(line) + 3 + grade.len();
    let longest = whole.iter().map(width).max().unwrap_or_default();
    let command = |death: &Death| death.command.as_deref().map(escape::terminal);
    let beside = deaths.iter().filter_map(command).map(|it| layout::width(&it)).max();
    let fits = beside.is_none_or(|beside| longest + 2 + beside <= page.width);
    let mut lines = Vec::new();
    for (death, (line, grade)) in deaths.iter().zip(whole) {
        let mut text = format!("{line} — {}", painted(death, grade, page));
        let command = command(death);
        if let Some(command) = command.as_ref().filter(|_| fits) {
            let gap = longest.saturating_sub(width(&(line, grade)));
            text.push_str(&format!("{}  {command}", " ".repeat(gap)));
        }
        lines.push(Line::plain(text));
        if let Some(command) = command.filter(|_| !fits) {
            lines.push(Line::plain(format!("{}  {command}", " ".repeat(TIME_WIDTH))));
        }
    }
    lines
}

fn painted(death: &Death, grade: &str, page: Page) -> String {
    if !page.colour {
        return grade.to_owned();
    }
    let style = grade_style(death.report.verdict.confidence);
    format!("{style}{grade}{style:#}")
}
