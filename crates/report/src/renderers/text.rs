//! The page for a terminal: the whole answer in its first line, then what it rests on.
//!
//! Sections appear only when they have content, and nothing is said twice. Colour repeats what the
//! words say already: without it the page is complete. Commands to paste are never broken over
//! lines, even where they are wider than the page.

mod sections;

use anstyle::{AnsiColor, Style};
use judge::verdict::Confidence;

use crate::{Report, escape, layout, words};

/// How the page looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Columns.
    pub width: usize,
    /// Whether to write colours (ANSI SGR).
    pub colour: bool,
    /// Also each exhibit's command to check it by hand, and every gap.
    pub verbose: bool,
}

impl Page {
    /// The narrowest page that is laid out; a narrower terminal wraps by itself.
    pub const NARROWEST: usize = 40;
    /// The widest page: longer lines are hard to read.
    pub const WIDEST: usize = 120;
}

/// One finished line and how it is shown.
pub(crate) struct Line {
    text: String,
    style: Style,
}

impl Line {
    /// A line without a style of its own.
    pub(crate) fn plain(text: String) -> Self {
        Self { text, style: Style::new() }
    }

    /// A line in one style.
    pub(crate) fn styled(text: String, style: Style) -> Self {
        Self { text, style }
    }
}

/// The report as a page of text, ended by a line break.
pub fn render(report: &Report, page: Page) -> String {
    let page = Page { width: page.width.clamp(Page::NARROWEST, Page::WIDEST), ..page };
    let mut blocks: Vec<Vec<Line>> = vec![headline(report, page)];
    blocks.extend(sections::all(report, page).into_iter().filter(|block| !block.is_empty()));
    let mut out = String::new();
    for (position, block) in blocks.iter().enumerate() {
        if position > 0 {
            out.push('\n');
        }
        for line in block {
            push_line(&mut out, line, page.colour);
        }
    }
    out
}

/// The decisive words of a quote.
fn marked() -> Style {
    Style::new().bold().underline()
}

/// Writes a finished line.
pub(crate) fn push_line(out: &mut String, line: &Line, colour: bool) {
    let text = escape::terminal_line(line.text.trim_end());
    let opening = if colour { line.style.render().to_string() } else { String::new() };
    let closing = if colour { line.style.render_reset().to_string() } else { String::new() };
    out.push_str(&opening);
    for character in text.chars() {
        match character {
            layout::MARK if colour => out.push_str(&marked().render().to_string()),
            layout::UNMARK if colour => {
                out.push_str(&marked().render_reset().to_string());
                out.push_str(&opening);
            }
            layout::MARK | layout::UNMARK => {}
            _ => out.push(character),
        }
    }
    out.push_str(&closing);
    out.push('\n');
}

/// The colour of a grade; the grade itself is a word.
pub(crate) fn grade_style(confidence: Confidence) -> Style {
    let colour = match confidence {
        Confidence::Proven => AnsiColor::Green,
        Confidence::Likely => AnsiColor::Cyan,
        Confidence::Possible | Confidence::Unknown => AnsiColor::Yellow,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

/// The sentence, with the grade at the right end of its first line.
fn headline(report: &Report, page: Page) -> Vec<Line> {
    let grade = words::grade(report.verdict.confidence);
    let sentence = escape::terminal(&words::headline(report));
    let room = page.width.saturating_sub(grade.len() + 2);
    let mut lines = layout::wrap(&sentence, room).into_iter();
    let first = lines.next().unwrap_or_default();
    let bold = Style::new().bold();
    let padded = layout::pad(&first, room + 2);
    // Two styles on one line: written here, because a line knows only one.
    let first = if page.colour {
        let grade_style = grade_style(report.verdict.confidence);
        format!("{bold}{padded}{bold:#}{grade_style}{grade}{grade_style:#}")
    } else {
        format!("{padded}{grade}")
    };
    let rest = lines.map(|line| Line::styled(line, bold));
    std::iter::once(Line::plain(first)).chain(rest).collect()
}
