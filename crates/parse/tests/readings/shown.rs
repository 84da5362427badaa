//! How a reading is listed: a record as `Debug` shows it without what was not seen, and places as lines
//! instead of bytes (`L3`, `L3-L7`; a part of a line with its columns, `L3:5-20`, counted in bytes from 1).

use std::collections::BTreeMap;

use casefile::{Source, Span};
use parse::Sighting;
use parse::record::Record;

/// Longer ones are broken.
const WIDTH: usize = 150;
/// Rows of one task table that are shown.
const ROWS: usize = 3;

/// All records of a text, under its name; if one kind has more than `most`, of the others their number and
/// a digest.
pub(crate) fn shown(name: &str, source: Source, text: &str, most: usize) -> String {
    let mut told = format!("=== {name}\n");
    let mut counted: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for sighting in parse::read(source, text) {
        let record = format!("{:?}", sighting.record);
        let kind = record.split([' ', '{', '"']).next().unwrap_or_default().to_owned();
        let (count, digest) = counted.entry(kind).or_default();
        *count += 1;
        if *count > most {
            *digest = digested(*digest, &format!("{sighting:?}"));
        } else {
            told.push_str(&one(&sighting, text));
        }
    }
    for (kind, (count, digest)) in counted.iter().filter(|(_, (count, _))| *count > most) {
        told.push_str(&format!("and {} more {kind} {digest:016x}\n", count - most));
    }
    told
}

fn one(sighting: &Sighting, text: &str) -> String {
    let record = tree(&format!("{:#?}", sighting.record), text);
    let place = place(sighting.span, text);
    let at = sighting.at.map(|at| compact(&tree(&format!("{at:#?}"), text))).unwrap_or_default();
    let mut told = format!("{place} {at} {}", quoted(sighting.span.of(text).unwrap_or("NO TEXT")));
    if matches!(sighting.record, Record::Counter(_) | Record::Machine(_)) {
        told = format!("{place} {at} {}\n", compact(&record));
    } else {
        told.push('\n');
        write(&record, 1, &mut told);
    }
    told
}

/// FNV-1a: a change of what is not shown is seen, too.
fn digested(start: u64, words: &str) -> u64 {
    let step = |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    words.bytes().fold(start ^ 0xcbf2_9ce4_8422_2325, step)
}

fn quoted(words: &str) -> String {
    let whole: Vec<char> = words.chars().collect();
    let short = |part: &[char]| part.iter().collect::<String>().escape_debug().to_string();
    match (whole.get(..60), whole.get(whole.len().saturating_sub(30)..)) {
        (Some(first), Some(last)) if whole.len() > 100 => {
            format!("“{} … {}”", short(first), short(last))
        }
        _ => format!("“{}”", short(&whole)),
    }
}

fn place(span: Span, text: &str) -> String {
    let before = |at: usize| text.get(..at).unwrap_or_default();
    let line = |at: usize| before(at).matches('\n').count() + 1;
    let column = |at: usize| at - before(at).rfind('\n').map_or(0, |end| end + 1) + 1;
    let (first, last) = (line(span.start), line(span.end));
    let whole = column(span.start) == 1
        && text.get(span.end..).is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'));
    match (whole, first == last) {
        _ if span.of(text).is_none() => format!("OUTSIDE {span:?}"),
        (true, true) => format!("L{first}"),
        (true, false) => format!("L{first}-L{last}"),
        (false, true) => format!("L{first}:{}-{}", column(span.start), column(span.end)),
        (false, false) => {
            format!("L{first}:{}-L{last}:{}", column(span.start), column(span.end))
        }
    }
}

/// What `{:#?}` shows, as a tree: a word, or an opening, what stands in it, and a closing.
enum Tree {
    Word(String),
    Group(String, Vec<Tree>, String),
}

fn tree(pretty: &str, text: &str) -> Tree {
    let mut open: Vec<(String, Vec<Tree>)> = vec![(String::new(), Vec::new())];
    for line in pretty.lines().map(|line| line.trim().trim_end_matches(',')) {
        if line.ends_with(['(', '{', '[']) {
            open.push((line.to_owned(), Vec::new()));
            continue;
        }
        let child = match (line.starts_with([')', '}', ']']), open.len() > 1) {
            (true, true) => {
                let (head, inside) = open.pop().unwrap_or_default();
                Some(closed(head, inside, line, text))
            }
            _ => seen(line).then(|| Tree::Word(line.to_owned())),
        };
        if let Some((_, inside)) = open.last_mut() {
            inside.extend(child);
        }
    }
    let (head, mut inside) = open.remove(0);
    if inside.len() == 1 { inside.remove(0) } else { Tree::Group(head, inside, String::new()) }
}

/// False for what the text does not show.
fn seen(word: &str) -> bool {
    ![": None", ": []", ": {}", ": false"].iter().any(|end| word.ends_with(end))
}

/// A closed group: `Some(x)` and `Bytes(x)` are x, a span is its place, and of many rows the first are told.
fn closed(head: String, mut inside: Vec<Tree>, end: &str, text: &str) -> Tree {
    let bound = |word: &str, of: &str| word.strip_prefix(of).and_then(|at| at.parse().ok());
    if let ([Tree::Word(from), Tree::Word(to)], Some(key)) = (&*inside, head.strip_suffix("Span {"))
        && let (Some(start), Some(end)) = (bound(from, "start: "), bound(to, "end: "))
    {
        return Tree::Word(format!("{key}{}", place(Span { start, end }, text)));
    }
    if head.ends_with("tasks: [") && inside.len() > ROWS {
        let more: Vec<String> = inside.split_off(ROWS).iter().map(compact).collect();
        let digest = digested(0, &more.concat());
        inside.push(Tree::Word(format!("{} more {digest:016x}", more.len())));
    }
    let wrappers = ["Some(", "Bytes(", "Moment(", "CgroupPath(", "ContainerId("];
    match wrappers.iter().find_map(|wrapper| head.strip_suffix(wrapper)) {
        Some(key) if inside.len() == 1 => match inside.remove(0) {
            Tree::Word(word) => Tree::Word(format!("{key}{word}")),
            Tree::Group(head, inside, end) => Tree::Group(format!("{key}{head}"), inside, end),
        },
        _ => joined(head, inside, end),
    }
}

/// A group in a group is one: `Kernel(Oom(OomReport {`.
fn joined(head: String, mut inside: Vec<Tree>, end: &str) -> Tree {
    match (inside.pop(), inside.len()) {
        (Some(Tree::Group(inner, children, inner_end)), 0) if head.ends_with('(') => {
            Tree::Group(format!("{head}{inner}"), children, format!("{inner_end}{end}"))
        }
        (last, _) => {
            inside.extend(last);
            Tree::Group(head, inside, end.to_owned())
        }
    }
}

fn compact(tree: &Tree) -> String {
    match tree {
        Tree::Word(word) => shortened(word),
        Tree::Group(head, inside, end) => {
            let inside: Vec<String> = inside.iter().map(compact).collect();
            format!("{head}{}{end}", inside.join(", "))
        }
    }
}

/// Full identifiers by their ends.
fn shortened(word: &str) -> String {
    let mut told = String::new();
    for part in word.split_inclusive(|letter: char| !letter.is_ascii_hexdigit()) {
        match (part.get(..8), part.get(60..)) {
            (Some(first), Some(last)) if part.len() < 66 => {
                told.push_str(&format!("{first}…{last}"));
            }
            _ => told.push_str(part),
        }
    }
    told
}

/// As many fields on a line as it has room for; what is itself too long stands on lines of its own.
fn write(tree: &Tree, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let short = |line: &str| line.chars().count() <= WIDTH;
    let whole = compact(tree);
    let (Tree::Group(head, inside, end), false) = (tree, short(&whole)) else {
        out.push_str(&format!("{indent}{whole}\n"));
        return;
    };
    out.push_str(&format!("{indent}{head}\n"));
    let mut line = String::new();
    let flush = |line: &mut String, out: &mut String| {
        if !line.is_empty() {
            out.push_str(&format!("{indent}  {line}\n"));
            line.clear();
        }
    };
    for child in inside {
        let told = compact(child);
        if !short(&told) {
            flush(&mut line, out);
            write(child, depth + 1, out);
            continue;
        }
        if !short(&format!("{line}, {told}")) {
            flush(&mut line, out);
        }
        let gap = if line.is_empty() { "" } else { ", " };
        line.push_str(&format!("{gap}{told}"));
    }
    flush(&mut line, out);
    out.push_str(&format!("{indent}{end}\n"));
}
