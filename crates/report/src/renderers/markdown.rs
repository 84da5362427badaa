//! Markdown for a ticket, a post-mortem or a pull request, after CommonMark 0.31 and GitHub's
//! tables-free subset: headings, lists and fenced blocks only.
//!
//! The quote is shown whole, in a fence that it cannot close; everything else is escaped prose.

use judge::verdict::Killer;

use crate::{Evidence, Report, escape, words};

/// The report as Markdown, ended by a line break.
pub fn render(report: &Report) -> String {
    let verdict = &report.verdict;
    let mut out = String::new();
    let sentence = escape::markdown(&words::headline(report));
    push(&mut out, &format!("**{sentence}** ({})", words::grade(verdict.confidence)));
    let facts: Vec<String> = words::facts(report)
        .iter()
        .map(|fact| match fact.label {
            "" => escape::markdown(&fact.text),
            label => format!("{label}: {}", escape::markdown(&fact.text)),
        })
        .collect();
    list(&mut out, None, &facts);
    for sentence in &verdict.contradictions {
        push(&mut out, "");
        push(&mut out, &escape::markdown(sentence));
    }
    evidence(&mut out, &report.evidence);
    let rivals = words::rivals_by_reason(report)
        .into_iter()
        .map(|(names, because)| format!("{}: {}", names.join(", "), escape::markdown(because)));
    list(&mut out, Some("Ruled out"), &rivals.collect::<Vec<_>>());
    let rivals = verdict.candidates.iter().filter(|rival| rival.killer != verdict.killer);
    let rivals = rivals.map(|rival| {
        let name = words::candidate(rival.killer);
        let grade = words::grade(rival.confidence);
        format!("{name} ({grade}): {}", escape::markdown(&rival.because))
    });
    let heading = if verdict.killer == Killer::Unknown { "It can be" } else { "Not ruled out" };
    list(&mut out, Some(heading), &rivals.collect::<Vec<_>>());
    let settle = verdict
        .would_settle_it
        .iter()
        .map(|one| format!("{}: {}", escape::markdown(&one.missing), prose_or_code(&one.how)));
    list(&mut out, Some("Any of these would settle it"), &settle.collect::<Vec<_>>());
    let others =
        report.findings.iter().map(|finding| escape::markdown(&super::quiet::line(finding)));
    list(&mut out, Some("Also seen"), &others.collect::<Vec<_>>());
    let gaps = verdict.gaps.iter().map(|gap| {
        let text = format!("{}, {}: {}", gap.source.title(), gap.tried, gap.because);
        format!("{}; it would tell: {}", escape::markdown(&text), escape::markdown(&gap.would_tell))
    });
    list(&mut out, Some("Not read"), &gaps.collect::<Vec<_>>());
    remedies(&mut out, report);
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn list(out: &mut String, heading: Option<&str>, items: &[String]) {
    if items.is_empty() {
        return;
    }
    push(out, "");
    if let Some(heading) = heading {
        push(out, &format!("### {heading}"));
        push(out, "");
    }
    for item in items {
        push(out, &format!("- {item}"));
    }
}

fn evidence(out: &mut String, evidence: &[Evidence]) {
    if evidence.is_empty() {
        return;
    }
    push(out, "");
    push(out, "### Evidence");
    for one in evidence {
        push(out, "");
        let title = escape::markdown(&one.title());
        let says = escape::markdown(&one.says);
        let colon = if says.is_empty() { "" } else { ": " };
        push(out, &format!("{}. {title}{colon}{says}", one.number));
        if let Some(quote) = one.quote.as_deref().filter(|quote| !quote.trim().is_empty()) {
            fenced(out, quote.trim_end(), &" ".repeat(one.number.to_string().len() + 2));
        }
    }
}

/// A block whose text is shown as it is, indented to belong to its list item.
fn fenced(out: &mut String, text: &str, lead: &str) {
    let (fence, lines) = escape::markdown_fence(text);
    push(out, "");
    push(out, &format!("{lead}{fence}text"));
    for line in lines {
        push(out, &format!("{lead}{line}"));
    }
    push(out, &format!("{lead}{fence}"));
}

/// A command in a line: the ticks are longer than any run of ticks inside.
fn code_span(text: &str) -> String {
    let shown = escape::terminal(text);
    let mut longest = 0;
    let mut run = 0;
    for character in shown.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let ticks = "`".repeat(longest + 1);
    // A space inside parts the ticks from a tick at the edge; CommonMark takes both away again.
    let edge = if shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{ticks}{edge}{shown}{edge}{ticks}")
}

/// A command to paste as code, anything else as prose.
fn prose_or_code(text: &str) -> String {
    if words::is_command(text) { code_span(text) } else { escape::markdown(text) }
}

fn remedies(out: &mut String, report: &Report) {
    if report.verdict.remedies.is_empty() {
        return;
    }
    push(out, "");
    push(out, "### Next");
    for remedy in &report.verdict.remedies {
        push(out, "");
        if remedy.change.trim_end().contains('\n') {
            let mut lines = remedy.change.trim_end().lines();
            push(out, &format!("- {}", escape::markdown(lines.next().unwrap_or_default())));
            let rest: Vec<&str> = lines.collect();
            fenced(out, &rest.join("\n"), "  ");
            push(out, "");
        } else {
            push(out, &format!("- {}", prose_or_code(&remedy.change)));
        }
        for (label, text) in
            [("effect", &remedy.effect), ("risk", &remedy.risk), ("undo", &remedy.undo)]
        {
            if !text.trim().is_empty() {
                push(out, &format!("  - {label}: {}", prose_or_code(text)));
            }
        }
    }
}
