//! Rows of `docker ps -a`, `docker compose ps -a`, `podman ps -a` and `docker stats`, with or
//! without their header, and the JSON of the same commands.
//!
//! The status sentence (`Exited (137) 3 minutes ago`, docker/cli and moby's
//! `container.State.String`) is what makes a row; a row without one is left alone.

use casefile::{Bytes, ContainerId, Limit, Span};
use settings::quantity::{Dialect, parse as parse_amount};

use super::Raw;
use crate::Sighting;
use crate::json::Node;
use crate::record::{ContainerRecord, Form, Record};

/// The rows among lines.
pub(super) fn read(text: &str, lines: &[Raw<'_>]) -> Vec<Sighting> {
    let mut header: Option<Header> = None;
    let mut found = Vec::new();
    for line in lines {
        if let Some(seen) = Header::of(line.words, line.span, text) {
            header = Some(seen);
            continue;
        }
        let known = header.as_ref();
        let record = stats_row(line.words, known).or_else(|| ps_row(text, line, known));
        // A table ends with the first line that is no row; Compose v1 rules a line below its header.
        if record.is_none() && !line.words.bytes().all(|byte| byte == b'-') {
            header = None;
        }
        found.extend(record.map(|record| container(record, line.span)));
    }
    found
}

fn container(record: ContainerRecord, span: Span) -> Sighting {
    Sighting { record: Record::Container(Box::new(record)), span, at: None }
}

/// Which command's header was seen, and where its last column (the name) begins in the line.
struct Header {
    stats: bool,
    compose_v1: bool,
    names_at: Option<usize>,
    images: bool,
}

impl Header {
    fn of(words: &str, span: Span, text: &str) -> Option<Self> {
        let line_start = text.get(..span.start)?.rfind('\n').map_or(0, |end| end + 1);
        let indent = span.start - line_start;
        let stats = words.contains("MEM USAGE / LIMIT");
        let compose_v1 = words.starts_with("Name ") && words.contains(" State ");
        let titles = ["CONTAINER ID", "NAMES", "NAME ", "STATUS", "IMAGE"];
        let ps = titles.iter().filter(|title| words.contains(**title)).count() >= 2
            && words.contains("STATUS");
        let names_at = words
            .find("NAMES")
            .map(|at| at + indent)
            .or_else(|| words.starts_with("NAME").then_some(indent));
        (stats || ps || compose_v1).then(|| Self {
            stats,
            compose_v1,
            names_at,
            images: words.contains("IMAGE"),
        })
    }
}

/// What a status sentence says.
#[derive(Debug, Default)]
struct Status {
    start: usize,
    end: usize,
    word: &'static str,
    exit_code: Option<i64>,
    running: bool,
    paused: bool,
    health: Option<&'static str>,
}

fn ps_row(text: &str, line: &Raw<'_>, header: Option<&Header>) -> Option<ContainerRecord> {
    let words = line.words;
    let first = words.split_whitespace().next()?;
    let id = ContainerId::parse(first).filter(|_| matches!(first.len(), 12 | 64));
    let status = status(words)
        .filter(|status| status.exit_code.is_some() || id.is_some() || header.is_some())
        .or_else(|| compose_v1_status(words, header))?;
    let before = words.get(..status.start)?.trim();
    let after = words.get(status.end..)?.trim();
    let name = name_by_header(text, line, header).or_else(|| {
        let last = after.split_whitespace().next_back();
        match (&id, before.is_empty()) {
            (Some(_), _) | (None, true) => last,
            (None, false) => before.split_whitespace().next(),
        }
    });
    // A name is one word of few characters; anything else was prose.
    let name = name.filter(|name| is_name(name));
    if id.is_none() && name.is_none() {
        return None;
    }
    if id.is_none() && header.is_none() && !row_like(before, after) {
        return None;
    }
    let image = match (&id, header.is_some_and(|header| header.images)) {
        (Some(_), _) => before.split_whitespace().nth(1),
        (None, true) => before.split_whitespace().nth(1).filter(|image| is_name(image)),
        (None, false) => None,
    };
    Some(ContainerRecord {
        form: Some(Form::PsRow),
        id,
        name: name.map(str::to_owned),
        image: image.map(str::to_owned),
        status: Some(status.word.to_owned()),
        running: Some(status.running),
        paused: status.paused.then_some(true),
        exit_code: status.exit_code,
        health: status.health.map(str::to_owned),
        ..ContainerRecord::default()
    })
}

/// Columns, not a sentence: at most one word on a side of the status, or wide gaps.
fn row_like(before: &str, after: &str) -> bool {
    let narrow = |side: &str| side.split_whitespace().nth(1).is_none();
    (narrow(before) && narrow(after)) || before.contains("  ") || before.contains('\t')
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "_.-/:@,".contains(c))
}

/// The word in the header's NAMES column, if the columns were kept.
fn name_by_header<'a>(text: &'a str, line: &Raw<'_>, header: Option<&Header>) -> Option<&'a str> {
    let at = header?.names_at?;
    let line_start = text.get(..line.span.start)?.rfind('\n').map_or(0, |end| end + 1);
    let row = text.get(line_start..line.span.end)?;
    let cell = row.get(at..)?;
    let begins = at == 0 || row.get(..at)?.ends_with(char::is_whitespace);
    let word = cell.split_whitespace().next()?;
    (begins && cell.starts_with(word)).then_some(word)
}

/// `Exited (137) 3 minutes ago`, `Up 2 hours (unhealthy)`, `Restarting (137) 5 seconds ago`,
/// `Created`, `Dead`.
fn status(words: &str) -> Option<Status> {
    for (word, name) in [("Exited (", "exited"), ("Restarting (", "restarting")] {
        for (start, _) in words.match_indices(word) {
            let rest = words.get(start + word.len()..)?;
            let Some((code, rest)) = rest.split_once(')') else { continue };
            let Ok(code) = code.trim().parse() else { continue };
            let end = words.len() - rest.len();
            let ago = rest.find(" ago").filter(|at| *at < 30).map(|at| at + " ago".len());
            if let Some(ago) = ago {
                return Some(Status {
                    start,
                    end: end + ago,
                    word: name,
                    exit_code: Some(code),
                    running: name == "restarting",
                    ..Status::default()
                });
            }
        }
    }
    up(words).or_else(|| {
        // A column of its own: between wide gaps or at an edge.
        [("Created", "created"), ("Dead", "dead"), ("Removal In Progress", "removing")]
            .into_iter()
            .find_map(|(word, name)| {
                let start = words.match_indices(word).find_map(|(at, _)| {
                    let before = words.get(..at)?;
                    let after = words.get(at + word.len()..)?;
                    let gap = |side: bool, text: &str| {
                        text.is_empty()
                            || if side { text.ends_with("  ") } else { text.starts_with("  ") }
                    };
                    (gap(true, before) && gap(false, after)).then_some(at)
                })?;
                Some(Status { start, end: start + word.len(), word: name, ..Status::default() })
            })
    })
}

fn up(words: &str) -> Option<Status> {
    const UNITS: [&str; 7] = ["second", "minute", "hour", "day", "week", "month", "year"];
    let (start, _) = words.match_indices("Up ").find(|(at, _)| {
        words.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
    })?;
    let rest = words.get(start..)?;
    let (unit, length) = UNITS
        .iter()
        .filter_map(|unit| rest.find(unit).map(|at| (at, unit.len())))
        .min()
        .filter(|(at, _)| *at < 30)?;
    let mut end = start + unit + length;
    if words.get(end..)?.starts_with('s') {
        end += 1;
    }
    let note = words.get(end..)?.strip_prefix(" (").and_then(|rest| rest.split_once(')'));
    let note = note.map_or("", |(note, _)| note);
    Some(Status {
        start,
        end,
        word: if note == "Paused" { "paused" } else { "running" },
        exit_code: None,
        running: true,
        paused: note == "Paused",
        health: match note {
            "healthy" => Some("healthy"),
            "unhealthy" => Some("unhealthy"),
            note if note.starts_with("health: starting") => Some("starting"),
            _ => None,
        },
    })
}

/// Compose v1: `web_1   python app.py   Exit 137`.
fn compose_v1_status(words: &str, header: Option<&Header>) -> Option<Status> {
    if !header?.compose_v1 {
        return None;
    }
    let start = words.rfind("  Exit ")? + 2;
    let code = words.get(start..)?.strip_prefix("Exit ")?.split_whitespace().next()?;
    Some(Status {
        start,
        end: words.len(),
        word: "exited",
        exit_code: Some(code.parse().ok()?),
        ..Status::default()
    })
}

/// `ID NAME 0.00% 62.1MiB / 64MiB 97.03% …`
fn stats_row(words: &str, header: Option<&Header>) -> Option<ContainerRecord> {
    let slash = words.match_indices('/').find_map(|(at, _)| {
        let before = words.get(..at)?.trim_end();
        let after = words.get(at + 1..)?.trim_start();
        let (head, usage) = trailing_amount(before)?;
        let (limit, tail) = leading_amount(after)?;
        Some((head, usage, limit, tail))
    });
    let (head, usage, limit, tail) = slash?;
    let under_header = header.is_some_and(|header| header.stats);
    let cpu = head.split_whitespace().next_back().is_some_and(is_percentage);
    let memory = tail.split_whitespace().next().is_some_and(is_percentage);
    let between_percentages = cpu && memory;
    if !(under_header || between_percentages) {
        return None;
    }
    let mut columns: Vec<&str> = head.split_whitespace().collect();
    if cpu {
        columns.pop();
    }
    let id = columns.first().and_then(|first| ContainerId::parse(first));
    let name = columns.get(usize::from(id.is_some())).filter(|name| is_name(name));
    if id.is_none() && name.is_none() {
        return None;
    }
    Some(ContainerRecord {
        form: Some(Form::Stats),
        id,
        name: name.map(|name| (*name).to_owned()),
        usage: shown_usage(usage, limit),
        // Docker shows the machine's memory where no limit is set; the row does not tell.
        memory: shown_limit(limit),
        ..ContainerRecord::default()
    })
}

/// The limit of a stats row. `0B / 0B` is how a container that does not run is shown: nothing was
/// read, and a limit of zero is none.
fn shown_limit(limit: Bytes) -> Option<Limit> {
    (limit > Bytes(0)).then_some(Limit::At(limit))
}

/// The usage beside a limit; without the limit nothing was read.
fn shown_usage(usage: Bytes, limit: Bytes) -> Option<Bytes> {
    (limit > Bytes(0) || usage > Bytes(0)).then_some(usage)
}

fn is_percentage(word: &str) -> bool {
    word.strip_suffix('%').is_some_and(|number| number == "--" || number.parse::<f64>().is_ok())
}

/// The amount at the end of a text and what stands before it: `62.1MiB`, `62.1 MiB`.
fn trailing_amount(text: &str) -> Option<(&str, Bytes)> {
    let (head, last) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
    if let Some(amount) = amount(last) {
        return Some((head, amount));
    }
    let head = head.trim_end();
    let (further, number) = head.rsplit_once(char::is_whitespace).unwrap_or(("", head));
    Some((further, amount(&format!("{number}{last}"))?))
}

fn leading_amount(text: &str) -> Option<(Bytes, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if let Some(amount) = amount(first) {
        return Some((amount, rest));
    }
    let rest = rest.trim_start();
    let (unit, further) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    Some((amount(&format!("{first}{unit}"))?, further))
}

/// An amount with its unit: a bare number is something else.
fn amount(word: &str) -> Option<Bytes> {
    (word.ends_with(['B', 'b']) && word.starts_with(|c: char| c.is_ascii_digit()))
        .then(|| parse_amount(word, Dialect::Human))
        .flatten()
}

/// `--format json` of `ps`, `compose ps` and `stats`, and the Engine API's container list.
pub(super) fn from_json(node: &Node) -> Option<Sighting> {
    let text = |key: &str| node.get(key).and_then(Node::as_str);
    let id = text("ID").or_else(|| text("Id")).or_else(|| text("Container"));
    let names = node
        .get("Names")
        .and_then(|names| names.as_str().or_else(|| names.items().first().and_then(Node::as_str)));
    let name = names.or_else(|| text("Name")).map(|name| name.trim_start_matches('/').to_owned());
    let mut record =
        ContainerRecord { id: id.and_then(ContainerId::parse), name, ..ContainerRecord::default() };
    if let Some((usage, limit)) = text("MemUsage").and_then(|usage| usage.split_once('/')) {
        record.form = Some(Form::Stats);
        let usage = amount(&usage.replace(' ', ""))?;
        let limit = amount(&limit.replace(' ', ""));
        record.usage = shown_usage(usage, limit.unwrap_or(usage));
        record.memory = limit.and_then(shown_limit);
        return Some(container(record, node.span));
    }
    let state = text("State")?;
    let sentence = text("Status").and_then(status);
    if sentence.is_none() && node.get("Service").is_none() && node.get("Names").is_none() {
        return None;
    }
    record.form = Some(Form::PsRow);
    record.image = text("Image").map(str::to_owned);
    record.status = Some(state.to_owned());
    record.running = Some(matches!(state, "running" | "paused" | "restarting"));
    let code = node.get("ExitCode").and_then(Node::as_i64);
    record.exit_code = sentence
        .as_ref()
        .and_then(|status| status.exit_code)
        .or(code.filter(|_| matches!(state, "exited" | "dead" | "restarting" | "stopped")));
    record.health = text("Health")
        .filter(|health| !health.is_empty())
        .map(str::to_owned)
        .or_else(|| sentence.and_then(|status| status.health).map(str::to_owned));
    Some(container(record, node.span))
}
